"""Epochs on a GPU, whether the bound suffers there, and what the longest study would take."""

from __future__ import annotations

from functools import partial

from benchmarks import table, timing
from benchmarks.scale import Scale
from benchmarks.sections import Found, quality, training
from benchmarks.timing import Say
from benchmarks.worker import Worker
from vae_core import studies
from vae_core.learning import native_bfloat16

TITLE = "With a GPU: epochs as replayed CUDA graphs, the data on the card"
WORK = "epoch of 784–500–20–500–784, batch 100"
GOAL = table.at_most(0.1)
#: The study with the longest schedule, and its images.
LONGEST, IMAGES = "iwae-full", 60_000


def measure(scale: Scale, threads: int, say: Say) -> Found:
    """Time epochs of several nets, then compare the bound with the plain loop's."""
    precisions = ["float32", "bfloat16"] if native_bfloat16("cuda") else ["float32"]
    found = _epochs(precisions, scale, threads, say)
    whole = {"device": "cuda", "train_size": scale.train_size}
    found += training.others(scale, threads, precisions, say, **whole)
    found += _schedule(scale, threads, say)
    paths = {f"GPU, {name}": {"device": "cuda", "precision": name} for name in precisions}
    return found + quality.against_plain(paths, scale, threads, say)


def _epochs(precisions: list[str], scale: Scale, threads: int, say: Say) -> Found:
    common = {"batch_size": 100, "device": "cuda", "epochs": scale.rounds + 1}
    common |= {"threads": threads, "train_size": scale.train_size}
    with Worker(threads) as worker:
        for name in precisions:
            settings = common | {"precision": name}
            worker.ask(
                "start", key=name, contestant="ours", model=training.NETWORK, training=settings
            )
        measured = {name: partial(_seconds, worker, name) for name in precisions}
        epochs = timing.interleave(measured, scale.rounds, say)
    best = min(epochs, key=lambda name: epochs[name].median)
    rows = [table.row(f"{WORK}, best precision", epochs[best], "s", GOAL, best)]
    rows += [table.row(f"{WORK}, {name}", spread, "s") for name, spread in epochs.items()]
    return Found(rows, epochs)


def _schedule(scale: Scale, threads: int, say: Say) -> Found:
    """Extrapolate the hours of each cell of the longest study from an epoch of few images."""
    study, few = studies.find(LONGEST), 5 * scale.share
    with Worker(threads) as worker:
        measured = {}
        for cell in study.cells:
            model, settings = cell.declared["model"], cell.declared["training"]
            settings = settings | {"train_size": few, "threads": threads}
            worker.ask("start", key=cell.name, contestant="ours", model=model, training=settings)
            measured[cell.name] = partial(_seconds, worker, cell.name)
        epochs = timing.interleave(measured, scale.rounds, say)
    rows = []
    for cell in study.cells:
        hours = cell.declared["training"]["epochs"] * IMAGES / few / 3600
        work = f"`study {LONGEST}`, {cell.name}"
        note = f"extrapolated from epochs of {few:,} images"
        rows.append(table.row(work, epochs[cell.name].times(hours), "h", note=note))
    return Found(rows, {f"{LONGEST}, {name}": spread for name, spread in epochs.items()})


def _seconds(worker: Worker, key: str) -> float:
    return float(worker.ask("epoch", key=key)["seconds"])
