"""Models that other libraries make, as their users make and export them.

Nothing here imports vae_core but ``run``, so that its figures have an independent reference.
"""
