"""ONNX files are read as graphs that compute what onnxruntime computes."""

from __future__ import annotations

import numpy as np
from onnx import helper
from onnx_models import compare, model

node = helper.make_node
RANDOM = np.random.default_rng(3)


def weights(*shape: int) -> np.ndarray:
    """Return random weights of a third."""
    return (RANDOM.normal(size=shape) / 3).astype(np.float32)


def ops(graph: object) -> list[str]:
    """Return the names of the layers' operations."""
    return [layer["op"] for layer in graph.layers]  # type: ignore[attr-defined]


def test_dense_network() -> None:
    """Gemm, MatMul and Add with any batch."""
    content = model(
        [
            node("Gemm", ["x", "w", "b"], ["a"], transB=1),
            node("Relu", ["a"], ["r"]),
            node("MatMul", ["r", "v"], ["m"]),
            node("Add", ["m", "c"], ["s"]),
            node("Sigmoid", ["s"], ["out"]),
        ],
        [("x", ["n", 7])],
        {"w": weights(5, 7), "b": weights(5), "v": weights(5, 3), "c": weights(3)},
    )
    read, _ = compare(content)
    assert [(port.name, port.shape) for port in read.inputs] == [("x", (7,))]
    assert [(port.name, port.shape) for port in read.outputs] == [("out", (3,))]


def test_transposes_around_a_convolution_take_no_layer() -> None:
    """Images with channels last, as Keras exports them, are what our operations read."""
    content = model(
        [
            node("Transpose", ["x"], ["t"], perm=[0, 3, 1, 2]),
            node("Conv", ["t", "w", "b"], ["a"], pads=[1, 1, 1, 1]),
            node("Transpose", ["a"], ["out"], perm=[0, 2, 3, 1]),
        ],
        [("x", ["n", 6, 5, 2])],
        {"w": weights(4, 2, 3, 3), "b": weights(4)},
    )
    _, graph = compare(content)
    assert ops(graph) == ["conv"]
