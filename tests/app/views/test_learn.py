"""The Learn page."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from app import address


@pytest.mark.parametrize("section", address.SECTIONS)
def test_each_section_of_the_learn_page_opens_by_its_address(
    open_page: Callable[..., AppTest], section: str
) -> None:
    """The three sections open without an exception or a notice, and have a heading."""
    page = open_page("learn", model="digits-2d", section=section)
    assert not page.exception
    assert not page.warning
    assert page.title[0].value == "Learn"
    assert page.subheader[0].value
