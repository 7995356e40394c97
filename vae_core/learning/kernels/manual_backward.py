"""Compute the gradient of the plain VAE's bound by the chain rule, without autograd.

Most trainings use fully connected layers, a standard normal prior, Bernoulli pixels and one sample.
In such a step, the overhead of autograd on small tensors takes as long as a large matrix product.
Here the same gradient (Kingma & Welling 2014, equation 10 and appendix B) takes few operations
besides the products. :func:`fits` tells for which trainings; autograd serves the others.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vae_core.config import TrainConfig
from vae_core.learning.kernels.elementwise import elementwise
from vae_core.learning.kernels.streams import SideStream
from vae_core.learning.records import Metrics
from vae_core.models import VAE, networks
from vae_core.models.dense import Finish, dense
from vae_core.models.distributions import POSTERIOR_LOGVAR
from vae_core.objectives import Beta

aten = torch.ops.aten


@dataclass(frozen=True)
class Activation:
    """Activation function h(a) and its derivative.

    ``slope`` returns ∂loss/∂a from (∂loss/∂h, a, h). With a ``finish``, the matrix product applies
    h itself, a is not stored, and ``slope`` is called with h in its place.
    """

    h: Callable[[Tensor], Tensor]
    slope: Callable[[Tensor, Tensor, Tensor], Tensor]
    finish: Finish | None = None


def _leaky_relu(a: Tensor) -> Tensor:
    return F.leaky_relu(a, networks.LEAK)


ACTIVATIONS: dict[str, Activation] = {
    "tanh": Activation(
        networks.tanh,
        lambda d_h, a, h: aten.tanh_backward(d_h, h),
        Finish("tanh", (), networks.tanh),
    ),
    "relu": Activation(
        torch.relu,
        lambda d_h, a, h: aten.threshold_backward(d_h, h, 0),
        Finish("relu", (), torch.relu),
    ),
    "silu": Activation(F.silu, lambda d_h, a, h: aten.silu_backward(d_h, a)),
    # By h, which has the sign of a.
    "leaky-relu": Activation(
        _leaky_relu,
        lambda d_h, a, h: aten.leaky_relu_backward(d_h, h, networks.LEAK, True),
        Finish("leaky_relu", (networks.LEAK,), _leaky_relu),
    ),
}


def fits(model: VAE, config: TrainConfig) -> bool:
    """Return whether this module implements the gradient of a training."""
    of = model.config
    return (
        type(model) is VAE
        and config.learner == "aevb"
        and of.network == "mlp"
        and of.likelihood == "bernoulli"
        and of.prior == "standard"
        and not of.conditional
        and not of.symmetric
        and {of.activation, of.decoder_activation or of.activation} <= ACTIVATIONS.keys()
        and config.objective == "elbo"
        and config.free_bits == 0
        and config.samples == 1
        and (config.coarse_epochs == 0 or config.coarse_samples == 1)
    )


class Layer:
    """Fully connected layer: a = W x + b, h = f(a), and its gradient, in the weights' precision."""

    def __init__(self, weight: Slot, bias: Slot, activation: Activation | None) -> None:
        self.weight, self.bias, self.activation = weight, bias, activation

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, inputs) to (batch, outputs)."""
        self.x, f = x, self.activation
        finish = None if f is None else f.finish
        self.a = self.h = dense(x, self.weight.value, self.bias.value, finish)
        if f is not None and finish is None:
            self.h = f.h(self.a)
        return self.h

    def backward_weights(self, d_h: Tensor, side_stream: SideStream) -> Tensor:
        """Set the gradients of weight and bias from ∂loss/∂h; return ∂loss/∂a."""
        f = self.activation
        d_a = d_h if f is None else f.slope(d_h, self.a, self.h)
        with side_stream.reading(d_a):
            torch.sum(d_a, 0, out=self.bias.gradient)
            torch.mm(d_a.t(), self.x, out=self.weight.gradient)
        return d_a

    def backward(self, d_h: Tensor, side_stream: SideStream) -> Tensor:
        """Set the gradients of weight and bias from ∂loss/∂h; return ∂loss/∂x."""
        return dense(self.backward_weights(d_h, side_stream), self.weight.value.t())


LOW, HIGH = POSTERIOR_LOGVAR


@elementwise(
    outputs=("z", "sigma", "share", "slope"),
    body=f"""
        T from_high = T({HIGH!r}) - raw;
        T from_low = T({HIGH - LOW!r}) - softplus(from_high);
        T logvar = T({LOW!r}) + softplus(from_low);
        sigma = exp(T(0.5) * logvar);
        z = mu + sigma * eps;
        share = mu * mu + sigma * sigma - logvar;
        slope = sigmoid(from_low) * sigmoid(from_high);
    """,
)
def _sample(mu: Tensor, raw: Tensor, eps: Tensor) -> tuple[Tensor, ...]:
    """Sample z; return it with σ, each element's μ² + σ² − log σ², and ∂logvar/∂raw."""
    # The soft clamp of the log-variance, from above and then from below.
    from_high = HIGH - raw
    from_low = HIGH - LOW - F.softplus(from_high)
    logvar = LOW + F.softplus(from_low)
    sigma = torch.exp(0.5 * logvar)
    share = mu.square().add_(sigma.square()).sub_(logvar)
    slope = torch.sigmoid(from_low).mul_(torch.sigmoid(from_high))
    return mu + sigma * eps, sigma, share, slope


