"""What a model is and how it is trained: frozen, validated settings that travel as JSON."""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from vae_core.errors import ConfigError

Activation = Literal["tanh", "relu", "silu", "leaky-relu", "gated"]
LikelihoodName = Literal["bernoulli", "gaussian", "continuous-bernoulli", "discretised-logistic"]
Network = Literal["mlp", "conv", "rows"]
PriorName = Literal["standard", "mixture", "vamp", "label"]
Objective = Literal["elbo", "iwae", "dreg"]
Pixels = Literal["grey", "dynamic", "static", "threshold"]
Precision = Literal["float32", "bfloat16"]
Device = Literal["cpu", "cuda"]
LearnerName = Literal["aevb", "wake-sleep", "mcem"]
#: Likelihoods of grey or binary images alone.
ONE_CHANNEL: tuple[LikelihoodName, ...] = ("bernoulli",)
Width = Annotated[int, Field(ge=1, le=16_384)]
#: Of what is wrong in a file of settings: how much a sentence tells, and how long a value is shown.
FAULTS_TOLD, LONGEST_TOLD = 4, 80


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
    #: Widths of the encoder's hidden layers, mirrored by the decoder: units of an mlp, channels
    #: of strided convolutions, units of recurrent layers.
    hidden: tuple[Width, ...] = Field(default=(500,), min_length=1, max_length=16)
    network: Network = "mlp"
    activation: Activation = "tanh"
    #: The decoder's, where it is not the encoder's.
    decoder_activation: Activation | None = None
    likelihood: LikelihoodName = "bernoulli"
    #: Lower bound of the log-variance of a Gaussian decoder, and of the log-scale of a
    #: discretised logistic. Without one, quantised pixels have infinite Gaussian density and the
    #: bound diverges.
    logvar_floor: float = Field(default=-4.5, ge=-12.0, le=2.0)
    #: Whether p(x|z) treats x and its transpose alike, as an undirected network asks for: each
    #: pixel's values are averaged with those of its mirror image.
    symmetric: bool = False
    prior: PriorName = "standard"
    #: Gaussians of a mixture prior; pseudo-inputs of a VampPrior.
    components: int = Field(default=100, ge=1, le=4096)
    #: Labels that a conditional model, or a label prior, knows; others need none.
    classes: int = Field(default=0, ge=0, le=4096)
    #: Whether encoder and decoder are given the label.
    conditional: bool = False
    #: Size of z1, the lower of two stochastic layers; None for one stochastic layer. The upper
    #: one, z2, has latent_dim.
    first_latent_dim: int | None = Field(default=None, ge=1, le=4096)
    #: Hidden layers from z1 to z2, mirrored from z2 to z1.
    upper_hidden: tuple[Width, ...] = Field(default=(100, 100), min_length=1, max_length=16)

    @property
    def pixels(self) -> int:
        """Number of values in one image, c · h · w."""
        c, h, w = self.image_shape
        return c * h * w

    @property
    def takes_labels(self) -> bool:
        """Whether images come with their labels, ``y=``."""
        return self.conditional or self.prior == "label"

    @property
    def map_sizes(self) -> tuple[tuple[int, int], ...]:
        """(h, w) of a convolutional network's maps, from the image to the last layer."""
        sizes = [self.image_shape[1:]]
        for _ in self.hidden:
            h, w = sizes[-1]
            sizes.append((-(-h // 2), -(-w // 2)))
        return tuple(sizes)

    @property
    def features(self) -> int:
        """Number of units that feed the posterior."""
        if self.network == "conv":
            return self.hidden[-1] * math.prod(self.map_sizes[-1])
        return self.hidden[-1]

    @model_validator(mode="after")
    def _latent_sizes_fit(self) -> Self:
        layers = {"latent_dim": (self.latent_dim, self.features)}
        if self.first_latent_dim is not None:
            layers = {
                "first_latent_dim": (self.first_latent_dim, self.features),
                "latent_dim": (self.latent_dim, self.upper_hidden[-1]),
            }
        for name, (size, width) in layers.items():
            if size > width:
                raise ValueError(
                    f"{name} {size} is above {width}, the width of the hidden layer that feeds it"
                )
        return self

    @model_validator(mode="after")
    def _combinations_make_sense(self) -> Self:
        channels, *sides = self.image_shape
        if self.likelihood in ONE_CHANNEL and channels != 1:
            allowed = [name for name in get_args(LikelihoodName) if name not in ONE_CHANNEL]
            raise ValueError(
                f"likelihood {self.likelihood!r} needs one channel and image_shape has {channels}; "
                f"allowed for colour: {', '.join(map(repr, allowed))}"
            )
        if self.symmetric and sides[0] != sides[1]:
            raise ValueError(
                f"symmetric needs square images and image_shape has {sides[0]} × {sides[1]} pixels"
            )
        halvings = math.ceil(math.log2(min(sides)))
        if self.network == "conv" and len(self.hidden) > halvings:
            raise ValueError(
                f"hidden {self.hidden} halves the image {len(self.hidden)} times; {sides[0]} × "
                f"{sides[1]} pixels allow a 'conv' network at most {halvings} layers"
            )
        if self.takes_labels and self.classes < 2:
            what = "conditional" if self.conditional else "prior 'label'"
            raise ValueError(f"{what} needs labels: classes {self.classes} must be 2 or more")
        if self.prior == "vamp" and self.first_latent_dim is not None:
            raise ValueError(
                "prior 'vamp' needs one stochastic layer and first_latent_dim "
                f"{self.first_latent_dim} makes two; allowed: 'standard', 'mixture', 'label'"
            )
        return self


class TrainConfig(Config):
    """How a model is trained (Kingma & Welling 2014, section 5)."""

    dataset: str = Field(default="mnist", min_length=1)
    #: The AEVB estimator, or one of the two that Kingma & Welling (2014) compare it with.
    learner: LearnerName = "aevb"
    #: Train on a subset of this many images, drawn by the seed; None takes all.
    train_size: int | None = Field(default=None, ge=1)
    #: What a Bernoulli decoder is trained on: intensities as they are, a fresh binary draw at
    #: every visit, one fixed binary draw, or intensities above one half.
    pixels: Pixels = "grey"
    #: What it is tested on, and what its figures are of; None tests on the same kind.
    test_pixels: Pixels | None = None
    epochs: int = Field(default=20, ge=1, le=100_000)
    batch_size: int = Field(default=100, ge=1, le=65_536)
    #: What is maximised: the ELBO over L samples, or the k-sample bound of Burda et al. (2016)
    #: with its plain gradient or its doubly reparameterised one (Tucker et al. 2019).
    objective: Objective = "elbo"
    samples: int = Field(default=1, ge=1, le=1000)  # L, or k of the k-sample bound
    #: So many epochs at the start take ``coarse_samples`` in place of ``samples``, at their lower
    #: price: a bound of many samples goes on well from the optimum of one of few (Burda et al.
    #: 2016, table 2).
    coarse_epochs: int = Field(default=0, ge=0, le=100_000)
    coarse_samples: int = Field(default=1, ge=1, le=1000)
    optimizer: Literal["adam", "adagrad"] = "adam"
    learning_rate: float = Field(default=1e-3, gt=0, le=1.0)
    #: Share of all steps over which the learning rate climbs from zero.
    warmup: float = Field(default=0.0, ge=0.0, lt=1.0)
    #: How it falls from there; "passes" are the eight of Burda et al. (2016), each three times as
    #: long as the one before: 1, 3, … 2187 of 3,280 epochs, and alike of any other number.
    decay: Literal["none", "linear", "cosine", "passes"] = "none"
    #: What keeps Adam's quotient finite; the larger, the more its steps are those of momentum.
    adam_epsilon: float = Field(default=1e-8, gt=0, le=1.0)
    beta: float = Field(default=1.0, ge=0.0, le=1000.0)
    kl_warmup_epochs: float = Field(default=0.0, ge=0.0, le=100_000)
    #: Nats of KL that each latent dimension may hold at no cost (Kingma et al. 2016).
    free_bits: float = Field(default=0.0, ge=0.0, le=100.0)
    #: Whether the generative weights have a prior N(0, I), which makes their estimate a MAP one.
    weight_prior: bool = False
    init: Literal["default", "paper"] = "default"
    #: The encoder alone also learns from copies of each minibatch moved by up to so many pixels,
    #: which helps it with images that it has not seen; for pictures with an empty border.
    encoder_shift: int = Field(default=0, ge=0, le=8)
    precision: Precision = "float32"
    #: Where the steps are computed; what is measured of the model is computed by the processor.
    device: Device = "cpu"
    threads: int = Field(default=2, ge=1, le=256)
    seed: int = Field(default=0, ge=0, lt=2**31)

    @property
    def tested_on(self) -> Pixels:
        """The kind of pixel that test figures are of."""
        return self.test_pixels or self.pixels

    @model_validator(mode="after")
    def _combinations_make_sense(self) -> Self:
        if self.free_bits and self.objective != "elbo":
            raise ValueError(
                f"free_bits {self.free_bits:g} needs objective 'elbo', not {self.objective!r}"
            )
        if self.optimizer != "adam" and self.adam_epsilon != 1e-8:
            raise ValueError(
                f"adam_epsilon {self.adam_epsilon:g} needs optimizer 'adam', not {self.optimizer!r}"
            )
        if self.objective != "dreg":
            return self
        if self.samples < 2:
            raise ValueError(f"objective 'dreg' needs samples of 2 or more, not {self.samples}")
        if self.beta != 1 or self.kl_warmup_epochs:
            raise ValueError(
                f"objective 'dreg' needs beta 1 and kl_warmup_epochs 0, not {self.beta:g} and "
                f"{self.kl_warmup_epochs:g}; allowed with them: 'elbo', 'iwae'"
            )
        return self

    @model_validator(mode="after")
    def _learner_has_what_it_needs(self) -> Self:
        if self.learner == "aevb":
            return self
        if self.objective != "elbo":
            raise ValueError(
                f"objective {self.objective!r} belongs to learner 'aevb'; allowed with "
                f"{self.learner!r}: 'elbo'"
            )
        usual = {"samples": 1, "beta": 1.0, "kl_warmup_epochs": 0.0, "free_bits": 0.0}
        usual |= {"encoder_shift": 0, "coarse_epochs": 0}
        for name, allowed in usual.items():
            if getattr(self, name) != allowed:
                raise ValueError(
                    f"{name} {getattr(self, name)} belongs to learner 'aevb'; "
                    f"allowed with {self.learner!r}: {allowed:g}"
                )
        return self


def explain(error: ValidationError) -> str:
    """One sentence per wrong setting: its name, the value given and what is allowed."""
    sentences = []
    for fault in error.errors()[:FAULTS_TOLD]:
        name = _shortened(".".join(str(part) for part in fault["loc"]))
        allowed = fault["msg"].removeprefix("Value error, ")
        if fault["type"] == "extra_forbidden":
            sentences.append(f"{name} is not a setting that is known here")
        elif not name:
            sentences.append(allowed)
        else:
            value = _shortened(repr(fault["input"]))
            sentences.append(f"{name} {value}: {allowed[:1].lower()}{allowed[1:]}")
    if (more := error.error_count() - FAULTS_TOLD) > 0:
        sentences.append(f"and {more} more")
    return "; ".join(sentences)


def _shortened(text: str) -> str:
    return text if len(text) <= LONGEST_TOLD else text[: LONGEST_TOLD - 1] + "…"
