"""The progress of a training, and the list of all trainings."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app import state, words
from app.address import State
from app.components import manifold
from app.components.contract import Pin
from app.components.latent_map import Look, Points, latent_map
from app.figures import charts
from app.resources import trainings
from app.resources.opened_model import Opened
from app.views.train import controls, form, replay
from app.widgets import chart, jobs, pinned, scenes
from vae_core import runs
from vae_core.config import ModelConfig, TrainConfig
from vae_core.errors import LatentExplorerError
from vae_core.models.likelihoods import metric_kind
from vae_core.runs import QueuePosition, RunConfig, RunStatus

#: Seconds between two updates of status and curves.
REFRESH_SECONDS = 0.8
GRID = 15
#: What a training does before its first checkpoint.
FIRST_STEPS = (
    "Starting a process for the training, which takes about ten seconds",
    "Loading the images",
    "Training the first epoch",
)
#: Rate in nats below which all images have nearly the same code.
SMALLEST_RATE = 0.1


def start(settings: tuple[ModelConfig, TrainConfig] | None) -> None:
    """Submit a training of these settings, if there are any, or show why it was refused."""
    if settings is None:
        return
    model, training = settings
    root = runs.runs_dir()
    name = runs.new_folder(root, form.run_name(model, training)).name
    base = form.base_of(training.dataset)
    try:
        config = RunConfig(
            name=name,
            model=model,
            training=training,
            importance_samples=base.importance_samples if base else 0,
            importance_limit=base.importance_limit if base else None,
            owner=state.owner(),
        )
        folder = runs.submit(root, config)
    except (LatentExplorerError, OSError) as error:
        st.error(f"The training did not start: {error}.")
        return
    trainings.clear_statuses()
    form.leave()
    state.remember("started", True)
    state.update(run=folder.name)
    st.rerun()


def close_form() -> None:
    """Close the form of a new training after it has started."""
    if state.recall("started"):
        state.remember("started", False)
        state.set_widgets({"train-new": False})


def chosen(shown: State) -> RunStatus | None:
    """Return the training to show: the requested one, else this session's newest, else the newest.

    The same training stays until another is requested or it is deleted.
    """
    wanted = shown.run or state.recall("training")
    found = trainings.statuses().by_name
    if wanted is not None and (wanted not in found or not (runs.runs_dir() / wanted).is_dir()):
        trainings.clear_statuses()  # it was started or deleted a moment ago
        found = trainings.statuses().by_name
    if shown.run is not None and shown.run not in found:
        state.notify(f"run = {shown.run!r} in the address was ignored: no training has that name.")
        state.update(run=None)
        st.rerun()
    own = [name for name, one in found.items() if controls.is_own(one.config)]
    newest = next(reversed(own or list(found)), None)
    name = wanted if wanted in found else newest
    state.remember("training", name)
    return None if name is None else runs.status(found[name].folder)


@dataclass(frozen=True)
class Layout:
    """Containers of the parts that are updated during training.

    Each must be filled, if only with an empty container, whenever the whole page runs: an empty
    one cannot be filled later by a fragment.

    Attributes
    ----------
    grid, map
        None where the replay shows the manifold and the map.
    """

    line: DeltaGenerator
    grid: DeltaGenerator | None
    curves: DeltaGenerator
    map: DeltaGenerator | None
    replay: DeltaGenerator


def show(status: RunStatus) -> None:
    """Show a training: status, controls, curves, and its latent space; updated while it runs."""
    layout = show_fixed_parts(status)
    if status.state in jobs.ACTIVE:
        watch_status(status.folder, fixed_facts(status), layout)
        watch_space(status.folder, layout)
    else:
        show_status(status, layout)
        show_space(status, layout)


def show_fixed_parts(status: RunStatus) -> Layout:
    """Show the parts that change only with the whole page; return where the others go."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        st.subheader(status.config.name, anchor=False, width="content")
        st.caption(describe(status.config), width="content")
    line = st.container()
    show_errors(status)
    controls.show(status)
    controls.settings_form(status)
    if status.state in replay.ENDED and replay.is_recorded(status):
        above = st.container()
        if status.config.model.latent_dim == 2:
            return Layout(line=line, grid=None, curves=st.container(), map=None, replay=above)
        left, right = st.columns([7, 3], gap="medium")
        return Layout(line=line, grid=left, curves=right.container(), map=None, replay=above)
    left, right = st.columns([7, 3], gap="medium")
    return Layout(
        line=line,
        grid=left,
        curves=right.container(),
        map=right.container(),
        replay=st.container(),
    )


def fixed_facts(status: RunStatus) -> tuple[object, ...]:
    """Return what `show_fixed_parts` shows: the whole page reruns when it changes."""
    if status.state == "running":
        return status.state, status.config, status.warnings
    return status.state, status.config, status.warnings, status.message, status.step


