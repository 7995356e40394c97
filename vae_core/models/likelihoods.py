"""Likelihoods p(x|z): Bernoulli, continuous Bernoulli, Gaussian, discretised logistic."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, Protocol, Self

import torch
import torch.nn.functional as F
from torch import Tensor

from vae_core.models import distributions
from vae_core.models.distributions import LOG_2PI


class Likelihood(Protocol):
    """Distribution p(x|z) over images; pages show its mean."""

    @property
    def mean(self) -> Tensor:
        """Expected image in [0, 1], (..., c, h, w)."""

    def log_prob(self, x: Tensor) -> Tensor:
        """Log-probability of ``x`` (..., c, h, w) → (...), summed over pixels."""

    def sample(self, *, generator: torch.Generator) -> Tensor:
        """Draw an image, (..., c, h, w)."""


def _as_images(values: Tensor, image_shape: tuple[int, int, int]) -> Tensor:
    return values.reshape(*values.shape[:-1], *image_shape)


class _BernoulliLogProb(torch.autograd.Function):
    """Compute Σ x·l − softplus(l) over the last axis.

    Its derivative x − σ(l) takes one pass over memory where autograd takes five.
    """

    @staticmethod
    def forward(ctx: Any, logits: Tensor, x: Tensor) -> Tensor:
        ctx.save_for_backward(logits, x)
        return (x * logits).sub_(F.softplus(logits)).sum(-1)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor | None]:
        logits, x = ctx.saved_tensors
        gradient = gradient.unsqueeze(-1)
        by_logits = ((x - torch.sigmoid(logits)) * gradient).sum_to_size(logits.shape)
        by_x = (gradient * logits).sum_to_size(x.shape) if ctx.needs_input_grad[1] else None
        return by_logits, by_x


@dataclass(frozen=True)
class Bernoulli:
    """Independent Bernoulli pixels from ``logits`` (..., c · h · w).

    For grey targets ``log_prob`` is a negative cross-entropy, not a density.
    """

    logits: Tensor
    image_shape: tuple[int, int, int]

    @classmethod
    def from_head(
        cls, values: Tensor, image_shape: tuple[int, int, int], logvar_floor: float
    ) -> Self:
        """Read the decoder's last layer (..., c · h · w)."""
        return cls(values, image_shape)

    @property
    def mean(self) -> Tensor:
        """Pixel probabilities, (..., c, h, w)."""
        return _as_images(torch.sigmoid(self.logits), self.image_shape)

    def log_prob(self, x: Tensor) -> Tensor:
        """Σ x·log p + (1 − x)·log(1 − p), from logits: x·l − softplus(l)."""
        return _BernoulliLogProb.apply(  # type: ignore[no-any-return, no-untyped-call]
            self.logits, x.flatten(-3)
        )

    def sample(self, *, generator: torch.Generator) -> Tensor:
        """Draw binary pixels."""
        return torch.bernoulli(self.mean, generator=generator)


@dataclass(frozen=True)
class Gaussian:
    """Independent Gaussian pixels: ``mu`` in (0, 1) and ``logvar``, both (..., c · h · w)."""

    mu: Tensor
    logvar: Tensor
    image_shape: tuple[int, int, int]

    @classmethod
    def from_head(
        cls, values: Tensor, image_shape: tuple[int, int, int], logvar_floor: float
    ) -> Gaussian:
        """Read the decoder's last layer (..., 2 · c · h · w).

        The mean is squashed by a sigmoid (Kingma & Welling 2014, section 5); the log-variance
        bends smoothly away from its floor.
        """
        mu, logvar = values.chunk(2, dim=-1)
        bounded = logvar_floor + F.softplus(logvar - logvar_floor)
        return cls(torch.sigmoid(mu), bounded, image_shape)

    @property
    def mean(self) -> Tensor:
        """Expected image, (..., c, h, w)."""
        return _as_images(self.mu, self.image_shape)

    def log_prob(self, x: Tensor) -> Tensor:
        """Log density, summed over pixels."""
        squared = (x.flatten(-3) - self.mu).square() * torch.exp(-self.logvar)
        return -0.5 * (squared + self.logvar + LOG_2PI).sum(-1)

    def sample(self, *, generator: torch.Generator) -> Tensor:
        """Draw an image; values may leave [0, 1] by a few sigma."""
        noise = torch.randn(self.mu.shape, generator=generator, device=self.mu.device)
        return _as_images(self.mu + torch.exp(0.5 * self.logvar) * noise, self.image_shape)


