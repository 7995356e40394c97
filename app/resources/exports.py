"""Export models as single HTML files."""

from pathlib import Path

import streamlit as st

from app.resources import library
from app.resources.opened_model import HASH_FUNCS, Opened
from vae_core import model_folder, runs
from vae_core.config import ModelConfig
from vae_core.formats import html


def standalone_page(opened: Opened) -> bytes:
    """Return an HTML page of the model that needs no server, with its training replay if any."""
    found = library.find(opened.name)
    folder = model_folder.PRETRAINED if found is None else found.path
    try:
        version = (folder / runs.REPLAY).stat().st_mtime_ns
    except FileNotFoundError:
        version = 0
    return _standalone_page(opened, folder, version)


# Keyed by folder too: two folders may hold the same weights with different cards.
@st.cache_resource(show_spinner=False, max_entries=4, hash_funcs=HASH_FUNCS)
def _standalone_page(opened: Opened, folder: Path, replay_version: int) -> bytes:
    replay, config = runs.read_replay(folder), opened.card.model
    small = None
    if replay is not None and isinstance(config, ModelConfig):
        small = runs.replay_bundles.small_bundle(replay, config)
    return html.page(opened.saved, replay=small)
