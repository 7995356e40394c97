"""Pages of models and of codes alone, and the dashboard that a script serves."""

from __future__ import annotations

import base64
import gzip
import html
import json
import re
import subprocess
import sys
import time
import types
import urllib.request
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from bundle_reading import read_bundle
from small import dataset, images, model, train_config

import vae_core
from vae_core import model_folder
from vae_core.api import explorer, notebooks, widget
from vae_core.errors import CheckpointError, ConfigError, DatasetError, ImageError
from vae_core.formats import bundles
from vae_core.formats import html as pages
from vae_core.learning import Trainer
from vae_core.model_folder import Codes

RANDOM = np.random.default_rng(0)
MU = RANDOM.normal(size=(40, 5))


def element(page: bytes, name: str) -> str:
    """Return the content of one of the page's script elements."""
    found = re.search(rf'<script [^>]*id="{name}">(.*?)</script>', page.decode(), re.DOTALL)
    assert found is not None, name
    return found.group(1)


def arrays(page: bytes, name: str) -> dict[str, Any]:
    """Return the arrays of a bundle in the page."""
    return read_bundle(gzip.decompress(base64.b64decode(element(page, name))))[1]


def framed(cell: str) -> bytes:
    """Return the page in a frame."""
    found = re.fullmatch(r'<iframe [^>]*srcdoc="([^"]*)"></iframe>', cell)
    assert found is not None
    return html.unescape(found[1]).encode()


# Models


def test_a_bundled_model_is_its_exported_page(tmp_path: Path) -> None:
    """In the cell, and in the file."""
    shown = vae_core.explore("digits-2d", serve=False, height=500)
    assert shown.page == pages.page(model_folder.open_folder("digits-2d"))
    assert framed(shown._repr_html_()) == shown.page
    assert "height: 500px" in shown._repr_html_()
    assert shown.save(tmp_path / "page.html").read_bytes() == shown.page
    assert repr(shown) == "Explorer(name='digits-2d', height=500)"
    with pytest.raises(ConfigError, match="allowed is a file in a folder that exists"):
        shown.save(tmp_path)
    with pytest.raises(ConfigError, match="allowed is a file in a folder that exists"):
        shown.save(tmp_path / "nowhere" / "page.html")


def test_a_training_is_shown_with_its_codes() -> None:
    """Those of its test set, under its classes; other data where they are given."""
    trainer = Trainer(model().config, train_config(epochs=1), dataset())
    list(trainer)
    page = vae_core.explore(trainer, serve=False).page
    codes = vae_core.encode(trainer)
    np.testing.assert_allclose(arrays(page, "codes")["mu"], codes.mu.numpy(), rtol=1e-5)
    assert json.loads(element(page, "facts"))["classes"] == ["left", "right"]
    assert json.loads(element(page, "facts"))["projections"] == ["pca", "raw"]
    other = vae_core.explore(trainer, images(9), serve=False).page
    assert len(arrays(other, "codes")["ids"]) == 9


def test_a_model_in_memory_is_shown_with_data(tmp_path: Path) -> None:
    """Arrays with labels are classes by their numbers; without data there is nothing to show."""
    page = vae_core.explore(model(), images(9), labels=[0, 1, 2] * 3, serve=False, tsne=True).page
    facts = json.loads(element(page, "facts"))
    assert facts["classes"] == ["0", "1", "2"]
    assert "tsne" in facts["projections"]
    named = vae_core.explore(vae_core.load_model("digits-2d"), "digits", serve=False).page
    assert len(arrays(named, "codes")["ids"]) == 360
    with pytest.raises(ConfigError, match="data are needed"):
        vae_core.explore(model(), serve=False)
    with pytest.raises(CheckpointError, match="model 'nothing' is neither"):
        vae_core.explore("nothing")
    with pytest.raises(ConfigError, match="latent_dim 1: a page needs a plane"):
        vae_core.explore(model(latent_dim=1), images(9), serve=False)
    with pytest.raises(ConfigError, match="height 0"):
        vae_core.explore("digits-2d", height=0)


# Codes


def test_codes_are_a_page_of_a_map(tmp_path: Path) -> None:
    """With projections, labels by name and the pictures that were given, and nothing else."""
    pictures = images(40).numpy()[:, 0]
    found = vae_core.from_codes(MU, ["b", "a"] * 20, pictures, name="Mine <1>")
    assert (len(found), found.classes) == (40, ("a", "b"))
    page = found.save(tmp_path / "map.html").read_bytes()
    stored = arrays(page, "codes")
    np.testing.assert_allclose(stored["mu"], MU, rtol=1e-5)
    assert stored["labels"].tolist() == [1, 0] * 20
    assert {"projection.pca", "projection.tsne"} <= set(stored)
    assert not {"sigma", "rate", "distortion"} & set(stored)
    assert bytes(arrays(page, "sprite")["png"])[1:4] == b"PNG"
    assert json.loads(element(page, "facts"))["projections"] == ["pca", "tsne", "raw"]
    text = page.decode()
    assert "<h1>Mine &lt;1&gt;</h1>" in text
    assert "http" not in text.replace("http-equiv", "")
    assert framed(found._repr_html_()) == page
    assert framed(vae_core.explore(found, serve=False)._repr_html_()) == page


