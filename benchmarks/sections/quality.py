"""Seconds until the test set costs no more than 105 nats, by the recipe and by the peers."""

from __future__ import annotations

import math
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

from benchmarks import table, timing
from benchmarks.scale import Scale
from benchmarks.sections import Found
from benchmarks.table import Goal, Row
from benchmarks.timing import Say, Spread
from benchmarks.worker import Worker
from vae_core import recipes
from vae_core.config import ModelConfig
from vae_core.learning import native_bfloat16

TITLE = "Time to −ELBO ≤ 105 on the grey test set, z = 20"
BOUND = 105.0
LATENT_DIM = 20
PAPER: dict[str, Any] = {"hidden": [500], "activation": "tanh"}


@dataclass(frozen=True)
class Way:
    """A peer's settings: its network, its training, and what is its own."""

    name: str
    contestant: str
    model: dict[str, Any]
    training: dict[str, Any]
    options: dict[str, Any] = field(default_factory=dict)


#: pythae's README trains with these.
README: dict[str, Any] = {
    "optimizer_cls": "AdamW",
    "optimizer_params": {"weight_decay": 0.05, "betas": [0.91, 0.995]},
    "scheduler_cls": "ReduceLROnPlateau",
    "scheduler_params": {"patience": 5, "factor": 0.5},
}
#: What each peer's documentation trains with, beside the net of Kingma & Welling (2014); the
#: fastest counts.
WAYS: dict[str, tuple[Way, ...]] = {
    "the textbook loop": (
        Way(
            "as PyTorch's example: 400 ReLU, batch 128, Adam 1e-3",
            "textbook",
            {"hidden": [400], "activation": "relu"},
            {"batch_size": 128},
        ),
        Way("500 tanh, batch 100, Adam 1e-3", "textbook", PAPER, {"batch_size": 100}),
    ),
    "pythae": (
        Way(
            "as in its README: 512 ReLU, batch 200, AdamW 1e-3, two loaders",
            "pythae_trainer",
            {"hidden": [512], "activation": "relu"},
            {"batch_size": 200},
            README | {"train_dataloader_num_workers": 2},
        ),
        Way(
            "as in its README, without loaders of their own",
            "pythae_trainer",
            {"hidden": [512], "activation": "relu"},
            {"batch_size": 200},
            README,
        ),
        Way("500 tanh, batch 100, Adam 1e-3", "pythae_trainer", PAPER, {"batch_size": 100}),
    ),
}


def recipe(seed: int, threads: int) -> dict[str, Any]:
    """Return what ``train --recipe fast`` trains with, as a worker is told it."""
    settings = recipes.PRESETS["fast"]() | {"seed": seed, "threads": threads}
    model = {name: value for name, value in settings.items() if name in ModelConfig.model_fields}
    training = {name: value for name, value in settings.items() if name not in model}
    return {"model": model, "training": training}


def measure(scale: Scale, threads: int, say: Say) -> Found:
    """Train the recipe and both peers, seed after seed."""
    peers = list(WAYS)
    with ExitStack() as stack:
        ours = stack.enter_context(Worker(threads))
        workers = {peer: stack.enter_context(Worker(threads)) for peer in peers}
        _train_recipe(ours, -1, scale, threads)  # the first one warms the process
        found: dict[str, list[float]] = {name: [] for name in ("ours", "ours, −ELBO", *peers)}
        ways = {}
        for peer in peers:
            fastest = math.inf
            for way in WAYS[peer]:
                seconds = _until(workers[peer], way, 0, scale, threads, say, patience=fastest)
                if peer not in ways or seconds < fastest:
                    ways[peer], fastest = way, seconds
            found[peer].append(fastest)
            say(f"{peer} is fastest {ways[peer].name}")
        for turn in range(scale.peer_seeds):
            for seed in range(
                turn * scale.seeds // scale.peer_seeds,
                (turn + 1) * scale.seeds // scale.peer_seeds,
            ):
                seconds, negative = _train_recipe(ours, seed, scale, threads)
                found["ours"].append(seconds)
                found["ours, −ELBO"].append(negative)
                say(f"ours, seed {seed}: {negative:.2f} nats after {seconds:.2f} s")
            for peer in peers:
                if turn:  # seed 0 chose the way
                    way = ways[peer]
                    found[peer].append(_until(workers[peer], way, turn, scale, threads, say))
    spreads = {name: Spread(tuple(values)) for name, values in found.items()}
    return Found(_rows(spreads, ways), spreads)


def _train_recipe(worker: Worker, seed: int, scale: Scale, threads: int) -> tuple[float, float]:
    """Train to the recipe's end, the only moment that counts; return seconds and nats.

    Seconds are infinite where the bound was not reached.
    """
    told = recipe(max(seed, 0), threads)
    if seed < 0:
        told["training"] |= {"epochs": 1, "train_size": 2_000}
    elif scale.train_size is not None:
        told["training"] |= {"train_size": scale.train_size}
    worker.ask("start", contestant="ours", **told)
    epochs = told["training"]["epochs"]
    seconds = sum(worker.ask("epoch")["seconds"] for _ in range(epochs))
    negative = worker.ask("judge")["negative elbo"]
    return seconds if negative <= BOUND else math.inf, negative


