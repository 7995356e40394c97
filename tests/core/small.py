"""Small models, datasets and settings for fast tests."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from vae_core.config import ModelConfig, TrainConfig
from vae_core.data import ImageDataset, Split
from vae_core.models import VAE, build, initialise
from vae_core.models.distributions import POSTERIOR_LOGVAR

SHAPE = (1, 5, 4)


def model_config(**settings: Any) -> ModelConfig:
    """Describe a network of a few units."""
    return ModelConfig.of(**{"image_shape": SHAPE, "latent_dim": 3, "hidden": (11, 7)} | settings)


def train_config(**settings: Any) -> TrainConfig:
    """Describe a training of a few steps; 50 images make 5 batches, the last one short."""
    small = {"epochs": 3, "batch_size": 12, "learning_rate": 1e-2, "threads": 1}
    return TrainConfig.of(**small | settings)


def model(*, seed: int = 4, **settings: Any) -> VAE:
    """Make an untrained model in eval mode."""
    config = model_config(**settings)
    built = build(config)
    generator = torch.Generator().manual_seed(seed)
    mean_image = torch.rand(config.image_shape, generator=generator)
    initialise(built, mean_image=mean_image, scheme="default", generator=generator)
    return built.eval().requires_grad_(False)


def blind(*, mu: float = 0.0, **settings: Any) -> VAE:
    """Make a model with q(z|x) = N(mu, I) whatever x, and one p(x|z) whatever z.

    With mu 0 the rate is 0, and every bound is log p(x).
    """
    built = model(**settings)
    d = built.config.latent_dim
    built.posterior.weight.zero_()
    built.posterior.bias[:d] = mu
    built.posterior.bias[d:] = unclamped(0.0)
    built.likelihood.weight.zero_()
    return built


def unclamped(logvar: float) -> float:
    """Return what the soft clamp of a posterior's log-variance bends into ``logvar``."""
    low, high = POSTERIOR_LOGVAR
    inner = low + math.log(math.expm1(logvar - low))
    return high - math.log(math.expm1(high - inner))


def images(n: int, shape: tuple[int, int, int] = SHAPE, *, seed: int = 0) -> Tensor:
    """Blurred bars, uint8 (n, c, h, w): two factors of variation and some noise."""
    generator = torch.Generator().manual_seed(seed)
    where, how_bright = torch.rand(2, n, 1, 1, 1, generator=generator)
    columns = torch.linspace(0, 1, shape[2])
    bars = torch.exp(-((columns - where) ** 2) / 0.05) * (0.3 + 0.7 * how_bright)
    noise = 0.1 * torch.rand(n, *shape, generator=generator)
    return ((bars + noise).clamp(0, 1) * 255).round().to(torch.uint8)


def dataset(
    n_train: int = 50,
    n_test: int = 20,
    *,
    shape: tuple[int, int, int] = SHAPE,
    labelled: bool = True,
) -> ImageDataset:
    """Make a dataset of bars with two classes."""

    def split(n: int, first_id: int, seed: int) -> Split:
        pictures = images(n, shape, seed=seed)
        left, right = pictures.float().chunk(2, dim=3)
        labels = (left.mean((1, 2, 3)) < right.mean((1, 2, 3))).long()
        ids = torch.arange(first_id, first_id + n)
        return Split(images=pictures, labels=labels if labelled else None, ids=ids)

    return ImageDataset(
        name="bars",
        title="Bars",
        train=split(n_train, 0, 1),
        test=split(n_test, n_train, 2),
        classes=("left", "right") if labelled else (),
    )
