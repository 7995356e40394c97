"""Learn: how a variational autoencoder works."""

import streamlit as st

from app import state
from app.views.learn import catalogue, method, training
from app.widgets import header

SECTIONS = {
    "lessons": "Lessons",
    "method": "The method",
    "training": "Train in this page",
}
SHOWN = {"lessons": catalogue.show, "method": method.show, "training": training.show}

header.heading("Learn", "How does a variational autoencoder work?")
st.segmented_control(
    "Section",
    SECTIONS,
    format_func=SECTIONS.__getitem__,
    label_visibility="collapsed",
    **state.bind("section"),
)
with st.container(key=f"part-{state.current().section}"):
    SHOWN[state.current().section]()
