"""An exported page opened from disk, without a network, in a real browser."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from visitor import MAP, PICTURE, POINTS, Place, Visitor

from vae_core import model_folder
from vae_core.config import ModelConfig, TrainConfig
from vae_core.formats import html
from vae_core.model_folder import Codes, ModelCard, Saved
from vae_core.models import VAE

pytestmark = pytest.mark.browser

GROUND = "#map canvas:nth-child(2)"
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


class Page(Visitor):
    """A person with an exported page."""

    def __init__(self, page: Any) -> None:
        super().__init__(page)
        self.asked: list[str] = []
        page.on("request", self._ask)
        page.add_init_script(PROBE)

    def _note(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.problems.append(message.text)

    def _ask(self, request: Any) -> None:
        if not request.url.startswith(("data:", "blob:")):
            self.asked.append(request.url)

    def open_file(self, path: Path, fragment: str = "") -> Page:
        """Open the file and wait until the map and the picture are drawn."""
        self.page.goto(path.as_uri() + fragment)
        self.page.wait_for_selector("#picture .lx-ready")
        self.page.wait_for_selector("#map .lx-legend button")
        self.frames()
        return self

    def until(self, condition: str) -> None:
        """Wait until a JavaScript expression holds; Playwright's own way needs eval."""
        assert self.eventually(lambda: bool(self.page.evaluate(condition))), condition

    def at(self, selector: str, across: float, down: float, index: int = 0) -> Place:
        """Return a place of an element that is scrolled into view."""
        self.find(selector, index).scroll_into_view_if_needed()
        return super().at(selector, across, down, index)

    def step(self, across: float, down: float) -> None:
        """Move the mouse over the map at once, and let frames pass."""
        self.page.mouse.move(*self.on_map(across, down))
        self.frames()

    def lag(self) -> list[float]:
        """Frames from each noted move to the first picture after it, and forget them."""
        lag = self.page.evaluate(
            """probe.moved.map((moved) =>
                 (probe.drawn.find((drawn) => drawn >= moved) ?? Infinity) - moved)"""
        )
        self.page.evaluate("probe.moved = []; probe.drawn = []")
        return list(lag)

    def check(self) -> None:
        """Check that nothing went wrong, and that nothing was asked for but the file."""
        super().check()
        assert len(self.asked) == 1
        assert self.asked[0].startswith("file://")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a page of a trained model, and two of untrained models of four dimensions."""
    folder = tmp_path_factory.mktemp("pages")
    (folder / "flat.html").write_bytes(html.page(model_folder.open_folder("digits-2d")))
    (folder / "deep.html").write_bytes(html.page(four_dimensions()))
    (folder / "given.html").write_bytes(html.page(given_a_label()))
    return folder


def given_a_label() -> Saved:
    """Make an untrained convolutional model of ink that is given one of three labels."""
    config = ModelConfig(
        image_shape=(1, 9, 7),
        latent_dim=4,
        network="conv",
        hidden=(6, 8),
        conditional=True,
        classes=3,
    )
    return untrained(config, "given", dataset="mnist", classes=("one", "two", "three"))


def four_dimensions() -> Saved:
    """Make an untrained model of photographs with codes in four dimensions."""
    config = ModelConfig(image_shape=(1, 9, 7), latent_dim=4, hidden=(16,))
    return untrained(config, "deep", dataset="frey-face", classes=("a", "b"))


def untrained(config: ModelConfig, name: str, *, dataset: str, classes: tuple[str, ...]) -> Saved:
    """Make a model of random weights with made-up codes in four dimensions."""
    torch.manual_seed(0)
    n = 200
    codes = Codes(
        ids=torch.arange(n),
        labels=torch.arange(n) % len(classes),
        mu=torch.randn(n, 4) * torch.tensor([0.3, 1.0, 0.5, 2.0]),
        logvar=torch.full((n, 4), -2.0),
        rate=torch.rand(n),
        distortion=torch.rand(n),
        projections={"pca": torch.randn(n, 2), "tsne": 10 * torch.randn(n, 2)},
        pca_mean=torch.zeros(4),
        pca_components=torch.eye(4)[[3, 1]],
    )
    card = ModelCard(
        name=name, dataset=dataset, classes=classes, model=config, training=TrainConfig()
    )
    return Saved(card=card, model=VAE(config).eval().requires_grad_(False), codes=codes)


Open = Callable[..., Page]


@pytest.fixture
def open_file(browser: Any, folder: Path) -> Iterator[Open]:
    """Return a function that opens a page from disk in a browser that is offline."""
    pages: list[Page] = []

    def open_(
        name: str = "flat.html", fragment: str = "", *, wide: int = 1280, **settings: Any
    ) -> Page:
        context = browser.new_context(viewport={"width": wide, "height": 900}, **settings)
        context.set_offline(True)
        pages.append(Page(context.new_page()))
        return pages[-1].open_file(folder / name, fragment)

    yield open_
    try:
        for page in pages:
            page.check()
    finally:
        for page in pages:
            page.page.context.close()


def test_picture_follows_the_pointer_in_the_same_frame(open_file: Open) -> None:
    """Every move over the map is answered before the next paint; leaving restores the pin."""
    page = open_file()
    pinned = page.picture()
    page.step(0.3, 0.4)
    page.lag()
    seen = set()
    for step in range(1, 13):
        page.step(0.3 + 0.03 * step, 0.4)
        seen.add(page.picture())
    assert len(seen) >= 10
    # An event is noted before the callbacks of its frame, so with the number of the last one.
    assert set(page.lag()) <= {0, 1}
    assert "Preview" in page.caption()
    page.leave()
    assert page.picture() == pinned


def test_networks_run_in_webassembly(open_file: Open) -> None:
    """The page allows itself the kernel, and the network's weights are in its memory."""
    page = open_file()
    memory = page.page.evaluate(
        """Promise.all(
             ["state/store.js", "model/kernel.js"].map((name) => import(`latent-explorer/${name}`)))
             .then(([{ store }, { KERNEL }]) => {
               const { bias } = store.get().network.decoder[0];
               return { compiled: KERNEL !== null, pages: bias.buffer.byteLength % 65536 };
             })"""
    )
    assert memory == {"compiled": True, "pages": 0}


