"""What the ends of a foreign model mean: found from names, shapes and values, or told."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from vae_core.config import STATED_LIKELIHOODS as LIKELIHOODS
from vae_core.config import STATED_OUTPUTS as OUTPUTS
from vae_core.config import STATED_POSTERIORS as POSTERIORS
from vae_core.config import ImportedOutput, ImportedPosterior
from vae_core.errors import ConfigError
from vae_core.graphs import Graph, GraphNetwork
from vae_core.imports.networks import Network, Port

ImageShape = tuple[int, int, int]

#: Names of outputs, without what is no letter or digit.
MU_NAMES = {"mu", "mean", "mus", "means", "loc", "zmean", "zmu", "meanz", "embedding", "latent"}
LOGVAR_NAMES = {
    "logvar", "logvariance", "zlogvar", "logvarz", "logcovariance", "lv", "logsigma2",
    "zlogvariance",
}  # fmt: skip
STD_NAMES = {"std", "sigma", "scale", "stddev", "zstd", "zsigma"}
VAR_NAMES = {"var", "variance", "zvar"}
#: Second output of a posterior by its meaning.
SECOND = {"mu,logvar": LOGVAR_NAMES, "mu,std": STD_NAMES, "mu,var": VAR_NAMES}
#: Operations after the last that changes values.
LAYOUT = ("swap", "permute")
#: Range of the values of an output, before they are means in [0, 1].
RANGES = {"[0,1]": (0.0, 1.0), "[-1,1]": (-1.0, 1.0), "[0,255]": (0.0, 255.0)}
#: By how much a value may leave a range.
SLACK = 1e-3


@dataclass(frozen=True)
class Told:
    """What the person stated; None where it is to be found.

    Attributes
    ----------
    posterior
        One of ``POSTERIORS``.
    output
        One of ``OUTPUTS``.
    likelihood
        One of ``LIKELIHOODS``, with a number for SIGMA.
    input_range
        Values of black and white, such as (-1, 1).
    image_shape
        (c, h, w).
    """

    posterior: str | None = None
    output: str | None = None
    likelihood: str | None = None
    input_range: tuple[float, float] | None = None
    image_shape: tuple[int, int, int] | None = None

    def __post_init__(self) -> None:
        _check("posterior", self.posterior, POSTERIORS)
        _check("output", self.output, OUTPUTS)
        if self.likelihood is not None:
            likelihood(self.likelihood)


@dataclass(frozen=True)
class Posterior:
    """Outputs of an encoder: their names in order, and one of ``POSTERIORS``."""

    kind: str
    outputs: tuple[str, ...]

    @property
    def family(self) -> ImportedPosterior:
        """Posterior of the config."""
        return "point" if self.kind == "mu" else "gaussian"


@dataclass(frozen=True)
class Output:
    """Outputs of a decoder: one of ``OUTPUTS``, and their names in order."""

    kind: str
    names: tuple[str, ...]

    @property
    def family(self) -> ImportedOutput:
        """Output of the config."""
        if self.kind == "mean,logvar":
            return "means-and-logvars"
        return "logits" if self.kind == "logits" else "means"


@dataclass
class Findings:
    """Sentences on what was found, and on what was guessed."""

    sentences: list[str] = field(default_factory=list)

    def add(self, option: str, value: str, why: str) -> None:
        """Record that an option was given a value for a reason."""
        self.sentences.append(f"{option} {value}: {why}.")


def likelihood(text: str) -> tuple[str, float | None]:
    """Parse a likelihood: its name, and sigma if it states one.

    Raises
    ------
    ConfigError
        If it is none of ``LIKELIHOODS``.
    """
    name, _, number = text.partition(":")
    if name in ("bernoulli", "continuous-bernoulli") and not number:
        return name, None
    if name == "gaussian":
        try:
            sigma = float(number) if number else None
        except ValueError:
            sigma = math.nan
        if sigma is None or 0 < sigma <= 100:
            return name, sigma
    raise ConfigError(f"likelihood {text!r}: allowed are {', '.join(LIKELIHOODS)}")


def read_range(text: str) -> tuple[float, float]:
    """Parse an input range "LOW,HIGH": what black and white pixels are to the encoder.

    Raises
    ------
    ConfigError
        If it is not two different numbers.
    """
    try:
        low, high = (float(part) for part in text.strip("[]() ").split(","))
    except ValueError:
        low = high = math.nan
    if not (math.isfinite(low) and math.isfinite(high) and low != high):
        raise ConfigError(
            f"input range {text!r}: the values of black and white are needed, such as 0,1 or -1,1"
        )
    return low, high


def find_posterior(
    network: Network, latent_dim: int, told: Told, sample: Callable[[str], Tensor], found: Findings
) -> Posterior:
    """Return which outputs of an encoder are the posterior, and how.

    Parameters
    ----------
    sample
        Returns the values of an output, of its name, for some pictures.

    Raises
    ------
    ConfigError
        If it is not certain; the sentence lists what can be stated.
    """
    once = [port for port in network.outputs if port.size == latent_dim]
    twice = [port for port in network.outputs if port.size == 2 * latent_dim]
    if told.posterior is not None:
        return _told_posterior(told.posterior, once, twice, network, latent_dim)
    named = _by_names(once)
    if named is not None:
        names = " and ".join(map(repr, named.outputs))
        found.add("posterior", named.kind, f"by the names {names} of the encoder's outputs")
        return named
    if len(once) == 1:
        found.add(
            "posterior", "mu", f"the encoder has one output of {latent_dim} values, so there is no "
            "log-variance"
        )  # fmt: skip
        return Posterior("mu", (once[0].name,))
    if len(twice) == 1 and not once:
        found.add(
            "posterior", "2*latent", f"the encoder's output has twice the {latent_dim} values of "
            "the decoder's input"
        )  # fmt: skip
        return Posterior("2*latent", (twice[0].name,))
    if len(once) == 2 and bool((sample(once[1].name) < 0).any()):
        found.add(
            "posterior", "mu,logvar", f"{once[1].name!r} has values below 0, which neither a "
            "standard deviation nor a variance has"
        )  # fmt: skip
        return Posterior("mu,logvar", (once[0].name, once[1].name))
    raise ConfigError(
        f"the encoder's outputs {_list(network.outputs)} can mean several things, with "
        f"{latent_dim} latent dimensions: state --posterior as one of {', '.join(POSTERIORS)}"
    )


def find_output(
    network: Network,
    pixels: int,
    told: Told,
    values: Callable[[str], Tensor],
    found: Findings,
    errors: Callable[[str], str] = lambda name: "",
) -> Output:
    """Return which output of a decoder is the pixels, and how.

    Parameters
    ----------
    values
        Returns the values of an output, of its name, for some codes.
    errors
        Says how close reconstructions are by each meaning of an output, for an error's sentence.

    Raises
    ------
    ConfigError
        As :func:`find_posterior`.
    """
    once = [port for port in network.outputs if port.size == pixels]
    twice = [port for port in network.outputs if port.size == 2 * pixels]
    if told.output is not None:
        pair = told.output == "mean,logvar" and not twice
        wanted = twice if told.output == "mean,logvar" and twice else once
        if len(wanted) < (2 if pair else 1):
            raise ConfigError(
                f"output {told.output!r} does not fit the decoder's outputs "
                f"{_list(network.outputs)}, for {pixels:,} pixels"
            )
        return Output(told.output, tuple(port.name for port in wanted[: 2 if pair else 1]))
    if len(twice) == 1 and not once:
        found.add("output", "mean,logvar", f"there are two values for each of {pixels:,} pixels")
        return Output("mean,logvar", (twice[0].name,))
    named = _by_names(once)
    if named is not None and named.kind == "mu,logvar":
        names = " and ".join(map(repr, named.outputs))
        found.add("output", "mean,logvar", f"by the names {names} of the decoder's outputs")
        return Output("mean,logvar", named.outputs)
    if len(once) != 1:
        raise ConfigError(
            f"the decoder's outputs {_list(network.outputs)} are not one for {pixels:,} pixels: "
            "state --image-shape, or export the decoder with the picture as its only output"
        )
    name = once[0].name
    return Output(_kind_of_output(network, name, values, found, errors), (name,))


def _kind_of_output(
    network: Network,
    name: str,
    values: Callable[[str], Tensor],
    found: Findings,
    errors: Callable[[str], str],
) -> str:
    last = last_operation(network.graph_of([name]))
    if last == "sigmoid":
        found.add("output", "probabilities", "the decoder ends in a sigmoid")
        return "probabilities"
    if last == "tanh":
        found.add("output", "[-1,1]", "the decoder ends in a tanh")
        return "[-1,1]"
    low, high = (float(end) for end in values(name).aminmax())
    if low >= -SLACK and high <= 1 + SLACK:
        found.add("output", "[0,1]", f"its values lie in [{low:.2g}, {high:.2g}]")
        return "[0,1]"
    raise ConfigError(
        f"the decoder's values reach from {low:.3g} to {high:.3g}, so that it is not certain what "
        f"they are: state --output as one of {', '.join(OUTPUTS)}{errors(name)}"
    )


def last_operation(graph: Graph) -> str:
    """Return the last operation of a graph that does more than move values."""
    for layer in reversed(graph.layers):
        if layer["op"] not in LAYOUT:
            return str(layer["op"])
    return ""


def find_likelihood(output: Output, channels: int, told: Told, found: Findings) -> str:
    """Return the name of the likelihood, and say that it is a guess where it is not stated."""
    if told.likelihood is not None:
        name, _ = likelihood(told.likelihood)
        if output.kind == "logits" and name == "gaussian":
            raise ConfigError("likelihood 'gaussian' does not fit output 'logits'")
        if output.kind == "mean,logvar" and name != "gaussian":
            raise ConfigError(f"likelihood {name!r} does not fit output 'mean,logvar'")
        return name
    if output.kind == "logits" or (output.kind == "probabilities" and channels == 1):
        found.add("likelihood", "bernoulli", f"a guess from the output {output.kind}")
        return "bernoulli"
    found.add("likelihood", "gaussian", f"a guess from the output {output.kind}")
    return "gaussian"


def find_input_range(output: Output, told: Told, found: Findings) -> tuple[float, float]:
    """Return the values that black and white pixels have for the encoder."""
    if told.input_range is not None:
        return told.input_range
    low, high = RANGES.get(output.kind, (0.0, 1.0))
    found.add("input range", f"{low:g},{high:g}", f"a guess from the output {output.kind}")
    return low, high


def find_image_shape(
    encoder: Network | None, decoder: Network, told: Told, data: tuple[int, int, int] | None
) -> tuple[int, int, int]:
    """Return (c, h, w): as stated, else from the networks' shapes, else from the pictures.

    Raises
    ------
    ConfigError
        If none of them tells it, or a stated one does not fit the networks.
    """
    ports = [*decoder.outputs, *(() if encoder is None else encoder.inputs)]
    shape = told.image_shape or next(filter(None, map(_shape_of, ports)), None) or data
    if shape is None:
        shape = _square(max(port.size for port in decoder.outputs))
    if shape is None:
        raise ConfigError(
            f"the decoder's output {_list(decoder.outputs)} does not tell the sides of a picture: "
            "state --image-shape, such as 1,28,28"
        )
    size = math.prod(shape)
    if all(port.size not in (size, 2 * size) for port in decoder.outputs):
        raise ConfigError(
            f"image shape {shape}: the decoder's output {_list(decoder.outputs)} is not of "
            f"{size:,} pixels"
        )
    return shape


def is_channels_last(port: Port, image_shape: tuple[int, int, int]) -> bool:
    """Whether a network has the channels of a picture after its pixels."""
    channels, height, width = image_shape
    if channels == 1 or len(port.shape) != 3:
        return False
    return port.shape[:2] == (height, width) and port.shape[2] in (channels, 2 * channels)


def values_of(graph: Graph, x: Tensor, y: Tensor | None) -> Tensor:
    """Run a graph on examples."""
    with torch.inference_mode():
        result: Tensor = GraphNetwork(graph)(x, y)
    return result


def _check(name: str, value: str | None, allowed: Sequence[str]) -> None:
    if value is not None and value not in allowed:
        raise ConfigError(f"{name} {value!r}: allowed are {', '.join(allowed)}")


def _told_posterior(
    kind: str, once: Sequence[Port], twice: Sequence[Port], network: Network, latent_dim: int
) -> Posterior:
    needed = {"2*latent": (twice, 1), "mu": (once, 1)}.get(kind, (once, 2))
    named = _by_names(once)
    if named is not None and named.kind == kind:
        return named
    ports, count = needed
    if len(ports) < count:
        raise ConfigError(
            f"posterior {kind!r} does not fit the encoder's outputs {_list(network.outputs)}, with "
            f"{latent_dim} latent dimensions"
        )
    return Posterior(kind, tuple(port.name for port in ports[:count]))


def _by_names(ports: Sequence[Port]) -> Posterior | None:
    names = {re.sub(r"[^a-z0-9]", "", port.name.lower()): port.name for port in ports}
    mu = next((names[name] for name in names if name in MU_NAMES), None)
    if mu is None:
        return None
    for kind, seconds in SECOND.items():
        for name, original in names.items():
            if name in seconds:
                return Posterior(kind, (mu, original))
    return None


def _shape_of(port: Port) -> tuple[int, int, int] | None:
    """Return (c, h, w) of a picture, where the shape of an end tells it."""
    if len(port.shape) != 3:
        return (1, *port.shape) if len(port.shape) == 2 and min(port.shape) > 3 else None
    first, middle, last = port.shape
    if first in (1, 3) and last > 3:
        return first, middle, last
    return (last, first, middle) if last in (1, 3) and first > 3 else None


def _square(pixels: int) -> tuple[int, int, int] | None:
    side = math.isqrt(pixels)
    return (1, side, side) if side * side == pixels else None


def _list(ports: Sequence[Port]) -> str:
    return ", ".join(map(str, ports))
