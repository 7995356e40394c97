"""ONNX files are read as graphs; what cannot be read is refused by a sentence."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx_models
import pytest
import torch
from bundle_reading import KINDS, of_kind
from numpy.typing import NDArray
from onnx import TensorProto, helper
from onnx_models import compare, model

from vae_core.errors import LatentExplorerError, OnnxError
from vae_core.formats import onnx_reading, onnx_writing
from vae_core.formats.onnx_reading import files
from vae_core.graphs import Graph, GraphNetwork

node = helper.make_node
FOREIGN = Path(__file__).parents[2] / "fixtures" / "foreign"


def weights(*shape: int, seed: int = 3) -> NDArray[np.float32]:
    """Return random weights of a third."""
    return (np.random.default_rng(seed).normal(size=shape) / 3).astype(np.float32)


def ops(graph: Graph) -> list[str]:
    """Return the names of the layers' operations."""
    return [layer["op"] for layer in graph.layers]


def run(graph: Graph, *given: NDArray[Any], y: NDArray[Any] | None = None) -> NDArray[Any]:
    """Run a graph on inputs that are flattened and joined."""
    x = torch.from_numpy(np.concatenate([one.reshape(len(one), -1) for one in given], axis=1))
    label = None if y is None else torch.from_numpy(y)
    with torch.inference_mode():
        found: NDArray[Any] = GraphNetwork(graph)(x, label).numpy()
    return found


# What a graph consists of


def test_shifts_and_scales_go_into_the_weights() -> None:
    """A dense network is linear layers with their activations, and mean and log-variance one."""
    content = model(
        [
            node("Gemm", ["x", "w"], ["a"], transB=1),
            node("Add", ["a", "b"], ["s"]),
            node("Relu", ["s"], ["r"]),
            node("MatMul", ["r", "v"], ["mu"]),
            node("MatMul", ["r", "u"], ["h"]),
            node("Mul", ["h", "two"], ["logvar"]),
        ],
        [("x", ["n", 7])],
        {
            "w": weights(5, 7),
            "b": weights(5),
            "v": weights(5, 3),
            "u": weights(5, 3, seed=4),
            "two": np.float32(2),
        },
        outputs=["mu", "logvar"],
    )
    read, graph = compare(content)
    assert [(port.name, port.shape) for port in read.inputs] == [("x", (7,))]
    assert [(port.name, port.shape) for port in read.outputs] == [("mu", (3,)), ("logvar", (3,))]
    assert ops(graph) == ["linear", "relu", "linear"]


def test_transposes_around_a_convolution_take_no_layer() -> None:
    """Images with channels last, as Keras exports them, are what our operations read."""
    content = model(
        [
            node("Transpose", ["x"], ["t"], perm=[0, 3, 1, 2]),
            node("Pad", ["t", "pads"], ["p"]),
            node("Conv", ["p", "w", "b"], ["a"]),
            node("Transpose", ["a"], ["out"], perm=[0, 2, 3, 1]),
        ],
        [("x", ["n", 6, 5, 2])],
        {
            "w": weights(4, 2, 3, 3),
            "b": weights(4),
            "pads": np.array([0, 0, 0, 1, 0, 0, 1, 1]),
        },
    )
    _, graph = compare(content)
    assert ops(graph) == ["conv"]
    assert graph.layers[0]["pads"] == [0, 1, 1, 1]


