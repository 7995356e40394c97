"""The Train page: how a latent space comes to be."""

import streamlit as st

from app import parts, settings, state, steering, training

if state.recall("go") == "explore":
    state.remember("go", None)
    st.switch_page("views/explore.py")

opened, current = parts.opened()
parts.heading("Train", "How does a latent space come to be?")
steering.undo()
now = training.chosen(current)
if now is None:
    left, right = st.columns([1, 3], gap="medium")
    with right:
        training.invite(opened, current)
    with left:  # last, since the first look at a dataset takes a second
        training.start(settings.form())
else:
    with st.container(horizontal=True, vertical_alignment="center"):
        training.close_form()
        another = st.popover("Train another model", key="train-new", on_change="rerun")
        training.others(now)
    training.show(now)
    with another:
        training.start(settings.form())
