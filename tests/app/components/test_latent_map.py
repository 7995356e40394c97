"""What the map sends is validated before it is used."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.components import contract, latent_map
from app.conditions import Condition

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["z", "pinned_id", "polygon", "projection", "dims", "x", "y", "height", "test"]
            ),
            inner,
            max_size=6,
        )
    ),
    max_leaves=12,
)


@given(value=ANYTHING)
def test_nothing_that_is_sent_raises(value: Any) -> None:
    """Whatever arrives is either understood or ignored."""
    latent_map.read_selection(value, 3)
    latent_map.read_camera(value)
    latent_map.read_hidden(value, 10)
    latent_map.read_filter(value)
    latent_map.read_filter([value])
    latent_map.read_filter([{"column": "column.x", "test": "range", "arguments": value}])
    latent_map.read_filter([{"column": "column.x", "test": "only", "arguments": value}])
    latent_map.read_search(value)
    contract.read_pin(value, 3)


def test_selection_is_read_with_the_plane_it_was_drawn_in() -> None:
    """The outline alone would mean nothing after a change of projection."""
    polygon = [[0, 0], [1, 0], [1, 1]]
    value = {"polygon": polygon, "projection": "raw", "dims": [2, 0]}
    selection = latent_map.read_selection(json.loads(json.dumps(value)), 3)
    assert selection == latent_map.Selection(((0, 0), (1, 0), (1, 1)), "raw", (2, 0))


@pytest.mark.parametrize(
    "change",
    [{"polygon": [[0, 0], [1, 1]]}, {"projection": "umap"}, {"dims": [0, 3]}, {"dims": [-1, 0]}],
)
def test_wrong_selections_are_ignored(change: dict[str, Any]) -> None:
    """Two corners, an unknown projection or a dimension that the model lacks select nothing."""
    value = {"polygon": [[0, 0], [1, 0], [1, 1]], "projection": "raw", "dims": [0, 1]}
    assert latent_map.read_selection(value | change, 3) is None


def test_a_filter_is_read_as_its_link_says_it() -> None:
    """Numbers of JSON are floats here, and a text that a URL cannot hold is no condition."""
    sent = [
        {"column": "column.age", "test": "range", "arguments": [1, None]},
        {"column": "column.note", "test": "has", "arguments": ["rain"]},
    ]
    read = latent_map.read_filter(json.loads(json.dumps(sent)))
    assert read == (
        Condition("column.age", "range", (1.0, None)),
        Condition("column.note", "has", ("rain",)),
    )
    assert latent_map.read_filter([]) == ()
    assert latent_map.read_filter(sent * 9) is None
    assert latent_map.read_filter([sent[1] | {"arguments": ["\ud800"]}]) is None
    assert latent_map.read_search("rain") == "rain"
    assert latent_map.read_search("") == ""
    assert latent_map.read_search("x" * 500) is None


def test_camera_needs_a_positive_height() -> None:
    """A flat view would divide by zero."""
    assert latent_map.read_camera({"x": 0, "y": 1, "height": 2}) == latent_map.Camera(0.0, 1.0, 2.0)
    assert latent_map.read_camera({"x": 0, "y": 1, "height": 0}) is None


def test_hidden_labels_are_those_that_exist() -> None:
    """Sorted, once each."""
    assert latent_map.read_hidden([3, 1, 3, 12, -1], 10) == (1, 3)
