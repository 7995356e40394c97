"""Drawings of the pad are validated."""

from __future__ import annotations

import base64

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.components import pad
from app.components.contract import Pin, Scene

SHAPE = (1, 4, 3)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["pixels", "z", "pinned_id", "y"]),
            inner,
            max_size=6,
        )
    ),
    max_leaves=12,
)


def drawing(pixels: bytes, z: object = (0.5, -1.0)) -> dict[str, object]:
    """Make what the pad sends."""
    return {"pixels": base64.b64encode(pixels).decode(), "z": z, "model": "abc"}


@given(JSON)
def test_any_json_is_read_or_refused(value: object) -> None:
    """Whatever a browser sends is a drawing or None, never an error."""
    assert isinstance(pad.read_drawing(value, SHAPE, 2), pad.Drawing | None)


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


def test_a_scene_without_an_encoder_is_refused() -> None:
    """The error names what is missing."""
    scene = Scene(model_hash="h", decoder="asset:d", z=(0.0, 0.0), z_version=0)
    with pytest.raises(ValueError, match="encoder is None"):
        pad.pad("p", scene=scene, image_shape=SHAPE)