def test_click_pins_and_the_address_leads_back(open_file: Open) -> None:
    """The pinned code stands in the address; the file opened with it shows the same picture."""
    page = open_file()
    page.page.mouse.click(*page.on_map(0.7, 0.3))
    page.until("location.hash.startsWith('#z=')")
    page.leave()
    assert "Selected point" in page.caption()
    fragment = page.page.evaluate("location.hash")
    other = open_file(fragment=fragment)
    assert other.caption() == page.caption()
    page.page.evaluate("location.hash = '#z=0,0'")
    page.until("document.querySelector('#picture figcaption').innerText.includes('(0.00, 0.00)')")


def test_address_that_does_not_fit_is_named(open_file: Open) -> None:
    """What the address holds in vain is said, and the page opens all the same."""
    page = open_file(fragment="#z=1,2,3&map=tsne")
    notice = page.page.locator("#notice").inner_text()
    assert notice.endswith("does not fit this model: z=1,2,3, map=tsne.")
    assert "(0.00, 0.00)" in page.caption()


def test_slider_moves_picture_and_map_in_the_same_frame(open_file: Open) -> None:
    """Dragging a slider is answered like the pointer, without a release; arrow keys step."""
    page = open_file()
    shown = page.picture(MAP)
    across, down = page.at("#sliders .lx-dim:first-child input", 0.5, 0.5)
    page.page.mouse.move(across, down)
    page.page.mouse.down()
    page.lag()
    for step in range(1, 9):
        page.page.mouse.move(across + 5 * step, down)
        page.frames()
    lag = page.lag()
    assert len(lag) >= 8
    assert set(lag) <= {0, 1}
    assert "Preview" in page.caption()
    assert page.picture(MAP) != shown
    page.page.mouse.up()
    page.frames()
    before = page.caption()
    page.key("ArrowRight")
    page.frames()
    assert page.caption() != before


def test_drawing_on_the_pad_is_encoded(open_file: Open) -> None:
    """A stroke leads to what the model sees, its reconstruction, and a code that is pinned."""
    page = open_file()
    empty = page.picture("#pad figure canvas")
    places = [page.at("#pad .lx-sheet", 0.5 + 0.2 * math.sin(t), 0.5 - 0.3 * math.cos(t))
              for t in torch.linspace(0, 6.2, 25).tolist()]  # fmt: skip
    page.page.mouse.move(*places[0])
    page.page.mouse.down()
    for place in places[1:]:
        page.page.mouse.move(*place)
    page.page.mouse.up()
    page.until("location.hash.startsWith('#z=')")
    page.frames()
    assert page.picture("#pad figure canvas") != empty
    words = page.page.locator("#pad .lx-pad-words").inner_text()
    assert "rate" in words
    assert words.partition(";")[0] in page.caption()


def test_keyboard_alone_moves_and_pins(open_file: Open) -> None:
    """Arrow keys move the code over the map, Enter pins it, Escape lets go."""
    page = open_file()
    page.find(MAP).focus()
    for _ in range(4):
        page.key("ArrowRight")
    page.frames()
    moved = page.caption()
    assert "Preview" in moved
    page.key("Enter")
    page.until("location.hash.startsWith('#z=')")
    page.key("Escape")
    page.frames()
    assert page.caption() == moved.replace("Preview", "Selected point")


