"""Collections of the morph panel: written, read back and validated."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.components.morph import Card, Morph, read_morph, write_morph

FLOATS = st.floats(-1e6, 1e6)
CODES = st.tuples(FLOATS, FLOATS)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["cards", "path", "terms", "kind", "directions", "id", "label", "z"]),
            inner,
            max_size=6,
        )
    ),
    max_leaves=12,
)


@st.composite
def collections(draw: st.DrawFn) -> Morph:
    """Draw a collection as a person can make it."""
    cards = tuple(
        Card(label, z)
        for label, z in draw(st.lists(st.tuples(st.text(max_size=8), CODES), max_size=6))
    )
    place = st.none() | st.integers(0, len(cards) - 1) if cards else st.none()
    directions = draw(st.lists(st.tuples(st.text(max_size=8), CODES), max_size=3))
    return Morph(
        cards=cards,
        path=draw(st.tuples(place, place, place, place)),
        terms=draw(st.tuples(place, place, place)),
        kind=draw(st.sampled_from(["linear", "spherical"])),
        directions=tuple(Card(label, z) for label, z in directions),
    )


@given(collections())
def test_collection_survives_the_journey(morph: Morph) -> None:
    """What is written for the panel, through JSON, is read back unchanged."""
    sent = json.loads(json.dumps(write_morph(morph)))
    assert read_morph(sent, 2) == morph


def test_ids_of_cards_need_not_be_positions() -> None:
    """The panel numbers cards in its own way; places are found through these numbers."""
    card = {"label": "a", "z": [0, 1]}
    sent = {
        "cards": [{**card, "id": 7}, {**card, "id": 3}],
        "path": [3, None, 7, 99],
        "terms": [None, None, 7],
        "kind": "linear",
        "directions": [],
    }
    read = read_morph(sent, 2)
    assert read is not None
    assert (read.path, read.terms) == ((1, None, 0, None), (None, None, 0))


@given(JSON)
def test_any_json_is_read_or_refused(value: object) -> None:
    """Whatever a browser sends is a collection or None, never an error."""
    assert isinstance(read_morph(value, 2), Morph | None)


@pytest.mark.parametrize(
    "broken",
    [
        {"cards": [{"id": 1, "label": "a", "z": [0.0, 1.0, 2.0]}]},
        {"cards": [{"id": 1, "label": "a", "z": [0.0, float("nan")]}]},
        {"cards": [{"id": 1, "label": 5, "z": [0.0, 1.0]}]},
        {"cards": [{"id": 1, "label": "a", "z": [0.0, 1.0]}] * 25},
        {"kind": "curly"},
        {"path": [None]},
        {"terms": "abc"},
        {"directions": None},
    ],
)
def test_broken_collections_are_refused(broken: dict[str, object]) -> None:
    """Codes of another length, numbers that are none, too many cards and unknown kinds."""
    whole = write_morph(Morph(path=(None, None, None, None)))
    assert read_morph(whole, 2) is not None
    assert read_morph({**whole, **broken}, 2) is None
