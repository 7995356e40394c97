"""The gradient of the plain VAE's bound, written out by the chain rule.

Most trainings are of one kind: fully connected layers, a standard normal prior, Bernoulli pixels,
one sample. Of such a step, autograd spends as long on its own bookkeeping of small tensors as on a
large matrix product. Here the same gradient (Kingma & Welling 2014, equation 10 and appendix B)
takes few operations beside the products. Where :func:`fits` says no, autograd does the work.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vae_core import networks
from vae_core.config import TrainConfig
from vae_core.distributions import POSTERIOR_LOGVAR
from vae_core.learning.records import Figures
from vae_core.models import VAE
from vae_core.objectives import Beta

aten = torch.ops.aten


@dataclass(frozen=True)
class Activation:
    """h of a, and ∂loss/∂a of (∂loss/∂h, a, h)."""

    h: Callable[[Tensor], Tensor]
    slope: Callable[[Tensor, Tensor, Tensor], Tensor]


ACTIVATIONS: dict[str, Activation] = {
    "tanh": Activation(networks.tanh, lambda d_h, a, h: aten.tanh_backward(d_h, h)),
    "relu": Activation(torch.relu, lambda d_h, a, h: aten.threshold_backward(d_h, h, 0)),
    "silu": Activation(F.silu, lambda d_h, a, h: aten.silu_backward(d_h, a)),
    "leaky-relu": Activation(
        lambda a: F.leaky_relu(a, networks.LEAK),
        lambda d_h, a, h: aten.leaky_relu_backward(d_h, a, networks.LEAK, False),
    ),
}


def fits(model: VAE, config: TrainConfig) -> bool:
    """Whether this module knows the gradient of such a training."""
    of = model.config
    return (
        type(model) is VAE
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


@dataclass
class Layer:
    """a = W x + b, h = f(a): products in ``dtype``, everything else in float32.

    What is as large as the weights is kept from step to step: fresh memory for it would cost as
    much as a product.
    """

    linear: nn.Linear
    activation: Activation | None
    dtype: torch.dtype
    x: Tensor = field(init=False)
    a: Tensor = field(init=False)
    h: Tensor = field(init=False)

    def __post_init__(self) -> None:
        self.d_weight = torch.empty_like(self.linear.weight, requires_grad=False)
        # In float32 both are the arrays themselves.
        self.weight = self.linear.weight.detach().to(self.dtype)
        self.product = self.d_weight.to(self.dtype)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, inputs) → (batch, outputs)."""
        if self.dtype != self.linear.weight.dtype:
            self.weight.copy_(self.linear.weight)
        self.x = x.to(self.dtype)
        self.a = self.h = F.linear(self.x, self.weight, self.linear.bias.to(self.dtype)).float()
        if self.activation is not None:
            self.h = self.activation.h(self.a)
        return self.h

    def learn(self, d_h: Tensor) -> Tensor:
        """Set the weights' gradients from ∂loss/∂h; returns ∂loss/∂a in ``dtype``."""
        d_a = d_h if self.activation is None else self.activation.slope(d_h, self.a, self.h)
        self.linear.bias.grad = d_a.sum(0)
        d_a = d_a.to(self.dtype)
        torch.mm(d_a.t(), self.x, out=self.product)
        if self.product is not self.d_weight:
            self.d_weight.copy_(self.product)
        self.linear.weight.grad = self.d_weight
        return d_a

    def backward(self, d_h: Tensor) -> Tensor:
        """Learn, and return ∂loss/∂x."""
        return (self.learn(d_h) @ self.weight).float()


class Pass:
    """One minibatch through the model; ``backward`` sets every weight's gradient."""

    def __init__(
        self, layers: Layers, x: Tensor, *, beta: Beta, generator: torch.Generator | None
    ) -> None:
        self.layers, self.x, self.beta = layers, x.flatten(1), beta
        with torch.no_grad():
            self._forward(generator)

    def _forward(self, generator: torch.Generator | None) -> None:
        h = self.x
        for layer in self.layers.encoder:
            h = layer.forward(h)
        self.mu, raw = self.layers.posterior.forward(h).chunk(2, dim=-1)
        # The soft clamp of the log-variance, from above and then from below.
        low, high = POSTERIOR_LOGVAR
        self.from_high = high - raw
        self.from_low = high - low - F.softplus(self.from_high)
        logvar = low + F.softplus(self.from_low)
        self.sigma = torch.exp(0.5 * logvar)
        self.eps = torch.randn(self.mu.shape, generator=generator, device=self.mu.device)
        h = self.mu + self.sigma * self.eps
        for layer in self.layers.decoder:
            h = layer.forward(h)
        self.logits = self.layers.likelihood.forward(h)

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
        d_h = layers.likelihood.backward(torch.sigmoid(self.logits).sub_(self.x).div_(n))
        for layer in reversed(layers.decoder):
            d_h = layer.backward(d_h)
        d_mu = _add(d_h, self.mu, times=self.beta / n)
        # ∂z/∂logvar = ε σ / 2, ∂rate/∂logvar = (σ² − 1) / 2.
        d_logvar = (d_h * self.eps).mul_(self.sigma)
        d_logvar = _add(d_logvar, self.sigma.square().sub_(1), times=self.beta / n).mul_(0.5)
        d_raw = d_logvar.mul_(torch.sigmoid(self.from_low)).mul_(torch.sigmoid(self.from_high))
        d_h = layers.posterior.backward(torch.cat([d_mu, d_raw], dim=-1))
        for layer in reversed(layers.encoder[1:]):
            d_h = layer.backward(d_h)
        layers.encoder[0].learn(d_h)  # nobody asks for the image's own gradient


class Layers:
    """A model's layers in the order in which x meets them."""

    def __init__(self, model: VAE, dtype: torch.dtype) -> None:
        of = model.config
        inner = ACTIVATIONS[of.activation]
        outer = ACTIVATIONS[of.decoder_activation or of.activation]
        self.encoder = [Layer(linear, inner, dtype) for linear in _linear(model.encoder)]
        self.posterior = Layer(model.posterior, None, dtype)
        self.decoder = [Layer(linear, outer, dtype) for linear in _linear(model.decoder)]
        assert isinstance(model.likelihood, nn.Linear)
        self.likelihood = Layer(model.likelihood, None, dtype)


def _add(one: Tensor, other: Tensor, *, times: Beta) -> Tensor:
    """Return one + times · other in one operation, which takes a number or a tensor."""
    if isinstance(times, Tensor):
        return torch.addcmul(one, other, times)
    return torch.add(one, other, alpha=times)


def _linear(trunk: nn.Sequential) -> list[nn.Linear]:
    return [module for module in trunk if isinstance(module, nn.Linear)]
