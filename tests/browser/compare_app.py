"""The app, with the results of studies in the server's own folder of runs."""

import os
from pathlib import Path

import streamlit as st

from app import main
from vae_core import studies

studies.RESULTS = Path(os.environ["VAE_RUNS_DIR"]) / "studies"

app = st.App(main.NAVIGATION, **main.OPTIONS)
