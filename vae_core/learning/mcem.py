"""Train by Monte Carlo EM, with codes sampled from the true posterior by HMC.

Kingma & Welling (2014), section 5 and appendix E: 10 leapfrog steps with a step size tuned to
90 % acceptance, then 5 updates of the weights with these codes. Every training image has its own
chain, which continues in the next epoch. The algorithm suits small sets only: by the next epoch of
a large one the decoder has changed, and the chain starts far from the new posterior.
"""

from __future__ import annotations

import torch
from torch import Tensor

from vae_core import hmc, objectives
from vae_core.config import TrainConfig
from vae_core.learning.learner import Minibatch, autocast, metrics
from vae_core.learning.records import Metrics
from vae_core.models import VAE

LEAPFROG, ACCEPTANCE, UPDATES = 10, 0.9, 5
FIRST_STEP_SIZE = 0.05


class MonteCarloEM:
    """Learner with an E step by HMC and an M step by gradient.

    The algorithm needs no encoder. The model's encoder is fitted to the codes of the chains, so
    that records and maps mean the same as for other learners; the decoder does not depend on it.
    """

    in_place = False

    def __init__(self, model: VAE, config: TrainConfig, size: int) -> None:
        self.model, self.config, self.size = model, config, size
        self.z: Tensor | None = None  # (size, latent_dim), sampled at the first minibatch
        self.step_size = torch.tensor(FIRST_STEP_SIZE)

    def step(self, batch: Minibatch) -> Metrics:
        """Move the chains of a minibatch, then learn from their codes."""
        if self.z is None:
            self.z = self.model.prior.sample(self.size, generator=batch.generator).detach()
        samples = posterior(
            self.model,
            batch.x,
            self.z[batch.rows],
            step_size=self.step_size,
            generator=batch.generator,
        )
        z = self.z[batch.rows] = samples.z[-1]
        self.step_size = samples.step_size
        for _ in range(UPDATES):
            with autocast(self.config):
                p, q = self.model.decode(z), self.model.encode(batch.x)
            log_joint = p.log_prob(batch.x) + self.model.prior.log_prob(z)
            batch.update(-(log_joint + q.log_prob(z)).mean())
        with torch.no_grad():
            with autocast(self.config):
                inference = self.model(batch.x, generator=batch.generator)
            return metrics(objectives.elbo(inference))

    def state(self) -> dict[str, Tensor]:
        """Return the chains and their step size."""
        chains = {} if self.z is None else {"z": self.z}
        return {"step_size": self.step_size, **chains}

    def load_state(self, tensors: dict[str, Tensor]) -> None:
        """Restore the chains and their step size."""
        self.step_size = tensors["step_size"].clone()
        self.z = tensors["z"].clone() if "z" in tensors else None


def posterior(
    model: VAE, x: Tensor, z: Tensor, *, step_size: Tensor, generator: torch.Generator
) -> hmc.Samples:
    """Move codes ``z`` (batch, latent_dim) by one HMC transition for p(z|x) of their images."""

    def log_joint(z: Tensor) -> Tensor:
        return model.decode(z).log_prob(x) + model.prior.log_prob(z)

    return hmc.hmc(
        log_joint,
        z,
        steps=1,
        leapfrog=LEAPFROG,
        step_size=step_size,
        generator=generator,
        target_acceptance=ACCEPTANCE,
    )
