"""The entry point that Streamlit Community Cloud looks for; it listens as that platform asks."""

import streamlit as st

from app.main import NAVIGATION, OPTIONS

app = st.App(NAVIGATION, **OPTIONS)
