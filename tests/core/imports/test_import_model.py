"""Foreign models become model folders: what is found, what is asked, and what is measured.

The ONNX files of ``tests/fixtures/foreign`` were written by the libraries themselves
(``benchmarks/foreign``), with bounds that were computed without this project.
"""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import safetensors.torch
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

import vae_core
from vae_core import model_folder
from vae_core.cli.main import main
from vae_core.errors import ConfigError, DatasetError
from vae_core.imports import Imported, import_model
from vae_core.model_folder import ImportedCard
from vae_core.publishing import EVALUATION_SEED

FOREIGN = Path(__file__).parents[2] / "fixtures" / "foreign"
#: Models with a bound, and what has to be stated about each.
BOUNDED: dict[str, dict[str, Any]] = {
    "pytorch-vae": {},
    "keras": {},
    "pythae": {},
    "convolutional": {"likelihood": "gaussian:1"},
    "conditional": {"output": "logits", "classes": 3},
    "diffusers": {"output": "[-1,1]", "likelihood": "gaussian:0.5"},
}


def about(name: str) -> dict[str, Any]:
    """Return what is known of a foreign model."""
    read: dict[str, Any] = json.loads((FOREIGN / name / "about.json").read_text(encoding="utf-8"))
    return read


def files(name: str, exporter: str | None = None) -> tuple[Path | None, Path]:
    """Return the ONNX files of a foreign model's encoder and decoder."""
    folder = FOREIGN / name / (exporter or about(name)["exporters"][0])
    encoder = folder / "encoder.onnx"
    return (encoder if encoder.is_file() else None), folder / "decoder.onnx"


def imported(name: str, out: Path, **stated: Any) -> Imported:
    """Import a foreign model without a t-SNE map."""
    encoder, decoder = files(name)
    pictures = None if encoder is None else FOREIGN / name / "pictures.npz"
    settings = {"tsne": False, "say": lambda text: None} | stated
    return import_model(encoder, decoder, data=pictures, out=out, **settings)


@pytest.mark.parametrize("name", BOUNDED)
def test_the_bound_is_that_of_an_independent_evaluator(name: str, tmp_path: Path) -> None:
    """Over the same pictures, one sample of each agrees with many within its error."""
    known = about(name)["bound"]
    found = imported(name, tmp_path / "model", limit=1000, **BOUNDED[name])
    codes = model_folder.load_codes(tmp_path / "model")
    rows = slice(0, known["pictures"])
    rate = float(codes.rate[rows].double().mean())
    elbo = -float((codes.rate + codes.distortion)[rows].double().mean())
    assert rate == pytest.approx(known["rate"], abs=2e-3)
    assert elbo == pytest.approx(known["elbo"], abs=4 * known["error_of_one"])
    assert found.card.metrics["elbo"].n == len(codes.ids)


