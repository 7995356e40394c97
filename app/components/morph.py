"""Paths between codes, and arithmetic with them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from app.components import contract, mounting
from app.components.contract import Pin, Scene

#: What the panel keeps of codes and directions; more is not from it.
MOST_CARDS, MOST_DIRECTIONS = 24, 12

PathKind = Literal["linear", "spherical"]


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
class MorphEvent:
    """What a person has done on the morph panel so far; None where they have not."""

    pin: Pin | None
    morph: Morph | None


def morph(
    key: str,
    *,
    scene: Scene,
    morph: Morph,
    morph_version: int = 0,
    codes: str | None = None,
    model_name: str = "model",
    on_pin: Callable[[Pin], None] | None = None,
    on_morph: Callable[[Morph], None] | None = None,
) -> MorphEvent:
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
    sent = mounting.show(
        "morph",
        key,
        {
            **scene.data(),
            "morph": write_morph(morph),
            "morph_version": morph_version,
            "codes": codes,
            "model_name": model_name,
        },
        on_change={
            "pin": contract.when_valid(lambda value: contract.read_pin(value, latent_dim), on_pin),
            "morph": contract.when_valid(lambda value: read_morph(value, latent_dim), on_morph),
        },
    )
    return MorphEvent(
        pin=contract.read_pin(sent.get("pin"), latent_dim),
        morph=read_morph(sent.get("morph"), latent_dim),
    )


def write_morph(morph: Morph) -> dict[str, Any]:
    """Return a collection as the panel reads it."""
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
        z = contract.floats(item.get("z"), (latent_dim,))
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
