"""Write the model folder of a trained model: encode the test set, map it and measure it."""

from __future__ import annotations

import dataclasses
import datetime
import functools
import importlib.metadata
import math
import platform
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vae_core import columns, evaluation, marginal, model_folder, pixels, projection
from vae_core.columns import Column
from vae_core.config import TrainConfig
from vae_core.data import SOURCES, ImageDataset, Split, framing, subset
from vae_core.evaluation import Encoded, Estimate
from vae_core.learning import static_test_seed, static_train_seed
from vae_core.model_folder import Codes, InkFrame, Metric, ModelCard
from vae_core.models import VAE
from vae_core.models.likelihoods import metric_kind

EVALUATION_SEED = 1
SOFTWARE = ("torch", "numpy", "scikit-learn", "openTSNE", "safetensors")
#: Training codes, chosen at random, for the classifiers of codes.
KNN_TRAIN = 10_000
#: Samples of the aggregate posterior, and of the prior, that MMD compares.
MMD_DRAWS = 1_000
#: Model samples, and test images, whose distance to the training set is measured.
NEIGHBOUR_DRAWS = 100

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
    paths: Mapping[str, str] | None = None,
    notes: tuple[str, ...] = (),
    tsne: bool = True,
    say: Say = lambda stage: None,
) -> ModelCard:
    """Measure a trained model and write its model folder.

    Parameters
    ----------
    importance_samples, importance_limit
        As for :func:`measure`.
    paths
        How the training was computed on this host.
    notes
        Sentences about the training for the card.
    tsne
        As for :func:`map_codes`.
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
    codes = map_codes(
        encoded,
        dataset.test,
        classes=dataset.classes,
        tsne=tsne,
        threads=training.threads,
        say=say,
    )
    notes = (*notes, *columns_of(dataset.test, dataset.classes)[1])
    kl = kl_per_dim(model, dataset, encoded)
    warning = evaluation.collapse_warning(encoded.mu, kl)
    card = ModelCard(
        name=name,
        dataset=dataset.name,
        classes=dataset.classes,
        model=model.config,
        training=training,
        metrics=metrics,
        kl_per_dim=tuple(round(float(one), 5) for one in kl),
        warnings=notes if warning is None else (*notes, warning),
        software={"python": platform.python_version()}
        | {package: importlib.metadata.version(package) for package in SOFTWARE},
        paths=dict(paths or {}),
        command=command,
        created=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        ink=ink_of(dataset),
    )
    say("writing the model folder")
    return model_folder.save(folder, card=card, model=model, codes=codes, history=history)


def ink_of(dataset: ImageDataset) -> InkFrame | None:
    """Return how own data places its ink; None for known datasets, and for data that is no ink."""
    return None if dataset.name in SOURCES else InkFrame.from_frame(framing.measure(dataset))


def measure(
    model: VAE,
    dataset: ImageDataset,
    training: TrainConfig,
    *,
    encoded: Encoded | None = None,
    importance_samples: int = 0,
    importance_limit: int | None = None,
    estimators: Collection[str] = (),
    seed: int = EVALUATION_SEED,
    say: Say = lambda stage: None,
) -> dict[str, Metric]:
    """Measure a model on the test set, with pixels of the kind that the training was tested on.

    ELBO, rate and distortion, also in bits per dimension if pixels are discrete; active units; MMD
    between aggregate posterior and prior; and, of a dataset with training images, distances of
    samples to them and, with labels, the accuracies of k-NN and of a linear probe of the codes.

    Parameters
    ----------
    importance_samples
        k of the metrics ``nll_iw{k}`` and ``ess_iw{k}``; 0 leaves them out.
    importance_limit
        Number of test images, evenly spread, for these and for ``estimators``; None uses all.
    estimators
        Names in ``marginal.ESTIMATORS``; each adds a metric ``nll_{name}``.

    Raises
    ------
    ConfigError
        If an estimator does not exist for the model; before anything is measured.
    """
    for name in estimators:
        marginal.check(model, name)
    encoded = encoded or encode_test(model, dataset, training, seed=seed)
    kind = metric_kind(model.config.likelihood, training.tested_on)
    metric = functools.partial(metric_of, kind=kind, seed=seed)
    loss = encoded.rate + encoded.distortion
    active = int(evaluation.active_units(encoded.mu).sum())
    metrics = {
        "elbo": metric(-loss, samples=1),
        "rate": metric(encoded.rate, samples=1),
        "distortion": metric(encoded.distortion, samples=1),
        "active_units": Metric(value=active, n=len(encoded.mu), kind=kind, unit="dimensions"),
    }
    if kind == "discrete":
        metrics["bits_per_dim"] = metric(_bits(loss, model), samples=1, unit="bits")
    say("aggregate posterior and samples")
    metrics |= _against_prior(model, dataset, training, kind, seed)
    if len(dataset.train):
        for name, values in _distances(model, dataset, training, seed).items():
            metrics[name] = metric(values, unit="distance")
    is_labelled = dataset.train.labels is not None and dataset.test.labels is not None
    if len(dataset.train) and is_labelled:
        say("classifiers of the codes")
        for name, correct in _classified(model, encoded, dataset, training).items():
            metrics[name] = metric(correct, unit="share")

    some = tested_split(dataset, training).spread(importance_limit)
    how: dict[str, Any] = {"kind": training.tested_on, "seed": seed, "labels": _labels(model, some)}
    if k := importance_samples:
        say(f"importance sampling, k = {k}")
        found = evaluation.nll_iw(model, some.images, k=k, **how)
        metrics[f"nll_iw{k}"] = metric(found.nll, samples=k)
        metrics[f"ess_iw{k}"] = metric(found.ess, samples=k, unit="samples")
        if kind == "discrete":
            bits = _bits(found.nll, model)
            metrics[f"bits_per_dim_iw{k}"] = metric(bits, samples=k, unit="bits")
    for name in estimators:
        say(f"estimating log p(x) by {name}")
        nll = marginal.ESTIMATORS[name](model, some.images, **how).nll
        metrics[f"nll_{name.replace('-', '_')}"] = metric(nll)
    return metrics


def metric_of(
    values: Tensor,
    *,
    kind: str,
    seed: int,
    split: str = "test",
    samples: int | None = None,
    unit: str = "nats",
) -> Metric:
    """Average values per example, (n,), to a metric with its standard error."""
    estimate = Estimate.of(values)
    return Metric(
        value=estimate.mean,
        se=estimate.se if math.isfinite(estimate.se) else None,
        n=len(values),
        kind=kind,
        split=split,
        samples=samples,
        seed=seed,
        unit=unit,
    )


def _bits(nll: Tensor, model: VAE) -> Tensor:
    return nll / (model.config.pixels * math.log(2))


@torch.inference_mode()
def kl_per_dim(model: VAE, dataset: ImageDataset, encoded: Encoded) -> Tensor:
    """Return the mean KL of each latent dimension over the test set, (latent_dim,), in nats."""
    prior = model.prior_given(_labels(model, dataset.test))
    return evaluation.kl_per_dim(encoded.mu, encoded.logvar, prior)


def encode_test(
    model: VAE, dataset: ImageDataset, training: TrainConfig, *, seed: int = EVALUATION_SEED
) -> Encoded:
    """Encode the test set, with pixels as in the training's tests."""
    images = tested_split(dataset, training).images
    labels = _labels(model, dataset.test)
    return evaluation.encode(model, images, kind=training.tested_on, seed=seed, labels=labels)


