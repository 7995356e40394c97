"""Variational auto-encoder with posterior q(z|x) and likelihood p(x|z) (Kingma & Welling 2014)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from vae_core import pixels
from vae_core.config import ModelConfig
from vae_core.errors import ConfigError
from vae_core.models import networks, priors
from vae_core.models.dense import Dense
from vae_core.models.distributions import POSTERIOR_LOGVAR, DiagonalGaussian, Prior, soft_clamp
from vae_core.models.likelihoods import LIKELIHOODS, Likelihood
from vae_core.pixels import Images

#: Labels (batch,), integers from 0.
Labels = Tensor | NDArray[np.integer[Any]] | Sequence[int]
#: Types of labels that are converted to int64.
WHOLE = (torch.uint8, torch.int8, torch.int16, torch.int32)


@dataclass(frozen=True)
class Latent:
    """Posterior, sample and prior of one stochastic layer in a forward pass."""

    q: DiagonalGaussian
    z: Tensor
    prior: Prior


@dataclass(frozen=True)
class Observed:
    """Images with their posterior and prior, from which any number of samples can be drawn."""

    x: Tensor  # (batch, c, h, w) in [0, 1]
    y: Tensor | None  # (batch,) labels, for a model that needs them
    q: DiagonalGaussian  # of the lowest layer, (batch, latent_dim)
    prior: Prior  # of the highest layer


@dataclass(frozen=True)
class Inference:
    """Result of a forward pass, of which the objectives are functions."""

    x: Tensor  # (batch, c, h, w) in [0, 1]
    q: DiagonalGaussian  # the result of ``encode``: parameters (batch, latent_dim)
    z: Tensor  # (k, batch, latent_dim), samples of q
    p: Likelihood  # p(x|z) of each sample
    prior: Prior
    #: Layers of a model with several, the lowest first; empty for a model with one.
    hierarchy: tuple[Latent, ...] = ()

    @property
    def layers(self) -> tuple[Latent, ...]:
        """Stochastic layers, the lowest first."""
        return self.hierarchy or (Latent(self.q, self.z, self.prior),)


class VAE(nn.Module):
    """VAE with a diagonal Gaussian posterior and one stochastic layer.

    With ``config.conditional``, encoder and decoder depend on the label: p(x|z, y) and q(z|x, y)
    (Sohn et al. 2015). With prior "label", the prior does: p(z|y). Such a model needs ``y``, int64
    (batch,), in each method that has this parameter; others ignore it.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        spec = LIKELIHOODS[config.likelihood]
        family = networks.FAMILIES[config.network]
        code_size = config.first_latent_dim or config.latent_dim  # of the lowest layer
        label_size = config.classes if config.conditional else 0
        self.encoder = family.encoder(config)
        self.posterior = Dense(config.features, 2 * code_size)
        self.decoder = family.decoder(config, code_size + label_size)
        self.likelihood = family.head(config, spec.values_per_pixel)
        self.p_z = priors.PRIORS[config.prior](config)
        self._join = family.join
        self._read_head = spec.from_head

    @property
    def generative_networks(self) -> tuple[nn.Module, ...]:
        """Networks of p(x|z), whose weights are θ."""
        return self.decoder, self.likelihood

    @property
    def inference_networks(self) -> tuple[nn.Module, ...]:
        """Networks of q(z|x), whose weights are φ."""
        return self.encoder, self.posterior

    @property
    def prior(self) -> Prior:
        """Prior p(z).

        Raises
        ------
        ConfigError
            If the prior depends on a label; see :meth:`prior_given`.
        """
        return self.prior_given(None)

    def prior_given(self, y: Labels | None) -> Prior:
        """Return p(z|y) of labels ``y`` (batch,) for a model with a label prior, else p(z)."""
        prior: Prior = self.p_z(self._checked(y), self.encode)
        return prior

    def encode(self, x: Images, y: Labels | None = None) -> DiagonalGaussian:
        """Return q(z|x) of images ``x``, floats in [0, 1] or uint8.

        Images here are (batch, c, h, w), or of another shape that :func:`pixels.shaped` takes.

        Raises
        ------
        ImageError
            If ``x`` has other values, or another shape.
        ConfigError
            If a conditional model gets no labels, or labels outside its range.
        """
        return self.encode_unchecked(pixels.as_input(x, self.config.image_shape), y)

    def encode_unchecked(self, x: Tensor, y: Labels | None = None) -> DiagonalGaussian:
        """Return q(z|x) of floats ``x`` (batch, c, h, w), which may be outside [0, 1]."""
        return gaussian_of(self.posterior(self.encoder(self._join(x, self._one_hot(y)))))

    def decode(self, z: Tensor, y: Labels | None = None) -> Likelihood:
        """Return p(x|z) of codes ``z`` (..., latent_dim), or (..., batch, latent_dim) with ``y``.

        Raises
        ------
        ConfigError
            As :meth:`encode`.
        """
        label = self._one_hot(y)
        if label is not None:
            z = torch.cat([z, label.expand(*z.shape[:-1], -1)], dim=-1)
        values = self.likelihood(self.decoder(z.reshape(-1, z.shape[-1]))).float()
        values = values.reshape(*z.shape[:-1], -1)
        if self.config.symmetric:
            values = _symmetric(values, self.config.image_shape)
        return self._read_head(values, self.config.image_shape, self.config.logvar_floor)

    def forward(
        self,
        x: Images,
        *,
        y: Labels | None = None,
        samples: int = 1,
        generator: torch.Generator,
    ) -> Inference:
        """Encode images (batch, c, h, w), then draw and decode ``samples`` codes for each."""
        return self.draw(self.observe(x, y), samples=samples, generator=generator)

    def observe(self, x: Images, y: Labels | None = None) -> Observed:
        """Encode images, for any number of :meth:`draw` calls."""
        x, y = pixels.as_input(x, self.config.image_shape), self._checked(y)
        return Observed(x, y, self.encode(x, y), self.prior_given(y))

    def draw(self, observed: Observed, *, samples: int, generator: torch.Generator) -> Inference:
        """Draw and decode ``samples`` codes for each image."""
        z = observed.q.sample(samples, generator=generator)
        return Inference(
            x=observed.x, q=observed.q, z=z, p=self.decode(z, observed.y), prior=observed.prior
        )

    def reconstruct(self, x: Images, y: Labels | None = None) -> Tensor:
        """Decode the posterior mean: (batch, c, h, w) → (batch, c, h, w)."""
        return self.decode(self.encode(x, y).mu, y).mean

    def sample(self, n: int, *, generator: torch.Generator, y: Labels | None = None) -> Tensor:
        """Mean images of ``n`` codes drawn from the prior, (n, c, h, w).

        Without ``y``, a model that needs labels cycles through all of them.
        """
        if y is None and self.config.takes_labels:
            y = torch.arange(n) % self.config.classes
        z = self.prior_given(y).sample(n, generator=generator)
        return self.decode(z, y).mean

    def _one_hot(self, y: Labels | None) -> Tensor | None:
        if not self.config.conditional:
            return None
        if y is None:
            raise ConfigError(
                "this model is conditional and needs y, the labels (batch,) from 0 to "
                f"{self.config.classes - 1}"
            )
        checked = self._checked(y)
        assert checked is not None
        return F.one_hot(checked, self.config.classes).float()

    def _checked(self, y: Labels | None) -> Tensor | None:
        if y is None:
            return None
        y = y if isinstance(y, Tensor) else torch.as_tensor(np.asarray(y))
        if not self.config.takes_labels or not y.numel():
            return y
        if y.dtype in WHOLE:
            y = y.long()
        low, high = int(y.min()), int(y.max())
        if y.dtype != torch.int64 or low < 0 or high >= self.config.classes:
            raise ConfigError(
                f"y holds {y.dtype} from {low} to {high}: allowed are int64 labels from 0 to "
                f"{self.config.classes - 1}"
            )
        return y


