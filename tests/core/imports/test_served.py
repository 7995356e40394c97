"""Models with operators that our operations cannot express: onnxruntime runs them, on a server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import onnx
import onnxruntime
import pytest
import served
import torch

from vae_core import marginal, model_folder
from vae_core.errors import ConfigError, OnnxError
from vae_core.formats import bundles, html, onnx_reading
from vae_core.graphs import Graph, GraphNetwork, foreign
from vae_core.imports import Imported, import_model
from vae_core.models import ImportedVAE


@pytest.fixture(autouse=True)
def no_process_stays() -> Iterator[None]:
    """End the processes of each test."""
    yield
    foreign.close()


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> Imported:
    """Return a model of which both networks need onnxruntime."""
    folder = tmp_path_factory.mktemp("served")
    encoder, decoder, pictures = served.write(folder, recurrent_encoder=True)
    return import_model(
        encoder, decoder, data=pictures, out=folder / "model", tsne=False, say=lambda text: None
    )


def test_a_model_that_cannot_be_lowered_is_imported_and_computes_as_onnxruntime(
    imported: Imported,
) -> None:
    """What runs it is said; folder and zip hold the file itself; numbers are onnxruntime's."""
    assert "Decoder: onnxruntime runs it, on a server only (operators LSTM" in str(imported)
    assert imported.card.decoder == "2 → onnxruntime (LSTM) 64"
    z = torch.randn(70, 2, generator=torch.Generator().manual_seed(0))
    session = onnxruntime.InferenceSession(served.decoder(), providers=["CPUExecutionProvider"])
    (expected,) = session.run(None, {"z": z.numpy()})
    zipped = model_folder.zip_folder(imported.folder)
    for saved in (model_folder.open_folder(imported.folder), model_folder.open_zip(zipped)):
        torch.testing.assert_close(saved.model.decode(z).mean, torch.from_numpy(expected))
    x = torch.rand(3, 1, 8, 8, generator=torch.Generator().manual_seed(1))
    session = onnxruntime.InferenceSession(
        served.encoder(recurrent=True), providers=["CPUExecutionProvider"]
    )
    mu, logvar = session.run(None, {"x": x.numpy()})
    found = model_folder.load_model(imported.folder).encode(x)
    torch.testing.assert_close(found.mu, torch.from_numpy(mu))
    torch.testing.assert_close(found.logvar, torch.from_numpy(logvar))


def test_a_browser_gets_no_weights_and_there_is_no_page_without_a_server(
    imported: Imported,
) -> None:
    """The bundle says that the server runs it; an export is refused by a sentence."""
    saved = model_folder.open_folder(imported.folder)
    manifest, weights = bundles.pack(saved.model)
    assert [layer["op"] for layer in manifest["decoder"]] == ["served"]
    assert weights == b""
    with pytest.raises(ConfigError, match="a page without one could not decode anything"):
        html.page(saved)
    with pytest.raises(ConfigError, match="need gradients of the decoder"):
        marginal.check(saved.model, "ais")


def test_without_onnxruntime_a_sentence_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, imported: Imported
) -> None:
    """At the import, and where a folder is opened that needs it."""
    monkeypatch.setattr(foreign, "available", lambda: False)
    encoder, decoder, pictures = served.write(tmp_path)
    with pytest.raises(ConfigError, match=r"LSTM are not known, without .*pip install onnxruntime"):
        import_model(encoder, decoder, data=pictures, out=tmp_path / "model")
    model = model_folder.load_model(imported.folder)
    with pytest.raises(OnnxError, match="pip install onnxruntime"):
        model.decode(torch.zeros(1, 2))


def test_what_takes_too_long_or_fails_ends_in_a_sentence_and_the_next_works(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The process is gone, and a new one is started."""
    network = GraphNetwork(
        onnx_reading.read_foreign(served.decoder()).graph(["picture"], inputs=["z"])
    )
    served.freeze(monkeypatch)
    with pytest.raises(OnnxError, match="longer than the 0 seconds"):
        network(torch.zeros(1, 2))
    monkeypatch.undo()
    assert network(torch.zeros(1, 2)).shape == (1, 64)
    node = onnx.helper.make_node
    each = [node("NonZero", ["z"], ["n"]), node("Cast", ["n"], ["picture"], to=1)]
    with pytest.raises(OnnxError, match="no row for each example"):
        onnx_reading.read_foreign(served.file(each, "z", [2], ["picture"], {}))
    mixing = [node("ReduceMean", ["z"], ["m"], axes=[0]), node("Sub", ["z", "m"], ["picture"])]
    with pytest.raises(OnnxError, match="mixes the examples of a batch"):
        onnx_reading.read_foreign(served.file(mixing, "z", [2], ["picture"], {}))


def test_a_file_within_a_folder_reads_no_other_file() -> None:
    """Weights elsewhere are refused before onnxruntime sees them."""
    model = onnx.ModelProto.FromString(served.decoder())
    weight = model.graph.initializer[0]
    weight.ClearField("raw_data")
    weight.data_location = onnx.TensorProto.EXTERNAL
    weight.external_data.add(key="location", value="/etc/passwd")
    content = torch.frombuffer(bytearray(model.SerializeToString()), dtype=torch.uint8)
    with pytest.raises(OnnxError, match="weights in another file are not read"):
        foreign.session_of(content)


def test_a_damaged_layer_is_refused(imported: Imported) -> None:
    """The description in a folder's weights cannot state another size of file or input."""
    model = model_folder.load_model(imported.folder)
    assert isinstance(model, ImportedVAE)
    (layer,) = model.decoder_graph.layers
    weights = model.decoder_graph.to_safetensors()
    for change in ({"bytes": 5}, {"shape": [3]}, {"outputs": "picture"}, {"shape": 2}):
        described = {"format_version": 1, "size": 2, "layers": [{**layer, **change}]}
        with pytest.raises(ConfigError, match="layer 0"):
            Graph.of(json.dumps(described), weights)
    changed = dict(layer, outputs=["nothing"])
    other = {"format_version": 1, "size": 2, "layers": [changed]}
    network = GraphNetwork(Graph.of(json.dumps(other), weights))
    with pytest.raises(OnnxError, match="onnxruntime cannot run the network"):
        network(torch.zeros(1, 2))


def test_sizes_that_a_file_leaves_open_are_those_of_the_pictures(tmp_path: Path) -> None:
    """The encoder's input is read in their shape, which is said."""
    encoder, decoder, pictures = served.write(tmp_path)
    encoder.write_bytes(served.encoder(open_sizes=True))
    found = import_model(
        encoder, decoder, data=pictures, out=tmp_path / "m", tsne=False, say=lambda text: None
    )
    assert "Input 'x' has open sizes, and is read as 1 × 8 × 8." in str(found)
    assert found.card.encoder.startswith("64 → linear")
