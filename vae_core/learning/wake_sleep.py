"""Train by the wake-sleep algorithm (Hinton et al. 1995), with the encoder of the VAE.

Kingma & Welling (2014), section 5, compare AEVB with it.
"""

from __future__ import annotations

import torch
from torch import Tensor

from vae_core import objectives
from vae_core.config import TrainConfig
from vae_core.learning.learner import Minibatch, Stateless, autocast, metrics
from vae_core.learning.records import Metrics
from vae_core.models import VAE, Inference


class WakeSleep(Stateless):
    """Learner whose decoder learns from data (wake) and encoder from model samples (sleep)."""

    def __init__(self, model: VAE, config: TrainConfig, size: int) -> None:
        self.model, self.config = model, config

    def step(self, batch: Minibatch) -> Metrics:
        """Update both networks once; no gradient passes from one to the other."""
        with autocast(self.config):
            awake = wake(self.model, batch.x, generator=batch.generator)
            dream_loss = sleep(self.model, len(batch.x), generator=batch.generator)
        log_joint = awake.p.log_prob(awake.x) + awake.prior.log_prob(awake.z)
        batch.update((dream_loss - log_joint).mean())
        with torch.no_grad():
            return metrics(objectives.elbo(awake))


def wake(model: VAE, x: Tensor, *, generator: torch.Generator) -> Inference:
    """Sample a code z ~ q(z|x) of each image ``x`` without gradient, for ∇θ log p(x, z)."""
    with torch.no_grad():
        q = model.encode(x)
        z = q.sample(1, generator=generator)
    return Inference(x=x, q=q, z=z, p=model.decode(z), prior=model.prior)


def sleep(model: VAE, n: int, *, generator: torch.Generator) -> Tensor:
    """Sample ``n`` pairs (x, z) ~ p(x, z) and return −log q(z|x), (n,), for its ∇φ."""
    with torch.no_grad():
        z = model.prior.sample(n, generator=generator)
        x = model.decode(z).sample(generator=generator)
    return -model.encode_unchecked(x).log_prob(z)  # samples of a Gaussian leave [0, 1]
