"""The Train page's parts: the training that is shown, and all trainings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app import state, words
from app.address import State
from app.components import latent_map, manifold
from app.components.contract import Pin
from app.figures import charts
from app.resources import trainings
from app.resources.opened_model import Opened
from app.views.train import controls, form, replay
from app.widgets import pinned, scenes
from vae_core import runs
from vae_core.config import ModelConfig, TrainConfig
from vae_core.errors import LatentExplorerError
from vae_core.models.likelihoods import metric_kind
from vae_core.runs import QueuePosition, RunConfig, RunStatus

#: Seconds between two looks at a training: what it tells is on the page within a second.
LOOK = 0.8
ACTIVE = ("queued", "running", "paused")
SAYS = {
    "queued": "Waiting for its turn",
    "running": "Training",
    "paused": "Paused",
    "stopped": "Stopped before its last epoch",
    "finished": "Finished",
    "failed": "Failed",
    "interrupted": "Interrupted",
}
GRID = 15


def root() -> Path:
    """Return the folder of all trainings."""
    return runs.runs_dir()


def start(wanted: tuple[ModelConfig, TrainConfig] | None) -> None:
    """Lay a run of these settings, which begins in its turn; nothing is asked without any.

    A refusal is told where the button is, and the settings stay as they are.
    """
    if wanted is None:
        return
    model, training = wanted
    name = runs.new_folder(root(), form.run_name(model, training)).name
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
        folder = runs.submit(root(), config)
    except (LatentExplorerError, OSError) as error:
        st.error(f"This did not start: {error}.")
        return
    trainings.clear_statuses()
    state.remember("copied", None)
    state.remember("begun", True)
    state.update(run=folder.name)
    st.rerun()


def close_form() -> None:
    """Close the settings of a new training once it has begun."""
    if state.recall("begun"):
        state.remember("begun", False)
        state.fill({"train-new": False})


def chosen(shown: State) -> RunStatus | None:
    """Return the training that the page shows: the one asked for, else the newest of one's own.

    Whichever is shown stays, until another is asked for or it is gone.
    """
    wanted = shown.run or state.recall("training")
    found = trainings.statuses().by_name
    if wanted is not None and (wanted not in found or not (root() / wanted).is_dir()):
        trainings.clear_statuses()  # it began, or was deleted, a moment ago
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
class Places:
    """Where on the page lies what is shown again and again.

    Each is given a container whenever it is shown, if only an empty one: a place that got nothing
    with the page as a whole can get nothing later.
    """

    line: DeltaGenerator
    grid: DeltaGenerator
    curves: DeltaGenerator
    map: DeltaGenerator
    replay: DeltaGenerator


def show(now: RunStatus) -> None:
    """Show a training: how it stands, its curves, and the space that it has learnt so far.

    While it is under way the parts that change are shown again by themselves.
    """
    places = lay_out(now)
    if now.state in ACTIVE:
        watch(now.folder, lasting(now), places)
        watch_space(now.folder, places)
    else:
        tell(now, places)
        show_space(now, places)


def lay_out(now: RunStatus) -> Places:
    """Show what stays as it is while a training is under way; return where the rest goes."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        st.subheader(now.config.name, anchor=False, width="content")
        st.caption(described(now.config), width="content")
    line = st.container()
    troubles(now)
    controls.controls(now)
    controls.wheel(now)
    above = st.container()
    left, right = st.columns([7, 3], gap="medium")
    return Places(
        line=line,
        grid=left,
        curves=right.container(),
        map=right.container(),
        replay=above if now.state in replay.ENDED else st.container(),
    )


def lasting(now: RunStatus) -> tuple[object, ...]:
    """Return what the page follows as a whole: all that `lay_out` shows."""
    if now.state == "running":
        return now.state, now.config, now.warnings
    return now.state, now.config, now.warnings, now.message, now.step


@st.fragment(run_every=LOOK)
def watch(folder: Path, before: tuple[object, ...], places: Places) -> None:
    """Show how a training stands, again and again; the whole page follows when more changes."""
    if not folder.is_dir():  # somebody deleted it
        st.rerun()
    trainings.statuses()  # whose turn it is
    now = runs.status(folder)
    if lasting(now) != before:
        st.rerun()
    tell(now, places)


