"""Trainings and t-SNE maps in the browser: watched while they grow, paused, resumed, stopped."""

from __future__ import annotations

import dataclasses
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from serving import ROOT, Server
from visitor import GRID, POINTS, Visitor

from vae_core import model_folder, runs
from vae_core.config import ModelConfig, TrainConfig
from vae_core.jobs import processes, tsne
from vae_core.model_folder import Codes
from vae_core.runs import RunConfig

pytestmark = pytest.mark.browser

SCRIPT = ROOT / "app" / "main.py"
REPLAY = ".lx-replay-map canvas"
CURVE = '[data-testid="stEChartsChart"] canvas'
EPOCH = re.compile(r"Epoch (\d+) of")
ITERATION = re.compile(r"iteration (\d+) of")
#: Milliseconds in which the page looks at its training at least twice.
LOOKS = 2500

Enter = Callable[..., Visitor]


@pytest.fixture
def folder(server: Server) -> Iterator[Path]:
    """Return the folder of trainings; those that a test leaves behind are ended and purged."""
    yield server.runs
    for root, request in ((server.runs, runs.request), (server.runs / "maps", tsne.request)):
        for path in [one.parent for one in root.glob("*/config.json")]:
            if processes.is_alive(path):
                request(path, "stop")
    end = time.monotonic() + 120
    for lock in server.runs.rglob(processes.LOCK):
        while processes.is_alive(lock.parent):
            assert time.monotonic() < end, lock
            time.sleep(0.1)
    for path in runs.list_runs(server.runs):
        runs.delete(path)
    runs.purge(server.runs, older_than=0.0)  # the next test finds no trash but its own


def tiny(folder: Path, name: str, *, latent_dim: int = 2, epochs: int = 1) -> Path:
    """Train a small model on the bundled digits."""
    config = RunConfig(
        name=name,
        model=ModelConfig(image_shape=(1, 8, 8), latent_dim=latent_dim, hidden=(32,)),
        training=TrainConfig(dataset="digits", epochs=epochs, threads=1),
    )
    run = runs.create(folder / name, config)
    assert runs.execute(run) == "finished"
    return run


def begin(somebody: Visitor) -> None:
    """Start a long training on digits, as the page suggests it but for its length."""
    somebody.open("train")
    epochs = somebody.page.get_by_label("Epochs", exact=True)
    epochs.fill("1000")
    epochs.press("Enter")
    somebody.settle()
    somebody.button("Train").click()
    assert somebody.eventually(lambda: count(somebody, EPOCH) >= 2)


def count(somebody: Visitor, what: re.Pattern[str]) -> int:
    """Return the epoch or iteration that the page tells, 0 where it tells none."""
    told = somebody.page.get_by_text(what)
    found = what.search(told.first.inner_text()) if told.count() else None
    return 0 if found is None else int(found[1])


def stands_still(somebody: Visitor, what: re.Pattern[str], selector: str) -> tuple[int, int]:
    """Check that a count and a canvas stay as they are; return them."""
    somebody.page.wait_for_timeout(LOOKS)  # what was on its way has arrived
    before = count(somebody, what), somebody.picture(selector)
    somebody.page.wait_for_timeout(LOOKS)
    assert (count(somebody, what), somebody.picture(selector)) == before
    return before


def test_a_training_is_watched_paused_and_resumed(visitor: Enter, folder: Path) -> None:
    """Curve and manifold change as epochs pass; a pause holds it, also over other pages."""
    somebody = visitor()
    begin(somebody)
    epoch, curve, grid = count(somebody, EPOCH), somebody.picture(CURVE), somebody.picture(GRID)
    assert somebody.eventually(lambda: count(somebody, EPOCH) > epoch + 2)
    assert somebody.eventually(lambda: somebody.picture(CURVE) != curve)
    assert somebody.eventually(lambda: somebody.picture(GRID) != grid)
    (run,) = runs.list_runs(folder)
    assert f"run={run.name}" in somebody.page.url

    somebody.button("Pause").click()
    somebody.button("Resume").wait_for()
    paused, curve = stands_still(somebody, EPOCH, CURVE)
    assert runs.status(run).state == "paused"
    somebody.follow("decode").follow("train")
    somebody.button("Resume").wait_for()
    assert count(somebody, EPOCH) == paused
    somebody.page.reload()
    somebody.button("Resume").wait_for()
    assert somebody.eventually(lambda: count(somebody, EPOCH) == paused)
    assert f"run={run.name}" in somebody.page.url

    somebody.button("Resume").click()
    assert somebody.eventually(lambda: count(somebody, EPOCH) > paused)
    assert somebody.eventually(lambda: somebody.picture(CURVE) != curve)


def test_a_stopped_training_is_a_model_of_every_page(visitor: Enter, folder: Path) -> None:
    """Leaving the page does not stop it; once stopped it is explored and stands in the picker."""
    somebody = visitor()
    begin(somebody)
    (run,) = runs.list_runs(folder)
    somebody.follow("morph")
    before = runs.status(run).epoch
    assert somebody.eventually(lambda: runs.status(run).epoch > before)
    somebody.follow("train")
    somebody.button("Stop").click()
    assert somebody.eventually(lambda: somebody.says(re.compile("Stopped early")))
    somebody.button("Open in Explore").click()
    assert somebody.eventually(lambda: f"model={run.name}" in somebody.page.url)
    somebody.page.get_by_role("heading", name="Explore", exact=True).wait_for()
    assert somebody.drawn_after(POINTS, 60)
    picker = somebody.page.get_by_role("combobox", name="Model")
    assert picker.input_value() == f"{model_folder.load_card(run).name} (trained here)"