def test_codes_need_neither_labels_nor_pictures() -> None:
    """Two dimensions are the plane itself; log-variances become spreads."""
    logvar = torch.full((40, 2), -2.0)
    found = vae_core.from_codes(torch.from_numpy(MU[:, :2]), logvar=logvar)
    page = found.page()
    assert json.loads(element(page, "facts"))["projections"] == ["raw"]
    np.testing.assert_allclose(arrays(page, "codes")["sigma"], np.exp(-1.0), rtol=1e-3)
    assert 'id="sprite"' not in page.decode()
    assert 'id="gallery"' not in page.decode()
    assert found.classes == ()


def test_the_page_begins_at_the_example_nearest_to_the_mean() -> None:
    """Which is selected."""
    facts = json.loads(element(vae_core.from_codes(MU, tsne=False).page(), "facts"))
    expected = int(np.linalg.norm(MU - MU.mean(0), axis=1).argmin())
    assert facts["start_id"] == expected
    np.testing.assert_allclose(facts["start"], MU[expected], rtol=1e-5)


def test_large_values_of_many_codes_stay_finite() -> None:
    """Half precision ends at 65,504."""
    n = 500_001
    nothing = torch.full((n,), torch.nan)
    for largest, kind in ((1e5, np.float32), (6e4, np.float16)):
        mu = torch.full((n, 2), largest)
        codes = Codes(torch.arange(n), mu, torch.full_like(mu, torch.nan), nothing, nothing)
        stored = read_bundle(bundles.codes_bundle(codes))[1]
        assert stored["mu"].dtype == kind
        assert stored["mu"].max() == pytest.approx(largest, rel=1e-3)


@pytest.mark.parametrize(
    ("settings", "error", "sentence"),
    [
        ({"mu": MU[0]}, ConfigError, r"mu of shape \(5,\)"),
        ({"mu": MU[:0]}, ConfigError, r"mu of shape \(0, 5\)"),
        ({"mu": np.where(MU > 1, np.nan, MU)}, ConfigError, "mu: allowed are finite numbers"),
        ({"mu": MU, "logvar": MU[:, :2]}, ConfigError, r"logvar of shape \(40, 2\)"),
        ({"mu": MU, "labels": [1, 2]}, DatasetError, "allowed are 40 integers or names"),
        ({"mu": MU, "images": images(9)}, ConfigError, "9 images: allowed are 40"),
        ({"mu": MU, "images": images(40).float()}, ImageError, "values from 0 to"),
        ({"mu": MU.astype(str)}, ImageError, "type <U"),
    ],
)
def test_other_codes_are_refused(
    settings: dict[str, Any], error: type[Exception], sentence: str
) -> None:
    """By a sentence with the value and what is allowed."""
    with pytest.raises(error, match=sentence):
        vae_core.from_codes(**settings)


def test_too_many_pictures_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page holds so many values."""
    monkeypatch.setattr(explorer, "MOST_VALUES", 40 * 20 - 1)
    with pytest.raises(ConfigError, match="give smaller pictures"):
        vae_core.from_codes(MU, images=images(40))


# Where it is shown


def test_a_notebook_is_told_from_a_script(monkeypatch: pytest.MonkeyPatch) -> None:
    """Jupyter's shell has a kernel, IPython in a terminal has none; marimo says so itself."""
    monkeypatch.delitem(sys.modules, "IPython", raising=False)
    monkeypatch.delitem(sys.modules, "marimo", raising=False)
    assert not notebooks.running()
    for shell, expected in (
        (None, False),
        (object(), False),
        (types.SimpleNamespace(kernel=1), True),
    ):
        ipython = types.SimpleNamespace(get_ipython=lambda shell=shell: shell)
        monkeypatch.setitem(sys.modules, "IPython", ipython)
        assert notebooks.running() == expected
    monkeypatch.delitem(sys.modules, "IPython")
    for expected in (True, False):
        marimo = types.SimpleNamespace(running_in_notebook=lambda expected=expected: expected)
        monkeypatch.setitem(sys.modules, "marimo", marimo)
        assert notebooks.running() == expected


