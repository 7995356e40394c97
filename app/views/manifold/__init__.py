"""Manifold: the inverse-CDF grid."""