def test_a_decoder_of_channels_first_has_one_transpose() -> None:
    """That of its picture; others go into the weights of the linear layer before them."""
    content = model(
        [
            node("Gemm", ["z", "w"], ["a"]),
            node("Relu", ["a"], ["r"]),
            node("Reshape", ["r", "shape"], ["m"]),
            node("Resize", ["m", "", "twice"], ["e"], mode="nearest"),
            node("Conv", ["e", "v", "b"], ["c"], pads=[1, 1, 1, 1]),
            node("BatchNormalization", ["c", "s", "s", "s", "one"], ["n"]),
            node("Sigmoid", ["n"], ["g"]),
            node("Mul", ["n", "g"], ["out"]),
        ],
        [("z", ["n", 2])],
        {
            "w": weights(2, 24),
            "shape": np.array([-1, 4, 3, 2]),
            "twice": np.array([1, 1, 2, 2], np.float32),
            "v": weights(3, 4, 3, 3),
            "b": weights(3),
            "s": weights(3, seed=5),
            "one": np.ones(3, np.float32),
        },
    )
    _, graph = compare(content)
    assert ops(graph) == ["linear", "relu", "resize_conv", "silu", "swap"]


def test_a_gated_unit_is_one_operation() -> None:
    """Of two halves, a sigmoid and a product."""
    content = model(
        [
            node("Gemm", ["x", "w"], ["a"]),
            node("Split", ["a"], ["p", "q"], axis=1, num_outputs=2),
            node("Sigmoid", ["q"], ["g"]),
            node("Mul", ["p", "g"], ["out"]),
        ],
        [("x", ["n", 3])],
        {"w": weights(3, 8)},
    )
    _, graph = compare(content)
    assert ops(graph) == ["linear", "gated"]


# Inputs and outputs


@pytest.fixture(scope="module")
def whole() -> bytes:
    """Write an autoencoder that draws its code: from x to reconstruction, mu and log-variance."""
    return model(
        [
            node("Gemm", ["x", "w"], ["mu"]),
            node("Gemm", ["x", "v"], ["logvar"]),
            node("Mul", ["logvar", "half"], ["l"]),
            node("Exp", ["l"], ["std"]),
            node("RandomNormalLike", ["std"], ["eps"]),
            node("Mul", ["std", "eps"], ["noise"]),
            node("Add", ["mu", "noise"], ["z"]),
            node("Gemm", ["z", "u"], ["h"]),
            node("Sigmoid", ["h"], ["recon"]),
        ],
        [("x", ["n", 6])],
        {
            "w": weights(6, 2),
            "v": weights(6, 2, seed=1),
            "u": weights(2, 6),
            "half": np.float32(0.5),
        },
        outputs=["recon", "mu", "logvar"],
    )


def test_a_whole_autoencoder_is_cut_where_its_code_is_drawn(whole: bytes) -> None:
    """Encoder and decoder are graphs of their own, and the noise is left out with a note."""
    read = onnx_reading.read(whole)
    assert [(port.name, port.shape) for port in read.sampled] == [("z", (2,))]
    assert read.notes == (
        "RandomNormalLike: random numbers are left out, so that a sampled code is its mean",
    )
    encoder = read.graph(["mu", "logvar"])
    decoder = read.graph(["recon"], inputs=["z"])
    assert ops(encoder) == ["linear"]
    assert ops(decoder) == ["linear", "sigmoid"]
    x, z = weights(3, 6, seed=7), weights(3, 2, seed=8)
    expected = x @ np.concatenate([weights(6, 2), weights(6, 2, seed=1)], axis=1)
    np.testing.assert_allclose(run(encoder, x), expected, atol=1e-6)
    np.testing.assert_allclose(run(decoder, z), 1 / (1 + np.exp(-z @ weights(2, 6))), atol=1e-6)
    whole_mean = run(read.graph(["recon"]), x)
    np.testing.assert_allclose(whole_mean, run(decoder, x @ weights(6, 2)), atol=1e-6)


