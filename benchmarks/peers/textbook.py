"""The loop that tutorials teach: a DataLoader over PIL images, ToTensor, plain Adam.

Written for the benchmark after PyTorch's own example of a VAE (pytorch/examples, ``vae/main.py``)
and torchvision's MNIST and ToTensor, which are not installed here.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from benchmarks import peers
from vae_core.config import ModelConfig, TrainConfig
from vae_core.data import ImageDataset

ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "tanh": nn.Tanh,
    "relu": nn.ReLU,
    "silu": nn.SiLU,
}


def to_tensor(picture: Image.Image) -> Tensor:
    """Turn a picture into a tensor (c, h, w) in [0, 1], as torchvision's ToTensor does."""
    image = torch.from_numpy(np.array(picture, np.uint8, copy=True))
    image = image.view(picture.size[1], picture.size[0], len(picture.getbands()))
    return image.permute((2, 0, 1)).contiguous().to(torch.float32).div(255)


class Pictures(Dataset[tuple[Tensor, int]]):
    """A dataset as torchvision's MNIST is one: each item becomes a PIL image, then a tensor."""

    def __init__(self, images: Tensor) -> None:
        self.data = images.squeeze(1)
        self.targets = torch.zeros(len(images), dtype=torch.int64)

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        picture = Image.fromarray(self.data[index].numpy(), mode=None)
        return to_tensor(picture), int(self.targets[index])


class Network(nn.Module):
    """A VAE of dense layers with a Bernoulli decoder, its weights named as the package's."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.pixels = config.pixels
        self.encoder = stack((config.pixels, *config.hidden), config.activation)
        self.posterior = nn.Linear(config.hidden[-1], 2 * config.latent_dim)
        self.decoder = stack((config.latent_dim, *config.hidden[::-1]), config.activation)
        self.likelihood = nn.Linear(config.hidden[0], config.pixels)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return logits (batch, pixels), mu and logvar (batch, latent_dim)."""
        mu, logvar = self.posterior(self.encoder(x.view(-1, self.pixels))).chunk(2, dim=1)
        z = mu + torch.randn_like(mu) * torch.exp(0.5 * logvar)
        return self.likelihood(self.decoder(z)), mu, logvar


def stack(widths: tuple[int, ...], activation: str) -> nn.Sequential:
    """Dense layers, each followed by its activation."""
    layers: list[nn.Module] = []
    for fan_in, fan_out in pairwise(widths):
        layers += [nn.Linear(fan_in, fan_out), ACTIVATIONS[activation]()]
    return nn.Sequential(*layers)


def loss_function(logits: Tensor, x: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
    """Minus the ELBO, summed over the minibatch."""
    target = x.view(-1, logits.shape[1])
    distortion = F.binary_cross_entropy_with_logits(logits, target, reduction="sum")
    rate = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())
    return distortion + rate


class Contestant:
    """The training loop, epoch by epoch."""

    def __init__(self, model: ModelConfig, training: TrainConfig, dataset: ImageDataset) -> None:
        torch.set_num_threads(training.threads)
        torch.manual_seed(training.seed)
        pictures = Pictures(peers.training_images(training, dataset))
        self.loader = DataLoader(pictures, batch_size=training.batch_size, shuffle=True)
        self.model = Network(model)
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=training.learning_rate)

    def epoch(self) -> float:
        """Train one epoch and sum up the loss, as the example does."""
        began = time.perf_counter()
        self.model.train()
        train_loss = 0.0
        for x, _ in self.loader:
            self.optimizer.zero_grad()
            logits, mu, logvar = self.model(x)
            # Its mean over the minibatch, so that Adam's step is that of everybody here.
            loss = loss_function(logits, x, mu, logvar) / len(x)
            loss.backward()
            train_loss += loss.item()
            self.optimizer.step()
        return time.perf_counter() - began

    def weights(self) -> dict[str, Tensor]:
        """Return the network's."""
        return self.model.state_dict()
