"""The Train page's parts: what to train, the training that is shown, and all trainings."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import streamlit as st

from app import components, figures, parts, resources, state
from app.components import Pin
from app.resources import Opened
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
#: Settings that suit a dataset: hidden layers, z, batch size and epochs.
SUGGESTED: dict[str, dict[str, Any]] = {
    "mnist": {"hidden": "512, 256, 128", "latent_dim": 2, "batch_size": 200, "epochs": 10},
    "fashion-mnist": {"hidden": "512, 256, 128", "latent_dim": 2, "batch_size": 200, "epochs": 10},
    "digits": {"hidden": "256, 128", "latent_dim": 2, "batch_size": 50, "epochs": 100},
    "frey-face": {"hidden": "200", "latent_dim": 2, "batch_size": 50, "epochs": 100},
    "cifar-10": {"hidden": "500, 200", "latent_dim": 20, "batch_size": 100, "epochs": 20},
}
GAUSSIAN = ("frey-face", "cifar-10")


def root() -> Path:
    """Return the folder of all trainings."""
    return runs.runs_dir()


def form() -> None:
    """Show the settings of a new training, and the button that starts it."""
    known = {one.name: one for one in resources.datasets()}
    present = [name for name, one in known.items() if one.present]
    dataset = st.selectbox(
        "Data",
        list(known),
        index=list(known).index("mnist" if "mnist" in present else "digits"),
        format_func=lambda name: known[name].title,
        key="train-data",
        persist_state="session",
    )
    if dataset not in present:
        parts.download_invitation(known[dataset])
        return
    suggested = SUGGESTED[dataset]
    left, right = st.columns(2)
    given: dict[str, Any] = {
        "latent_dim": left.number_input(
            "Size of z", 1, 200, suggested["latent_dim"], key=f"train-z-{dataset}"
        ),
        "epochs": right.number_input(
            "Epochs", 1, 1000, suggested["epochs"], key=f"train-epochs-{dataset}"
        ),
        "hidden": st.text_input(
            "Hidden layers",
            suggested["hidden"],
            help="Widths of the encoder's hidden layers, with commas; the decoder mirrors them.",
            key=f"train-hidden-{dataset}",
        ),
    }
    with st.expander("More settings"):
        given |= more_settings(dataset, suggested)
    if st.button("Train", type="primary", width="stretch", key="train-start"):
        start(dataset, given)


def more_settings(dataset: str, suggested: dict[str, Any]) -> dict[str, Any]:
    """Show the settings that most trainings leave alone."""
    usual = "gaussian" if dataset in GAUSSIAN else "bernoulli"
    return {
        "activation": st.segmented_control(
            "Activation", ["silu", "tanh", "relu"], default="silu", required=True, key="train-act"
        ),
        "likelihood": st.segmented_control(
            "Decoder",
            ["bernoulli", "gaussian"],
            default=usual,
            required=True,
            format_func=str.capitalize,
            key=f"train-likelihood-{dataset}",
        ),
        "pixels": st.selectbox(
            "Pixels",
            ["grey", "dynamic", "static", "threshold"],
            help="What a Bernoulli decoder is trained on: intensities as they are, a fresh binary "
            "draw at every visit, one fixed draw, or intensities above one half.",
            key="train-pixels",
        ),
        "beta": st.number_input(
            "Weight of the KL term (beta)", 0.0, 100.0, 1.0, 0.5, key="train-beta"
        ),
        "kl_warmup_epochs": st.number_input(
            "Epochs until that weight is reached", 0, 1000, 0, key="train-warm"
        ),
        "learning_rate": st.number_input(
            "Learning rate", 1e-6, 1.0, 2e-3, 1e-4, format="%.4g", key="train-lr"
        ),
        "batch_size": st.number_input(
            "Batch size", 1, 10_000, suggested["batch_size"], key=f"train-batch-{dataset}"
        ),
        "train_size": st.number_input(
            "Training pictures",
            1,
            value=None,
            placeholder="all",
            help="A subset drawn by the seed; empty for all.",
            key="train-size",
        ),
        "seed": st.number_input("Seed", 0, 2**31 - 1, 0, key="train-seed"),
    }


def start(dataset: str, given: dict[str, Any]) -> None:
    """Lay a run and let it begin, or say what is wrong with its settings."""
    try:
        shape = resources.image_shape(dataset)
        hidden = tuple(part.strip() for part in given["hidden"].split(",") if part.strip())
        model = ModelConfig.of(
            image_shape=shape,
            hidden=hidden,
            **{name: given[name] for name in ("latent_dim", "activation", "likelihood")},
        )
        names = TrainConfig.model_fields.keys() & given.keys()
        training = TrainConfig.of(
            dataset=dataset,
            decay="cosine",
            warmup=0.05,
            threads=1,
            **{name: given[name] for name in names},
        )
        folder = runs.new_folder(root(), f"{dataset} {model.latent_dim}d")
        config = runs.RunConfig(name=folder.name, model=model, training=training)
        runs.create(folder, config)
        runs.advance(root())
    except LatentExplorerError as error:
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
    if now.config.model.latent_dim < 2:
        curves(now)
        return
    left, right = st.columns([7, 3], gap="medium")
    opened = resources.in_training(now.folder)
    with right:
        curves(now)
        if opened is not None:
            small_map(opened)
    with left:
        if opened is None:
            st.caption("The manifold appears here with the first checkpoint.")
        else:
            grid(opened, own_plane(opened))


def invite(model: Opened, shown: State) -> None:
    """Show what a training leads to by the model that is open."""
    st.markdown(
        "Nothing has been trained here yet. Choose the data and press **Train**: curves, map "
        "and manifold appear here and grow with every epoch. You can leave the page meanwhile."
    )
    if model.latent_dim > 1:
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
    kind = now.config.training.tested_on
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
    return State(model=opened.name, axes=figures.two_largest(resources.kl_per_dim(opened)))


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
    picked = st.selectbox(
        "Training",
        names,
        index=names.index(now.folder.name),
        label_visibility="collapsed",
        width=260,
        key="train-pick",
    )
    if picked != now.folder.name:
        state.update(run=picked)
        st.rerun()
