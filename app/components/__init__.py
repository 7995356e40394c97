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
from app.components.link import link
from app.components.pair import OTHER, pair
from app.components.panel import Pin, Scene
from app.components.replay import replay
from app.components.views import (
    Camera,
    MapEvent,
    Selection,
    graph,
    labels,
    latent_map,
    picture,
    styles,
)

__all__ = [
    "OTHER",
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
    "graph",
    "labels",
    "latent_map",
    "link",
    "manifold",
    "pad",
    "pair",
    "picture",
    "replay",
    "sliders",
    "strip",
    "styles",
]
