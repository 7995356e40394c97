"""Faces of the panels that make codes: sliders, manifold grid, drawing pad and morphs."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from app.components import panel
from app.components.panel import Pin, Scene
from vae_core import images

FEWEST_PER_SIDE, MOST_PER_SIDE = 5, 30
#: What strip.js keeps of codes and directions; more is not from it.
MOST_CARDS, MOST_DIRECTIONS = 24, 12

PathKind = Literal["linear", "spherical"]
T = TypeVar("T")


@dataclass(frozen=True)
class ManifoldEvent:
    """What a person has done on the grid so far; None where they have not."""

    pin: Pin | None
    n: int | None
    inverted: bool | None


@dataclass(frozen=True)
class Drawing:
    """A finished drawing as the model saw it: ``pixels`` uint8 (h, w), and its code."""

    pixels: NDArray[np.uint8]
    pin: Pin


@dataclass(frozen=True)
class Card:
    """A code that was collected, with the name that it is shown by."""

    label: str
    z: tuple[float, ...]


@dataclass(frozen=True)
class Morph:
    """What a person collected on the morph panel.

    Parameters
    ----------
    cards
        The codes. The first four are the ends of the path when ``path`` is not given.
    path
        Positions in ``cards`` of the up to four ends; None where a place is empty.
    terms
        The same for A, B and C of A − B + C.
    kind
        Straight lines, or arcs that keep the norm that codes of the prior have.
    directions
        Steps that became sliders.
    """

    cards: tuple[Card, ...] = ()
    path: tuple[int | None, ...] | None = None
    terms: tuple[int | None, ...] = (None, None, None)
    kind: PathKind = "spherical"
    directions: tuple[Card, ...] = ()


@dataclass(frozen=True)
class StripEvent:
    """What a person has done on the morph panel so far; None where they have not."""

    pin: Pin | None
    morph: Morph | None


def sliders(
    key: str,
    *,
    scene: Scene,
    kl: Sequence[float],
    dead_below: float = 0.01,
    on_pin: Callable[[Pin], None] | None = None,
) -> Pin | None:
    """Show a slider for each latent dimension, the picture following while one moves.

    Parameters
    ----------
    kl
        Nats that each dimension carries on average over a data set (latent_dim,): the order of
        the rows.
    dead_below
        Dimensions with less are folded away as inactive.
    on_pin
        Called with a code on release, before the script reruns.

    Returns
    -------
    Pin or None
        The code that was last let go here.
    """
    latent_dim = len(scene.z)
    if len(kl) != latent_dim:
        raise ValueError(f"kl has {len(kl)} numbers; this model has {latent_dim} dimensions")
    sent = panel.show(
        "sliders",
        key,
        {**scene.data(), "kl": [float(nats) for nats in kl], "dead_below": dead_below},
        on_change={"pin": when_valid(lambda value: panel.read_pin(value, latent_dim), on_pin)},
    )
    return panel.read_pin(sent.get("pin"), latent_dim)


def manifold(
    key: str,
    *,
    scene: Scene,
    n: int = 20,
    inverted: bool = False,
    close_up: bool = True,
    model_name: str = "model",
    priors: Sequence[tuple[Sequence[float], Sequence[float]]] | None = None,
    on_pin: Callable[[Pin], None] | None = None,
    on_n: Callable[[int], None] | None = None,
) -> ManifoldEvent:
    """Show the pictures at n × n evenly spaced quantiles of the prior, drawn in the browser.

    The grid lies in the plane ``scene.dims``; the other dimensions are held at ``scene.z``. A
    single dimension goes on from row to row.

    Parameters
    ----------
    n
        Pictures a side, 5 to 30; a later change of it is taken over.
    inverted
        Ink on paper instead of light on dark.
    close_up
        Whether the cell that is looked at is shown large beside the grid.
    model_name
        For the name of the saved file.
    priors
        Mean and standard deviation (latent_dim,) of every label's prior, or of the one of all
        labels; None for a standard normal.
    on_pin, on_n
        Called with what changed, before the script reruns.
    """
    if not FEWEST_PER_SIDE <= n <= MOST_PER_SIDE:
        raise ValueError(f"n is {n}; allowed are {FEWEST_PER_SIDE} to {MOST_PER_SIDE}")
    latent_dim = len(scene.z)
    sent = panel.show(
        "manifold",
        key,
        {
            **scene.data(),
            "n": n,
            "inverted": inverted,
            "close_up": close_up,
            "model_name": model_name,
            "priors": None if priors is None else [list(map(list, prior)) for prior in priors],
        },
        on_change={
            "pin": when_valid(lambda value: panel.read_pin(value, latent_dim), on_pin),
            "n": when_valid(read_n, on_n),
            "inverted": None,
        },
    )
    turned = sent.get("inverted")
    return ManifoldEvent(
        pin=panel.read_pin(sent.get("pin"), latent_dim),
        n=read_n(sent.get("n")),
        inverted=turned if isinstance(turned, bool) else None,
    )


def pad(
    key: str,
    *,
    scene: Scene,
    image_shape: tuple[int, int, int],
    dataset: str | None = None,
    version: int = 0,
    on_drawing: Callable[[Drawing | None], None] | None = None,
) -> Drawing | None:
    """Show a drawing pad; what the model sees, the code and the reconstruction follow the pen.

    Parameters
    ----------
    scene
        With the encoder's address.
    image_shape
        (c, h, w) of the model's pictures.
    dataset
        What the model was trained on; without it the shape decides how ink is placed.
    version
        A new one clears the sheet.
    on_drawing
        Called when a stroke ends, with None when the sheet was cleared.
    """
    if scene.encoder is None:
        raise ValueError("scene.encoder is None; a drawing pad needs the encoder's address")
    latent_dim = len(scene.z)
    frame = images.FRAMES.get(dataset or images.USUAL_DATASET.get(image_shape, ""))

    def drawn(value: Any) -> None:
        drawing = read_drawing(value, image_shape, latent_dim)
        if on_drawing is not None and (value is None or drawing is not None):
            on_drawing(drawing)

    sent = panel.show(
        "pad",
        key,
        {
            **scene.data(with_encoder=True),
            "frame": None if frame is None else vars(frame),
            "drawing_version": version,
        },
        on_change={"drawing": drawn},
    )
    return read_drawing(sent.get("drawing"), image_shape, latent_dim)


def strip(
    key: str,
    *,
    scene: Scene,
    morph: Morph,
    morph_version: int = 0,
    codes: str | None = None,
    model_name: str = "model",
    on_pin: Callable[[Pin], None] | None = None,
    on_morph: Callable[[Morph], None] | None = None,
) -> StripEvent:
    """Show paths between codes, arithmetic on codes, and directions that became sliders.

    Parameters
    ----------
    morph
        The codes to begin with, or what ``on_morph`` was called with before.
    morph_version
        Raised when *Python* changes ``morph``; the panel takes it over only with a version that
        it has not seen.
    codes
        Address of the published ``portable.codes_bundle``, for the distance to real codes.
    model_name
        For the names of saved files.
    on_pin, on_morph
        Called with what changed, before the script reruns.
    """
    latent_dim = len(scene.z)
    sent = panel.show(
        "strip",
        key,
        {
            **scene.data(),
            "morph": write_morph(morph),
            "morph_version": morph_version,
            "codes": codes,
            "model_name": model_name,
        },
        on_change={
            "pin": when_valid(lambda value: panel.read_pin(value, latent_dim), on_pin),
            "morph": when_valid(lambda value: read_morph(value, latent_dim), on_morph),
        },
    )
    return StripEvent(
        pin=panel.read_pin(sent.get("pin"), latent_dim),
        morph=read_morph(sent.get("morph"), latent_dim),
    )


def read_n(value: Any) -> int | None:
    """Validate a number of pictures a side that the grid sent."""
    whole = isinstance(value, int) and not isinstance(value, bool)
    return value if whole and FEWEST_PER_SIDE <= value <= MOST_PER_SIDE else None


def read_drawing(value: Any, image_shape: tuple[int, int, int], latent_dim: int) -> Drawing | None:
    """Validate a drawing that the pad sent; None where it is not one for this model."""
    if not isinstance(value, Mapping) or not isinstance(value.get("pixels"), str):
        return None
    _, height, width = image_shape
    try:
        content = base64.b64decode(value["pixels"], validate=True)
    except (ValueError, binascii.Error):
        return None
    pin = panel.read_pin(value, latent_dim)
    if len(content) != height * width or pin is None:
        return None
    return Drawing(np.frombuffer(content, dtype=np.uint8).reshape(height, width), pin)


def write_morph(morph: Morph) -> dict[str, Any]:
    """Return a collection as strip.js reads it."""
    places = {} if morph.path is None else {"path": list(_padded(morph.path, 4))}
    return {
        "cards": [
            {"id": position, "label": card.label, "z": list(card.z)}
            for position, card in enumerate(morph.cards)
        ],
        **places,
        "terms": list(_padded(morph.terms, 3)),
        "kind": morph.kind,
        "directions": [{"name": step.label, "z": list(step.z)} for step in morph.directions],
    }


def read_morph(value: Any, latent_dim: int) -> Morph | None:
    """Validate a collection that the morph panel sent; codes of another length are refused."""
    if not isinstance(value, Mapping):
        return None
    cards = _read_cards(value.get("cards"), "label", latent_dim, MOST_CARDS)
    directions = _read_cards(value.get("directions"), "name", latent_dim, MOST_DIRECTIONS)
    kind = value.get("kind")
    if cards is None or directions is None or kind not in ("linear", "spherical"):
        return None
    ids = [card.get("id") for card in value["cards"]]
    path = _read_places(value.get("path"), ids, 4)
    terms = _read_places(value.get("terms"), ids, 3)
    if path is None or terms is None:
        return None
    return Morph(cards=cards, path=path, terms=terms, kind=kind, directions=directions)


def _read_cards(value: Any, name: str, latent_dim: int, most: int) -> tuple[Card, ...] | None:
    if not isinstance(value, list) or len(value) > most:
        return None
    cards: list[Card] = []
    for item in value:
        if not isinstance(item, Mapping):
            return None
        z = panel.floats(item.get("z"), (latent_dim,))
        label = item.get(name)
        if z is None or not isinstance(label, str):
            return None
        cards.append(Card(label=label[:80], z=tuple(z.tolist())))
    return tuple(cards)


def _read_places(value: Any, ids: Sequence[Any], count: int) -> tuple[int | None, ...] | None:
    """Turn ids of cards into positions; what is no card's id is an empty place."""
    if not isinstance(value, list) or len(value) != count:
        return None
    return tuple(ids.index(held) if held is not None and held in ids else None for held in value)


def _padded(places: Sequence[int | None], count: int) -> Sequence[int | None]:
    return [*places, *[None] * count][:count]


def when_valid(
    read: Callable[[Any], T | None], function: Callable[[T], None] | None
) -> Callable[[Any], None]:
    """Call a function with what was read, unless it was not valid."""

    def changed(value: Any) -> None:
        valid = read(value)
        if function is not None and valid is not None:
            function(valid)

    return changed
