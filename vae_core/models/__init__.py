"""Models: p and q put together."""

from vae_core.models.vae import VAE, Inference, initialise

__all__ = ["VAE", "Inference", "initialise"]
