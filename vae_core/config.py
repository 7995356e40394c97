"""Settings of a model and of its training: frozen, validated, written as JSON.

The ``description`` of each field is the help text of its command-line option.
"""

from __future__ import annotations

import difflib
import math
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self, get_args

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    ValidationError,
    model_serializer,
    model_validator,
)

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
#: Posterior of an imported model: a Gaussian, the code of a plain auto-encoder, or no encoder.
ImportedPosterior = Literal["gaussian", "point", "none"]
#: Values of an imported decoder: pixels' logits, their means, or means followed by log-variances.
ImportedOutput = Literal["logits", "means", "means-and-logvars"]
#: What can be stated about the outputs of a foreign encoder and decoder, and about its pixels.
STATED_POSTERIORS = ("mu,logvar", "mu,std", "mu,var", "mu", "2*latent")
STATED_OUTPUTS = ("probabilities", "logits", "[0,1]", "[-1,1]", "[0,255]", "mean,logvar")
STATED_LIKELIHOODS = ("bernoulli", "gaussian", "gaussian:SIGMA", "continuous-bernoulli")
#: Prior of an imported model: N(0, I), or a Gaussian with the mean and spread of its codes.
ImportedPrior = Literal["standard", "codes"]
#: Likelihoods of images with one channel only.
ONE_CHANNEL: tuple[LikelihoodName, ...] = ("bernoulli",)
Width = Annotated[int, Field(ge=1, le=16_384)]
#: Limits of an error's sentence: wrong settings that it lists, and characters of a value.
MOST_ERRORS, LONGEST_VALUE = 4, 80
#: Names of settings that are listed beside an unknown one.
NEAREST = 3


if TYPE_CHECKING:
    _MetaConfig = type
else:

    class _MetaConfig(type(BaseModel)):
        """Class of the classes of settings: a call raises the project's own error."""

        def __call__(cls, *arguments: Any, **settings: Any) -> Any:
            try:
                return super().__call__(*arguments, **settings)
            except ValidationError as error:
                raise ConfigError(explain(error, cls)) from error


class Config(BaseModel, metaclass=_MetaConfig):
    """Base of frozen settings that refuse unknown keys.

    Raises
    ------
    ConfigError
        If a setting is unknown or a value is not allowed; the sentence names it, and the settings
        with the nearest names.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    @classmethod
    def of(cls, **settings: Any) -> Self:
        """Create from settings, as a call does."""
        return cls(**settings)

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Parse what ``model_dump_json`` wrote; raise ConfigError as :meth:`of` does."""
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            raise ConfigError(explain(error, cls)) from error


