"""One minibatch as a learner meets it, and what a learner is."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

from vae_core.config import TrainConfig
from vae_core.learning.records import Metrics
from vae_core.objectives import Beta, Bound

#: Matrix products by the name of their precision.
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}


class NotFiniteError(Exception):
    """The loss of a step, numbered from 1, is no number."""

    def __init__(self, loss: float, step: int) -> None:
        super().__init__(loss, step)
        self.loss, self.step = loss, step


def check_finite(loss: float, step: int) -> None:
    """Refuse a loss that is no number.

    Raises
    ------
    NotFiniteError
        With both.
    """
    if not math.isfinite(loss):
        raise NotFiniteError(loss, step)


class Differentiable(Protocol):
    """A scalar loss: a tensor, or what knows its own gradient."""

    def item(self) -> float:
        """Return its value."""

    def backward(self) -> None:
        """Set the gradient of every parameter that it depends on."""


class Update(Protocol):
    """Moves parameters by one step."""

    def __call__(self, loss: Differentiable, add: Callable[[], None] | None = None) -> None:
        """Differentiate a scalar loss, let ``add`` add to the gradients, step."""


@dataclass(frozen=True)
class Minibatch:
    """A minibatch, and the means to learn from it.

    ``update`` takes a scalar loss and moves the parameters that it depends on by one step of the
    optimiser. ``beta`` is a tensor () where the step is captured as a CUDA graph, which would keep
    a number for ever.
    """

    x: Tensor  # (batch, c, h, w) in [0, 1]
    y: Tensor | None  # (batch,) labels, for a model that takes them
    rows: Tensor  # (batch,), which training images these are
    beta: Beta  # weight of the rate in the loss
    samples: int  # codes drawn for each image
    generator: torch.Generator
    update: Update


@dataclass(frozen=True)
class TrainingSet:
    """What steps learn from: images uint8 (n, c, h, w), labels (n,) where the model takes them."""

    images: Tensor
    labels: Tensor | None
    seed: int  # of the noise that steps draw


class Learner(Protocol):
    """How one minibatch changes the parameters."""

    #: Whether every gradient is written where the last one lies.
    in_place: bool

    def step(self, batch: Minibatch) -> Metrics:
        """Learn from a minibatch; returns its ELBO with rate and distortion."""

    def state(self) -> dict[str, Tensor]:
        """Return what a resume needs beyond model and optimiser."""

    def load_state(self, tensors: dict[str, Tensor]) -> None:
        """Take up what :meth:`state` returned."""


class Stateless:
    """A learner that remembers nothing from one minibatch to the next."""

    in_place = False

    def state(self) -> dict[str, Tensor]:
        """Return nothing."""
        return {}

    def load_state(self, tensors: dict[str, Tensor]) -> None:
        """Nothing to take up."""


def metrics(bound: Bound) -> Metrics:
    """Means over a minibatch."""
    rate, distortion = bound.rate.mean().item(), bound.distortion.mean().item()
    return Metrics(-(rate + distortion), rate, distortion)


def autocast(config: TrainConfig) -> contextlib.AbstractContextManager[Any]:
    """Matrix products in the precision that the settings ask for."""
    if config.precision == "float32":
        return contextlib.nullcontext()
    return torch.autocast(config.device, dtype=DTYPES[config.precision])


def part(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """Tensors of a state whose names begin so, by the rest of their names."""
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
