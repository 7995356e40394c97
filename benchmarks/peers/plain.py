"""The same training without any fast path: float32, PyTorch's plain Adam, tensors in memory.

It starts from the package's first weights and follows its step sizes, so that what it reaches is
what every faster way has to reach. The network and the loss are the textbook's.
"""

from __future__ import annotations

import time

import torch
from torch import Tensor

from benchmarks import peers
from benchmarks.peers import textbook
from vae_core import models
from vae_core.config import ModelConfig, TrainConfig
from vae_core.data import ImageDataset
from vae_core.learning import schedules


class Contestant:
    """A loop over minibatches that a reader can follow."""

    def __init__(self, model: ModelConfig, training: TrainConfig, dataset: ImageDataset) -> None:
        torch.set_num_threads(training.threads)
        torch.manual_seed(training.seed)
        self.training = training
        self.x = peers.training_images(training, dataset).float() / 255
        first = models.build(model)
        models.initialise(
            first,
            mean_image=self.x.mean(0),
            scheme=training.init,
            generator=torch.Generator().manual_seed(training.seed),
        )
        self.model = textbook.Network(model)
        self.model.load_state_dict(first.state_dict())
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=training.learning_rate)
        self.step = 0

    def epoch(self) -> float:
        """Train one epoch."""
        began = time.perf_counter()
        batches = torch.randperm(len(self.x)).split(self.training.batch_size)
        for rows in batches:
            share = schedules.learning_rate(
                self.step, len(batches) * self.training.epochs, self.training
            )
            for group in self.optimizer.param_groups:
                group["lr"] = self.training.learning_rate * share
            x = self.x[rows]
            logits, mu, logvar = self.model(x)
            loss = textbook.loss_function(logits, x, mu, logvar) / len(x)
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            self.step += 1
        return time.perf_counter() - began

    def weights(self) -> dict[str, Tensor]:
        """Return the network's."""
        return self.model.state_dict()