@pytest.mark.parametrize("name", ["pytorch-vae", "autoencoder", "generator", "conditional"])
def test_a_folder_opens_as_it_was_imported(name: str, tmp_path: Path) -> None:
    """Card, graphs, codes and the zip of the folder hold the same model."""
    imported(name, tmp_path / "model", **BOUNDED.get(name, {}))
    saved = model_folder.open_folder(tmp_path / "model")
    zipped = model_folder.open_zip(model_folder.zip_folder(tmp_path / "model"))
    assert isinstance(saved.card, ImportedCard)
    assert zipped.card == saved.card.shared()  # without the path of the pictures
    codes = saved.codes.mu[:5]
    y = torch.tensor([0, 1, 2, 0, 1]) if saved.card.model.conditional else None
    with torch.inference_mode():
        torch.testing.assert_close(
            zipped.model.decode(codes, y).mean, saved.model.decode(codes, y).mean
        )
    assert model_folder.load_history(tmp_path / "model") == []
    assert (tmp_path / "model" / "check.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("exporter", "close"), [("dynamo", 1e-5), ("legacy", 1e-5), ("opset11", 1e-5), ("half", 1e-2)]
)
def test_networks_run_as_the_library_ran_them(exporter: str, close: float, tmp_path: Path) -> None:
    """The reference outputs of PyTorch's own example come back, whatever wrote the file."""
    import_model(
        *files("pytorch-vae", exporter), data=FOREIGN / "pytorch-vae" / "pictures.npz",
        out=tmp_path / "model", tsne=False, say=lambda text: None,
    )  # fmt: skip
    model = model_folder.load_model(tmp_path / "model")
    reference = np.load(FOREIGN / "pytorch-vae" / "reference.npz")
    x = torch.from_numpy(reference["x"]).reshape(-1, *model.config.image_shape)
    with torch.inference_mode():
        q = model.encode(x)
        decoded = model.decode(torch.from_numpy(reference["z"])).mean
    for name, values in (("encoded_0", q.mu), ("encoded_1", q.logvar)):
        expected = torch.from_numpy(reference[name])
        torch.testing.assert_close(values, expected, atol=close, rtol=10 * close)
    expected = torch.from_numpy(reference["decoded"]).reshape(decoded.shape)
    torch.testing.assert_close(decoded, expected, atol=close, rtol=10 * close)


def test_what_was_found_and_guessed_is_said(tmp_path: Path) -> None:
    """Each meaning comes with its reason, in the result and in the card."""
    found = imported("pytorch-vae", tmp_path / "model")
    said = str(found)
    assert "posterior mu,logvar: by the names" in said
    assert "output probabilities: the decoder ends in a sigmoid" in said
    assert "likelihood bernoulli: a guess" in said
    assert "input range 0,1: a guess" in said
    assert "Mean squared error of reconstructions" in said
    assert "the decoder ends in a sigmoid" in found.card.provenance["read as"]
    assert found.card.decoder.startswith("3 → linear")
    assert not any(str(FOREIGN) in value for value in found.card.provenance.values())


def test_an_auto_encoder_has_no_rate_and_a_prior_of_its_codes(tmp_path: Path) -> None:
    """Its codes have distortions, and samples come from the Gaussian of its codes."""
    found = imported("autoencoder", tmp_path / "model")
    assert found.card.model.posterior == "point"
    assert "elbo" not in found.card.metrics
    saved = model_folder.open_folder(tmp_path / "model")
    assert saved.codes.rate.isnan().all()
    assert saved.codes.distortion.isfinite().all()
    assert saved.kl_per_dim().isnan().all()
    prior = saved.model.prior_given(None)
    torch.testing.assert_close(prior.mean, saved.codes.mu.mean(0), atol=1e-3, rtol=1e-3)
    with pytest.raises(ConfigError, match="'codes' needs an encoder"):
        imported("generator", tmp_path / "other", prior="codes")


def test_a_generator_has_codes_that_were_drawn(tmp_path: Path) -> None:
    """They have neither rate nor distortion, and encoding is refused by a sentence."""
    imported("generator", tmp_path / "model")
    saved = model_folder.open_folder(tmp_path / "model")
    assert saved.codes.rate.isnan().all()
    assert saved.codes.distortion.isnan().all()
    assert float(saved.codes.mu.std()) == pytest.approx(1, abs=0.05)
    with pytest.raises(ConfigError, match="no encoder"):
        saved.model.encode(torch.zeros(1, *saved.card.model.image_shape))


def test_what_is_not_certain_is_asked(tmp_path: Path) -> None:
    """The sentence lists what can be stated, and what looks best."""
    with pytest.raises(ConfigError, match="--output as one of probabilities, logits"):
        imported("conditional", tmp_path / "model", classes=3)
    with pytest.raises(ConfigError, match="reconstructions are closest as"):
        imported("conditional", tmp_path / "model", classes=3)
    with pytest.raises(ConfigError, match="posterior 'mean': allowed are mu,logvar"):
        imported("pytorch-vae", tmp_path / "model", posterior="mean")
    with pytest.raises(ConfigError, match="does not fit the encoder's outputs"):
        imported("autoencoder", tmp_path / "model", posterior="mu,logvar")
    with pytest.raises(ConfigError, match="input range"):
        imported("pytorch-vae", tmp_path / "model", input_range="white")
    assert not (tmp_path / "model").exists()


