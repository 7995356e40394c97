"""The Decode page: a slider for each latent dimension."""
