"""The browser's networks return the same values as the models that were packed."""

from __future__ import annotations

import io
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import torch
from bundle_reading import KINDS, of_kind, read_bundle, small_model
from numpy.typing import NDArray
from PIL import Image

from vae_core import model_folder
from vae_core.data import load_dataset, subset
from vae_core.errors import ConfigError
from vae_core.formats import bundles
from vae_core.model_folder import Codes
from vae_core.models import VAE

NODE = shutil.which("node")
needs_node = pytest.mark.skipif(NODE is None, reason="node is not installed")
TOLERANCE = 3e-3  # per pixel, of a mean in [0, 1]: three quarters of a grey level of 256


def run_in_node(
    job: str, network: bytes, inputs: torch.Tensor, folder: Path, *, label: int | None = None
) -> NDArray[np.float32]:
    """Run the browser's decoder or encoder, one row for each input."""
    assert NODE is not None
    (folder / "network.bin").write_bytes(network)
    (folder / "inputs.bin").write_bytes(inputs.numpy().astype("<f4").tobytes())
    script = Path(__file__).with_name("run_network.mjs")
    files = [str(folder / name) for name in ("network.bin", "inputs.bin", "outputs.bin")]
    labels = [] if label is None else [str(label)]
    subprocess.run([NODE, str(script), job, *files, *labels], check=True)
    return np.fromfile(folder / "outputs.bin", dtype="<f4").reshape(len(inputs), -1)


def assert_same_networks(model: VAE, folder: Path, *, label: int | None = None) -> None:
    """Compare decoder and encoder, by PyTorch and by the browser's code, given a label or none.

    PyTorch is given label 0 for none where it needs one.
    """
    conditional = model.config.conditional

    def labels(n: int) -> torch.Tensor | None:
        return torch.full((n,), label or 0) if conditional else None

    generator = torch.Generator().manual_seed(1)
    codes = 1.5 * torch.randn(50, model.config.latent_dim, generator=generator)
    images = torch.rand(20, *model.config.image_shape, generator=generator)
    network = bundles.network_bundle(model)
    decoded = run_in_node("decode", network, codes, folder, label=label)
    expected = model.decode(codes, labels(len(codes))).mean.flatten(1).numpy()
    assert np.abs(decoded - expected).max() < TOLERANCE
    # Reconstructions are the pictures that the model was made for.
    images = torch.cat([images, torch.from_numpy(expected).reshape(-1, *images.shape[1:])])
    encoded = run_in_node("encode", network, images, folder, label=label)
    q = model.encode(images, labels(len(images)))
    scale = 1 + q.mu.abs().max().item()
    mu, logvar = np.split(encoded, 2, axis=1)
    assert np.abs(mu - q.mu.numpy()).max() < TOLERANCE * scale
    assert np.abs(logvar - q.logvar.numpy()).max() < TOLERANCE * scale


@needs_node
@pytest.mark.parametrize("activation", ["tanh", "relu", "silu"])
@pytest.mark.parametrize("likelihood", ["bernoulli", "gaussian"])
@pytest.mark.parametrize("hidden", [(9,), (11, 7), (8, 8, 8)])
def test_browser_equals_pytorch(
    activation: str, likelihood: str, hidden: tuple[int, ...], tmp_path: Path
) -> None:
    """Any depth, activation and likelihood decodes and encodes alike on both sides."""
    model = small_model(activation=activation, likelihood=likelihood, hidden=hidden)
    assert_same_networks(model, tmp_path)


@needs_node
@pytest.mark.parametrize("kind", KINDS)
def test_browser_equals_pytorch_for_each_kind_of_network(kind: str, tmp_path: Path) -> None:
    """Whatever a model is made of, both sides decode and encode alike, given a label or none."""
    model = of_kind(kind)
    assert_same_networks(model, tmp_path)
    if model.config.conditional:
        assert_same_networks(model, tmp_path, label=3)


@needs_node
@pytest.mark.parametrize("kind", ["gated", "mixture", "vamp", "label prior"])
def test_browser_has_the_prior(kind: str, tmp_path: Path) -> None:
    """Codes are as probable in the browser as in PyTorch, given a label where one matters."""
    model = of_kind(kind)
    codes = torch.randn(30, model.config.latent_dim, generator=torch.Generator().manual_seed(1))
    label = 3 if kind == "label prior" else None
    y = None if label is None else torch.full((len(codes),), label)
    network = bundles.network_bundle(model, parts=("decoder",))
    found = run_in_node("prior", network, codes, tmp_path, label=label)
    expected = model.prior_given(y).log_prob(codes)
    np.testing.assert_allclose(found[:, 0], expected.numpy(), atol=0.02, rtol=2e-3)


@needs_node
@pytest.mark.parametrize("name", model_folder.list_models())
def test_browser_equals_pytorch_for_pretrained_models(name: str, tmp_path: Path) -> None:
    """Every pretrained model decodes and encodes alike on both sides."""
    assert_same_networks(model_folder.load_model(name), tmp_path)


def test_pack_describes_its_parts() -> None:
    """The manifest has the operations in order, and only the requested parts."""
    manifest, weights = bundles.pack(small_model(), parts=("decoder",))
    assert [layer["op"] for layer in manifest["decoder"]] == [
        "linear",
        "tanh",
        "linear",
        "tanh",
        "linear",
        "sigmoid",
    ]
    assert "encoder" not in manifest
    assert all(entry["name"].startswith("decoder.") for entry in manifest["arrays"])
    assert len(weights) % bundles.ALIGNMENT == 0