@pytest.mark.parametrize("how", ["table", "one-hot", "vector"])
def test_labels_are_a_second_input(how: str) -> None:
    """Integers that choose from a table or become one-hot, and one-hot vectors."""
    kind = TensorProto.FLOAT if how == "vector" else TensorProto.INT64
    shape = ["n", 3] if how == "vector" else ["n"]
    first = {
        "table": [node("Gather", ["table", "y"], ["e"])],
        "one-hot": [node("OneHot", ["y", "depth", "values"], ["e"])],
        "vector": [node("Identity", ["y"], ["e"])],
    }[how]
    width = 4 if how == "table" else 3
    content = model(
        [*first, node("Concat", ["z", "e"], ["c"], axis=1), node("Gemm", ["c", "w"], ["out"])],
        [("z", ["n", 2]), ("y", shape, kind)],
        {
            "table": weights(3, 4),
            "depth": np.array(3),
            "values": np.array([0, 1], np.float32),
            "w": weights(2 + width, 5),
        },
    )
    read = onnx_reading.read(content)
    graph = read.graph(["out"], inputs=["z"], label="y")
    assert graph.classes == 3
    z, y = weights(4, 2, seed=9), np.array([2, 0, 1, 1])
    given = np.eye(3, dtype=np.float32)[y] if how == "vector" else y
    (expected,) = onnx_models.reference(content, {"z": z, "y": given})
    np.testing.assert_allclose(run(graph, z, y=y), expected, atol=1e-6)
    with pytest.raises(LatentExplorerError, match="labels: this network needs one"):
        run(graph, z)


def test_pictures_with_channels_last_are_read_as_ours() -> None:
    """(h, w, c) of the file is (c, h, w) of the graph, for inputs and outputs."""
    content = model(
        [
            node("Transpose", ["x"], ["t"], perm=[0, 3, 1, 2]),
            node("Conv", ["t", "w"], ["c"]),
            node("Transpose", ["c"], ["out"], perm=[0, 2, 3, 1]),
        ],
        [("x", ["n", 4, 5, 3])],
        {"w": weights(2, 3, 2, 2)},
    )
    graph = onnx_reading.read(content).graph(channels_last=["x", "out"])
    assert ops(graph) == ["swap", "conv", "swap"]
    x = weights(2, 3, 4, 5, seed=6)
    (expected,) = onnx_models.reference(content, {"x": x.transpose(0, 2, 3, 1)})
    np.testing.assert_allclose(
        run(graph, x), expected.transpose(0, 3, 1, 2).reshape(2, -1), atol=1e-6
    )


def test_inputs_that_are_noise_are_set_to_zero() -> None:
    """By name, and the others remain."""
    content = model(
        [
            node("Exp", ["s"], ["e"]),
            node("Mul", ["e", "eps"], ["p"]),
            node("Add", ["s", "p"], ["out"]),
        ],
        [("s", ["n", 3]), ("eps", ["n", 3])],
    )
    read = onnx_reading.read(content)
    x = weights(2, 3)
    np.testing.assert_allclose(run(read.graph(zeros=["eps"]), x), x)


def test_the_batch_may_be_fixed() -> None:
    """To one in the inputs, or in the constants of a file that was exported for one example."""
    nodes = [
        node("Conv", ["x", "w"], ["a"], pads=[1, 1, 1, 1]),
        node("Reshape", ["a", "flat"], ["f"]),
        node("Gemm", ["f", "v"], ["g"]),
        node("Reshape", ["g", "image"], ["out"]),
    ]
    constants = {
        "w": weights(2, 1, 3, 3),
        "v": weights(24, 12),
        "flat": np.array([1, 24]),
        "image": np.array([1, 1, 4, 3]),
    }
    for batch in (1, "n"):
        compare(model(nodes, [("x", [batch, 1, 4, 3])], constants), n=1)
    many = {**constants, "flat": np.array([8, 24]), "image": np.array([8, 1, 4, 3])}
    compare(model(nodes, [("x", [8, 1, 4, 3])], many), n=8)


def test_half_precision_is_read() -> None:
    """Weights, inputs and outputs of float16 become float32."""
    exact = model(
        [node("Gemm", ["x", "w"], ["a"]), node("Tanh", ["a"], ["out"])],
        [("x", ["n", 3], TensorProto.FLOAT16)],
        {"w": weights(3, 2).astype(np.float16)},
    )
    graph = onnx_reading.read(exact).graph()
    x = weights(2, 3)
    expected = np.tanh(x @ weights(3, 2).astype(np.float16).astype(np.float32))
    np.testing.assert_allclose(run(graph, x), expected, atol=1e-6)


