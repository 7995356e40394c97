"""The Decode page: what each latent dimension does."""

import streamlit as st

from app.address import State
from app.components.sliders import sliders
from app.figures import raster
from app.resources import datasets, examples
from app.resources.opened_model import Opened
from app.widgets import downloads, header, pinned, scenes, selection

NEAREST = 12


def nearest_training(model: Opened, shown: State) -> None:
    """Show the training pictures that are nearest to the decoded one: a copy would be among them.

    The heading is there with the pictures or the invitation to fetch them, else not at all.
    """
    if datasets.is_present(model.card.dataset):
        y = scenes.label_given(model, shown)
        z = scenes.pinned_z(model, shown.z, shown.pinned_id, shown.y)
        found = examples.nearest_training_images(model, z, y, NEAREST)
        if found is None:
            return
        st.subheader("Nearest training pictures", anchor=False)
        st.image(
            raster.mosaic(found.images, NEAREST),
            alt=f"The {len(found.images)} training pictures nearest to the decoded one",
        )
        usual = model.card.metrics.get("test_distance")
        st.caption(
            f"Nearest first to the decoded picture of the pinned code: {found.distances[0]:.2f} to "
            f"{found.distances[-1]:.2f} away over all pixels. One at 0 would be a copy."
            + (f" Test pictures are {usual.value:.2f} from theirs." if usual else "")
        )
    elif datasets.missing(model.card.dataset) is not None:
        st.subheader("Nearest training pictures", anchor=False)
        downloads.invitation(model, "What the model learnt from is shown here once it is.")


opened, current = scenes.opened()
header.heading("Decode", "What does each latent dimension do?")
kl = opened.kl_per_dim
left, right = st.columns([5, 4], gap="medium")
with left:
    sliders("sliders", scene=scenes.scene(opened, current), kl=kl.tolist(), on_pin=pinned.pin)
    if opened.latent_dim <= 2:
        selection.small_map(opened, current)
with right:
    pinned.live_picture(opened, current, size=420)
    pinned.pinned_card(opened, current)
st.caption(
    f"The model spends {kl.sum():.1f} nats on a picture of {opened.card.dataset}: that is how far "
    f"its posteriors are from the prior. {opened.active_units} of {opened.latent_dim} dimensions "
    "are active: their means vary by more than 0.01 over the test set."
)
if warning := opened.collapse_warning:
    st.warning(warning)
nearest_training(opened, current)
