"""What a learner reports while it works."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Metrics:
    """Means over a set, in nats per example; elbo = −(rate + distortion)."""

    elbo: float
    rate: float
    distortion: float


@dataclass(frozen=True)
class StepRecord:
    """One optimisation step: its number from 1, its epoch, and the minibatch's metrics."""

    step: int
    epoch: int
    read: Callable[[], Metrics]

    @property
    def train(self) -> Metrics:
        """The minibatch's metrics; waits for a device that is still at work on them."""
        return self.read()


@dataclass(frozen=True)
class EpochRecord:
    """One finished epoch.

    ``seconds`` is the time that training took in this epoch alone, evaluation excluded. ``train``
    is the mean over the epoch's minibatches as they were trained on, ``test`` a single-sample
    estimate over the test set after it.
    """

    epoch: int
    step: int
    seconds: float
    train: Metrics
    test: Metrics

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> EpochRecord:
        """Read back what :meth:`as_dict` gave."""
        parts = {name: Metrics(**row[name]) for name in ("train", "test")}
        return cls(**{**row, **parts})
