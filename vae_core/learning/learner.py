"""Minibatches and the interface of learning algorithms."""

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

#: Data types of matrix products, by the name of the precision.
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}


class NotFiniteError(Exception):
    """The loss of a step, counted from 1, is not finite."""

    def __init__(self, loss: float, step: int) -> None:
        super().__init__(loss, step)
        self.loss, self.step = loss, step


def check_finite(loss: float, step: int) -> None:
    """Check that the loss of a step is finite.

    Raises
    ------
    NotFiniteError
        With the loss and the number of the step.
    """
    if not math.isfinite(loss):
        raise NotFiniteError(loss, step)


class Differentiable(Protocol):
    """Scalar loss: a tensor, or an object that computes its own gradient."""

    def item(self) -> float:
        """Return its value."""

    def backward(self) -> None:
        """Set the gradient of every parameter that it depends on."""


class Update(Protocol):
    """Function that moves parameters by one step of the optimiser."""

    def __call__(self, loss: Differentiable, add: Callable[[], None] | None = None) -> None:
        """Differentiate a scalar loss, call ``add`` to add to the gradients, then step."""


@dataclass(frozen=True)
class Minibatch:
    """Minibatch, with the settings, generator and optimiser step that a learner uses.

    ``update`` takes a scalar loss and moves the parameters that it depends on by one step of the
    optimiser. ``beta`` is a tensor () if the step is captured as a CUDA graph, in which a number
    would be constant.
    """

    x: Tensor  # (batch, c, h, w) in [0, 1]
    y: Tensor | None  # (batch,) labels, for a model that takes them
    rows: Tensor  # (batch,) indices into the training set
    beta: Beta  # weight of the rate in the loss
    samples: int  # codes per image
    generator: torch.Generator
    update: Update


@dataclass(frozen=True)
class TrainingSet:
    """Training images, uint8 (n, c, h, w), and labels (n,) if the model takes them."""

    images: Tensor
    labels: Tensor | None
    seed: int  # of the noise in the steps


class Learner(Protocol):
    """Learning algorithm: changes the parameters by one minibatch at a time."""

    #: Whether each gradient overwrites the previous one in place.
    in_place: bool

    def step(self, batch: Minibatch) -> Metrics:
        """Learn from a minibatch and return its ELBO, rate and distortion."""

    def state(self) -> dict[str, Tensor]:
        """Return the tensors that a resume needs besides model and optimiser."""

    def load_state(self, tensors: dict[str, Tensor]) -> None:
        """Restore what :meth:`state` returned."""


class Stateless:
    """Base of learners without a state between minibatches."""

    in_place = False

    def state(self) -> dict[str, Tensor]:
        """Return no tensors."""
        return {}

    def load_state(self, tensors: dict[str, Tensor]) -> None:
        """Restore nothing."""


def metrics(bound: Bound) -> Metrics:
    """Average a bound over its minibatch."""
    rate, distortion = bound.rate.mean().item(), bound.distortion.mean().item()
    return Metrics(-(rate + distortion), rate, distortion)


def autocast(config: TrainConfig) -> contextlib.AbstractContextManager[Any]:
    """Return the context in which matrix products have the precision of the settings."""
    if config.precision == "float32":
        return contextlib.nullcontext()
    return torch.autocast(config.device, dtype=DTYPES[config.precision])


def part(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """Return the tensors whose names start with a prefix, by the rest of their names."""
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
