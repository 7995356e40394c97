"""Where things stand on the pages: nothing jumps, nothing covers anything, controls look alike."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest
from PIL import Image
from serving import ROOT
from visitor import Visitor

pytestmark = pytest.mark.browser

SCRIPT = ROOT / "app" / "main.py"
CLOUD = ".st-key-cloud"
MOVER = ".lx-mover"
#: CSS pixels that something may move by when an option changes.
STILL = 4

Enter = Callable[..., Visitor]
Box = dict[str, float]


def box(somebody: Visitor, selector: str) -> Box:
    """Return the box of an element."""
    element = somebody.find(selector)
    element.wait_for()
    found: Box = element.bounding_box()
    return found


def place(somebody: Visitor, selector: str) -> Box:
    """Return the box of an element on the page, wherever the page is scrolled to."""
    scrolled = somebody.find('[data-testid="stMain"]').evaluate("main => main.scrollTop")
    found = box(somebody, selector)
    return found | {"y": found["y"] + scrolled}


def overlap(first: Box, second: Box) -> bool:
    """Whether two boxes share an area."""
    return all(
        first[at] < second[at] + second[size] and second[at] < first[at] + first[size]
        for at, size in (("x", "width"), ("y", "height"))
    )


@pytest.mark.parametrize("window", ["desktop", "phone"])
def test_nothing_jumps_when_an_option_of_the_map_changes(visitor: Enter, window: str) -> None:
    """Neither map nor cloud nor what is below them, by projection and by colour."""
    somebody = visitor(window, alone=True).open("explore", "model=mnist-3d")
    expected = place(somebody, ".lx-stage")
    legend = place(somebody, ".lx-legend")
    words = somebody.page.locator(".st-key-w-projection button").all_inner_texts()
    assert len(words) == 4
    for word in [*words, *words[-2::-1], "Rate", "Distortion", "Label"]:
        choice = somebody.page.get_by_role("radio", name=word, exact=True)
        choice.click()
        assert somebody.eventually(lambda choice=choice: bool(choice.is_checked()))
        shown, other = (CLOUD, ".lx-stage") if word == "3-D" else (".lx-stage", CLOUD)
        somebody.page.locator(other).wait_for(state="detached")
        somebody.settle()
        found = place(somebody, shown)
        assert found["y"] == pytest.approx(expected["y"], abs=STILL), word
        assert found["height"] == pytest.approx(expected["height"], abs=STILL), word
        if shown != CLOUD:
            below = place(somebody, ".lx-legend")
            assert below["height"] == pytest.approx(legend["height"], abs=STILL), word


@pytest.mark.parametrize(
    ("page", "query", "watched", "options"),
    [
        ("manifold", "model=mnist-3d", ".lx-manifold-grid", ["Invert colours"]),
        ("decode", "model=mnist-conditional", ".lx-dims", ["Sample from the prior", "3"]),
        ("reconstruct", "model=mnist-conditional", ".lx-stage", ["3"]),
    ],
)
def test_nothing_jumps_on_other_pages(
    visitor: Enter, page: str, query: str, watched: str, options: list[str]
) -> None:
    """Panels keep their place and height when an option of the page changes."""
    somebody = visitor().open(page, query)
    before = box(somebody, watched)
    for option in options:
        somebody.page.locator(f".lx :is(button, [role=radio]):text-is('{option}')").first.click()
        somebody.quiet()
        somebody.settle()
        after = box(somebody, watched)
        for side in ("x", "y", "height", "width"):
            assert after[side] == pytest.approx(before[side], abs=STILL), (option, side)


@pytest.mark.parametrize("size", [(400, 900), (360, 640)], ids=str)
def test_the_map_comes_first_on_a_phone(visitor: Enter, size: tuple[int, int]) -> None:
    """Below the title, to its full width; its tools are on the first screen, then its choices."""
    width, height = size
    somebody = visitor("phone", alone=True)
    somebody.page.set_viewport_size({"width": width, "height": height})
    somebody.open("explore", "model=mnist-20d")
    stage, tools = box(somebody, ".lx-stage"), box(somebody, ".lx-tools .lx-group")
    assert stage["y"] <= 172
    assert stage["width"] == width - 32
    assert stage["height"] > 0.5 * height
    assert stage["y"] + stage["height"] <= tools["y"]
    assert tools["y"] + tools["height"] <= height
    choices = place(somebody, ".st-key-w-projection")
    assert place(somebody, ".lx-legend")["y"] < choices["y"]
    # Nor do the choices move when one is made: what is said of the map is below them.
    somebody.page.get_by_role("radio", name="Latent plane").tap()
    somebody.page.get_by_label("Horizontal").first.wait_for()
    somebody.settle()
    assert place(somebody, ".st-key-w-projection")["y"] == pytest.approx(choices["y"], abs=STILL)


def test_the_floating_picture_covers_nothing(visitor: Enter) -> None:
    """On a phone it stands where the title leaves room; sliders scroll clear of it."""
    somebody = visitor("phone").open("decode", "model=mnist-20d")
    picture = box(somebody, ".lx-picture canvas")
    outputs = somebody.page.locator(".lx-dim output, .lx-buttons button, .lx-traversal")
    seen = [each.bounding_box() for each in outputs.all() if each.is_visible()]
    assert len(seen) > 16
    assert not any(overlap(picture, each) for each in seen)
    # What is reached by keys stays clear too.
    slider = somebody.page.locator(".lx-dim input[type=range]")
    slider.nth(12).focus()
    slider.nth(0).focus()
    somebody.quiet()
    assert not overlap(box(somebody, ".lx-picture canvas"), slider.nth(0).bounding_box())
    somebody.open("explore", "model=mnist-20d")
    picture = box(somebody, ".lx-picture canvas")
    assert not overlap(picture, box(somebody, ".lx-stage"))
    # The whole map is seen below it, with both names of its axes.
    somebody.find(".lx-stage").evaluate("stage => stage.scrollIntoView({ block: 'end' })")
    somebody.quiet()
    stage = box(somebody, ".lx-stage")
    assert stage["y"] + stage["height"] <= 800
    assert not overlap(box(somebody, ".lx-picture canvas"), stage)


def test_the_floating_picture_can_be_moved_away(visitor: Enter) -> None:
    """Its button moves it to other corners and makes it small, also on the next page."""
    somebody = visitor("phone").open("decode")
    places = []
    for _ in range(4):
        places.append(tuple(round(value) for value in box(somebody, ".lx-picture canvas").values()))
        somebody.page.get_by_role("button", name="Move the image").tap()
        somebody.frames()
    assert len(set(places)) == 4
    assert places[-1][2] <= 48
    assert all(x >= 0 and x + width <= 400 for x, _, width, _ in places)
    assert box(somebody, ".lx-picture canvas")["x"] == pytest.approx(places[0][0], abs=1)
    somebody.page.get_by_role("button", name="Move the image").tap()
    somebody.button("Expand sidebar").or_(
        somebody.page.get_by_test_id("stExpandSidebarButton")
    ).first.tap()
    somebody.page.get_by_role("link", name="Explore").tap()
    somebody.page.get_by_role("heading", name="Explore").wait_for()
    somebody.settle()
    assert somebody.eventually(
        lambda: box(somebody, ".lx-picture canvas")["y"] == pytest.approx(places[1][1], abs=2)
    )


def test_sliders_scroll_with_the_page_and_the_picture_stays(visitor: Enter) -> None:
    """The list of dimensions has no scroller of its own; the picture is beside its last row."""
    somebody = visitor(alone=True)
    somebody.page.set_viewport_size({"width": 1280, "height": 720})
    somebody.open("decode", "model=mnist-20d")
    inner = "list => list.scrollHeight - list.clientHeight"
    assert somebody.find(".lx-dims").evaluate(inner) <= 0
    last = somebody.page.locator(".lx-dims > .lx-dim").last
    last.evaluate("row => row.scrollIntoView({ block: 'nearest' })")
    somebody.quiet()
    assert last.bounding_box()["y"] < 720
    picture = box(somebody, ".lx-picture canvas")
    assert picture["y"] >= 0
    assert picture["y"] + picture["height"] <= 720


def look(somebody: Visitor, element: Any) -> dict[str, object]:
    """Return how a button of a segmented control looks."""
    element.scroll_into_view_if_needed()
    found = element.bounding_box()
    # Between border and words.
    clip = {"x": found["x"] + 4, "y": found["y"] + 5, "width": 1, "height": 1}
    with Image.open(io.BytesIO(somebody.page.screenshot(clip=clip))) as image:
        ground = image.convert("RGB").getpixel((0, 0))
    style = element.evaluate(
        """button => {
          const words = button.querySelector("p") ?? button;
          const { borderTopColor, borderTopWidth, fontFamily } = getComputedStyle(button);
          const { color, fontSize } = getComputedStyle(words);
          return { borderTopColor, borderTopWidth, fontFamily, color, fontSize };
        }"""
    )
    return {"height": found["height"], "ground": ground, **style}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("window", ["desktop", "phone"])
def test_segmented_controls_look_alike(visitor: Enter, window: str, scheme: str) -> None:
    """Those of the panels as Streamlit's: height, colours, border, words; chosen and not."""
    somebody = visitor(window)
    somebody.page.emulate_media(color_scheme=scheme)
    somebody.open("explore", "model=mnist-20d&map=axes")
    somebody.quiet()
    streamlit = somebody.page.locator(".st-key-w-colour button")
    panel = somebody.page.locator(".lx-tools [data-tool]")
    for place in (0, 1):
        ours, theirs = look(somebody, panel.nth(place)), look(somebody, streamlit.nth(place))
        assert ours.pop("ground") == pytest.approx(theirs.pop("ground"), abs=2)  # is rounded
        assert ours == theirs
    corner = "button => getComputedStyle(button).borderTopLeftRadius"
    assert panel.first.evaluate(corner) == streamlit.first.evaluate(corner)
    select = somebody.page.locator('.st-key-w-axes-vertical [role="group"]').first
    assert select.bounding_box()["height"] == look(somebody, panel.first)["height"]


