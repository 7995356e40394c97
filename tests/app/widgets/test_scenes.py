"""What a page passes to its panels: the pinned code."""

from __future__ import annotations

from app.resources.opened_model import Opened
from app.widgets import scenes


def test_the_pinned_code_is_z_else_the_examples_else_the_priors_mean(digits_2d: Opened) -> None:
    """A free code goes before an example, an example before the origin."""
    example = int(digits_2d.codes.ids[5])
    assert scenes.pinned_z(digits_2d, (1.0, 2.0), example).tolist() == [1.0, 2.0]
    mu = digits_2d.codes.mu[5].tolist()
    assert scenes.pinned_z(digits_2d, None, example).tolist() == mu
    assert scenes.pinned_z(digits_2d, None, None).tolist() == [0.0, 0.0]
