"""Sliders, manifold grid, drawing pad and morphs under mouse, keyboard and finger.

Served by ``controls_app.py``: one panel a page, with what the server heard written below.
"""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
import ui

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytestmark = pytest.mark.browser

#: Finds an element through the shadow roots that Streamlit gives to components.
FIND = """(selector) => {
  const find = (root) => {
    for (const node of root.querySelectorAll("*")) {
      if (node.matches(selector)) return node;
      const inner = node.shadowRoot && find(node.shadowRoot);
      if (inner) return inner;
    }
  };
  const canvas = find(document);
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  return data.reduce((sum, value, i) => (sum * 31 + value * (i % 7)) % 1000003, 7);
}"""


class Panel:
    """A page with one panel, and what a person does there."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.problems: list[str] = []
        self.sent = 0
        page.on("pageerror", lambda error: self.problems.append(str(error)))
        page.on("websocket", lambda socket: socket.on("framesent", self._count))

    def _count(self, frame: Any) -> None:
        self.sent += 1

    def open(self, address: str, ready: str) -> Panel:
        """Go to the page and wait until panel and picture are drawn."""
        self.page.goto(address)
        self.page.wait_for_selector(".lx-picture.lx-ready", timeout=60_000)
        self.page.wait_for_selector(ready, timeout=60_000)
        self.settle()
        return self

    def settle(self) -> None:
        """Let frames and timers pass."""
        self.page.wait_for_timeout(450)

    def find(self, selector: str, index: int = 0) -> Any:
        """Return an element of the panel."""
        return self.page.locator(selector).nth(index)

    def at(self, selector: str, across: float, down: float, index: int = 0) -> tuple[float, float]:
        """Return a place of an element, in shares of its sides, as a place of the window."""
        box = self.find(selector, index).bounding_box()
        return box["x"] + across * box["width"], box["y"] + down * box["height"]

    def picture(self, selector: str = ".lx-picture canvas") -> int:
        """Return a number that changes with what a canvas shows."""
        return int(self.page.evaluate(FIND, selector))

    def heard(self, check: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Wait until the server knows something."""
        told: dict[str, Any] = {}
        for _ in range(60):
            told = json.loads(self.page.locator('[data-testid="stCode"]').inner_text())
            if check(told):
                return told
            self.page.wait_for_timeout(100)
        raise AssertionError(f"the server knows only {told}")

    def download(self, button: str) -> bytes:
        """Press a button and return the file that it makes."""
        with self.page.expect_download() as waiting:
            self.page.get_by_role("button", name=button).click()
        return Path(waiting.value.path()).read_bytes()


