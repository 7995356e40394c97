"""The package's own trainer, stepped as ``python -m vae_core train`` steps it."""

from __future__ import annotations

import time

from torch import Tensor

from vae_core.config import ModelConfig, TrainConfig
from vae_core.data import ImageDataset
from vae_core.learning import Trainer


class Contestant:
    """A :class:`vae_core.learning.Trainer`."""

    def __init__(self, model: ModelConfig, training: TrainConfig, dataset: ImageDataset) -> None:
        self.trainer = Trainer(model, training, dataset)

    def epoch(self) -> float:
        """Train one epoch with a record for each step; the test set is outside the clock."""
        began = time.perf_counter()
        for _ in self.trainer.steps():
            pass
        seconds = time.perf_counter() - began
        self.trainer.finish_epoch()
        return seconds

    def weights(self) -> dict[str, Tensor]:
        """Return the model's own."""
        return self.trainer.model.state_dict()