def test_a_script_opens_a_map_in_the_browser(monkeypatch: pytest.MonkeyPatch) -> None:
    """From a file; the dashboard needs a model."""
    opened: list[str] = []
    monkeypatch.setattr(explorer.webbrowser, "open", opened.append)
    monkeypatch.setattr(notebooks, "running", lambda: False)
    found = vae_core.from_codes(MU, tsne=False)
    shown = vae_core.explore(found)
    (address,) = opened
    path = Path(urllib.request.url2pathname(address.removeprefix("file://")))
    assert path.read_bytes() == shown.page
    with pytest.raises(ConfigError, match="the dashboard needs a model"):
        vae_core.explore(found, serve=True)
    monkeypatch.setattr(notebooks, "running", lambda: True)
    vae_core.explore(found)
    assert len(opened) == 1


class Served:
    """Stands in for the process of the dashboard."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, end: int | type[BaseException]) -> None:
        self.commands: list[list[str]] = []
        self.cards: list[str] = []
        self.end = end
        self.stopped = False
        monkeypatch.setattr(explorer.subprocess, "Popen", self.start)

    def start(self, command: list[str]) -> Served:
        """Begin, and note what the folder holds."""
        self.commands.append(command)
        self.cards.append(vae_core.load_card(command[command.index("--model") + 1]).name)
        return self

    def wait(self, timeout: float | None = None) -> int:
        """End as was said."""
        if isinstance(self.end, int):
            return self.end
        if timeout is None:
            raise self.end
        return 0

    def poll(self) -> int | None:
        """Return the status, if it has ended."""
        return self.end if isinstance(self.end, int) else None

    def terminate(self) -> None:
        """Note the request."""
        self.stopped = True


def test_a_script_serves_the_dashboard(monkeypatch: pytest.MonkeyPatch) -> None:
    """On the folder itself, or on one for as long as it is served."""
    monkeypatch.setattr(notebooks, "running", lambda: False)
    served = Served(monkeypatch, 0)
    shown = vae_core.explore("digits-2d", port=8777, open_browser=False)
    (command,) = served.commands
    assert command[1:3] == ["-m", "latent_explorer"]
    assert command[3:] == ["--model", str(model_folder.PRETRAINED / "digits-2d"), "--port", "8777"]
    assert shown.page.startswith(b"<!doctype html>")
    vae_core.explore(model(latent_dim=1), images(9), serve=True)  # which no page can hold
    assert served.cards == ["digits-2d", "model"]
    assert "--open" in served.commands[1]
    assert not Path(served.commands[1][4]).exists()


def test_an_interrupt_stops_the_dashboard(monkeypatch: pytest.MonkeyPatch) -> None:
    """And the script goes on."""
    served = Served(monkeypatch, KeyboardInterrupt)
    vae_core.explore("digits-2d", serve=True)
    assert served.stopped


def test_a_dashboard_that_fails_or_is_missing_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """By a sentence that says what else there is."""
    Served(monkeypatch, 1)
    with pytest.raises(ConfigError, match="ended with status 1"):
        vae_core.explore("digits-2d", serve=True)
    monkeypatch.setattr(explorer.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"not installed here.*serve=False\).save"):
        vae_core.explore("digits-2d", serve=True)


def test_a_script_really_serves(tmp_path: Path) -> None:
    """The process answers on its port, and is gone after an interrupt."""
    port = explorer._free_port()
    # Processes in the background of a shell ignore interrupts, and so would this one.
    script = (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler);"
        f"import vae_core; vae_core.explore('digits-2d', port={port}, open_browser=False)"
    )
    root = Path(vae_core.__file__).parents[1]
    process = subprocess.Popen(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(root)!r}); {script}"],
        cwd=root,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    address = f"http://127.0.0.1:{port}/_stcore/health"

    def answers() -> bool:
        try:
            with urllib.request.urlopen(address, timeout=5) as response:
                return bool(response.status == 200)
        except OSError:
            return False

    try:
        end = time.monotonic() + 120
        while not answers():
            assert process.poll() is None
            assert time.monotonic() < end
            time.sleep(0.5)
    finally:
        process.send_signal(2)
        process.wait(60)
    assert not answers()


def test_a_widget_has_the_pinned_code(monkeypatch: pytest.MonkeyPatch) -> None:
    """None before it is shown; observable; without anywidget a sentence says what to install."""
    pytest.importorskip("anywidget", reason="anywidget is not installed")
    shown = vae_core.explore("digits-2d", serve=False, height=500)
    seen: list[object] = []
    shown.widget.observe(lambda change: seen.append(change["new"]), "z")
    assert shown.widget.z is None
    shown.widget.z = [0.5, -1]
    assert seen == [[0.5, -1.0]]
    assert (shown.widget.page, shown.widget.height) == (shown.page.decode(), 500)
    monkeypatch.setattr(widget, "available", lambda: False)
    again = vae_core.explore("digits-2d", serve=False)
    with pytest.raises(ConfigError, match=r"latent-explorer-streamlit\[notebook\]"):
        _ = again.widget
