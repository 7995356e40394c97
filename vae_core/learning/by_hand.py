"""The gradient of the plain VAE's bound, written out by the chain rule.

Most trainings are of one kind: fully connected layers, a standard normal prior, Bernoulli pixels,
one sample. Of such a step, autograd spends as long on its own bookkeeping of small tensors as on a
large matrix product. Here the same gradient (Kingma & Welling 2014, equation 10 and appendix B)
takes few operations beside the products. Where :func:`fits` says no, autograd does the work.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vae_core import networks
from vae_core.config import TrainConfig
from vae_core.distributions import POSTERIOR_LOGVAR
from vae_core.learning.optimizers import Flat
from vae_core.learning.records import Figures
from vae_core.models import VAE
from vae_core.objectives import Beta
from vae_core.products import Finish, dense

aten = torch.ops.aten


@dataclass(frozen=True)
class Activation:
    """h of a, at the end of a product where a itself is not needed, and ∂loss/∂a.

    ``slope`` is of (∂loss/∂h, a, h), with h for both where the product was finished by h.
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
    """Whether this module knows the gradient of such a training."""
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
    """a = W x + b, h = f(a), and the chain rule through both, in the weights' precision."""

    def __init__(self, weight: Place, bias: Place, activation: Activation | None) -> None:
        self.weight, self.bias, self.activation = weight, bias, activation

    def forward(self, x: Tensor) -> Tensor:
        """(batch, inputs) → (batch, outputs)."""
        self.x, f = x, self.activation
        finish = None if f is None else f.finish
        self.a = self.h = dense(x, self.weight.value, self.bias.value, finish)
        if f is not None and finish is None:
            self.h = f.h(self.a)
        return self.h

    def learn(self, d_h: Tensor) -> Tensor:
        """Set the weights' gradients from ∂loss/∂h; returns ∂loss/∂a."""
        f = self.activation
        d_a = d_h if f is None else f.slope(d_h, self.a, self.h)
        torch.sum(d_a, 0, out=self.bias.gradient)
        torch.mm(d_a.t(), self.x, out=self.weight.gradient)
        return d_a

    def backward(self, d_h: Tensor) -> Tensor:
        """Learn, and return ∂loss/∂x."""
        return dense(self.learn(d_h), self.weight.value.t())


class Pass:
    """One minibatch through the model; ``backward`` sets every weight's gradient."""

    def __init__(
        self, layers: Layers, x: Tensor, *, beta: Beta, generator: torch.Generator | None
    ) -> None:
        self.layers, self.x, self.beta = layers, x.flatten(1), beta
        with torch.no_grad():
            self._forward(generator)

    def _forward(self, generator: torch.Generator | None) -> None:
        self.layers.fetch()
        h = self.x.to(self.layers.dtype)
        for layer in self.layers.encoder:
            h = layer.forward(h)
        self.mu, raw = self.layers.posterior.forward(h).float().chunk(2, dim=-1)
        # The soft clamp of the log-variance, from above and then from below.
        low, high = POSTERIOR_LOGVAR
        self.from_high = high - raw
        self.from_low = high - low - F.softplus(self.from_high)
        logvar = low + F.softplus(self.from_low)
        self.sigma = torch.exp(0.5 * logvar)
        self.eps = torch.randn(self.mu.shape, generator=generator, device=self.mu.device)
        h = (self.mu + self.sigma * self.eps).to(self.layers.dtype)
        for layer in self.layers.decoder:
            h = layer.forward(h)
        self.logits = self.layers.likelihood.forward(h).float()

        # Sums over the minibatch; a CUDA graph is captured without reading them.
        self.squares = self.mu.square().add_(self.sigma.square()).sub_(logvar).sum()
        self.x_logits = torch.dot(self.x.reshape(-1), self.logits.view(-1))
        self.softplus = F.softplus(self.logits).sum()

    @cached_property
    def figures(self) -> Figures:
        """The means, read."""
        n = len(self.x)
        rate = 0.5 * (self.squares.item() - self.mu.numel()) / n
        distortion = (self.softplus.item() - self.x_logits.item()) / n
        return Figures(-(rate + distortion), rate, distortion)

    @property
    def means(self) -> tuple[Tensor, Tensor]:
        """Rate and distortion, () each."""
        n = len(self.x)
        return (self.squares - self.mu.numel()) * (0.5 / n), (self.softplus - self.x_logits) / n

    def item(self) -> float:
        """Return the loss, β · rate + distortion."""
        return float(self.beta * self.figures.rate + self.figures.distortion)

    @torch.no_grad()
    def backward(self) -> None:
        """Set the gradient of the loss: of a mean over the batch, as autograd would."""
        n, layers = len(self.x), self.layers
        d_logits = torch.sigmoid(self.logits).sub_(self.x).div_(n)
        d_h = layers.likelihood.backward(d_logits.to(layers.dtype))
        for layer in reversed(layers.decoder):
            d_h = layer.backward(d_h)
        d_z = d_h.float()
        d_mu = _add(d_z, self.mu, times=self.beta / n)
        # ∂z/∂logvar = ε σ / 2, ∂rate/∂logvar = (σ² − 1) / 2.
        d_logvar = (d_z * self.eps).mul_(self.sigma)
        d_logvar = _add(d_logvar, self.sigma.square().sub_(1), times=self.beta / n).mul_(0.5)
        d_raw = d_logvar.mul_(torch.sigmoid(self.from_low)).mul_(torch.sigmoid(self.from_high))
        d_h = layers.posterior.backward(torch.cat([d_mu, d_raw], dim=-1).to(layers.dtype))
        for layer in reversed(layers.encoder[1:]):
            d_h = layer.backward(d_h)
        layers.encoder[0].learn(d_h)  # nobody asks for the image's own gradient
        layers.deliver()


@dataclass(frozen=True)
class Place:
    """Where a weight lies as products take it, and where its gradient is written."""

    value: Tensor
    gradient: Tensor


class Layers:
    """A model's layers in the order in which x meets them.

    Everything that is as wide as a hidden layer is in ``dtype``, as autocast would have it; codes,
    logits and the weights themselves are in float32. In float32 places are the weights' own.
    """

    def __init__(self, model: VAE, dtype: torch.dtype) -> None:
        self.dtype, self.flat = dtype, Flat(list(model.parameters()))
        self._values = self.flat.values.to(dtype)
        self._gradients = self.flat.gradients.to(dtype)
        places = zip(self.flat.split(self._values), self.flat.split(self._gradients), strict=True)
        place: dict[Tensor, Place] = {
            one: Place(*both) for one, both in zip(self.flat.weights, places, strict=True)
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

    def fetch(self) -> None:
        """Round the weights to ``dtype``."""
        if self._values is not self.flat.values:
            self._values.copy_(self.flat.values)

    def deliver(self) -> None:
        """Bring gradients to where the optimiser looks for them."""
        if self._gradients is not self.flat.gradients:
            self.flat.gradients.copy_(self._gradients)


def _add(one: Tensor, other: Tensor, *, times: Beta) -> Tensor:
    """Return one + times · other in one operation, which takes a number or a tensor."""
    if isinstance(times, Tensor):
        return torch.addcmul(one, other, times)
    return torch.add(one, other, alpha=times)


def _linear(trunk: nn.Sequential) -> list[nn.Linear]:
    return [module for module in trunk if isinstance(module, nn.Linear)]