def test_a_wrong_statement_shows_in_the_check(tmp_path: Path) -> None:
    """Reconstructions of the wrong input range are worse, and the better one is named."""
    right = imported("autoencoder", tmp_path / "right")
    wrong = imported("autoencoder", tmp_path / "wrong", input_range=(0, 255))
    assert right.check.warnings == ()
    assert wrong.check.error > right.check.error
    assert any("--input-range -1,1" in sentence for sentence in wrong.check.warnings)


def test_pictures_are_needed_and_have_to_fit(tmp_path: Path) -> None:
    """An encoder without pictures, and pictures that do not exist, are refused."""
    encoder, decoder = files("pytorch-vae")
    with pytest.raises(DatasetError, match="--dataset"):
        import_model(encoder, decoder, out=tmp_path / "model")
    with pytest.raises(DatasetError, match="no dataset"):
        import_model(encoder, decoder, data=tmp_path / "none.npz", out=tmp_path / "model")
    with pytest.raises(ConfigError, match="nothing to import"):
        import_model(out=tmp_path / "model")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "file").touch()
    with pytest.raises(ConfigError, match="other files"):
        import_model(encoder, decoder, data="digits", out=tmp_path / "other")


class Example(nn.Module):
    """PyTorch's own VAE example, small and untrained."""

    def __init__(self) -> None:
        super().__init__()
        self.fc1, self.fc21, self.fc22 = nn.Linear(64, 16), nn.Linear(16, 3), nn.Linear(16, 3)
        self.fc3, self.fc4 = nn.Linear(3, 16), nn.Linear(16, 64)

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and log-variance."""
        h = torch.relu(self.fc1(x.flatten(1)))
        return self.fc21(h), self.fc22(h)

    def decode(self, z: Tensor) -> Tensor:
        """Return probabilities."""
        return torch.sigmoid(self.fc4(torch.relu(self.fc3(z))))


def test_functions_of_a_notebook_are_imported_with_arrays(tmp_path: Path) -> None:
    """``vae_core.import_model(encoder=net.encode, decoder=net.decode, data=…)`` needs no files."""
    torch.manual_seed(0)
    net = Example().train()
    images = torch.rand(40, 8, 8)
    labels = np.arange(40) % 2
    found = vae_core.import_model(
        encoder=net.encode,
        decoder=net.decode,
        data=images,
        labels=labels,
        out=tmp_path / "mine",
        posterior="mu,logvar",
        tsne=False,
        say=lambda text: None,
    )
    assert net.training  # as before
    assert found.card.model.image_shape == (1, 8, 8)
    assert found.card.classes == ("0", "1")
    saved = model_folder.open_folder(tmp_path / "mine")
    levels = (images * 255).round() / 255
    with torch.no_grad():
        mu, _ = net.eval().encode(levels)
        decoded = net.decode(mu)
    torch.testing.assert_close(saved.codes.mu, mu, atol=2e-3, rtol=2e-3)
    again = saved.model.decode(mu).mean.flatten(1)
    torch.testing.assert_close(again, decoded, atol=1e-5, rtol=1e-4)


def test_a_distribution_says_itself_what_it_is(tmp_path: Path) -> None:
    """A function that returns a normal distribution needs no ``posterior``."""
    torch.manual_seed(0)
    net = Example()

    def q(x: Tensor) -> torch.distributions.Normal:
        mu, logvar = net.encode(x)
        return torch.distributions.Normal(mu, torch.exp(0.5 * logvar), validate_args=False)

    net.eval()
    found = import_model(
        q, net.decode, data="digits", out=tmp_path / "mine", tsne=False, say=lambda text: None
    )
    assert not net.training
    assert any(sentence.startswith("posterior mu,std") for sentence in found.found)
    saved = model_folder.open_folder(tmp_path / "mine")
    x = torch.rand(4, 1, 8, 8)
    with torch.no_grad():
        _, logvar = net.encode(x)
    torch.testing.assert_close(saved.model.encode(x).logvar, logvar, atol=1e-4, rtol=1e-4)
    assert "knn_accuracy" in found.card.metrics  # the bundled digits have a training set


def onnx_file(path: Path, nodes: list[Any], ends: dict[str, Any], **arrays: np.ndarray) -> Path:
    """Write an ONNX file."""
    graph = helper.make_graph(
        nodes,
        "network",
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in ends["in"].items()],
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in ends["out"].items()],
        [numpy_helper.from_array(array, name) for name, array in arrays.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    path.write_bytes(model.SerializeToString())
    return path


def test_colour_pictures_with_channels_last_come_back_in_their_colours(tmp_path: Path) -> None:
    """Keras has channels last: an identity network returns each picture as it was."""
    identity = helper.make_node("Reshape", ["x", "flat"], ["mu"])
    encoder = onnx_file(
        tmp_path / "encoder.onnx",
        [identity],
        {"in": {"x": ["n", 4, 5, 3]}, "out": {"mu": ["n", 60]}},
        flat=np.array([-1, 60]),
    )
    back = helper.make_node("Reshape", ["z", "image"], ["picture"])
    decoder = onnx_file(
        tmp_path / "decoder.onnx",
        [back],
        {"in": {"z": ["n", 60]}, "out": {"picture": ["n", 4, 5, 3]}},
        image=np.array([-1, 4, 5, 3]),
    )
    images = np.random.default_rng(0).integers(0, 256, (20, 3, 4, 5), dtype=np.uint8)
    found = import_model(
        encoder, decoder, data=images, out=tmp_path / "model", tsne=False, say=lambda text: None
    )
    assert found.card.model.image_shape == (3, 4, 5)
    assert found.check.error == pytest.approx(0, abs=1e-9)
    saved = model_folder.open_folder(tmp_path / "model")
    x = torch.from_numpy(images[:3]).float() / 255
    torch.testing.assert_close(saved.model.reconstruct(x), x, atol=1e-5, rtol=1e-5)
    # The code is the network's own: channels last.
    torch.testing.assert_close(saved.model.encode(x).mu, x.permute(0, 2, 3, 1).flatten(1))


def test_labels_after_code_and_pixels_are_found(tmp_path: Path) -> None:
    """Networks of one input, a picture or code with its one-hot label after it."""
    rng = np.random.default_rng(0)
    weight = rng.normal(0, 0.1, (66, 2)).astype(np.float32)
    encoder = onnx_file(
        tmp_path / "encoder.onnx",
        [helper.make_node("MatMul", ["x", "w"], ["mu"])],
        {"in": {"x": ["n", 66]}, "out": {"mu": ["n", 2]}},
        w=weight,
    )
    back = rng.normal(0, 0.1, (4, 64)).astype(np.float32)
    decoder = onnx_file(
        tmp_path / "decoder.onnx",
        [
            helper.make_node("MatMul", ["z", "w"], ["h"]),
            helper.make_node("Sigmoid", ["h"], ["picture"]),
        ],
        {"in": {"z": ["n", 4]}, "out": {"picture": ["n", 64]}},
        w=back,
    )
    images = rng.random((30, 8, 8), dtype=np.float32)
    found = import_model(
        encoder,
        decoder,
        data=images,
        labels=np.arange(30) % 2,
        image_shape=(1, 8, 8),
        out=tmp_path / "model",
        tsne=False,
        say=lambda text: None,
    )
    assert found.card.model.classes == 2
    assert found.card.model.latent_dim == 2
    model = model_folder.load_model(tmp_path / "model")
    x, y = torch.from_numpy(images[:2]), torch.tensor([0, 1])
    joined = np.concatenate([images[:2].reshape(2, 64), np.eye(2, dtype=np.float32)], axis=1)
    torch.testing.assert_close(
        model.encode(x[:, None], y).mu, torch.from_numpy(joined @ weight), atol=1e-5, rtol=1e-4
    )
    with pytest.raises(ConfigError, match="conditional"):
        model.encode(x[:, None])


def test_a_damaged_folder_is_refused_by_a_sentence(tmp_path: Path) -> None:
    """Graphs that are missing or do not fit the card are named."""
    imported("pytorch-vae", tmp_path / "model")
    card = json.loads((tmp_path / "model" / "card.json").read_text(encoding="utf-8"))
    card["model"]["latent_dim"] = 4
    (tmp_path / "model" / "card.json").write_text(json.dumps(card), encoding="utf-8")
    with pytest.raises(model_folder.folder.CheckpointError, match="decoder has 3 values in"):
        model_folder.load_model(tmp_path / "model")
    weights = (tmp_path / "model" / "model.safetensors").read_bytes()
    (tmp_path / "model" / "model.safetensors").write_bytes(weights[:-4])
    with pytest.raises(model_folder.folder.CheckpointError, match="hash"):
        model_folder.load_model(tmp_path / "model")


def test_the_encoder_and_decoder_of_one_file_are_told_apart(tmp_path: Path) -> None:
    """A file with both networks needs no second one."""
    encoder, decoder = (onnx.load(str(path)) for path in files("pytorch-vae", "legacy"))
    merged = onnx.compose.add_prefix(encoder, "e_", rename_inputs=False, rename_outputs=False)
    other = onnx.compose.add_prefix(decoder, "d_", rename_inputs=False, rename_outputs=False)
    graph = helper.make_graph(
        [*merged.graph.node, *other.graph.node],
        "both",
        [*merged.graph.input, *other.graph.input],
        [*merged.graph.output, *other.graph.output],
        [*merged.graph.initializer, *other.graph.initializer],
    )
    model = helper.make_model(graph, opset_imports=merged.opset_import)
    model.ir_version = merged.ir_version
    path = tmp_path / "both.onnx"
    path.write_bytes(model.SerializeToString())
    found = import_model(
        path, data=FOREIGN / "pytorch-vae" / "pictures.npz", out=tmp_path / "model", tsne=False,
        say=lambda text: None,
    )  # fmt: skip
    apart = imported("pytorch-vae", tmp_path / "apart")
    assert found.card.metrics["elbo"].value == pytest.approx(apart.card.metrics["elbo"].value)


def test_pictures_of_ones_own_are_kept_beside_their_codes(tmp_path: Path) -> None:
    """In the folder and its zip, unless they are not wanted; a known dataset's are elsewhere."""
    imported("pytorch-vae", tmp_path / "model")
    expected = torch.from_numpy(np.load(FOREIGN / "pytorch-vae" / "pictures.npz")["images"])
    zipped = model_folder.zip_folder(tmp_path / "model")
    for saved in (model_folder.open_folder(tmp_path / "model"), model_folder.open_zip(zipped)):
        assert saved.pictures is not None
        assert torch.equal(saved.pictures, expected[saved.codes.ids])
    imported("pytorch-vae", tmp_path / "model", keep_pictures=False)
    assert model_folder.open_folder(tmp_path / "model").pictures is None
    encoder, decoder = files("pytorch-vae")
    quiet = {"tsne": False, "say": lambda text: None}
    import_model(encoder, decoder, data="digits", out=tmp_path / "digits", **quiet)
    assert model_folder.open_folder(tmp_path / "digits").pictures is None