class ModelConfig(Config):
    """Architecture of a VAE: x (c, h, w) → hidden → z (latent_dim) → hidden mirrored → x.

    The default is the network of Kingma & Welling (2014), section 5: one hidden layer of 500
    tanh units on each side of a Bernoulli decoder.
    """

    image_shape: tuple[Width, Width, Width] = Field(
        default=(1, 28, 28), description="Channels, height and width of an image, in pixels."
    )
    latent_dim: int = Field(
        default=20, ge=1, le=4096, description="Number of dimensions of the code z."
    )
    hidden: tuple[Width, ...] = Field(
        default=(500,),
        min_length=1,
        max_length=16,
        description="Widths of the encoder's hidden layers, such as 500,300, mirrored by the "
        "decoder: units of an mlp, channels of strided convolutions, units of recurrent layers.",
    )
    network: Network = Field(
        default="mlp",
        description="Hidden layers of encoder and decoder: fully connected, convolutional, or "
        "recurrent over the rows of an image.",
    )
    activation: Activation = Field(
        default="tanh", description="Activation function of the hidden layers."
    )
    decoder_activation: Activation | None = Field(
        default=None, description="Activation function of the decoder, if not the encoder's."
    )
    likelihood: LikelihoodName = Field(
        default="bernoulli",
        description="Distribution p(x|z) of the pixels. bernoulli is for one channel only.",
    )
    # Without a floor, quantised pixels have infinite Gaussian density and the bound diverges.
    logvar_floor: float = Field(
        default=-4.5,
        ge=-12.0,
        le=2.0,
        description="Lower bound of a Gaussian likelihood's log-variance, and of a discretised "
        "logistic's log-scale.",
    )
    symmetric: bool = Field(
        default=False,
        description="Average each pixel with its mirror image, so that p(x|z) is the same for x "
        "and its transpose; for the adjacency matrices of undirected graphs.",
    )
    prior: PriorName = Field(
        default="standard",
        description="Distribution p(z): N(0, I), a mixture of Gaussians, a VampPrior, or a "
        "Gaussian for each label.",
    )
    components: int = Field(
        default=100,
        ge=1,
        le=4096,
        description="Number of Gaussians of a mixture prior, or of pseudo-inputs of a VampPrior.",
    )
    classes: int = Field(
        default=0,
        ge=0,
        le=4096,
        description="Number of labels, for a conditional model or a label prior; 0 without labels.",
    )
    conditional: bool = Field(
        default=False, description="Feed the label to encoder and decoder: p(x|z, y), q(z|x, y)."
    )
    first_latent_dim: int | None = Field(
        default=None,
        ge=1,
        le=4096,
        description="Size of z1, the lower of two stochastic layers; the upper one, z2, has "
        "latent_dim. One stochastic layer if left out.",
    )
    upper_hidden: tuple[Width, ...] = Field(
        default=(100, 100),
        min_length=1,
        max_length=16,
        description="Widths of the hidden layers from z1 to z2, mirrored from z2 to z1.",
    )

    @property
    def pixels(self) -> int:
        """Number of values in an image, c · h · w."""
        c, h, w = self.image_shape
        return c * h * w

    @property
    def takes_labels(self) -> bool:
        """Whether the model's methods need labels, ``y=``."""
        return self.conditional or self.prior == "label"

    @property
    def has_encoder(self) -> bool:
        """Whether images have codes."""
        return True

    @property
    def has_bound(self) -> bool:
        """Whether images have a rate and an ELBO."""
        return True

    @property
    def map_sizes(self) -> tuple[tuple[int, int], ...]:
        """Heights and widths of a convolutional network's layers, from the image to the last."""
        sizes = [self.image_shape[1:]]
        for _ in self.hidden:
            h, w = sizes[-1]
            sizes.append((-(-h // 2), -(-w // 2)))
        return tuple(sizes)

    @property
    def features(self) -> int:
        """Number of inputs of the layer that computes the posterior."""
        if self.network == "conv":
            return self.hidden[-1] * math.prod(self.map_sizes[-1])
        return self.hidden[-1]

    @model_validator(mode="after")
    def _latent_sizes_fit_widths(self) -> Self:
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
    def _settings_fit_each_other(self) -> Self:
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


class ImportedConfig(Config):
    """What the networks of an imported model read and return.

    The networks are graphs of operations in the model folder. The encoder reads the pixels of an
    image in [0, 1], (c · h · w), and returns mu, followed by logvar if the posterior is Gaussian.
    The decoder reads a code and returns the values of ``output`` for each pixel. Conditional
    networks read the one-hot label after that.
    """

    image_shape: tuple[Width, Width, Width] = Field(
        description="Channels, height and width of an image, in pixels."
    )
    latent_dim: int = Field(ge=1, le=4096, description="Number of dimensions of the code z.")
    posterior: ImportedPosterior = Field(
        description="A Gaussian q(z|x); the code of a plain auto-encoder; or no encoder."
    )
    output: ImportedOutput = Field(description="Values that the decoder returns.")
    likelihood: Literal["bernoulli", "gaussian", "continuous-bernoulli"] = Field(
        description="Distribution p(x|z) of the pixels."
    )
    sigma: float | None = Field(
        default=None,
        gt=0,
        le=100,
        description="Standard deviation of a Gaussian likelihood, of pixels in [0, 1]; left out if "
        "the decoder returns log-variances.",
    )
    prior: ImportedPrior = Field(default="standard", description="Distribution p(z).")
    pixels_kind: Pixels = Field(default="grey", description="Pixels that metrics are of.")
    classes: int = Field(
        default=0, ge=0, le=4096, description="Number of labels of a conditional model, else 0."
    )
    like: Literal["mnist", "fashion-mnist", "digits"] | None = Field(
        default=None,
        description="Dataset whose preparation own pictures get: its ink is placed in the same "
        "way. Photographs if left out.",
    )

    @property
    def pixels(self) -> int:
        """Number of values in an image, c · h · w."""
        return math.prod(self.image_shape)

    @property
    def conditional(self) -> bool:
        """Whether encoder and decoder read a label."""
        return self.classes > 0

    @property
    def takes_labels(self) -> bool:
        """Whether the model's methods need labels, ``y=``."""
        return self.conditional

    @property
    def has_encoder(self) -> bool:
        """Whether images have codes."""
        return self.posterior != "none"

    @property
    def has_bound(self) -> bool:
        """Whether images have a rate and an ELBO, which need a Gaussian posterior."""
        return self.posterior == "gaussian"

    @model_validator(mode="after")
    def _settings_fit_each_other(self) -> Self:
        if self.output == "logits" and self.likelihood == "gaussian":
            raise ValueError("likelihood 'gaussian' needs output 'means' or 'means-and-logvars'")
        if self.output == "means-and-logvars" and self.likelihood != "gaussian":
            raise ValueError(
                f"output 'means-and-logvars' needs likelihood 'gaussian', not {self.likelihood!r}"
            )
        if (self.likelihood == "gaussian" and self.output == "means") != (self.sigma is not None):
            raise ValueError(
                f"sigma {self.sigma}: a number is needed with likelihood 'gaussian' and output "
                "'means', and none with others"
            )
        if self.classes == 1:
            raise ValueError("classes 1: a conditional model has 2 or more, others 0")
        return self


#: Settings of any model: of one that is trained here, or of an imported one.
AnyModelConfig = ModelConfig | ImportedConfig


#: How own data is read, which is written only where it is not as usual.
READING = ("pictures", "labels", "transpose")


class TrainConfig(Config):
    """Training settings (Kingma & Welling 2014, section 5)."""

    dataset: str = Field(
        default="mnist",
        min_length=1,
        description="Name of a dataset, or path of own data: a folder or zip of pictures, .npy, "
        ".npz, CSV, Parquet or IDX files.",
    )
    learner: LearnerName = Field(
        default="aevb",
        description="Learning algorithm: AEVB, or one of the two that Kingma & Welling (2014) "
        "compare it with.",
    )
    train_size: int | None = Field(
        default=None,
        ge=1,
        description="Train on a random subset of this many images; all if left out.",
    )
    pictures: str | None = Field(
        default=None, description="Of an .npz file: the array of pictures, if not certain."
    )
    labels: str | None = Field(
        default=None, description="Of an .npz file: the array of labels, if not certain."
    )
    transpose: bool = Field(
        default=False, description="Exchange rows and columns of pictures, as EMNIST needs."
    )
    pixels: Pixels = Field(
        default="grey",
        description="Pixels that a Bernoulli decoder is trained on: intensities in [0, 1], a new "
        "binary draw for each minibatch, one fixed binary draw, or intensities above one half.",
    )
    test_pixels: Pixels | None = Field(
        default=None, description="Pixels that test metrics are of, if not those of training."
    )
    epochs: int = Field(
        default=20, ge=1, le=100_000, description="Passes over the training images."
    )
    batch_size: int = Field(default=100, ge=1, le=65_536, description="Images in a minibatch.")
    objective: Objective = Field(
        default="elbo",
        description="Bound to maximise: the ELBO, or the k-sample bound of Burda et al. (2016) "
        "with its plain gradient or its doubly reparameterised one (Tucker et al. 2019).",
    )
    samples: int = Field(
        default=1,
        ge=1,
        le=1000,
        description="Samples of z for each image: L of the ELBO, k of the k-sample bound.",
    )
    # A bound of many samples continues well from the optimum of one of few (Burda et al. 2016,
    # table 2), whose steps cost less.
    coarse_epochs: int = Field(
        default=0,
        ge=0,
        le=100_000,
        description="Epochs at the start that use coarse_samples in place of samples.",
    )
    coarse_samples: int = Field(
        default=1, ge=1, le=1000, description="Samples of z for each image in coarse_epochs."
    )
    optimizer: Literal["adam", "adagrad"] = Field(
        default="adam", description="Optimisation algorithm."
    )
    learning_rate: float = Field(default=1e-3, gt=0, le=1.0, description="Size of a step.")
    warmup: float = Field(
        default=0.0,
        ge=0.0,
        lt=1.0,
        description="Share of all steps over which the learning rate rises from zero.",
    )
    decay: Literal["none", "linear", "cosine", "passes"] = Field(
        default="none",
        description="How the learning rate falls after that. passes are the eight of Burda et al. "
        "(2016), each three times as long as the one before: 1, 3, … 2187 of 3,280 epochs, and in "
        "proportion for any other number.",
    )
    adam_epsilon: float = Field(
        default=1e-8,
        gt=0,
        le=1.0,
        description="Term in the denominator of Adam's step; large values make it a step of plain "
        "momentum.",
    )
    beta: float = Field(
        default=1.0,
        ge=0.0,
        le=1000.0,
        description="Weight of the rate, the KL term, in the loss (Higgins et al. 2017).",
    )
    kl_warmup_epochs: float = Field(
        default=0.0,
        ge=0.0,
        le=100_000,
        description="Epochs over which the weight of the rate rises from 0 to beta.",
    )
    free_bits: float = Field(
        default=0.0,
        ge=0.0,
        le=100.0,
        description="KL of each latent dimension, in nats, that costs nothing (Kingma et al. "
        "2016).",
    )
    weight_prior: bool = Field(
        default=False,
        description="Put a prior N(0, I) on the generative weights: their MAP estimate.",
    )
    init: Literal["default", "paper"] = Field(
        default="default",
        description="Initial weights: Glorot uniform, or normal with standard deviation 0.01 as in "
        "Kingma & Welling (2014).",
    )
    encoder_shift: int = Field(
        default=0,
        ge=0,
        le=8,
        description="Train the encoder alone also on copies of each minibatch, shifted by up to "
        "this many pixels, so that it encodes new images better; for images with an empty border.",
    )
    precision: Precision = Field(
        default="float32", description="Number format of matrix products in training."
    )
    device: Device = Field(
        default="cpu", description="Device of training; metrics are computed on the CPU."
    )
    threads: int = Field(default=2, ge=1, le=256, description="CPU threads.")
    seed: int = Field(default=0, ge=0, lt=2**31, description="Seed of all random numbers.")

    @model_serializer(mode="wrap")
    def _without_usual_reading(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        # Cards of data that needs no more words stay as they were before these settings came.
        written: dict[str, Any] = write(self)
        return {name: value for name, value in written.items() if name not in READING or value}

    @property
    def tested_on(self) -> Pixels:
        """Kind of pixels that test metrics are of."""
        return self.test_pixels or self.pixels

    @model_validator(mode="after")
    def _settings_fit_each_other(self) -> Self:
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
    def _learner_supports_settings(self) -> Self:
        if self.learner == "aevb":
            return self
        if self.objective != "elbo":
            raise ValueError(
                f"objective {self.objective!r} belongs to learner 'aevb'; allowed with "
                f"{self.learner!r}: 'elbo'"
            )
        required = {"samples": 1, "beta": 1.0, "kl_warmup_epochs": 0.0, "free_bits": 0.0}
        required |= {"encoder_shift": 0, "coarse_epochs": 0}
        for name, allowed in required.items():
            if getattr(self, name) != allowed:
                raise ValueError(
                    f"{name} {getattr(self, name)} belongs to learner 'aevb'; "
                    f"allowed with {self.learner!r}: {allowed:g}"
                )
        return self


def explain(error: ValidationError, kind: type[BaseModel]) -> str:
    """Describe each wrong setting of a class: its name, its value and what is allowed."""
    sentences = []
    for wrong in error.errors()[:MOST_ERRORS]:
        name = _shortened(".".join(str(part) for part in wrong["loc"]))
        allowed = wrong["msg"].removeprefix("Value error, ")
        if wrong["type"] == "extra_forbidden":
            sentences.append(f"{name} is not a setting{_nearest(wrong['loc'], kind)}")
        elif not name:
            sentences.append(allowed)
        else:
            value = _shortened(repr(wrong["input"]))
            sentences.append(f"{name} {value}: {allowed[:1].lower()}{allowed[1:]}")
    if (more := error.error_count() - MOST_ERRORS) > 0:
        sentences.append(f"and {more} more")
    return "; ".join(sentences)


def _nearest(place: tuple[int | str, ...], kind: type[BaseModel]) -> str:
    """Return a clause with the settings whose names are nearest to an unknown one, if any are."""
    *path, unknown = place
    for part in path:
        field = kind.model_fields.get(str(part))
        inner = None if field is None else field.annotation
        if not (isinstance(inner, type) and issubclass(inner, BaseModel)):
            return ""
        kind = inner
    found = difflib.get_close_matches(str(unknown), kind.model_fields, n=NEAREST, cutoff=0.6)
    return f"; the nearest are {', '.join(found)}" if found else ""


def _shortened(text: str) -> str:
    return text if len(text) <= LONGEST_VALUE else text[: LONGEST_VALUE - 1] + "…"
