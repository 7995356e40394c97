"""A teacher and two who follow, each with a page in a real browser."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from serving import ROOT
from visitor import FIRST, PICTURE, Visitor

pytestmark = pytest.mark.browser

SCRIPT = ROOT / "app" / "main.py"
LetIn = Callable[..., Visitor]


def open_room(teacher: Visitor) -> str:
    """Open a room; return its code."""
    teacher.button("Class").click()
    teacher.button("Open a room").click()
    return str(teacher.find(".lx-room header .lx-code").inner_text())


def following(page: Visitor, code: str) -> Visitor:
    """Wait until a page follows."""
    page.page.get_by_text(f"Following class {code}").wait_for()
    return page


def shows_as(teacher: Visitor, page: Visitor) -> bool:
    """Whether a page shows the teacher's picture at the teacher's place."""
    return page.picture() == teacher.picture() and page.caption() == teacher.caption()


def test_a_class_follows_leaves_and_returns(visitor: LetIn) -> None:
    """Pins, selections and pages reach those who follow; the teacher sees how many they are."""
    teacher = visitor().open("explore", "model=digits-2d")
    code = open_room(teacher)
    first = following(visitor().go(f"?follow={code.lower()}"), code)
    second = visitor().open("explore", "model=mnist-2d")
    second.button("Class").click()
    second.page.get_by_label("Code of a class").fill(code)
    second.button("Follow").click()
    following(second, code)
    for page in (first, second):
        page.page.wait_for_url("**model=digits-2d**")
        page.settle().page.wait_for_selector(PICTURE)
    teacher.page.get_by_text("2 following").first.wait_for()

    teacher.page.mouse.click(*teacher.on_map(0.3, 0.4))
    teacher.leave()
    assert "z = (0.00, 0.00)" not in teacher.caption()
    for page in (first, second):
        page.leave()
        assert page.eventually(lambda page=page: shows_as(teacher, page))  # type: ignore[misc]
        page.page.wait_for_url("**z=**")
    before = first.picture()
    first.move(0.7, 0.7)
    first.frames()
    assert first.picture() != before, "a follower's own pointer is free"
    teacher.button("Lasso").click()
    teacher.drag(".lx-stage", (0.4, 0.4), (0.6, 0.4), (0.6, 0.6), (0.4, 0.6), (0.4, 0.4))
    teacher.page.wait_for_url("**select=**")
    first.page.wait_for_url("**select=**")
    first.page.get_by_text("selected").first.wait_for()

    teacher.follow("manifold")
    for page in (first, second):
        page.page.wait_for_url("**/manifold**")
        page.page.wait_for_selector(FIRST["manifold"])
    assert "follow" not in teacher.page.url

    first.settle().button("Leave").click()
    first.page.get_by_text(f"You left class {code}").wait_for()
    teacher.page.get_by_text("1 following").first.wait_for()
    teacher.follow("decode")
    second.page.wait_for_url("**/decode**")
    assert "/manifold" in first.page.url
    first.button("Follow again").click()
    first.page.wait_for_url("**/decode**")

    teacher.page.reload()  # the tab still leads
    teacher.page.get_by_text("2 following").first.wait_for()
    teacher.settle().button("End class").click()
    for page in (first, second):
        page.page.get_by_text(f"Class {code} has ended").wait_for()
        page.settle()


def test_a_presentation_has_no_menus_and_ends_with_escape(visitor: LetIn) -> None:
    """Type and picture are larger, the sidebar is gone, and the link says so."""
    page = visitor().open("explore", "model=digits-2d")
    width = page.find(PICTURE).bounding_box()["width"]
    page.button("Present").click()
    page.page.wait_for_url("**present=1**")
    page.settle()
    page.page.locator('[data-testid="stSidebar"]').wait_for(state="hidden")
    assert page.find(PICTURE).bounding_box()["width"] > 1.2 * width
    page.key("Escape")
    page.page.locator('[data-testid="stSidebar"]').wait_for()
    assert page.eventually(lambda: "present" not in page.page.url)
