"""How the fast recipe was chosen: settings tried on a validation split of the training set."""

from __future__ import annotations

import statistics
from typing import Any

from benchmarks import table
from benchmarks.scale import Scale
from benchmarks.sections import Found, quality
from benchmarks.table import Row
from benchmarks.timing import Say, Spread
from benchmarks.worker import Worker

TITLE = "The fast recipe: settings tried on the last 10,000 training images, never the test set"
HELD_OUT = 10_000
#: What the quickest settings must stay under here, which allows for a test set that is easier and
#: a training set that is larger.
LIMIT = 106.0
#: What each candidate changes of the recipe; the first is the recipe itself.
CANDIDATES: tuple[dict[str, Any], ...] = (
    {},
    {"epochs": 3},
    {"epochs": 3, "batch_size": 200},
    {"epochs": 5, "batch_size": 500},
    {"epochs": 5, "batch_size": 500, "hidden": (400,)},
    {"epochs": 4, "batch_size": 500, "hidden": (400,)},
    {"hidden": (200,)},
    {"hidden": (250,)},
    {"epochs": 3, "hidden": (400,)},
    {"epochs": 3, "hidden": (500,), "batch_size": 200},
    {"learning_rate": 8e-3},
    {"learning_rate": 1.6e-2},
    # A peak that serves one layer must not ruin two.
    {"learning_rate": 2e-2},
    {"hidden": (500, 500)},
    {"hidden": (500, 500), "learning_rate": 2e-2},
    {"activation": "tanh", "learning_rate": 8e-3},
    {"activation": "relu", "learning_rate": 8e-3},
    {"hidden": (250, 250), "epochs": 3, "learning_rate": 8e-3},
)


def measure(scale: Scale, threads: int, say: Say) -> Found:
    """Train each candidate, seed after seed."""
    seconds: list[list[float]] = [[] for _ in CANDIDATES]
    bounds: list[list[float]] = [[] for _ in CANDIDATES]
    with Worker(threads) as worker:
        _train({"epochs": 1}, 0, worker, scale, threads)  # the first one warms the process
        for seed in range(scale.recipe_seeds):
            for index, candidate in enumerate(CANDIDATES):
                took, reached = _train(candidate, seed, worker, scale, threads)
                seconds[index].append(took)
                bounds[index].append(reached)
                say(f"{_name(candidate)}, seed {seed}: {reached:.2f} nats after {took:.2f} s")
    spreads = [Spread(tuple(values)) for values in bounds]
    rows = [
        _row(*one) for one in zip(CANDIDATES, spreads, map(statistics.median, seconds), strict=True)
    ]
    names = map(_name, CANDIDATES)
    rounds = dict(zip(names, spreads, strict=True))
    return Found(sorted(rows, key=lambda row: float(row.note.split()[0])), rounds)


def settings(candidate: dict[str, Any], *, seed: int, threads: int) -> dict[str, Any]:
    """Return what a candidate trains with, as a worker is told it."""
    told = quality.recipe(seed, threads)
    for name, value in candidate.items():
        told["model" if name in told["model"] else "training"][name] = value
    return told


def _train(
    candidate: dict[str, Any], seed: int, worker: Worker, scale: Scale, threads: int
) -> tuple[float, float]:
    """Return the seconds of a training and the nats of what it held out."""
    told = settings(candidate, seed=seed, threads=threads)
    told["training"] |= {"train_size": scale.train_size}
    worker.ask("start", contestant="ours", held_out=HELD_OUT, **told)
    seconds = sum(worker.ask("epoch")["seconds"] for _ in range(told["training"]["epochs"]))
    return seconds, worker.ask("judge")["negative elbo"]


def _row(candidate: dict[str, Any], bound: Spread, seconds: float) -> Row:
    goal = table.below(LIMIT) if not candidate else None
    return table.row(_name(candidate), bound, "nats", goal, f"{seconds:.2f} s")


def _name(candidate: dict[str, Any]) -> str:
    changes = ", ".join(f"{name} {value}" for name, value in candidate.items())
    return f"the recipe with {changes}" if changes else "the recipe"
