"""From a trained model to a model folder: encode the test set, map it, measure, write."""

from __future__ import annotations

import dataclasses
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
from vae_core.data import ImageDataset, Split, subset
from vae_core.evaluation import Encoded, Estimate
from vae_core.learning import static_test_seed, static_train_seed
from vae_core.models import VAE

EVALUATION_SEED = 1
SOFTWARE = ("torch", "numpy", "scikit-learn", "openTSNE", "safetensors")
#: Training codes, drawn at random, that a test code is compared with for k-NN accuracy.
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
    encoded = encode_test(model, dataset, training)
    metrics = measure(
        model,
        dataset,
        training,
        encoded=encoded,
        importance_samples=importance_samples,
        importance_limit=importance_limit,
        say=say,
    )
    codes = map_codes(encoded, dataset.test, threads=training.threads, say=say)
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


def measure(
    model: VAE,
    dataset: ImageDataset,
    training: TrainConfig,
    *,
    encoded: Encoded | None = None,
    importance_samples: int = 0,
    importance_limit: int | None = None,
    seed: int = EVALUATION_SEED,
    say: Say = lambda stage: None,
) -> dict[str, Metric]:
    """Measure a model on the test set, as pixels of the kind that the training was tested on.

    ELBO with rate and distortion, active units, k-NN accuracy of the codes where there are
    labels, and with ``importance_samples`` the k-sample bound and its effective sample size.
    """
    encoded = encoded or encode_test(model, dataset, training, seed=seed)
    kind = "continuous" if model.config.likelihood == "gaussian" else training.tested_on

    def figure(values: Tensor, samples: int, unit: str = "nats") -> Metric:
        estimate = Estimate.of(values)
        return Metric(
            value=estimate.mean,
            se=estimate.se,
            n=len(values),
            kind=kind,
            samples=samples,
            seed=seed,
            unit=unit,
        )

    active = int(evaluation.active_units(encoded.mu).sum())
    metrics = {
        "elbo": figure(-(encoded.rate + encoded.distortion), 1),
        "rate": figure(encoded.rate, 1),
        "distortion": figure(encoded.distortion, 1),
        "active_units": Metric(value=active, n=len(encoded.mu), kind=kind, unit="dimensions"),
    }
    if dataset.train.labels is not None and dataset.test.labels is not None:
        say("nearest neighbours")
        correct = _knn_correct(model, encoded, dataset, training)
        metrics["knn_accuracy"] = figure(correct, 1, unit="share").model_copy(
            update={"samples": None}
        )
    if importance_samples:
        say(f"importance sampling, k = {importance_samples}")
        images = _test_images(dataset, training)[:importance_limit]
        k = importance_samples
        estimate = evaluation.nll_iw(model, images, k=k, kind=training.tested_on, seed=seed)
        metrics[f"nll_iw{k}"] = figure(estimate.nll, k)
        metrics[f"ess_iw{k}"] = figure(estimate.ess, k, unit="samples")
    return metrics


def encode_test(
    model: VAE, dataset: ImageDataset, training: TrainConfig, *, seed: int = EVALUATION_SEED
) -> Encoded:
    """Encode the test set as the training saw it."""
    images = _test_images(dataset, training)
    return evaluation.encode(model, images, kind=training.tested_on, seed=seed)


def encode_train(
    model: VAE, dataset: ImageDataset, training: TrainConfig, *, seed: int = EVALUATION_SEED
) -> Encoded:
    """Encode the whole training set as the training saw it."""
    split = _train_split(dataset, training)
    return evaluation.encode(model, split.images, kind=training.tested_on, seed=seed)


def _test_images(dataset: ImageDataset, training: TrainConfig) -> Tensor:
    seed = static_test_seed(training.seed)
    return pixels.prepare(dataset.test.images, training.tested_on, seed=seed)


def _train_split(dataset: ImageDataset, training: TrainConfig) -> Split:
    seed = static_train_seed(training.seed)
    images = pixels.prepare(dataset.train.images, training.tested_on, seed=seed)
    return dataclasses.replace(dataset.train, images=images)


def _knn_correct(
    model: VAE, encoded: Encoded, dataset: ImageDataset, training: TrainConfig
) -> Tensor:
    assert dataset.test.labels is not None
    # At random, since pictures of one's own come sorted by class.
    train = subset(_train_split(dataset, training), min(KNN_TRAIN, len(dataset.train)))
    assert train.labels is not None
    mu = evaluation.encode(model, train.images, kind=training.tested_on).mu
    predicted = evaluation.knn_labels(mu.numpy(), train.labels.numpy(), encoded.mu.numpy())
    return (torch.from_numpy(predicted) == dataset.test.labels).float()


def map_codes(
    encoded: Encoded, split: Split, *, threads: int = 1, say: Say = lambda stage: None
) -> Codes:
    """Attach ids, labels and, above two dimensions, PCA and t-SNE maps to an encoded set."""
    maps: dict[str, Tensor] = {}
    mean = components = None
    if encoded.mu.shape[1] > 2 and len(encoded.mu) > 1:
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
            points = projection.tsne(mu, perplexity=perplexity, threads=threads, progress=progress)
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
