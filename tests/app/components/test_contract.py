"""Pins and scenes: what is sent is validated, what is passed is complete."""

from __future__ import annotations

from typing import Any

import pytest

from app.components import contract


def test_pin_is_read_with_its_example() -> None:
    """The code and the id come through as they are."""
    pin = contract.read_pin({"z": [1, -2.5], "pinned_id": 7}, 2)
    assert pin == contract.Pin(z=(1.0, -2.5), pinned_id=7)


@pytest.mark.parametrize(
    "value",
    [
        {"z": [1.0], "pinned_id": None},
        {"z": [1.0, float("nan")], "pinned_id": None},
        {"z": [1.0, "2x"], "pinned_id": None},
        {"z": [1.0, 10**400], "pinned_id": None},
        {"z": [1.0, 2.0], "pinned_id": "7"},
        {"z": [1.0, 2.0], "pinned_id": True},
        {"z": None},
    ],
)
def test_wrong_pins_are_ignored(value: dict[str, Any]) -> None:
    """A code of another model, no number or no id is no pin."""
    assert contract.read_pin(value, 2) is None


def test_only_maps_receive_a_posterior() -> None:
    """A panel that leaves it out says nothing of it; a map without one takes the outline away."""
    scene = contract.Scene("hash", "decoder", (0.0,), 0, posterior=((0.5,), (-1.0,)))
    assert "posterior" not in scene.data()
    assert scene.data(outlines=True)["posterior"] == {"mu": [0.5], "logvar": [-1.0]}
    without = contract.Scene("hash", "decoder", (0.0,), 0)
    assert without.data(outlines=True)["posterior"] is None
