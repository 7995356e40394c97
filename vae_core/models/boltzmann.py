"""Restricted Boltzmann machines (RBMs) and deep belief nets of them (Hinton et al. 2006).

They are baselines for the VAE. scikit-learn's ``BernoulliRBM`` trains each layer by persistent
contrastive divergence (Tieleman 2008).

A machine has no prior p(z) to sample and no density q(z|x): its code is the probability of each
hidden unit, and a sample is the last state of a Markov chain.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from itertools import pairwise
from typing import Literal, Self

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field, model_validator
from torch import Tensor

from vae_core import pixels
from vae_core.config import Config, Width
from vae_core.errors import ConfigError
from vae_core.pixels import Images

KINDS = {"rbm": "a restricted Boltzmann machine", "dbn": "a deep belief net"}
#: Gibbs steps from noise to a sample.
GIBBS_STEPS = 1_000


class BoltzmannConfig(Config):
    """Architecture and training of a machine; each layer is trained for ``epochs``."""

    kind: Literal["rbm", "dbn"] = "rbm"
    image_shape: tuple[Width, Width, Width] = (1, 28, 28)
    #: Widths of the hidden layers: one for an RBM, two or more for a DBN.
    hidden: tuple[Width, ...] = Field(default=(500,), min_length=1, max_length=16)
    epochs: int = Field(default=20, ge=1, le=100_000)
    batch_size: int = Field(default=100, ge=1, le=65_536)
    learning_rate: float = Field(default=0.05, gt=0, le=1.0)
    seed: int = Field(default=0, ge=0, lt=2**31)

    @model_validator(mode="after")
    def _layers_fit_the_kind(self) -> Self:
        if (self.kind == "rbm") != (len(self.hidden) == 1):
            raise ValueError(
                f"hidden {self.hidden} does not make kind {self.kind!r}: an 'rbm' has one hidden "
                "layer, a 'dbn' two or more"
            )
        if self.image_shape[0] != 1:
            raise ValueError(
                f"image_shape {self.image_shape} has colour; Bernoulli units need one channel"
            )
        return self


@dataclass(frozen=True)
class Layer:
    """One RBM, p(v, h) ∝ exp(hᵀWv + bᵀv + cᵀh)."""

    weight: Tensor  # (hidden, visible)
    visible_bias: Tensor  # (visible,)
    hidden_bias: Tensor  # (hidden,)

    def up(self, v: Tensor) -> Tensor:
        """P(h = 1 | v) of (..., visible)."""
        return torch.sigmoid(v @ self.weight.T + self.hidden_bias)

    def down(self, h: Tensor) -> Tensor:
        """P(v = 1 | h) of (..., hidden)."""
        return torch.sigmoid(h @ self.weight + self.visible_bias)

    def free_energy(self, v: Tensor) -> Tensor:
        """−log Σ_h exp(−E(v, h)) of (..., visible) → (...): minus the unnormalised log p(v)."""
        linear = v @ self.visible_bias
        return -linear - torch.nn.functional.softplus(v @ self.weight.T + self.hidden_bias).sum(-1)


@dataclass(frozen=True)
class Boltzmann:
    """Trained machine: one layer for an RBM, several for a DBN."""

    config: BoltzmannConfig
    layers: tuple[Layer, ...]

    @property
    def size(self) -> int:
        """Number of hidden units of the top layer: the length of a code."""
        return self.config.hidden[-1]

    def encode(self, x: Images) -> Tensor:
        """Return the probabilities of the top layer's units, (batch, size).

        Images are floats in [0, 1] or uint8, of a shape that :func:`pixels.shaped` takes.

        Raises
        ------
        ImageError
            If ``x`` has other values, or another shape.
        """
        return self.encode_unchecked(pixels.as_input(x, self.config.image_shape))

    def encode_unchecked(self, x: Tensor) -> Tensor:
        """Encode float images (batch, c, h, w), whose values may be outside [0, 1]."""
        values = x.flatten(1)
        for layer in self.layers:
            values = layer.up(values)
        return values

    def decode(self, h: Tensor) -> Tensor:
        """Mean pictures of the top layer's units (..., size) → (..., c, h, w), in (0, 1)."""
        values = h
        for layer in reversed(self.layers):
            values = layer.down(values)
        return values.reshape(*h.shape[:-1], *self.config.image_shape)

    def reconstruct(self, x: Images) -> Tensor:
        """Encode and decode by mean field: (batch, c, h, w) → (batch, c, h, w) in (0, 1)."""
        return self.decode(self.encode(x))

    def sample(self, n: int, *, generator: torch.Generator, steps: int = GIBBS_STEPS) -> Tensor:
        """Mean pictures (n, c, h, w) of the last states of ``n`` Gibbs chains from noise.

        The chains alternate between the two top layers, whose RBM is the prior of the net; lower
        units are then drawn once from the top down (Hinton et al. 2006, section 2).
        """
        top = self.layers[-1]
        h = torch.rand(n, self.size, generator=generator).round()
        for _ in range(steps):
            v = torch.bernoulli(top.down(h), generator=generator)
            h = torch.bernoulli(top.up(v), generator=generator)
        values = top.down(h)
        for layer in reversed(self.layers[:-1]):
            values = layer.down(torch.bernoulli(values, generator=generator))
        return values.reshape(n, *self.config.image_shape)

    def tensors(self) -> dict[str, Tensor]:
        """Weights by their names in a file."""
        return {
            f"layer.{index}.{name}": value.contiguous()
            for index, layer in enumerate(self.layers)
            for name, value in vars(layer).items()
        }

    @classmethod
    def of(cls, config: BoltzmannConfig, tensors: Mapping[str, Tensor]) -> Boltzmann:
        """Create a machine from weights with the names and shapes of :func:`shapes`."""
        layers = (
            Layer(**{f.name: tensors[f"layer.{index}.{f.name}"] for f in fields(Layer)})
            for index in range(len(config.hidden))
        )
        return cls(config=config, layers=tuple(layers))


