"""Records of training steps and epochs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Metrics:
    """Means over a set of images, in nats per image; elbo = −(rate + distortion)."""

    elbo: float
    rate: float
    distortion: float


@dataclass(frozen=True)
class StepRecord:
    """Optimisation step: its number and epoch, counted from 1, and the minibatch's metrics."""

    step: int
    epoch: int
    read: Callable[[], Metrics]

    @property
    def train(self) -> Metrics:
        """Metrics of the minibatch; waits until the device has computed them."""
        return self.read()


@dataclass(frozen=True)
class EpochRecord:
    """Finished epoch, counted from 1, with all finished steps.

    ``seconds`` is the time that training took in this epoch alone, without evaluation. ``train``
    is the mean over the epoch's minibatches, each before its step; ``test`` is a single-sample
    estimate over the test set after the epoch.
    """

    epoch: int
    step: int
    seconds: float
    train: Metrics
    test: Metrics

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return asdict(self)

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> EpochRecord:
        """Make a record from what :meth:`as_dict` returned."""
        parts = {name: Metrics(**row[name]) for name in ("train", "test")}
        return cls(**{**row, **parts})
