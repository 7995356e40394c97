"""Check that settings, data and devices fit together before a training starts."""

from __future__ import annotations

from typing import Any

import torch

from vae_core.config import AnyModelConfig, ModelConfig, TrainConfig
from vae_core.data import ImageDataset
from vae_core.errors import ConfigError
from vae_core.learning.devices import cpu, cuda
from vae_core.models.priors import PRIORS


def check_data(model: AnyModelConfig, pixels: str, dataset: ImageDataset) -> None:
    """Check that a model fits a dataset, with its pixels prepared as ``pixels``.

    Raises
    ------
    ConfigError
        Names the setting, its value and what would fit.
    """
    if model.image_shape != dataset.image_shape:
        raise ConfigError(
            f"image_shape {model.image_shape} is not that of {dataset.name}, {dataset.image_shape}"
        )
    if pixels != "grey" and model.likelihood != "bernoulli":
        raise ConfigError(
            f"pixels {pixels!r} are binary and need likelihood 'bernoulli', "
            f"not {model.likelihood!r}"
        )
    if not model.takes_labels:
        return
    what = "a conditional model" if model.conditional else "prior 'label'"
    if dataset.train.labels is None or dataset.test.labels is None:
        raise ConfigError(f"{what} needs labels and {dataset.name} has none")
    if model.classes != len(dataset.classes):
        raise ConfigError(
            f"classes {model.classes} is not the number of labels of {dataset.name}, "
            f"{len(dataset.classes)}"
        )


def check_fit(model: ModelConfig, train: TrainConfig, dataset: ImageDataset) -> None:
    """Check that settings fit each other, the dataset and this host.

    Raises
    ------
    ConfigError
        Names the setting, its value and what is allowed.
    """
    check_host(train)
    for pixels_kind in (train.pixels, train.tested_on):
        check_data(model, pixels_kind, dataset)
    check_method(model, train)
    size = len(dataset.train)
    if train.train_size is not None and train.train_size > size:
        raise ConfigError(
            f"train_size {train.train_size} is above the {size} training images of {dataset.name}"
        )
    size = train.train_size or size
    if train.batch_size > size:
        raise ConfigError(
            f"batch_size {train.batch_size} is above the {size} training images in use"
        )


def check_host(train: TrainConfig) -> None:
    """Check that this host has the device, and the device the precision.

    Raises
    ------
    ConfigError
        Names the setting, its value and what this host allows.
    """
    if train.device not in (here := devices()):
        raise ConfigError(
            f"device {train.device!r} is not on this host; "
            f"allowed here: {', '.join(map(repr, here))}"
        )
    if train.precision == "bfloat16" and not native_bfloat16(train.device):
        what = {"cpu": "this processor", "cuda": "this GPU"}[train.device]
        raise ConfigError(f"precision 'bfloat16' is not native to {what}; allowed here: 'float32'")


def describe_model(dataset: ImageDataset, **settings: Any) -> ModelConfig:
    """Make the config of a model of a dataset: its image shape, and its labels if it takes any.

    Without a ``likelihood`` in ``settings``, pictures in colour have the discretised logistic.

    Raises
    ------
    ConfigError
        If a setting is invalid, or the model needs labels and the dataset has none.
    """
    classes = {"classes": len(dataset.classes)} | settings
    if dataset.image_shape[0] == 3:  # a Bernoulli is for one channel
        classes = {"likelihood": "discretised-logistic"} | classes
    config = ModelConfig.of(**{"image_shape": dataset.image_shape} | classes)
    if config.takes_labels or "classes" in settings:
        return config
    return config.model_copy(update={"classes": 0})


def check_method(model: ModelConfig, train: TrainConfig) -> None:
    """Check that an objective and a learner are implemented for a model.

    Raises
    ------
    ConfigError
        Names the setting, its value and what is allowed.
    """
    layers = "two stochastic layers (first_latent_dim)" if model.first_latent_dim else ""
    mixture = f"prior {model.prior!r}" if PRIORS[model.prior].is_mixture else ""
    labels = "labels" if model.takes_labels else ""
    vamp = mixture if model.prior == "vamp" else ""
    if train.objective == "dreg" and layers:
        raise ConfigError(f"objective 'dreg' does not go with {layers}; allowed: 'elbo', 'iwae'")
    if train.free_bits and (layers or mixture):
        raise ConfigError(
            f"free_bits {train.free_bits:g} needs a rate for each dimension, which does not "
            f"exist with {layers or mixture}; allowed: 0"
        )
    if train.learner != "aevb" and (layers or labels or vamp):
        raise ConfigError(
            f"learner {train.learner!r} does not go with {layers or labels or vamp}; "
            "allowed: 'aevb'"
        )
    if train.device == "cuda":
        cuda.check(model, train)


def devices() -> tuple[str, ...]:
    """Return the names of the devices that this host can train on."""
    return ("cpu", "cuda") if torch.cuda.is_available() else ("cpu",)


def native_bfloat16(device: str = "cpu") -> bool:
    """Return whether a device of this host multiplies bfloat16 matrices in hardware."""
    if device == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return bool(cpu.bfloat16_products())
