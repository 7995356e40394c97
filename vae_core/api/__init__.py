"""The functions of a notebook: thin ones over data, learning, evaluation, latents and formats."""
