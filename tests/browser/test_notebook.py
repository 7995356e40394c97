"""What the cells of a notebook show, opened from disk in a real browser without a network."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import notebooks
import pytest
from visitor import POINTS, Visitor

import vae_core
from vae_core.api import widget

pytestmark = pytest.mark.browser


class Cell(Visitor):
    """A person with the output of a cell."""

    def __init__(self, page: Any, path: Path) -> None:
        super().__init__(page)
        self.whole = page
        page.goto(path.as_uri())
        page.wait_for_selector("iframe")
        self.page = page.frames[1]  # the page in the cell

    def _note(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.problems.append(message.text)

    def hover(self, across: float, down: float) -> None:
        """Move the mouse over the map."""
        box = self.find("#map .lx-stage canvas[tabindex]").bounding_box()
        self.whole.mouse.move(box["x"] + across * box["width"], box["y"] + down * box["height"])
        self.frames()

    def away(self) -> None:
        """Move the mouse to the title of the page in the cell."""
        self.find("h1").hover()
        self.frames()


@pytest.fixture(scope="module")
def folder(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Execute the notebook, and write the outputs of its last cells to files."""
    pytest.importorskip("nbclient", reason="nbclient is not installed")
    folder = tmp_path_factory.mktemp("notebook")
    cells = notebooks.executed(folder)
    for call in ("explore", "from_codes"):
        cell = notebooks.shown(cells, f"vae_core.{call}", "text/html")
        document = (
            f"<!doctype html><meta charset=utf-8><title>A notebook</title><p>A cell</p>{cell}"
        )
        (folder / f"{call}.html").write_text(document, encoding="utf-8")
    return folder


@pytest.fixture
def context(browser: Any) -> Iterator[Any]:
    """Return a browser's context that is offline."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.set_offline(True)
    yield context
    context.close()


def test_the_cell_of_a_model_is_alive(context: Any, folder: Path) -> None:
    """The map is drawn, the picture follows the pointer, and a click pins."""
    cell = Cell(context.new_page(), folder / "explore.html")
    cell.page.wait_for_selector("#picture .lx-ready")
    cell.page.wait_for_selector("#map .lx-legend button")
    cell.drawn_after(POINTS, 50)
    first = cell.picture()
    cell.hover(0.35, 0.4)
    assert cell.picture() != first
    assert "Preview" in cell.caption()
    cell.whole.mouse.down()
    cell.whole.mouse.up()
    cell.away()
    assert cell.eventually(lambda: "Selected point" in cell.caption())
    assert cell.page.url == "about:srcdoc"
    cell.check()


def test_the_cell_of_codes_has_map_neighbours_and_gallery(context: Any, folder: Path) -> None:
    """Nothing is decoded: pictures are those that were given."""
    cell = Cell(context.new_page(), folder / "from_codes.html")
    cell.page.wait_for_selector("#neighbours.lx-ready")
    cell.drawn_after(POINTS, 50)
    nearest = cell.page.locator("#neighbours button")
    assert nearest.count() == 12
    cell.drawn_after("#neighbours canvas", 50)
    assert "Selected: " in cell.find("#neighbours p").inner_text()
    before = nearest.all_inner_texts()
    cell.hover(0.3, 0.6)
    assert cell.find("#neighbours p").inner_text() == "Preview"
    assert nearest.all_inner_texts() != before
    distances = [float(text.split("\n")[-1]) for text in nearest.all_inner_texts()]
    assert distances == sorted(distances)

    cell.away()
    chosen = before[3].split("\n")[0]
    nearest.nth(3).click()
    cell.away()
    assert cell.eventually(lambda: chosen in cell.find("#neighbours p").inner_text())

    assert cell.find("#selected").is_hidden()
    assert not cell.find(".lx-fade").is_visible()
    cell.button("Box").click()
    cell.hover(0.2, 0.2)
    cell.whole.mouse.down()
    cell.hover(0.55, 0.5)
    cell.hover(0.6, 0.55)
    cell.whole.mouse.up()
    cell.find("#selected").wait_for(state="visible")
    cell.drawn_after("#gallery canvas", 50)
    assert "originals" in cell.find("#gallery").inner_text()
    cell.check()


#: Renders the widget as anywidget does, with a model that keeps what it is told.
RENDER = """async ([source, page]) => {
  const address = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
  const { default: widget } = await import(address);
  const values = { page, title: "A model", height: 800, z: null, y: null };
  const listeners = {};
  window.model = {
    get: (name) => values[name],
    set(name, value) {
      values[name] = value;
      (listeners[`change:${name}`] ?? []).forEach((call) => call());
    },
    save_changes: () => (window.saved = values.z),
    on: (name, call) => (listeners[name] ??= []).push(call),
    off() {},
  };
  widget.render({ model: window.model, el: document.body });
}"""
PINNED = 'import("latent-explorer/state/store.js").then(({ store }) => Array.from(store.get().z))'


def test_a_widget_brings_the_pinned_code_to_python_and_back(context: Any) -> None:
    """What is shown at first, what is clicked, and what Python sets."""
    page = context.new_page()
    shown = vae_core.explore("digits-2d", serve=False)
    page.set_content("<!doctype html><meta charset=utf-8><body></body>")
    page.evaluate(RENDER, [widget.MODULE.read_text(encoding="utf-8"), shown.page.decode()])
    page.wait_for_function("() => window.saved?.length === 2")
    assert page.evaluate("saved") == [0, 0]
    (frame,) = page.frames[1:]
    box = frame.wait_for_selector("#map .lx-stage canvas[tabindex]").bounding_box()
    page.mouse.click(box["x"] + 0.3 * box["width"], box["y"] + 0.4 * box["height"])
    page.wait_for_function("() => window.saved.some((one) => one !== 0)")
    assert page.evaluate("saved") == frame.evaluate(PINNED)
    page.evaluate("model.set('z', [0.5, -1.25])")
    frame.wait_for_function(f"async () => (await {PINNED}).join() === '0.5,-1.25'")
    assert page.evaluate("saved") == [0.5, -1.25]
    page.evaluate("model.set('z', [1, 2, 3])")  # no code of this model
    assert frame.evaluate(PINNED) == [0.5, -1.25]
