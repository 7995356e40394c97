"""An exported page opened from disk, without a network, in a real browser."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import find
import pytest
import torch

from vae_core import checkpoints, standalone
from vae_core.checkpoints import Codes, ModelCard, Saved
from vae_core.config import ModelConfig, TrainConfig
from vae_core.models import VAE

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytestmark = pytest.mark.browser

ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE = 90_000  # ms; a busy machine opens pages slowly

#: Runs before the page: notes in which frame the pointer or a slider moved and a picture was drawn.
PROBE = """
window.probe = { frame: 0, moved: [], drawn: [] };
const count = () => { probe.frame += 1; requestAnimationFrame(count); };
requestAnimationFrame(count);
for (const name of ["pointermove", "input"]) {
  addEventListener(name, () => probe.moved.push(probe.frame), true);
}
const put = CanvasRenderingContext2D.prototype.putImageData;
CanvasRenderingContext2D.prototype.putImageData = function (...given) {
  put.apply(this, given);
  if (this.canvas.closest("#picture")) probe.drawn.push(probe.frame);
};
"""
CHECKSUM = """canvas => {
  const copy = document.createElement("canvas");
  [copy.width, copy.height] = [canvas.width, canvas.height];
  const context = copy.getContext("2d", { willReadFrequently: true });
  context.drawImage(canvas, 0, 0);
  const { data } = context.getImageData(0, 0, copy.width, copy.height);
  return data.reduce((sum, value, i) => (sum * 31 + value * (i % 7)) % 1000003, 7);
}"""


class Page:
    """An exported page, and what a person does there."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.problems: list[str] = []
        self.asked: list[str] = []
        page.set_default_timeout(PATIENCE)
        page.on("pageerror", lambda error: self.problems.append(str(error)))
        page.on("console", self._note)
        page.on("request", self._ask)
        page.add_init_script(PROBE)

    def _note(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.problems.append(message.text)

    def _ask(self, request: Any) -> None:
        if not request.url.startswith(("data:", "blob:")):
            self.asked.append(request.url)

    def open(self, path: Path, fragment: str = "") -> Page:
        """Open the file and wait until the map and the picture are drawn."""
        self.page.goto(path.as_uri() + fragment)
        self.page.wait_for_selector("#picture .lx-ready")
        self.page.wait_for_selector("#map .lx-legend button")
        self.frames()
        return self

    def frames(self, n: int = 3) -> None:
        """Let frames pass."""
        wait = "async n => { while (n-- > 0) await new Promise(requestAnimationFrame); }"
        self.page.evaluate(wait, n)

    def until(self, condition: str) -> None:
        """Wait until a JavaScript expression holds; Playwright's own way needs eval."""
        end = time.monotonic() + PATIENCE / 1000
        while not self.page.evaluate(condition):
            assert time.monotonic() < end, condition
            self.frames()

    def checksum(self, selector: str) -> int:
        """Return a number that changes with what a canvas shows."""
        return int(self.page.locator(selector).first.evaluate(CHECKSUM))

    def at(self, across: float, down: float, of: str = "#map canvas[tabindex]") -> Any:
        """Return a place of an element, in shares of its sides, as a place of the window."""
        target = self.page.locator(of)
        target.scroll_into_view_if_needed()
        box = target.bounding_box()
        return box["x"] + across * box["width"], box["y"] + down * box["height"]

    def move(self, across: float, down: float) -> None:
        """Move the mouse over the map."""
        self.page.mouse.move(*self.at(across, down))
        self.frames()

    def caption(self) -> str:
        """Return what is written below the picture."""
        return str(self.page.locator("#picture figcaption").inner_text())

    def lag(self) -> list[float]:
        """Frames from each noted move to the first picture after it, and forget them."""
        lag = self.page.evaluate(
            """probe.moved.map((moved) =>
                 (probe.drawn.find((drawn) => drawn >= moved) ?? Infinity) - moved)"""
        )
        self.page.evaluate("probe.moved = []; probe.drawn = []")
        return list(lag)

    def in_order(self) -> None:
        """Check that nothing went wrong, and that nothing was asked for but the file."""
        assert self.problems == []
        assert len(self.asked) == 1
        assert self.asked[0].startswith("file://")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a page of a trained model, and one of an untrained model of four dimensions."""
    folder = tmp_path_factory.mktemp("pages")
    (folder / "flat.html").write_bytes(standalone.page(checkpoints.open_folder("digits-2d")))
    (folder / "deep.html").write_bytes(standalone.page(four_dimensions()))
    return folder


def four_dimensions() -> Saved:
    """Make an untrained model of photographs with codes in four dimensions."""
    torch.manual_seed(0)
    n, config = 200, ModelConfig(image_shape=(1, 9, 7), latent_dim=4, hidden=(16,))
    codes = Codes(
        ids=torch.arange(n),
        labels=torch.arange(n) % 2,
        mu=torch.randn(n, 4) * torch.tensor([0.3, 1.0, 0.5, 2.0]),
        logvar=torch.full((n, 4), -2.0),
        rate=torch.rand(n),
        distortion=torch.rand(n),
        projections={"pca": torch.randn(n, 2), "tsne": 10 * torch.randn(n, 2)},
        pca_mean=torch.zeros(4),
        pca_components=torch.eye(4)[[3, 1]],
    )
    card = ModelCard(
        name="deep", dataset="frey-face", classes=("a", "b"), model=config, training=TrainConfig()
    )
    return Saved(card=card, model=VAE(config).eval().requires_grad_(False), codes=codes)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Start a browser, or skip and say so."""
    path = find.chromium()
    if path is None:
        pytest.skip("no Chromium is installed; set CHROMIUM to its path")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


Open = Callable[..., Page]


@pytest.fixture
def open_file(browser: Any, folder: Path) -> Iterator[Open]:
    """Return a function that opens a page from disk in a browser that is offline."""
    contexts = []

    def open_(
        name: str = "flat.html", fragment: str = "", *, wide: int = 1280, **settings: Any
    ) -> Page:
        context = browser.new_context(viewport={"width": wide, "height": 900}, **settings)
        context.set_offline(True)
        contexts.append(context)
        return Page(context.new_page()).open(folder / name, fragment)

    yield open_
    for context in contexts:
        context.close()


def test_picture_follows_the_pointer_in_the_same_frame(open_file: Open) -> None:
    """Every move over the map is answered before the next paint; leaving restores the pin."""
    page = open_file()
    pinned = page.checksum("#picture canvas")
    page.move(0.3, 0.4)
    page.lag()
    seen = set()
    for step in range(1, 13):
        page.move(0.3 + 0.03 * step, 0.4)
        seen.add(page.checksum("#picture canvas"))
    assert len(seen) >= 10
    # An event is noted before the callbacks of its frame, so with the number of the last one.
    assert set(page.lag()) <= {0, 1}
    assert "Under the pointer" in page.caption()
    page.page.mouse.move(2, 2)
    page.frames()
    assert page.checksum("#picture canvas") == pinned
    page.in_order()


def test_click_pins_and_the_address_leads_back(open_file: Open) -> None:
    """The pinned code stands in the address; the file opened with it shows the same picture."""
    page = open_file()
    page.page.mouse.click(*page.at(0.7, 0.3))
    page.until("location.hash.startsWith('#z=')")
    page.page.mouse.move(2, 2)
    page.frames()
    assert "Pinned" in page.caption()
    fragment = page.page.evaluate("location.hash")
    other = open_file(fragment=fragment)
    assert other.caption() == page.caption()
    page.page.evaluate("location.hash = '#z=0,0'")
    page.until("document.querySelector('#picture figcaption').innerText.includes('(0.00, 0.00)')")
    page.in_order()


def test_address_that_does_not_fit_is_named(open_file: Open) -> None:
    """What the address holds in vain is said, and the page opens all the same."""
    page = open_file(fragment="#z=1,2,3&map=tsne")
    notice = page.page.locator("#notice").inner_text()
    assert notice.endswith("is ignored: z=1,2,3, map=tsne.")
    assert "(0.00, 0.00)" in page.caption()
    page.in_order()


def test_slider_moves_picture_and_map_in_the_same_frame(open_file: Open) -> None:
    """Dragging a slider is answered like the pointer, without a release; arrow keys step."""
    page = open_file()
    shown = page.checksum("#map canvas[tabindex]")
    across, down = page.at(0.5, 0.5, "#sliders .lx-dim:first-child input")
    page.page.mouse.move(across, down)
    page.page.mouse.down()
    page.lag()
    for step in range(1, 9):
        page.page.mouse.move(across + 5 * step, down)
        page.frames()
    lag = page.lag()
    assert len(lag) >= 8
    assert set(lag) <= {0, 1}
    assert "Under the pointer" in page.caption()
    assert page.checksum("#map canvas[tabindex]") != shown
    page.page.mouse.up()
    page.frames()
    before = page.caption()
    page.page.keyboard.press("ArrowRight")
    page.frames()
    assert page.caption() != before
    page.in_order()


def test_drawing_on_the_pad_is_encoded(open_file: Open) -> None:
    """A stroke leads to what the model sees, its reconstruction, and a code that is pinned."""
    page = open_file()
    empty = page.checksum("#pad figure canvas")
    places = [page.at(0.5 + 0.2 * math.sin(t), 0.5 - 0.3 * math.cos(t), "#pad .lx-sheet")
              for t in torch.linspace(0, 6.2, 25).tolist()]  # fmt: skip
    page.page.mouse.move(*places[0])
    page.page.mouse.down()
    for place in places[1:]:
        page.page.mouse.move(*place)
    page.page.mouse.up()
    page.until("location.hash.startsWith('#z=')")
    page.frames()
    assert page.checksum("#pad figure canvas") != empty
    words = page.page.locator("#pad .lx-pad-words").inner_text()
    assert "rate" in words
    assert words.partition(";")[0] in page.caption()
    page.in_order()


def test_keyboard_alone_moves_and_pins(open_file: Open) -> None:
    """Arrow keys move the code over the map, Enter pins it, Escape lets go."""
    page = open_file()
    page.page.locator("#map canvas[tabindex]").focus()
    for _ in range(4):
        page.page.keyboard.press("ArrowRight")
    page.frames()
    moved = page.caption()
    assert "Under the pointer" in moved
    page.page.keyboard.press("Enter")
    page.until("location.hash.startsWith('#z=')")
    page.page.keyboard.press("Escape")
    page.frames()
    assert page.caption() == moved.replace("Under the pointer", "Pinned")
    page.in_order()


def test_card_shows_a_reconstruction_and_says_so(open_file: Open) -> None:
    """No original is in the file: the card of a point has one picture, and its word."""
    page = open_file()
    target = page.page.locator("#map canvas[tabindex]")
    target.focus()
    for across in range(30, 70):
        page.page.mouse.move(*page.at(across / 100, 0.5))
        page.page.wait_for_timeout(30)
        if page.page.evaluate("!document.querySelector('#map .lx-card').hidden"):
            break
        page.page.wait_for_timeout(150)
    assert page.page.locator("#map .lx-card figcaption").all_inner_texts() == ["Reconstruction"]
    page.in_order()


def test_more_dimensions_have_a_choice_of_maps(open_file: Open) -> None:
    """PCA comes first; t-SNE and any plane of two dimensions can be chosen, and link."""
    page = open_file("deep.html")
    pressed = page.page.locator("#chooser button[aria-pressed=true]")
    assert pressed.inner_text() == "PCA"
    picture = page.checksum("#map canvas:nth-child(3)")
    page.page.get_by_role("button", name="t-SNE").click()
    assert "no way back to a code" in page.page.locator("#meaning").inner_text()
    page.page.get_by_role("button", name="Latent plane").click()
    across, up = page.page.locator("#chooser select").all()
    assert [across.input_value(), up.input_value()] == ["1", "3"]
    across.select_option("3")  # taken by the other: the two change places
    assert [across.input_value(), up.input_value()] == ["3", "1"]
    across.select_option("0")
    page.frames()
    assert page.checksum("#map canvas:nth-child(3)") != picture
    assert page.page.evaluate("location.hash") == "#z=0,0,0,0&map=raw&axes=1,2"
    assert page.page.locator("#manifold .lx-axis").all_inner_texts() == ["z₂ →", "z₁ →"]
    assert page.page.locator("#pad").count() == 0
    other = open_file("deep.html", "#map=raw&axes=1,2")
    assert other.page.locator("#chooser select").first.input_value() == "0"
    page.in_order()


@pytest.mark.parametrize("name", ["flat.html", "deep.html"])
def test_page_fits_a_phone(open_file: Open, name: str) -> None:
    """At 400 px nothing sticks out, and a finger on the map has the picture in sight."""
    page = open_file(name, wide=400, has_touch=True, is_mobile=True)
    assert page.page.evaluate("document.documentElement.scrollWidth") == 400
    page.page.touchscreen.tap(*page.at(0.4, 0.4))
    page.until("location.hash.startsWith('#z=')")
    box = page.page.locator("#picture canvas").bounding_box()
    assert box["y"] >= 0
    assert box["y"] + box["height"] <= 900
    page.in_order()


def test_page_follows_the_theme_of_the_system(open_file: Open) -> None:
    """Dark and light, from the start and when the system changes."""
    page = open_file(color_scheme="dark")
    paper = "getComputedStyle(document.body).backgroundColor"
    assert page.page.evaluate(paper) == "rgb(15, 21, 20)"
    grid = page.checksum("#map canvas:nth-child(2)")
    page.page.emulate_media(color_scheme="light")
    page.frames()
    assert page.page.evaluate(paper) == "rgb(255, 255, 255)"
    assert page.checksum("#map canvas:nth-child(2)") != grid
    page.in_order()
