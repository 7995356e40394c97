"""The Train page's parts: the training that is shown, and all trainings."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import streamlit as st

from app import components, figures, parts, replaying, resources, state
from app.components import Pin
from app.resources import Opened
from app.settings import run_name
from app.state import State
from vae_core import runs
from vae_core.config import ModelConfig, TrainConfig
from vae_core.errors import LatentExplorerError
from vae_core.processes import Command
from vae_core.runs import RunStatus

#: Seconds between two looks at a training.
LOOK = 1.0
ENDED = ("finished", "stopped", "failed")
SAYS = {
    "queued": "Waiting for its turn",
    "running": "Training",
    "paused": "Paused",
    "stopped": "Stopped before its last epoch",
    "finished": "Finished",
    "failed": "Failed",
    "interrupted": "Interrupted: its process ended. Nothing before the last checkpoint is lost",
}
GRID = 15


def root() -> Path:
    """Return the folder of all trainings."""
    return runs.runs_dir()


def start(settings: tuple[ModelConfig, TrainConfig] | None) -> None:
    """Lay a run of these settings and let it begin; nothing is asked without any."""
    if settings is None:
        return
    model, training = settings
    try:
        folder = runs.new_folder(root(), run_name(model, training))
        config = runs.RunConfig(name=folder.name, model=model, training=training)
        runs.create(folder, config)
        runs.advance(root())
    except (LatentExplorerError, OSError) as error:
        st.error(str(error))
        return
    state.update(run=folder.name)
    st.rerun()


def chosen(shown: State) -> RunStatus | None:
    """Return the training that the page shows: the one asked for, else the newest."""
    folders = {folder.name: folder for folder in runs.list_runs(root())}
    if shown.run is not None and shown.run not in folders:
        state.notify(f"run = {shown.run!r} in the address was ignored: no training has that name.")
        state.update(run=None)
        st.rerun()
    newest = next(reversed(folders), None)
    name = shown.run or newest
    return None if name is None else runs.status(folders[name])


@st.fragment(run_every=LOOK)
def watch(name: str, state_before: str) -> None:
    """Show a training, again every second; the whole page follows when its state changes."""
    runs.advance(root())
    now = runs.status(root() / name)
    if now.state != state_before:
        st.rerun()
    show(now)


def show(now: RunStatus) -> None:
    """Show a training: how it stands, its curves, and the space that it has learnt so far."""
    headline(now)
    opened = resources.in_training(now.folder)
    if now.state in ENDED:
        replaying.show(now, opened)
    left, right = st.columns([7, 3], gap="medium")
    with right:
        curves(now)
        if opened is not None:
            small_map(opened)
    with left:
        if opened is None:
            st.caption("The manifold appears here with the first checkpoint.")
        else:
            shown = own_plane(opened)
            parts.label_choice(opened, shown, on_y=lambda y: state.remember("train-y", y))
            grid(opened, shown)
    if now.state not in ENDED:
        replaying.show(now, opened)


def invite(model: Opened, shown: State) -> None:
    """Show what a training leads to by the model that is open."""
    st.markdown(
        "Nothing has been trained here yet. Choose the data and press **Train**: curves, map "
        "and manifold appear here and grow with every epoch. You can leave the page meanwhile."
    )
    parts.label_choice(model, shown)
    grid(model, shown, on_pin=parts.pin)
    st.caption(f"The manifold that {model.card.name} learnt. Yours begins as grey noise.")


def headline(now: RunStatus) -> None:
    """Say how a training stands, with the controls that make sense now."""
    total = now.config.training.epochs
    st.subheader(now.config.name, anchor=False)
    said = SAYS[now.state] + (f": {now.message}" if now.message else "")
    left = now.seconds_left
    if now.state == "running" and left:
        said += f" · about {duration(left)} left"
    if now.state == "failed":
        st.error(said)
    st.progress(min(now.epoch / total, 1.0), f"Epoch {now.epoch} of {total} · {said}")
    with st.container(horizontal=True, key="train-controls"):
        if now.state == "running":
            command("Pause", now, "pause")
        if now.state in ("paused", "interrupted"):
            command("Resume", now, "run")
        if now.state in ("running", "paused", "interrupted"):
            command("Stop", now, "stop")
        if now.state in ("finished", "stopped"):
            st.button("Explore it", type="primary", on_click=explore, args=(now.folder.name,))
        if now.state in (*ENDED, "queued"):
            st.button("Delete", on_click=delete, args=(now.folder,), key="train-delete")


def command(label: str, now: RunStatus, asked: Command) -> None:
    """Show a button that asks the trainer for something."""
    st.button(label, on_click=runs.request, args=(now.folder, asked), key=f"train-{asked}")


def explore(name: str) -> None:
    """Open a trained model in every page."""
    state.update(model=name)
    state.remember("go", "explore")


def delete(folder: Path) -> None:
    """Delete a training; the page shows the newest of the others."""
    runs.delete(folder)
    state.update(run=None)


def curves(now: RunStatus) -> None:
    """Show ELBO, rate and distortion, of the training and of the test set."""
    if not (now.epochs or now.steps):
        return
    kind = resources.kind_of_pixels(now.config.model, now.config.training)
    for part, height in (("elbo", 220), ("rate", 140), ("distortion", 140)):
        chart = figures.training_curve(now.epochs, now.steps, part)
        st.echarts_chart(chart, key=f"curve-{part}", height=height, alt=f"{part} by epoch")
    if now.epochs:
        last = now.epochs[-1]
        test, train = last["test"], last["train"]
        st.caption(
            f"Test ELBO {parts.number(test['elbo'], 2)}, rate {test['rate']:.2f}, distortion "
            f"{parts.number(test['distortion'], 2)} nats ({kind} pixels, one sample of z for each "
            f"picture); training ELBO {parts.number(train['elbo'], 2)}; "
            f"{last['seconds']:.1f} s an epoch."
        )


def own_plane(opened: Opened) -> State:
    """Return the state of a model in training: its strongest plane, nothing pinned."""
    axes = figures.two_largest(resources.kl_per_dim(opened))
    y = min(state.recall("train-y", 0), len(opened.given_names) - 1)
    return State(model=opened.name, axes=axes, y=y if opened.given_names else None)


def small_map(opened: Opened) -> None:
    """Show the map of the model in training."""
    components.latent_map(
        "train-map",
        scene=parts.scene(opened, own_plane(opened)),
        codes=resources.codes_address(opened),
        classes=opened.class_names,
        height=280,
        tools=False,
    )


def grid(opened: Opened, shown: State, *, on_pin: Callable[[Pin], None] | None = None) -> None:
    """Show a model's manifold, as wide as there is room."""
    components.manifold(
        "train-grid",
        scene=parts.scene(opened, shown),
        n=GRID,
        close_up=False,
        model_name=opened.name,
        priors=parts.priors(opened),
        on_pin=on_pin,
    )


def duration(seconds: float) -> str:
    """Tell a length of time as people do."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{round(seconds / 60)} min"


def others(now: RunStatus) -> None:
    """Show the list of trainings, to choose the one that is shown."""
    folders = runs.list_runs(root())
    names = [folder.name for folder in reversed(folders)]
    if len(names) < 2:
        return
    st.selectbox(
        "Training",
        names,
        label_visibility="collapsed",
        width=260,
        **state.bind("run", shown=lambda _: now.folder.name),
    )
