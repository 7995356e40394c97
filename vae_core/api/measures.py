"""Encode images and measure a model."""

from __future__ import annotations

import dataclasses
import functools
import html
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from vae_core import evaluation, publishing
from vae_core.api import given
from vae_core.api.given import Data, Given, Model, SplitName
from vae_core.data import Split
from vae_core.errors import ConfigError
from vae_core.model_folder import Codes, Metric
from vae_core.models.likelihoods import metric_kind
from vae_core.models.vae import Labels

#: Importance samples of ``evaluate`` by default.
IMPORTANCE_SAMPLES = 100
#: Seed of ``encode`` and ``evaluate`` by default, as of the metrics on cards.
SEED = 1
#: Resamples of the images for the standard error of the number of active units, and images
#: resampled at once.
RESAMPLES, ROWS_AT_ONCE = 200, 10_000


@dataclass(frozen=True, repr=False)
class Evaluation(Mapping[str, Metric]):
    """Metrics of a model by name, each with its standard error; shown as a table.

    Attributes
    ----------
    metrics
        ``elbo``, ``rate``, ``distortion``, ``nll_iw{k}``, ``ess_iw{k}``, ``active_units`` and, of
        discrete pixels, ``bits_per_dim`` and ``bits_per_dim_iw{k}``.
    kl_per_dim
        Mean KL to the prior of each latent dimension, in nats; empty without a bound.
    """

    metrics: Mapping[str, Metric]
    kl_per_dim: tuple[float, ...] = field(default=())

    def __getitem__(self, name: str) -> Metric:
        return self.metrics[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.metrics)

    def __len__(self) -> int:
        return len(self.metrics)

    def rows(self) -> list[tuple[str, str, str]]:
        """Return the name, the value with its error and unit, and the kind of each metric."""
        return [
            (name, f"{_number(one.value)} ± {_number(one.se)} {one.unit}", _kind(one))
            for name, one in self.metrics.items()
        ]

    def __repr__(self) -> str:
        rows = self.rows()
        widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
        return "\n".join(
            f"{name.ljust(widths[0])}  {value.ljust(widths[1])}  {kind}"
            for name, value, kind in rows
        )

    def _repr_html_(self) -> str:
        rows = (
            "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>"
            for row in self.rows()
        )
        return f"<table>{''.join(rows)}</table>"


def _number(value: float | None) -> str:
    return "?" if value is None else f"{value:.2f}".replace("-", "−")


def _kind(metric: Metric) -> str:
    pixels = {"discrete": "probability of 256 levels", "continuous": "density"}
    parts = [pixels.get(metric.kind, f"{metric.kind} pixels"), f"n = {metric.n:,}"]
    if metric.samples is not None:
        parts.append(f"{metric.samples:,} sample{'s' if metric.samples > 1 else ''} of z")
    return ", ".join(parts)


def encode(
    model: Model,
    data: Data | None = None,
    *,
    labels: Labels | None = None,
    split: SplitName = "test",
    pixels: str | None = None,
    seed: int = SEED,
) -> Codes:
    """Encode images, in batches.

    Parameters
    ----------
    model
        A model, a training, or the name or path of a model folder.
    data
        Images (n, c, h, w) or (n, h, w), a dataset, some of its examples, or the name or path of a
        dataset; the model's own by default.
    labels
        Of images, (n,), for a model that takes labels.
    split
        "test" or "train", of a dataset.
    pixels
        Kind of pixels: "grey", "dynamic", "static" or "threshold". By default the one that the
        model was tested on; "grey" for a model in memory.
    seed
        Seed of the samples that the distortion is measured with, and of dynamic pixels.

    Returns
    -------
    Codes
        ``ids`` (n,), ``mu`` and ``logvar`` (n, latent_dim), ``rate`` and ``distortion`` (n,) in
        nats, ``labels`` (n,) or None. The rate of a plain auto-encoder is NaN.

    Raises
    ------
    LatentExplorerError
        If the model, the images or a setting cannot be used; the sentence says why.
    """
    found = given.model(model)
    chosen = given.examples(found, data, labels=labels, split=split)
    encoded = _encoded(found, chosen, found.pixels(pixels), split, seed)
    if not found.model.config.has_bound:
        encoded = dataclasses.replace(encoded, rate=torch.full_like(encoded.rate, math.nan))
    return _codes(chosen, encoded)


def _encoded(
    found: Given, chosen: Split, kind: str, split: SplitName, seed: int
) -> evaluation.Encoded:
    return evaluation.encode(
        found.model,
        given.prepared(found, chosen, kind, split),
        kind=kind,
        seed=seed,
        labels=given.conditions(found, chosen),
    )


