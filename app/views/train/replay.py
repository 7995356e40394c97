"""The replay of a training on the Train page."""

import streamlit as st

from app.components import replay
from app.resources import trainings
from app.resources.opened_model import Opened
from vae_core.runs import RunStatus

#: States in which no more frames are recorded.
ENDED = ("finished", "stopped", "failed")


def show(status: RunStatus, opened: Opened | None) -> None:
    """Show the replay of a training that has at least two frames."""
    recorded = trainings.replay(status.folder)
    if recorded is None or len(recorded.addresses) < 2:
        return
    st.subheader("Training replay", anchor=False)
    replay.replay(
        f"replay-{status.folder.name}",
        recording=recorded.description,
        addresses=recorded.addresses,
        classes=() if opened is None else opened.class_names,
        epochs=status.config.training.epochs,
        live=status.state not in ENDED,
    )
