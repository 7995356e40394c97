"""Panel of paths between codes and arithmetic on codes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from app.components import contract, mounting
from app.components.contract import Pin, Scene

#: Most codes and directions that the panel keeps; a longer list is refused.
MOST_CARDS, MOST_DIRECTIONS = 24, 12

PathKind = Literal["linear", "spherical"]


@dataclass(frozen=True)
class Card:
    """A saved code and its name."""

    label: str
    z: tuple[float, ...]


@dataclass(frozen=True)
class Morph:
    """The collection of a person on the Morph page.

    Parameters
    ----------
    cards
        Saved codes. The first four are the ends of the path when ``path`` is None.
    path
        Positions in ``cards`` of up to four ends; None for an empty place.
    terms
        The same for A, B and C of A − B + C.
    kind
        Straight lines, or arcs that keep the norm of the prior's codes.
    directions
        Differences of codes that became sliders.
    """

    cards: tuple[Card, ...] = ()
    path: tuple[int | None, ...] | None = None
    terms: tuple[int | None, ...] = (None, None, None)
    kind: PathKind = "spherical"
    directions: tuple[Card, ...] = ()


def morph(
    key: str,
    *,
    scene: Scene,
    collection: Morph,
    morph_version: int = 0,
    codes: str | None = None,
    model_name: str = "model",
    on_pin: Callable[[Pin], None] | None = None,
    on_morph: Callable[[Morph], None] | None = None,
) -> None:
    """Show paths between codes, arithmetic on codes, and directions as sliders.

    Parameters
    ----------
    collection
        The initial collection, or the last one passed to ``on_morph``.
    morph_version
        Raised when *Python* changes ``collection``. The panel accepts it only with a version that
        is new to it.
    codes
        Address of the published ``bundles.codes_bundle``, for distances to real codes.
    model_name
        For the names of saved files.
    on_pin, on_morph
        Called with what changed, before the script reruns.
    """
    latent_dim = len(scene.z)
    mounting.show(
        "morph",
        key,
        {
            **scene.data(),
            "morph": write_morph(collection),
            "morph_version": morph_version,
            "codes": codes,
            "model_name": model_name,
        },
        on_change={
            "pin": contract.pinned(latent_dim, on_pin),
            "morph": contract.when_valid(lambda value: read_morph(value, latent_dim), on_morph),
        },
    )


def write_morph(collection: Morph) -> dict[str, Any]:
    """Return a collection in the panel's format."""
    path = {} if collection.path is None else {"path": list(_padded(collection.path, 4))}
    return {
        "cards": [
            {"id": position, "label": card.label, "z": list(card.z)}
            for position, card in enumerate(collection.cards)
        ],
        **path,
        "terms": list(_padded(collection.terms, 3)),
        "kind": collection.kind,
        "directions": [{"name": step.label, "z": list(step.z)} for step in collection.directions],
    }


def read_morph(value: Any, latent_dim: int) -> Morph | None:
    """Validate a collection that the panel sent; None if a code has another length."""
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
    """Replace ids of cards by their positions; unknown ids become empty places."""
    if not isinstance(value, list) or len(value) != count:
        return None
    return tuple(ids.index(held) if held is not None and held in ids else None for held in value)


def _padded(places: Sequence[int | None], count: int) -> Sequence[int | None]:
    return [*places, *[None] * count][:count]
