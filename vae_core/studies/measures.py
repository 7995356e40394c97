"""Measure trained models in the cells of studies."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vae_core import evaluation, marginal, projection, publishing
from vae_core.config import TrainConfig
from vae_core.data import ImageDataset, Split, graphs
from vae_core.models import VAE
from vae_core.models.likelihoods import metric_kind
from vae_core.studies.quick import QUICK_CHAINS, QUICK_TEST

#: Seed of all estimates, as on model cards.
EVALUATION_SEED = 1
NEIGHBOURS = 10
#: Pseudo-count of edges and of missing edges in each frequency; 0.1 is best on other samples.
EDGE_SMOOTHING = 0.1


Points = NDArray[np.float32]


@dataclass(frozen=True)
class MetricValues:
    """Values of a metric for each example, (n,), with what a :class:`Metric` needs."""

    values: Tensor
    unit: str = "nats"
    samples: int | None = None
    split: str = "test"
    n: int | None = None  # number of examples, for a single value over all of them


@dataclass(frozen=True)
class Trained:
    """Trained model with its dataset and settings."""

    model: VAE
    dataset: ImageDataset
    training: TrainConfig
    quick: bool

    @property
    def kind(self) -> str:
        """Kind of its metrics: of pixels for a binary likelihood, else of density."""
        return metric_kind(self.model.config.likelihood, self.training.tested_on)

    def images(self, split: str = "test", limit: int | None = None) -> Tensor:
        """Return the first ``limit`` images of a split, prepared as in the training."""
        limit = min(limit or QUICK_TEST, QUICK_TEST) if self.quick else limit
        return self._split(split).images[:limit]

    def labels(self, images: Tensor, split: str = "test") -> Tensor | None:
        """Return the labels of the first images of a split, if the model takes any."""
        labels = self._split(split).labels
        takes = self.model.config.takes_labels and labels is not None
        return labels[: len(images)] if takes and labels is not None else None

    def encoded(self, split: str = "test", limit: int | None = None) -> evaluation.Encoded:
        """Encode the first ``limit`` images of a split, with a single-sample bound."""
        images = self.images(split, limit)
        return evaluation.encode(
            self.model,
            images,
            kind=self.training.tested_on,
            seed=EVALUATION_SEED,
            labels=self.labels(images, split),
        )

    def _split(self, name: str) -> Split:
        """Return a split with prepared pixels; of the training set, the images trained on."""
        prepared = {"test": publishing.tested_split, "train": publishing.trained_split}
        return prepared[name](self.dataset, self.training)


Measure = Callable[[Trained], Mapping[str, MetricValues]]


def bound(subject: Trained) -> dict[str, MetricValues]:
    """Estimate ELBO, rate and distortion by one sample, and the ELBO of training images."""
    test, train = subject.encoded(), subject.encoded("train", limit=10_000)
    return {
        "elbo": MetricValues(-(test.rate + test.distortion), samples=1),
        "rate": MetricValues(test.rate, samples=1),
        "distortion": MetricValues(test.distortion, samples=1),
        "train_elbo": MetricValues(-(train.rate + train.distortion), samples=1, split="train"),
    }


def active_units(subject: Trained) -> dict[str, MetricValues]:
    """Count the active latent dimensions."""
    mu = subject.encoded().mu
    count = evaluation.active_units(mu).sum().float()[None]
    return {"active_units": MetricValues(count, unit="dimensions", n=len(mu))}


@dataclass(frozen=True)
class Importance:
    """Measure of ``nll_iw{k}`` over each ``every``-th test image, also in bits for discrete pixels.

    The first half of MNIST's test set is easier, so its first images would be biased.
    """

    k: int = 5000
    every: int = 1

    def __call__(self, subject: Trained) -> dict[str, MetricValues]:
        """Measure a model; a quick run uses 10 samples, under the name of k."""
        images = subject.images()
        labels = subject.labels(images)
        images, k = images[:: self.every], 10 if subject.quick else self.k
        found = evaluation.nll_iw(
            subject.model,
            images,
            k=k,
            kind=subject.training.tested_on,
            seed=EVALUATION_SEED,
            labels=None if labels is None else labels[:: self.every],
        )
        metrics = {
            f"nll_iw{self.k}": MetricValues(found.nll, samples=k),
            f"ess_iw{self.k}": MetricValues(found.ess, unit="samples", samples=k),
        }
        if subject.kind == "discrete":
            bits = found.nll / (subject.model.config.pixels * math.log(2))
            metrics[f"bits_per_dim_iw{self.k}"] = MetricValues(bits, unit="bits", samples=k)
        return metrics


@dataclass(frozen=True)
class MarginalLikelihood:
    """Measure of −log p(x) of the first images of both splits, by the estimator of appendix D.

    Uses ``chains`` · ``keep`` samples per image for the density, and as many for the mean.
    """

    limit: int = 1000
    chains: int = 20
    keep: int = 10
    burn_in: int = 40

    def __call__(self, subject: Trained) -> dict[str, MetricValues]:
        """Measure both splits of a model."""
        usual = {"chains": self.chains, "keep": self.keep, "burn_in": self.burn_in}
        effort: dict[str, Any] = QUICK_CHAINS if subject.quick else usual
        found = {}
        for split in ("test", "train"):
            images = subject.images(split, self.limit)
            nll = marginal.nll_appendix_d(
                subject.model,
                images,
                kind=subject.training.tested_on,
                seed=EVALUATION_SEED,
                **effort,
            ).nll
            prefix = "train_" if split == "train" else ""
            found[f"{prefix}nll_appendix_d"] = MetricValues(nll, split=split)
        return found


@dataclass(frozen=True)
class Separation:
    """Measure of how well classes separate in the test codes and in two-dimensional maps of them.

    Two metrics each: the share of codes whose 10 nearest neighbours are mostly of their class, and
    the mean silhouette (Rousseeuw 1987), in −1 … 1.
    """

    maps: tuple[str, ...] = ()

    def __call__(self, subject: Trained) -> dict[str, MetricValues]:
        """Measure the codes of a model, and each map of them."""
        mu = subject.encoded().mu.numpy()
        labels = subject.dataset.test.labels
        assert labels is not None
        places = {"": mu} | {f"_{name}": MAPS[name](mu) for name in self.maps}
        found = {}
        for suffix, points in places.items():
            correct, silhouette = separation(points, labels.numpy()[: len(points)])
            found[f"knn_accuracy{suffix}"] = MetricValues(correct, unit="share")
            found[f"silhouette{suffix}"] = MetricValues(silhouette, unit="silhouette")
        return found


def separation(points: Points, labels: NDArray[np.int64]) -> tuple[Tensor, Tensor]:
    """Measure how well labelled points (n, d) separate.

    Returns
    -------
    tuple
        Whether the majority of each point's nearest neighbours has its label, (n,), and its
        silhouette, (n,).
    """
    from sklearn.metrics import silhouette_samples
    from sklearn.neighbors import KNeighborsClassifier

    k = min(NEIGHBOURS, len(points) - 1)
    fitted = KNeighborsClassifier(n_neighbors=k).fit(points, labels)
    neighbours = labels[fitted.kneighbors(return_distance=False)]  # without the point itself
    votes = (neighbours[:, :, None] == np.unique(labels)).sum(1)
    correct = np.unique(labels)[votes.argmax(1)] == labels
    return torch.from_numpy(correct).float(), torch.from_numpy(
        np.asarray(silhouette_samples(points, labels), dtype=np.float32)
    )


def _pca(mu: Points) -> Points:
    return projection.pca(mu).project(mu)


def _tsne(mu: Points) -> Points:
    return projection.tsne(mu, perplexity=min(30.0, (len(mu) - 1) / 3))


MAPS: dict[str, Callable[[Points], Points]] = {"pca": _pca, "tsne": _tsne}


@dataclass(frozen=True)
class GraphGap:
    """Measure of the gap between ``nll_iw{k}`` of each graph and the exact optimum."""

    k: int = 5000

    def __call__(self, subject: Trained) -> dict[str, MetricValues]:
        """Measure the gap of a model in nats and in percent of the optimum."""
        nll = Importance(self.k)(subject)[f"nll_iw{self.k}"]
        images = subject.images()
        best = graphs.optimum(images, symmetric=subject.dataset.name.endswith("symmetric"))
        gap = nll.values.double() - best.nll
        counted = _frequency_nll(subject.dataset.train, images)
        return {
            f"nll_iw{self.k}": nll,
            "optimum": MetricValues(best.nll),
            "gap": MetricValues(gap, samples=nll.samples),
            "frequency_gap_percent": MetricValues(
                100 * (counted - best.nll) / best.expected, unit="% of the optimum"
            ),
            "gap_percent": MetricValues(
                100 * gap / best.expected, unit="% of the optimum", samples=nll.samples
            ),
        }


def _frequency_nll(train: Split, images: Tensor) -> Tensor:
    """Return −log p of graphs, (n,), under the edge frequencies of each training structure."""
    assert train.labels is not None
    edges, known = images.flatten(1).double() / 255, train.images.flatten(1).double() / 255
    log_p = []
    for structure in range(int(train.labels.max()) + 1):
        counts = known[train.labels == structure]
        p = (counts.sum(0) + EDGE_SMOOTHING) / (len(counts) + 2 * EDGE_SMOOTHING)
        log_p.append(edges @ p.log() + (1 - edges) @ (1 - p).log())
    return math.log(len(log_p)) - torch.logsumexp(torch.stack(log_p), 0)
