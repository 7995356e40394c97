"""Auto-Encoding Variational Bayes: stochastic gradient ascent on a bound.

Kingma & Welling (2014), algorithm 1, with the estimator of equation (10) or a k-sample bound.
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
            inference = self.model(
                visit.x, y=visit.y, samples=config.samples, generator=visit.generator
            )
        loss = objectives.LOSSES[config.objective](inference, beta=beta, free_bits=config.free_bits)
        visit.update(loss.value.mean())
        return figures(loss.bound)
