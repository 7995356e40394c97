"""What the panels that make codes send is validated; what is not theirs is refused."""

from __future__ import annotations

import base64
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.components import manifold, pad, sliders
from app.components.contract import Pin, Scene
from app.components.morph import Card, Morph, read_morph, write_morph

SHAPE = (1, 4, 3)
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


def drawing(pixels: bytes, z: object = (0.5, -1.0)) -> dict[str, object]:
    """Make what the pad sends."""
    return {"pixels": base64.b64encode(pixels).decode(), "z": z, "model": "abc"}


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
    """Whatever a browser sends is a valid value or None, never an error."""
    for read in (
        read_morph(value, 2),
        pad.read_drawing(value, SHAPE, 2),
        manifold.read_n(value),
    ):
        assert read is None or isinstance(read, Morph | pad.Drawing | int)


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


def test_drawing_is_the_picture_row_by_row() -> None:
    """Bytes become (h, w) in reading order, with the code that the browser computed."""
    read = pad.read_drawing(drawing(bytes(range(12))), SHAPE, 2)
    assert read is not None
    np.testing.assert_array_equal(read.pixels, np.arange(12).reshape(4, 3))
    assert read.pin == Pin(z=(0.5, -1.0), pinned_id=None)


@pytest.mark.parametrize(
    "broken",
    [
        None,
        [],
        drawing(bytes(11)),
        drawing(bytes(784)),
        drawing(bytes(12), z=[1.0]),
        drawing(bytes(12), z=[1.0, float("inf")]),
        {"pixels": "no base64!", "z": [0, 0]},
        {"pixels": 12, "z": [0, 0]},
    ],
)
def test_broken_drawings_are_refused(broken: object) -> None:
    """A drawing of another size, another model's code, or no drawing at all is None."""
    assert pad.read_drawing(broken, SHAPE, 2) is None


@pytest.mark.parametrize(("value", "read"), [(5, 5), (30, 30), (4, None), (31, None), (True, None)])
def test_pictures_a_side_are_bounded(value: object, read: int | None) -> None:
    """Only whole numbers from 5 to 30 are a grid's side."""
    assert manifold.read_n(value) == read


def test_faces_name_what_is_wrong() -> None:
    """A caller's mistake is told with the value and what is allowed."""
    scene = Scene(model_hash="h", decoder="asset:d", z=(0.0, 0.0), z_version=0)
    with pytest.raises(ValueError, match="kl has 3 numbers; this model has 2"):
        sliders.sliders("s", scene=scene, kl=[1, 2, 3])
    with pytest.raises(ValueError, match="n is 31; allowed are 5 to 30"):
        manifold.manifold("m", scene=scene, n=31)
    with pytest.raises(ValueError, match="encoder is None"):
        pad.pad("p", scene=scene, image_shape=SHAPE)
