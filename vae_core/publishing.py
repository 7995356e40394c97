"""From a trained model to a model folder: encode the test set, map it, measure, write."""

from __future__ import annotations

import datetime
import importlib.metadata
import platform
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from vae_core import checkpoints, evaluation, pixels, projection
from vae_core.checkpoints import Codes, Metric, ModelCard
from vae_core.config import TrainConfig
from vae_core.data import ImageDataset, Split
from vae_core.evaluation import Estimate
from vae_core.learning import static_test_seed
from vae_core.models import VAE

EVALUATION_SEED = 1
SOFTWARE = ("torch", "numpy", "scikit-learn", "openTSNE", "safetensors")
#: Training codes that a test code is compared with for k-NN accuracy.
KNN_TRAIN = 10_000

Say = Callable[[str], None]


def publish(
    folder: Path,
    *,
    name: str,
    model: VAE,
    training: TrainConfig,
    dataset: ImageDataset,
    history: Iterable[Mapping[str, Any]],
    command: str,
    importance_samples: int = 0,
    importance_limit: int | None = None,
    say: Say = lambda stage: None,
) -> ModelCard:
    """Measure a trained model and write its folder.

    Parameters
    ----------
    importance_samples
        k of the ``nll_iw{k}`` figure; 0 leaves it out.
    importance_limit
        Test images that this figure is taken over; None takes all.
    say
        Called with the name of each stage as it begins.
    """
    model = model.eval()
    say("encoding the test set")
    kind = training.pixels
    test = pixels.prepare(dataset.test.images, kind, seed=static_test_seed(training.seed))
    encoded = evaluation.encode(model, test, kind=kind, seed=EVALUATION_SEED)
    metrics = bound_metrics(encoded, kind=metric_kind(model, training))
    metrics |= latent_metrics(model, encoded, dataset, training)
    if importance_samples:
        say(f"importance sampling, k = {importance_samples}")
        metrics |= importance_metrics(
            model, test[:importance_limit], training, k=importance_samples
        )
    codes = map_codes(encoded, dataset.test, say=say)
    card = ModelCard(
        name=name,
        dataset=dataset.name,
        classes=dataset.classes,
        model=model.config,
        training=training,
        metrics=metrics,
        kl_per_dim=tuple(
            round(float(kl), 5) for kl in evaluation.kl_per_dim(encoded.mu, encoded.logvar)
        ),
        software={"python": platform.python_version()}
        | {package: importlib.metadata.version(package) for package in SOFTWARE},
        command=command,
        created=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    )
    say("writing the model folder")
    return checkpoints.save(folder, card=card, model=model, codes=codes, history=history)


def metric_kind(model: VAE, training: TrainConfig) -> str:
    """Name what a figure is a bound on: the kind of pixel, or densities of intensities."""
    return "continuous" if model.config.likelihood == "gaussian" else training.pixels


def bound_metrics(encoded: evaluation.Encoded, *, kind: str) -> dict[str, Metric]:
    """ELBO with rate and distortion apart."""
    columns = {
        "elbo": -(encoded.rate + encoded.distortion),
        "rate": encoded.rate,
        "distortion": encoded.distortion,
    }
    return {name: _metric(values, kind=kind, samples=1) for name, values in columns.items()}


def importance_metrics(
    model: VAE, images: Tensor, training: TrainConfig, *, k: int
) -> dict[str, Metric]:
    """``nll_iw{k}`` and the effective sample size of uint8 ``images``."""
    estimate = evaluation.nll_iw(model, images, k=k, kind=training.pixels, seed=EVALUATION_SEED)
    kind = metric_kind(model, training)
    return {
        f"nll_iw{k}": _metric(estimate.nll, kind=kind, samples=k),
        f"ess_iw{k}": _metric(estimate.ess, kind=kind, samples=k, unit="samples"),
    }


def latent_metrics(
    model: VAE, encoded: evaluation.Encoded, dataset: ImageDataset, training: TrainConfig
) -> dict[str, Metric]:
    """Active units, and k-NN accuracy where there are labels."""
    n, kind = len(encoded.mu), metric_kind(model, training)
    active = int(evaluation.active_units(encoded.mu).sum())
    metrics = {"active_units": Metric(value=active, n=n, kind=kind, unit="dimensions")}
    if dataset.train.labels is None or dataset.test.labels is None:
        return metrics
    neighbours = dataset.train.images[:KNN_TRAIN]
    train = evaluation.encode(model, neighbours, kind="grey", seed=EVALUATION_SEED)
    accuracy = evaluation.knn_accuracy(
        train.mu.numpy(),
        dataset.train.labels[:KNN_TRAIN].numpy(),
        encoded.mu.numpy(),
        dataset.test.labels.numpy(),
    )
    se = (accuracy * (1 - accuracy) / n) ** 0.5
    metrics["knn_accuracy"] = Metric(value=accuracy, se=se, n=n, kind=kind, unit="share")
    return metrics


def map_codes(encoded: evaluation.Encoded, split: Split, *, say: Say = lambda stage: None) -> Codes:
    """Attach ids, labels and, above two dimensions, PCA and t-SNE maps to an encoded set."""
    maps: dict[str, Tensor] = {}
    mean = components = None
    if encoded.mu.shape[1] > 2:
        mu = encoded.mu.numpy()
        say("principal components")
        plane = projection.pca(mu)
        mean, components = torch.from_numpy(plane.mean), torch.from_numpy(plane.components)
        maps["pca"] = torch.from_numpy(plane.project(mu))
        perplexity = min(30.0, (len(mu) - 1) / 3)

        def progress(iteration: int, total: int, divergence: float, points: object) -> bool:
            say(f"t-SNE, iteration {iteration} of {total}")
            return True

        if perplexity >= 2:
            say("t-SNE, looking for neighbours")
            points = projection.tsne(mu, perplexity=perplexity, progress=progress)
            maps["tsne"] = torch.from_numpy(points)
    return Codes(
        ids=split.ids,
        labels=split.labels,
        mu=encoded.mu,
        logvar=encoded.logvar,
        rate=encoded.rate,
        distortion=encoded.distortion,
        projections=maps,
        pca_mean=mean,
        pca_components=components,
    )


def _metric(values: Tensor, *, kind: str, samples: int, unit: str = "nats") -> Metric:
    estimate = Estimate.of(values)
    return Metric(
        value=estimate.mean,
        se=estimate.se,
        n=len(values),
        kind=kind,
        samples=samples,
        seed=EVALUATION_SEED,
        unit=unit,
    )