def test_older_operator_sets_are_read() -> None:
    """Attributes of version 11 that are inputs of later ones."""
    content = model(
        [
            node("ReduceMean", ["x"], ["m"], axes=[2], keepdims=1),
            node("Squeeze", ["m"], ["s"], axes=[2]),
            node("Unsqueeze", ["s"], ["u"], axes=[1]),
            node("Split", ["u"], ["p", "q"], axis=2, split=[1, 2]),
            node("Concat", ["q", "p"], ["c"], axis=2),
            node("Softmax", ["c"], ["out"], axis=2),
        ],
        [("x", ["n", 3, 4])],
        operator_set=11,
    )
    compare(content)


def test_sizes_that_a_file_leaves_open_can_be_told() -> None:
    """A shape for each input; without it the sentence names the input."""
    content = model(
        [node("Conv", ["x", "w"], ["a"]), node("Flatten", ["a"], ["out"])],
        [("x", ["n", 1, "height", "width"])],
        {"w": weights(2, 1, 1, 1)},
    )
    with pytest.raises(OnnxError, match=r"'x' has no fixed shape but \(batch, 1, height, width\)"):
        onnx_reading.read(content)
    read = onnx_reading.read(content, shapes={"x": (1, 4, 3)})
    assert read.outputs[0].shape == (24,)


@pytest.mark.parametrize("path", sorted(FOREIGN.glob("*/*/*.onnx")), ids=str)
def test_files_of_other_libraries_take_few_layers(path: Path) -> None:
    """Nothing is left that an operation of ours, or the weights beside it, can do at once."""
    graph = onnx_reading.read(path).graph()
    left = {"affine", "pad", "slice", "permute", "product"} & set(ops(graph))
    assert left <= ({"slice"} if "half" in str(path) else set())
    kept = Graph.of(graph.to_json(), graph.to_safetensors())
    x = torch.rand(2, graph.size, generator=torch.Generator().manual_seed(1))
    assert torch.equal(GraphNetwork(kept)(x), GraphNetwork(graph)(x))


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_exported_here_is_read_again(kind: str) -> None:
    """The decoder of each kind of model, with its labels."""
    network = of_kind(kind)
    read = onnx_reading.read(onnx_writing.decoder(network))
    labels = [port.name for port in read.inputs if port.dtype == "int64"]
    graph = read.graph(label=labels[0] if labels else None)
    z = torch.randn(7, 3, generator=torch.Generator().manual_seed(2))
    z[0] = 0
    y = torch.arange(7) % 4 if labels else None
    with torch.inference_mode():
        found = GraphNetwork(graph)(z, y)
        expected = network.decode(z, y).mean.flatten(1)
    np.testing.assert_allclose(found, expected, atol=1e-5)


# What is refused


def small(**changes: Any) -> onnx.ModelProto:
    """Return a valid model to spoil."""
    made = onnx.ModelProto.FromString(
        model([node("Gemm", ["x", "w"], ["out"])], [("x", ["n", 3])], {"w": weights(3, 2)})
    )
    for name, value in changes.items():
        setattr(made, name, value)
    return made


def refused(content: bytes | onnx.ModelProto, match: str) -> None:
    """Assert that a file is refused with a sentence."""
    raw = content if isinstance(content, bytes) else content.SerializeToString()
    with pytest.raises(OnnxError, match=match) as caught:
        onnx_reading.read(raw)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 2500


def test_unknown_operators_are_named_with_those_that_are_known() -> None:
    """All of them, whether of ONNX or of a vendor."""
    content = model(
        [node("NonZero", ["x"], ["a"]), node("Trilu", ["a"], ["out"])], [("x", ["n", 3])]
    )
    refused(content, r"operators NonZero, Trilu are not known; known are Abs, Add, .*, Where")
    vendor = small()
    vendor.graph.node[0].domain = "com.microsoft"
    refused(vendor, "operators com.microsoft.Gemm are not known")


