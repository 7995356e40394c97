"""Cards of model folders: dataset, architecture, training, metrics."""

from __future__ import annotations

import hashlib
import shlex
from typing import Annotated, Any, Literal

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer

from vae_core.config import (
    AnyModelConfig,
    Config,
    ImportedConfig,
    ModelConfig,
    Pixels,
    TrainConfig,
)
from vae_core.images import Frame
from vae_core.models.boltzmann import BoltzmannConfig

FORMAT_VERSION = 1
#: Width of a stroke, in pixels.
Strokes = Annotated[float, Field(gt=0, le=4096)]
#: Stands for a dataset of photographs, which are only cropped and resized.
PHOTOGRAPHS = "photographs"


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


class InkFrame(Config):
    """How own data of ink places it: a :class:`vae_core.images.Frame`, with limits."""

    box: int = Field(ge=1, le=4096)
    by_mass: bool = False
    strokes: tuple[Strokes, Strokes] | None = None
    dark: bool = False

    @classmethod
    def from_frame(cls, frame: Frame | None) -> InkFrame | None:
        """Write a measured frame."""
        return None if frame is None else cls(**vars(frame))


class _Card(Config):
    """What the cards of all VAEs have."""

    format_version: int = FORMAT_VERSION
    name: str = Field(min_length=1, max_length=100)
    dataset: str  # that the codes are of
    classes: tuple[str, ...] = ()
    model: AnyModelConfig
    training: TrainConfig | None = None  # None where it is not known
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

    @model_serializer(mode="wrap")
    def _without_what_most_lack(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        # Cards of other data stay as they were before these came.
        written: dict[str, Any] = write(self)
        return {name: one for name, one in written.items() if name not in ("ink", "data") or one}


class ModelCard(_Card):
    """Description of a VAE, which can be read without its weights."""

    model: ModelConfig
    training: TrainConfig
    #: How own data places its ink; None for known datasets, and for data that is no ink.
    ink: InkFrame | None = None

    @property
    def pixels_kind(self) -> Pixels:
        """Kind of pixels that the metrics are of."""
        return self.training.tested_on

    @property
    def measured_as(self) -> TrainConfig:
        """Settings by which the model is measured."""
        return self.training

    def shared(self, title: str) -> ModelCard:
        """Return the card for others, with a title in place of the path of own data."""
        quoted = shlex.quote(self.dataset), shlex.quote(title)
        changed = {
            "dataset": title,
            "training": self.training.model_copy(update={"dataset": title}),
            "command": self.command.replace(*quoted).replace(self.dataset, title),
        }
        return self.model_copy(update=changed)

    @property
    def prepared_as(self) -> str | Frame:
        """What other pictures are prepared as: a dataset, or the frame of own data's ink."""
        return self.dataset if self.ink is None else Frame(**dict(self.ink))

    @property
    def key(self) -> str:
        """Hash of the weights, by which everything computed with the model can be kept."""
        return self.weights_hash


class ImportedData(Config):
    """Where the pictures of an import were, on the host that imported them."""

    path: str
    labels: str | None = None  # path of a file of its own
    limit: int = Field(ge=2)  # most pictures that were taken


class ImportedCard(_Card):
    """Description of a model that was made elsewhere and imported."""

    kind: Literal["imported"] = "imported"
    model: ImportedConfig
    #: The networks in a line each: their operations with their sizes.
    encoder: str = ""
    decoder: str
    #: File names and hashes of the networks, what wrote them, and how their outputs were read.
    provenance: dict[str, str] = Field(default_factory=dict)
    #: Own pictures on this host; zips of the folder lack it.
    data: ImportedData | None = None

    @property
    def pixels_kind(self) -> Pixels:
        """Kind of pixels that the metrics are of."""
        return self.model.pixels_kind

    @property
    def measured_as(self) -> TrainConfig:
        """Settings by which the model is measured; of an unknown training, its pixels alone."""
        return self.training or TrainConfig(dataset=self.dataset, test_pixels=self.pixels_kind)

    def shared(self) -> ImportedCard:
        """Return the card for others, without the path of own data."""
        return self.model_copy(update={"data": None})

    @property
    def prepared_as(self) -> str:
        """Dataset that other pictures are prepared as; that of the codes for photographs."""
        return self.model.like or PHOTOGRAPHS

    @property
    def key(self) -> str:
        """Hash of the card: the same weights can be imported in several ways."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:16]


#: Card of a VAE, trained here or imported.
AnyCard = ModelCard | ImportedCard


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
