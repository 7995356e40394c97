"""Train: how a latent space emerges."""

import streamlit as st

from app import state
from app.views.train import controls, form, progress
from app.widgets import header, scenes

if state.recall("go") == "explore":
    state.remember("go", None)
    st.switch_page("views/explore/page.py")

opened, current = scenes.current_vae()
header.heading("Train", "How does a latent space emerge?")
controls.undo()
status = progress.chosen(current)
if status is None:
    left, right = st.columns([1, 3], gap="medium")
    with right:
        progress.show_introduction(opened, current)
    with left:  # last, since a dataset takes a second to load
        progress.start(form.form())
else:
    with st.container(horizontal=True, vertical_alignment="center"):
        progress.close_form()
        another = st.popover("Train another model", key="train-new", on_change="rerun")
        if not another.open:
            form.leave()
        progress.show_all(status)
    progress.show(status)
    with another:
        progress.start(form.form())
