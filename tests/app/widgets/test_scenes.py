"""What a page passes to its panels: the pinned code."""

from __future__ import annotations

from app.address import State
from app.resources.opened_model import Opened
from app.widgets import scenes


def test_the_pinned_code_is_z_else_the_examples_else_the_priors_mean(digits_2d: Opened) -> None:
    """A free code goes before an example, an example before the origin."""
    example = int(digits_2d.codes.ids[5])
    assert scenes.pinned_z(digits_2d, State(z=(1.0, 2.0), pinned_id=example)).tolist() == [1.0, 2.0]
    mu = digits_2d.codes.mu[5].tolist()
    assert scenes.pinned_z(digits_2d, State(pinned_id=example)).tolist() == mu
    assert scenes.pinned_z(digits_2d, State()).tolist() == [0.0, 0.0]
