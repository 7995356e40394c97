"""Small models of other libraries (``benchmarks/foreign``) compute what those libraries compute."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from benchmarks.foreign import bound
from vae_core.formats import bundles, onnx_reading
from vae_core.graphs import Graph, GraphNetwork

Array = NDArray[Any]
FOLDER = Path(__file__).parents[2] / "fixtures" / "foreign"
NODE = shutil.which("node")
PARTS = sorted(
    path.relative_to(FOLDER).as_posix()
    for name in ("encoder", "decoder")
    for path in FOLDER.glob(f"*/*/{name}.onnx")
)
#: Exports of models that have a bound.
EXPORTS = sorted(
    path.parent.relative_to(FOLDER).as_posix()
    for path in FOLDER.glob("*/*/encoder.onnx")
    if "bound" in json.loads((path.parents[1] / "about.json").read_text())
)
#: Largest error; half precision has eleven bits.
TOLERANCES = {"half": 2e-3}
TOLERANCE = 2e-6


def network(part: str) -> Graph:
    """Read a part; a second input is the label."""
    model = onnx_reading.read(FOLDER / part)
    label = "y" if len(model.inputs) > 1 else None
    return model.graph(label=label)


def expected(part: str) -> tuple[Array, Array, Array | None]:
    """Return inputs and outputs of the library, flattened and joined, and one-hot labels."""
    reference = np.load(FOLDER / Path(part).parts[0] / "reference.npz")
    labels = reference.get("y")
    if part.endswith("decoder.onnx"):
        outputs = [reference["decoded"]]
    else:
        outputs = [reference[name] for name in sorted(reference) if name.startswith("encoded_")]
    x = reference["z" if part.endswith("decoder.onnx") else "x"]
    return flat(x), np.concatenate([flat(one) for one in outputs], axis=1), labels


def flat(array: Array) -> Array:
    """Return one row for each example."""
    return array.reshape(len(array), -1)


def tolerance(part: str) -> float:
    """Return the largest error that is allowed."""
    return TOLERANCES.get(Path(part).parts[1], TOLERANCE)


def run(graph: Graph, x: Array, labels: Array | None = None) -> Array:
    """Run a graph in PyTorch; labels are integers."""
    y = None if labels is None else torch.from_numpy(labels)
    with torch.inference_mode():
        return GraphNetwork(graph)(torch.from_numpy(x), y).numpy()


def test_there_are_models_of_every_kind() -> None:
    """The files of eight models are there, each in two or more exports, and small."""
    names = {Path(part).parts[0] for part in PARTS}
    assert names == {
        "autoencoder",
        "conditional",
        "convolutional",
        "diffusers",
        "generator",
        "keras",
        "pythae",
        "pytorch-vae",
    }
    assert max(path.stat().st_size for path in FOLDER.rglob("*.*")) < 60_000


@pytest.mark.parametrize("part", PARTS)
def test_a_foreign_network_equals_its_library(part: str) -> None:
    """Each export gives the library's own outputs, for one example as for several."""
    x, outputs, one_hot = expected(part)
    graph = network(part)
    labels = None if one_hot is None else one_hot.argmax(1)
    assert np.abs(run(graph, x, labels) - outputs).max() < tolerance(part)
    first = run(graph, x[:1], None if labels is None else labels[:1])
    assert np.abs(first - outputs[:1]).max() < tolerance(part)


@pytest.mark.skipif(NODE is None, reason="node is not on this host")
@pytest.mark.parametrize("part", PARTS)
def test_a_foreign_network_runs_in_the_browsers_code(part: str, tmp_path: Path) -> None:
    """The browser's JavaScript gives the library's own outputs from the same graph."""
    x, outputs, one_hot = expected(part)
    graph = network(part)
    meta = {
        "latent_dim": graph.size,
        "image_shape": [1, 1, graph.output_size],
        "classes": graph.classes,
        "decoder": list(graph.layers),
    }
    arrays = {name: values.numpy() for name, values in graph.weights.items()}
    (tmp_path / "network").write_bytes(bundles.bundle(meta, arrays))
    script = Path(__file__).with_name("run_network.mjs")
    files = [str(tmp_path / name) for name in ("network", "inputs", "outputs")]
    each = [slice(None)] if one_hot is None else [slice(row, row + 1) for row in range(len(x))]
    for rows in each:
        (tmp_path / "inputs").write_bytes(x[rows].astype("<f4").tobytes())
        label = [] if one_hot is None else [str(one_hot[rows].argmax())]
        assert NODE is not None
        subprocess.run([NODE, str(script), "decode", *files, *label], check=True)
        found = np.fromfile(tmp_path / "outputs", dtype="<f4").reshape(len(x[rows]), -1)
        assert np.abs(found - outputs[rows]).max() < tolerance(part)


@pytest.mark.parametrize("export", EXPORTS)
def test_a_foreign_bound_equals_the_independent_evaluators(export: str) -> None:
    """From our graphs, the bound is the one that the library's own tensors gave."""
    folder = FOLDER / Path(export).parent
    about = json.loads((folder / "about.json").read_text())
    pictures = np.load(folder / "pictures.npz")
    x = pictures["images"].astype(np.float32) / 255
    read = 2 * x - 1 if about["input_range"] == "-1,1" else x
    labels = pictures["labels"] if about["classes"] else None
    mu, logvar = np.split(run(network(f"{export}/encoder.onnx"), flat(read), labels), 2, axis=1)
    decoder = network(f"{export}/decoder.onnx")

    def decode(z: Array) -> Array:
        output = run(decoder, flat(z), labels)
        return (output + 1) / 2 if about["output"] == "[-1,1]" else output

    likelihood = about["likelihood"] + " of logits" * (about["output"] == "logits")
    found = bound.bound(x, mu, logvar, decode, likelihood=likelihood)
    told = about["bound"]
    assert found.rate == pytest.approx(told["rate"], rel=1e-3 if "half" in export else 1e-5)
    # Noise in another order (channels of codes in space) is another draw.
    assert abs(found.elbo - told["elbo"]) < 4 * told["error"]


@pytest.mark.parametrize("exporter", ["dynamo", "legacy", "opset11", "half"])
def test_a_whole_autoencoder_is_taken_apart_where_it_samples(exporter: str) -> None:
    """From one file with noise inside come the encoder and the decoder of two files."""
    whole = onnx_reading.read(FOLDER / "pytorch-vae" / exporter / "model.onnx")
    (z,) = whole.sampled
    assert z.shape == (3,)
    for name, graph in {
        "encoder": whole.graph(["mu", "logvar"]),
        "decoder": whole.graph(["reconstruction"], inputs=[z.name]),
    }.items():
        part = f"pytorch-vae/{exporter}/{name}.onnx"
        x, outputs, _ = expected(part)
        assert np.abs(run(graph, x) - outputs).max() < tolerance(part)