@st.fragment(run_every=REFRESH_SECONDS)
def watch_status(folder: Path, before: tuple[object, ...], layout: Layout) -> None:
    """Update status and curves, or rerun the page if more has changed."""
    if not folder.is_dir():  # deleted
        st.rerun()
    trainings.statuses()  # starts the trainings whose turn it is
    status = runs.status(folder)
    if fixed_facts(status) != before:
        st.rerun()
    show_status(status, layout)


@st.fragment(run_every=trainings.REFRESH_SECONDS)
def watch_space(folder: Path, layout: Layout) -> None:
    """Update manifold, map and replay."""
    if folder.is_dir():  # else `watch_status` reruns the page
        show_space(runs.status(folder), layout)


def show_status(status: RunStatus, layout: Layout) -> None:
    """Show the progress of a training and its curves."""
    with layout.line.container():
        place = None
        if status.state == "queued":
            found = trainings.statuses()
            place = runs.queue_positions(list(found.by_name.values())).get(status.folder.name)
            if found.error:
                st.warning(words.sentence(found.error))
        st.progress(fraction_done(status), status_line(status, place))
    with layout.curves.container():
        show_curves(status, in_a_row=layout.grid is None)


def show_space(status: RunStatus, layout: Layout) -> None:
    """Show the manifold, the map and the replay of a training, each once."""
    opened = trainings.open_checkpoint(status.folder, ended=status.state not in jobs.ACTIVE)
    with layout.replay.container():
        replay.show(status, opened)
    left = layout.grid and layout.grid.container()
    right = layout.map and layout.map.container()
    if opened is None:
        if left and not status.warnings:
            left.markdown(first_steps(status))
        return
    shown = default_state(opened)
    if right:
        with right:
            latent_map(
                "train-map",
                scene=scenes.build(opened, shown),
                points=Points(opened.codes_address, opened.class_names),
                look=Look(height=280, tools=False),
            )
    if left:
        with left:
            scenes.label_choice(opened, shown, on_y=lambda y: state.remember("train-y", y))
            show_grid(opened, shown)


def first_steps(status: RunStatus) -> str:
    """Say what happens before the first checkpoint, with what happens now in bold."""
    if status.state != "running":
        return "The manifold appears here after the first checkpoint."
    current = {"starting": 0, "loading the data": 1}.get(status.message, 2)
    steps = [f"**{step} …**" if i == current else step for i, step in enumerate(FIRST_STEPS)]
    listed = "\n".join(f"{number}. {step}" for number, step in enumerate(steps, 1))
    return f"{listed}\n\nCurves, map and manifold appear here with the first epoch."


def collapse_sentence(status: RunStatus) -> str | None:
    """Return a sentence if the latest epoch's rate is nearly zero, else None."""
    rate = status.epochs[-1]["test"]["rate"] if status.epochs else math.inf
    if rate >= SMALLEST_RATE:
        return None
    return (
        f"Posterior collapse: the rate is {words.number(rate, 2)} nats, so every image has nearly "
        "the same code. A KL warm-up, free bits or a smaller β can prevent it."
    )


def default_state(opened: Opened) -> State:
    """Return the state of a model in training: its strongest plane, nothing pinned."""
    axes = scenes.two_largest(opened.importance)
    y = min(state.recall("train-y", 0), len(opened.condition_names) - 1)
    return State(model=opened.name, axes=axes, y=y if opened.condition_names else None)


def show_grid(opened: Opened, shown: State, *, on_pin: Callable[[Pin], None] | None = None) -> None:
    """Show a model's manifold over the full width."""
    manifold.manifold(
        "train-grid",
        scene=scenes.build(opened, shown),
        n=GRID,
        close_up=False,
        model_name=opened.name,
        priors=scenes.priors(opened),
        on_pin=on_pin,
    )


def show_introduction(model: Opened | None, shown: State) -> None:
    """Say how to train, and show the open model's manifold as an example, if it has one."""
    if runs.limits().training:
        st.markdown(
            "No trainings yet. Choose a dataset and press **Train**: curves, map and manifold "
            "appear here and grow with every epoch. You can leave the page meanwhile."
        )
    else:
        st.markdown("No trainings yet, and training is turned off on this server.")
    if model is None:
        st.caption("A VAE is trained here. `python -m vae_core study boltzmann` trains machines.")
        return
    scenes.label_choice(model, shown)
    show_grid(model, shown, on_pin=pinned.on_pin)
    st.caption(f"The manifold of {model.card.name}. Yours starts as a uniform grey blur.")


def describe(config: RunConfig) -> str:
    """Describe the settings of a training in a few words, and whether it is this session's."""
    model, training = config.model, config.training
    parts = [
        form.titles("network")[model.network] + " " + ", ".join(map(str, model.hidden)),
        words.dimensions(model.latent_dim),
        f"batch size {training.batch_size}",
        *(["yours"] if controls.is_own(config) else []),
    ]
    return " · ".join(parts)