@elementwise(
    outputs=("d_mu", "d_raw"),
    body="""
        T weight = beta / n;
        d_mu = d_z + mu * weight;
        d_raw = T(0.5) * (d_z * eps * sigma + (sigma * sigma - T(1)) * weight) * slope;
    """,
)
def _sample_backward(
    d_z: Tensor, mu: Tensor, sigma: Tensor, eps: Tensor, slope: Tensor, beta: Tensor, *, n: float
) -> tuple[Tensor, ...]:
    """Return ∂loss/∂μ and ∂loss/∂raw, where the loss is a mean over ``n`` images."""
    # ∂z/∂logvar = ε σ / 2, ∂rate/∂logvar = (σ² − 1) / 2.
    weight = beta / n
    d_mu = torch.addcmul(d_z, mu, weight)
    d_logvar = (d_z * eps).mul_(sigma).addcmul_(sigma.square().sub_(1), weight).mul_(0.5)
    return d_mu, d_logvar.mul_(slope)


@elementwise(
    outputs=("share", "d_logit"),
    body="""
        share = softplus(logit) - x * logit;
        d_logit = (sigmoid(logit) - x) / n;
    """,
)
def _bernoulli(logit: Tensor, x: Tensor, *, n: float) -> tuple[Tensor, ...]:
    """Return each pixel's −log p(x|z), and ∂loss/∂logit of a mean loss over ``n`` images."""
    share = F.softplus(logit).addcmul_(x, logit, value=-1)
    return share, torch.sigmoid(logit).sub_(x).div_(n)


class ManualLoss:
    """Loss β · rate + distortion of a minibatch, with the gradient of :class:`Layers`."""

    def __init__(
        self, layers: Layers, x: Tensor, *, beta: Beta, generator: torch.Generator | None
    ) -> None:
        self.layers, self.x, self.beta = layers, x.flatten(1), beta
        with torch.no_grad():
            self._forward(generator)

    def _forward(self, generator: torch.Generator | None) -> None:
        self.layers.cast_weights()
        h = self.x.to(self.layers.dtype)
        for layer in self.layers.encoder:
            h = layer.forward(h)
        self.mu, raw = self.layers.posterior.forward(h).chunk(2, dim=-1)
        self.eps = torch.randn(self.mu.shape, generator=generator, device=self.mu.device)
        z, self.sigma, rates, self.slope = _sample(self.mu, raw, self.eps)
        h = z.to(self.layers.dtype)
        for layer in self.layers.decoder:
            h = layer.forward(h)
        logits = self.layers.likelihood.forward(h)
        misses, self.d_logits = _bernoulli(logits, self.x, n=len(self.x))

        # Sums over the minibatch, which a CUDA graph captures without reading them.
        with self.layers.side_stream.reading(rates, misses):
            self.rates, self.misses = rates.sum(), misses.sum()

    @cached_property
    def metrics(self) -> Metrics:
        """Means over the minibatch, as numbers."""
        n = len(self.x)
        rate, distortion = 0.5 * (self.rates.item() - self.mu.numel()) / n, self.misses.item() / n
        return Metrics(-(rate + distortion), rate, distortion)

    @property
    def means(self) -> tuple[Tensor, Tensor]:
        """Mean rate and distortion, () each, in nats per image."""
        n = len(self.x)
        return (self.rates - self.mu.numel()) * (0.5 / n), self.misses / n

    def item(self) -> float:
        """Return the loss."""
        return float(self.beta * self.metrics.rate + self.metrics.distortion)

    @torch.no_grad()
    def backward(self) -> None:
        """Set the gradient of every weight: of a mean over the minibatch, as autograd would."""
        layers, side_stream = self.layers, self.layers.side_stream
        beta = torch.as_tensor(self.beta)
        d_h = layers.likelihood.backward(self.d_logits.to(layers.dtype), side_stream)
        for layer in reversed(layers.decoder):
            d_h = layer.backward(d_h, side_stream)
        slopes = _sample_backward(
            d_h, self.mu, self.sigma, self.eps, self.slope, beta, n=len(self.x)
        )
        d_h = layers.posterior.backward(torch.cat(slopes, dim=-1).to(layers.dtype), side_stream)
        for layer in reversed(layers.encoder[1:]):
            d_h = layer.backward(d_h, side_stream)
        layers.encoder[0].backward_weights(
            d_h, side_stream
        )  # the gradient of the image is not needed
        side_stream.join()
        layers.cast_gradients()


