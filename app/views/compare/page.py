"""Compare: what the studies found, and how two models differ."""

import streamlit as st

from app import state
from app.views.compare import models, studies
from app.widgets import header, scenes

MODES = {"studies": "Studies", "models": "Two models"}

opened, current = scenes.current_vae()
header.heading("Compare", "What makes one model better than another?")
names = models.names()
candidates = [] if opened is None else models.others(opened, names)
if opened is None:
    st.info(
        "Two models are compared at one code z, which a Boltzmann machine does not have. The "
        "studies need no model; among them is one of Boltzmann machines."
    )
if candidates:
    before = state.recall("compared")
    suggested = before if before in candidates else candidates[0]
    st.segmented_control(
        "Show",
        MODES,
        format_func=MODES.__getitem__,
        label_visibility="collapsed",
        **state.bind(
            "other",
            part="mode",
            to_widget=lambda other: "studies" if other is None else "models",
            from_widget={"studies": None, "models": suggested}.__getitem__,
        ),
    )
if opened is None or current.other is None:
    studies.show(current)
else:
    state.remember("compared", current.other)
    models.show(opened, current, names)
