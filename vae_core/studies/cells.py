"""Cells that train a VAE, and what is measured of it."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vae_core import checkpoints, evaluation, learning, marginal, projection, publishing, runs
from vae_core.checkpoints import Metric
from vae_core.config import ModelConfig, TrainConfig
from vae_core.data import ImageDataset, Split, graphs
from vae_core.distributions import LIKELIHOODS
from vae_core.evaluation import Estimate
from vae_core.learning import EpochRecord, Trainer
from vae_core.models import VAE
from vae_core.recipes import RECIPES
from vae_core.studies.study import Cell, Context, Json, Outcome

#: Seed of every estimate, as for the cards of models.
EVALUATION_SEED = 1
NEIGHBOURS = 10
#: Edges added to, and left out of, each frequency; 0.1 costs least on further draws.
EDGE_SMOOTHING = 0.1
#: Settings of a training that there were not yet when the first results were kept.
LATER = ("adam_epsilon", "device")
#: The dataset of quick runs, and the most that they use of anything.
QUICK_DATASET = "digits"
QUICK_EPOCHS, QUICK_IMAGES, QUICK_WIDTH, QUICK_LATENTS, QUICK_SAMPLES = 2, 300, 48, 24, 5
QUICK_CHAINS: dict[str, Any] = {"chains": 5, "keep": 4, "burn_in": 4}
QUICK_COMPONENTS, QUICK_CHANNELS, QUICK_TEST, QUICK_BATCH = 20, 8, 60, 50


Points = NDArray[np.float32]


@dataclass(frozen=True)
class Figure:
    """Values per example, (n,), on their way to a :class:`Metric`."""

    values: Tensor
    unit: str = "nats"
    samples: int | None = None
    split: str = "test"
    n: int | None = None  # examples behind a value that is one for all of them


@dataclass(frozen=True)
class Trained:
    """A trained model and what it was trained on."""

    model: VAE
    dataset: ImageDataset
    training: TrainConfig
    quick: bool

    @property
    def kind(self) -> str:
        """The kind of its figures: of pixel for a binary likelihood, else of density."""
        target = LIKELIHOODS[self.model.config.likelihood].kind
        return self.training.tested_on if target == "binary" else target

    def images(self, split: str = "test", limit: int | None = None) -> Tensor:
        """Images of a split as the training saw them, the first ``limit``."""
        limit = min(limit or QUICK_TEST, QUICK_TEST) if self.quick else limit
        return self._split(split).images[:limit]

    def labels(self, images: Tensor, split: str = "test") -> Tensor | None:
        """Labels of the first images of a split, for a model that takes them."""
        labels = self._split(split).labels
        takes = self.model.config.takes_labels and labels is not None
        return labels[: len(images)] if takes and labels is not None else None

    def encoded(self, split: str = "test", limit: int | None = None) -> evaluation.Encoded:
        """Posterior of each image of a split, with its single-sample bound."""
        images = self.images(split, limit)
        return evaluation.encode(
            self.model,
            images,
            kind=self.training.tested_on,
            seed=EVALUATION_SEED,
            labels=self.labels(images, split),
        )

    def _split(self, name: str) -> Split:
        """Return a split as its pixels were prepared, of the training set what was trained on."""
        prepared = {"test": publishing.tested_split, "train": publishing.trained_split}
        return prepared[name](self.dataset, self.training)


Measure = Callable[[Trained], Mapping[str, Figure]]


def trained(
    name: str,
    model: ModelConfig,
    training: TrainConfig,
    *measures: Measure,
    settings: Mapping[str, Any],
    watch: Measure | None = None,
    milestones: tuple[int, ...] = (),
) -> Cell:
    """Declare a cell that trains a VAE.

    Parameters
    ----------
    measures
        What is measured of the trained model.
    settings
        What varies between cells.
    watch, milestones
        A further measure whose means join the history after these epochs.
    """

    def run(context: Context) -> Outcome:
        chosen = (quick_model(model, training), quick_training(training))
        return _train(
            name,
            *(chosen if context.quick else (model, _native(training))),
            measures=measures,
            watch=watch,
            milestones=milestones,
            context=context,
        )

    declared: Json = {
        "model": model.model_dump(),
        "training": _declared(training),
        "measures": [_named(measure) for measure in measures],
    }
    if watch is not None:
        declared |= {"watch": _named(watch), "milestones": milestones}
    return Cell(name=name, settings=settings, declared=declared, run=run)


def pretrained(name: str, model: str, *measures: Measure, settings: Mapping[str, Any]) -> Cell:
    """Declare a cell that measures a model which comes with the project.

    Its training is the recipe's, and ``weights`` in the result are the card's; a quick run
    trains a small one in its place.
    """
    recipe = RECIPES[model]
    quick = trained(name, recipe.model, recipe.training, *measures, settings=settings)

    def run(context: Context) -> Outcome:
        if context.quick:
            return quick.run(context)
        saved = checkpoints.open_folder(model)
        subject = Trained(saved.model, context.load(saved.card.dataset), saved.card.training, False)
        size, spent, history = recipe.training.train_size or len(subject.dataset.train), 0.0, []
        for row in checkpoints.load_history(model):
            record = EpochRecord.of(row)
            spent += record.seconds
            history.append(_row(record, size, spent))
        command, weights = saved.card.command, saved.card.weights_hash
        return _measured(subject, measures, history, spent, command, context, weights=weights)

    declared = {**quick.declared, "pretrained": model}
    return Cell(name=name, settings=settings, declared=declared, run=run)


def _train(
    name: str,
    model_config: ModelConfig,
    training: TrainConfig,
    *,
    measures: tuple[Measure, ...],
    watch: Measure | None,
    milestones: tuple[int, ...],
    context: Context,
) -> Outcome:
    learning.check_machine(training)
    dataset = context.load(training.dataset)
    trainer = Trainer(model_config, training, dataset)
    subject = Trained(trainer.model, dataset, training, context.quick)
    size, spent, history = training.train_size or len(dataset.train), 0.0, []
    for record in trainer:
        spent += record.seconds
        row = _row(record, size, spent)
        if watch is not None and record.epoch in milestones:
            row |= {key: Estimate.of(f.values).mean for key, f in watch(subject).items()}
        history.append(row)
        context.say(f"epoch {record.epoch}/{training.epochs}, test ELBO {record.test.elbo:.2f}")
    trainer.model.eval().requires_grad_(False)
    config = runs.RunConfig(name=name, model=model_config, training=training)
    return _measured(subject, measures, history, spent, runs.command_line(config), context)


def _measured(
    subject: Trained,
    measures: tuple[Measure, ...],
    history: list[Json],
    spent: float,
    command: str,
    context: Context,
    **details: Any,
) -> Outcome:
    figures: dict[str, Figure] = {}
    for measure in measures:
        context.say("measuring")
        figures |= measure(subject)
    return outcome(
        figures,
        kind=subject.kind,
        history=tuple(history),
        details={
            "dataset": subject.training.dataset,
            "model": subject.model.config.model_dump(mode="json"),
            "training": subject.training.model_dump(mode="json"),
            "parameters": sum(p.numel() for p in subject.model.parameters()),
            "train_seconds": round(spent, 2),
            "command": command,
            **details,
        },
    )


def outcome(
    figures: Mapping[str, Figure],
    *,
    kind: str,
    history: tuple[Json, ...] = (),
    details: Mapping[str, Any],
) -> Outcome:
    """Reduce figures to metrics with standard errors, and keep what is behind them."""
    metrics = {}
    for name, figure in figures.items():
        estimate = Estimate.of(figure.values)
        metrics[name] = Metric(
            value=estimate.mean,
            se=None if math.isnan(estimate.se) else estimate.se,
            n=figure.n or len(figure.values),
            kind=kind,
            split=figure.split,
            samples=figure.samples,
            seed=EVALUATION_SEED,
            unit=figure.unit,
        )
    values = {name: figure.values for name, figure in figures.items()}
    return Outcome(metrics=metrics, values=values, history=history, details=details)


def bound(subject: Trained) -> dict[str, Figure]:
    """Single-sample ELBO with rate and distortion; the ELBO of training images too."""
    test, train = subject.encoded(), subject.encoded("train", limit=10_000)
    return {
        "elbo": Figure(-(test.rate + test.distortion), samples=1),
        "rate": Figure(test.rate, samples=1),
        "distortion": Figure(test.distortion, samples=1),
        "train_elbo": Figure(-(train.rate + train.distortion), samples=1, split="train"),
    }


def active_units(subject: Trained) -> dict[str, Figure]:
    """Count the dimensions that carry information."""
    mu = subject.encoded().mu
    count = evaluation.active_units(mu).sum().float()[None]
    return {"active_units": Figure(count, unit="dimensions", n=len(mu))}


@dataclass(frozen=True)
class Importance:
    """``nll_iw{k}`` over each ``every``-th test image; in bits for discrete pixels.

    MNIST's test set is sorted, the easier half first: its first images would flatter a model.
    """

    k: int = 5000
    every: int = 1

    def __call__(self, subject: Trained) -> dict[str, Figure]:
        """Measure; a quick run draws 10 samples in place of k, under the same name."""
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
        figures = {
            f"nll_iw{self.k}": Figure(found.nll, samples=k),
            f"ess_iw{self.k}": Figure(found.ess, unit="samples", samples=k),
        }
        if subject.kind == "discrete":
            bits = found.nll / (subject.model.config.pixels * math.log(2))
            figures[f"bits_per_dim_iw{self.k}"] = Figure(bits, unit="bits", samples=k)
        return figures


@dataclass(frozen=True)
class MarginalLikelihood:
    """Minus log p(x) of the first images of both splits, by the estimator of appendix D.

    With ``chains`` · ``keep`` samples of each image for its density, and as many for the mean.
    """

    limit: int = 1000
    chains: int = 20
    keep: int = 10
    burn_in: int = 40

    def __call__(self, subject: Trained) -> dict[str, Figure]:
        """Measure both splits; training images are those that were trained on."""
        usual = {"chains": self.chains, "keep": self.keep, "burn_in": self.burn_in}
        effort: dict[str, Any] = QUICK_CHAINS if subject.quick else usual
        figures = {}
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
            figures[f"{prefix}nll_appendix_d"] = Figure(nll, split=split)
        return figures


@dataclass(frozen=True)
class Separation:
    """How well classes lie apart among the test codes, and on their two-dimensional maps.

    Each place is judged alike: the share of codes whose 10 nearest others are mostly of their
    class, and the mean silhouette (Rousseeuw 1987), in −1 … 1.
    """

    maps: tuple[str, ...] = ()

    def __call__(self, subject: Trained) -> dict[str, Figure]:
        """Measure the codes, and each map of them."""
        mu = subject.encoded().mu.numpy()
        labels = subject.dataset.test.labels
        assert labels is not None
        places = {"": mu} | {f"_{name}": MAPS[name](mu) for name in self.maps}
        figures = {}
        for suffix, points in places.items():
            correct, silhouette = separation(points, labels.numpy()[: len(points)])
            figures[f"knn_accuracy{suffix}"] = Figure(correct, unit="share")
            figures[f"silhouette{suffix}"] = Figure(silhouette, unit="silhouette")
        return figures


def separation(points: Points, labels: NDArray[np.int64]) -> tuple[Tensor, Tensor]:
    """Judge labelled points (n, d) among themselves.

    Returns
    -------
    tuple
        Whether the majority of each point's nearest others has its label, (n,); its silhouette,
        (n,).
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
    """Distance of ``nll_iw{k}`` of networks to the exact optimum, network by network."""

    k: int = 5000

    def __call__(self, subject: Trained) -> dict[str, Figure]:
        """Measure the gap in nats, and in percent of the optimum."""
        nll = Importance(self.k)(subject)[f"nll_iw{self.k}"]
        images = subject.images()
        best = graphs.optimum(images, symmetric=subject.dataset.name.endswith("symmetric"))
        gap = nll.values.double() - best.nll
        counted = _frequency_nll(subject.dataset.train, images)
        return {
            f"nll_iw{self.k}": nll,
            "optimum": Figure(best.nll),
            "gap": Figure(gap, samples=nll.samples),
            "frequency_gap_percent": Figure(
                100 * (counted - best.nll) / best.expected, unit="% of the optimum"
            ),
            "gap_percent": Figure(
                100 * gap / best.expected, unit="% of the optimum", samples=nll.samples
            ),
        }


