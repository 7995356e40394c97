"""A model made elsewhere in a real browser: dropped, checked, looked at, exported."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import served
import torch
from serving import ROOT
from visitor import FIRST, MAP, Visitor

import vae_core
from benchmarks.foreign.convolutional import ConvVAE
from benchmarks.foreign.pictures import shapes
from vae_core import model_folder
from vae_core.formats import html

pytestmark = pytest.mark.browser

SCRIPT = ROOT / "app" / "main.py"
FOREIGN = ROOT / "tests" / "fixtures" / "foreign"
DIALOG = '[data-testid="stDialog"]'
DROPZONE = f'{DIALOG} [data-testid="stFileUploaderDropzoneInput"]'
CONTRAST = 40
#: Milliseconds that an import in its own process may take on a busy machine.
IMPORTED = 300_000

Enter = Callable[..., Visitor]


def dropped(somebody: Visitor, name: str, *parts: str) -> None:
    """Open the dialog and drop the files of a foreign model."""
    files = [FOREIGN / name / "legacy" / f"{part}.onnx" for part in parts]
    drop(somebody, *files, FOREIGN / name / "pictures.npz")


def drop(somebody: Visitor, *files: Path) -> None:
    """Open the dialog and drop ONNX files and pictures."""
    somebody.button("Open a model").click()
    somebody.button("Model made elsewhere (ONNX)…").click()
    somebody.page.locator(DROPZONE).set_input_files([str(path) for path in files])
    somebody.button("Check").wait_for()


def test_a_model_made_elsewhere_is_dropped_and_every_page_shows_it(
    visitor: Enter, browser: Any, tmp_path: Path
) -> None:
    """Two ONNX files and pictures become a map, pictures under the pointer, and one HTML file."""
    somebody = visitor().open("explore")
    dropped(somebody, "pytorch-vae", "encoder", "decoder")
    somebody.button("Check").click()
    found = somebody.page.get_by_text("the decoder ends in a sigmoid")
    found.wait_for(timeout=IMPORTED)
    dialog = somebody.page.locator(DIALOG)
    dialog.get_by_role("button", name="Open", exact=True).click()
    dialog.wait_for(state="detached", timeout=IMPORTED)
    somebody.page.wait_for_url(re.compile("model=file-"), timeout=IMPORTED)
    somebody.page.wait_for_selector(MAP)
    somebody.settle()
    assert somebody.drawn_after(FIRST["explore"], CONTRAST) > 0
    before = somebody.look(FIRST["explore"])[1]
    somebody.drag(MAP, (0.3, 0.3), (0.6, 0.6))
    assert somebody.eventually(lambda: somebody.look(FIRST["explore"])[1] != before)
    for page in ("manifold", "decode", "morph"):
        somebody.follow(page)
        assert somebody.drawn_after(FIRST[page], CONTRAST) > 0
    # These pictures are no ink, so that files come first there, and not the drawing pad.
    somebody.page.get_by_role("link", name="Reconstruct").click()
    somebody.page.get_by_text("Drop images here, or paste one").wait_for()
    exported = tmp_path / "theirs.html"
    exported.write_bytes(somebody.download("Export as one HTML file"))
    offline = Visitor(browser.new_context(offline=True).new_page())
    offline.page.goto(exported.as_uri())
    assert offline.drawn_after("#picture canvas", CONTRAST) > 0
    offline.page.context.close()
    assert somebody.problems == offline.problems == []


def test_a_model_that_no_browser_can_run_is_decoded_by_the_server(
    visitor: Enter, tmp_path: Path
) -> None:
    """The page says so; pictures follow the pointer, sliders and grid as they do elsewhere."""
    somebody = visitor().open("explore")
    drop(somebody, *served.write(tmp_path, recurrent_encoder=True))
    dialog = somebody.page.locator(DIALOG)
    dialog.get_by_role("button", name="Open", exact=True).click()
    dialog.wait_for(state="detached", timeout=IMPORTED)
    somebody.page.wait_for_selector(MAP)
    somebody.settle()
    somebody.page.get_by_text("Decoded by the server").wait_for()
    assert somebody.button("Export as one HTML file").count() == 0
    picture = FIRST["explore"]
    assert somebody.drawn_after(picture, CONTRAST / 2) > 0
    seen = {somebody.look(picture)[1]}
    for step in range(3):
        somebody.page.mouse.move(*somebody.at(MAP, 0.3 + 0.15 * step, 0.4))
        assert somebody.eventually(lambda: somebody.look(picture)[1] not in seen)
        seen.add(somebody.look(picture)[1])
    for page in ("manifold", "decode", "morph"):
        somebody.follow(page)
        assert somebody.drawn_after(FIRST[page], CONTRAST / 2) > 0
    assert somebody.problems == []


def test_the_exported_page_of_large_colour_pictures_follows_the_pointer(
    browser: Any, tmp_path: Path
) -> None:
    """64 × 64 × 3, by transposed convolutions of 256 to 32 channels, from disk and offline."""
    torch.manual_seed(0)
    net = ConvVAE([32, 64, 128, 256], codes=8, side=64).eval()
    images, _ = shapes(60, 64)
    with torch.no_grad():  # so that pictures and codes make a difference without a training
        net.fc_mu.weight /= net.encode(torch.from_numpy(images).float() / 255)[0].std(0).mean()
        net.decoder_input.weight *= 8
        net.decoder[-2].weight *= 40
    vae_core.import_model(
        net.encode,
        net.decode,
        data=images,
        out=tmp_path / "theirs",
        posterior="mu,logvar",
        likelihood="gaussian:1",
        tsne=False,
        say=lambda sentence: None,
    )
    (tmp_path / "theirs.html").write_bytes(html.page(model_folder.open_folder(tmp_path / "theirs")))
    offline = Visitor(browser.new_context(offline=True).new_page())
    offline.page.goto((tmp_path / "theirs.html").as_uri())
    assert offline.drawn_after("#picture canvas", CONTRAST / 2) > 0
    seen = {offline.look("#picture canvas")[1]}
    for step in range(4):
        offline.page.mouse.move(*offline.at(MAP, 0.2 + 0.15 * step, 0.3 + 0.1 * step))
        assert offline.eventually(lambda: offline.look("#picture canvas")[1] not in seen)
        seen.add(offline.look("#picture canvas")[1])
    assert offline.problems == []
    offline.page.context.close()


@pytest.mark.parametrize("name", ["convolutional", "keras", "generator"])
def test_the_exported_page_of_a_foreign_model_decodes_under_the_pointer(
    browser: Any, tmp_path: Path, name: str
) -> None:
    """From disk, without a network: transposed convolutions in colour, Keras, a generator."""
    about = json.loads((FOREIGN / name / "about.json").read_text())
    folder = FOREIGN / name / about["exporters"][-1]
    encoder = folder / "encoder.onnx"
    stated = ("posterior", "output", "likelihood") if encoder.is_file() else ("output",)
    told = {key: about[key] for key in stated if about[key]}
    vae_core.import_model(
        encoder if encoder.is_file() else None,
        folder / "decoder.onnx",
        data=FOREIGN / name / "pictures.npz" if encoder.is_file() else None,
        out=tmp_path / "theirs",
        tsne=False,
        say=lambda sentence: None,
        **told,
    )
    exported = tmp_path / "theirs.html"
    exported.write_bytes(html.page(model_folder.open_folder(tmp_path / "theirs")))
    offline = Visitor(browser.new_context(offline=True).new_page())
    offline.page.goto(exported.as_uri())
    assert offline.drawn_after("#picture canvas", CONTRAST / 2) > 0
    seen = {offline.look("#picture canvas")[1]}
    for step in range(4):
        offline.page.mouse.move(*offline.at(MAP, 0.3 + 0.1 * step, 0.4 + 0.05 * step))
        offline.frames()
        assert offline.eventually(lambda: offline.look("#picture canvas")[1] not in seen)
        seen.add(offline.look("#picture canvas")[1])
    assert offline.problems == []
    offline.page.context.close()


def test_what_is_not_certain_is_asked_in_the_dialog(visitor: Enter) -> None:
    """A sentence lists what can be stated; the dialog stays as it is."""
    somebody = visitor().open("explore")
    dropped(somebody, "conditional", "encoder", "decoder")
    somebody.button("Check").click()
    somebody.page.get_by_text("state “Decoder returns” as one of").wait_for(timeout=IMPORTED)
    assert "model=digits-2d" in somebody.page.url