def test_a_printed_page_is_the_page_alone(visitor: Enter) -> None:
    """Without sidebar and header, and the map at the width of the paper."""
    somebody = visitor().open("explore")
    somebody.page.emulate_media(media="print")
    for part in ("stSidebar", "stHeader"):
        assert not somebody.page.get_by_test_id(part).is_visible()
    assert box(somebody, '[data-testid="stMainBlockContainer"]')["width"] > 1200
    somebody.page.emulate_media(media="screen")


def test_a_model_of_photographs_opens_on_files(visitor: Enter) -> None:
    """A drawing means nothing to it."""
    somebody = visitor().go("reconstruct?model=cifar-conv", ".st-key-w-photo-source button")
    assert somebody.page.get_by_role("radio", name="Files").is_checked()
    assert somebody.page.locator(".lx-sheet").count() == 0


def test_playhead_slider_and_measures_of_a_path_are_in_line(visitor: Enter) -> None:
    """Their middles, at the first frame and at the last."""
    somebody = visitor().open("morph")
    slider = ".lx-path-frames > input[type=range]"
    for key, share in (("Home", 0), ("End", 1)):
        somebody.find(slider).focus()
        somebody.key(key)
        somebody.frames()
        head, track = box(somebody, ".lx-playhead"), box(somebody, slider)
        middle = head["x"] + head["width"] / 2
        thumb = track["x"] + 9 + share * (track["width"] - 18)
        chart = box(somebody, ".lx-path-frames .lx-spark svg")
        assert thumb == pytest.approx(middle, abs=2)
        assert chart["x"] + share * chart["width"] == pytest.approx(middle, abs=2)


def test_tiny_pictures_are_drawn_smooth(visitor: Enter) -> None:
    """A row of an 8 × 8 digit has more grey levels than pixels."""
    levels = """canvas => {
      const side = Math.floor(canvas.width / 20);
      const middle = Math.floor(9.5 * side);
      const { data } = canvas.getContext("2d").getImageData(middle, middle, side, 1);
      return new Set(data.filter((_, i) => i % 4 === 0)).size;
    }"""
    somebody = visitor().open("manifold", "model=digits-2d")
    somebody.settle()
    assert somebody.find(".lx-manifold-grid canvas").evaluate(levels) > 8
