"""The map under a mouse, a keyboard and fingers, in a real browser.

Served by ``benchmarks/ui_app.py``: the panels over a made-up set, with what the server heard
written on the page.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from serving import ROOT
from visitor import MAP, Place, Visitor

pytestmark = pytest.mark.browser

SCRIPT = ROOT / "benchmarks" / "ui_app.py"
Open = Callable[..., Visitor]


@pytest.fixture
def opened(visitor: Callable[..., Visitor]) -> Open:
    """Return a function that opens a page with the map."""

    def open_one(query: str = "n=2000", *, window: str = "desktop") -> Visitor:
        return visitor(window).go(f"?{query}", ".lx-picture.lx-ready", ".lx-legend button")

    return open_one


def test_picture_follows_the_pointer_and_returns(opened: Open) -> None:
    """Moving decodes there with nothing on the socket; leaving shows the pinned code again."""
    page = opened()
    page.quiet()
    pinned = page.picture()
    page.sent = 0
    page.move(0.02, 0.02)
    page.frames()
    corner = page.picture()
    page.move(0.9, 0.8)
    page.frames()
    assert len({pinned, corner, page.picture()}) == 3
    assert "Preview" in page.caption()
    page.leave()
    assert page.picture() == pinned
    assert "Selected point" in page.caption()
    page.quiet()
    assert page.sent == 0


def test_click_on_empty_space_pins_that_code(opened: Open) -> None:
    """The server hears the code, and it stays when the pointer leaves."""
    page = opened()
    before = page.picture()
    page.page.mouse.click(*page.on_map(0.02, 0.03))
    told = page.heard(lambda told: told["heard"] == 1)
    assert told["pinned_id"] is None
    page.leave()
    assert page.picture() != before


def test_map_is_busy_until_its_points_have_come(visitor: Callable[..., Visitor]) -> None:
    """It says so, also to a screen reader, and while they travel to another plane."""
    page = visitor()
    page.page.route(re.compile("/explorer/"), lambda route: None)
    page.page.goto(f"{page.address}/?n=2000")
    stage = page.page.locator(".lx-stage")
    stage.wait_for()
    assert page.eventually(lambda: page.says("Loading the map …"))
    assert stage.get_attribute("aria-busy") == "true"
    page.page.unroute_all()  # lets all go that waited
    assert page.eventually(lambda: stage.get_attribute("aria-busy") == "false")
    page.page.mouse.click(*page.on_map(0.02, 0.03))
    page.heard(lambda told: told["heard"] == 1)


def test_click_on_a_point_pins_its_example(opened: Open) -> None:
    """A point is pinned by its id, which is not its position."""
    page = opened()
    page.page.mouse.click(*page.on_map(0.5, 0.5))
    told = page.heard(lambda told: told["heard"] == 1)
    assert told["pinned_id"] >= 1000


def test_card_shows_the_example_after_a_rest(opened: Open) -> None:
    """The card names label, posterior, rate and distortion, and says what its picture is."""
    page = opened()
    card = page.page.locator(".lx-card")
    assert card.is_hidden()
    page.move(0.5, 0.5)
    assert page.eventually(card.is_visible)
    text = card.inner_text()
    for part in ("example", "Reconstruction", "±", "rate", "distortion"):
        assert part in text
    assert "Original" not in text
    page.leave()
    assert page.eventually(card.is_hidden)


def test_rerun_resets_neither_the_code_under_the_pointer_nor_the_camera(opened: Open) -> None:
    """What the person does with the map outlives what the server runs meanwhile."""
    page = opened()
    page.page.mouse.move(*page.on_map(0.5, 0.5))
    page.page.mouse.wheel(0, -500)
    page.heard(lambda told: told["camera"] is not None)
    camera = page.heard()["camera"]
    page.move(0.3, 0.4)
    page.frames()
    shown = page.picture()
    page.run_again()
    assert page.picture() == shown
    assert "Preview" in page.caption()
    assert page.heard()["camera"] == camera


def test_server_moves_the_code_when_it_means_to(opened: Open) -> None:
    """A new version from Python is taken over, after the person's own pin."""
    page = opened()
    page.page.mouse.click(*page.on_map(0.02, 0.03))
    page.heard(lambda told: told["heard"] == 1)
    page.button("Go to the origin").click()
    page.heard(lambda told: told["z"] == [0, 0])
    assert page.eventually(lambda: "z = (0.00, 0.00)" in page.caption())