def encode_train(
    model: VAE, dataset: ImageDataset, training: TrainConfig, *, seed: int = EVALUATION_SEED
) -> Encoded:
    """Encode the whole training set, with pixels as in the training's tests."""
    split = _prepared(dataset.train, training, static_train_seed(training.seed))
    labels = _labels(model, split)
    return evaluation.encode(model, split.images, kind=training.tested_on, seed=seed, labels=labels)


def tested_split(dataset: ImageDataset, training: TrainConfig) -> Split:
    """Return the test set, with pixels as in the training's tests."""
    return _prepared(dataset.test, training, static_test_seed(training.seed))


def trained_split(dataset: ImageDataset, training: TrainConfig) -> Split:
    """Return the images that were trained on, with pixels as in the training's tests."""
    split = _prepared(dataset.train, training, static_train_seed(training.seed))
    return _trained_on(split, training)


def _trained_on(split: Split, training: TrainConfig) -> Split:
    if training.train_size is None:
        return split
    return subset(split, training.train_size, seed=training.seed)


def _prepared(split: Split, training: TrainConfig, seed: int) -> Split:
    images = pixels.prepare(split.images, training.tested_on, seed=seed)
    return dataclasses.replace(split, images=images)


def _labels(model: VAE, split: Split) -> Tensor | None:
    return split.labels if model.config.takes_labels else None


