"""The dashboard: what a person meets. Everything that belongs to the science is in vae_core."""
