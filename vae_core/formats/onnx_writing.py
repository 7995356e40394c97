"""Write decoders as ONNX models."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper
from torch import Tensor, nn

from vae_core.errors import ConfigError
from vae_core.models import VAE, HierarchicalVAE
from vae_core.models.dense import Dense
from vae_core.models.likelihoods import LIKELIHOODS, SMALL_LOGIT
from vae_core.models.networks import EveryRow, MapHead, Rows, Tanh

IR_VERSION, OPERATOR_SET = 8, 13
INPUT, LABEL, OUTPUT = "z", "y", "mean"

Attribute = int | float | str | tuple[int, ...]


def decoder(model: VAE) -> bytes:
    """Write the decoder, from ``z`` (batch, latent_dim) to ``mean`` (batch, c, h, w).

    The decoder of a conditional model has a second input, the labels ``y``, int64 (batch,). With
    two stochastic layers, z is the upper one, and the mean of the lower one is passed on.

    Raises
    ------
    ConfigError
        If the type of a layer is not supported.
    """
    config = model.config
    graph = _Graph()
    x = INPUT
    if isinstance(model, HierarchicalVAE):
        x = _hidden(graph, model.upper_decoder, x)
        mean = slice(config.first_latent_dim)
        x = _linear(graph, x, model.lower_prior.weight[mean], model.lower_prior.bias[mean])
    if config.conditional:
        x = graph.add("Concat", x, _one_hot(graph, config.classes), axis=1)
    x = _head(graph, model, _hidden(graph, model.decoder, x))
    if config.symmetric:
        mirrored = graph.add("Transpose", x, perm=(0, 1, 3, 2))
        x = graph.add("Mul", graph.number(0.5), graph.add("Add", x, mirrored))
    _MEANS[LIKELIHOODS[config.likelihood].mean](graph, x)
    graph.end(OUTPUT)
    inputs = [_value(INPUT, onnx.TensorProto.FLOAT, (config.latent_dim,))]
    if config.conditional:
        inputs.append(_value(LABEL, onnx.TensorProto.INT64, ()))
    content = helper.make_graph(
        graph.nodes,
        "decoder",
        inputs,
        [_value(OUTPUT, onnx.TensorProto.FLOAT, config.image_shape)],
        [numpy_helper.from_array(array, name) for name, array in graph.weights.items()],
    )
    made = helper.make_model(
        content,
        ir_version=IR_VERSION,
        producer_name="latent-explorer",
        opset_imports=[helper.make_opsetid("", OPERATOR_SET)],
    )
    written: bytes = made.SerializeToString()
    return written


def _value(name: str, kind: int, shape: Sequence[int]) -> onnx.ValueInfoProto:
    """Declare an input or output with a batch axis of any size."""
    return helper.make_tensor_value_info(name, kind, ["batch", *shape])


@dataclass(frozen=True)
class _Graph:
    """Operators in order of execution, and their constant inputs by name."""

    nodes: list[onnx.NodeProto] = field(default_factory=list)
    weights: dict[str, NDArray[np.generic]] = field(default_factory=dict)

    def add(self, operator: str, *inputs: str, **attributes: Attribute) -> str:
        """Append an operator; return the name of its output."""
        return self.split(operator, *inputs, outputs=1, **attributes)[0]

    def split(
        self, operator: str, *inputs: str, outputs: int, **attributes: Attribute
    ) -> tuple[str, ...]:
        """Append an operator with several outputs; return their names."""
        name = f"{operator.lower()}_{len(self.nodes)}"
        names = (name, *(f"{name}_{k}" for k in range(1, outputs)))
        node = helper.make_node(operator, inputs, names, name)
        node.attribute.extend(helper.make_attribute(*one) for one in attributes.items())
        self.nodes.append(node)
        return names

    def weight(self, values: Tensor) -> str:
        """Store a float32 array; return its name."""
        return self._keep("weight", values.detach().float().contiguous().numpy())

    def number(self, value: float) -> str:
        """Store a number; return its name."""
        return self._keep("number", np.array(value, dtype=np.float32))

    def integers(self, *values: int) -> str:
        """Store a list of integers; return its name."""
        return self._keep("integers", np.array(values, dtype=np.int64))

    def end(self, output: str) -> None:
        """Rename the output of the last operator."""
        self.nodes[-1].output[:] = [output]
        self.nodes[-1].name = output

    def _keep(self, kind: str, array: NDArray[np.generic]) -> str:
        name = f"{kind}_{len(self.weights)}"
        self.weights[name] = array
        return name


def _hidden(graph: _Graph, modules: nn.Sequential, x: str) -> str:
    for module in modules:
        if type(module) not in _LAYERS:
            allowed = ", ".join(kind.__name__ for kind in _LAYERS)
            raise ConfigError(
                f"layer {type(module).__name__} cannot be written; allowed: {allowed}"
            )
        x = _LAYERS[type(module)](graph, module, x)
    return x


def _linear(graph: _Graph, x: str, weight: Tensor, bias: Tensor) -> str:
    # Gemm computes x W + b; torch keeps W transposed.
    return graph.add("Gemm", x, graph.weight(weight.T), graph.weight(bias))


def _convolution(graph: _Graph, x: str, *weights: Tensor) -> str:
    kept = (graph.weight(one) for one in weights)
    return graph.add("Conv", x, *kept, kernel_shape=(3, 3), pads=(1, 1, 1, 1))


def _enlarge(graph: _Graph, layer: nn.Upsample, x: str) -> str:
    """Repeat each pixel twice, and crop to an odd side."""
    assert isinstance(layer.size, tuple)
    h, w = layer.size
    twice = graph.weight(Tensor([1, 1, 2, 2]))
    x = graph.add(
        "Resize", x, "", twice, mode="nearest", coordinate_transformation_mode="asymmetric",
        nearest_mode="floor",
    )  # fmt: skip
    if h % 2 == 0 and w % 2 == 0:
        return x
    return graph.add("Slice", x, graph.integers(0, 0), graph.integers(h, w), graph.integers(2, 3))


def _every_row(graph: _Graph, layer: EveryRow, x: str) -> str:
    """Repeat (batch, inputs) to (rows, batch, inputs), the axes of GRU."""
    one = graph.add("Unsqueeze", x, graph.integers(0))
    return graph.add("Expand", one, graph.integers(layer.rows, 1, 1))


def _recurrent(graph: _Graph, rows: Rows, x: str) -> str:
    """Write GRU layers from (rows, batch, inputs) to (rows, batch, units)."""
    for layer in rows.layers:
        assert isinstance(layer, nn.GRU)
        weights = {name: _gates(one) for name, one in layer.named_parameters()}
        biases = [weights["bias_ih_l0"], weights["bias_hh_l0"]]
        y = graph.add(
            "GRU",
            x,
            graph.weight(weights["weight_ih_l0"][None]),
            graph.weight(weights["weight_hh_l0"][None]),
            graph.weight(Tensor(np.concatenate([one.numpy() for one in biases]))[None]),
            hidden_size=layer.hidden_size,
            linear_before_reset=1,
        )
        x = graph.add("Squeeze", y, graph.integers(1))  # the axis of directions
    return x


def _gates(weight: Tensor) -> Tensor:
    """Reorder PyTorch's gates (reset, update, new) for ONNX: update, reset, new."""
    reset, update, new = weight.detach().chunk(3)
    return Tensor(np.concatenate([one.numpy() for one in (update, reset, new)]))


