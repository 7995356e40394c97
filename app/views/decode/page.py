"""Decode: what each latent dimension does."""

import streamlit as st

from app.address import State
from app.components.sliders import sliders
from app.figures import raster
from app.resources import datasets, examples
from app.resources.opened_model import Opened
from app.widgets import downloads, header, pinned, scenes, selection

NEAREST = 12


def nearest_training_images(model: Opened, shown: State) -> None:
    """Show the training images nearest to the decoded one, or offer to download the data."""
    title = "Nearest training images"
    if datasets.is_present(model.card.dataset):
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


opened, current = scenes.current()
header.heading("Decode", "What does each latent dimension do?")
left, right = st.columns([5, 4], gap="medium")
with left:
    sliders(
        "sliders",
        scene=scenes.build(opened, current),
        kl=opened.kl_per_dim.tolist(),
        on_pin=pinned.on_pin,
    )
    if opened.latent_dim <= 2:
        selection.show_small_map(opened, current)
with right:
    pinned.show_image(opened, current, size=420)
    pinned.describe(opened, current)
st.caption(
    f"Average KL to the prior: {opened.codes.rate.mean():.1f} nats per image of "
    f"{datasets.title(opened.card.dataset)}. {opened.active_units} of {opened.latent_dim} "
    "dimensions are active: the variance of their means over the test set exceeds 0.01."
)
if warning := opened.collapse_warning:
    st.warning(warning)
nearest_training_images(opened, current)
