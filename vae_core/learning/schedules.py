"""How the step size and the KL weight change over a training."""

from __future__ import annotations

import bisect
import math
from collections.abc import Callable
from dataclasses import dataclass

from vae_core.config import TrainConfig

#: Passes over the data that Burda et al. (2016, section 5) make one after another, in epochs, and
#: the shares of all epochs at which the second and later ones begin.
PASSES = tuple(3**i for i in range(8))
PASS_BEGINS = tuple(sum(PASSES[:i]) / sum(PASSES) for i in range(1, len(PASSES)))


def in_passes(done: float) -> float:
    """10^(−i/7) in pass i of 0 … 7, after this share of all steps."""
    return float(10 ** (-bisect.bisect_right(PASS_BEGINS, done) / (len(PASSES) - 1)))


DECAYS: dict[str, Callable[[float], float]] = {
    "none": lambda done: 1.0,
    "linear": lambda done: 1.0 - done,
    "cosine": lambda done: 0.5 * (1 + math.cos(math.pi * done)),
    "passes": in_passes,
}


@dataclass(frozen=True)
class Stage:
    """What the schedules say of one step: its number from 1, and the settings that hold in it."""

    number: int
    learning_rate: float
    beta: float
    samples: int


def stage(done: int, batches: int, config: TrainConfig) -> Stage:
    """Return what holds in the step after ``done`` others, of ``batches`` an epoch."""
    epochs = done / batches
    share = learning_rate(done, batches * config.epochs, config)
    return Stage(
        number=done + 1,
        learning_rate=config.learning_rate * share,
        beta=config.beta * kl_weight(epochs, config),
        samples=samples(epochs, config),
    )


def learning_rate(step: int, total: int, config: TrainConfig) -> float:
    """Share of the peak learning rate at ``step`` (from 0) of ``total``."""
    climb = config.warmup * total
    if step < climb:
        return min(1.0, (step + 1) / climb)
    return DECAYS[config.decay]((step - climb) / max(total - climb, 1))


def samples(epochs: float, config: TrainConfig) -> int:
    """Return the samples of each image after this many (fractional) epochs."""
    return config.coarse_samples if epochs < config.coarse_epochs else config.samples


def kl_weight(epochs: float, config: TrainConfig) -> float:
    """Share of beta after this many (fractional) epochs."""
    if config.kl_warmup_epochs == 0:
        return 1.0
    return min(1.0, epochs / config.kl_warmup_epochs)