@dataclass(frozen=True)
class ContinuousBernoulli(Bernoulli):
    """Independent pixels of density C(l) · σ(l)^x · (1 − σ(l))^(1 − x) on [0, 1].

    Loaiza-Ganem & Cunningham (2019), from ``logits`` l (..., c · h · w): the normaliser C turns a
    Bernoulli's cross-entropy into a density of grey pixels.
    """

    @property
    def mean(self) -> Tensor:
        """Expected image, 1 / (1 − e^−l) − 1 / l, (..., c, h, w)."""
        near, logits = _split_small(self.logits)
        # Subtracted in double: the two terms cancel the more, the smaller the logit.
        exact = logits.double()
        mean = (-1 / torch.expm1(-exact) - 1 / exact).to(logits.dtype)
        series = 0.5 + self.logits / 12 - self.logits.pow(3) / 720
        return _as_images(torch.where(near, series, mean), self.image_shape)

    def log_prob(self, x: Tensor) -> Tensor:
        """Bernoulli cross-entropy plus log normaliser, summed over pixels."""
        return super().log_prob(x) + self.log_normaliser().sum(-1)

    def log_normaliser(self) -> Tensor:
        """Return log C = log(l / tanh(l / 2)) of each pixel, log 2 at l = 0."""
        near, logits = _split_small(self.logits)
        size = logits.abs()
        log_c = torch.log(size / torch.tanh(0.5 * size))
        squared = self.logits.square()
        series = math.log(2) + squared / 12 - 7 * squared.square() / 1440
        return torch.where(near, series, log_c)

    def sample(self, *, generator: torch.Generator) -> Tensor:
        """Draw pixels by the inverse distribution function."""
        u = torch.rand(self.logits.shape, generator=generator)
        near, logits = _split_small(self.logits)
        below = -logits.abs()  # no exponential overflows on this side; the other mirrors it
        drawn = torch.log1p(u * torch.expm1(below)) / below
        drawn = torch.where(logits > 0, 1 - drawn, drawn)
        return _as_images(torch.where(near, u, drawn), self.image_shape)


#: Below this absolute logit the continuous Bernoulli's formulas are near 0 / 0; series are used.
SMALL_LOGIT = 0.05


def _split_small(logits: Tensor) -> tuple[Tensor, Tensor]:
    """Return where logits are near zero, and logits with a harmless 1 there."""
    near = logits.abs() < SMALL_LOGIT
    # Replaced before the formula, not after it: a NaN's gradient would pass ``where``.
    return near, torch.where(near, torch.ones_like(logits), logits)


