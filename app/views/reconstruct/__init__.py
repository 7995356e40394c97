"""Reconstruct: uploaded and drawn pictures."""
