"""Pictures that a model decodes: reconstructions, samples, paths and grids."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import torch
from torch import Tensor

from vae_core import latents
from vae_core.api import given
from vae_core.api.given import Data, Given, Model, Place, SplitName
from vae_core.errors import ConfigError
from vae_core.formats import tables
from vae_core.models.distributions import GaussianMixture, Prior
from vae_core.models.vae import Labels

PathName = Literal["linear", "spherical"]
#: Codes decoded at once, and pictures that one call may decode.
AT_ONCE, MOST = 500, 100_000
#: Values of a traversal by default.
TRAVERSAL = (-3.0, -2.25, -1.5, -0.75, 0.0, 0.75, 1.5, 2.25, 3.0)
#: Pixels of a picture's longer side, at least, where decoded pictures are shown; and how many are.
SHOWN_SIDE, MOST_SHOWN = 48, 900


@dataclass(frozen=True)
class Decoded:
    """Decoded pictures with their codes; a notebook shows them as one picture.

    Attributes
    ----------
    codes
        (..., latent_dim).
    images
        Their mean pictures (..., c, h, w), floats in [0, 1].
    """

    codes: Tensor
    images: Tensor

    def __len__(self) -> int:
        return len(self.images)

    def __repr__(self) -> str:
        shapes = f"codes {tuple(self.codes.shape)}, images {tuple(self.images.shape)}"
        return f"Decoded({shapes})"

    def png(self, *, columns: int | None = None, scale: int | None = None, gap: int = 2) -> bytes:
        """Return the pictures side by side, a row for each row of codes, as PNG.

        Parameters
        ----------
        columns
            Pictures per row of codes (n, latent_dim); about the square root of n by default.
        scale
            Pixels for each pixel's side; by default so many that a picture has 48 or more.
        gap
            Black pixels between two pictures, before they are enlarged.
        """
        images = self.images.reshape(-1, *self.images.shape[-3:])[:MOST_SHOWN]
        if self.codes.ndim > 2:
            columns = self.codes.shape[-2]
        levels = images.clamp(0, 1).mul(255).round().byte().numpy()
        if levels.shape[1] not in (1, 3):
            raise ConfigError(f"pictures of {levels.shape[1]} channels: a PNG has 1 or 3")
        side = max(levels.shape[-2:])
        scale = max(1, math.ceil(SHOWN_SIDE / side)) if scale is None else scale
        return tables.png(tables.tile(levels, columns=columns, gap=gap), scale=scale)

    def _repr_png_(self) -> bytes:
        return self.png()


def reconstruct(
    model: Model,
    data: Data | None = None,
    *,
    labels: Labels | None = None,
    split: SplitName = "test",
) -> Decoded:
    """Decode the posterior means of images, in batches.

    Parameters
    ----------
    model, data, labels, split
        As for :func:`vae_core.encode`; the images are read as they are, without a random draw.

    Raises
    ------
    LatentExplorerError
        If the model or the images cannot be used.
    """
    found = given.model(model)
    chosen = given.examples(found, data, labels=labels, split=split)
    y = given.conditions(found, chosen)
    codes, images = [], []
    with torch.inference_mode():
        for start in range(0, len(chosen), AT_ONCE):
            part = slice(start, start + AT_ONCE)
            label = None if y is None else y[part]
            codes.append(found.model.encode(chosen.images[part], label).mu)
            images.append(found.model.decode(codes[-1], label).mean)
    return Decoded(torch.cat(codes), torch.cat(images))


def sample(
    model: Model,
    n: int = 16,
    *,
    seed: int | None = None,
    generator: torch.Generator | None = None,
    label: int | str | None = None,
) -> Decoded:
    """Decode codes that are drawn from the prior.

    Parameters
    ----------
    n
        Number of samples.
    seed, generator
        One of both, for the same samples again. Without, each call draws others, by PyTorch's
        global generator.
    label
        Number or name of a label, for a model that takes any; by default it cycles through all.

    Raises
    ------
    ConfigError
        If a setting is not allowed.
    """
    if not 1 <= n <= MOST:
        raise ConfigError(f"n {n}: allowed are 1 to {MOST:,}")
    if seed is not None and generator is not None:
        raise ConfigError("seed and generator: allowed is one of both")
    if generator is None:
        chosen = int(torch.randint(2**31, ())) if seed is None else seed
        generator = torch.Generator().manual_seed(chosen)
    found = given.model(model)
    y = None
    if label is not None:
        y = given.condition(found, label)
        assert y is not None
        y = y.expand(n)
    elif found.model.config.takes_labels:
        y = torch.arange(n) % found.model.config.classes
    with torch.inference_mode():
        codes = found.model.prior_given(y).sample(n, generator=generator)
    return Decoded(codes, _decode(found, codes, y))


def interpolate(
    model: Model,
    start: Place,
    end: Place,
    *,
    steps: int = 8,
    path: PathName = "linear",
    label: int | str | None = None,
) -> Decoded:
    """Decode the codes from one place to another, both included.

    Parameters
    ----------
    start, end
        A code (latent_dim,), or a picture (c, h, w) or (h, w).
    steps
        Number of pictures, 2 or more.
    path
        "linear", or "spherical" along the great circle; see :func:`vae_core.latents.interpolate`.
    label
        Number or name of a label, for a model that takes any.

    Raises
    ------
    ConfigError
        If a place or a setting is not allowed.
    """
    if path not in get_args(PathName):
        raise ConfigError(f"path {path!r}: allowed are {', '.join(get_args(PathName))}")
    if not 2 <= steps <= MOST:
        raise ConfigError(f"steps {steps}: allowed are 2 to {MOST:,}")
    found = given.model(model)
    y = given.condition(found, label)
    places = [given.code(found, start, y, "start"), given.code(found, end, y, "end")]
    codes = latents.interpolate(places[0], places[1], steps, path=path)
    return Decoded(codes, _decode(found, codes, y))


def traverse(
    model: Model,
    at: Place | None = None,
    *,
    dims: int | Sequence[int] | None = None,
    values: Sequence[float] = TRAVERSAL,
    label: int | str | None = None,
) -> Decoded:
    """Decode codes that differ in one dimension.

    Parameters
    ----------
    at
        Code or picture with the values of the other dimensions; the prior's mean by default.
    dims
        One dimension, counted from 0, or several, a row each; all by default.
    values
        Values that the dimension takes; from −3 to 3 by default.
    label
        As for :func:`interpolate`.

    Returns
    -------
    Decoded
        Codes (values, latent_dim) for one dimension, else (dims, values, latent_dim).

    Raises
    ------
    ConfigError
        If a place or a setting is not allowed.
    """
    found = given.model(model)
    y = given.condition(found, label)
    d = found.model.config.latent_dim
    chosen = range(d) if dims is None else [dims] if isinstance(dims, int) else dims
    for dim in chosen:
        if not isinstance(dim, int) or not 0 <= dim < d:
            raise ConfigError(f"dims {dim!r}: allowed are 0 to {d - 1}")
    if not len(chosen) or not len(values):
        raise ConfigError("dims and values: one or more of each are needed")
    if len(chosen) * len(values) > MOST:
        raise ConfigError(f"{len(chosen) * len(values):,} pictures: allowed are {MOST:,}")
    z = _home(found, at, y)
    codes = torch.stack([latents.traverse(z, dim, values) for dim in chosen])
    codes = codes[0] if isinstance(dims, int) else codes
    return Decoded(codes, _decode(found, codes, y))


def manifold_grid(
    model: Model,
    n: int = 20,
    *,
    dims: tuple[int, int] = (0, 1),
    at: Place | None = None,
    label: int | str | None = None,
) -> Decoded:
    """Decode a grid of codes, each of which stands for the same share of the prior.

    They are at quantiles of N(0, 1) in two dimensions (Kingma & Welling 2014, appendix A); of
    another prior, at those of the Gaussian with its mean and standard deviation. Codes of one
    dimension run through the rows, line by line.

    Parameters
    ----------
    n
        Pictures a side, 5 to 30.
    dims
        Dimension that grows to the right, and the one that grows upwards, counted from 0.
    at
        Code or picture with the values of the other dimensions; the prior's mean by default.
    label
        As for :func:`interpolate`.

    Returns
    -------
    Decoded
        Codes (n, n, latent_dim), row 0 at the top.

    Raises
    ------
    ConfigError
        If a place or a setting is not allowed.
    """
    found = given.model(model)
    y = given.condition(found, label)
    z = _home(found, at, y)
    low, high = latents.GRID_SIDE
    if not low <= n <= high:
        raise ConfigError(f"n {n}: allowed are {low} to {high}")
    with torch.inference_mode():
        middle, spread = _moments(found.model.prior_given(y))
    if len(z) == 1:
        codes = (middle + spread * latents.quantiles(n * n)[:, None]).reshape(n, n, 1)
    else:
        codes = latents.grid(n, dims=(dims[0], dims[1]), at=z)
        for dim in dims:
            codes[..., dim] = middle[dim] + spread[dim] * codes[..., dim]
    return Decoded(codes, _decode(found, codes, y))


def _moments(prior: Prior) -> tuple[Tensor, Tensor]:
    """Return the mean and the standard deviation of each dimension, (latent_dim,) each."""
    if isinstance(prior, GaussianMixture):
        shares = torch.softmax(prior.logits, -1)
        mean = shares @ prior.mu
        squares = shares @ (prior.mu.square() + prior.logvar.exp())
        return mean, (squares - mean.square()).clamp(min=0).sqrt()
    low, high = prior.span(1.0)
    return (low + high) / 2, (high - low) / 2


@torch.inference_mode()
def _home(found: Given, at: Place | None, y: Tensor | None) -> Tensor:
    if at is not None:
        return given.code(found, at, y, "at")
    return found.model.prior_given(y).mean.reshape(-1)[: found.model.config.latent_dim]


@torch.inference_mode()
def _decode(found: Given, codes: Tensor, y: Tensor | None) -> Tensor:
    """Decode codes (..., latent_dim), all under one label or each under its own."""
    flat = codes.reshape(-1, codes.shape[-1])
    labels = None if y is None else y.expand(len(flat))
    parts = []
    for start in range(0, len(flat), AT_ONCE):
        part = slice(start, start + AT_ONCE)
        label = None if labels is None else labels[part]
        parts.append(found.model.decode(flat[part], label).mean)
    images = torch.cat(parts)
    return images.reshape(*codes.shape[:-1], *images.shape[1:])