def _frequency_nll(train: Split, images: Tensor) -> Tensor:
    """Minus log-likelihood of networks under the edge frequencies of each training structure."""
    assert train.labels is not None
    edges, known = images.flatten(1).double() / 255, train.images.flatten(1).double() / 255
    log_p = []
    for structure in range(int(train.labels.max()) + 1):
        counts = known[train.labels == structure]
        p = (counts.sum(0) + EDGE_SMOOTHING) / (len(counts) + 2 * EDGE_SMOOTHING)
        log_p.append(edges @ p.log() + (1 - edges) @ (1 - p).log())
    return math.log(len(log_p)) - torch.logsumexp(torch.stack(log_p), 0)


def quick_model(model: ModelConfig, training: TrainConfig) -> ModelConfig:
    """Shrink a model to what a quick run trains in seconds."""
    shape = model.image_shape if training.dataset.startswith("graphs") else (1, 8, 8)
    most = QUICK_CHANNELS if model.network == "conv" else QUICK_WIDTH
    hidden = tuple(min(width, most) for width in model.hidden)[:2]
    lower = model.first_latent_dim
    return ModelConfig.of(
        **model.model_dump()
        | {
            "image_shape": shape,
            "hidden": hidden,
            "latent_dim": min(model.latent_dim, QUICK_LATENTS),
            "components": min(model.components, QUICK_COMPONENTS),
            "first_latent_dim": None if lower is None else min(lower, QUICK_LATENTS),
            "upper_hidden": tuple(min(width, QUICK_WIDTH) for width in model.upper_hidden),
        }
    )