def _gated(graph: _Graph, axis: int, x: str) -> str:
    values, gates = graph.split("Split", x, outputs=2, axis=axis)
    return graph.add("Mul", values, graph.add("Sigmoid", gates))


def _one_hot(graph: _Graph, classes: int) -> str:
    return graph.add("OneHot", LABEL, graph.integers(classes), graph.weight(Tensor([0, 1])))


def _head(graph: _Graph, model: VAE, x: str) -> str:
    """Write the first c · h · w values of the last layer, without a scale: (batch, c, h, w)."""
    head = model.likelihood
    c, h, w = model.config.image_shape
    pixels = c * h * w
    bias = head.bias[:pixels]
    if isinstance(head, Dense):
        x = _linear(graph, x, head.weight[:pixels], bias)
        return graph.add("Reshape", x, graph.integers(-1, c, h, w))
    if isinstance(head, MapHead):
        x = _convolution(graph, x, head.convolution.weight[:c])
    else:
        x = graph.add("MatMul", x, graph.weight(head.row.weight[: c * w].T))
        x = graph.add("Reshape", x, graph.integers(h, -1, c, w))
        x = graph.add("Transpose", x, perm=(1, 2, 0, 3))
    return graph.add("Add", x, graph.weight(bias.reshape(c, h, w)))


def _continuous_bernoulli_mean(graph: _Graph, logits: str) -> str:
    """Write ½ + ½ coth(l / 2) − 1 / l, and its series ½ + l / 12 − l³ / 720 near l = 0."""
    half, one = graph.number(0.5), graph.number(1)
    near = graph.add("Less", graph.add("Abs", logits), graph.number(SMALL_LOGIT))
    safe = graph.add("Where", near, one, logits)
    half_coth = graph.add("Div", half, graph.add("Tanh", graph.add("Mul", half, safe)))
    exact = graph.add("Sub", graph.add("Add", half, half_coth), graph.add("Div", one, safe))
    squared = graph.add("Mul", logits, logits)
    slope = graph.add("Sub", graph.number(1 / 12), graph.add("Mul", squared, graph.number(1 / 720)))
    series = graph.add("Add", half, graph.add("Mul", logits, slope))
    return graph.add("Where", near, series, exact)


#: Functions that append the operators of a layer and return the name of the output.
_LAYERS: dict[type[nn.Module], Callable[[_Graph, Any, str], str]] = {
    Dense: lambda graph, layer, x: _linear(graph, x, layer.weight, layer.bias),
    nn.Conv2d: lambda graph, layer, x: _convolution(graph, x, layer.weight, layer.bias),
    nn.Unflatten: lambda graph, layer, x: graph.add(
        "Reshape", x, graph.integers(-1, *layer.unflattened_size)
    ),
    nn.Upsample: _enlarge,
    nn.Sequential: _hidden,
    EveryRow: _every_row,
    Rows: _recurrent,
    Tanh: lambda graph, layer, x: graph.add("Tanh", x),
    nn.ReLU: lambda graph, layer, x: graph.add("Relu", x),
    nn.SiLU: lambda graph, layer, x: graph.add("Mul", x, graph.add("Sigmoid", x)),
    nn.LeakyReLU: lambda graph, layer, x: graph.add("LeakyRelu", x, alpha=layer.negative_slope),
    # The gated array is (batch, units) or (batch, channels, h, w).
    nn.GLU: lambda graph, layer, x: _gated(graph, 1, x),
}

#: From a pixel's first value to its mean, by ``LikelihoodSpec.mean``.
_MEANS: dict[str, Callable[[_Graph, str], str]] = {
    "sigmoid": lambda graph, x: graph.add("Sigmoid", x),
    "continuous_bernoulli_mean": _continuous_bernoulli_mean,
}
