"""Controls of a training: commands, more epochs, rewind, delete, settings."""

from collections.abc import Callable
from pathlib import Path
from typing import Literal

import numpy as np
import streamlit as st

from app import state
from app.resources import library, trainings
from app.views.train import form
from app.widgets import jobs
from vae_core import runs
from vae_core.config import TrainConfig
from vae_core.errors import LatentExplorerError
from vae_core.runs import Change, RunConfig, RunStatus

Kind = Literal["primary", "secondary", "tertiary"]

#: Label and function of each command.
COMMANDS: dict[str, tuple[str, Callable[[Path], None]]] = {
    "pause": ("Pause", runs.pause),
    "resume": ("Resume", runs.resume),
    "step": ("One step", runs.step),
    "epoch": ("One epoch", runs.epoch),
    "stop": ("Stop", runs.stop),
}
#: Commands offered in each state.
OFFERED: dict[runs.State, tuple[str, ...]] = {
    "queued": ("pause",),
    "running": ("pause", "stop"),
    "paused": ("resume", "step", "epoch", "stop"),
    "interrupted": ("resume", "step", "epoch", "stop"),
    "failed": ("resume", "stop"),
    "stopped": ("resume",),
    "finished": (),
}
#: Commands that end a training, and need a confirmation for those of other sessions.
ENDING = ("stop", "delete")
TRAINED = ("finished", "stopped")
EXTENDABLE = (*TRAINED, "paused", "interrupted")
REWINDABLE = (*EXTENDABLE, "failed")
CHANGEABLE = ("queued", "running", "paused", "interrupted", "failed")
MAX_EPOCHS = 100_000
NAMES = {"learning_rate": "learning rate", "beta": "β", "epochs": "epochs"}
TITLES = {"learning_rate": "Learning rate", "beta": "KL weight (β)"}
HELP = {
    "learning_rate": "The peak of its schedule: warm-up and decay still apply.",
    "beta": "Weight of the KL term after its warm-up.",
}
#: Lowest and highest power of ten of each setting.
DECADES = {"learning_rate": (-6, 0), "beta": (-2, 2)}


def attempt(name: str, action: Callable[[], object]) -> None:
    """Run a command on a training; a refusal is shown beside the controls."""
    jobs.attempt(name, action)
    trainings.clear_statuses()


def is_own(config: RunConfig) -> bool:
    """Whether a training was started in this session."""
    return config.owner == state.owner()


def show(status: RunStatus) -> None:
    """Show the commands that the training's state allows, in one row."""
    allowed = runs.limits().training
    folder = status.folder
    with st.container(horizontal=True, key="train-controls"):
        if status.state in TRAINED:
            button("go", "Open in Explore", status, lambda: explore(folder), kind="primary")
        if allowed:
            for command in OFFERED[status.state]:
                command_button(command, status)
            if status.state in EXTENDABLE:
                more_epochs(status)
            if status.state in REWINDABLE and status.step:
                rewind(status)
            button("copy", "Duplicate and edit", status, lambda: copy(folder), kind="tertiary")
            button("delete", "Delete", status, lambda: delete(folder), kind="tertiary")
    if not allowed:
        st.caption("Training is turned off on this server. Trained models can still be explored.")
    jobs.show_refusal(folder.name)


def command_button(command: str, status: RunStatus) -> None:
    """Show the button of a command."""
    label, action = COMMANDS[command]
    first = command == "resume" and status.state not in TRAINED
    button(
        command,
        label,
        status,
        lambda: attempt(status.folder.name, lambda: action(status.folder)),
        kind="primary" if first else "secondary",
    )


def button(
    command: str, label: str, status: RunStatus, action: Callable[[], None], *, kind: Kind
) -> None:
    """Show a button of this training, which acts on it even if another is shown by then.

    A command that ends the training of another session asks for confirmation.
    """
    key = f"train-{command}-{status.folder.name}"
    if command not in ENDING or is_own(status.config):
        st.button(label, type=kind, on_click=action, key=key)
        return
    with st.popover(label, type=kind):
        st.markdown("This training was started in another session: somebody else may be using it.")
        st.button(f"{label} it", on_click=action, key=key)


def explore(folder: Path) -> None:
    """Open a trained model in Explore."""
    state.update(model=library.name_of_trained(folder))
    state.remember("go", "explore")