def test_lasso_sends_its_corners_and_escape_clears(opened: Open) -> None:
    """Shift and drag selects; only corners go up; Escape lets go."""
    page = opened()
    page.page.keyboard.down("Shift")
    page.drag(MAP, (0.3, 0.3), (0.7, 0.3), (0.7, 0.7), (0.3, 0.7), (0.3, 0.35))
    page.page.keyboard.up("Shift")
    told = page.heard(lambda told: told["corners"] > 0)
    assert 4 <= told["corners"] <= 12
    assert "selected" in page.page.locator(".lx-status").inner_text()
    page.key("Escape")
    page.heard(lambda told: told["corners"] == 0)
    assert page.page.locator(".lx-status").is_hidden()


def test_box_tool_selects(opened: Open) -> None:
    """With the tool chosen, a drag is a box of four corners."""
    page = opened()
    page.button("Box").click()
    page.drag(MAP, (0.35, 0.35), (0.6, 0.6))
    assert page.heard(lambda told: told["corners"] > 0)["corners"] == 4


def test_drag_pans_and_sends_the_camera_once_it_rests(opened: Open) -> None:
    """The camera goes up on release; its height stays."""
    page = opened()
    page.drag(MAP, (0.5, 0.5), (0.7, 0.5))
    first = page.heard(lambda told: told["camera"] is not None)["camera"]
    page.drag(MAP, (0.5, 0.5), (0.5, 0.7))
    told = page.heard(lambda told: told["camera"] != first)["camera"]
    assert told["height"] == pytest.approx(first["height"])
    assert told["y"] > first["y"]
    assert page.heard()["heard"] == 0


def test_keyboard_moves_pins_and_zooms(opened: Open) -> None:
    """Arrows move the code, Enter pins it, plus zooms, 0 shows all again."""
    page = opened()
    page.find(MAP).focus()
    before = page.picture()
    page.key("ArrowRight")
    page.key("Shift+ArrowUp")
    page.frames()
    assert page.picture() != before
    page.key("Enter")
    z = page.heard(lambda told: told["heard"] == 1)["z"]
    assert z[0] > 0.5
    assert z[1] > -0.5
    page.key("+")
    near = page.heard(lambda told: told["camera"] is not None)["camera"]
    page.key("0")
    page.heard(lambda told: told["camera"]["height"] > near["height"])


def test_code_has_a_name_for_screen_readers(opened: Open) -> None:
    """A live text tells the code and the nearest label."""
    page = opened()
    page.move(0.5, 0.5)
    live = page.find(".lx-map [aria-live=polite]")
    assert page.eventually(lambda: "z = (" in live.inner_text())
    assert "nearest:" in live.inner_text()


def test_legend_switches_a_class_off(opened: Open) -> None:
    """By keyboard too; the button says its state and keeps the focus."""
    page = opened()
    button = page.page.locator(".lx-legend button").nth(3)
    button.focus()
    page.key("Enter")
    page.heard(lambda told: told["hidden"] == [3])
    assert button.get_attribute("aria-pressed") == "false"
    page.key("Enter")
    page.heard(lambda told: told["hidden"] == [])


def test_map_without_inverse_shows_real_codes(opened: Open) -> None:
    """Empty space of a t-SNE map shows the nearest example and pins it, and the map says so."""
    page = opened("n=2000&d=5&projection=tsne")
    assert "cannot be decoded" in page.page.locator(".lx-hint").inner_text()
    assert page.page.locator(".lx-fade").is_hidden()
    page.page.mouse.click(*page.on_map(0.02, 0.03))
    assert page.heard(lambda told: told["heard"] == 1)["pinned_id"] >= 1000


def test_principal_plane_decodes_empty_space(opened: Open) -> None:
    """PCA is linear: every place has a code, which lies on the plane."""
    page = opened("n=2000&d=5&projection=pca")
    page.page.mouse.click(*page.on_map(0.02, 0.03))
    told = page.heard(lambda told: told["heard"] == 1)
    assert told["pinned_id"] is None
    assert told["z"][2:] == [0, 0, 0]