def test_files_that_are_no_onnx_are_refused(tmp_path: Path) -> None:
    """Text, nothing, pictures, a part of a file, and a file that does not exist."""
    whole = small().SerializeToString()
    refused(b"", "operator set None")
    refused(b"PK\x03\x04" + bytes(50), "not an ONNX file|damaged")
    refused(json.dumps({"layers": []}).encode(), "not an ONNX file|damaged")
    for end in range(1, len(whole), 7):
        with pytest.raises(OnnxError):
            onnx_reading.read(whole[:end])
    with pytest.raises(OnnxError, match=r"none\.onnx cannot be read: No such file"):
        onnx_reading.read(tmp_path / "none.onnx")


def test_files_that_are_too_large_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """In bytes, nodes, and bytes besides the weights; before they are parsed."""
    content = small().SerializeToString()
    many, noted = small(), small()
    many.graph.node.extend([node("Relu", ["x"], ["a"])] * (files.MAX_NODES + 1))
    monkeypatch.setattr(onnx.ModelProto, "FromString", None)
    refused(many, "more than 10,000 nodes")
    noted.doc_string = "a" * (files.MAX_DESCRIPTION + 1)
    refused(noted, "more than 16 MB besides its weights")
    monkeypatch.setattr(files, "MAX_BYTES", len(content) - 1)
    refused(content, "larger than the 0 MB allowed")


def test_other_files_are_never_read(tmp_path: Path) -> None:
    """Weights that lie elsewhere are refused, with how to export them."""
    made = small()
    tensor = made.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="../../etc/passwd")
    refused(made, "lies in another file, which is not read; .*external_data=False")


def test_damaged_weights_are_refused() -> None:
    """Of a wrong number of bytes, a negative or huge size, strings, or numbers that are none."""
    made = small()
    made.graph.initializer[0].raw_data = b"1234"
    refused(made, "'w' has 4 bytes where 24 are needed")
    for sides in ([-3, 2], [2**40, 2**40], [2**62, 4]):
        made = small()
        made.graph.initializer[0].dims[:] = sides
        refused(made, "'w' has a size below 0, or more than")
    made = small()
    made.graph.initializer[0].data_type = TensorProto.STRING
    made.graph.initializer[0].string_data.append(b"no")
    refused(made, "consists of strings")
    made = small()
    made.graph.initializer[0].raw_data = np.full(6, np.nan, np.float32).tobytes()
    with pytest.raises(OnnxError, match="not finite"):
        onnx_reading.read(made.SerializeToString()).graph()


def test_graphs_within_nodes_and_functions_are_refused() -> None:
    """If, Loop and Scan; functions of a model."""
    made = small()
    inner = helper.make_graph([], "inner", [], [])
    made.graph.node[0].attribute.append(helper.make_attribute("body", inner))
    refused(made, "Gemm: attribute 'body' is a graph")
    made = small()
    made.functions.add(name="f", domain="d")
    refused(made, "functions and training graphs are not read")


def test_cycles_and_missing_values_are_refused() -> None:
    """A node that reads its own output, or what nobody makes."""
    for name in ("out", "nothing"):
        made = small()
        made.graph.node[0].input[0] = name
        refused(made, "not a valid ONNX graph: ")


