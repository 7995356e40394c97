"""Sliders, manifold grid, drawing pad and morphs under mouse, keyboard and finger.

Served by ``controls_app.py``: one panel a page, with what the server heard written below.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from visitor import GRID, Place, Visitor

pytestmark = pytest.mark.browser

SCRIPT = Path(__file__).with_name("controls_app.py")
Open = Callable[..., Visitor]
Visit = Callable[..., Visitor]
READY = {
    "sliders": ".lx-dim input",
    "manifold": ".lx-manifold[aria-busy=false]",
    "pad": ".lx-pad:not(.lx-waiting)",
    "morph": ".lx-playhead",
}
SHEET = ".lx-sheet"


@pytest.fixture
def opened(visitor: Callable[..., Visitor]) -> Open:
    """Return a function that opens the page of a panel."""

    def open_one(panel: str, *, d: int = 2, window: str = "desktop") -> Visitor:
        address = f"?panel={panel}&d={d}"
        return visitor(window).go(address, ".lx-picture.lx-ready", READY[panel])

    return open_one


def test_picture_follows_a_slider_and_the_server_hears_the_release(opened: Open) -> None:
    """While a slider moves nothing is sent; on release one code is."""
    page = opened("sliders")
    pictures = [page.picture()]
    page.page.mouse.move(*page.at(".lx-dim input", 0.5, 0.5))
    page.page.mouse.down()
    page.quiet()
    page.sent = 0
    for across in (0.6, 0.7, 0.8, 0.9):
        page.page.mouse.move(*page.at(".lx-dim input", across, 0.5), steps=4)
        page.frames()
        pictures.append(page.picture())
    page.quiet()
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
    page.frames()
    before = page.picture(), page.find(".lx-dim output").inner_text()
    page.run_again()
    assert (page.picture(), page.find(".lx-dim output").inner_text()) == before
    page.page.mouse.up()
    assert page.heard(lambda told: told["pins"] == 1)["z"][0] > 2


def test_sliders_by_keyboard_reset_draw_and_undo(opened: Open) -> None:
    """Arrows step by a tenth, Home and End go to the ends; every choice can be undone."""
    page = opened("sliders")
    page.find(".lx-dim input").focus()
    for key in ("ArrowRight", "ArrowUp", "Shift+ArrowRight", "ArrowLeft"):
        page.key(key)
    told = page.heard(lambda told: told["pins"] == 1)
    assert told["z"][0] == pytest.approx(1.1, abs=1e-6)
    page.key("End")
    assert page.heard(lambda told: told["pins"] == 2)["z"][0] == 4
    page.find(".lx-dim input").dblclick()
    page.heard(lambda told: told["z"][0] == 0)
    page.button("Sample from the prior").click()
    drawn = page.heard(lambda told: told["z"][1] != -0.5)["z"]
    page.button("Reset all").click()
    page.heard(lambda told: told["z"] == [0, 0])
    page.button("Undo").click()
    assert page.heard(lambda told: told["z"] != [0, 0])["z"] == drawn


def test_dimensions_are_sorted_by_kl_and_the_dead_are_folded_away(opened: Open) -> None:
    """Two hundred dimensions scroll within the panel; those without information are counted."""
    page = opened("sliders", d=200)
    assert page.find(".lx-dims > .lx-dim b").inner_text() == "z₁"
    assert page.page.locator(".lx-dims > .lx-dim").count() == 6
    summary = page.find(".lx-dims summary")
    assert summary.inner_text().startswith("194 unused")
    summary.click()
    assert page.find(".lx-dims details .lx-dim input").is_visible()
    assert page.find(".lx-sliders").bounding_box()["height"] < 1000


def test_traversal_and_change_follow_the_dimension_that_is_looked_at(opened: Open) -> None:
    """Focus on another dimension shows its pictures and the pixels that it changes."""
    page = opened("sliders")
    strip, change = page.picture(".lx-traversal-frames canvas"), page.picture(".lx-change")
    page.find(".lx-dim input", 1).focus()
    page.frames()
    assert page.find(".lx-traversal-title").inner_text() == "z₂"
    assert page.picture(".lx-traversal-frames canvas") != strip
    assert page.picture(".lx-change") != change
    page.page.mouse.click(*page.at(".lx-traversal-frames canvas", 0.99, 0.5))
    assert page.heard(lambda told: told["pins"] == 1)["z"] == [0.5, 3]


def test_sliders_and_traversal_span_the_ranges_that_they_are_given(visitor: Open) -> None:
    """The slider goes a sixth beyond the traversal, and widens for a code beyond its end."""
    page = visitor().go("?panel=sliders&wide=1", ".lx-picture.lx-ready", READY["sliders"])
    assert "from −9 to 15" in page.find(".lx-traversal figcaption").inner_text()
    page.page.mouse.click(*page.at(".lx-traversal-frames canvas", 0.99, 0.5))
    assert page.heard(lambda told: told["pins"] == 1)["z"][0] == 15
    page.find(".lx-dim input").focus()
    page.key("Home")
    assert page.heard(lambda told: told["pins"] == 2)["z"][0] == -13
    page.button("Reset z₁").click()
    assert page.heard(lambda told: told["pins"] == 3)["z"][0] == 0


@pytest.mark.parametrize("far", [27.5, -31.25])
def test_slider_shows_a_code_beyond_its_ends(visitor: Open, far: float) -> None:
    """The thumb stands where the number says, so that a drag does not jump."""
    address = f"?panel=sliders&wide=1&first={far}"
    page = visitor().go(address, ".lx-picture.lx-ready", READY["sliders"])
    shown = page.find(".lx-dim input").evaluate("input => Number(input.value)")
    assert shown == pytest.approx(far, abs=0.01)
    assert page.find(".lx-traversal-marker").is_hidden()


def test_python_can_move_the_sliders(opened: Open) -> None:
    """A code with a new version is taken over by slider and picture."""
    page = opened("sliders")
    before = page.picture()
    page.button("Go to the origin").click()
    page.heard(lambda told: told["z"] == [0, 0])
    assert page.eventually(lambda: page.find(".lx-dim output").inner_text() == "0.00")
    page.frames()
    assert page.picture() != before


def test_grid_decodes_under_the_pointer_and_pins_on_a_click(opened: Open) -> None:
    """Hovering shows a cell with nothing sent; a click pins Φ⁻¹ of its quantiles."""
    page = opened("manifold")
    page.quiet()
    pinned = page.picture()
    page.sent = 0
    place = page.at(GRID, 0.5 / 8, 0.5 / 8)
    page.page.mouse.move(*place)
    page.frames()
    assert page.picture() != pinned
    assert page.find(".lx-position").inner_text().split() == ["z₁", "−1.53", "z₂", "1.53"]
    page.leave()
    assert page.picture() == pinned
    page.quiet()
    assert page.sent == 0
    page.page.mouse.click(*place)
    told = page.heard(lambda told: told["pins"] == 1)
    assert told["z"] == pytest.approx([-1.5341, 1.5341], abs=1e-3)


def test_grid_by_keyboard(opened: Open) -> None:
    """Arrows move by one cell from the pinned one, Escape returns, Enter pins."""
    page = opened("manifold")
    pinned = page.picture()
    grid = page.find(GRID)
    grid.focus()
    page.key("ArrowUp")
    page.frames()
    assert page.picture() != pinned
    page.key("Escape")
    page.frames()
    assert page.picture() == pinned
    for key in ("Home", "PageDown", "ArrowRight", "Enter"):
        page.key(key)
    told = page.heard(lambda told: told["pins"] == 1)
    assert told["z"] == pytest.approx([-0.8871, -1.5341], abs=1e-3)


def test_grid_shows_its_progress_while_it_is_decoded(opened: Open) -> None:
    """A bar goes from empty to full, and away when the last picture is drawn."""
    page = opened("manifold")
    slow = page.page.context.new_cdp_session(page.page)
    slow.send("Emulation.setCPUThrottlingRate", {"rate": 20})  # else all is drawn in a frame
    page.find(".lx-drawing").evaluate(
        """bar => {
          window.shares = [];
          const note = () => { if (!bar.hidden) window.shares.push(bar.value); };
          new MutationObserver(note).observe(bar, { attributes: true });
        }"""
    )
    page.find(".lx-field input").focus()
    page.key("End")
    page.page.wait_for_function("window.shares.length > 1")
    page.page.wait_for_selector(".lx-manifold[aria-busy=false]")
    shares = page.page.evaluate("window.shares")
    slow.send("Emulation.setCPUThrottlingRate", {"rate": 1})
    slow.detach()
    assert len(set(shares)) > 1
    assert 0 < max(shares) <= 1
    assert shares == sorted(shares)
    assert page.find(".lx-drawing").is_hidden()


def test_grid_is_decoded_in_a_worker_or_without_one(opened: Open, visitor: Visit) -> None:
    """Where a worker cannot be started, the page decodes the same pictures by itself."""
    page = opened("manifold")
    assert ["worker.js" in worker.url for worker in page.page.workers] == [True]
    pictures = page.picture(GRID)
    other = visitor()
    other.page.route("**/model/worker.js", lambda route: route.abort())
    other.go("?panel=manifold&d=2", ".lx-picture.lx-ready", READY["manifold"])
    assert other.page.workers == []
    assert other.picture(GRID) == pictures
    other.problems.clear()  # the browser itself reports the file that was withheld


def test_grid_has_as_many_pictures_as_requested_and_prints_large(opened: Open) -> None:
    """The side changes at once, the server hears it on release; the PNG is 300 dpi, ≥ 2400 px."""
    page = opened("manifold")
    before = page.picture(GRID)
    page.find(".lx-field input").focus()
    page.key("End")
    page.page.wait_for_selector(".lx-manifold[aria-busy=false]")
    page.frames()
    assert page.picture(GRID) != before
    page.heard(lambda told: told["n"] == 30)
    with Image.open(io.BytesIO(page.download("Download PNG (300 dpi)"))) as png:
        assert min(png.size) >= 2400
        assert png.size[0] % (30 * 28 + 29) == 0  # with hairlines: these pictures have no margin
        assert png.info["dpi"] == pytest.approx((300, 300), abs=0.01)


def draw(page: Visitor, *places: Place) -> None:
    """Draw a stroke with the mouse, places in shares of the sheet."""
    page.page.mouse.move(*page.at(SHEET, *places[0]))
    page.page.mouse.down()
    for place in places[1:]:
        page.page.mouse.move(*page.at(SHEET, *place), steps=5)


def test_code_follows_the_pen_and_the_server_hears_the_stroke(opened: Open) -> None:
    """While the pen is down the picture follows with nothing sent; then 784 bytes go up."""
    page = opened("pad")
    before = page.picture()
    draw(page, (0.3, 0.2), (0.7, 0.25))
    page.quiet()
    page.sent = 0
    first = page.picture()
    page.page.mouse.move(*page.at(SHEET, 0.4, 0.8), steps=6)
    page.quiet()
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
    page.button("Undo").click()
    page.heard(lambda told: told["ink"] == one)
    page.find(SHEET).focus()
    page.key("Control+Shift+Z")
    page.heard(lambda told: told["ink"] == both)
    page.key("Delete")
    page.heard(lambda told: told["ink"] == 0)
    page.key("Control+z")
    page.heard(lambda told: told["ink"] == both)


def test_pad_by_keyboard(opened: Open) -> None:
    """The space bar lowers and lifts a pen that the arrows move."""
    page = opened("pad")
    page.find(SHEET).focus()
    for key in ("ArrowUp", " ", "Shift+ArrowDown", "Shift+ArrowDown", "ArrowRight", " "):
        page.key(key)
    assert page.heard(lambda told: told.get("ink", 0) > 0)


def test_pad_with_a_finger_at_400_pixels(opened: Open) -> None:
    """A finger draws instead of scrolling, and nothing is wider than the screen."""
    page = opened("pad", window="phone")
    page.find(SHEET).scroll_into_view_if_needed()
    top = page.page.evaluate("scrollY")

    page.touch(SHEET, "touchStart", (0.3, 0.2))
    for step in range(8):
        page.touch(SHEET, "touchMove", (0.3 + 0.05 * step, 0.2 + 0.07 * step))
    page.touch(SHEET, "touchEnd")
    assert page.heard(lambda told: told.get("ink", 0) > 0)
    assert page.page.evaluate("scrollY") == top
    assert page.page.evaluate("document.documentElement.scrollWidth") <= 400


def test_path_is_scrubbed_without_the_server_and_pinned_on_release(opened: Open) -> None:
    """The picture follows along the strip; letting go at the end pins the last code."""
    page = opened("morph")
    page.page.mouse.move(*page.at(".lx-path-frames canvas", 0.02, 0.5))
    page.page.mouse.down()
    page.quiet()
    page.sent = 0
    pictures = []
    for across in (0.2, 0.5, 0.99):
        page.page.mouse.move(*page.at(".lx-path-frames canvas", across, 0.5), steps=4)
        page.frames()
        pictures.append(page.picture())
    page.quiet()
    assert len(set(pictures)) == 3
    assert page.sent == 0
    page.page.mouse.up()
    told = page.heard(lambda told: told["pins"] == 1)
    assert told["z"] == pytest.approx([0.5, -1.0])
    assert page.find(".lx-spark output").inner_text().endswith("nats")
    assert float(page.find(".lx-spark output", 1).inner_text()) > 0


def test_cards_are_dragged_and_picked_into_arithmetic(opened: Open) -> None:
    """By drag, by click and by keyboard; the result can be pinned and its step kept."""
    page = opened("morph")
    page.page.mouse.move(*page.at(".lx-code-card", 0.5, 0.5))
    page.page.mouse.down()
    page.page.mouse.move(*page.at(".lx-place", 0.5, 0.5, 4), steps=5)
    page.page.mouse.up()
    page.heard(lambda told: told.get("terms") == [0, None, None])
    page.find(".lx-code-card", 1).click()
    page.find(".lx-place", 5).click()
    page.heard(lambda told: told["terms"] == [0, 1, None])
    page.find(".lx-code-card", 2).focus()
    page.key("Enter")
    page.find(".lx-place", 6).focus()
    page.key("Enter")
    page.heard(lambda told: told["terms"] == [0, 1, 2])
    page.button("Show the result").click()
    told = page.heard(lambda told: told["pins"] == 1)
    assert told["z"] == pytest.approx([-2.0, -1.5])
    page.page.get_by_role("button", name="as a direction").click()
    page.heard(lambda told: told["directions"] == 1)
    page.find(".lx-directions input").focus()
    page.key("End")
    told = page.heard(lambda told: told["pins"] == 2)
    assert told["z"] == pytest.approx([-2.0 + 2 * -0.5, -1.5 + 2 * -2.0])


def test_direction_moves_a_picture_and_stays_where_it_is_left(opened: Open) -> None:
    """A dragged slider is followed with nothing sent; it stays until somebody goes back."""
    page = opened("morph")
    for place, card in ((5, 1), (6, 2)):
        page.find(".lx-code-card", card).click()
        page.find(".lx-place", place).click()
    page.page.get_by_role("button", name="as a direction").click()
    page.heard(lambda told: told.get("directions") == 1)
    page.settle()
    slider, moved = ".lx-directions input", ".lx-directed canvas"
    page.find(slider).scroll_into_view_if_needed()
    pictures = [page.picture(moved)]
    page.page.mouse.move(*page.at(slider, 0.5, 0.5))
    page.page.mouse.down()
    page.quiet()
    page.sent = 0
    for across in (0.65, 0.8):
        page.page.mouse.move(*page.at(slider, across, 0.5), steps=3)
        page.frames()
        pictures.append(page.picture(moved))
    page.quiet()
    assert len(set(pictures)) == 3
    assert page.sent == 0
    strength = page.find(".lx-directions output").inner_text()
    assert 1 < float(strength) < 1.5
    page.page.mouse.up()
    page.heard(lambda told: told["pins"] == 1)
    page.run_again()
    assert page.find(".lx-directions output").inner_text() == strength
    assert page.picture(moved) == pictures[-1]
    page.button("Back to the start").click()
    assert page.heard(lambda told: told["pins"] == 2)["z"] == [0.5, -0.5]
    assert page.find(".lx-directions output").inner_text() == "0.00"


def test_path_takes_another_kind_fewer_ends_and_new_codes(opened: Open) -> None:
    """Linear or spherical, a place emptied by a click, the pinned code added."""
    page = opened("morph")
    before = page.picture(".lx-path-frames canvas")
    page.button("Linear").click()
    page.heard(lambda told: told.get("kind") == "linear")
    page.frames()
    assert page.picture(".lx-path-frames canvas") != before
    page.find(".lx-place", 1).click()
    page.heard(lambda told: told["path"] == [0, None, 2, None])
    page.button("Save this code").click()
    page.heard(lambda told: told["path"] == [0, 3, 2, None])
    page.button("Remove one").click()
    page.heard(lambda told: told["cards"] == 3)


def test_path_plays_and_becomes_a_gif(opened: Open) -> None:
    """Playing moves the picture with nothing sent; the file goes there and back for ever."""
    page = opened("morph")
    page.button("Play").click()
    page.quiet()
    page.sent = 0
    first = page.picture()
    page.quiet()
    assert page.picture() != first
    assert page.sent == 0
    page.button("Pause").click()
    page.heard(lambda told: told["pins"] == 1)
    with Image.open(io.BytesIO(page.download("Save GIF"))) as gif:
        assert gif.size == (196, 196)
        assert gif.info["loop"] == 0
        gif.seek(57)
        with pytest.raises(EOFError):
            gif.seek(58)


@pytest.mark.parametrize("panel", ["sliders", "manifold", "morph"])
def test_panels_fit_a_phone_and_a_tap(opened: Open, panel: str) -> None:
    """Nothing is wider than 400 pixels, and every control is at least 44 pixels high."""
    page = opened(panel, window="phone")
    assert page.page.evaluate("document.documentElement.scrollWidth") <= 400
    for control in page.page.locator(".lx button:visible, .lx input:visible").all():
        box = control.bounding_box()
        assert box["height"] >= 44, control.evaluate("node => node.outerHTML")
        assert box["x"] >= 0, control.evaluate("node => node.outerHTML")
        assert box["x"] + box["width"] <= 400, control.evaluate("node => node.outerHTML")


def test_grid_is_pinned_by_a_tap(opened: Open) -> None:
    """A finger's tap pins the cell below it."""
    page = opened("manifold", window="phone")
    page.find(GRID).scroll_into_view_if_needed()
    page.page.touchscreen.tap(*page.at(GRID, 7.5 / 8, 7.5 / 8))
    told = page.heard(lambda told: told["pins"] == 1)
    assert told["z"] == pytest.approx([1.5341, -1.5341], abs=1e-3)
