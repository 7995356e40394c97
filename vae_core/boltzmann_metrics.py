"""Boltzmann machines in use: measured, their codes laid out, packed for a browser.

A code is the probability of each unit of the top layer, given a picture. Given the picture those
units are independent, so that the spread of a code is that of its coins, √(p (1 − p)).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from vae_core import evaluation
from vae_core.data import ImageDataset, Split, subset
from vae_core.errors import ConfigError
from vae_core.evaluation import Estimate
from vae_core.model_folder import Metric
from vae_core.models import boltzmann
from vae_core.models.boltzmann import Boltzmann

#: Images encoded at once.
BATCH = 1_000
#: Training codes, drawn at random, that the classifiers of codes learn from.
KNN_TRAIN = 10_000


@dataclass(frozen=True)
class MachineCodes:
    """An encoded set: probabilities (n, size) of the top units, and what it costs to go back.

    ``distortion`` (n,) is the cross-entropy of the mean-field reconstruction in nats, ``floor``
    (n,) the part of it that grey pixels cost however well they are met.
    """

    ids: Tensor
    labels: Tensor | None
    probabilities: Tensor
    distortion: Tensor
    floor: Tensor


@torch.inference_mode()
def encode(machine: Boltzmann, split: Split) -> MachineCodes:
    """Encode a set, uint8 images (n, c, h, w) taken as probabilities.

    Raises
    ------
    ConfigError
        If the images are of another shape than the machine sees.
    """
    shape = tuple(split.images.shape[1:])
    if shape != machine.config.image_shape:
        raise ConfigError(
            f"images of {shape}: this machine sees images of {machine.config.image_shape}"
        )
    codes, costs, floors = [], [], []
    for batch in torch.split(split.images, BATCH):
        x = batch.float() / 255
        h = machine.encode(x)
        codes.append(h)
        costs.append(boltzmann.cross_entropy(x, machine.decode(h)))
        floors.append(boltzmann.entropy_floor(x))
    return MachineCodes(
        ids=split.ids,
        labels=split.labels,
        probabilities=torch.cat(codes),
        distortion=torch.cat(costs),
        floor=torch.cat(floors),
    )


def measure(machine: Boltzmann, dataset: ImageDataset) -> dict[str, Metric]:
    """Measure a machine on the test set, grey pixels: what reconstruction costs, what codes hold.

    The cross-entropy of mean-field reconstructions, its floor and what is above it; where there
    are labels, the accuracy of k-NN and of a linear probe of the codes. There is no bound among
    them: the likelihood of a machine has a normaliser that nobody can sum.
    """
    encoded = encode(machine, dataset.test)

    def figure(values: Tensor, unit: str = "nats") -> Metric:
        estimate = Estimate.of(values)
        return Metric(value=estimate.mean, se=estimate.se, n=len(values), kind="grey", unit=unit)

    metrics = {
        "cross_entropy": figure(encoded.distortion),
        "entropy_floor": figure(encoded.floor),
        "above_floor": figure(encoded.distortion - encoded.floor),
    }
    if dataset.train.labels is not None and encoded.labels is not None:
        train = subset(dataset.train, min(KNN_TRAIN, len(dataset.train)))
        assert train.labels is not None
        known, labels = encode(machine, train).probabilities.numpy(), train.labels.numpy()
        unknown = encoded.probabilities.numpy()
        predicted = {"knn_accuracy": evaluation.knn_labels(known, labels, unknown)}
        if train.labels.min() < train.labels.max():
            predicted["probe_accuracy"] = evaluation.linear_probe(known, labels, unknown)
        for name, found in predicted.items():
            right = (torch.from_numpy(found) == encoded.labels).float()
            metrics[name] = figure(right, unit="share")
    return metrics


def logvar(probabilities: Tensor) -> Tensor:
    """Log-variance of each unit, a coin with this probability; finite where it is certain."""
    return (probabilities * (1 - probabilities)).clamp(min=1e-8).log()
