"""Bounds on log p(x): pure functions of what a model returns, one value per example, in nats."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from vae_core.models import Inference


@dataclass(frozen=True)
class Bound:
    """The ELBO and its two parts, (batch,) each: elbo = −(rate + distortion)."""

    elbo: Tensor
    rate: Tensor
    distortion: Tensor


def elbo(inference: Inference) -> Bound:
    """Return the AEVB estimator with closed-form KL, averaged over the L samples.

    Kingma & Welling (2014), equations (7) and (10).
    """
    rate = inference.q.kl_per_dim().sum(-1)
    distortion = -inference.p.log_prob(inference.x).mean(0)
    return Bound(elbo=-(rate + distortion), rate=rate, distortion=distortion)


def log_weights(inference: Inference) -> Tensor:
    """Log importance weights log p(x, z) − log q(z|x), (k, batch)."""
    z = inference.z
    log_joint = inference.p.log_prob(inference.x) + inference.prior.log_prob(z)
    return log_joint - inference.q.log_prob(z)


def iwae(log_w: Tensor) -> Tensor:
    """Return the k-sample bound log (1/k) Σ w from log weights (k, batch) → (batch,).

    Burda et al. (2016), equation (8).
    """
    return torch.logsumexp(log_w, dim=0) - math.log(log_w.shape[0])
