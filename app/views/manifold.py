"""The Manifold page: what the decoder makes of every part of a latent plane."""

import streamlit as st

from app import parts, selecting, state
from app.components import manifold, picture
from app.resources import kind

opened, current = parts.opened()
parts.heading("Manifold", "What does the decoder make of every part of the plane?")
parts.invitation(opened)
left, right = st.columns([5, 3], gap="medium")
with left:
    manifold(
        "manifold",
        scene=parts.scene(opened, current),
        n=current.grid,
        model_name=opened.name,
        on_pin=parts.pin,
        on_n=lambda n: state.adopt(grid=n),
    )
    across, up = (parts.ordinal(dim) for dim in current.axes)
    held = "" if opened.latent_dim == 2 else " The other dimensions stay at the pinned code."
    st.caption(
        f"Pictures at evenly spaced quantiles of the prior, Φ⁻¹((i + ½) / n): {across} runs to the "
        f"right, {up} upwards. Each cell is as probable as any other.{held}"
    )
with right:
    if opened.latent_dim > 2:
        with st.container(horizontal=True):
            parts.plane_choice(opened)
    picture("picture", scene=parts.scene(opened, current), size=280)
    st.caption(f"Trained on {opened.card.dataset}, {kind(opened)} pixels")
    selecting.small_map(opened, current)