@dataclass(frozen=True)
class DiscretisedLogistic:
    """Pixels of 256 levels v = 255 · x: a logistic density integrated over bins of width 1/256.

    Kingma et al. (2016), appendix; the scale of Tomczak & Welling (2018), with level v around
    (v + ½) / 256. ``mu`` in (0, 1) is in units of x, ``log_scale`` in those of the bins'
    axis, both (..., c · h · w). The outermost bins are open, so the levels' probabilities sum
    to one.
    """

    mu: Tensor
    log_scale: Tensor
    image_shape: tuple[int, int, int]

    @classmethod
    def from_head(
        cls, values: Tensor, image_shape: tuple[int, int, int], logvar_floor: float
    ) -> DiscretisedLogistic:
        """Read the decoder's last layer (..., 2 · c · h · w), with the scale in [floor, 0]."""
        mu, log_scale = values.chunk(2, dim=-1)
        high = max(0.0, logvar_floor + 1)
        return cls(
            torch.sigmoid(mu), distributions.soft_clamp(log_scale, logvar_floor, high), image_shape
        )

    @property
    def mean(self) -> Tensor:
        """Centre of each pixel's logistic, (..., c, h, w)."""
        return _as_images(self.mu, self.image_shape)

    def log_prob(self, x: Tensor) -> Tensor:
        """Log-probability of the levels nearest to 255 · x, summed over pixels."""
        return self.log_prob_of_levels((255 * x.flatten(-3)).round()).sum(-1)

    def log_prob_of_levels(self, v: Tensor) -> Tensor:
        """Log-probability of each pixel's level ``v`` in 0 … 255, (..., c · h · w)."""
        precision = torch.exp(-self.log_scale)
        lower = (v / 256 - self._centre) * precision
        width = precision / 256
        # σ(b) − σ(a) = σ(b) · σ(−a) · (1 − e^(a − b)): no difference of numbers near one.
        log_below_top = F.logsigmoid(lower + width)
        log_above_bottom = F.logsigmoid(-lower)
        inside = log_below_top + log_above_bottom + torch.log(-torch.expm1(-width))
        open_below = torch.where(v < 0.5, log_below_top, inside)
        return torch.where(v > 254.5, log_above_bottom, open_below)

    def sample(self, *, generator: torch.Generator) -> Tensor:
        """Draw one of the 256 levels for each pixel, as x = v / 255."""
        u = torch.rand(self.mu.shape, generator=generator).clamp(1e-7, 1 - 1e-7)
        drawn = self._centre + torch.exp(self.log_scale) * torch.logit(u)
        level = torch.floor(256 * drawn).clamp(0, 255)
        return _as_images(level / 255, self.image_shape)

    @property
    def _centre(self) -> Tensor:
        return (255 * self.mu + 0.5) / 256  # x = v / 255 lies at (v + ½) / 256


@dataclass(frozen=True)
class LikelihoodSpec:
    """Properties of a likelihood that the decoder, the metrics and the exports need.

    Attributes
    ----------
    from_head
        Reads the decoder's last layer (..., values_per_pixel · c · h · w), given the shape of an
        image and the lower bound of the scale.
    kind
        What its log-probability is of: "binary" pixels (or a cross-entropy with grey ones),
        "continuous" densities, or probabilities of the 256 "discrete" levels.
    mean
        Operation that turns a pixel's first value into its mean; a name that bundles and ONNX
        files have an implementation of.
    has_scale
        Whether a pixel has a second value, its log-variance or log-scale.
    """

    from_head: Callable[[Tensor, tuple[int, int, int], float], Likelihood]
    kind: Literal["binary", "continuous", "discrete"]
    mean: Literal["sigmoid", "continuous_bernoulli_mean"] = "sigmoid"
    has_scale: bool = False

    @property
    def values_per_pixel(self) -> int:
        """Number of values of a pixel in the decoder's last layer."""
        return 2 if self.has_scale else 1


LIKELIHOODS: dict[str, LikelihoodSpec] = {
    "bernoulli": LikelihoodSpec(Bernoulli.from_head, "binary"),
    "gaussian": LikelihoodSpec(Gaussian.from_head, "continuous", has_scale=True),
    "continuous-bernoulli": LikelihoodSpec(
        ContinuousBernoulli.from_head, "continuous", mean="continuous_bernoulli_mean"
    ),
    "discretised-logistic": LikelihoodSpec(
        DiscretisedLogistic.from_head, "discrete", has_scale=True
    ),
}


def metric_kind(likelihood: str, tested_on: str) -> str:
    """Return the ``kind`` of a model's metrics: of a binary likelihood, that of the test pixels."""
    kind = LIKELIHOODS[likelihood].kind
    return tested_on if kind == "binary" else kind