def fit(
    config: BoltzmannConfig,
    images: Tensor,
    *,
    say: Callable[[str], None] = lambda stage: None,
) -> Boltzmann:
    """Train each layer in turn on the mean activations of the one below it.

    Parameters
    ----------
    images
        (n, c, h, w) in [0, 1]; intensities are probabilities.

    Raises
    ------
    ConfigError
        If the images have another shape.
    """
    from sklearn.neural_network import BernoulliRBM

    if tuple(images.shape[1:]) != config.image_shape:
        raise ConfigError(
            f"image_shape {config.image_shape} is not that of the images, {tuple(images.shape[1:])}"
        )
    random = np.random.RandomState(config.seed)
    # Only whole batches: there is one persistent chain for each image of a batch.
    size = min(config.batch_size, len(images))
    values, layers = images.flatten(1), []
    for depth, width in enumerate(config.hidden, start=1):
        machine = BernoulliRBM(
            n_components=width,
            learning_rate=config.learning_rate,
            batch_size=size,
            random_state=random,
        )
        visible = values.numpy()
        for epoch in range(1, config.epochs + 1):
            say(f"{config.kind}, layer {depth}, epoch {epoch} of {config.epochs}")
            order = random.permutation(len(visible))
            for start in range(0, len(visible) - size + 1, size):
                machine.partial_fit(visible[order[start : start + size]])
        layers.append(
            Layer(
                weight=_tensor(machine.components_),
                visible_bias=_tensor(machine.intercept_visible_),
                hidden_bias=_tensor(machine.intercept_hidden_),
            )
        )
        values = layers[-1].up(values)
    return Boltzmann(config=config, layers=tuple(layers))


def cross_entropy(targets: Tensor, mean: Tensor) -> Tensor:
    """−Σ t log m + (1 − t) log(1 − m) over pixels: (batch, c, h, w) twice → (batch,), in nats.

    Logarithms are clamped at −100, so that a saturated pixel has a finite cost.
    """
    log_on, log_off = mean.log().clamp(min=-100), (1 - mean).log().clamp(min=-100)
    return -(targets * log_on + (1 - targets) * log_off).flatten(1).sum(1)


def entropy_floor(targets: Tensor) -> Tensor:
    """Σ H(t) over pixels, (batch,), in nats: the cross-entropy of a perfect reconstruction.

    It is above 0 for grey ``targets`` (batch, c, h, w) in [0, 1].
    """
    entropy: Tensor = torch.special.entr(targets) + torch.special.entr(1 - targets)
    return entropy.flatten(1).sum(1)


def shapes(config: BoltzmannConfig) -> dict[str, tuple[int, ...]]:
    """Shapes of a machine's weights, by the names of :meth:`Boltzmann.tensors`."""
    _, height, width = config.image_shape
    found: dict[str, tuple[int, ...]] = {}
    for index, (below, above) in enumerate(pairwise((height * width, *config.hidden))):
        found[f"layer.{index}.weight"] = (above, below)
        found[f"layer.{index}.visible_bias"] = (below,)
        found[f"layer.{index}.hidden_bias"] = (above,)
    return found


def _tensor(values: NDArray[np.float32]) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(values, dtype=np.float32))