@torch.inference_mode()
def _against_prior(
    model: VAE, dataset: ImageDataset, training: TrainConfig, kind: str, seed: int
) -> dict[str, Metric]:
    """Compare samples of the aggregate posterior, the mean of q(z|x) over images, with p(z)."""
    n = min(MMD_DRAWS, len(dataset.test))
    if n < 2:
        return {}
    generator = torch.Generator().manual_seed(seed)
    rows = torch.randperm(len(dataset.test), generator=generator)[:n]
    labels = _labels(model, dataset.test)
    labels = None if labels is None else labels[rows]
    # Sample through every stochastic layer, since q(z2|x) of two layers is not Gaussian.
    images = tested_split(dataset, training).images[rows]
    x = pixels.view(images, training.tested_on, generator=generator)
    posterior = model.draw(model.observe(x, labels), samples=1, generator=generator).z[0]
    prior = model.prior_given(labels).sample(n, generator=generator)
    found = evaluation.mmd(posterior, prior, seed=seed)
    common = Metric(value=found.mmd2, n=n, kind=kind, samples=1, seed=seed, unit="squared MMD")
    return {
        "mmd": common,
        "mmd_p": common.model_copy(update={"value": found.p_value, "unit": "p-value"}),
    }


@torch.inference_mode()
def _distances(
    model: VAE, dataset: ImageDataset, training: TrainConfig, seed: int
) -> dict[str, Tensor]:
    """Return distances (n,) to the nearest training image, of model samples and of test images.

    Samples that are much nearer than test images would be copies.
    """
    generator = torch.Generator().manual_seed(seed)
    n = min(NEIGHBOUR_DRAWS, len(dataset.test))
    rows = torch.randperm(len(dataset.test), generator=generator)[:n]
    queries = {
        "sample_distance": model.sample(n, generator=generator),
        "test_distance": dataset.test.images[rows].float() / 255,
    }
    images = _trained_on(dataset.train, training).images
    return {
        name: evaluation.nearest_images(query, images).distances[:, 0]
        for name, query in queries.items()
    }


def _classified(
    model: VAE, encoded: Encoded, dataset: ImageDataset, training: TrainConfig
) -> dict[str, Tensor]:
    """Return whether k-NN and a linear probe find each test code's label, (n,) each."""
    assert dataset.test.labels is not None
    # At random, since uploaded images are sorted by class.
    train = trained_split(dataset, training)
    train = subset(train, min(KNN_TRAIN, len(train)))
    assert train.labels is not None
    mu = evaluation.encode(
        model, train.images, kind=training.tested_on, labels=_labels(model, train)
    ).mu.numpy()
    known, unknown = train.labels.numpy(), encoded.mu.numpy()
    predicted = {"knn_accuracy": evaluation.knn_labels(mu, known, unknown)}
    if train.labels.min() < train.labels.max():
        predicted["probe_accuracy"] = evaluation.linear_probe(mu, known, unknown)
    return {
        name: (torch.from_numpy(found) == dataset.test.labels).float()
        for name, found in predicted.items()
    }


def map_codes(
    encoded: Encoded,
    split: Split,
    *,
    classes: Sequence[str] = (),
    tsne: bool = True,
    threads: int = 1,
    say: Say = lambda stage: None,
) -> Codes:
    """Add ids, labels, columns and, above two dimensions, PCA and t-SNE maps to encoded images.

    Parameters
    ----------
    classes
        Names of the labels; a column that repeats them is left out.
    tsne
        Whether to compute the t-SNE map, which is slow.
    """
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

        # Of equal codes, as after a posterior collapse, t-SNE makes values that are not finite.
        if tsne and perplexity >= 2 and (mu != mu[0]).any():
            say("t-SNE, looking for neighbours")
            points = projection.tsne(mu, perplexity=perplexity, threads=threads, progress=progress)
            if np.isfinite(points).all():
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
        columns=columns_of(split, classes)[0],
    )


def columns_of(
    split: Split, classes: Sequence[str] = ()
) -> tuple[tuple[Column, ...], tuple[str, ...]]:
    """Return the columns of examples beside their labels, and sentences about what is left out."""
    labels = None if split.labels is None else split.labels.numpy()
    return columns.typed(split.columns, labels=labels, classes=classes)
