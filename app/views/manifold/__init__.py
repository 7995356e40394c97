"""The Manifold page: decoded images at quantiles of the prior."""
