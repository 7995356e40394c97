"""The Decode page: what each latent dimension does."""

import numpy as np
import streamlit as st

from app import figures, parts, resources
from app.address import State
from app.components import sliders
from app.resources import Opened
from app.widgets import selection

NEAREST = 12


def nearest_training(model: Opened, shown: State) -> None:
    """Show the training pictures that are nearest to the decoded one: a copy would be among them.

    The heading is there with the pictures or the invitation to fetch them, else not at all.
    """
    if resources.training_at_hand(model):
        y = parts.label_given(model, shown)
        z = resources.pinned_z(model, shown.z, shown.pinned_id, shown.y)
        found = resources.nearest_training(model, z, y, NEAREST)
        if found is None:
            return
        st.subheader("Nearest training pictures", anchor=False)
        st.image(
            figures.mosaic(found.images, NEAREST),
            alt=f"The {len(found.images)} training pictures nearest to the decoded one",
        )
        usual = model.card.metrics.get("test_distance")
        st.caption(
            f"Nearest first to the decoded picture of the pinned code: {found.distances[0]:.2f} to "
            f"{found.distances[-1]:.2f} away over all pixels. One at 0 would be a copy."
            + (f" Test pictures are {usual.value:.2f} from theirs." if usual else "")
        )
    elif resources.missing_dataset(model.card.dataset) is not None:
        st.subheader("Nearest training pictures", anchor=False)
        parts.invitation(model, "What the model learnt from is shown here once it is.")


opened, current = parts.opened()
parts.heading("Decode", "What does each latent dimension do?")
kl = resources.kl_per_dim(opened)
left, right = st.columns([5, 4], gap="medium")
with left:
    sliders("sliders", scene=parts.scene(opened, current), kl=kl.tolist(), on_pin=parts.pin)
    if opened.latent_dim <= 2:
        selection.small_map(opened, current)
with right:
    parts.live_picture(opened, current, size=420)
    parts.pinned_card(opened, current)
active = int(np.count_nonzero(resources.active_units(opened)))
st.caption(
    f"The model spends {kl.sum():.1f} nats on a picture of {opened.card.dataset}: that is how far "
    f"its posteriors are from the prior. {active} of {opened.latent_dim} dimensions are active: "
    "their means vary by more than 0.01 over the test set."
)
if warning := resources.collapse_warning(opened):
    st.warning(warning)
nearest_training(opened, current)
