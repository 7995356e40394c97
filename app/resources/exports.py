"""Models as single HTML files."""

from pathlib import Path

import streamlit as st

from app.resources import library, opened_model
from app.resources.opened_model import Opened
from vae_core import model_folder, runs
from vae_core.formats import html


def standalone_page(opened: Opened) -> bytes:
    """Return the model as one HTML page that needs no server, with its replay if it has one."""
    found = library.listed(opened.name)
    folder = model_folder.PRETRAINED if found is None else found.folder
    try:
        version = (folder / runs.REPLAY).stat().st_mtime_ns
    except FileNotFoundError:
        version = 0
    return _standalone_page(opened, folder, version)


# By folder too: a card from elsewhere may say other things of the same weights.
@st.cache_resource(show_spinner=False, max_entries=4, hash_funcs={Opened: opened_model.cache_key})
def _standalone_page(opened: Opened, folder: Path, replay_version: int) -> bytes:
    replay = runs.read_replay(folder)
    film = None if replay is None else runs.replay_bundles.small_bundle(replay, opened.card.model)
    return html.page(opened.saved, film=film)
