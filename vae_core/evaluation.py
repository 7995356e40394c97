"""What an expert expects to find measured: bounds, their parts, and what the codes hold.

Every function works in chunks of bounded memory and returns values per example or per dimension;
:class:`Estimate` alone reduces them, with a standard error.
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
#: Codes decoded at once: 2,000 · 784 logits in float32 are 6 MB, which stays in the cache.
CODES_AT_ONCE = 2_000
#: Codes compared with all components of a mixture at once.
ROWS = 100
#: Images looked at exactly beyond those that a search is for.
SPARE = 16
#: Below this mean KL, in nats, an inactive dimension counts as collapsed.
COLLAPSED_KL = 0.05
#: A unit is active when the variance over data of its posterior mean is above this (Burda et
#: al. 2016, section 5.2).
ACTIVE_VARIANCE = 0.01


@dataclass(frozen=True)
class Estimate:
    """A mean over examples and its standard error, in the unit of the values."""

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
    """The posterior of every image of a set, with its bound: mu and logvar (n, latent_dim)."""

    mu: Tensor
    logvar: Tensor
    rate: Tensor  # (n,)
    distortion: Tensor  # (n,), one sample of z for each image


@torch.inference_mode()
def encode(
    model: VAE, images: Tensor, *, kind: str, seed: int = 0, labels: Tensor | None = None
) -> Encoded:
    """Encode uint8 images (n, c, h, w) as pixels of ``kind``, with a single-sample bound.

    Here and below, ``labels`` (n,) are for models that take them.
    """
    generator = torch.Generator().manual_seed(seed)

    def parts() -> Iterator[tuple[Tensor, ...]]:
        for batch, given in _batches(images, labels, BATCH):
            x = pixels.view(batch, kind, generator=generator)
            inference = model(x, generator=generator, **given)
            bound = objectives.elbo(inference)
            yield inference.q.mu, inference.q.logvar, bound.rate, bound.distortion

    return Encoded(*_joined(parts(), len(images)))


@torch.inference_mode()
def posteriors(model: VAE, images: Tensor, *, labels: Tensor | None = None) -> DiagonalGaussian:
    """q(z|x) of every one of uint8 images (n, c, h, w), as grey pixels; nothing is decoded."""
    batches = _batches(images, labels, BATCH)
    found = (model.encode(batch.float() / 255, **given) for batch, given in batches)
    mu, logvar = _joined(((q.mu, q.logvar) for q in found), len(images))
    return DiagonalGaussian(mu=mu, logvar=logvar)


def bounds(
    model: VAE, images: Tensor, *, kind: str, seed: int = 0, labels: Tensor | None = None
) -> objectives.Bound:
    """Single-sample ELBO with rate and distortion of uint8 images, (n,) each."""
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
    """Minus the k-sample bound of each image, by streaming over samples.

    Burda et al. (2016), equation (8). Weights are folded into a running maximum and two running
    sums, so memory does not grow with ``k``.

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
        raise ConfigError(f"k {k}: the bound takes 1 sample or more")
    generator = torch.Generator().manual_seed(seed)
    per_image = min(k, 100)

    def parts() -> Iterator[tuple[Tensor, ...]]:
        for batch, given in _batches(images, labels, max(1, CODES_AT_ONCE // per_image)):
            x = pixels.view(batch, kind, generator=generator)
            observed = model.observe(x, **given)
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
) -> Iterator[tuple[Tensor, dict[str, Tensor]]]:
    """Images in batches, each with the keyword by which a model is given its labels."""
    for start in range(0, len(images), size):
        part = slice(start, start + size)
        yield images[part], {} if labels is None else {"y": labels[part]}


def _joined(parts: Iterable[tuple[Tensor, ...]], n: int) -> list[Tensor]:
    """Concatenate the columns of batches, ``n`` rows in all, each as soon as it is there.

    Kept by themselves, batches would lie between what is freed, and memory would be lost to gaps
    of several times their size.
    """
    _keep_what_is_freed()
    columns: list[Tensor] = []
    start = 0
    for part in parts:
        columns = columns or [one.new_empty(n, *one.shape[1:]) for one in part]
        stop = start + len(part[0])
        for column, one in zip(columns, part, strict=True):
            column[start:stop] = one
        start = stop
    return columns


def _keep_what_is_freed() -> None:
    """Have the C library keep a batch's memory for the next one.

    glibc gives back to the system what is free at its heap's end, beyond twice the largest block
    that it ever mapped by itself and freed, 32 MB at most. Of a batch's arrays that would be all,
    and fetching them again, page by page, could take as long as the products.
    """
    torch.empty(31 << 20, dtype=torch.uint8)


def kl_per_dim(mu: Tensor, logvar: Tensor, prior: Prior | None = None, *, seed: int = 0) -> Tensor:
    """Mean over images of each dimension's KL to the prior: (n, d) → (d,), in nats.

    Parameters
    ----------
    prior
        N(0, I) when left out. Under a mixture the KL is no sum over dimensions; what is returned
        then is each dimension's own, between marginals, from one draw for each image.
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


def active_units(mu: Tensor) -> Tensor:
    """Which dimensions carry information: posterior means (n, d) → bool (d,)."""
    return mu.var(0, correction=0) > ACTIVE_VARIANCE


def knn_labels(
    train: NDArray[np.float32],
    train_labels: NDArray[np.int64],
    test: NDArray[np.float32],
    *,
    k: int = 10,
) -> NDArray[np.int64]:
    """Return the majority label of the k nearest training codes (n, d) of each test code.

    With fewer than ``k`` training codes, all of them vote.
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
    """Squared MMD between two samples, and the share of permutations that reach it."""

    mmd2: float
    p_value: float


def mmd(one: Tensor, other: Tensor, *, permutations: int = 500, seed: int = 0) -> Discrepancy:
    """Unbiased squared maximum mean discrepancy of two samples (n, d) and (m, d).

    Gretton et al. (2012), equation (3), with a Gaussian kernel of the pooled sample's median
    distance. Its expectation is 0 when both come from one distribution, so it can be negative;
    the p-value is of that hypothesis, by permutation.
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
    # The observed split counts as one of the permutations, so that p is never 0.
    p_value = float((values >= values[0] - 1e-15).double().mean())
    return Discrepancy(mmd2=float(values[0]), p_value=p_value)


@dataclass(frozen=True)
class NearestImages:
    """Rows (m, k) of the nearest of a set of images, and their Euclidean distances."""

    rows: Tensor
    distances: Tensor


def squared_norms(images: Tensor) -> Tensor:
    """Σ level² of images, uint8 (n, c, h, w) → float32 (n,): what every search needs again."""
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
        The images' :func:`squared_norms`, where they are known.
    """
    _keep_what_is_freed()
    flat = queries.flatten(1)
    norms = squared_norms(images) if norms is None else norms
    k = min(k, len(images))
    kept = min(k + SPARE, len(images))
    best = torch.full((len(flat), kept), math.inf)
    rows = torch.zeros(len(flat), kept, dtype=torch.int64)
    for start in range(0, len(images), ROWS * 50):
        part = images[start : start + ROWS * 50].flatten(1).float()
        # |q − x|² without |q|², in levels: one product, whatever the number of queries.
        squares = norms[start : start + len(part)] - 2 * (255 * flat) @ part.T
        squares = torch.cat([best, squares], dim=1)
        here = torch.arange(start, start + len(part)).expand(len(flat), -1)
        best, columns = squares.topk(kept, dim=1, largest=False)
        rows = torch.cat([rows, here], dim=1).gather(1, columns)
    # Products lose small distances to rounding, so those that matter are taken again.
    found = images[rows].flatten(2).float() / 255
    distances, order = (flat[:, None] - found).norm(dim=2).sort(dim=1, stable=True)
    return NearestImages(rows=rows.gather(1, order)[:, :k], distances=distances[:, :k])


def collapse_warning(mu: Tensor, kl: Tensor) -> str | None:
    """Tell posterior collapse in a sentence; None where there is none.

    A dimension has collapsed when its posterior mean (n, d) is all but the same for all images
    and its mean KL ``kl`` (d,) is near zero: the decoder goes without it.
    """
    if len(mu) < 2:
        return None  # one image has no spread to speak of
    collapsed = int((~active_units(mu) & (kl < COLLAPSED_KL)).sum())
    d = len(kl)
    if collapsed == 0:
        return None
    if collapsed == d:
        return (
            f"Posterior collapse: all {d} latent dimensions carry nothing, and every picture has "
            "the same code. A KL warm-up, free bits or a smaller beta can prevent it."
        )
    carry = "dimension carries" if collapsed == 1 else "dimensions carry"
    return (
        f"Posterior collapse: {collapsed} of {d} latent {carry} nothing "
        f"(KL below {COLLAPSED_KL:g} nats); the other {d - collapsed} do the work."
    )