@st.fragment(run_every=trainings.REFRESH_SECONDS)
def watch_space(folder: Path, places: Places) -> None:
    """Show what a training has learnt, again and again."""
    if folder.is_dir():  # else the other one leaves the page
        show_space(runs.status(folder), places)


def tell(now: RunStatus, places: Places) -> None:
    """Say how far a training has come, and show its curves."""
    with places.line.container():
        place = None
        if now.state == "queued":
            stand = trainings.statuses()
            place = runs.queue_positions(list(stand.by_name.values())).get(now.folder.name)
            if stand.error:
                st.warning(sentence(stand.error))
        st.progress(done(now), says(now, place))
    with places.curves.container():
        curves(now)


def show_space(now: RunStatus, places: Places) -> None:
    """Show the manifold, the map and the replay of a training."""
    opened = trainings.open_checkpoint(now.folder, ended=now.state not in ACTIVE)
    with places.replay.container():
        replay.show(now, opened)
    left, right = places.grid.container(), places.map.container()
    if opened is None:
        if not now.warnings:  # which are told above
            left.caption("The manifold appears here with the first checkpoint.")
        return
    shown = own_plane(opened)
    with right:
        small_map(opened, shown)
    with left:
        scenes.label_choice(opened, shown, on_y=lambda y: state.remember("train-y", y))
        grid(opened, shown)


def invite(model: Opened, shown: State) -> None:
    """Show what a training leads to by the model that is open."""
    if runs.limits().training:
        st.markdown(
            "Nothing has been trained here yet. Choose the data and press **Train**: curves, map "
            "and manifold appear here and grow with every epoch. You can leave the page meanwhile."
        )
    else:
        st.markdown("Nothing has been trained here yet, and training is turned off on this server.")
    scenes.label_choice(model, shown)
    grid(model, shown, on_pin=pinned.pin)
    st.caption(f"The manifold that {model.card.name} learnt. Yours begins as grey noise.")


def described(config: RunConfig) -> str:
    """Say in a few words what is trained, and whether it is of this session."""
    model, training = config.model, config.training
    words = [
        form.NETWORKS[model.network] + " " + ", ".join(map(str, model.hidden)),
        f"z of {model.latent_dim}",
        f"batches of {training.batch_size}",
        *(["yours"] if controls.is_own(config) else []),
    ]
    return " · ".join(words)


def done(now: RunStatus) -> float:
    """Return the share of a training that is done."""
    total = now.config.training.epochs
    share = now.step / (now.batches * total) if now.batches else now.epoch / total
    return min(share, 1.0)


def says(now: RunStatus, place: QueuePosition | None = None) -> str:
    """Say how a training stands, in a line."""
    total = now.config.training.epochs
    words = [f"Epoch {now.epoch:,} of {total:,}", SAYS[now.state]]
    if place is not None:
        words[1] = f"Number {place.number} in the queue"
        if place.seconds is not None:
            words.append(f"begins in about {duration(place.seconds)}")
    if now.state == "running" and now.message:
        words[1] = now.message[:1].upper() + now.message[1:]
    if now.step and now.state not in controls.TRAINED:
        words.append(f"step {now.step:,}")
    if now.images_per_second:
        words.append(f"{rounded(now.images_per_second)} images a second")
    if now.state == "running" and now.seconds_left:
        words.append(f"about {duration(now.seconds_left)} left")
    return " · ".join(words)


def troubles(now: RunStatus) -> None:
    """Say what went wrong, what was done about it, and what leads on."""
    if now.state == "failed":
        on = " Steer it, then resume; or stop it there." if runs.limits().training else ""
        st.error(f"{sentence(now.message)}{on}")
    if now.state == "paused" and now.message:
        st.warning(sentence(now.message))
    if now.state == "interrupted":
        st.info(
            "Its process ended before the training did. Resume goes on from the last checkpoint "
            "and ends in the very weights of a training that was never interrupted."
        )
    for told in dict.fromkeys(now.warnings):
        st.warning(sentence(told))


