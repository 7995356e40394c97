"""Compare: what the studies found, and how two models differ."""

import streamlit as st

from app import state
from app.views.compare import models, studies
from app.widgets import header, scenes

MODES = {"studies": "Studies", "models": "Two models"}

opened, current = scenes.current()
header.heading("Compare", "What makes one model better than another?")
names = models.names()
candidates = models.others(opened, names)
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
if current.other is None:
    studies.show(current)
else:
    state.remember("compared", current.other)
    models.show(opened, current, names)
