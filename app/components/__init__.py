"""The browser side, and the Python face of each of its panels."""

from app.components.panel import Pin, Scene
from app.components.views import MapEvent, Selection, latent_map, picture

__all__ = ["MapEvent", "Pin", "Scene", "Selection", "latent_map", "picture"]
