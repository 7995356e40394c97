"""The VAE in NumPy: forward pass, gradient by hand, Adam.

Forward pass and gradient are those of ``tests/core/reference.py``, in float32. The gradient of a
layer is summed over the minibatch in one matrix product; ``gradient="per-sample"`` forms every
image's gradient first and averages them afterwards, as Zhang & Wu (2020) do.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from benchmarks import peers
from tests.core import reference
from vae_core import models
from vae_core.config import ModelConfig, TrainConfig
from vae_core.data import ImageDataset

Array = NDArray[np.float32]
GRADIENTS: dict[str, Callable[[Array, Array], Array]] = {
    "summed": reference.summed,
    "per-sample": reference.per_sample,
}
BETAS, EPSILON = (0.9, 0.999), 1e-8


class Adam:
    """Kingma & Ba (2015), algorithm 1, with PyTorch's constants."""

    def __init__(self, weights: dict[str, Array], learning_rate: float) -> None:
        self.weights, self.learning_rate = weights, learning_rate
        self.first = {name: np.zeros_like(value) for name, value in weights.items()}
        self.second = {name: np.zeros_like(value) for name, value in weights.items()}
        self.steps = 0

    def step(self, gradients: dict[str, Array]) -> None:
        """Move every weight, in place."""
        self.steps += 1
        rise = self.learning_rate / (1 - BETAS[0] ** self.steps)
        scale = (1 - BETAS[1] ** self.steps) ** -0.5
        for name, gradient in gradients.items():
            first, second = self.first[name], self.second[name]
            first *= BETAS[0]
            first += (1 - BETAS[0]) * gradient
            second *= BETAS[1]
            second += (1 - BETAS[1]) * np.square(gradient)
            self.weights[name] -= rise * first / (np.sqrt(second) * scale + EPSILON)


class Contestant:
    """The training loop, epoch by epoch."""

    def __init__(
        self,
        model: ModelConfig,
        training: TrainConfig,
        dataset: ImageDataset,
        *,
        gradient: str = "summed",
    ) -> None:
        self.model, self.training = model, training
        self.x = peers.training_images(training, dataset).flatten(1).numpy() / np.float32(255)
        self.draw = np.random.default_rng(training.seed)
        first = models.build(model)
        mean_image = torch.from_numpy(self.x.mean(0)).reshape(model.image_shape)
        generator = torch.Generator().manual_seed(training.seed)
        models.initialise(first, mean_image=mean_image, scheme="default", generator=generator)
        self.arrays = {name: value.numpy() for name, value in first.state_dict().items()}
        self.optimizer = Adam(self.arrays, training.learning_rate)
        self.weight_gradient = GRADIENTS[gradient]

    def epoch(self) -> float:
        """Train one epoch."""
        began = time.perf_counter()
        order = self.draw.permutation(len(self.x))
        for start in range(0, len(order), self.training.batch_size):
            x = self.x[order[start : start + self.training.batch_size]]
            shape = (1, len(x), self.model.latent_dim)
            eps = self.draw.standard_normal(shape, dtype=np.float32)
            found = reference.differentiate(
                self.arrays,
                x,
                eps,
                activation=self.model.activation,
                likelihood="bernoulli",
                weight_gradient=self.weight_gradient,
            )
            self.optimizer.step(found.gradients)
        return time.perf_counter() - began

    def weights(self) -> dict[str, Tensor]:
        """Return the arrays as tensors."""
        return {name: torch.from_numpy(value) for name, value in self.arrays.items()}
