"""Metrics of a VAE: bounds and their terms, active units, and what the codes predict.

Functions work in chunks of bounded memory and return a value for each example or dimension; only
:class:`Estimate` reduces them, with a standard error.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vae_core import objectives, pixels
from vae_core.errors import ConfigError
from vae_core.models import VAE
from vae_core.models.distributions import DiagonalGaussian, FactorisedPrior, GaussianMixture, Prior

#: Images encoded at once.
BATCH = 500
#: Codes decoded at once: 2,000 · 784 logits in float32 are 6 MB, which fit the cache.
CODES_AT_ONCE = 2_000
#: Codes compared with all components of a mixture at once.
ROWS = 100
#: Candidates beyond k of a search for neighbours, whose distances are computed exactly.
SPARE = 16
#: Mean KL, in nats, below which a latent dimension is called unused.
COLLAPSED_KL = 0.05
#: Variance over data of the posterior mean above which a unit is active (Burda et al. 2016,
#: section 5.2).
ACTIVE_VARIANCE = 0.01
#: Standard deviations of N(0, 1) from its mean to the ends of its range.
SPAN = 3.0


@dataclass(frozen=True)
class Estimate:
    """Mean over examples and its standard error, in the unit of the values."""

    mean: float
    se: float

    @classmethod
    def of(cls, values: Tensor) -> Estimate:
        """Estimate from one value per example, (n,)."""
        values = values.double()
        se = float(values.std() / math.sqrt(len(values))) if len(values) > 1 else math.nan
        return cls(mean=float(values.mean()), se=se)


@dataclass(frozen=True)
class Encoded:
    """Posteriors and bounds of a set of images: mu and logvar (n, latent_dim)."""

    mu: Tensor
    logvar: Tensor
    rate: Tensor  # (n,)
    distortion: Tensor  # (n,), from one sample of z for each image


@torch.inference_mode()
def encode(
    model: VAE, images: Tensor, *, kind: str, seed: int = 0, labels: Tensor | None = None
) -> Encoded:
    """Encode images as pixels of ``kind``, with a single-sample bound.

    In this module, images are uint8 (n, c, h, w), or what :func:`pixels.as_levels` makes that of,
    and ``labels`` (n,) are for models that need them.
    """
    images = pixels.as_levels(images, model.config.image_shape)
    generator = torch.Generator().manual_seed(seed)

    def parts() -> Iterator[tuple[Tensor, ...]]:
        for batch, y in _batches(images, labels, BATCH):
            x = pixels.view(batch, kind, generator=generator)
            inference = model(x, y=y, generator=generator)
            bound = objectives.elbo(inference)
            yield inference.q.mu, inference.q.logvar, bound.rate, bound.distortion

    return Encoded(*_joined(parts(), len(images)))


@torch.inference_mode()
def posteriors(model: VAE, images: Tensor, *, labels: Tensor | None = None) -> DiagonalGaussian:
    """Return q(z|x) of images (n, c, h, w), as grey pixels, without decoding."""
    images = pixels.as_levels(images, model.config.image_shape)
    batches = _batches(images, labels, BATCH)
    found = (model.encode(batch, y) for batch, y in batches)
    mu, logvar = _joined(((q.mu, q.logvar) for q in found), len(images))
    return DiagonalGaussian(mu=mu, logvar=logvar)


def bounds(
    model: VAE, images: Tensor, *, kind: str, seed: int = 0, labels: Tensor | None = None
) -> objectives.Bound:
    """Return the single-sample ELBO, rate and distortion of uint8 images, (n,) each."""
    encoded = encode(model, images, kind=kind, seed=seed, labels=labels)
    rate, distortion = encoded.rate, encoded.distortion
    return objectives.Bound(elbo=-(rate + distortion), rate=rate, distortion=distortion)


@dataclass(frozen=True)
class Importance:
    """Importance-weighted estimates per example.

    ``nll`` is minus the k-sample bound, ``ess`` the effective sample size (Σw)² / Σw² in 1 … k.
    """

    nll: Tensor
    ess: Tensor


@torch.inference_mode()
def nll_iw(
    model: VAE,
    images: Tensor,
    *,
    k: int,
    kind: str,
    seed: int = 0,
    labels: Tensor | None = None,
) -> Importance:
    """Compute minus the k-sample bound of each image (Burda et al. 2016, equation 8).

    A running maximum and two running sums replace the weights, so that memory does not grow with
    ``k``.

    Parameters
    ----------
    images
        uint8 (n, c, h, w).
    k
        Importance samples per image.

    Raises
    ------
    ConfigError
        If k is below 1.
    """
    if k < 1:
        raise ConfigError(f"k {k}: the bound needs 1 sample or more")
    images = pixels.as_levels(images, model.config.image_shape)
    generator = torch.Generator().manual_seed(seed)
    per_image = min(k, 100)

    def parts() -> Iterator[tuple[Tensor, ...]]:
        for batch, y in _batches(images, labels, max(1, CODES_AT_ONCE // per_image)):
            x = pixels.view(batch, kind, generator=generator)
            observed = model.observe(x, y)
            top = torch.full((len(x),), -math.inf)
            total = torch.zeros(len(x))
            squares = torch.zeros(len(x))
            left = k
            while left:
                k_now = min(left, per_image)
                left -= k_now
                log_w = objectives.log_weights(
                    model.draw(observed, samples=k_now, generator=generator)
                )
                new_top = torch.maximum(top, log_w.amax(0))
                shrink, w = torch.exp(top - new_top), torch.exp(log_w - new_top)
                total = total * shrink + w.sum(0)
                squares = squares * shrink.square() + w.square().sum(0)
                top = new_top
            nll = -(top + total.log() - math.log(k))
            yield nll, total.square() / squares

    return Importance(*_joined(parts(), len(images)))


def _batches(
    images: Tensor, labels: Tensor | None, size: int
) -> Iterator[tuple[Tensor, Tensor | None]]:
    for start in range(0, len(images), size):
        part = slice(start, start + size)
        yield images[part], None if labels is None else labels[part]


def _joined(parts: Iterable[tuple[Tensor, ...]], n: int) -> list[Tensor]:
    """Copy the columns of each batch into arrays of ``n`` rows as soon as it is computed.

    A list of batches would fragment the memory: the gaps between them are several times their size.
    """
    _keep_freed_memory()
    columns: list[Tensor] = []
    start = 0
    for part in parts:
        columns = columns or [one.new_empty(n, *one.shape[1:]) for one in part]
        stop = start + len(part[0])
        for column, one in zip(columns, part, strict=True):
            column[start:stop] = one
        start = stop
    return columns


def _keep_freed_memory() -> None:
    """Make the C library keep the memory of a batch for the next one.

    glibc returns free memory at the end of its heap to the system if it is more than twice the
    largest block that it mapped separately and freed, 32 MB at most. For the arrays of a batch
    that would be all of it, and allocating it again could take as long as the computation.
    """
    torch.empty(31 << 20, dtype=torch.uint8)


def kl_per_dim(mu: Tensor, logvar: Tensor, prior: Prior | None = None, *, seed: int = 0) -> Tensor:
    """Mean over images of each dimension's KL to the prior: (n, d) → (d,), in nats.

    Parameters
    ----------
    prior
        N(0, I) by default. For a mixture, whose KL is not a sum over dimensions, the result is the
        KL between the marginals of each dimension, estimated from one sample for each image.
    """
    q = DiagonalGaussian(mu, logvar)
    if prior is None:
        return q.kl_per_dim().mean(0)
    if isinstance(prior, FactorisedPrior):
        return prior.kl_per_dim(q).mean(0)
    assert isinstance(prior, GaussianMixture), prior
    generator = torch.Generator().manual_seed(seed)
    total = torch.zeros(mu.shape[1])
    for part_mu, part_logvar in zip(torch.split(mu, ROWS), torch.split(logvar, ROWS), strict=True):
        part = DiagonalGaussian(part_mu, part_logvar)
        z = part.sample(generator=generator)
        total += (part.log_prob_per_dim(z) - prior.log_prob_per_dim(z)).sum(0)
    return total / len(mu)


def ranges(mu: Tensor, prior: Prior) -> Tensor:
    """Return the lowest and the highest value worth showing of each dimension, (latent_dim, 2).

    A range spans from the quantile Φ(−3) to the quantile Φ(3) of the codes and of the prior: of
    N(0, 1), from −3 to 3.

    Parameters
    ----------
    mu
        Posterior means (n, latent_dim).
    prior
        p(z), or p(z|y) of some labels, whose ranges are joined.
    """
    tails = torch.special.ndtr(torch.tensor([-SPAN, SPAN], dtype=torch.float64))
    codes = torch.from_numpy(np.quantile(mu.double().numpy(), tails.numpy(), axis=0)).float()
    low, high = prior.span(SPAN)
    return torch.stack([torch.minimum(codes[0], low), torch.maximum(codes[1], high)], dim=1)


def unused(kl: Tensor) -> Tensor:
    """Return which dimensions carry no information: mean KL (d,) in nats → bool (d,)."""
    return kl < COLLAPSED_KL


def active_units(mu: Tensor) -> Tensor:
    """Return which dimensions carry information: posterior means (n, d) → bool (d,)."""
    return mu.var(0, correction=0) > ACTIVE_VARIANCE


def knn_labels(
    train: NDArray[np.float32],
    train_labels: NDArray[np.int64],
    test: NDArray[np.float32],
    *,
    k: int = 10,
) -> NDArray[np.int64]:
    """Return the majority label of the k nearest training codes (n, d) of each test code.

    ``k`` is reduced to the number of training codes.
    """
    from sklearn.neighbors import KNeighborsClassifier

    neighbours = KNeighborsClassifier(n_neighbors=min(k, len(train)))
    predicted = neighbours.fit(train, train_labels).predict(test)
    return np.asarray(predicted, dtype=np.int64)


def linear_probe(
    train: NDArray[np.float32],
    train_labels: NDArray[np.int64],
    test: NDArray[np.float32],
) -> NDArray[np.int64]:
    """Return the label of each test code (m, d) by logistic regression on training codes."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    probe = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000))
    predicted = probe.fit(train, train_labels).predict(test)
    return np.asarray(predicted, dtype=np.int64)


