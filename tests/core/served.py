"""A small model whose networks have an operator that our operations cannot express: LSTM."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from vae_core.graphs import foreign

SIDE, LATENT, CLASSES = 8, 2, 3


def _lstm(seed: int, units: int, inputs: int) -> dict[str, np.ndarray]:
    draw = np.random.default_rng(seed)
    shapes = {"w": (1, 4 * units, inputs), "r": (1, 4 * units, units)}
    return {
        name: (draw.normal(size=shape) / 2).astype(np.float32) for name, shape in shapes.items()
    }


def file(nodes: list, entry: str, sides: list, ends: list[str], constants: dict) -> bytes:
    """Return an ONNX file of nodes from one input, of any number of examples."""
    kept = [numpy_helper.from_array(np.asarray(one), name) for name, one in constants.items()]
    x = helper.make_tensor_value_info(entry, TensorProto.FLOAT, ["n", *sides])
    outputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in ends]
    graph = helper.make_graph(nodes, "graph", [x], outputs, kept)
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    content: bytes = made.SerializeToString()
    return content


def decoder(units: int = SIDE) -> bytes:
    """Return a decoder from codes to pictures, whose rows an LSTM writes one after another."""
    node = helper.make_node
    nodes = [
        node("Gemm", ["z", "a", "b"], ["g"]),
        node("Reshape", ["g", "steps"], ["s"]),
        node("Transpose", ["s"], ["t"], perm=[1, 0, 2]),
        node("LSTM", ["t", "w", "r"], ["l"], hidden_size=units),
        node("Squeeze", ["l", "one"], ["q"]),
        node("Transpose", ["q"], ["p"], perm=[1, 0, 2]),
        node("Mul", ["p", "four"], ["m"]),
        node("Sigmoid", ["m"], ["e"]),
        node("Unsqueeze", ["e", "one"], ["picture"]),
    ]
    draw = np.random.default_rng(5)
    constants = {
        "a": (2 * draw.normal(size=(LATENT, 4 * units))).astype(np.float32),
        "b": draw.normal(size=4 * units).astype(np.float32),
        "steps": np.array([-1, units, 4]),
        "one": np.array([1]),
        "four": np.float32(4),
        **_lstm(6, units, 4),
    }
    return file(nodes, "z", [LATENT], ["picture"], constants)


def encoder(*, recurrent: bool = False, open_sizes: bool = False) -> bytes:
    """Return an encoder to mu and logvar, which reads the rows by an LSTM or not."""
    node, units = helper.make_node, 6
    first = [node("Reshape", ["x", "flat"], ["h"])]
    constants: dict = {"flat": np.array([-1, SIDE * SIDE])}
    width = SIDE * SIDE
    if recurrent:
        width = units
        constants = {"one": np.array([1]), "zero": np.array([0]), **_lstm(7, units, SIDE)}
        first = [
            node("Squeeze", ["x", "one"], ["q"]),
            node("Transpose", ["q"], ["t"], perm=[1, 0, 2]),
            node("LSTM", ["t", "w", "r"], ["", "last"], hidden_size=units),
            node("Squeeze", ["last", "zero"], ["h"]),
        ]
    nodes = [
        *first,
        node("MatMul", ["h", "m"], ["mu"]),
        node("MatMul", ["h", "v"], ["logvar"]),
    ]
    draw = np.random.default_rng(8)
    for name, scale in (("m", 1.0), ("v", 0.1)):
        weight = scale * draw.normal(size=(width, LATENT)) / width**0.5
        constants[name] = weight.astype(np.float32)
    sides: list = [1, "h", "w"] if open_sizes else [1, SIDE, SIDE]
    return file(nodes, "x", sides, ["mu", "logvar"], constants)


def pictures(n: int = 60) -> dict[str, np.ndarray]:
    """Return pictures and their labels, as a .npz file has them."""
    draw = np.random.default_rng(9)
    levels = draw.random((n, SIDE, SIDE)) * np.linspace(0, 1, SIDE)
    return {
        "images": (255 * levels).astype(np.uint8),
        "labels": np.arange(n) % CLASSES,
    }


def write(folder: Path, *, recurrent_encoder: bool = False) -> tuple[Path, Path, Path]:
    """Write encoder, decoder and pictures; return their paths."""
    paths = (folder / "encoder.onnx", folder / "decoder.onnx", folder / "pictures.npz")
    paths[0].write_bytes(encoder(recurrent=recurrent_encoder))
    paths[1].write_bytes(decoder())
    np.savez(paths[2], **pictures())
    return paths


def freeze(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stop the processes of onnxruntime, so that they take longer than the time allowed."""
    monkeypatch.setattr(foreign, "COMPUTING", 0.2)
    for _, session in foreign._sessions.values():
        os.kill(session._process.pid, signal.SIGSTOP)
