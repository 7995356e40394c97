"""The card of a model folder: dataset, architecture, training, metrics."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from vae_core.config import Config, ModelConfig, TrainConfig
from vae_core.models.boltzmann import BoltzmannConfig

FORMAT_VERSION = 1


class Metric(Config):
    """One measured figure with all that is needed to compare it."""

    value: float
    se: float | None = None
    n: int  # test examples
    #: grey, dynamic, static or threshold pixels of a Bernoulli decoder; else a density of
    #: continuous pixels, or a probability of their 256 discrete levels
    kind: str
    split: str = "test"
    samples: int | None = None  # draws of z for each example
    seed: int | None = None
    unit: str = "nats"


class ModelCard(Config):
    """What a model says of itself, read without its weights."""

    format_version: int = FORMAT_VERSION
    name: str = Field(min_length=1, max_length=100)
    dataset: str
    classes: tuple[str, ...] = ()
    model: ModelConfig
    training: TrainConfig
    metrics: dict[str, Metric] = Field(default_factory=dict)
    kl_per_dim: tuple[float, ...] = ()
    warnings: tuple[str, ...] = ()  # a sentence each
    parameters: int = 0
    weights_hash: str = ""
    software: dict[str, str] = Field(default_factory=dict)
    #: The ways that its training took on that machine: of the gradient, and of the kernels that the
    #: processor or the GPU allows.
    paths: dict[str, str] = Field(default_factory=dict)
    command: str = ""
    created: str = ""


class BoltzmannCard(Config):
    """What the folder of a Boltzmann machine says of it; a VAE's card has no ``kind``."""

    format_version: int = FORMAT_VERSION
    kind: Literal["rbm", "dbn"]
    name: str = Field(min_length=1, max_length=100)
    dataset: str
    classes: tuple[str, ...] = ()
    model: BoltzmannConfig
    weights_hash: str = ""
    command: str = ""
