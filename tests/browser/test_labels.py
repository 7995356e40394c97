"""A model that is given a label, and one of a single dimension, in a real browser."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from serving import ROOT, Server
from visitor import GRID, MAP, Visitor

from vae_core import learning, runs
from vae_core.config import TrainConfig
from vae_core.data import load_dataset
from vae_core.runs import RunConfig

pytestmark = pytest.mark.browser

SCRIPT = ROOT / "app" / "main.py"
STYLES = ".lx-styles canvas"
CONTRAST = 60

Enter = Callable[..., Visitor]


def trained(folder: Path, name: str, **settings: Any) -> str:
    """Train a small model of the bundled digits for an epoch, once for all tests."""
    if not (folder / name).exists():
        model = learning.describe_model(load_dataset("digits"), hidden=(32,), **settings)
        training = TrainConfig(dataset="digits", epochs=1, threads=1)
        config = RunConfig(name=name, model=model, training=training)
        assert runs.execute(runs.create(folder / name, config)) == "finished"
    return name


@pytest.fixture
def told(server: Server) -> str:
    """Return the name of a conditional model."""
    return trained(server.runs, "told", conditional=True, latent_dim=2)


def test_another_label_changes_the_picture_by_click_and_by_keys(visitor: Enter, told: str) -> None:
    """The picture follows at once, the address after it, and a link restores both."""
    somebody = visitor().open("decode", f"model={told}")
    before = somebody.picture()
    seven = somebody.page.get_by_role("radio", name="7")
    seven.click()
    somebody.frames()
    assert somebody.picture() != before
    assert somebody.eventually(lambda: "y=7" in somebody.page.url)
    somebody.key("ArrowRight")
    assert somebody.eventually(lambda: "y=8" in somebody.page.url)
    eight = somebody.picture()
    other = visitor().open("decode", somebody.page.url.split("?")[1])
    assert other.eventually(lambda: other.picture() == eight)
    assert other.page.get_by_role("radio", name="8").get_attribute("aria-checked") == "true"


def test_a_style_under_another_label_is_pinned(visitor: Enter, told: str) -> None:
    """A picture of the grid is a code and a label; keys lead there too."""
    somebody = visitor().open("morph", f"model={told}")
    assert somebody.drawn_after(STYLES, CONTRAST)
    first = somebody.picture(STYLES)
    somebody.page.mouse.click(*somebody.at(STYLES, 0.35, 0.5))  # third style, as a 3
    assert somebody.eventually(lambda: "y=3" in somebody.page.url and "z=" in somebody.page.url)
    assert somebody.eventually(lambda: somebody.picture(STYLES) != first)
    somebody.settle()
    somebody.find(STYLES).focus()
    somebody.key("ArrowRight")
    somebody.key("Enter")
    assert somebody.eventually(lambda: "y=4" in somebody.page.url)


def test_on_a_phone_labels_run_down(visitor: Enter, told: str) -> None:
    """Cells stay large enough for a finger, and nothing scrolls sideways."""
    somebody = visitor("phone").open("morph", f"model={told}")
    assert somebody.drawn_after(STYLES, CONTRAST)
    box = somebody.find(STYLES).bounding_box()
    assert box["height"] > box["width"]
    assert box["width"] / 5 >= 44
    width = somebody.page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth")
    assert width <= 400


def test_a_single_dimension_has_a_map_and_a_manifold(visitor: Enter, server: Server) -> None:
    """Moving along the line decodes; the grid is drawn, and a cell of it is pinned."""
    line = trained(server.runs, "line", latent_dim=1)
    somebody = visitor().open("explore", f"model={line}")
    before = somebody.picture()
    somebody.move(0.8, 0.95)
    assert somebody.eventually(lambda: somebody.picture() != before)
    somebody.page.mouse.click(*somebody.at(MAP, 0.8, 0.95))
    assert somebody.eventually(lambda: "z=" in somebody.page.url)
    somebody.open("manifold", f"model={line}")
    assert somebody.drawn_after(GRID, CONTRAST)
    somebody.page.mouse.click(*somebody.at(GRID, 0.1, 0.1))
    assert somebody.eventually(lambda: "z=-" in somebody.page.url)
