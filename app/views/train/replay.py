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
    film = trainings.film(now.folder)
    if film is None or len(film.addresses) < 2:
        return
    st.subheader("How it came to be", anchor=False)
    replay.replay(
        f"replay-{now.folder.name}",
        film=film.told,
        addresses=film.addresses,
        classes=() if opened is None else opened.class_names,
        epochs=now.config.training.epochs,
        live=now.state not in ENDED,
    )