def quick_training(training: TrainConfig) -> TrainConfig:
    """Shrink a training alike."""
    dataset = training.dataset if training.dataset.startswith("graphs") else QUICK_DATASET
    return TrainConfig.of(
        **training.model_dump()
        | {
            "dataset": dataset,
            "train_size": min(training.train_size or QUICK_IMAGES, QUICK_IMAGES),
            "epochs": min(training.epochs, QUICK_EPOCHS),
            "kl_warmup_epochs": min(training.kl_warmup_epochs, 1.0),
            "batch_size": min(training.batch_size, QUICK_BATCH),
            "samples": min(training.samples, QUICK_SAMPLES),
            "precision": "float32",
            "device": "cpu",
            "threads": 1,
        }
    )


def _declared(training: TrainConfig) -> Json:
    """Declare a training, without the settings that came later where they are the usual ones.

    Else a new setting would make every result anew that is what it was.
    """
    usual = {name: TrainConfig.model_fields[name].default for name in LATER}
    return {
        name: value
        for name, value in training.model_dump().items()
        if name not in usual or value != usual[name]
    }


def _native(training: TrainConfig) -> TrainConfig:
    if training.device != "cpu" or training.precision == "float32" or learning.native_bfloat16():
        return training
    return training.model_copy(update={"precision": "float32"})


def _row(record: EpochRecord, size: int, spent: float) -> Json:
    return {
        "epoch": record.epoch,
        "examples": record.epoch * size,
        "seconds": round(spent, 3),
        "train_elbo": record.train.elbo,
        "test_elbo": record.test.elbo,
    }


def _named(measure: Measure) -> str:
    return repr(measure) if dataclasses.is_dataclass(measure) else measure.__name__
