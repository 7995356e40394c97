"""Small ONNX models, and their outputs by onnxruntime."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from vae_core.formats import onnx_reading
from vae_core.formats.onnx_reading import OnnxModel
from vae_core.graphs import Graph, GraphNetwork

Array = NDArray[Any]
#: Name, shape (a word is a side of any length), and the type of a tensor.
Input = tuple[str, Sequence[int | str]] | tuple[str, Sequence[int | str], int]


def model(
    nodes: Sequence[onnx.NodeProto],
    inputs: Sequence[Input],
    constants: Mapping[str, Any] | None = None,
    *,
    outputs: Sequence[str] = ("out",),
    operator_set: int = 18,
) -> bytes:
    """Write a model of some nodes; integers become int64, and numbers float32."""
    arrays = {name: np.asarray(one) for name, one in (constants or {}).items()}
    kept = [
        numpy_helper.from_array(one.astype(np.float32) if one.dtype == np.float64 else one, name)
        for name, one in arrays.items()
    ]
    declared = [
        helper.make_tensor_value_info(one[0], one[2] if len(one) == 3 else 1, one[1])
        for one in inputs
    ]
    ends = [helper.make_tensor_value_info(name, 1, None) for name in outputs]
    graph = helper.make_graph(list(nodes), "graph", declared, ends, kept)
    made = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", operator_set)], ir_version=9
    )
    content: bytes = onnx.shape_inference.infer_shapes(made).SerializeToString()
    return content


def reference(content: bytes, given: Mapping[str, Array]) -> list[Array]:
    """Run a model by onnxruntime."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(content, options, ["CPUExecutionProvider"])
    found: list[Array] = session.run(None, dict(given))
    return found


def compare(
    content: bytes,
    *,
    n: int = 3,
    seed: int = 0,
    tolerance: float = 2e-5,
    positive: bool = False,
    **options: Any,
) -> tuple[OnnxModel, Graph]:
    """Compare a model by our operations with onnxruntime on random numbers."""
    read = onnx_reading.read(content)
    generator = np.random.default_rng(seed)
    given: dict[str, Array] = {}
    for port in read.inputs:
        x = generator.normal(size=(n, *port.shape)).astype(np.float32)
        given[port.name] = np.abs(x) + 0.1 if positive else x
    expected = np.concatenate([one.reshape(n, -1) for one in reference(content, given)], axis=1)
    graph = read.graph(**options)
    x = np.concatenate([one.reshape(n, -1) for one in given.values()], axis=1)
    with torch.inference_mode():
        found = GraphNetwork(graph)(torch.from_numpy(x)).numpy()
    scale = 1 + np.abs(expected).max()
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() <= tolerance * scale, [
        layer["op"] for layer in graph.layers
    ]
    assert [port.size for port in read.outputs] == [
        one.size // n for one in reference(content, given)
    ]
    return read, graph