def gaussian_of(values: Tensor) -> DiagonalGaussian:
    """Split a layer's output (..., 2 · latent_dim) into mu and a bounded log-variance."""
    mu, logvar = values.float().chunk(2, dim=-1)
    return DiagonalGaussian(mu, soft_clamp(logvar, *POSTERIOR_LOGVAR))


def initialise(
    model: VAE,
    *,
    mean_image: Tensor,
    scheme: str,
    generator: torch.Generator,
    examples: Tensor | None = None,
) -> None:
    """Draw the initial weights; the initial output is the mean image of the data.

    Parameters
    ----------
    mean_image
        (c, h, w) in [0, 1]; the output bias becomes its logit, clipped to [.001, .999] (Burda
        et al. 2016, section 5).
    scheme
        ``"default"``: Glorot uniform weights and zero biases; ``"paper"``: every parameter from
        N(0, 0.01) (Kingma & Welling 2014, section 5), where 0.01 is the standard deviation. The
        prior draws its weights itself, in both schemes.
    examples
        (n, c, h, w) in [0, 1]: initial pseudo-inputs of a VampPrior; by default the mean image.
    """
    pixels = model.config.pixels
    of_prior = set(model.p_z.parameters())
    with torch.no_grad():
        for module in model.modules():
            for parameter in module.parameters(recurse=False):
                if parameter in of_prior:
                    continue
                if scheme == "paper":
                    parameter.normal_(0.0, 0.01, generator=generator)
                elif parameter.dim() > 1:
                    bound = _glorot_bound(module, parameter)
                    parameter.uniform_(-bound, bound, generator=generator)
                else:
                    parameter.zero_()
        clipped = mean_image.flatten().clamp(0.001, 0.999)
        model.likelihood.bias[:pixels] = torch.logit(clipped)
        model.p_z.start(mean_image[None] if examples is None else examples, generator=generator)


def _glorot_bound(module: nn.Module, weight: Tensor) -> float:
    fan_out, fan_in = (size * weight[0, 0].numel() for size in weight.shape[:2])
    if isinstance(module, nn.GRU):
        fan_out //= 3  # one matrix holds three gates
    return float((6 / (fan_in + fan_out)) ** 0.5)


def _symmetric(values: Tensor, image_shape: tuple[int, int, int]) -> Tensor:
    """Average each value of a pixel with its mirror image: (..., values · c · h · w)."""
    _, h, w = image_shape
    square: Tensor = values.reshape(*values.shape[:-1], -1, h, w)
    return (0.5 * (square + square.mT)).flatten(-3)
