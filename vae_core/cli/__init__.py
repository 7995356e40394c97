"""The command line, ``python -m vae_core``."""
