"""The dashboard: what a person meets. Everything that belongs to the science is in vae_core."""

#: Environment variable with the folder of a model that the app lists beside the others.
MODEL_VARIABLE = "VAE_MODEL"
