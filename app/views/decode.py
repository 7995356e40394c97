"""The Decode page: what each latent dimension does."""

import numpy as np
import streamlit as st

from app import parts, resources, selecting
from app.components import sliders

opened, current = parts.opened()
parts.heading("Decode", "What does each latent dimension do?")
kl = resources.kl_per_dim(opened)
left, right = st.columns([5, 4], gap="medium")
with left:
    sliders("sliders", scene=parts.scene(opened, current), kl=kl.tolist(), on_pin=parts.pin)
    if opened.latent_dim == 2:
        selecting.small_map(opened, current)
with right:
    parts.live_picture(opened, current, size=420)
    parts.pinned_card(opened, current)
active = int(np.count_nonzero(resources.active_units(opened)))
idle = opened.latent_dim - active
collapsed = "has" if idle == 1 else "have"
st.caption(
    f"The model spends {kl.sum():.1f} nats on a picture of {opened.card.dataset}: that is how far "
    f"its posteriors are from the prior. {active} of {opened.latent_dim} dimensions are active: "
    "their means vary by more than 0.01 over the test set."
    + (f" The other {idle} {collapsed} collapsed onto the prior." if idle else "")
)
