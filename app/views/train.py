"""The Train page: how a latent space comes to be."""

import streamlit as st

from app import parts, state, training

if state.recall("go") == "explore":
    state.remember("go", None)
    st.switch_page("views/explore.py")

opened, current = parts.opened()
parts.heading("Train", "How does a latent space come to be?")
now = training.chosen(current)
if now is None:
    left, right = st.columns([1, 3], gap="medium")
    with left:
        training.form()
    with right:
        training.invite(opened, current)
else:
    with st.container(horizontal=True, vertical_alignment="center"):
        with st.popover("Train another model"):
            training.form()
        training.others(now)
    if now.state in ("queued", "running", "paused"):
        training.watch(now.folder.name, now.state)
    else:
        training.show(now)
