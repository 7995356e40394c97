"""How the step size and the KL weight change over a training."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

import torch
from torch import nn

from vae_core.config import TrainConfig

DECAYS: dict[str, Callable[[float], float]] = {
    "none": lambda done: 1.0,
    "linear": lambda done: 1.0 - done,
    "cosine": lambda done: 0.5 * (1 + math.cos(math.pi * done)),
}


def learning_rate(step: int, total: int, config: TrainConfig) -> float:
    """Share of the peak learning rate at ``step`` (from 0) of ``total``."""
    climb = config.warmup * total
    if step < climb:
        return min(1.0, (step + 1) / climb)
    return DECAYS[config.decay]((step - climb) / max(total - climb, 1))


def kl_weight(epochs: float, config: TrainConfig) -> float:
    """Share of beta after this many (fractional) epochs."""
    if config.kl_warmup_epochs == 0:
        return 1.0
    return min(1.0, epochs / config.kl_warmup_epochs)


def optimizer(parameters: Iterable[nn.Parameter], config: TrainConfig) -> torch.optim.Optimizer:
    """Adam, or the Adagrad that the paper used, in PyTorch's fused form."""
    kinds: dict[str, Callable[..., torch.optim.Optimizer]] = {
        "adam": torch.optim.Adam,
        "adagrad": torch.optim.Adagrad,
    }
    return kinds[config.optimizer](parameters, lr=config.learning_rate, fused=True)
