"""Models: p and q put together."""

from vae_core.config import ModelConfig
from vae_core.models.hierarchical import HierarchicalVAE
from vae_core.models.vae import VAE, Given, Inference, Latent, initialise

__all__ = ["VAE", "Given", "HierarchicalVAE", "Inference", "Latent", "build", "initialise"]


def build(config: ModelConfig) -> VAE:
    """Make the model that a config describes, its weights not yet drawn."""
    return VAE(config) if config.first_latent_dim is None else HierarchicalVAE(config)