def test_the_address_names_the_training(visitor: Enter, folder: Path) -> None:
    """It is shown though there is a newer one; a reload and the list of trainings know it."""
    tiny(folder, "older")
    tiny(folder, "newer")
    somebody = visitor().go("train?model=digits-2d&run=older", REPLAY)
    for _ in range(2):
        somebody.page.get_by_role("heading", name="older", exact=True).wait_for()
        somebody.page.get_by_text("Epoch 1 of 1 · Finished").wait_for()
        assert "run=older" in somebody.page.url
        somebody.page.reload()
    somebody.go("train?model=digits-2d", REPLAY)
    somebody.page.get_by_role("heading", name="newer", exact=True).wait_for()


def test_a_training_is_steered_while_it_runs(visitor: Enter, folder: Path) -> None:
    """What is moved on the wheel stays there until it is applied; the page tells the change."""
    somebody = visitor()
    begin(somebody)
    (run,) = runs.list_runs(folder)
    before = runs.read_config(run).training.learning_rate
    somebody.page.get_by_text("Change settings", exact=True).click()
    rate = somebody.page.get_by_role("slider", name="Learning rate")
    rate.focus()
    somebody.key("ArrowLeft")
    somebody.page.wait_for_timeout(LOOKS)
    assert runs.status(run).changes == ()
    somebody.button("Apply").click()
    assert somebody.eventually(lambda: somebody.says(re.compile(r"Changed after step [\d,]+")))
    (change,) = runs.status(run).changes
    assert 0 < change.settings["learning_rate"] < before
    assert somebody.says(re.compile("images per second"))


def test_a_deleted_training_is_brought_back_and_copied(visitor: Enter, folder: Path) -> None:
    """Undo restores it; a copy opens the settings filled with its own."""
    tiny(folder, "first", latent_dim=3)
    somebody = visitor().open("train")
    somebody.button("Delete").click()
    somebody.button("Delete it").click()
    assert somebody.eventually(lambda: runs.deleted(folder) == ["first"])
    somebody.button("Undo").click()
    somebody.page.get_by_role("heading", name="first", exact=True).wait_for()
    assert runs.deleted(folder) == []
    somebody.button("Duplicate and edit").click()
    assert somebody.eventually(lambda: somebody.says(re.compile("A copy of")))
    size = somebody.page.get_by_label("Latent dimensions", exact=True)
    assert somebody.eventually(lambda: size.input_value() == "3")  # it comes after those words


@pytest.fixture
def five_dimensional(folder: Path) -> str:
    """Make a model of digits with five dimensions and so many codes that t-SNE takes seconds.

    There are 360 test digits: the codes are 6,000 draws from their posteriors.
    """
    run = tiny(folder, "five", latent_dim=5, epochs=2)
    saved = model_folder.open_folder(run)
    codes, n = saved.codes, 6000
    rows = torch.arange(n) % len(codes.ids)
    eps = torch.randn(n, 5, generator=torch.Generator().manual_seed(0))
    draws = {
        field.name: getattr(codes, field.name)[rows]
        for field in dataclasses.fields(Codes)
        if field.name in ("labels", "logvar", "rate", "distortion")
    }
    more = dataclasses.replace(
        codes,
        **draws,
        ids=torch.arange(n),
        mu=codes.mu[rows] + (0.5 * codes.logvar[rows]).exp() * eps,
        projections={name: places[rows] for name, places in codes.projections.items()},
    )
    model_folder.save(run, card=saved.card, model=saved.model, codes=more, history=[])
    return run.name


def test_a_t_sne_map_is_watched_paused_and_stopped(visitor: Enter, five_dimensional: str) -> None:
    """Points move while it is computed, hold still in a pause, and the usual map comes back."""
    somebody = visitor().open("explore", f"model={five_dimensional}&map=tsne")
    assert somebody.drawn_after(POINTS, 60)
    usual = somebody.picture(POINTS)
    somebody.button("Change perplexity…").click()
    perplexity = somebody.page.get_by_role("slider", name="Perplexity")
    perplexity.focus()
    for _ in range(5):
        somebody.key("ArrowLeft")
    assert somebody.eventually(lambda: perplexity.input_value() == "25")
    somebody.settle()
    somebody.button("Compute").click()
    assert somebody.eventually(lambda: count(somebody, ITERATION) > 0)
    assert somebody.says(re.compile("Computing · iteration"))
    somebody.button("Pause").click()
    somebody.button("Resume").wait_for()
    iteration, still = stands_still(somebody, ITERATION, POINTS)
    assert still != usual

    somebody.button("Resume").click()
    assert somebody.eventually(lambda: count(somebody, ITERATION) > iteration)
    assert somebody.eventually(lambda: somebody.picture(POINTS) != still)
    somebody.button("Stop").click()
    stopped = re.compile(r"Stopped early: perplexity 25, \d+ iterations")
    assert somebody.eventually(lambda: somebody.says(stopped))
    somebody.button("Reset to default map").click()
    assert somebody.eventually(lambda: not somebody.says(stopped))
    assert somebody.eventually(lambda: somebody.picture(POINTS) == usual)
