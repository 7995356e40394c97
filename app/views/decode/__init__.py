"""Decode: a slider for each latent dimension."""
