"""Who trains a VAE: the package's trainer, and those that it is compared with.

Each is made from the same settings and the same images, trains one epoch when told, and gives its
network under the names of the package's weights, so that one evaluator judges all of them.
"""

from __future__ import annotations

import importlib
from typing import Any, Protocol

from torch import Tensor

from vae_core.config import ModelConfig, TrainConfig
from vae_core.data import ImageDataset, subset

#: Modules by the name of the contestant, imported when asked for: pythae is not everywhere.
NAMES = ("ours", "textbook", "plain", "numpy_vae", "pythae_trainer")


class Contestant(Protocol):
    """A training in progress."""

    def epoch(self) -> float:
        """Train one more epoch; return the seconds that it took, evaluation excluded."""

    def weights(self) -> dict[str, Tensor]:
        """Return the network by the names of the package's ``state_dict``."""


def make(
    name: str, model: ModelConfig, training: TrainConfig, dataset: ImageDataset, **options: Any
) -> Contestant:
    """Prepare a training; ``options`` are of one contestant alone."""
    assert name in NAMES, name
    contestant: Contestant = importlib.import_module(f"benchmarks.peers.{name}").Contestant(
        model, training, dataset, **options
    )
    return contestant


def training_images(training: TrainConfig, dataset: ImageDataset) -> Tensor:
    """Return the uint8 images (n, c, h, w) that the settings name."""
    if training.train_size is None:
        return dataset.train.images
    return subset(dataset.train, training.train_size, seed=training.seed).images
