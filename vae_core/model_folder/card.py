"""Cards of model folders: dataset, architecture, training, metrics."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from vae_core.config import Config, ModelConfig, TrainConfig
from vae_core.models.boltzmann import BoltzmannConfig

FORMAT_VERSION = 1


class Metric(Config):
    """Metric with what is needed to compare it with others."""

    value: float
    se: float | None = None
    n: int  # test examples
    #: Pixels of a Bernoulli likelihood ("grey", "dynamic", "static" or "threshold"); of others,
    #: "continuous" for a density or "discrete" for a probability of 256 levels.
    kind: str
    split: str = "test"
    samples: int | None = None  # samples of z for each example
    seed: int | None = None
    unit: str = "nats"


class ModelCard(Config):
    """Description of a VAE, which can be read without its weights."""

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
    #: Implementations that the training used on its host: of the gradient, and of the kernels that
    #: the CPU or the GPU supports.
    paths: dict[str, str] = Field(default_factory=dict)
    command: str = ""
    created: str = ""

    @property
    def condition_names(self) -> tuple[str, ...]:
        """Names of the labels that the model is conditioned on; empty if it needs none."""
        if not self.model.takes_labels:
            return ()
        named = len(self.classes) == self.model.classes
        return self.classes if named else tuple(map(str, range(self.model.classes)))


class BoltzmannCard(Config):
    """Description of a Boltzmann machine; the card of a VAE has no ``kind``."""

    format_version: int = FORMAT_VERSION
    kind: Literal["rbm", "dbn"]
    name: str = Field(min_length=1, max_length=100)
    dataset: str
    classes: tuple[str, ...] = ()
    model: BoltzmannConfig
    weights_hash: str = ""
    command: str = ""
