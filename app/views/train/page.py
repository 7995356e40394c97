"""The Train page: how a latent space comes to be."""

import streamlit as st

from app import state
from app.views.train import controls, form, progress
from app.widgets import header, scenes

if state.recall("go") == "explore":
    state.remember("go", None)
    st.switch_page("views/explore/page.py")

opened, current = scenes.opened()
header.heading("Train", "How does a latent space come to be?")
controls.undo()
now = progress.chosen(current)
if now is None:
    left, right = st.columns([1, 3], gap="medium")
    with right:
        progress.invite(opened, current)
    with left:  # last, since the first look at a dataset takes a second
        progress.start(form.form())
else:
    with st.container(horizontal=True, vertical_alignment="center"):
        progress.close_form()
        another = st.popover("Train another model", key="train-new", on_change="rerun")
        progress.others(now)
    progress.show(now)
    with another:
        progress.start(form.form())
