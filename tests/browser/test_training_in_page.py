"""Training inside the page: steered, repeated by its link, downloaded, on own pictures."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
from PIL import Image
from serving import ROOT
from visitor import Visitor

from vae_core import evaluation, load_dataset, model_folder
from vae_core.model_folder import open_zip

pytestmark = pytest.mark.browser

SCRIPT = ROOT / "app" / "main.py"
PANEL = ".lx-training[data-step]"

Enter = Callable[..., Visitor]


def opened(somebody: Visitor, training: str) -> Visitor:
    """Open the training of a link."""
    return somebody.go(f"learn?section=training&training={training}", PANEL)


def step_of(somebody: Visitor) -> int:
    """Return the step that is shown."""
    return int(somebody.find(PANEL).get_attribute("data-step"))


def linked(somebody: Visitor) -> str:
    """Return the training in the page's address."""
    return parse_qs(urlsplit(somebody.page.url).query).get("training", [""])[0]


def steps(somebody: Visitor, count: int) -> None:
    """Take steps, one after another."""
    for _ in range(count):
        before = step_of(somebody)
        somebody.button("Step").click()
        assert somebody.eventually(lambda before=before: step_of(somebody) == before + 1)


def downloaded(somebody: Visitor, to: Path) -> bytes:
    """Download the model folder."""
    with somebody.page.expect_download() as waiting:
        somebody.button("Download model").click()
    waiting.value.save_as(to)
    return to.read_bytes()


def test_it_plays_pauses_steps_looks_back_and_begins_again(visitor: Enter) -> None:
    """By keys too; the past leaves the present alone, and a reset leads to the same first frame."""
    somebody = opened(visitor(), "digits_w16")
    grid = ".lx-replay-plane canvas"
    first = somebody.picture(grid)
    somebody.button("Play").click()
    assert somebody.eventually(lambda: step_of(somebody) > 30)
    somebody.button("Pause").click()
    somebody.button("Play").wait_for()
    somebody.quiet()
    paused = step_of(somebody)
    somebody.quiet()
    assert step_of(somebody) == paused
    panel = somebody.find(".lx-training")
    panel.locator(".lx-training-stage canvas").focus()
    somebody.page.keyboard.press("Escape")
    somebody.find(".lx-training-data button").focus()
    somebody.page.keyboard.press("ArrowRight")
    assert somebody.eventually(lambda: step_of(somebody) == paused + 1)
    somebody.page.get_by_label("Time of the training").fill("0")
    assert somebody.eventually(lambda: step_of(somebody) == 0)
    assert somebody.eventually(lambda: somebody.picture(grid) == first)
    somebody.button("Reset").click()
    steps(somebody, 1)
    assert not somebody.problems


def test_a_link_repeats_its_training_and_the_download_opens(visitor: Enter, tmp_path: Path) -> None:
    """Weights are equal to the last bit, with a change on the way; vae_core measures the same."""
    somebody = opened(visitor(), "digits_w16_d1_s5")
    steps(somebody, 2)
    somebody.page.get_by_label("Remove the KL").check()
    assert somebody.eventually(lambda: linked(somebody) == "digits_w16_d1_s5_2~nokl")
    steps(somebody, 3)
    content = downloaded(somebody, tmp_path / "one.zip")
    other = opened(visitor(), linked(somebody))
    steps(other, 5)
    saved, repeated = (open_zip(one) for one in (content, downloaded(other, tmp_path / "two.zip")))
    assert saved.card.weights_hash == repeated.card.weights_hash
    assert open_zip(content).card.model.latent_dim == 1
    test = load_dataset("digits").test
    bounds = evaluation.bounds(saved.model, test.images, kind="grey")
    assert saved.card.metrics["rate"].value == pytest.approx(float(bounds.rate.mean()), rel=1e-4)
    assert saved.codes.ids.tolist() == test.ids.tolist()
    with zipfile.ZipFile(tmp_path / "one.zip") as archive:
        archive.extractall(tmp_path)
    (folder,) = (path.parent for path in tmp_path.glob(f"*/{model_folder.CARD}"))
    lines = (folder / model_folder.HISTORY).read_text().splitlines()
    assert [json.loads(line)["step"] for line in lines][-1] == 5
    assert not somebody.problems + other.problems


def test_dropped_pictures_are_trained_on_and_never_leave_the_page(
    visitor: Enter, tmp_path: Path
) -> None:
    """Photographs become grey squares of 28 pixels, which is said; nothing is uploaded."""
    generator = np.random.default_rng(0)
    files = []
    for number in range(12):
        pixels = generator.integers(0, 256, (40, 60, 3), dtype=np.uint8)
        files.append(tmp_path / f"{number}.png")
        Image.fromarray(pixels).save(files[-1])
    (tmp_path / "notes.txt").write_text("no picture")
    somebody = opened(visitor(), "digits_w16")
    uploads: list[str] = []

    def note(request: Any) -> None:
        if request.method != "GET":
            uploads.append(request.url)

    somebody.page.on("request", note)
    chooser = somebody.page.get_by_label("Your own pictures")
    chooser.set_input_files([*files, tmp_path / "notes.txt"])
    said = somebody.page.get_by_text("12 pictures, made grey, cropped to squares and resized to 28")
    said.wait_for()
    somebody.page.get_by_text("1 file could not be read as a picture.").wait_for()
    steps(somebody, 2)
    saved = open_zip(downloaded(somebody, tmp_path / "own.zip"))
    assert saved.card.model.image_shape == (1, 28, 28)
    assert saved.codes.ids.tolist() == [0, 5, 10]
    chooser.set_input_files(files[:3])
    somebody.page.get_by_text("at least 10 are needed").wait_for()
    assert uploads == []
    assert not somebody.problems
