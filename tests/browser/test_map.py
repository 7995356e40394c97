"""The map under a mouse, a keyboard and fingers, in a real browser.

Served by ``benchmarks/ui_app.py``: the panels over a made-up set, with what the server heard
written on the page.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
import ui

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytestmark = pytest.mark.browser

Place = tuple[float, float]


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Serve the panels for the tests of this module."""
    with ui.served() as address:
        yield address


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Start a browser, or skip and say so."""
    path = ui.browser_path()
    if path is None:
        pytest.skip("no Chromium is installed; set CHROMIUM to its path")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=path, args=ui.ARGUMENTS)
        yield browser
        browser.close()


class Map:
    """A page with the map, and what a person does there."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.problems: list[str] = []
        page.on("pageerror", lambda error: self.problems.append(str(error)))
        page.on("console", self._note)

    def _note(self, message: Any) -> None:
        if message.type == "error":
            self.problems.append(message.text)

    def open(self, address: str) -> Map:
        """Go to the page and wait until the map is drawn."""
        self.page.goto(address)
        self.page.wait_for_selector(".lx-picture.lx-ready", timeout=60_000)
        self.page.wait_for_selector(".lx-legend button", timeout=60_000)
        self.settle()
        return self

    def settle(self) -> None:
        """Let frames and timers pass."""
        self.page.wait_for_timeout(450)

    def at(self, across: float, down: float) -> Place:
        """Return a place of the drawing, in shares of its sides, as a place of the window."""
        box = self.page.locator(".lx-stage canvas[tabindex]").bounding_box()
        return box["x"] + across * box["width"], box["y"] + down * box["height"]

    def move(self, across: float, down: float) -> None:
        """Move the mouse there."""
        self.page.mouse.move(*self.at(across, down), steps=3)

    def drag(self, *places: Place) -> None:
        """Press at the first place, go through the others, release at the last."""
        self.page.mouse.move(*self.at(*places[0]))
        self.page.mouse.down()
        for place in places[1:]:
            self.page.mouse.move(*self.at(*place), steps=5)
        self.page.mouse.up()

    def key(self, name: str) -> None:
        """Press a key."""
        self.page.keyboard.press(name)

    def touch(self, kind: str, *places: Place) -> None:
        """Send what a touch screen sends."""
        points = [dict(zip("xy", self.at(*place), strict=True)) for place in places]
        self._fingers.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    @cached_property
    def _fingers(self) -> Any:
        return self.page.context.new_cdp_session(self.page)

    def picture(self) -> int:
        """Return a number that changes with the picture."""
        return int(
            self.page.evaluate(
                """() => {
                  const find = (root, what) => {
                    for (const node of root.querySelectorAll("*")) {
                      if (node.matches(what)) return node;
                      const inner = node.shadowRoot && find(node.shadowRoot, what);
                      if (inner) return inner;
                    }
                  };
                  const canvas = find(document, ".lx-picture canvas");
                  const { data } = canvas.getContext("2d")
                    .getImageData(0, 0, canvas.width, canvas.height);
                  return data.reduce((sum, value, i) => (sum * 31 + value * (i % 7)) % 1000003, 7);
                }"""
            )
        )

    def caption(self) -> str:
        """Return what is written below the picture."""
        return str(self.page.locator(".lx-picture figcaption").inner_text())

    def heard(self) -> dict[str, Any]:
        """Return what the server knows."""
        told: dict[str, Any] = json.loads(self.page.locator('[data-testid="stCode"]').inner_text())
        return told

    def wait_heard(self, check: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Wait until the server knows something."""
        for _ in range(60):
            told = self.heard()
            if check(told):
                return told
            self.page.wait_for_timeout(100)
        raise AssertionError(f"the server knows only {self.heard()}")


Open = Callable[..., Map]


@pytest.fixture(scope="module")
def profiles(browser: Any) -> dict[str, Any]:
    """Profiles that tests share, so that the app's own files are fetched once."""
    desktop = browser.new_context(viewport={"width": 1280, "height": 900})
    phone = browser.new_context(viewport={"width": 400, "height": 860}, has_touch=True)
    return {"desktop": desktop, "phone": phone}


@pytest.fixture
def opened(profiles: dict[str, Any], address: str) -> Iterator[Open]:
    """Open pages, each a session of its own; none may report a problem."""
    maps: list[Map] = []

    def open_one(query: str = "n=2000", *, profile: str = "desktop") -> Map:
        one = Map(profiles[profile].new_page())
        maps.append(one)
        return one.open(f"{address}/?{query}")

    yield open_one
    for one in maps:
        one.page.close()
        assert one.problems == []


def test_picture_follows_the_pointer_and_returns(opened: Open) -> None:
    """Moving decodes there with nothing on the socket; leaving shows the pinned code again."""
    page = opened()
    pinned = page.picture()
    frames: list[Any] = []
    session = page.page.context.new_cdp_session(page.page)
    session.send("Network.enable")
    session.on("Network.webSocketFrameSent", lambda frame: frames.append(frame))
    page.move(0.02, 0.02)
    page.settle()
    corner = page.picture()
    page.move(0.9, 0.8)
    page.settle()
    assert len({pinned, corner, page.picture()}) == 3
    assert "Under the pointer" in page.caption()
    page.page.mouse.move(2, 2)
    page.settle()
    assert page.picture() == pinned
    assert "Pinned" in page.caption()
    assert frames == []


def test_click_on_empty_space_pins_that_code(opened: Open) -> None:
    """The server hears the code, and it stays when the pointer leaves."""
    page = opened()
    before = page.picture()
    page.page.mouse.click(*page.at(0.02, 0.03))
    told = page.wait_heard(lambda told: told["heard"] == 1)
    assert told["pinned_id"] is None
    page.page.mouse.move(2, 2)
    page.settle()
    assert page.picture() != before


def test_click_on_a_point_pins_its_example(opened: Open) -> None:
    """A point is pinned by its id, which is not its position."""
    page = opened()
    page.page.mouse.click(*page.at(0.5, 0.5))
    told = page.wait_heard(lambda told: told["heard"] == 1)
    assert told["pinned_id"] >= 1000


def test_card_shows_the_example_after_a_rest(opened: Open) -> None:
    """The card names label, posterior, rate and distortion, and says what its picture is."""
    page = opened()
    card = page.page.locator(".lx-card")
    assert card.is_hidden()
    page.move(0.5, 0.5)
    page.settle()
    text = card.inner_text()
    for part in ("example", "Reconstruction", "±", "rate", "distortion"):
        assert part in text
    assert "Original" not in text
    page.page.mouse.move(2, 2)
    page.page.wait_for_timeout(600)
    assert card.is_hidden()


def test_rerun_during_a_move_changes_nothing(opened: Open) -> None:
    """Neither the code under the pointer nor the camera is reset by the server."""
    page = opened()
    page.page.mouse.move(*page.at(0.5, 0.5))
    page.page.mouse.wheel(0, -500)
    page.wait_heard(lambda told: told["camera"] is not None)
    camera = page.heard()["camera"]
    page.move(0.3, 0.4)
    page.settle()
    shown = page.picture()
    # Pressed by script: the mouse stays where it is.
    page.page.evaluate(
        """[...document.querySelectorAll("button")]
          .find((button) => button.innerText.includes("Run again")).click()"""
    )
    page.settle()
    assert page.picture() == shown
    assert "Under the pointer" in page.caption()
    assert page.heard()["camera"] == camera


def test_server_moves_the_code_when_it_means_to(opened: Open) -> None:
    """A new version from Python is taken over, after the person's own pin."""
    page = opened()
    page.page.mouse.click(*page.at(0.02, 0.03))
    page.wait_heard(lambda told: told["heard"] == 1)
    page.page.get_by_text("Go to the origin").click()
    page.wait_heard(lambda told: told["z"] == [0, 0])
    page.settle()
    assert "z = (0.00, 0.00)" in page.caption()


def test_lasso_sends_its_corners_and_escape_clears(opened: Open) -> None:
    """Shift and drag selects; only corners go up; Escape lets go."""
    page = opened()
    page.page.keyboard.down("Shift")
    page.drag((0.3, 0.3), (0.7, 0.3), (0.7, 0.7), (0.3, 0.7), (0.3, 0.35))
    page.page.keyboard.up("Shift")
    told = page.wait_heard(lambda told: told["corners"] > 0)
    assert 4 <= told["corners"] <= 12
    assert "selected" in page.page.locator(".lx-status").inner_text()
    page.key("Escape")
    page.wait_heard(lambda told: told["corners"] == 0)
    assert page.page.locator(".lx-status").is_hidden()


def test_box_tool_selects(opened: Open) -> None:
    """With the tool chosen, a drag is a box of four corners."""
    page = opened()
    page.page.get_by_role("button", name="Box").click()
    page.drag((0.35, 0.35), (0.6, 0.6))
    assert page.wait_heard(lambda told: told["corners"] > 0)["corners"] == 4


def test_drag_pans_and_sends_the_camera_once_it_rests(opened: Open) -> None:
    """The camera goes up on release; its height stays."""
    page = opened()
    page.drag((0.5, 0.5), (0.7, 0.5))
    first = page.wait_heard(lambda told: told["camera"] is not None)["camera"]
    page.drag((0.5, 0.5), (0.5, 0.7))
    told = page.wait_heard(lambda told: told["camera"] != first)["camera"]
    assert told["height"] == pytest.approx(first["height"])
    assert told["y"] > first["y"]
    assert page.heard()["heard"] == 0


def test_keyboard_moves_pins_and_zooms(opened: Open) -> None:
    """Arrows move the code, Enter pins it, plus zooms, 0 shows all again."""
    page = opened()
    page.page.locator(".lx-stage canvas[tabindex]").focus()
    before = page.picture()
    page.key("ArrowRight")
    page.key("Shift+ArrowUp")
    page.settle()
    assert page.picture() != before
    page.key("Enter")
    z = page.wait_heard(lambda told: told["heard"] == 1)["z"]
    assert z[0] > 0.5
    assert z[1] > -0.5
    page.key("+")
    near = page.wait_heard(lambda told: told["camera"] is not None)["camera"]
    page.key("0")
    page.wait_heard(lambda told: told["camera"]["height"] > near["height"])


def test_code_is_told_to_screen_readers(opened: Open) -> None:
    """A live text tells the code and the nearest label."""
    page = opened()
    page.move(0.5, 0.5)
    page.page.wait_for_timeout(900)
    live = page.page.locator(".lx-map [aria-live=polite]").inner_text()
    assert "z = (" in live
    assert "nearest:" in live


def test_legend_switches_a_class_off(opened: Open) -> None:
    """By keyboard too; the button says its state and keeps the focus."""
    page = opened()
    button = page.page.locator(".lx-legend button").nth(3)
    button.focus()
    page.key("Enter")
    page.wait_heard(lambda told: told["hidden"] == [3])
    assert button.get_attribute("aria-pressed") == "false"
    page.key("Enter")
    page.wait_heard(lambda told: told["hidden"] == [])


def test_map_without_inverse_shows_real_codes(opened: Open) -> None:
    """Empty space of a t-SNE map shows the nearest example and pins it, and the map says so."""
    page = opened("n=2000&d=5&projection=tsne")
    assert "No inverse" in page.page.locator(".lx-hint").inner_text()
    assert page.page.locator(".lx-fade").is_hidden()
    page.page.mouse.click(*page.at(0.02, 0.03))
    assert page.wait_heard(lambda told: told["heard"] == 1)["pinned_id"] >= 1000


def test_principal_plane_decodes_empty_space(opened: Open) -> None:
    """PCA is linear: every place has a code, which lies on the plane."""
    page = opened("n=2000&d=5&projection=pca")
    page.page.mouse.click(*page.at(0.02, 0.03))
    told = page.wait_heard(lambda told: told["heard"] == 1)
    assert told["pinned_id"] is None
    assert told["z"][2:] == [0, 0, 0]


def test_one_finger_drags_the_code_and_two_zoom(opened: Open) -> None:
    """A finger's code is pinned when it is lifted; a pinch pins nothing."""
    page = opened(profile="phone")
    page.touch("touchStart", (0.3, 0.3))
    page.touch("touchMove", (0.4, 0.4))
    page.touch("touchMove", (0.5, 0.45))
    page.settle()
    assert "Under the pointer" in page.caption()
    page.touch("touchEnd")
    page.wait_heard(lambda told: told["heard"] == 1)
    page.touch("touchStart", (0.4, 0.5))
    page.touch("touchStart", (0.4, 0.5), (0.6, 0.5))
    page.touch("touchMove", (0.3, 0.5), (0.7, 0.5))
    page.touch("touchMove", (0.2, 0.5), (0.8, 0.5))
    page.touch("touchEnd")
    page.wait_heard(lambda told: told["camera"] is not None)
    assert page.heard()["heard"] == 1


def test_two_sessions_do_not_see_each_other(opened: Open) -> None:
    """A pin in one browser stays there."""
    one, other = opened(), opened()
    before = other.picture()
    one.page.mouse.click(*one.at(0.02, 0.03))
    one.wait_heard(lambda told: told["heard"] == 1)
    other.page.get_by_text("Run again").click()
    other.settle()
    assert other.heard()["heard"] == 0
    assert other.picture() == before


def test_nothing_is_wider_than_a_small_screen(opened: Open) -> None:
    """At 400 pixels nothing sticks out, and buttons are large enough for a finger."""
    page = opened(profile="phone")
    assert page.page.evaluate("document.documentElement.scrollWidth") <= 400
    for button in page.page.locator(".lx-map button:visible").all():
        box = button.bounding_box()
        assert min(box["width"], box["height"]) >= 44
