"""Explore: the map of the encoded test set."""
