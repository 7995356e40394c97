"""Auto-Encoding Variational Bayes: stochastic gradient ascent on the ELBO.

Kingma & Welling (2014), algorithm 1, with the estimator of equation (10).
"""

from __future__ import annotations

from vae_core import objectives
from vae_core.config import TrainConfig
from vae_core.learning import schedules
from vae_core.learning.records import Figures
from vae_core.learning.visit import Stateless, Visit, autocast, figures
from vae_core.models import VAE


class AEVB(Stateless):
    """Both networks climb the same bound, through reparameterised samples."""

    def __init__(self, model: VAE, config: TrainConfig, size: int) -> None:
        self.model, self.config = model, config

    def step(self, visit: Visit) -> Figures:
        """One update of encoder and decoder."""
        config = self.config
        beta = config.beta * schedules.kl_weight(visit.epochs, config)
        with autocast(config):
            inference = self.model(visit.x, samples=config.samples, generator=visit.generator)
        bound = objectives.elbo(inference)
        visit.update((beta * bound.rate + bound.distortion).mean())
        return figures(bound)
