"""The controls and panels of each page, which a step of a lesson shows or hides.

Each has the keys of its elements or containers on the page. Independent of Streamlit.
"""

from collections.abc import Iterable

#: A step that shows this hides nothing.
EVERYTHING = "everything"
#: Keys by page and name of the part.
PARTS: dict[str, dict[str, tuple[str, ...]]] = {
    "explore": {
        "map": ("map", "cloud", "cloud-hint", "part-map-caption"),
        "controls": ("map-controls", "map-note"),
        "labels": ("labels",),
        "picture": ("live-picture",),
        "description": ("part-description",),
        "selection": ("part-selection",),
        "neighbours": ("part-neighbours",),
    },
    "manifold": {
        "manifold": ("manifold",),
        "caption": ("part-manifold-caption",),
        "plane": ("part-plane",),
        "labels": ("labels",),
        "picture": ("live-picture",),
        "map": ("small-map",),
    },
    "decode": {
        "sliders": ("sliders",),
        "map": ("small-map",),
        "labels": ("labels",),
        "picture": ("live-picture",),
        "description": ("part-description",),
        "rate": ("part-rate",),
        "nearest": ("part-nearest",),
    },
    "reconstruct": {
        "source": ("w-source", "w-photo-source"),
        "files": ("w-files", "w-camera"),
        "pad": ("pad",),
        "labels": ("labels",),
        "map": ("small-map", "part-posterior"),
        "warning": ("part-warning",),
        "result": ("part-result",),
        "neighbours": ("part-samples",),
    },
    "morph": {
        "morph": ("morph",),
        "labels": ("labels",),
        "styles": ("part-styles",),
    },
    "train": {},
    "compare": {
        "studies": ("w-study", "part-study"),
        "chart": ("part-chart",),
        "protocol": ("part-protocol",),
        "verdicts": ("part-verdicts",),
    },
    "learn": {
        "image": ("method-x",),
        "encoder": ("method-encoder",),
        "noise": ("method-noise",),
        "decoder": ("method-decoder",),
        "terms": ("method-terms",),
        "objective": ("method-objective",),
        "map": ("method-map",),
        "training": ("part-training",),
    },
}


def unknown(page: str, shown: Iterable[str]) -> list[str]:
    """Return those names that are no part of a page."""
    return [name for name in shown if name != EVERYTHING and name not in PARTS[page]]


def keys(page: str, shown: Iterable[str]) -> list[str] | None:
    """Return the keys of the shown parts; None if nothing is hidden."""
    names = list(shown)
    if EVERYTHING in names or not PARTS[page]:
        return None
    return [key for name in names for key in PARTS[page][name]]