def sentence(message: str) -> str:
    """Write a message as a sentence."""
    return f"{message[:1].upper()}{message[1:].removesuffix('.')}."


def curves(now: RunStatus) -> None:
    """Show ELBO, rate and distortion, of the training and of the test set."""
    if not (now.epochs or now.steps):
        return
    kind = metric_kind(now.config.model.likelihood, now.config.training.tested_on)
    for part, height in (("elbo", 220), ("rate", 140), ("distortion", 140)):
        marks = [(c.step, controls.told(c) if part == "elbo" else "") for c in now.changes]
        chart = charts.training_curve(now.epochs, now.steps, part, marks=marks)
        st.echarts_chart(chart, key=f"curve-{part}", height=height, alt=f"{part} by epoch")
    if now.epochs:
        last = now.epochs[-1]
        test, train = last["test"], last["train"]
        st.caption(
            f"Test ELBO {words.number(test['elbo'], 2)}, rate {test['rate']:.2f}, distortion "
            f"{words.number(test['distortion'], 2)} nats ({kind} pixels, one sample of z for each "
            f"picture); training ELBO {words.number(train['elbo'], 2)}; "
            f"{last['seconds']:.1f} s an epoch."
        )
    for change in now.changes:
        st.caption(f"Changed after step {change.step:,}: {controls.told(change)}.")


def own_plane(opened: Opened) -> State:
    """Return the state of a model in training: its strongest plane, nothing pinned."""
    axes = scenes.two_largest(opened.kl_per_dim)
    y = min(state.recall("train-y", 0), len(opened.condition_names) - 1)
    return State(model=opened.name, axes=axes, y=y if opened.condition_names else None)


def small_map(opened: Opened, shown: State) -> None:
    """Show the map of the model in training."""
    latent_map.latent_map(
        "train-map",
        scene=scenes.scene(opened, shown),
        codes=opened.codes_address,
        classes=opened.class_names,
        height=280,
        tools=False,
    )


def grid(opened: Opened, shown: State, *, on_pin: Callable[[Pin], None] | None = None) -> None:
    """Show a model's manifold, as wide as there is room."""
    manifold.manifold(
        "train-grid",
        scene=scenes.scene(opened, shown),
        n=GRID,
        close_up=False,
        model_name=opened.name,
        priors=scenes.priors(opened),
        on_pin=on_pin,
    )


def duration(seconds: float) -> str:
    """Tell a length of time as people do."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    if seconds < 90 * 60:
        return f"{round(seconds / 60)} min"
    return f"{round(seconds / 3600)} h"


def rounded(number: float) -> str:
    """Write a number with two figures."""
    return f"{float(f'{number:.2g}'):,.0f}"


def others(now: RunStatus) -> None:
    """Offer all trainings, to choose the one that is shown."""
    count = len(trainings.statuses().by_name)
    if count < 2:
        return
    box = st.popover(f"All {count} trainings", key="train-list", on_change="rerun")
    if box.open:
        with box:
            listing(now.folder.name)


@st.fragment(run_every=LOOK)
def listing(name: str) -> None:
    """Show all trainings, the newest first, with how they stand."""
    if state.current().run not in (None, name) or not (root() / name).is_dir():
        st.rerun()
    found = dict(trainings.statuses().by_name)
    found.setdefault(name, runs.status(root() / name))
    names = list(reversed(found))
    st.radio(
        "Training that is shown",
        names,
        format_func=lambda name: f"{name} · yours" if controls.is_own(found[name].config) else name,
        captions=[standing(found[name]) for name in names],
        **state.bind("run", part="list", shown=lambda _: name),
    )


def standing(now: RunStatus) -> str:
    """Say in a few words how a training stands."""
    facts = [SAYS[now.state], f"epoch {now.epoch:,} of {now.config.training.epochs:,}"]
    if now.test_elbo is not None:
        facts.append(f"test ELBO {words.number(now.test_elbo, 2)}")
    return " · ".join(facts)