Open = Callable[..., Panel]
READY = {
    "sliders": ".lx-dim input",
    "manifold": ".lx-manifold[aria-busy=false]",
    "pad": ".lx-pad:not(.lx-waiting)",
    "strip": ".lx-playhead",
}


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Serve the panels for the tests of this module."""
    with ui.served(Path(__file__).with_name("controls_app.py")) as address:
        yield address


@pytest.fixture(scope="module")
def profiles() -> Iterator[dict[str, Any]]:
    """Start a browser with two profiles, or skip and say so."""
    path = ui.browser_path()
    if path is None:
        pytest.skip("no Chromium is installed; set CHROMIUM to its path")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=path, args=ui.ARGUMENTS)
        desktop = browser.new_context(viewport={"width": 1280, "height": 1200})
        phone = browser.new_context(viewport={"width": 400, "height": 860}, has_touch=True)
        yield {"desktop": desktop, "phone": phone}
        browser.close()


@pytest.fixture
def opened(profiles: dict[str, Any], address: str) -> Iterator[Open]:
    """Open pages, each a session of its own; none may report a problem."""
    pages: list[Panel] = []

    def open_one(panel: str, *, d: int = 2, profile: str = "desktop") -> Panel:
        one = Panel(profiles[profile].new_page())
        pages.append(one)
        return one.open(f"{address}/?panel={panel}&d={d}", READY[panel])

    yield open_one
    for one in pages:
        one.page.close()
        assert one.problems == []


def test_picture_follows_a_slider_and_the_server_hears_the_release(opened: Open) -> None:
    """While a slider moves nothing is sent; on release one code is."""
    page = opened("sliders")
    pictures = [page.picture()]
    page.page.mouse.move(*page.at(".lx-dim input", 0.5, 0.5))
    page.page.mouse.down()
    page.settle()
    page.sent = 0
    for across in (0.6, 0.7, 0.8, 0.9):
        page.page.mouse.move(*page.at(".lx-dim input", across, 0.5), steps=4)
        page.page.wait_for_timeout(60)
        pictures.append(page.picture())
    assert len(set(pictures)) == 5
    assert page.sent == 0
    page.page.mouse.up()
    told = page.heard(lambda told: told["pins"] == 1)
    assert 2.8 < told["z"][0] < 3.6
    assert told["z"][1] == -0.5


def test_rerun_in_the_middle_of_a_drag_moves_nothing(opened: Open) -> None:
    """A script run while the pointer is down leaves slider and picture where they are."""
    page = opened("sliders")
    page.page.mouse.move(*page.at(".lx-dim input", 0.5, 0.5))
    page.page.mouse.down()
    page.page.mouse.move(*page.at(".lx-dim input", 0.85, 0.5), steps=4)
    page.settle()
    before = page.picture(), page.find(".lx-dim output").inner_text()
    page.page.get_by_role("button", name="Run again").evaluate("button => button.click()")
    page.page.wait_for_timeout(900)
    assert (page.picture(), page.find(".lx-dim output").inner_text()) == before
    page.page.mouse.up()
    assert page.heard(lambda told: told["pins"] == 1)["z"][0] > 2


def test_sliders_by_keyboard_reset_draw_and_undo(opened: Open) -> None:
    """Arrows step by a tenth, Home and End go to the ends; every choice can be undone."""
    page = opened("sliders")
    page.find(".lx-dim input").focus()
    for key in ("ArrowRight", "ArrowUp", "Shift+ArrowRight", "ArrowLeft"):
        page.page.keyboard.press(key)
    told = page.heard(lambda told: told["pins"] == 1)
    assert told["z"][0] == pytest.approx(1.1, abs=1e-6)
    page.page.keyboard.press("End")
    assert page.heard(lambda told: told["pins"] == 2)["z"][0] == 4
    page.find(".lx-dim input").dblclick()
    page.heard(lambda told: told["z"][0] == 0)
    page.page.get_by_role("button", name="Draw from the prior").click()
    drawn = page.heard(lambda told: told["z"][1] != -0.5)["z"]
    page.page.get_by_role("button", name="Reset all").click()
    page.heard(lambda told: told["z"] == [0, 0])
    page.page.get_by_role("button", name="Undo").click()
    assert page.heard(lambda told: told["z"] != [0, 0])["z"] == drawn


def test_dimensions_are_sorted_by_kl_and_the_dead_are_folded_away(opened: Open) -> None:
    """Two hundred dimensions scroll within the panel; those without information are counted."""
    page = opened("sliders", d=200)
    assert page.find(".lx-dims > .lx-dim b").inner_text() == "z₁"
    assert page.page.locator(".lx-dims > .lx-dim").count() == 6
    summary = page.find(".lx-dims summary")
    assert summary.inner_text().startswith("194 inactive")
    summary.click()
    assert page.find(".lx-dims details .lx-dim input").is_visible()
    assert page.find(".lx-sliders").bounding_box()["height"] < 1000


def test_traversal_and_change_follow_the_dimension_that_is_looked_at(opened: Open) -> None:
    """Focus on another dimension shows its pictures and the pixels that it changes."""
    page = opened("sliders")
    strip, change = page.picture(".lx-traversal-strip canvas"), page.picture(".lx-change")
    page.find(".lx-dim input", 1).focus()
    page.settle()
    assert page.find(".lx-traversal-title").inner_text() == "z₂"
    assert page.picture(".lx-traversal-strip canvas") != strip
    assert page.picture(".lx-change") != change
    page.page.mouse.click(*page.at(".lx-traversal-strip canvas", 0.99, 0.5))
    assert page.heard(lambda told: told["pins"] == 1)["z"] == [0.5, 3]


def test_python_can_move_the_sliders(opened: Open) -> None:
    """A code with a new version is taken over by slider and picture."""
    page = opened("sliders")
    before = page.picture()
    page.page.get_by_role("button", name="Go to the origin").click()
    page.heard(lambda told: told["z"] == [0, 0])
    page.settle()
    assert page.find(".lx-dim output").inner_text() == "0.00"
    assert page.picture() != before


def test_grid_decodes_under_the_pointer_and_pins_on_a_click(opened: Open) -> None:
    """Hovering shows a cell with nothing sent; a click pins Φ⁻¹ of its quantiles."""
    page = opened("manifold")
    pinned = page.picture()
    page.sent = 0
    place = page.at(".lx-manifold-grid canvas", 0.5 / 8, 0.5 / 8)
    page.page.mouse.move(*place)
    page.settle()
    assert page.picture() != pinned
    assert page.find(".lx-position").inner_text().split() == ["z₁", "−1.53", "z₂", "1.53"]
    page.page.mouse.move(2, 2)
    page.settle()
    assert page.picture() == pinned
    assert page.sent == 0
    page.page.mouse.click(*place)
    told = page.heard(lambda told: told["pins"] == 1)
    assert told["z"] == pytest.approx([-1.5341, 1.5341], abs=1e-3)


def test_grid_by_keyboard(opened: Open) -> None:
    """Arrows move by one cell from the pinned one, Escape returns, Enter pins."""
    page = opened("manifold")
    pinned = page.picture()
    grid = page.find(".lx-manifold-grid canvas")
    grid.focus()
    page.page.keyboard.press("ArrowUp")
    page.settle()
    assert page.picture() != pinned
    page.page.keyboard.press("Escape")
    page.settle()
    assert page.picture() == pinned
    for key in ("Home", "PageDown", "ArrowRight", "Enter"):
        page.page.keyboard.press(key)
    told = page.heard(lambda told: told["pins"] == 1)
    assert told["z"] == pytest.approx([-0.8871, -1.5341], abs=1e-3)


def test_grid_has_as_many_pictures_as_asked_and_prints_large(opened: Open) -> None:
    """The side changes at once, the server hears it on release; the PNG is 300 dpi, ≥ 2400 px."""
    page = opened("manifold")
    before = page.picture(".lx-manifold-grid canvas")
    page.find(".lx-field input").focus()
    page.page.keyboard.press("End")
    page.page.wait_for_selector(".lx-manifold[aria-busy=false]")
    page.settle()
    assert page.picture(".lx-manifold-grid canvas") != before
    page.heard(lambda told: told["n"] == 30)
    with Image.open(io.BytesIO(page.download("Save PNG for print"))) as png:
        assert min(png.size) >= 2400
        assert png.size[0] % (30 * 28) == 0
        assert png.info["dpi"] == pytest.approx((300, 300), abs=0.01)


def draw(page: Panel, *places: tuple[float, float]) -> None:
    """Draw a stroke with the mouse, places in shares of the sheet."""
    page.page.mouse.move(*page.at(".lx-sheet", *places[0]))
    page.page.mouse.down()
    for place in places[1:]:
        page.page.mouse.move(*page.at(".lx-sheet", *place), steps=5)


def test_code_follows_the_pen_and_the_server_hears_the_stroke(opened: Open) -> None:
    """While the pen is down the picture follows with nothing sent; then 784 bytes go up."""
    page = opened("pad")
    before = page.picture()
    draw(page, (0.3, 0.2), (0.7, 0.25))
    page.settle()
    page.sent = 0
    first = page.picture()
    page.page.mouse.move(*page.at(".lx-sheet", 0.4, 0.8), steps=6)
    page.settle()
    assert len({before, first, page.picture()}) == 3
    assert page.sent == 0
    page.page.mouse.up()
    told = page.heard(lambda told: told.get("ink", 0) > 0)
    assert 5_000 < told["ink"] < 60_000
    assert told["z"] != [0.5, -0.5]


def test_strokes_are_undone_redone_and_cleared(opened: Open) -> None:
    """By buttons and by keys; an empty sheet is told to the server."""
    page = opened("pad")
    draw(page, (0.3, 0.2), (0.7, 0.25))
    page.page.mouse.up()
    one = page.heard(lambda told: told.get("ink", 0) > 0)["ink"]
    draw(page, (0.5, 0.3), (0.4, 0.8))
    page.page.mouse.up()
    both = page.heard(lambda told: told["ink"] not in (0, one))["ink"]
    page.page.get_by_role("button", name="Undo").click()
    page.heard(lambda told: told["ink"] == one)
    page.find(".lx-sheet").focus()
    page.page.keyboard.press("Control+Shift+Z")
    page.heard(lambda told: told["ink"] == both)
    page.page.keyboard.press("Delete")
    page.heard(lambda told: told["ink"] == 0)
    page.page.keyboard.press("Control+z")
    page.heard(lambda told: told["ink"] == both)


def test_pad_by_keyboard(opened: Open) -> None:
    """The space bar lowers and lifts a pen that the arrows move."""
    page = opened("pad")
    page.find(".lx-sheet").focus()
    for key in ("ArrowUp", " ", "Shift+ArrowDown", "Shift+ArrowDown", "ArrowRight", " "):
        page.page.keyboard.press(key)
    assert page.heard(lambda told: told.get("ink", 0) > 0)


def test_pad_with_a_finger_at_400_pixels(opened: Open) -> None:
    """A finger draws instead of scrolling, and nothing is wider than the screen."""
    page = opened("pad", profile="phone")
    fingers = page.page.context.new_cdp_session(page.page)
    page.find(".lx-sheet").scroll_into_view_if_needed()
    top = page.page.evaluate("scrollY")

    def touch(kind: str, *places: tuple[float, float]) -> None:
        points = [dict(zip("xy", page.at(".lx-sheet", *place), strict=True)) for place in places]
        fingers.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    touch("touchStart", (0.3, 0.2))
    for step in range(8):
        touch("touchMove", (0.3 + 0.05 * step, 0.2 + 0.07 * step))
    touch("touchEnd")
    assert page.heard(lambda told: told.get("ink", 0) > 0)
    assert page.page.evaluate("scrollY") == top
    assert page.page.evaluate("document.documentElement.scrollWidth") <= 400


def test_path_is_scrubbed_without_the_server_and_pinned_on_release(opened: Open) -> None:
    """The picture follows along the strip; letting go at the end pins the last code."""
    page = opened("strip")
    page.page.mouse.move(*page.at(".lx-path-strip canvas", 0.02, 0.5))
    page.page.mouse.down()
    page.settle()
    page.sent = 0
    pictures = []
    for across in (0.2, 0.5, 0.99):
        page.page.mouse.move(*page.at(".lx-path-strip canvas", across, 0.5), steps=4)
        page.settle()
        pictures.append(page.picture())
    assert len(set(pictures)) == 3
    assert page.sent == 0
    page.page.mouse.up()
    told = page.heard(lambda told: told["pins"] == 1)
    assert told["z"] == pytest.approx([0.5, -1.0])
    assert page.find(".lx-spark output").inner_text().endswith("nats")
    assert float(page.find(".lx-spark output", 1).inner_text()) > 0


def test_cards_are_dragged_and_picked_into_arithmetic(opened: Open) -> None:
    """By drag, by click and by keyboard; the result can be pinned and its step kept."""
    page = opened("strip")
    page.page.mouse.move(*page.at(".lx-code-card", 0.5, 0.5))
    page.page.mouse.down()
    page.page.mouse.move(*page.at(".lx-place", 0.5, 0.5, 4), steps=5)
    page.page.mouse.up()
    page.heard(lambda told: told.get("terms") == [0, None, None])
    page.find(".lx-code-card", 1).click()
    page.find(".lx-place", 5).click()
    page.heard(lambda told: told["terms"] == [0, 1, None])
    page.find(".lx-code-card", 2).focus()
    page.page.keyboard.press("Enter")
    page.find(".lx-place", 6).focus()
    page.page.keyboard.press("Enter")
    page.heard(lambda told: told["terms"] == [0, 1, 2])
    page.page.get_by_role("button", name="Pin the result").click()
    told = page.heard(lambda told: told["pins"] == 1)
    assert told["z"] == pytest.approx([-2.0, -1.5])
    page.page.get_by_role("button", name="as a direction").click()
    page.heard(lambda told: told["directions"] == 1)
    page.find(".lx-directions input").focus()
    page.page.keyboard.press("End")
    told = page.heard(lambda told: told["pins"] == 2)
    assert told["z"] == pytest.approx([-2.0 + 2 * -0.5, -1.5 + 2 * -2.0])


def test_path_takes_another_kind_fewer_ends_and_new_codes(opened: Open) -> None:
    """Straight or spherical, a place emptied by a click, the pinned code added."""
    page = opened("strip")
    before = page.picture(".lx-path-strip canvas")
    page.page.get_by_role("button", name="Straight").click()
    page.heard(lambda told: told.get("kind") == "linear")
    page.settle()
    assert page.picture(".lx-path-strip canvas") != before
    page.find(".lx-place", 1).click()
    page.heard(lambda told: told["path"] == [0, None, 2, None])
    page.page.get_by_role("button", name="Add the pinned code").click()
    page.heard(lambda told: told["path"] == [0, 3, 2, None])
    page.page.get_by_role("button", name="Remove one").click()
    page.heard(lambda told: told["cards"] == 3)


def test_path_plays_and_becomes_a_gif(opened: Open) -> None:
    """Playing moves the picture with nothing sent; the file goes there and back for ever."""
    page = opened("strip")
    page.page.get_by_role("button", name="Play").click()
    page.settle()
    page.sent = 0
    first = page.picture()
    page.settle()
    assert page.picture() != first
    assert page.sent == 0
    page.page.get_by_role("button", name="Pause").click()
    page.heard(lambda told: told["pins"] == 1)
    with Image.open(io.BytesIO(page.download("Save GIF"))) as gif:
        assert gif.size == (196, 196)
        assert gif.info["loop"] == 0
        gif.seek(57)
        with pytest.raises(EOFError):
            gif.seek(58)


@pytest.mark.parametrize("panel", ["sliders", "manifold", "strip"])
def test_panels_fit_a_phone_and_a_tap(opened: Open, panel: str) -> None:
    """Nothing is wider than 400 pixels, and every control is at least 44 pixels high."""
    page = opened(panel, profile="phone")
    assert page.page.evaluate("document.documentElement.scrollWidth") <= 400
    for control in page.page.locator(".lx button:visible, .lx input:visible").all():
        box = control.bounding_box()
        assert box["height"] >= 44, control.evaluate("node => node.outerHTML")
        assert box["x"] >= 0, control.evaluate("node => node.outerHTML")
        assert box["x"] + box["width"] <= 400, control.evaluate("node => node.outerHTML")


def test_grid_is_pinned_by_a_tap(opened: Open) -> None:
    """A finger's tap pins the cell below it."""
    page = opened("manifold", profile="phone")
    page.find(".lx-manifold-grid canvas").scroll_into_view_if_needed()
    page.page.touchscreen.tap(*page.at(".lx-manifold-grid canvas", 7.5 / 8, 7.5 / 8))
    told = page.heard(lambda told: told["pins"] == 1)
    assert told["z"] == pytest.approx([1.5341, -1.5341], abs=1e-3)
