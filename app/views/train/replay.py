"""The replay of a training on the Train page."""

import streamlit as st

from app.components import replay
from app.resources import trainings
from app.resources.opened_model import Opened
from vae_core.runs import RunStatus

#: States in which no more frames are recorded.
ENDED = ("finished", "stopped", "failed")


def is_recorded(status: RunStatus) -> bool:
    """Whether a training has the two frames that a replay needs."""
    recorded = trainings.replay(status.folder)
    return recorded is not None and len(recorded.addresses) > 1


def show(status: RunStatus, opened: Opened | None) -> None:
    """Show the replay of a training, closed at first while the training goes on."""
    recorded = trainings.replay(status.folder)
    if recorded is None or len(recorded.addresses) < 2:
        return
    name = status.folder.name
    if status.state in ENDED:
        st.subheader("Training replay", anchor=False)
        box = st.container()
    else:
        box = st.expander("Training replay so far", key=f"replay-open-{name}", on_change="rerun")
        if not box.open:
            return
    with box:
        replay.replay(
            f"replay-{name}",
            recording=recorded.description,
            addresses=recorded.addresses,
            classes=() if opened is None else opened.class_names,
            epochs=status.config.training.epochs,
            live=status.state not in ENDED,
        )
