"""Variational auto-encoders of one or two stochastic layers, and Boltzmann machines."""

from vae_core.config import ModelConfig
from vae_core.models.hierarchical import HierarchicalVAE
from vae_core.models.imported import ImportedVAE
from vae_core.models.vae import VAE, Inference, Latent, Observed, initialise

__all__ = [
    "VAE",
    "HierarchicalVAE",
    "ImportedVAE",
    "Inference",
    "Latent",
    "Observed",
    "build",
    "initialise",
]


def build(config: ModelConfig) -> VAE:
    """Create a model from its config, with arbitrary weights."""
    return VAE(config) if config.first_latent_dim is None else HierarchicalVAE(config)
