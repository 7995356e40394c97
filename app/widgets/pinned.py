"""The pinned code: its image, its description, and how panels change it."""

import html

import numpy as np
import streamlit as st

from app import conditions, state, words
from app.address import State
from app.components.contract import Pin
from app.components.picture import picture
from app.figures import raster
from app.resources import examples, library
from app.resources.opened_model import Opened
from app.widgets import gallery, graphs, scenes

#: Distance in a dimension that numbers in an address and in half precision do not resolve.
NEARLY = 2e-3
#: Columns of an example that are listed before the others are unfolded.
MOST_COLUMNS = 8


def show_image(model: Opened, shown: State, *, size: int) -> None:
    """Show the image of the code under the pointer; on a phone it floats in a corner."""
    scenes.label_choice(model, shown)
    is_graph = graphs.are_data_of(model)
    size = min(size, graphs.LIVE_SIDE) if is_graph else size  # leaves room for the drawing
    with st.container(key="live-picture"):
        picture("picture", scene=scenes.build(model, shown), size=size)
    if is_graph:
        graphs.draw_decoded(scenes.build(model, shown), size=size)


def on_pin(pin: Pin) -> None:
    """Store what a panel pinned: an example by its id, or a code.

    An example sets its own label; a code without one keeps the current label.
    """
    if pin.pinned_id is not None:
        state.update_from_panel(z=None, pinned_id=pin.pinned_id, y=None)
        return
    shown = state.current()
    y = pin.y
    if y is None:
        y = scenes.pinned_y(library.open_model(shown.model), shown)
    state.update_from_panel(z=pin.z, pinned_id=None, y=y)


def describe(model: Opened, shown: State) -> None:
    """Describe the pinned example with its metrics, or the pinned code with its nearest example."""
    if shown.pinned_id is None:
        nearest = examples.nearest_codes(model, scenes.pinned_z(model, shown), 1)
        example, distance = int(nearest.ids[0]), float(nearest.distances[0])
        mean = scenes.prior_moments(model, scenes.pinned_y(model, shown)).mu
        centred = np.allclose(scenes.pinned_z(model, shown), mean, atol=NEARLY)
        of = "the codes" if model.card.model.prior == "codes" else "the prior"
        where = f"the centre of {of}" if centred else "a point you chose"
        st.markdown(
            f"Showing {where}. Nearest {model.example_kind}: {gallery.name_of(model, example)} "
            f"(distance {distance:.2f})."
        )
        go = {"z": None, "pinned_id": example, "y": None}
        st.button("Go to nearest image", on_click=state.update, kwargs=go)
        return
    st.markdown(f"Showing {model.example_kind} {gallery.name_of(model, shown.pinned_id)}")
    bound = bound_of(model, shown.pinned_id)
    if graphs.are_data_of(model):
        graphs.show_pinned(model, shown.pinned_id)
        st.caption(bound)
        show_columns(model, shown)
        return
    original = examples.pictures(model, [shown.pinned_id])
    kind = original.kind[:-1].capitalize()
    left, right = st.columns([1, 2], vertical_alignment="center")
    left.image(raster.picture(original.images[0], 112), alt=kind)
    right.markdown(f"{kind}  \n{bound}")
    show_columns(model, shown)


def show_columns(model: Opened, shown: State) -> None:
    """List the columns of the pinned example: first those that colour or filter the map."""
    if not model.codes.columns or shown.pinned_id is None:
        return
    first = [shown.colour, *(one.column for one in shown.filter or ())]
    ordered = sorted(model.columns, key=lambda name: name not in first)
    row = model.rows([shown.pinned_id])
    values = {
        model.columns[name].name: model.columns[name].take(row).written()[0] or "–"
        for name in ordered
        if name not in conditions.OWN
    }
    rows = [
        f"<dt>{html.escape(name)}</dt><dd>{html.escape(value)}</dd>"
        for name, value in values.items()
    ]
    listed = f'<dl class="columns">{"".join(rows[:MOST_COLUMNS])}</dl>'
    if more := rows[MOST_COLUMNS:]:
        listed += (
            f"<details><summary>{len(more)} more columns</summary>"
            f'<dl class="columns">{"".join(more)}</dl></details>'
        )
    st.html(listed)


def bound_of(model: Opened, example: int) -> str:
    """Return the rate and distortion of an example, with their unit and kind.

    What the model does not have is left out.
    """
    row = model.row[example]
    found = {name: float(getattr(model.codes, name)[row]) for name in model.facts.metrics}
    values = [f"{name} {words.number(nats)} nats" for name, nats in found.items()]
    return ", ".join(values) + (f" ({model.pixel_kind})" if "distortion" in found else "")
