"""Morph: paths between codes, arithmetic, styles."""
