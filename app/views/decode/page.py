"""Decode: what each latent dimension does."""

import streamlit as st

from app import words
from app.address import State
from app.components.sliders import sliders
from app.figures import raster
from app.resources import datasets, examples
from app.resources.opened_model import Opened
from app.widgets import downloads, header, pinned, scenes, selection
from vae_core.models import priors

NEAREST = 12
NO_ENCODER = (
    "This model has no encoder, so its dimensions have no rate. They are in the decoder's order."
)
NO_BOUND = (
    "This model has no log-variance, so its codes have no rate (KL to a prior). Dimensions are in "
    "the decoder's order."
)


def nearest_training_images(model: Opened, shown: State) -> None:
    """Show the training images nearest to the decoded one, or offer to download the data."""
    title = "Nearest training images"
    if datasets.is_present(model.card.dataset, trusted=model.names_data):
        z, y = scenes.pinned_z(model, shown), scenes.pinned_y(model, shown)
        found = examples.nearest_training_images(model, z, y, NEAREST)
        if found is None:
            return
        st.subheader(title, anchor=False)
        st.image(
            raster.mosaic(found.images, NEAREST),
            alt=f"The {len(found.images)} training images nearest to the decoded one",
        )
        typical = model.card.metrics.get("test_distance")
        st.caption(
            f"Nearest first to the decoded image: pixel distances {found.distances[0]:.2f} to "
            f"{found.distances[-1]:.2f}. 0 means an exact copy."
            + (f" Typical test image: {typical.value:.2f}." if typical else "")
        )
    elif datasets.missing(model.card.dataset) is not None:
        st.subheader(title, anchor=False)
        downloads.offer(model, "It is needed to show what the model learnt from.")


def describe_rate(model: Opened) -> str:
    """Say what the model's codes cost, and whether the dimensions' numbers add up to it."""
    if not model.has_encoder:
        return NO_ENCODER
    if not model.has_bound:
        return NO_BOUND
    rate = f"Rate (average KL to the prior): {words.number(float(model.codes.rate.mean()))} nats "
    sentence = f"{rate}per image of {datasets.title(model.card.dataset)}."
    if priors.is_mixture(model.card.model.prior):
        sentence += (
            " The number of each dimension is its KL to that dimension of the prior alone. The "
            "prior is a mixture, under which dimensions depend on each other, so these numbers do "
            "not add up to the rate."
        )
    return sentence


opened, current = scenes.current()
header.heading("Decode", "What does each latent dimension do?")
left, right = st.columns([5, 4], gap="medium")
with left:
    sliders(
        "sliders",
        scene=scenes.build(opened, current),
        kl=opened.kl_per_dim.tolist() if opened.has_bound else None,
        ranges=opened.ranges.tolist(),
        on_pin=pinned.on_pin,
    )
    if opened.latent_dim <= 2:
        selection.show_small_map(opened, current)
with right:
    pinned.show_image(opened, current, size=420)
    with st.container(key="part-description"):
        pinned.describe(opened, current)
with st.container(key="part-rate"):
    st.caption(describe_rate(opened))
if warning := opened.collapse_warning:
    st.warning(warning)
with st.container(key="part-nearest"):
    nearest_training_images(opened, current)