def fraction_done(status: RunStatus) -> float:
    """Return the share of a training's epochs that is done, from 0 to 1."""
    total = status.config.training.epochs
    share = status.step / (status.batches * total) if status.batches else status.epoch / total
    return min(share, 1.0)


def status_line(status: RunStatus, place: QueuePosition | None = None) -> str:
    """Return the status of a training in one line."""
    running = status.state == "running"
    stage = jobs.STATES[status.state]
    if running and status.message:
        stage = status.message[:1].upper() + status.message[1:]
    if place is not None:
        stage = "Next in the queue" if place.number == 1 else f"Number {place.number} in the queue"
    parts = [f"Epoch {status.epoch:,} of {status.config.training.epochs:,}", stage]
    if place is not None and place.seconds is not None:
        parts.append(f"starts in about {words.duration(place.seconds)}")
    if status.step and status.state not in controls.TRAINED:
        parts.append(f"step {status.step:,}")
    if status.images_per_second:
        parts.append(f"{float(f'{status.images_per_second:.2g}'):,.0f} images per second")
    if running and status.seconds_left:
        parts.append(f"about {words.duration(status.seconds_left)} left")
    return " · ".join(parts)


def show_errors(status: RunStatus) -> None:
    """Show errors and warnings of a training, and what can be done about them."""
    if status.state == "failed":
        note = " Change its settings and resume, or stop it." if runs.limits().training else ""
        st.error(f"{words.sentence(words.without_paths(status.message))}{note}")
    if status.state == "paused" and status.message:
        st.warning(words.sentence(words.without_paths(status.message)))
    if status.state == "interrupted":
        st.info(
            "Its process ended early. Resume continues from the last checkpoint and reaches the "
            "same weights as an uninterrupted training."
        )
    for warning in dict.fromkeys(status.warnings):
        st.warning(words.sentence(warning))


def show_curves(status: RunStatus, *, in_a_row: bool = False) -> None:
    """Show −ELBO, rate and distortion of the training and test set by epoch."""
    if not (status.epochs or status.steps):
        return
    places = st.columns(3, gap="medium") if in_a_row else [st.container() for _ in range(3)]
    heights = (240, 240, 240) if in_a_row else (240, 160, 160)
    for part, height, place in zip(("elbo", "rate", "distortion"), heights, places, strict=True):
        marks = [
            (change.step, controls.describe_change(change) if part == "elbo" else "")
            for change in status.changes
        ]
        curve = charts.training_curve(status.epochs, status.steps, part, marks=marks)
        alt = f"{words.title(part)} by epoch"
        with place:
            chart.show_echarts(curve, key=f"curve-{part}", height=height, alt=alt)
    if status.epochs:
        config, last = status.config, status.epochs[-1]
        test, train = last["test"], last["train"]
        kind = metric_kind(config.model.likelihood, config.training.tested_on)
        st.caption(
            f"Test −ELBO {words.number(-test['elbo'], 2)} nats (rate {test['rate']:.2f}, "
            f"distortion {words.number(test['distortion'], 2)}; {kind} pixels, one sample of z per "
            f"image). Training −ELBO {words.number(-train['elbo'], 2)} nats. "
            f"{last['seconds']:.1f} s per epoch."
        )
    if warning := collapse_sentence(status):
        st.warning(warning)
    for change in status.changes:
        st.caption(f"Changed after step {change.step:,}: {controls.describe_change(change)}.")


def show_all(status: RunStatus) -> None:
    """Show the button that lists all trainings, if there are several."""
    count = len(trainings.statuses().by_name)
    if count < 2:
        return
    box = st.popover(f"All {count} trainings", key="train-list", on_change="rerun")
    if box.open:
        with box:
            choose_training(status.folder.name)


@st.fragment(run_every=REFRESH_SECONDS)
def choose_training(name: str) -> None:
    """Show the choice of a training, the newest first, with their statuses."""
    folder = runs.runs_dir() / name
    if state.current().run not in (None, name) or not folder.is_dir():
        st.rerun()
    found = dict(trainings.statuses().by_name)
    found.setdefault(name, runs.status(folder))
    names = list(reversed(found))
    st.radio(
        "Training",
        names,
        format_func=lambda name: f"{name} · yours" if controls.is_own(found[name].config) else name,
        captions=[summary(found[name]) for name in names],
        **state.bind("run", part="list", to_widget=lambda _: name),
    )


def summary(status: RunStatus) -> str:
    """Return the status of a training in a few words."""
    epochs = f"epoch {status.epoch:,} of {status.config.training.epochs:,}"
    parts = [jobs.STATES[status.state], epochs]
    if status.test_elbo is not None:
        parts.append(f"test −ELBO {words.number(-status.test_elbo, 2)} nats")
    return " · ".join(parts)
