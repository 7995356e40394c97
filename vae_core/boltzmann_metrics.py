"""Metrics of Boltzmann machines, and their codes of a dataset.

A code is the probability p of each unit of the top layer, given an image. The units are then
independent and binary, with standard deviation √(p (1 − p)).
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
#: Random training codes on which the classifiers of codes are trained.
KNN_TRAIN = 10_000


@dataclass(frozen=True)
class MachineCodes:
    """Encoded set of images: probabilities (n, size) of the top layer's units, and distortions.

    ``distortion`` (n,) is the cross-entropy of the mean-field reconstruction in nats, and ``floor``
    (n,) its minimum, that of a perfect reconstruction of grey pixels.
    """

    ids: Tensor
    labels: Tensor | None
    probabilities: Tensor
    distortion: Tensor
    floor: Tensor


@torch.inference_mode()
def encode(machine: Boltzmann, split: Split) -> MachineCodes:
    """Encode a split, whose uint8 images (n, c, h, w) are read as probabilities.

    Raises
    ------
    ConfigError
        If the images do not have the machine's shape.
    """
    shape = tuple(split.images.shape[1:])
    if shape != machine.config.image_shape:
        raise ConfigError(
            f"images of {shape}: this machine needs images of {machine.config.image_shape}"
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
    """Measure a machine on the test set, with grey pixels.

    The metrics are the cross-entropy of mean-field reconstructions, its floor and the difference;
    with labels, also the accuracies of k-NN and of a linear probe on the codes. A bound is not
    among them, since the normaliser of a machine's likelihood is intractable.
    """
    encoded = encode(machine, dataset.test)

    def metric(values: Tensor, unit: str = "nats") -> Metric:
        estimate = Estimate.of(values)
        return Metric(value=estimate.mean, se=estimate.se, n=len(values), kind="grey", unit=unit)

    metrics = {
        "cross_entropy": metric(encoded.distortion),
        "entropy_floor": metric(encoded.floor),
        "above_floor": metric(encoded.distortion - encoded.floor),
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
            metrics[name] = metric(right, unit="share")
    return metrics


def logvar(probabilities: Tensor) -> Tensor:
    """Return the log-variance of binary units with these probabilities; at least log(1e-8)."""
    return (probabilities * (1 - probabilities)).clamp(min=1e-8).log()
