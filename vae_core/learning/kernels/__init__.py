"""Hand-written parts of a training step."""
