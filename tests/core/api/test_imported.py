"""Models that were imported are read by the same functions, as far as they carry."""

from __future__ import annotations

import json
import math
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

import vae_core
from vae_core.api import explorer
from vae_core.errors import ConfigError, DatasetError

FOREIGN = Path(__file__).parents[2] / "fixtures" / "foreign"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Import a VAE, a plain auto-encoder and a generator."""
    folder = tmp_path_factory.mktemp("imported")
    for name in ("pytorch-vae", "autoencoder", "generator"):
        networks = next(path.parent for path in sorted((FOREIGN / name).glob("*/decoder.onnx")))
        encoder, pictures = networks / "encoder.onnx", FOREIGN / name / "pictures.npz"
        vae_core.import_model(
            encoder if encoder.is_file() else None,
            networks / "decoder.onnx",
            data=pictures if encoder.is_file() else None,
            out=folder / name,
            tsne=False,
            say=lambda text: None,
        )
    return folder


def test_a_vae_of_another_library_is_measured(folder: Path) -> None:
    """As on its card, from the pictures that it was imported with."""
    path = folder / "pytorch-vae"
    card = vae_core.load_card(path)
    own = np.load(FOREIGN / "pytorch-vae" / "pictures.npz")["images"]
    found = vae_core.evaluate(path, own, importance_samples=2)
    for name in ("elbo", "rate", "distortion"):
        assert found[name].value == pytest.approx(card.metrics[name].value, rel=1e-4)
    codes, stored = vae_core.encode(path, own), vae_core.load_codes(path)
    torch.testing.assert_close(codes.mu, stored.mu, atol=5e-3, rtol=5e-3)
    assert vae_core.manifold_grid(path, 5).images.shape[:2] == (5, 5)
    assert vae_core.plot_latent(path).data


def test_a_plain_auto_encoder_has_a_distortion_and_no_bound(folder: Path) -> None:
    """What it lacks is left out, not made up."""
    path = folder / "autoencoder"
    own = FOREIGN / "autoencoder" / "pictures.npz"
    found = vae_core.evaluate(path, str(own))
    assert list(found) == ["distortion", "active_units"]
    assert found.kl_per_dim == ()
    assert bool(vae_core.encode(path, own).rate.isnan().all())
    assert not math.isnan(found["distortion"].value)
    again = vae_core.evaluate(path)  # the pictures are found by the path in the card
    measured = vae_core.load_card(path).metrics["distortion"]
    assert again["distortion"].value == pytest.approx(measured.value, rel=1e-3)
    assert again["distortion"].n == measured.n


def test_pictures_that_are_nowhere_any_more_are_asked_for(folder: Path, tmp_path: Path) -> None:
    """Neither at the path in the card nor in the folder."""
    path = tmp_path / "autoencoder"
    shutil.copytree(folder / "autoencoder", path)
    (path / "pictures.safetensors").unlink()
    card = json.loads((path / "card.json").read_text())
    card["data"]["path"] = str(tmp_path / "gone.npz")
    (path / "card.json").write_text(json.dumps(card))
    with pytest.raises(DatasetError, match="neither where they were nor in its folder: state data"):
        vae_core.evaluate(path)


def test_a_generator_samples_and_has_no_codes_of_pictures(folder: Path) -> None:
    """The sentence says that there is no encoder."""
    path = folder / "generator"
    assert len(vae_core.sample(path, 3, seed=0)) == 3
    assert vae_core.traverse(path, dims=0).images.shape[0] == 9
    shape = vae_core.load_card(path).model.image_shape
    with pytest.raises(ConfigError, match="this model has no encoder"):
        vae_core.encode(path, np.zeros((2, *shape)))


def test_a_page_shows_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of its folder, and of its folder with other data; in memory alone it is refused."""
    path = folder / "pytorch-vae"
    assert vae_core.explore(path, serve=False).page.startswith(b"<!doctype html>")
    shape = vae_core.load_card(path).model.image_shape
    data = vae_core.dataset(np.random.default_rng(0).random((40, *shape)), name="noise")
    shown = vae_core.explore(path, data, serve=False)
    assert b"noise" in shown.page
    served: list[str] = []

    def serve(at: Path, port: int | None, open_browser: bool) -> None:
        served.append(vae_core.load_card(at).dataset)

    monkeypatch.setattr(explorer, "_serve", serve)
    vae_core.explore(path, data, serve=True)
    assert served == ["noise"]
    network = vae_core.load_model(path)
    assert isinstance(network, vae_core.VAE)
    with pytest.raises(ConfigError, match="explored by its folder"):
        vae_core.explore(network, data, serve=False)
    with pytest.raises(ConfigError, match="saved by import_model"):
        vae_core.save_model(network, folder / "again", data)