def swipe(page: Visitor, start: Place, *others: Place) -> None:
    """Put a finger down, move it from place to place, and lift it."""
    page.touch(MAP, "touchStart", start)
    for place in others:
        page.touch(MAP, "touchMove", place)
        page.frames(1)
    page.touch(MAP, "touchEnd")


def scrolled(page: Visitor) -> float:
    """Return how far the page is scrolled."""
    return float(page.page.evaluate("document.querySelector('[data-testid=stMain]').scrollTop"))


def test_one_finger_drags_the_code_sideways_and_two_zoom(opened: Open) -> None:
    """A finger's code is pinned when it is lifted; a pinch pins nothing and scrolls nothing."""
    page = opened(window="phone")
    page.touch(MAP, "touchStart", (0.3, 0.4))
    page.touch(MAP, "touchMove", (0.4, 0.4))
    page.touch(MAP, "touchMove", (0.5, 0.45))
    page.frames()
    assert "Preview" in page.caption()
    page.touch(MAP, "touchEnd")
    page.heard(lambda told: told["heard"] == 1)
    page.touch(MAP, "touchStart", (0.4, 0.5))
    page.touch(MAP, "touchStart", (0.4, 0.5), (0.6, 0.5))
    page.touch(MAP, "touchMove", (0.3, 0.5), (0.7, 0.5))
    page.touch(MAP, "touchMove", (0.2, 0.5), (0.8, 0.5))
    page.touch(MAP, "touchEnd")
    page.heard(lambda told: told["camera"] is not None)
    assert page.heard()["heard"] == 1
    assert scrolled(page) == 0


def test_one_finger_scrolls_the_page_over_the_map_unless_a_tool_is_chosen(opened: Open) -> None:
    """It pins and moves nothing; with the tool it draws, and the page stays."""
    page = opened(window="phone")
    up = [(0.5, 0.6 - 0.05 * step) for step in range(8)]
    swipe(page, *up)
    assert page.eventually(lambda: scrolled(page) > 40)
    page.quiet()
    told = page.heard()
    assert (told["heard"], told["camera"]) == (0, None)
    page.button("Box").tap()
    page.page.evaluate("document.querySelector('[data-testid=stMain]').scrollTo(0, 0)")
    page.quiet()
    before = scrolled(page)
    swipe(page, *[(0.6 - 0.04 * step, place[1]) for step, place in enumerate(up)])
    assert page.heard(lambda told: told["corners"] > 0)["corners"] == 4
    assert abs(scrolled(page) - before) <= 1


def test_a_finger_that_rests_shows_the_card_and_then_drags_the_code(opened: Open) -> None:
    """It stays on the point: the card shows. It goes on, upwards too: the page does not scroll."""
    page = opened(window="phone")
    card = page.page.locator(".lx-card")
    page.touch(MAP, "touchStart", (0.5, 0.5))
    assert page.eventually(card.is_visible)
    page.touch(MAP, "touchEnd")
    page.heard(lambda told: told["heard"] == 1)
    page.quiet()
    assert card.is_visible()
    page.touch(MAP, "touchStart", (0.5, 0.5))
    page.quiet()
    before = page.picture()
    for step in range(6):
        page.touch(MAP, "touchMove", (0.5, 0.5 - 0.07 * step))
        page.frames(1)
    page.frames()
    assert page.picture() != before
    page.touch(MAP, "touchEnd")
    page.heard(lambda told: told["heard"] == 2)
    assert scrolled(page) == 0
    page.touch(MAP, "touchStart", (0.02, 0.02))
    page.touch(MAP, "touchEnd")
    page.heard(lambda told: told["heard"] == 3)
    assert card.is_hidden()


def test_nothing_is_wider_than_a_small_screen(opened: Open) -> None:
    """At 400 pixels nothing sticks out, and buttons are large enough for a finger."""
    page = opened(window="phone")
    assert page.page.evaluate("document.documentElement.scrollWidth") <= 400
    for button in page.page.locator(".lx-map button:visible").all():
        box = button.bounding_box()
        assert min(box["width"], box["height"]) >= 44
