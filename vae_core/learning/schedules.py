"""Schedules of the learning rate, the KL weight and the number of samples."""

from __future__ import annotations

import bisect
import math
from collections.abc import Callable
from dataclasses import dataclass

from vae_core.config import TrainConfig

#: Lengths in epochs of the passes of Burda et al. (2016, section 5), and the fractions of all
#: epochs at which the second and later passes begin.
PASSES = tuple(3**i for i in range(8))
PASS_BEGINS = tuple(sum(PASSES[:i]) / sum(PASSES) for i in range(1, len(PASSES)))


def in_passes(done: float) -> float:
    """Return 10^(−i/7) for pass i in 0 … 7, after the fraction ``done`` of all steps."""
    return float(10 ** (-bisect.bisect_right(PASS_BEGINS, done) / (len(PASSES) - 1)))


DECAYS: dict[str, Callable[[float], float]] = {
    "none": lambda done: 1.0,
    "linear": lambda done: 1.0 - done,
    "cosine": lambda done: 0.5 * (1 + math.cos(math.pi * done)),
    "passes": in_passes,
}


@dataclass(frozen=True)
class Stage:
    """Number of a step, counted from 1, and the scheduled settings in it."""

    number: int
    learning_rate: float
    beta: float
    samples: int


def stage(done: int, batches: int, config: TrainConfig) -> Stage:
    """Return the settings of the step after ``done`` others, with ``batches`` steps per epoch."""
    epochs = done / batches
    share = learning_rate(done, batches * config.epochs, config)
    return Stage(
        number=done + 1,
        learning_rate=config.learning_rate * share,
        beta=config.beta * kl_weight(epochs, config),
        samples=samples(epochs, config),
    )


def learning_rate(step: int, total: int, config: TrainConfig) -> float:
    """Return the fraction of the peak learning rate at ``step`` (from 0) of ``total``."""
    climb = config.warmup * total
    if step < climb:
        return min(1.0, (step + 1) / climb)
    return DECAYS[config.decay]((step - climb) / max(total - climb, 1))


def samples(epochs: float, config: TrainConfig) -> int:
    """Return the samples per image after this many (fractional) epochs."""
    return config.coarse_samples if epochs < config.coarse_epochs else config.samples


def kl_weight(epochs: float, config: TrainConfig) -> float:
    """Return the fraction of beta after this many (fractional) epochs."""
    if config.kl_warmup_epochs == 0:
        return 1.0
    return min(1.0, epochs / config.kl_warmup_epochs)