@pytest.mark.parametrize(
    ("nodes", "constants", "match"),
    [
        ([node("Softmax", ["x"], ["out"], axis=0)], {}, "Softmax over the batch"),
        ([node("Transpose", ["x"], ["t"], perm=[1, 0]), node("ReduceSum", ["t", "k"], ["out"])],
         {"k": np.array([1])}, "ReduceSum over the batch"),
        ([node("Gemm", ["x", "w"], ["out"])], {"w": weights(4, 2)}, "shapes .* do not fit"),
        ([node("Add", ["x", "w"], ["out"])], {"w": weights(5)}, "do not fit"),
        ([node("Reshape", ["x", "k"], ["out"])], {"k": np.array([5, -1])}, "Reshape"),
        ([node("Slice", ["x", "a", "b"], ["out"])], {"a": np.array([1, 0]), "b": np.array([2, 9])},
         "Slice of the batch"),
        ([node("ConstantOfShape", ["k"], ["c"]), node("Mul", ["x", "c"], ["out"])],
         {"k": np.array([2**20, 2**20])}, "too large"),
        ([node("Tile", ["x", "k"], ["out"])], {"k": np.array([1, 2**30])}, "Tile"),
        ([node("Cast", ["x"], ["out"], to=7)], {}, "rounded to integers"),
        ([node("Pad", ["x", "k"], ["out"])], {"k": np.array([0, 2**30, 0, 0])}, "numbers"),
        ([node("Pad", ["x", "k"], ["out"])], {"k": np.array([1, 0, 0, 0])}, "Pad of the batch"),
        ([node("Pad", ["x", "k"], ["out"], mode="reflect")], {"k": np.array([0, 3, 0, 0])},
         "Pad: mode 'reflect' with 3 and 0 of 3"),
        ([node("Concat", ["x", "x"], ["out"], axis=0)], {}, "Concat of examples"),
        ([node("Concat", ["x", "w"], ["out"], axis=1)], {"w": weights(2, 5)}, "do not fit"),
        ([node("Split", ["x"], ["out", "b"], axis=0, num_outputs=2)], {}, "Split"),
        ([node("Gather", ["x", "k"], ["out"])], {"k": np.array([0])}, "Gather of examples"),
        ([node("Gather", ["x", "k"], ["out"], axis=1)], {"k": np.array([3])}, "beyond the 3"),
        ([node("Gather", ["x", "k"], ["out"], axis=1)], {"k": np.array([[0], [1]])}, "one axis of"),
        ([node("Squeeze", ["x", "k"], ["out"])], {"k": np.array([1])}, "longer than 1"),
        ([node("Squeeze", ["x", "k"], ["out"])], {"k": np.array([0])}, "removes the batch"),
        ([node("Tile", ["x", "k"], ["out"])], {"k": np.array([2, 1])}, "Tile over the batch"),
        ([node("Expand", ["x", "k"], ["out"])], {"k": np.array([2, 1, 4])}, "Expand"),
        ([node("Transpose", ["x"], ["out"], perm=[0, 0])], {}, "Transpose"),
        ([node("Conv", ["x", "w"], ["out"])], {"w": weights(1, 1, 3)}, "images .* are needed"),
        ([node("Unsqueeze", ["x", "k"], ["u"]), node("Conv", ["u", "w"], ["out"])],
         {"k": np.array([1]), "w": weights(2, 2, 1)}, "do not fit 1 channels"),
        ([node("Unsqueeze", ["x", "k"], ["u"]), node("Conv", ["u", "w"], ["out"])],
         {"k": np.array([1]), "w": weights(2, 1, 5)}, "is larger than"),
        ([node("Unsqueeze", ["x", "k"], ["u"]), node("MaxPool", ["u"], ["out"], kernel_shape=[4])],
         {"k": np.array([1])}, "is larger than"),
        ([node("Unsqueeze", ["x", "k"], ["u"]),
          node("MaxPool", ["u"], ["out"], kernel_shape=[2], dilations=[2])],
         {"k": np.array([1])}, "MaxPool with dilations"),
        ([node("Unsqueeze", ["x", "k"], ["u"]),
          node("MaxPool", ["u"], ["out", "i"], kernel_shape=[2])],
         {"k": np.array([1])}, "MaxPool with indices"),
        ([node("Unsqueeze", ["x", "k"], ["u"]), node("ConvTranspose", ["u", "w"], ["out"])],
         {"k": np.array([1]), "w": weights(2, 1, 3)}, "do not fit 1 channels"),
        ([node("Unsqueeze", ["x", "k"], ["u"]),
          node("ConvTranspose", ["u", "w"], ["out"], pads=[3, 3])],
         {"k": np.array([1]), "w": weights(1, 1, 3)}, "leaves nothing"),
        ([node("BatchNormalization", ["x", "w", "w", "w", "w"], ["out"])], {"w": weights(4)},
         "statistics of shape"),
        ([node("BatchNormalization", ["x", *"wwww"], ["out", "a", "b"], training_mode=1)],
         {"w": weights(3)}, "in training mode; export"),
        ([node("InstanceNormalization", ["x", "w", "w"], ["out"])], {"w": weights(3)}, "is needed"),
        ([node("LayerNormalization", ["x", "w"], ["out"], axis=0)], {"w": weights(3)},
         "LayerNormalization over the batch"),
        ([node("Resize", ["x", "", "k"], ["out"], mode="cubic", antialias=1)],
         {"k": np.array([1.0, 2.0])},
         "mode cubic .* is not known; known are nearest, linear and cubic"),
        ([node("Resize", ["x", "", "k"], ["out"])], {"k": np.array([2.0, 1])}, "Resize of the b"),
        ([node("Resize", ["x", "", "k"], ["out"])], {"k": np.array([1, 0.1])}, "a side becomes 0"),
        ([node("OneHot", ["x", "k", "v"], ["out"])], {"k": np.array(3), "v": np.array([0.0, 1.0])},
         "OneHot of anything but labels"),
        ([node("MatMul", ["x", "x"], ["out"])], {}, "a product of values of shapes"),
        ([node("MatMul", ["w", "x"], ["out"])], {"w": weights(2, 4)}, "do not fit"),
        ([node("Gemm", ["x", "w"], ["out"], transA=1)], {"w": weights(3, 2)}, "do not fit"),
        ([node("Flatten", ["x"], ["out"], axis=5)], {}, "Flatten: axis 5"),
        ([node("RandomNormal", [], ["r"], shape=[3], mean=1.0), node("Add", ["x", "r"], ["out"])],
         {}, "a mean other than 0"),
        ([node("Einsum", ["x"], ["out"], equation="...i->i")], {}, "'...i->i' is not known"),
        ([node("Einsum", ["x"], ["out"], equation="ij->j")], {}, "Einsum sums over the batch"),
        ([node("GRU", ["x", "w", "w"], ["out"], hidden_size=2)], {"w": weights(1, 6, 3)}, "GRU: "),
        ([node("Div", ["k", "z"], ["q"]), node("Reshape", ["x", "q"], ["out"])],
         {"k": np.array([3]), "z": np.array([0])}, "divided by 0"),
        ([node("Range", ["a", "b", "c"], ["r"]), node("Cast", ["r"], ["f"], to=1),
          node("Mul", ["x", "f"], ["out"])],
         {"a": np.array(0), "b": np.array(2**40), "c": np.array(1)}, "too large"),
        ([node("MatMul", ["w", "w"], ["m"]), node("Add", ["x", "m"], ["out"])],
         {"w": weights(2, 3, 3)}, "product of two constants"),
    ],
)  # fmt: skip
def test_what_cannot_be_lowered_is_named(
    nodes: list[onnx.NodeProto], constants: dict[str, Any], match: str
) -> None:
    """The sentence says which operator, and why."""
    refused(model(nodes, [("x", ["n", 3])], constants), match)


def test_names_that_a_file_lacks_are_refused(whole: bytes) -> None:
    """For inputs, labels, zeros and outputs; those that exist are listed."""
    read = onnx_reading.read(whole)
    with pytest.raises(OnnxError, match="inputs q: known are x, z"):
        read.graph(inputs=["q"])
    with pytest.raises(OnnxError, match="inputs q: known are x, z"):
        read.graph(label="q")
    with pytest.raises(OnnxError, match="has no value 'q'"):
        read.graph(["q"])
