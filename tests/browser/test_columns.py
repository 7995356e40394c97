"""Columns beside labels in a real browser: colours, filter, link and exported page."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import awkward
import pytest
from serving import ROOT, Server
from visitor import BUSY, MAP, POINTS, Visitor

from vae_core import model_folder
from vae_core.formats import html

pytestmark = pytest.mark.browser

SCRIPT = ROOT / "app" / "main.py"
HEIGHT = "column.größe-cm"

Enter = Callable[..., Visitor]


@pytest.fixture(scope="module")
def own(server: Server) -> Path:
    """Write a model folder with columns among the trained models of the server."""
    saved = model_folder.open_folder("digits-2d")
    card = saved.card.model_copy(update={"name": "own"})
    codes = awkward.with_columns(saved.codes)
    folder = server.runs / "own"
    model_folder.save(folder, card=card, model=saved.model, codes=codes, history=[])
    return folder


def test_a_filter_by_mouse_and_keys_is_in_the_link(visitor: Enter, own: Path) -> None:
    """A range by keys, categories by the legend; the link opens the same; one click resets it."""
    somebody = visitor().open("explore", f"model={own.name}&colour=column.stars")
    page = somebody.page
    all_points = somebody.look(POINTS)[1]
    page.get_by_label("Filter by", exact=True).select_option(HEIGHT)
    smallest = page.get_by_role("spinbutton", name="Smallest größe, cm")
    smallest.fill("-10")
    smallest.press("Tab")
    n = len(model_folder.load_codes(own).ids)
    kept = [p for p in range(n) if p % 9 != 4 and round(0.1 * p - 20, 2) >= -10]
    assert somebody.eventually(lambda: somebody.says(f"{len(kept)} of {n} shown"))
    page.get_by_role("button", name="4", exact=True).click()  # five stars are 0 to 4
    fewer = [p for p in kept if p % 5 != 4]
    assert somebody.eventually(lambda: somebody.says(f"{len(fewer)} of {n} shown"))
    assert somebody.eventually(lambda: "filter=" in page.url and "stars" in page.url)
    somebody.settle()
    assert somebody.look(POINTS)[1] != all_points
    filters = parse_qs(urlsplit(page.url).query)["filter"]
    assert filters == [f"{HEIGHT}:range:-10.0,;column.stars:not:4"]

    again = visitor()
    again.page.goto(page.url)
    again.settle()
    assert again.eventually(lambda: again.says(f"{len(fewer)} of {n} shown"))
    assert again.eventually(lambda: again.page.locator(BUSY).count() == 0)
    again.button("Box").click()
    again.drag(MAP, (0.02, 0.02), (0.98, 0.98))
    inside = f"{len(fewer)} of {len(fewer)} shown ({n} in all) selected"
    assert again.eventually(lambda: again.says(inside))
    again.button("Reset filter").click()
    assert again.eventually(lambda: "filter=" not in again.page.url)
    assert again.eventually(lambda: again.says(f"{n} of {n} selected"))


def test_a_text_is_found_and_marked(visitor: Enter, own: Path) -> None:
    """The search is in the link; cards name what is looked at."""
    somebody = visitor("phone").open("explore", f"model={own.name}&colour=column.note")
    search = somebody.page.get_by_role("searchbox", name="Find in note")
    search.fill("NR. 12")
    expected = [p for p, note in enumerate(awkward.table(360)["note"]) if "Nr. 12" in (note or "")]
    assert somebody.eventually(lambda: somebody.says(f"{len(expected)} found"))
    assert somebody.eventually(lambda: "search=NR.+12" in somebody.page.url)
    width = somebody.page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth")
    assert width <= 400


def test_an_exported_page_has_the_columns(visitor: Enter, own: Path, tmp_path: Path) -> None:
    """Opened from disk it colours and filters, and its address keeps the colour."""
    path = tmp_path / "own.html"
    path.write_bytes(html.page(model_folder.open_folder(own)))
    somebody = visitor(alone=True)
    page = somebody.page
    page.goto(path.as_uri())
    page.wait_for_selector("#map .lx-legend button")
    page.get_by_label("Colour").select_option("column.art-species")
    page.get_by_role("button", name="犬", exact=True).click()
    n = len(model_folder.load_codes(own).ids)
    dogs = sum(species == awkward.SPECIES[1] for species in awkward.table(n)["Art (species)"])
    assert somebody.eventually(lambda: somebody.says(f"{n - dogs} of {n} shown"))
    assert "colour=column.art-species" in page.url
    page.reload()
    assert somebody.eventually(lambda: somebody.says(f"{n - dogs} of {n} shown"))
    somebody.button("Reset filter").click()
    assert somebody.eventually(lambda: "filter=" not in page.url)
