"""What people do with a training: the Train page's row of controls, and its steering wheel."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal

import numpy as np
import streamlit as st

from app import state
from app.resources import trainings
from app.views.train import form
from vae_core import runs
from vae_core.config import TrainConfig
from vae_core.errors import LatentExplorerError
from vae_core.runs import Change, RunConfig, RunStatus

Kind = Literal["primary", "secondary", "tertiary"]

ACTIONS: dict[str, tuple[str, Callable[[Path], None]]] = {
    "pause": ("Pause", runs.pause),
    "resume": ("Resume", runs.resume),
    "step": ("One step", runs.step),
    "epoch": ("One epoch", runs.epoch),
    "stop": ("Stop", runs.stop),
}
#: What makes sense in each state.
SENSIBLE: dict[runs.State, tuple[str, ...]] = {
    "queued": ("pause",),
    "running": ("pause", "stop"),
    "paused": ("resume", "step", "epoch", "stop"),
    "interrupted": ("resume", "step", "epoch", "stop"),
    "failed": ("resume", "stop"),
    "stopped": ("resume",),
    "finished": (),
}
#: What ends somebody's work.
ENDING = ("stop", "delete")
TRAINED = ("finished", "stopped")
CAN_GO_ON = (*TRAINED, "paused", "interrupted")
CAN_BE_REWOUND = (*CAN_GO_ON, "failed")
STEERED = ("queued", "running", "paused", "interrupted", "failed")
#: What a training may have in all.
MOST_EPOCHS = 100_000
NAMES = {"learning_rate": "learning rate", "beta": "beta", "epochs": "epochs"}
HELP = {
    "learning_rate": "At the top of its schedule: warm-up and decay go on over it.",
    "beta": "Weight of the KL term, once its warm-up is over.",
}
#: Lowest and highest power of ten on the wheel.
DECADES = {"learning_rate": (-6, 0), "beta": (-2, 2)}


def attempt(name: str, action: Callable[[], object]) -> None:
    """Do something to a training; a refusal is told beside its controls until the next try."""
    state.remember("refused", None)
    try:
        action()
    except (LatentExplorerError, OSError) as error:
        state.remember("refused", (name, str(error)))
    trainings.clear_statuses()


def is_own(config: RunConfig) -> bool:
    """Whether a training was started in this session."""
    return config.owner == state.owner()


def controls(now: RunStatus) -> None:
    """Show what can be done with a training as it stands, in one row."""
    allowed = runs.limits().training
    with st.container(horizontal=True, key="train-controls"):
        if now.state in TRAINED:
            button("go", "Explore it", now, lambda: explore(now.folder.name), kind="primary")
        if allowed:
            for action in SENSIBLE[now.state]:
                ask(action, now)
            if now.state in CAN_GO_ON:
                more_epochs(now)
            if now.state in CAN_BE_REWOUND and now.step:
                rewind(now)
            button("copy", "Copy and change", now, lambda: copy(now.folder), kind="tertiary")
            button("delete", "Delete", now, lambda: delete(now.folder), kind="tertiary")
    if not allowed:
        st.caption("Training is turned off on this server: what was trained can be looked at.")
    refused = state.recall("refused")
    if refused is not None and refused[0] == now.folder.name:
        st.error(f"Not done: {refused[1]}.")


def ask(action: str, now: RunStatus) -> None:
    """Show a button that asks a training for something."""
    label, act = ACTIONS[action]
    first = action == "resume" and now.state not in TRAINED
    button(
        action, label, now, lambda: attempt(now.folder.name, lambda: act(now.folder)),
        kind="primary" if first else "secondary",
    )  # fmt: skip


def button(action: str, label: str, now: RunStatus, act: Callable[[], None], *, kind: Kind) -> None:
    """Show a button that does something to this training, whichever is shown when it is pressed.

    What would end somebody else's training asks first.
    """
    key = f"train-{action}-{now.folder.name}"
    if action not in ENDING or is_own(now.config):
        st.button(label, type=kind, on_click=act, key=key)
        return
    with st.popover(label, type=kind):
        st.markdown(
            "It was not started in this session: somebody else may be at work with it, or watch it."
        )
        st.button(f"{label} it", on_click=act, key=key)


def explore(name: str) -> None:
    """Open a trained model in every page."""
    state.update(model=name)
    state.remember("go", "explore")


def more_epochs(now: RunStatus) -> None:
    """Offer to train for more epochs than it was to have."""
    name, total = now.folder.name, now.config.training.epochs
    with st.popover("More epochs", type="tertiary"):
        most = max(1, MOST_EPOCHS - total)
        more = st.number_input("How many more", 1, most, min(total, most), key=f"train-more-{name}")
        st.caption(
            f"It ends after epoch {total + more:,} then. A learning rate that decays climbs back "
            "to where a training of that length would have it."
        )
        if st.button("Go on", type="primary", key=f"train-extend-{name}"):
            attempt(name, lambda: runs.extend(now.folder, more))
            st.rerun()


def rewind(now: RunStatus) -> None:
    """Offer to go back to the initial weights, which loses what was learnt."""
    with st.popover("Rewind", type="tertiary"):
        st.markdown(
            f"Back to the initial weights: what was learnt in {now.step:,} steps is lost, and "
            "settings that were changed are as they were at first. A copy would keep both."
        )
        if st.button("Rewind and lose it", key=f"train-rewind-{now.folder.name}"):
            attempt(now.folder.name, lambda: runs.rewind(now.folder))
            st.rerun()


def copy(folder: Path) -> None:
    """Open the settings of a new training, filled with those of this one."""

    def fill() -> None:
        form.fill(runs.status(folder).config)
        state.fill({"train-new": True})

    attempt(folder.name, fill)


def delete(folder: Path) -> None:
    """Delete a training; the page shows another, and can bring it back until it is left."""

    def put_away() -> None:
        name = runs.delete(folder)
        state.remember("deleted", [*state.recall("deleted", []), (folder.parent, name)])
        state.update(run=None)
        runs.purge(folder.parent)

    attempt(folder.name, put_away)


def undo() -> None:
    """Offer to bring back what was deleted since the page was opened, the last one first."""
    deleted = state.recall("deleted", [])
    if not deleted:
        return
    _, name = deleted[-1]
    more = f", and {len(deleted) - 1} before it" if len(deleted) > 1 else ""
    with st.container(horizontal=True, vertical_alignment="center", key="train-deleted"):
        st.markdown(f"**{name}** is deleted{more}.", width="content")
        st.button("Undo", on_click=bring_back, key="train-undo")


def bring_back() -> None:
    """Take the training that was deleted last out of the trash."""
    *before, (root, name) = state.recall("deleted")
    state.remember("deleted", before)
    trainings.clear_statuses()
    try:
        state.update(run=runs.restore(root, name).name)
    except (LatentExplorerError, OSError) as error:
        state.notify(str(error))


def wheel(now: RunStatus) -> None:
    """Show what a training can go on with, and take it over when it is applied."""
    if now.state not in STEERED or not runs.limits().training:
        return
    name, training = now.folder.name, now.config.training
    with (
        st.expander("Steer", expanded=now.state == "failed", key=f"train-steer-{now.state}"),
        st.form(f"train-wheel-{name}", border=False),
    ):
        columns = st.columns([3, 3, 1], vertical_alignment="bottom", gap="medium")
        chosen = {}
        for column, setting in zip(columns, steerable(training), strict=False):
            present = getattr(training, setting)
            chosen[setting] = column.select_slider(
                NAMES[setting].capitalize(),
                scale(setting, present),
                present,
                format_func=written,
                help=HELP[setting],
                key=f"train-{setting}-{name}-{present:g}",
            )
        changed = {key: v for key, v in chosen.items() if v != getattr(training, key)}
        if columns[-1].form_submit_button("Apply") and changed:
            attempt(name, lambda: runs.change(now.folder, **changed))
            st.rerun()


def steerable(training: TrainConfig) -> tuple[str, ...]:
    """Name the settings that the wheel turns; the weight of the KL term is not everybody's."""
    has_beta = training.learner == "aevb" and training.objective != "dreg"
    return ("learning_rate", "beta") if has_beta else ("learning_rate",)


def scale(setting: str, present: float) -> list[float]:
    """Return 1, 2, 5, 10, … over the decades of a setting, with the value that it has."""
    low, high = DECADES[setting]
    marks = {float(f"{digit}e{power}") for power in range(low, high) for digit in (1, 2, 5)}
    zero = {0.0} if setting == "beta" else set()
    return sorted(marks | zero | {10.0**high, present})


def written(value: float) -> str:
    """Write a value of the wheel without an exponent."""
    return np.format_float_positional(value, trim="-")


def told(change: Change) -> str:
    """Tell what was changed."""
    return ", ".join(f"{NAMES[name]} {written(value)}" for name, value in change.settings.items())
