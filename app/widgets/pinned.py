"""The pinned code: its live picture, its card, and how it changes."""

import streamlit as st

from app import state, words
from app.address import State
from app.components.contract import Pin
from app.components.picture import picture
from app.figures import raster
from app.resources import examples, library
from app.resources.opened_model import Opened
from app.widgets import gallery, graphs, scenes


def live_picture(model: Opened, shown: State, *, size: int) -> None:
    """Show the picture of the code under the pointer; on a phone it floats in a corner."""
    scenes.label_choice(model, shown)
    drawn = graphs.are_data_of(model)
    size = min(size, graphs.LIVE_SIDE) if drawn else size  # room for both on one screen
    with st.container(key="live-picture"):
        picture("picture", scene=scenes.scene(model, shown), size=size)
    if drawn:
        graphs.follow(scenes.scene(model, shown), size=size)


def pin(chosen: Pin) -> None:
    """Take over what a panel pinned: an example by its id, anything else by its code.

    An example brings its own label; a free code keeps the one that was given.
    """
    if chosen.pinned_id is not None:
        state.adopt(z=None, pinned_id=chosen.pinned_id, y=None)
        return
    shown = state.current()
    y = chosen.y
    if y is None:
        y = scenes.label_given(library.open_model(shown.model), shown)
    state.adopt(z=chosen.z, pinned_id=None, y=y)


def pin_example(example: int) -> None:
    """Pin an example from Python."""
    state.update(z=None, pinned_id=example, y=None)


def pinned_card(model: Opened, shown: State) -> None:
    """Say what is pinned: an example with its figures, or a code with the nearest example."""
    if shown.pinned_id is None:
        z = scenes.pinned_z(model, shown.z, None, shown.y)
        nearest = examples.nearest_codes(model, z, 1)
        example, distance = int(nearest.ids[0]), float(nearest.distances[0])
        where = "The prior's mean is pinned" if shown.z is None else "A free code is pinned"
        st.markdown(
            f"{where}. The nearest is {gallery.named(model, example)}, {distance:.2f} away."
        )
        st.button("Pin that example", on_click=pin_example, args=(example,))
        return
    row = model.row[shown.pinned_id]
    rate, distortion = float(model.codes.rate[row]), float(model.codes.distortion[row])
    original = examples.pictures(model, [shown.pinned_id])
    st.markdown(f"Pinned: {gallery.named(model, shown.pinned_id)}")
    bound = (
        f"rate {words.number(rate)} nats, distortion {words.number(distortion)} nats "
        f"({model.pixel_kind})"
    )
    if graphs.are_data_of(model):
        graphs.pinned(model, shown.pinned_id)
        st.caption(bound)
        return
    left, right = st.columns([1, 2], vertical_alignment="center")
    left.image(raster.picture(original.images[0], 112), alt=original.kind[:-1].capitalize())
    right.markdown(f"{original.kind[:-1].capitalize()}  \n{bound}")
