"""What the panel of the training in the page may send."""

from __future__ import annotations

import pytest

from app.components.training import LONGEST, read_settings


@pytest.mark.parametrize("value", [None, 3, "", ["digits"], "d" * (LONGEST + 1)])
def test_what_is_no_text_of_settings_is_ignored(value: object) -> None:
    """Only a text of bounded length is."""
    assert read_settings(value) is None


def test_a_text_of_settings_is_taken_as_it_is() -> None:
    """The address checks its words."""
    assert read_settings("digits_b4_500~nokl") == "digits_b4_500~nokl"
