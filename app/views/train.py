"""The Train page: how a latent space comes to be."""

import streamlit as st

from app import parts, state, training

if state.recall("go") == "explore":
    state.remember("go", None)
    st.switch_page("views/explore.py")

parts.heading("Train", "How does a latent space come to be?")
left, right = st.columns([1, 3], gap="medium")
now = training.chosen(state.current())
with left:
    training.form()
    training.others(now)
with right:
    if now is None:
        st.markdown(
            "Nothing has been trained here yet. Choose the data and press **Train**: curves, map "
            "and manifold appear here and grow with every epoch. You can leave the page meanwhile."
        )
    elif now.state in ("queued", "running", "paused"):
        training.watch(now.folder.name, now.state)
    else:
        training.show(now)