def _until(
    worker: Worker,
    way: Way,
    seed: int,
    scale: Scale,
    threads: int,
    say: Say,
    *,
    patience: float = math.inf,
) -> float:
    """Train until the bound is reached, looking after each epoch; return the seconds.

    Infinity where it is not reached in ``scale.epochs``, nor before ``patience`` seconds.
    """
    training = way.training | {"epochs": scale.epochs, "seed": seed, "threads": threads}
    worker.ask(
        "start",
        contestant=way.contestant,
        model=way.model | {"latent_dim": LATENT_DIM},
        training=training | {"train_size": scale.train_size},
        options=way.options,
    )
    seconds, done, negative = 0.0, 0, math.inf
    while negative > BOUND and done < scale.epochs and seconds < patience:
        seconds += worker.ask("epoch")["seconds"]
        negative = worker.ask("judge")["negative elbo"]
        done += 1
    say(f"{way.contestant}, seed {seed}: {negative:.2f} nats, {done} epochs, {seconds:.1f} s")
    return seconds if negative <= BOUND else math.inf


def _rows(found: dict[str, Spread], ways: dict[str, Way]) -> list[Row]:
    ours, reached = found["ours"], found["ours, −ELBO"]
    count, seeds = sum(map(math.isfinite, ours.values)), len(ours.values)
    work = f"the fast recipe reaches it, of {seeds} seeds"
    rows = [
        Row(work, count, goal=table.at_least(seeds)),
        table.row("the fast recipe, −ELBO at its end", reached, "nats"),
        _row("the fast recipe, seconds", ours, "s"),
    ]
    for peer, way in ways.items():
        theirs = found[peer]
        goal = table.at_least(8) if peer == "pythae" else None
        compared = theirs.times(1 / ours.median)
        rows.append(_row(f"time to 105, against {peer}", compared, "×", goal))
        rows.append(_row(f"{peer}, seconds", theirs, "s", note=way.name))
    return rows


def _row(work: str, spread: Spread, unit: str, goal: Goal | None = None, note: str = "") -> Row:
    if math.isfinite(spread.median) and spread.median > 0:
        return table.row(work, spread, unit, goal, note)
    return Row(work, None, unit, goal=goal, note="the bound was not reached")


def compare(scale: Scale, threads: int, say: Say) -> Found:
    """Train the recipe's net plainly in float32, and by each fast path, over several seeds."""
    paths = {"ours, float32": {"precision": "float32"}}
    if native_bfloat16():
        paths["ours, bfloat16"] = {"precision": "bfloat16"}
    return against_plain(paths, scale, threads, say)


def against_plain(paths: dict[str, dict[str, Any]], scale: Scale, threads: int, say: Say) -> Found:
    """Compare what paths of the package reach, each by its settings, with the plain loop."""
    ways = {"plain": ("plain", {"precision": "float32"})}
    ways |= {name: ("ours", settings) for name, settings in paths.items()}
    found: dict[str, list[float]] = {name: [] for name in ways}
    with ExitStack() as stack:
        workers = {name: stack.enter_context(Worker(threads)) for name in ways}
        for seed in range(scale.elbo_seeds):
            for name, (contestant, settings) in ways.items():
                told = recipe(seed, threads)
                told["training"] |= settings | {"train_size": scale.train_size}
                workers[name].ask("start", contestant=contestant, **told)
                for _ in range(told["training"]["epochs"]):
                    workers[name].ask("epoch")
                found[name].append(workers[name].ask("judge")["negative elbo"])
            say(f"seed {seed}: " + ", ".join(f"{n} {v[-1]:.2f}" for n, v in found.items()))
    spreads = {name: Spread(tuple(values)) for name, values in found.items()}
    rows = []
    for name in paths:
        difference, se = timing.gap(spreads[name], spreads["plain"])
        work = f"{name}, against the plain loop in float32: difference of −ELBO"
        error = f"± {se:.2f}, {scale.elbo_seeds} seeds each"
        rows.append(Row(work, abs(difference), "nats", goal=table.below(0.3), note=error))
        limit = significance(2 * scale.elbo_seeds - 2)
        rows.append(Row(f"{name}: the same, in standard errors", abs(difference) / se, goal=limit))
    rows += [table.row(f"{name}, −ELBO", spread, "nats") for name, spread in spreads.items()]
    return Found(rows, spreads)


def significance(freedom: int) -> table.Goal:
    """Largest difference, in standard errors, that chance makes 19 times of 20 (Student's t)."""
    from scipy.stats import t

    return table.below(round(float(t.ppf(0.975, freedom)), 2))
