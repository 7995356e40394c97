"""Manifold: what the decoder generates all over a latent plane."""

import streamlit as st

from app import state, words
from app.address import State
from app.components.manifold import manifold
from app.resources.opened_model import Opened
from app.widgets import downloads, header, pinned, scenes, selection
from vae_core.models import priors

#: Said of a model whose prior was fitted to its codes.
OF_CODES = (
    "This model has no prior; it stands for one that has the mean and spread of the codes in each "
    "dimension."
)


def describe_grid(model: Opened, shown: State) -> str:
    """Describe where the cells lie in the latent space."""
    across, up = (words.dimension(dim) for dim in scenes.axes(model, shown))
    kind = model.card.model.prior
    where = f"{across} increases to the right, {up} upwards."
    if model.latent_dim == 1:
        where = f"{across} increases line by line."
    sentences = [f"Decoded images at quantiles of the prior, Φ⁻¹((i + ½) / n): {where}"]
    if kind == "codes":
        sentences.append(OF_CODES)
    elif priors.is_mixture(kind):
        sentences.append(
            "This prior is a mixture; the quantiles are those of a Gaussian with its mean and "
            "variance in each dimension."
        )
    else:
        sentences.append("Each cell covers equal prior probability.")
    if kind == "label":
        sentences.append("The prior is that of the chosen label.")
    if model.latent_dim > 2:
        sentences.append("Other dimensions are fixed at the current code.")
    return " ".join(sentences)


opened, current = scenes.current()
header.heading("Manifold", "What does the decoder generate all over the plane?")
left, right = st.columns([7, 3], gap="medium")
with left:
    manifold(
        "manifold",
        scene=scenes.build(opened, current),
        n=current.grid,
        close_up=False,  # the image on the right is larger
        model_name=opened.name,
        priors=scenes.priors(opened),
        on_pin=pinned.on_pin,
        on_n=lambda n: state.update_from_panel(grid=n),
    )
    with st.container(key="part-manifold-caption"):
        st.caption(describe_grid(opened, current))
with right:
    if opened.latent_dim > 2:
        with st.container(horizontal=True, key="part-plane"):
            scenes.plane_choice(opened)
    pinned.show_image(opened, current, size=336)
    selection.show_small_map(opened, current)
    st.caption("This cell on the latent map")
downloads.offer(opened)