def test_card_shows_a_reconstruction_and_says_so(open_file: Open) -> None:
    """No original is in the file: the card of a point has one picture, and its word."""
    page = open_file()
    card = page.find("#map .lx-card")
    page.find(MAP).focus()
    for across in range(30, 70):
        page.step(across / 100, 0.5)
        if page.eventually(card.is_visible, 0.4):
            break
    assert page.page.locator("#map .lx-card figcaption").all_inner_texts() == ["Reconstruction"]


def test_more_dimensions_have_a_choice_of_maps(open_file: Open) -> None:
    """PCA comes first; t-SNE and any plane of two dimensions can be chosen, and link."""
    page = open_file("deep.html")
    pressed = page.page.locator("#chooser button[aria-pressed=true]")
    assert pressed.inner_text() == "PCA"
    picture = page.picture(POINTS)
    page.button("t-SNE").click()
    assert "t-SNE cannot be decoded" in page.page.locator("#meaning").inner_text()
    page.button("Latent plane").click()
    across, up = page.page.locator("#chooser select").all()
    assert [across.input_value(), up.input_value()] == ["1", "3"]
    across.select_option("3")  # taken by the other: the two change places
    assert [across.input_value(), up.input_value()] == ["3", "1"]
    across.select_option("0")
    page.frames()
    assert page.picture(POINTS) != picture
    start = ",".join(f"{value:.4f}" for value in four_dimensions().opening_code().tolist())
    assert page.page.evaluate("location.hash") == f"#z={start}&map=raw&axes=1,2"
    assert page.page.locator("#manifold .lx-axis").all_inner_texts() == ["z₂ →", "z₁ →"]
    assert page.page.locator("#pad").count() == 0
    other = open_file("deep.html", "#map=raw&axes=1,2")
    assert other.page.locator("#chooser select").first.input_value() == "0"


def test_grid_is_decoded_in_a_worker_from_disk(open_file: Open) -> None:
    """The page starts a worker from what it holds; it decodes what the page itself would."""
    page = open_file("given.html")
    page.until("document.querySelector('.lx-manifold').getAttribute('aria-busy') === 'false'")
    assert [worker.url[:21] for worker in page.page.workers] == ["data:text/javascript;"]
    assert page.find("#manifold .lx-drawing").is_hidden()


def test_label_is_chosen_and_all_pictures_follow(open_file: Open) -> None:
    """A conditional model asks for the label; picture, strip and grid change, and it links."""
    page = open_file("given.html")
    labels = page.page.locator("#labels [role=radio]")
    assert labels.all_inner_texts() == ["one", "two", "three"]
    page.until("document.querySelector('.lx-manifold').getAttribute('aria-busy') === 'false'")
    strip, grid = "#sliders canvas", "#manifold .lx-tiles"
    before = [page.picture(place) for place in (PICTURE, strip, grid)]
    labels.nth(2).click()
    page.frames()
    assert page.picture() != before[0]
    assert page.picture(strip) != before[1]
    assert page.eventually(lambda: page.picture(grid) != before[2])
    assert page.page.evaluate("location.hash") == "#z=0,0,0,0&y=2&map=pca&axes=2,4"
    other = open_file("given.html", "#y=2")
    assert other.picture() == page.picture()
    assert other.page.locator("#labels [aria-checked=true]").inner_text() == "three"


@pytest.mark.parametrize("name", ["flat.html", "deep.html", "given.html"])
def test_page_fits_a_phone(open_file: Open, name: str) -> None:
    """At 400 px nothing sticks out, and a finger on the map has the picture in sight."""
    page = open_file(name, wide=400, has_touch=True, is_mobile=True)
    assert page.page.evaluate("document.documentElement.scrollWidth") == 400
    page.page.touchscreen.tap(*page.on_map(0.4, 0.4))
    page.until("location.hash.startsWith('#z=')")
    box = page.page.locator(PICTURE).bounding_box()
    assert box["y"] >= 0
    assert box["y"] + box["height"] <= 900


def test_page_follows_the_theme_of_the_system(open_file: Open) -> None:
    """Dark and light, from the start and when the system changes."""
    page = open_file(color_scheme="dark")
    paper = "getComputedStyle(document.body).backgroundColor"
    assert page.page.evaluate(paper) == "rgb(15, 21, 20)"
    grid = page.picture(GROUND)
    page.page.emulate_media(color_scheme="light")
    page.frames()
    assert page.page.evaluate(paper) == "rgb(255, 255, 255)"
    assert page.picture(GROUND) != grid
