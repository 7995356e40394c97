"""An epoch on a GPU, where there is one and the package can use it."""

from __future__ import annotations

import torch

from benchmarks import table, timing
from benchmarks.scale import Scale
from benchmarks.sections import Found
from benchmarks.sections.training import NETWORK
from benchmarks.table import Row
from benchmarks.timing import Say
from benchmarks.worker import Worker
from vae_core.config import TrainConfig

TITLE = "With a GPU"
GOAL = table.at_most(0.1)
WORK = "epoch, batch 100, on the GPU"


def measure(scale: Scale, threads: int, say: Say) -> Found:
    """Time epochs of the same net on the card."""
    if not torch.cuda.is_available():
        return Found([Row(WORK, None, "s", goal=GOAL, note="no GPU here")])
    if "device" not in TrainConfig.model_fields:
        note = f"{torch.cuda.get_device_name()}, which training does not use"
        return Found([Row(WORK, None, "s", goal=GOAL, note=note)])
    settings = {"batch_size": 100, "device": "cuda", "epochs": scale.rounds + 1}
    settings |= {"threads": threads, "train_size": scale.train_size}
    with Worker(threads) as worker:
        worker.ask("start", contestant="ours", model=NETWORK, training=settings)
        found = timing.interleave(
            {"ours": lambda: float(worker.ask("epoch")["seconds"])}, scale.rounds, say
        )
    name = torch.cuda.get_device_name()
    return Found([table.row(WORK, found["ours"], "s", GOAL, name)], found)
