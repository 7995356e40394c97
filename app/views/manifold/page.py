"""The Manifold page: what the decoder makes of every part of a latent plane."""

import streamlit as st

from app import state, words
from app.address import State
from app.components.manifold import manifold
from app.resources.opened_model import Opened
from app.widgets import downloads, header, pinned, scenes, selection
from vae_core.models.priors import PRIORS


def take_side(n: int) -> None:
    """Take over the number of cells a side."""
    state.adopt(grid=n)


def explained(model: Opened, shown: State) -> str:
    """Say where the cells lie."""
    across, up = (words.ordinal(dim) for dim in scenes.axes(model, shown))
    if model.latent_dim == 1:
        said = f"Pictures at evenly spaced quantiles of the prior, line by line: {across} grows on."
    else:
        said = (
            "Pictures at evenly spaced quantiles of the prior, Φ⁻¹((i + ½) / n): "
            f"{across} runs to the right, {up} upwards."
        )
    kind = model.card.model.prior
    if PRIORS[kind].is_mixture:
        said += (
            " The prior is a mixture: the quantiles are those of the Gaussian that has its mean "
            "and spread in each dimension."
        )
    else:
        said += " Each cell is as probable as any other."
    if kind == "label":
        said += " The prior is that of the label above the picture."
    return said + (" The other dimensions stay at the pinned code." if model.latent_dim > 2 else "")


opened, current = scenes.opened()
header.heading("Manifold", "What does the decoder make of every part of the plane?")
left, right = st.columns([7, 3], gap="medium")
with left:
    manifold(
        "manifold",
        scene=scenes.scene(opened, current),
        n=current.grid,
        close_up=False,  # the picture on the right is larger
        model_name=opened.name,
        priors=scenes.priors(opened),
        on_pin=pinned.pin,
        on_n=take_side,
    )
    st.caption(explained(opened, current))
with right:
    if opened.latent_dim > 2:
        with st.container(horizontal=True):
            scenes.plane_choice(opened)
    pinned.live_picture(opened, current, size=336)
    selection.small_map(opened, current)
    st.caption("Where the cell lies among the codes of the test set")
downloads.invitation(opened)
