"""A decoder as an ONNX model, which other runtimes read.

torch.onnx needs packages beyond torch's own. A decoder is a handful of operations, so its graph is
written here as the protocol-buffer messages of the ONNX specification (onnx.proto, IR version 8,
operator set 13): a message is a sequence of fields, each its number and its value.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from vae_core.errors import ConfigError
from vae_core.models import VAE

IR_VERSION, OPERATOR_SET = 8, 13
INPUT, OUTPUT = "z", "mean"
#: TensorProto.DataType.
_TYPES = {"float32": 1, "int64": 7}

Node = tuple[str, tuple[str, ...], str]  # operator, names of its inputs, name of its output


def decoder(model: VAE) -> bytes:
    """Write the decoder: ``z`` (batch, latent_dim) to the pixels' ``mean`` (batch, c, h, w).

    Raises
    ------
    ConfigError
        If a layer has no counterpart here.
    """
    config = model.config
    nodes: list[Node] = []
    weights: dict[str, NDArray[np.generic]] = {}

    def add(operator: str, *inputs: str) -> str:
        name = f"{operator.lower()}_{len(nodes)}"
        nodes.append((operator, inputs, name))
        return name

    def linear(x: str, weight: Tensor, bias: Tensor) -> str:
        names = f"weight_{len(nodes)}", f"bias_{len(nodes)}"
        # Gemm computes x W + b; torch keeps W transposed.
        weights[names[0]] = weight.detach().float().T.contiguous().numpy()
        weights[names[1]] = bias.detach().float().numpy()
        return add("Gemm", x, *names)

    activations: dict[type[nn.Module], Callable[[str], str]] = {
        nn.Tanh: lambda x: add("Tanh", x),
        nn.ReLU: lambda x: add("Relu", x),
        nn.SiLU: lambda x: add("Mul", x, add("Sigmoid", x)),
    }
    if config.beyond_layers:
        raise ConfigError(f"a model with {', '.join(config.beyond_layers)} cannot be written yet")
    x = INPUT
    for layer in model.decoder:
        if isinstance(layer, nn.Linear):
            x = linear(x, layer.weight, layer.bias)
        elif type(layer) in activations:
            x = activations[type(layer)](x)
        else:
            allowed = ", ".join(("Linear", *(kind.__name__ for kind in activations)))
            raise ConfigError(f"layer {type(layer).__name__} cannot be written; allowed: {allowed}")
    # A Gaussian head also yields log-variances: the mean is the first half.
    head, pixels = model.likelihood, config.pixels
    assert isinstance(head, nn.Linear)
    x = add("Sigmoid", linear(x, head.weight[:pixels], head.bias[:pixels]))
    weights["shape"] = np.array((-1, *config.image_shape), dtype=np.int64)
    nodes.append(("Reshape", (x, "shape"), OUTPUT))
    graph = [
        *((1, _node(node)) for node in nodes),
        (2, b"decoder"),
        *((5, _tensor(name, array)) for name, array in weights.items()),
        (11, _value(INPUT, (config.latent_dim,))),
        (12, _value(OUTPUT, config.image_shape)),
    ]
    operators = _message((1, b""), (2, OPERATOR_SET))
    return _message((1, IR_VERSION), (2, b"latent-explorer"), (7, _message(*graph)), (8, operators))


def _node(node: Node) -> bytes:
    operator, inputs, output = node
    names = [(1, name.encode()) for name in inputs]
    return _message(*names, (2, output.encode()), (3, output.encode()), (4, operator.encode()))


def _tensor(name: str, array: NDArray[np.generic]) -> bytes:
    little = array.astype(array.dtype.newbyteorder("<"), copy=False)
    sides = [(1, side) for side in array.shape]
    kind = (2, _TYPES[array.dtype.name])
    return _message(*sides, kind, (8, name.encode()), (9, little.tobytes()))


def _value(name: str, shape: Sequence[int]) -> bytes:
    """Describe an input or output: float32, with any number of rows."""
    sides = [_message((2, b"batch")), *(_message((1, side)) for side in shape)]
    tensor = _message((1, _TYPES["float32"]), (2, _message(*((1, side) for side in sides))))
    return _message((1, name.encode()), (2, _message((1, tensor))))


def _message(*fields: tuple[int, int | bytes]) -> bytes:
    """Join fields in the protocol buffers' wire format: whole numbers, and bytes with a length."""
    return b"".join(piece for field in fields for piece in _field(*field))


def _field(number: int, value: int | bytes) -> Iterator[bytes]:
    if isinstance(value, int):
        yield _varint(number << 3)
        yield _varint(value)
    else:
        yield _varint(number << 3 | 2)
        yield _varint(len(value))
        yield value


def _varint(value: int) -> bytes:
    """Write a whole number from 0, seven bits a byte, the lowest first."""
    pieces = []
    while value >= 0x80:
        pieces.append(value & 0x7F | 0x80)
        value >>= 7
    return struct.pack(f"{len(pieces) + 1}B", *pieces, value)
