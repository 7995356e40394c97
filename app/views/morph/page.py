"""The Morph page: what lies between two pictures, and what adding codes means."""

import streamlit as st

from app import state
from app.address import State
from app.components.morph import Card, Morph, morph
from app.components.styles import styles
from app.resources import examples, inference
from app.resources.opened_model import Opened
from app.widgets import header, pinned, scenes

ENDS = 4
#: Styles below the code that is shown.
OTHER_STYLES = 4


def first_cards(model: Opened) -> tuple[Card, ...]:
    """Return codes to begin with: typical examples of the first classes, else the first ones."""
    labels = model.codes.labels
    if labels is None:
        rows = list(range(min(ENDS, len(model.codes.ids))))
    elif model.card.model.conditional:  # classes lie on one another: several ways to write one
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
    """Name a code by its example's class; by its id where the class is no part of the code."""
    label = None if model.card.model.conditional else model.label(example)
    return label or f"id {example}"


def under_every_label(model: Opened, shown: State) -> None:
    """Show the pinned code, and others, under every label that the model can be given."""
    st.subheader("One style, every label", anchor=False)
    by_label = scenes.priors(model) if model.card.model.prior == "label" else None
    styles(
        "styles",
        scene=scenes.scene(model, shown),
        names=model.condition_names,
        draws=inference.sample_prior(model, OTHER_STYLES, seed=shown.seed).tolist(),
        priors=by_label,
        on_pin=pinned.pin,
    )
    carried = "" if by_label is None else " A style is how far a code lies from its label's mean."
    st.caption(
        "The model is told what to write, so that z is left to say how: a row is one z under "
        f"every label.{carried} The first row follows the code that is shown; choose a picture to "
        "pin its code and its label."
    )
    st.button("Draw other styles", on_click=draw_again, args=(shown.seed,), key="w-styles")


def draw_again(seed: int) -> None:
    """Draw with the next seed."""
    state.update(seed=seed + 1)


opened, current = scenes.opened()
header.heading("Morph", "What lies between two pictures?")
if opened.condition_names:
    scenes.label_choice(opened, current)
    under_every_label(opened, current)
memory = f"morph-{opened.hash}"
morph(
    "morph",
    scene=scenes.scene(opened, current),
    morph=state.recall(memory) or Morph(cards=first_cards(opened)),
    morph_version=state.version(),
    codes=opened.codes_address,
    model_name=opened.name,
    on_pin=pinned.pin,
    on_morph=lambda collected: state.remember(memory, collected),
)