def test_hash_follows_the_weights() -> None:
    """Parts of one model share a hash, and a changed weight changes it."""
    model = small_model()
    whole, _ = bundles.pack(model)
    part, _ = bundles.pack(model, parts=("encoder",))
    assert whole["hash"] == part["hash"]
    with torch.no_grad():
        model.likelihood.bias[2] += 1
    changed, _ = bundles.pack(model)
    assert changed["hash"] != whole["hash"]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e6])
def test_pack_refuses_weights_that_half_precision_cannot_hold(value: float) -> None:
    """A weight that would turn into infinity is an error that names the array."""
    model = small_model()
    with torch.no_grad():
        model.decoder[0].weight[1, 1] = value
    with pytest.raises(ConfigError, match=r"decoder\.0\.weight"):
        bundles.pack(model)


def test_pack_refuses_an_unknown_part() -> None:
    """The sentence lists the parts there are."""
    with pytest.raises(ConfigError, match="decoder, encoder"):
        bundles.pack(small_model(), parts=("prior",))


def test_bundle_keeps_arrays_and_meta() -> None:
    """What goes into a bundle comes out of it, whatever the lengths."""
    arrays = {
        "a": np.arange(5, dtype=np.uint8),
        "b": np.array([[1.5, -2.0], [0.25, 8.0]], dtype=np.float16),
        "c": np.zeros((0, 2), dtype=np.float32),
        "d": np.array([-7], dtype=np.int32),
    }
    meta, found = read_bundle(bundles.bundle({"name": "größe"}, arrays))
    assert meta == {"name": "größe"}
    assert found.keys() == arrays.keys()
    for name, array in arrays.items():
        assert found[name].dtype == array.dtype
        np.testing.assert_array_equal(found[name], array)


@pytest.mark.parametrize(("n", "channels"), [(1, 1), (7, 1), (10, 3)])
def test_sprite_holds_each_original_unchanged(n: int, channels: int) -> None:
    """Every tile is the picture of the id at its place, pixel for pixel."""
    generator = torch.Generator().manual_seed(2)
    size = (n, channels, 6, 4)
    images = torch.randint(0, 256, size, dtype=torch.uint8, generator=generator)
    meta, arrays = read_bundle(bundles.sprite_bundle(torch.arange(n) * 5, images))
    np.testing.assert_array_equal(arrays["ids"], np.arange(n) * 5)
    sheet = np.asarray(Image.open(io.BytesIO(arrays["png"].tobytes())))
    columns = meta["columns"]
    assert isinstance(columns, int)
    for tile in range(n):
        row, column = divmod(tile, columns)
        found = sheet[6 * row : 6 * row + 6, 4 * column : 4 * column + 4]
        expected = images[tile].permute(1, 2, 0).numpy()
        np.testing.assert_array_equal(found.reshape(expected.shape), expected)


def test_codes_bundle_is_keyed_by_id_and_shows_sigma() -> None:
    """Ids stay what they are, and the spread is sigma, not a log-variance."""
    codes = Codes(
        ids=torch.tensor([30, 10]),
        mu=torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]),
        logvar=torch.tensor([[0.0, 0.0, 0.0], [-2.0, -2.0, -2.0]]),
        rate=torch.tensor([1.0, 2.0]),
        distortion=torch.tensor([90.0, 80.0]),
        projections={"tsne": torch.tensor([[0.0, 1.0], [2.0, 3.0]])},
    )
    meta, arrays = read_bundle(bundles.codes_bundle(codes))
    assert meta == {"latent_dim": 3}
    assert "labels" not in arrays
    np.testing.assert_array_equal(arrays["ids"], [30, 10])
    np.testing.assert_array_equal(arrays["projection.tsne"], [[0, 1], [2, 3]])
    np.testing.assert_allclose(arrays["sigma"][1], np.exp(-1), rtol=1e-3)


def test_training_bundle_has_a_known_subset_and_test_images_of_their_own() -> None:
    """Ids and labels are those of the shown images; a dataset that is small enough is whole."""
    dataset = load_dataset("digits")
    meta, arrays = read_bundle(bundles.training_bundle(dataset, train=200, shown=36))
    trained, shown = subset(dataset.train, 200), dataset.test.spread(36)
    assert (arrays["images"] == trained.images.flatten(1).numpy()).all()
    assert (arrays["shown"] == shown.images.flatten(1).numpy()).all()
    assert arrays["ids"].tolist() == shown.ids.tolist()
    assert shown.labels is not None
    assert arrays["labels"].tolist() == shown.labels.tolist()
    assert (meta["shape"], meta["train_size"]) == ([1, 8, 8], 200)
    whole, _ = read_bundle(bundles.training_bundle(dataset))
    assert whole["train_size"] is None


def test_figures_that_nobody_measured_are_left_out() -> None:
    """Of a model in training only the codes are needed."""
    codes = Codes(
        ids=torch.tensor([3, 4]),
        mu=torch.zeros(2, 1),
        logvar=torch.zeros(2, 1),
        rate=torch.tensor([1.0, 2.0]),
        distortion=torch.full((2,), torch.nan),
    )
    _, arrays = read_bundle(bundles.codes_bundle(codes))
    assert "distortion" not in arrays
    np.testing.assert_array_equal(arrays["rate"], [1, 2])
