"""Morph: what lies between two images, and what adding codes does."""

import streamlit as st

from app import state
from app.address import State
from app.components.morph import Card, Morph, morph
from app.components.styles import styles
from app.resources import examples, inference
from app.resources.opened_model import Opened
from app.widgets import header, pinned, scenes

ENDS = 4
#: Sampled styles below the current code.
OTHER_STYLES = 4


def first_collection(model: Opened) -> Morph:
    """Return initial codes: the ends of a path, and an example of arithmetic where there is one."""
    ends = first_rows(model)
    terms = examples.analogy(model) or ()
    rows = list(dict.fromkeys([*ends, *terms]))
    cards = tuple(
        Card(card_name(model, row, rows), tuple(model.codes.mu[row].tolist())) for row in rows
    )
    return Morph(
        cards=cards,
        path=tuple(range(len(ends))),
        terms=tuple(map(rows.index, terms)) or (None, None, None),
    )


def first_rows(model: Opened) -> list[int]:
    """Return rows of typical examples of the first classes, else of the first examples."""
    labels = model.codes.labels
    if labels is None:
        return list(range(min(ENDS, len(model.codes.ids))))
    if model.card.model.conditional:  # codes do not separate classes: four of the same label
        rows: list[int] = (labels == labels[0]).nonzero()[:ENDS, 0].tolist()
        return rows
    return [examples.typical(model, label) for label in sorted(set(labels.tolist()))[:ENDS]]


def card_name(model: Opened, row: int, rows: list[int]) -> str:
    """Return the class of a row's example; its id where it has none or an earlier row has the same.

    A conditional model's code lacks the class.
    """
    labels = model.codes.labels
    example = int(model.codes.ids[row])
    name = None if model.card.model.conditional else model.label(example)
    if name is None or labels is None:
        return f"#{example}"
    earlier = rows[: rows.index(row)]
    return f"{name}, #{example}" if labels[row] in labels[earlier] else name


def show_styles(model: Opened, shown: State) -> None:
    """Show the pinned code and sampled codes under every label of a conditional model."""
    st.subheader("One style, every label", anchor=False)
    by_label = scenes.priors(model) if model.card.model.prior == "label" else None
    styles(
        "styles",
        scene=scenes.build(model, shown),
        names=model.condition_names,
        draws=inference.sample_prior(model, OTHER_STYLES, seed=shown.seed).tolist(),
        priors=by_label,
        on_pin=pinned.on_pin,
    )
    note = "" if by_label is None else " A style is the distance of a code from its label's mean."
    st.caption(
        "The label sets what is drawn, z how: each row shows one z under every label."
        f"{note} The first row follows the current code. Click an image to choose its code and "
        "label."
    )
    st.button(
        "Sample other styles",
        on_click=state.update,
        kwargs={"seed": shown.seed + 1},
        key="w-styles",
    )


opened, current = scenes.current()
header.heading("Morph", "What lies between two images?")
if opened.condition_names:
    scenes.label_choice(opened, current)
    with st.container(key="part-styles"):
        show_styles(opened, current)
memory = f"morph-{opened.hash}"
morph(
    "morph",
    scene=scenes.build(opened, current),
    collection=state.recall(memory) or first_collection(opened),
    morph_version=state.version(),
    codes=opened.codes_address,
    model_name=opened.name,
    on_pin=pinned.on_pin,
    on_morph=lambda collection: state.remember(memory, collection),
)
