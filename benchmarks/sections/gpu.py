"""An epoch on a GPU where there is one, and whether the bound suffers there."""

from __future__ import annotations

from functools import partial

import torch

from benchmarks import table, timing
from benchmarks.scale import Scale
from benchmarks.sections import Found, quality
from benchmarks.sections.training import NETWORK
from benchmarks.table import Row
from benchmarks.timing import Say, Spread
from benchmarks.worker import Worker
from vae_core.learning import native_bfloat16

TITLE = "With a GPU"
GOAL = table.at_most(0.1)
WORK = "epoch, batch 100, on the GPU"


def measure(scale: Scale, threads: int, say: Say) -> Found:
    """Time epochs of the same net on the card, then compare its bound with the plain loop's."""
    if not torch.cuda.is_available():
        return Found([Row(WORK, None, "s", goal=GOAL, note="no GPU here")])
    precisions = ["float32", "bfloat16"] if native_bfloat16("cuda") else ["float32"]
    epochs = _epochs(precisions, scale, threads, say)
    fastest = min(epochs, key=lambda name: epochs[name].median)
    note = f"{fastest}, {torch.cuda.get_device_name()}"
    rows = [table.row(WORK, epochs[fastest], "s", GOAL, note)]
    rows += [table.row(f"{WORK}, {name}", spread, "s") for name, spread in epochs.items()]
    paths = {f"GPU, {name}": {"device": "cuda", "precision": name} for name in precisions}
    bounds = quality.against_plain(paths, scale, threads, say)
    return Found(rows + bounds.rows, epochs | bounds.rounds)


def _epochs(precisions: list[str], scale: Scale, threads: int, say: Say) -> dict[str, Spread]:
    common = {"batch_size": 100, "device": "cuda", "epochs": scale.rounds + 1}
    common |= {"threads": threads, "train_size": scale.train_size}
    with Worker(threads) as worker:
        for name in precisions:
            training = common | {"precision": name}
            worker.ask("start", key=name, contestant="ours", model=NETWORK, training=training)
        measured = {name: partial(_epoch, worker, name) for name in precisions}
        return timing.interleave(measured, scale.rounds, say)


def _epoch(worker: Worker, key: str) -> float:
    return float(worker.ask("epoch", key=key)["seconds"])
