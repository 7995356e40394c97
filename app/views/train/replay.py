"""The replay of a training, as the Train page shows it."""

from __future__ import annotations

import streamlit as st

from app.components import replay
from app.resources import trainings
from app.resources.opened_model import Opened
from vae_core.runs import RunStatus

#: States in which no more frames come by themselves.
ENDED = ("finished", "stopped", "failed")


def show(now: RunStatus, opened: Opened | None) -> None:
    """Show how the space of a training came to be; nothing before there are two frames."""
    recorded = trainings.replay(now.folder)
    if recorded is None or len(recorded.addresses) < 2:
        return
    st.subheader("How it came to be", anchor=False)
    replay.replay(
        f"replay-{now.folder.name}",
        film=recorded.description,
        addresses=recorded.addresses,
        classes=() if opened is None else opened.class_names,
        epochs=now.config.training.epochs,
        live=now.state not in ENDED,
    )