def test_own_pictures_are_found_again_without_a_dataset(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where they were, else in the folder, else a sentence; the path goes into no zip."""
    encoder, decoder = files("pytorch-vae")
    monkeypatch.chdir(tmp_path)
    Path("own.npz").write_bytes((FOREIGN / "pytorch-vae" / "pictures.npz").read_bytes())
    before = import_model(
        encoder, decoder, data="own.npz", out="model", tsne=False, say=lambda text: None
    ).card
    assert before.data is not None
    assert before.data.path == str(tmp_path / "own.npz")
    zipped = model_folder.zip_folder("model")
    assert b"own.npz" in zipfile.ZipFile(io.BytesIO(zipped)).read("model/card.json")
    assert str(tmp_path).encode() not in zipfile.ZipFile(io.BytesIO(zipped)).read("model/card.json")

    def evaluated() -> tuple[float, str]:
        main(["evaluate", "model", "--json", "--seed", str(EVALUATION_SEED)])
        said = capsys.readouterr()
        return json.loads(said.out)["metrics"]["elbo"]["value"], said.err

    wanted = before.metrics["elbo"].value
    assert evaluated()[0] == pytest.approx(wanted, abs=1e-3)
    assert vae_core.evaluate("model")["elbo"].value == pytest.approx(wanted, abs=0.5)
    Path("own.npz").unlink()
    found, said = evaluated()
    assert found == pytest.approx(wanted, abs=1e-3)
    assert "the pictures that the model folder keeps" in said
    Path("model/pictures.safetensors").unlink()
    with pytest.raises(SystemExit):
        main(["encode", "model", "--out", "codes.csv"])
    assert "neither where they were nor in its folder: state data" in capsys.readouterr().err


def test_pictures_that_do_not_fit_their_codes_are_refused(tmp_path: Path) -> None:
    """The sentence says what is needed."""
    imported("pytorch-vae", tmp_path / "model")
    path = tmp_path / "model" / model_folder.folder.PICTURES
    path.write_bytes(safetensors.torch.save({"pictures": torch.zeros(3, 1, 8, 8)}))
    with pytest.raises(model_folder.folder.CheckpointError, match="uint8 and shape"):
        model_folder.open_folder(tmp_path / "model")


def test_weights_that_a_browser_cannot_hold_are_refused_before_anything_is_written(
    tmp_path: Path,
) -> None:
    """Pages run weights of half precision."""
    decoder = onnx_file(
        tmp_path / "decoder.onnx",
        [
            helper.make_node("MatMul", ["z", "w"], ["h"]),
            helper.make_node("Sigmoid", ["h"], ["picture"]),
        ],
        {"in": {"z": ["n", 2]}, "out": {"picture": ["n", 64]}},
        w=np.full((2, 64), 1e6, dtype=np.float32),
    )
    with pytest.raises(ConfigError, match="65504"):
        import_model(decoder=decoder, out=tmp_path / "model", say=lambda text: None)
    assert not (tmp_path / "model").exists()


class Whole(nn.Module):
    """Auto-encoder whose forward returns reconstruction, mean and log-variance, as people write."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = Example()

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Encode, draw a code, and decode it."""
        mu, logvar = self.inner.encode(x)
        z = mu + torch.randn_like(mu) * torch.exp(0.5 * logvar)
        return self.inner.decode(z), mu, logvar


def test_a_whole_auto_encoder_is_cut_at_its_code(tmp_path: Path) -> None:
    """Its encoder and decoder are those of the parts that drew and read the code."""
    torch.manual_seed(0)
    net = Whole().eval()
    images = torch.rand(30, 8, 8)
    import_model(
        net, data=images, out=tmp_path / "mine", posterior="mu,logvar", tsne=False,
        say=lambda text: None,
    )  # fmt: skip
    model = model_folder.load_model(tmp_path / "mine")
    x = torch.rand(4, 1, 8, 8)
    with torch.no_grad():
        mu, logvar = net.inner.encode(x)
        decoded = net.inner.decode(mu)
    q = model.encode(x)
    torch.testing.assert_close(q.mu, mu, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(q.logvar, logvar, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(model.decode(mu).mean.flatten(1), decoded, atol=1e-5, rtol=1e-4)
