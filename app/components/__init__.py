"""The browser side, and the Python face of each of its panels."""

from app.components.controls import (
    Card,
    Drawing,
    ManifoldEvent,
    Morph,
    StripEvent,
    manifold,
    pad,
    sliders,
    strip,
)
from app.components.panel import Pin, Scene
from app.components.sharing import link
from app.components.views import Camera, MapEvent, Selection, latent_map, picture

__all__ = [
    "Camera",
    "Card",
    "Drawing",
    "ManifoldEvent",
    "MapEvent",
    "Morph",
    "Pin",
    "Scene",
    "Selection",
    "StripEvent",
    "latent_map",
    "link",
    "manifold",
    "pad",
    "picture",
    "sliders",
    "strip",
]
