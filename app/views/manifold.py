"""The Manifold page: what the decoder makes of every part of a latent plane."""

import streamlit as st

from app import parts, selecting, state
from app.components import manifold


def take_side(n: int) -> None:
    """Take over the number of cells a side."""
    state.adopt(grid=n)


opened, current = parts.opened()
parts.heading("Manifold", "What does the decoder make of every part of the plane?")
left, right = st.columns([7, 3], gap="medium")
with left:
    manifold(
        "manifold",
        scene=parts.scene(opened, current),
        n=current.grid,
        close_up=False,  # the picture on the right is larger
        model_name=opened.name,
        on_pin=parts.pin,
        on_n=take_side,
    )
    across, up = (parts.ordinal(dim) for dim in parts.axes(opened, current))
    held = "" if opened.latent_dim == 2 else " The other dimensions stay at the pinned code."
    st.caption(
        f"Pictures at evenly spaced quantiles of the prior, Φ⁻¹((i + ½) / n): {across} runs to the "
        f"right, {up} upwards. Each cell is as probable as any other.{held}"
    )
with right:
    if opened.latent_dim > 2:
        with st.container(horizontal=True):
            parts.plane_choice(opened)
    parts.live_picture(opened, current, size=336)
    selecting.small_map(opened, current)
    st.caption("Where the cell lies among the codes of the test set")
parts.invitation(opened)
