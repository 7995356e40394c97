"""Bounds on log p(x): functions of a forward pass with one value per example, in nats."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from vae_core.models import Inference, Latent
from vae_core.models.distributions import DiagonalGaussian, FactorisedPrior


@dataclass(frozen=True)
class Bound:
    """ELBO and its two terms, (batch,) each: elbo = −(rate + distortion)."""

    elbo: Tensor
    rate: Tensor
    distortion: Tensor


def elbo(inference: Inference) -> Bound:
    """Return the AEVB estimator with closed-form KL, averaged over the L samples.

    Kingma & Welling (2014), equations (7) and (10). A KL without closed form is estimated from the
    samples, as in their equation (6).
    """
    rate = _rate(inference)
    distortion = -inference.p.log_prob(inference.x).mean(0)
    return Bound(elbo=-(rate + distortion), rate=rate, distortion=distortion)


def log_weights(inference: Inference) -> Tensor:
    """Log importance weights log p(x, z) − log q(z|x), (k, batch)."""
    return inference.p.log_prob(inference.x) + _log_ratio(inference)


def iwae(log_w: Tensor) -> Tensor:
    """Return the k-sample bound log (1/k) Σ w from log weights (k, batch) → (batch,).

    Burda et al. (2016), equation (8).
    """
    return torch.logsumexp(log_w, dim=0) - math.log(log_w.shape[0])


#: β: a number, or a tensor () for a CUDA graph, which is captured once and used with many values.
Beta = float | Tensor


@dataclass(frozen=True)
class Loss:
    """Loss of a training step, (batch,), and the bound that it reports."""

    value: Tensor
    bound: Bound


def elbo_loss(inference: Inference, *, beta: Beta = 1.0, free_bits: float = 0.0) -> Loss:
    """Return β · rate + distortion (Higgins et al. 2017), with :func:`free_rate` if above 0."""
    bound = elbo(inference)
    rate = bound.rate if free_bits == 0 else free_rate(inference, free_bits)
    return Loss(beta * rate + bound.distortion, bound)


def free_rate(inference: Inference, free_bits: float) -> Tensor:
    """Return the rate, (batch,), with the KL of each dimension at least ``free_bits`` nats.

    Kingma et al. (2016), equation (15): Σ_j max(λ, mean KL_j). A dimension whose mean over the
    minibatch is below λ contributes the constant λ to every example, without a gradient.
    """
    (layer,) = inference.layers
    assert isinstance(layer.prior, FactorisedPrior)
    kl = layer.prior.kl_per_dim(layer.q)
    return torch.where(kl.mean(0) > free_bits, kl, torch.full_like(kl, free_bits)).sum(-1)


def iwae_loss(inference: Inference, *, beta: Beta = 1.0, free_bits: float = 0.0) -> Loss:
    """Return minus the k-sample bound, with its plain gradient (Burda et al. 2016, eq. 13)."""
    assert free_bits == 0, free_bits
    log_px = inference.p.log_prob(inference.x)
    return Loss(-iwae(log_px + beta * _log_ratio(inference)), _reported(inference, log_px))


def dreg_loss(inference: Inference, *, beta: Beta = 1.0, free_bits: float = 0.0) -> Loss:
    """Return minus the k-sample bound, with its doubly reparameterised gradient.

    Tucker et al. (2019), equation (8): with normalised weights w, the encoder's gradient is
    Σ w² ∂log w/∂z ∂z/∂φ, without the score of q; the decoder's is the usual Σ w ∂log w/∂θ.
    """
    assert isinstance(beta, Tensor) or beta == 1, beta  # a tensor would block the GPU
    assert free_bits == 0, free_bits
    (layer,) = inference.layers
    without_score = DiagonalGaussian(layer.q.mu.detach(), layer.q.logvar.detach())
    log_px = inference.p.log_prob(inference.x)
    log_w = log_px + _log_ratio(replace(inference, q=without_score))
    share = torch.softmax(log_w.detach(), dim=0)
    if layer.z.requires_grad:
        # The surrogate below weights the gradient at z by w once; this hook makes it w².
        layer.z.register_hook(  # type: ignore[no-untyped-call]
            lambda gradient: share[..., None] * gradient
        )
    surrogate = -(share * log_w).sum(0)
    value = surrogate + (-iwae(log_w) - surrogate).detach()
    return Loss(value, _reported(inference, log_px))


#: Losses by name of objective.
LOSSES: dict[str, Callable[..., Loss]] = {
    "elbo": elbo_loss,
    "iwae": iwae_loss,
    "dreg": dreg_loss,
}


def _rate(inference: Inference) -> Tensor:
    rates = [_layer_rate(layer) for layer in inference.layers]
    return rates[0] if len(rates) == 1 else torch.stack(rates).sum(0)


def _layer_rate(layer: Latent) -> Tensor:
    kl = layer.prior.kl(layer.q, layer.z)
    return kl if kl.dim() == 1 else kl.mean(0)


def _log_ratio(inference: Inference) -> Tensor:
    ratios = [
        layer.prior.log_prob(layer.z) - layer.q.log_prob(layer.z) for layer in inference.layers
    ]
    return ratios[0] if len(ratios) == 1 else torch.stack(ratios).sum(0)


@torch.no_grad()
def _reported(inference: Inference, log_px: Tensor) -> Bound:
    rate, distortion = _rate(inference), -log_px.mean(0)
    return Bound(elbo=-(rate + distortion), rate=rate, distortion=distortion)
