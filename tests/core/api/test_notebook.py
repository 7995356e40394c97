"""The notebook of the documents runs, and its cells show what they say."""

from __future__ import annotations

import base64
import html
import json
import re

import notebooks
import pytest
from notebooks import Cell

pytest.importorskip("nbclient", reason="nbclient is not installed")


@pytest.fixture(scope="module")
def cells(tmp_path_factory: pytest.TempPathFactory) -> list[Cell]:
    """Execute the notebook."""
    return notebooks.executed(tmp_path_factory.mktemp("notebook"))


def test_its_outputs_are_cleared() -> None:
    """What it shows comes from the code of today."""
    for cell in json.loads(notebooks.NOTEBOOK.read_text("utf-8"))["cells"]:
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None


def test_nothing_is_warned_of(cells: list[Cell]) -> None:
    """The only words on stderr are those of the progress bar, which is drawn over itself."""
    told = [
        "".join(output["text"])
        for cell in cells
        for output in cell.get("outputs", [])
        if output.get("name") == "stderr"
    ]
    assert all(text.startswith("\r") or not text.strip() for text in told)
    assert "epoch 15 of 15" in "".join(told)


def test_metrics_are_a_table(cells: list[Cell]) -> None:
    """With errors."""
    table = notebooks.shown(cells, "vae_core.evaluate", "text/html")
    assert re.search(r"<td>elbo</td><td>−\d+\.\d+ ± \d+\.\d+ nats</td>", table)


@pytest.mark.parametrize("call", ["vae_core.manifold_grid", "vae_core.interpolate"])
def test_decoded_pictures_are_a_picture(cells: list[Cell], call: str) -> None:
    """A PNG."""
    png = notebooks.shown(cells, call, "image/png")
    assert base64.b64decode(png).startswith(b"\x89PNG")


@pytest.mark.parametrize("call", ["vae_core.explore", "vae_core.from_codes"])
def test_pages_are_frames_that_hold_all_they_need(cells: list[Cell], call: str) -> None:
    """The frame has the whole page in its attribute, and may run scripts and save files alone."""
    (frame,) = re.findall(r"<iframe [^>]*>", notebooks.shown(cells, call, "text/html"))
    page = html.unescape(re.search(r'srcdoc="([^"]*)"', frame)[1])  # type: ignore[index]
    assert page.startswith("<!doctype html>")
    assert 'sandbox="allow-scripts allow-downloads"' in frame
    assert " src=" not in frame


def test_cells_run_in_their_order(cells: list[Cell]) -> None:
    """Each once."""
    numbers = [cell["execution_count"] for cell in cells if cell["cell_type"] == "code"]
    assert numbers == list(range(1, len(numbers) + 1))