def _codes(chosen: Split, encoded: evaluation.Encoded) -> Codes:
    return Codes(
        ids=chosen.ids,
        labels=chosen.labels,
        mu=encoded.mu,
        logvar=encoded.logvar,
        rate=encoded.rate,
        distortion=encoded.distortion,
        columns=publishing.columns_of(chosen)[0],
    )


def evaluate(
    model: Model,
    data: Data | None = None,
    *,
    labels: Labels | None = None,
    split: SplitName = "test",
    pixels: str | None = None,
    importance_samples: int = IMPORTANCE_SAMPLES,
    limit: int | None = None,
    seed: int = SEED,
) -> Evaluation:
    """Measure a model: its bounds, their terms and its active units, with standard errors.

    Parameters
    ----------
    model, data, labels, split, pixels
        As for :func:`encode`.
    importance_samples
        k of ``nll_iw{k}``, minus the k-sample bound (Burda et al. 2016), which is tighter the
        larger k is; 0 leaves it out.
    limit
        Number of images, evenly spread; all by default.
    seed
        Seed of all samples.

    Returns
    -------
    Evaluation
        Metrics in nats per image: their means over images, with the standard errors of the means.
        That of ``active_units`` is a bootstrap's, over images. A plain auto-encoder has only
        ``distortion`` and ``active_units``.

    Raises
    ------
    LatentExplorerError
        If the model, the images or a setting cannot be used; the sentence says why.
    """
    if importance_samples < 0:
        raise ConfigError(f"importance_samples {importance_samples}: allowed are 0 or more")
    if limit is not None and limit < 2:
        raise ConfigError(f"limit {limit}: an error needs 2 images or more")
    found = given.model(model)
    kind = found.pixels(pixels)
    chosen = given.examples(found, data, labels=labels, split=split).spread(limit)
    config = found.model.config
    measured = metric_kind(config.likelihood, kind)
    metric = functools.partial(publishing.metric_of, kind=measured, split=split, seed=seed)
    encoded = _encoded(found, chosen, kind, split, seed)
    y = given.conditions(found, chosen)
    metrics = {"distortion": metric(encoded.distortion, samples=1)}
    if config.has_bound:
        loss = encoded.rate + encoded.distortion
        bound = {"elbo": metric(-loss, samples=1), "rate": metric(encoded.rate, samples=1)}
        metrics = bound | metrics
        if measured == "discrete":
            metrics["bits_per_dim"] = metric(_bits(loss, found), samples=1, unit="bits")
        if k := importance_samples:
            images = given.prepared(found, chosen, kind, split)
            weighted = evaluation.nll_iw(found.model, images, k=k, kind=kind, seed=seed, labels=y)
            metrics |= _weighted(weighted, k, found, functools.partial(metric, samples=k))
    metrics["active_units"] = Metric(
        value=int(evaluation.active_units(encoded.mu).sum()),
        se=active_units_error(encoded.mu, seed=seed),
        n=len(chosen),
        kind=measured,
        split=split,
        unit="dimensions",
    )
    if not config.has_bound:
        return Evaluation(metrics)
    with torch.inference_mode():
        prior = found.model.prior_given(y)
        kl = evaluation.kl_per_dim(encoded.mu, encoded.logvar, prior)
    return Evaluation(metrics, tuple(kl.tolist()))


def _weighted(
    weighted: evaluation.Importance, k: int, found: Given, metric: Callable[..., Metric]
) -> dict[str, Metric]:
    metrics = {
        f"nll_iw{k}": metric(weighted.nll),
        f"ess_iw{k}": metric(weighted.ess, unit="samples"),
    }
    if metrics[f"nll_iw{k}"].kind == "discrete":
        metrics[f"bits_per_dim_iw{k}"] = metric(_bits(weighted.nll, found), unit="bits")
    return metrics


def _bits(nats: Tensor, found: Given) -> Tensor:
    return nats / (found.model.config.pixels * math.log(2))


def active_units_error(mu: Tensor, *, seed: int = SEED) -> float | None:
    """Return the standard error of the number of active units over images (n, latent_dim).

    Each image is weighted by a Poisson draw, a bootstrap whose resamples need no copies. None for
    a single image.
    """
    n = len(mu)
    if n < 2:
        return None
    generator = torch.Generator().manual_seed(seed)
    centred = (mu - mu.mean(0)).double()
    total = torch.zeros(RESAMPLES, 1, dtype=torch.float64)
    first, second = (torch.zeros(RESAMPLES, mu.shape[1], dtype=torch.float64) for _ in range(2))
    for rows in torch.split(centred, ROWS_AT_ONCE):
        ones = torch.ones(RESAMPLES, len(rows))
        weights = torch.poisson(ones, generator=generator).double()
        total += weights.sum(1, keepdim=True)
        first += weights @ rows
        second += weights @ rows.square()
    variance = second / total - (first / total).square()
    counts = (variance > evaluation.ACTIVE_VARIANCE).sum(1).double()
    return float(counts.std())
