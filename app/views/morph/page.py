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


def first_cards(model: Opened) -> tuple[Card, ...]:
    """Return initial codes: typical examples of the first classes, else the first examples."""
    labels = model.codes.labels
    if labels is None:
        rows = list(range(min(ENDS, len(model.codes.ids))))
    elif model.card.model.conditional:  # codes do not separate classes: four of the same label
        rows = (labels == labels[0]).nonzero()[:ENDS, 0].tolist()
    else:
        present = sorted(set(labels.tolist()))[:ENDS]
        rows = [examples.typical(model, label) for label in present]
    return tuple(
        Card(
            label=card_name(model, int(model.codes.ids[row])), z=tuple(model.codes.mu[row].tolist())
        )
        for row in rows
    )


def card_name(model: Opened, example: int) -> str:
    """Return an example's class; its id for a conditional model, whose code lacks the class."""
    label = None if model.card.model.conditional else model.label(example)
    return label or f"#{example}"


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
    collection=state.recall(memory) or Morph(cards=first_cards(opened)),
    morph_version=state.version(),
    codes=opened.codes_address,
    model_name=opened.name,
    on_pin=pinned.on_pin,
    on_morph=lambda collection: state.remember(memory, collection),
)