def more_epochs(status: RunStatus) -> None:
    """Offer to train for additional epochs."""
    name, total = status.folder.name, status.config.training.epochs
    with st.popover("More epochs", type="tertiary"):
        most = max(1, MAX_EPOCHS - total)
        more = st.number_input(
            "Additional epochs", 1, most, min(total, most), key=f"train-more-{name}"
        )
        st.caption(
            f"Ends after epoch {total + more:,}. A decaying learning rate rises again to its value "
            "in a training of that length."
        )
        if st.button("Continue training", type="primary", key=f"train-extend-{name}"):
            attempt(name, lambda: runs.extend(status.folder, more))
            st.rerun()


def rewind(status: RunStatus) -> None:
    """Offer to restart from the initial weights."""
    name = status.folder.name
    with st.popover("Rewind", type="tertiary"):
        st.markdown(
            f"Restart from the initial weights and settings. The result of {status.step:,} steps "
            "is lost; duplicate the training to keep it."
        )
        if st.button("Rewind and discard", key=f"train-rewind-{name}"):
            attempt(name, lambda: runs.rewind(status.folder))
            st.rerun()


def copy(folder: Path) -> None:
    """Open the form of a new training, filled with this one's settings."""

    def fill() -> None:
        form.fill(runs.status(folder).config)
        state.set_widgets({"train-new": True})

    attempt(folder.name, fill)


def delete(folder: Path) -> None:
    """Move a training to the trash, from which it can be restored until the page is left."""

    def move_to_trash() -> None:
        name = runs.delete(folder)
        state.remember("deleted", [*state.recall("deleted", []), (folder.parent, name)])
        state.update(run=None)
        runs.purge(folder.parent)

    attempt(folder.name, move_to_trash)


def undo() -> None:
    """Offer to restore the training deleted last since the page was opened."""
    deleted = state.recall("deleted", [])
    if not deleted:
        return
    _, name = deleted[-1]
    more = f", and {len(deleted) - 1} before it" if len(deleted) > 1 else ""
    with st.container(horizontal=True, vertical_alignment="center", key="train-deleted"):
        st.markdown(f"**{name}** was deleted{more}.", width="content")
        st.button("Undo", on_click=restore, key="train-undo")


def restore() -> None:
    """Restore the training that was deleted last."""
    *before, (root, name) = state.recall("deleted")
    state.remember("deleted", before)
    trainings.clear_statuses()
    try:
        state.update(run=runs.restore(root, name).name)
    except (LatentExplorerError, OSError) as error:
        state.notify(str(error))


def settings_form(status: RunStatus) -> None:
    """Show the settings that can be changed during training, and apply them."""
    if status.state not in CHANGEABLE or not runs.limits().training:
        return
    name, training = status.folder.name, status.config.training
    with (
        st.expander(
            "Change settings",
            expanded=status.state == "failed",
            key=f"train-steer-{status.state}",
        ),
        st.form(f"train-wheel-{name}", border=False),
    ):
        columns = st.columns([3, 3, 1], vertical_alignment="bottom", gap="medium")
        chosen = {}
        for column, setting in zip(columns, changeable(training), strict=False):
            present = getattr(training, setting)
            chosen[setting] = column.select_slider(
                TITLES[setting],
                scale(setting, present),
                present,
                format_func=format_value,
                help=HELP[setting],
                key=f"train-{setting}-{name}-{present:g}",
            )
        changed = {key: v for key, v in chosen.items() if v != getattr(training, key)}
        if columns[-1].form_submit_button("Apply") and changed:
            attempt(name, lambda: runs.change(status.folder, **changed))
            st.rerun()


def changeable(training: TrainConfig) -> tuple[str, ...]:
    """Return the settings that can be changed; β only where the objective has it."""
    has_beta = training.learner == "aevb" and training.objective != "dreg"
    return ("learning_rate", "beta") if has_beta else ("learning_rate",)


def scale(setting: str, present: float) -> list[float]:
    """Return 1, 2, 5, 10, … over the decades of a setting, and its present value."""
    low, high = DECADES[setting]
    marks = {float(f"{digit}e{power}") for power in range(low, high) for digit in (1, 2, 5)}
    zero = {0.0} if setting == "beta" else set()
    return sorted(marks | zero | {10.0**high, present})


def format_value(value: float) -> str:
    """Format a setting's value without an exponent."""
    return np.format_float_positional(value, trim="-")


def describe_change(change: Change) -> str:
    """Describe a change of settings."""
    return ", ".join(
        f"{NAMES[name]} {format_value(value)}" for name, value in change.settings.items()
    )
