"""The size of the manifold's grid is validated."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.components import manifold
from app.components.contract import Scene

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
JSON = SCALARS | st.lists(SCALARS, max_size=4) | st.dictionaries(st.text(max_size=3), SCALARS)


@given(JSON)
def test_any_json_is_read_or_refused(value: object) -> None:
    """Whatever a browser sends is a number of cells or None, never an error."""
    assert isinstance(manifold.read_n(value), int | None)


@pytest.mark.parametrize(
    ("value", "read"),
    [(5, 5), (30, 30), (4, None), (31, None), (True, None)],
)
def test_cells_per_side_are_bounded(value: object, read: int | None) -> None:
    """Only whole numbers from 5 to 30 are a grid's side."""
    assert manifold.read_n(value) == read


def test_a_grid_that_is_too_large_is_refused() -> None:
    """The error names the value and what is allowed."""
    scene = Scene(model_hash="h", decoder="asset:d", z=(0.0, 0.0), z_version=0)
    with pytest.raises(ValueError, match="n is 31; allowed are 5 to 30"):
        manifold.manifold("m", scene=scene, n=31)
