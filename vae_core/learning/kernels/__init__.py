"""Compute parts of a training step faster than autograd does."""