@dataclass(frozen=True)
class Discrepancy:
    """Squared MMD between two samples, and its p-value by permutation."""

    mmd2: float
    p_value: float


def mmd(one: Tensor, other: Tensor, *, permutations: int = 500, seed: int = 0) -> Discrepancy:
    """Unbiased squared maximum mean discrepancy of two samples (n, d) and (m, d).

    Gretton et al. (2012), equation (3), with a Gaussian kernel whose width is the median distance
    of the pooled sample. If both samples have one distribution, which is the hypothesis of the
    p-value, the expectation is 0, so that the value can be negative.
    """
    n, m = len(one), len(other)
    pooled = torch.cat([one, other]).double()
    squared = torch.cdist(pooled, pooled).square()
    between = squared[~torch.eye(n + m, dtype=torch.bool)]
    kernel = torch.exp(-squared / between.median().clamp(min=1e-12))
    kernel.fill_diagonal_(0.0)

    generator = torch.Generator().manual_seed(seed)
    members = torch.zeros(n + m, permutations + 1, dtype=torch.float64)
    members[:n, 0] = 1
    for column in range(1, permutations + 1):
        members[torch.randperm(n + m, generator=generator)[:n], column] = 1
    rest = 1 - members
    with_members, with_rest = kernel @ members, kernel @ rest
    values = (
        (members * with_members).sum(0) / (n * (n - 1))
        + (rest * with_rest).sum(0) / (m * (m - 1))
        - 2 * (members * with_rest).sum(0) / (n * m)
    )
    # The observed split is one of the permutations, so that p is never 0.
    p_value = float((values >= values[0] - 1e-15).double().mean())
    return Discrepancy(mmd2=float(values[0]), p_value=p_value)


