"""Jobs in other processes: their states in words, and commands that may be refused."""

from collections.abc import Callable

import streamlit as st

from app import state, words
from vae_core.errors import LatentExplorerError

ACTIVE = ("queued", "running", "paused")
STATES = {
    "queued": "In the queue",
    "running": "Training",
    "paused": "Paused",
    "stopped": "Stopped early",
    "finished": "Finished",
    "failed": "Failed",
    "interrupted": "Interrupted",
}


def attempt(name: str, action: Callable[[], object]) -> None:
    """Run a command on a job and remember why it was refused, until the next attempt."""
    state.remember("refused", None)
    try:
        action()
    except (LatentExplorerError, OSError) as error:
        state.remember("refused", (name, words.without_paths(error)))


def show_refusal(name: str) -> None:
    """Show why the last command on a job was refused."""
    refused = state.recall("refused")
    if refused is not None and refused[0] == name:
        st.error(f"Not done: {refused[1]}.")
