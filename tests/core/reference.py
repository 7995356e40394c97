"""A variational auto-encoder in NumPy: forward and backward pass, written a second time.

It shares no line with the package and knows it only by the names of its weights. The gradient of
a layer is summed over the minibatch in one matrix product, so it is a fair baseline of speed, too.

Formulas: Kingma & Welling (2014), equations (7) and (10), appendices B and C; derivatives by
hand. Losses are sums over pixels and dimensions, and means over the batch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
LOGVAR_LOW, LOGVAR_HIGH = -12.0, 4.0


@dataclass(frozen=True)
class Result:
    """Means over the batch, and the gradient of rate · beta + distortion by each weight."""

    rate: float
    distortion: float
    gradients: dict[str, Array]


def sigmoid(a: Array) -> Array:
    """Logistic function, without overflow."""
    return 0.5 * (1 + np.tanh(0.5 * a))


def softplus(a: Array) -> Array:
    """log(1 + exp(a)), without overflow; its derivative is the logistic function."""
    return np.maximum(a, 0) + np.log1p(np.exp(-np.abs(a)))  # twice as fast as logaddexp


#: What forms a layer's weight gradient (out, in) from d_a (batch, out) and its input (batch, in).
WeightGradient = Callable[[Array, Array], Array]


def summed(d_a: Array, h: Array) -> Array:
    """Sum over the minibatch in one matrix product."""
    return d_a.T @ h


def per_sample(d_a: Array, h: Array) -> Array:
    """Form the gradient of every image, (batch, out, in), then sum."""
    each: Array = (d_a[:, :, None] * h[:, None, :]).sum(0)
    return each


#: Each with its derivative as a function of the input.
ACTIVATIONS: dict[str, tuple[Callable[[Array], Array], Callable[[Array], Array]]] = {
    "tanh": (np.tanh, lambda a: 1 - np.tanh(a) ** 2),
    "relu": (lambda a: np.maximum(a, 0), lambda a: (a > 0).astype(a.dtype)),
    "silu": (
        lambda a: a * sigmoid(a),
        lambda a: sigmoid(a) * (1 + a * (1 - sigmoid(a))),
    ),
}


def differentiate(
    weights: Mapping[str, Array],
    x: Array,
    eps: Array,
    *,
    activation: str,
    likelihood: str,
    beta: float = 1.0,
    logvar_floor: float = -4.5,
    weight_gradient: WeightGradient = summed,
) -> Result:
    """One forward and one backward pass.

    Parameters
    ----------
    weights
        By the names of the package's ``state_dict``.
    x
        (batch, pixels) in [0, 1].
    eps
        (samples, batch, latent_dim), standard normal draws.
    weight_gradient
        ``summed``, or the same by another way.
    """
    act, act_slope = ACTIVATIONS[activation]
    samples, batch, latent_dim = eps.shape
    gradients = _Gradients(weight_gradient)

    # Forward.
    h, encoder_tape = _climb(weights, "encoder", x, act)
    raw = h @ weights["posterior.weight"].T + weights["posterior.bias"]
    mu, raw_logvar = raw[:, :latent_dim], raw[:, latent_dim:]
    under_high = LOGVAR_HIGH - softplus(LOGVAR_HIGH - raw_logvar)
    logvar = LOGVAR_LOW + softplus(under_high - LOGVAR_LOW)
    sigma = np.exp(logvar / 2)
    z = (mu + sigma * eps).reshape(samples * batch, latent_dim)
    g, decoder_tape = _climb(weights, "decoder", z, act)
    out = g @ weights["likelihood.weight"].T + weights["likelihood.bias"]
    target = np.tile(x, (samples, 1))
    rate = 0.5 * (mu**2 + np.exp(logvar) - logvar - 1).sum() / batch

    share = 1 / (samples * batch)
    if likelihood == "bernoulli":
        distortion = (softplus(out) - target * out).sum() * share
        d_out = (sigmoid(out) - target) * share
    else:
        pixels = x.shape[1]
        mean, raw_noise = sigmoid(out[:, :pixels]), out[:, pixels:]
        noise = logvar_floor + softplus(raw_noise - logvar_floor)
        error = (target - mean) / np.exp(noise)
        distortion = 0.5 * (np.log(2 * np.pi) + noise + (target - mean) * error).sum() * share
        d_mean = -error * mean * (1 - mean)
        d_noise = 0.5 * (1 - (target - mean) * error) * sigmoid(raw_noise - logvar_floor)
        d_out = np.concatenate([d_mean, d_noise], axis=1) * share

    # Backward.
    gradients.add("likelihood", d_out, g)
    d_z = _descend(
        gradients, weights, "decoder", d_out @ weights["likelihood.weight"], decoder_tape, act_slope
    ).reshape(samples, batch, latent_dim)
    d_mu = d_z.sum(0) + beta * mu / batch
    d_logvar = (d_z * eps).sum(0) * sigma / 2 + beta * 0.5 * (np.exp(logvar) - 1) / batch
    clamp_slope = sigmoid(under_high - LOGVAR_LOW) * sigmoid(LOGVAR_HIGH - raw_logvar)
    d_raw = np.concatenate([d_mu, d_logvar * clamp_slope], axis=1)
    gradients.add("posterior", d_raw, h)
    _descend(
        gradients, weights, "encoder", d_raw @ weights["posterior.weight"], encoder_tape, act_slope
    )
    return Result(rate=float(rate), distortion=float(distortion), gradients=gradients.found)


class _Gradients:
    def __init__(self, weight_gradient: WeightGradient) -> None:
        self.weight_gradient = weight_gradient
        self.found: dict[str, Array] = {}

    def add(self, name: str, d_a: Array, h: Array) -> None:
        """Note a linear layer's gradients: by what it fed, and by its input."""
        self.found[f"{name}.weight"] = self.weight_gradient(d_a, h)
        self.found[f"{name}.bias"] = d_a.sum(0)


Tape = list[tuple[str, Array, Array]]  # a layer's name, its input, and what it fed its activation


def _climb(
    weights: Mapping[str, Array], trunk: str, h: Array, act: Callable[[Array], Array]
) -> tuple[Array, Tape]:
    tape: Tape = []
    depth = sum(name.startswith(trunk) and name.endswith("weight") for name in weights)
    for layer in range(depth):
        name = f"{trunk}.{2 * layer}"  # activations take the odd places
        a = h @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]
        tape.append((name, h, a))
        h = act(a)
    return h, tape


def _descend(
    gradients: _Gradients,
    weights: Mapping[str, Array],
    trunk: str,
    d_h: Array,
    tape: Tape,
    act_slope: Callable[[Array], Array],
) -> Array:
    for name, h, a in reversed(tape):
        d_a = d_h * act_slope(a)
        gradients.add(name, d_a, h)
        d_h = d_a @ weights[f"{name}.weight"]
    return d_h


def bits_per_value(levels: Array, mu: Array, log_scale: Array) -> Array:
    """Bits that each image's values 0 … 255 take, (n, values) → (n,), from logistic areas."""
    centre, scale = (255 * mu + 0.5) / 256, np.exp(log_scale)

    def below(edge: Array) -> Array:
        return 1 / (1 + np.exp(-(edge / 256 - centre) / scale))

    upper = np.where(levels == 255, 1.0, below(levels + 1))
    lower = np.where(levels == 0, 0.0, below(levels))
    return -np.log2(upper - lower).mean(axis=1)