@dataclass(frozen=True)
class NearestImages:
    """Rows (m, k) of the nearest of a set of images, and their Euclidean distances."""

    rows: Tensor
    distances: Tensor


def squared_norms(images: Tensor) -> Tensor:
    """Σ level² of images, uint8 (n, c, h, w) → float32 (n,), for :func:`nearest_images`."""
    parts = torch.split(images, ROWS * 50)
    return torch.cat([part.flatten(1).float().square().sum(1) for part in parts])


def nearest_images(
    queries: Tensor, images: Tensor, *, k: int = 1, norms: Tensor | None = None
) -> NearestImages:
    """Find the ``k`` of ``images``, uint8 (n, c, h, w), nearest to each query in pixel space.

    Parameters
    ----------
    queries
        (m, c, h, w) in [0, 1].
    norms
        The images' :func:`squared_norms`; computed by default.
    """
    _keep_freed_memory()
    flat = pixels.as_unit(queries).flatten(1)
    norms = squared_norms(images) if norms is None else norms
    k = min(k, len(images))
    kept = min(k + SPARE, len(images))
    best = torch.full((len(flat), kept), math.inf)
    rows = torch.zeros(len(flat), kept, dtype=torch.int64)
    for start in range(0, len(images), ROWS * 50):
        part = images[start : start + ROWS * 50].flatten(1).float()
        # |q − x|² − |q|² in levels, as one matrix product for all queries.
        squares = norms[start : start + len(part)] - 2 * (255 * flat) @ part.T
        squares = torch.cat([best, squares], dim=1)
        here = torch.arange(start, start + len(part)).expand(len(flat), -1)
        best, columns = squares.topk(kept, dim=1, largest=False)
        rows = torch.cat([rows, here], dim=1).gather(1, columns)
    # Products have rounding errors for small distances; those of the candidates are computed again.
    found = images[rows].flatten(2).float() / 255
    distances, order = (flat[:, None] - found).norm(dim=2).sort(dim=1, stable=True)
    return NearestImages(rows=rows.gather(1, order)[:, :k], distances=distances[:, :k])


def collapse_warning(mu: Tensor, kl: Tensor) -> str | None:
    """Return a sentence about posterior collapse, or None if there is none.

    A dimension has collapsed if it is :func:`unused`: its mean KL ``kl`` (d,) is near zero, so that
    the decoder ignores it. ``mu`` (n, d) are the posterior means.
    """
    if len(mu) < 2:
        return None  # one image says nothing about others
    collapsed = int(unused(kl).sum())
    d = len(kl)
    if collapsed == 0:
        return None
    if collapsed == d:
        return (
            f"Posterior collapse: all {d} latent dimensions are unused, and every image has "
            "the same code. A KL warm-up, free bits or a smaller beta can prevent it."
        )
    verb = "is" if collapsed == 1 else "are"
    return (
        f"Posterior collapse: {collapsed} of {d} latent dimensions {verb} unused "
        f"(KL below {COLLAPSED_KL:g} nats)."
    )
