"""What a model is and how it is trained: frozen, validated settings that travel as JSON."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from vae_core.errors import ConfigError

Activation = Literal["tanh", "relu", "silu"]
LikelihoodName = Literal["bernoulli", "gaussian"]
Pixels = Literal["grey", "dynamic", "static", "threshold"]
Precision = Literal["float32", "bfloat16"]
Width = Annotated[int, Field(ge=1, le=16_384)]


class Config(BaseModel):
    """A frozen bundle of settings that refuses unknown keys.

    Raises
    ------
    ConfigError
        From :meth:`of`, when a value is not allowed; the sentence names it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    @classmethod
    def of(cls, **settings: Any) -> Self:
        """Build from settings, telling a wrong one in one sentence."""
        try:
            return cls(**settings)
        except ValidationError as error:
            raise ConfigError(explain(error)) from error

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Read back what ``model_dump_json`` wrote."""
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            raise ConfigError(explain(error)) from error


class ModelConfig(Config):
    """The shape of a VAE: x (c, h, w) → hidden → z (latent_dim) → hidden mirrored → x.

    The default is the network of Kingma & Welling (2014), section 5: one hidden layer of 500
    tanh units on each side of a Bernoulli decoder.
    """

    image_shape: tuple[Width, Width, Width] = (1, 28, 28)
    latent_dim: int = Field(default=20, ge=1, le=4096)
    hidden: tuple[Width, ...] = Field(default=(500,), min_length=1, max_length=16)
    activation: Activation = "tanh"
    likelihood: LikelihoodName = "bernoulli"
    #: Lower bound of a Gaussian decoder's log-variance. Without one, quantised pixels have
    #: infinite density and the bound diverges.
    logvar_floor: float = Field(default=-4.5, ge=-12.0, le=2.0)

    @property
    def pixels(self) -> int:
        """Number of values in one image, c · h · w."""
        c, h, w = self.image_shape
        return c * h * w

    @model_validator(mode="after")
    def _combinations_make_sense(self) -> Self:
        if self.latent_dim > self.hidden[-1]:
            raise ValueError(
                f"latent_dim {self.latent_dim} is above {self.hidden[-1]}, the width of the "
                "hidden layer that feeds it"
            )
        if self.likelihood == "bernoulli" and self.image_shape[0] != 1:
            raise ValueError(
                f"likelihood 'bernoulli' needs one channel and image_shape has "
                f"{self.image_shape[0]}; allowed for colour: 'gaussian'"
            )
        return self


class TrainConfig(Config):
    """How a model is trained with the AEVB estimator (Kingma & Welling 2014, algorithm 1)."""

    dataset: str = Field(default="mnist", min_length=1)
    #: Train on a subset of this many images, drawn by the seed; None takes all.
    train_size: int | None = Field(default=None, ge=1)
    #: What a Bernoulli decoder is trained on: intensities as they are, a fresh binary draw at
    #: every visit, one fixed binary draw, or intensities above one half.
    pixels: Pixels = "grey"
    #: What it is tested on, and what its figures are of; None tests on the same kind.
    test_pixels: Pixels | None = None
    epochs: int = Field(default=20, ge=1, le=100_000)
    batch_size: int = Field(default=100, ge=1, le=65_536)
    samples: int = Field(default=1, ge=1, le=1000)  # L in equation (7)
    optimizer: Literal["adam", "adagrad"] = "adam"
    learning_rate: float = Field(default=1e-3, gt=0, le=1.0)
    #: Share of all steps over which the learning rate climbs from zero.
    warmup: float = Field(default=0.0, ge=0.0, lt=1.0)
    decay: Literal["none", "linear", "cosine"] = "none"
    beta: float = Field(default=1.0, ge=0.0, le=1000.0)
    kl_warmup_epochs: float = Field(default=0.0, ge=0.0, le=100_000)
    init: Literal["default", "paper"] = "default"
    #: The encoder alone also learns from copies of each minibatch moved by up to so many pixels,
    #: which helps it with images that it has not seen; for pictures with an empty border.
    encoder_shift: int = Field(default=0, ge=0, le=8)
    precision: Precision = "float32"
    threads: int = Field(default=2, ge=1, le=256)
    seed: int = Field(default=0, ge=0, lt=2**31)

    @property
    def tested_on(self) -> Pixels:
        """The kind of pixel that test figures are of."""
        return self.test_pixels or self.pixels


def explain(error: ValidationError) -> str:
    """One sentence per wrong setting: its name, the value given and what is allowed."""
    sentences = []
    for fault in error.errors():
        name = ".".join(str(part) for part in fault["loc"])
        allowed = fault["msg"].removeprefix("Value error, ")
        if fault["type"] == "extra_forbidden":
            sentences.append(f"{name} is not a setting that is known here")
        elif not name:
            sentences.append(allowed)
        else:
            sentences.append(f"{name} {fault['input']!r}: {allowed[:1].lower()}{allowed[1:]}")
    return "; ".join(sentences)