@dataclass(frozen=True)
class Slot:
    """Weight as matrix products read it, and the array that its gradient is written to."""

    value: Tensor
    gradient: Tensor


class Layers:
    """Layers of a model, in the order from x to the logits.

    Matrix products have inputs and outputs in ``dtype``, as with autocast. Elementwise operations,
    and the weights themselves, are in float32; if ``dtype`` is too, nothing is copied.
    """

    def __init__(self, model: VAE, dtype: torch.dtype) -> None:
        self.dtype, self.flat = dtype, FlatParameters(list(model.parameters()))
        self.side_stream = SideStream(self.flat.values.device)
        values, gradients = self.flat.values.to(dtype), self.flat.gradients.to(dtype)
        self._weight_copies = self.flat.copies(values, self.flat.values)
        self._gradient_copies = self.flat.copies(self.flat.gradients, gradients)
        places = zip(self.flat.split(values), self.flat.split(gradients), strict=True)
        place: dict[Tensor, Slot] = {
            one: Slot(*both) for one, both in zip(self.flat.weights, places, strict=True)
        }

        def layer(linear: nn.Linear, activation: Activation | None) -> Layer:
            return Layer(place[linear.weight], place[linear.bias], activation)

        of = model.config
        inner = ACTIVATIONS[of.activation]
        outer = ACTIVATIONS[of.decoder_activation or of.activation]
        assert isinstance(model.likelihood, nn.Linear)
        self.encoder = [layer(linear, inner) for linear in _linear(model.encoder)]
        self.posterior = layer(model.posterior, None)
        self.decoder = [layer(linear, outer) for linear in _linear(model.decoder)]
        self.likelihood = layer(model.likelihood, None)

    def cast_weights(self) -> None:
        """Copy the weights to the arrays in ``dtype`` that products read."""
        for to, of in self._weight_copies:
            to.copy_(of)

    def cast_gradients(self) -> None:
        """Copy gradients to the float32 arrays that the optimiser reads."""
        for to, of in self._gradient_copies:
            to.copy_(of)


class FlatParameters:
    """All weights of a model in one array, and their gradients in another.

    Each weight becomes a view of ``values`` (n,), and its ``grad`` one of ``gradients`` (n,).
    """

    def __init__(self, weights: Sequence[nn.Parameter]) -> None:
        self.weights = list(weights)
        self.values = torch.cat([one.detach().flatten() for one in self.weights])
        self.gradients = torch.zeros_like(self.values)
        places = zip(self.weights, self.split(self.values), self.split(self.gradients), strict=True)
        for one, value, gradient in places:
            one.data, one.grad = value, gradient

    def split(self, array: Tensor) -> list[Tensor]:
        """Return views of an array (n,), one for each weight and of its shape."""
        parts = torch.split(array, [one.numel() for one in self.weights])
        return [part.view_as(one) for part, one in zip(parts, self.weights, strict=True)]

    def copies(self, to: Tensor, of: Tensor) -> list[tuple[Tensor, Tensor]]:
        """Return pairs of views by which one array (n,) is copied to another; none if they are one.

        A GPU copies all weights at once. A CPU copies each weight by itself, so that a thread
        copies the part that it multiplies and updates: on cores without a common cache, reading
        what another core has written takes several times as long.
        """
        if to is of:
            return []
        if to.is_cuda:
            return [(to, of)]
        return list(zip(self.split(to), self.split(of), strict=True))


def _linear(trunk: nn.Sequential) -> list[nn.Linear]:
    return [module for module in trunk if isinstance(module, nn.Linear)]
