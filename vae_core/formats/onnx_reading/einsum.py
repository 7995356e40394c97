"""Lower Einsum of one or two operands."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from vae_core.errors import OnnxError
from vae_core.formats.onnx_reading.arithmetic import (
    Inputs,
    needed,
    of_two_flows,
    reduced,
    two,
)
from vae_core.formats.onnx_reading.engine import Engine, tensor
from vae_core.formats.onnx_reading.files import Node
from vae_core.formats.onnx_reading.values import Array, Flow, Known, Value, contiguous


def einsum(engine: Engine, node: Node, inputs: Inputs) -> Value:
    """Lower a sum of products over named axes, each of which an operand has once."""
    equation = str(node.attributes.get("equation", "")).replace(" ", "")
    terms, arrow, out = equation.partition("->")
    names = terms.split(",")
    operands = [needed(node, inputs, k) for k in range(len(names))]
    plain = arrow and all(
        one.isalpha() and len(set(one)) == len(one) == len(value.shape)
        for one, value in zip(names, operands, strict=True)
    )
    if not plain or not set(out) <= set("".join(names)) or len(set(out)) != len(out):
        raise OnnxError(f"Einsum: the equation {equation[:50]!r} is not known")
    if len(names) == 1:
        x, axes = _summed(engine, engine.flow(operands[0]), names[0], set(out))
        return x.moved([axes.index(one) for one in out])
    if len(names) == 2:
        a, b = operands
        if isinstance(a, Known) and not isinstance(b, Known):
            return _with_constant(engine, node, b, a.array, (names[1], names[0]), out)
        if isinstance(b, Known) and not isinstance(a, Known):
            return _with_constant(engine, node, a, b.array, (names[0], names[1]), out)
        if not isinstance(a, Known) and not isinstance(b, Known):
            return _of_flows(engine, node, (engine.flow(a), engine.flow(b)), names, out)
    raise OnnxError(f"Einsum: the operands of {equation[:50]!r} are not known")


def _summed(engine: Engine, x: Flow, names: str, kept: set[str]) -> tuple[Flow, str]:
    """Sum over the axes that nothing else has."""
    axes = [axis for axis, one in enumerate(names) if one not in kept]
    if not axes:
        return x, names
    if x.batch in axes:
        raise OnnxError("Einsum sums over the batch")
    x = reduced(engine, x, axes, "ReduceSum")
    rest = [n for axis, n in enumerate(engine.logical(x)) if axis not in axes]
    return engine.flow(engine.reshaped(x, rest)), "".join(one for one in names if one in kept)


def _with_constant(
    engine: Engine, node: Node, value: Value, array: Array, terms: tuple[str, str], out: str
) -> Value:
    of_x, of_array = terms
    x, of_x = _summed(engine, engine.flow(value), of_x, {*of_array, *out})
    alone = tuple(k for k, one in enumerate(of_array) if one not in {*of_x, *out})
    array, of_array = array.sum(axis=alone), "".join(o for o in of_array if o in {*of_x, *out})
    shared = [one for one in of_array if one in of_x]
    summed = [one for one in shared if one not in out]
    new = [one for one in of_array if one not in of_x]
    if not summed and not new:
        order = [of_array.index(one) for one in of_x if one in of_array]
        sides = [array.shape[of_array.index(o)] if o in of_array else 1 for o in of_x]
        spread = array.transpose(order).reshape(sides)
        product = two(engine, replace(node, op="Mul"), "product", x, Known(spread))
        return engine.flow(product).moved([of_x.index(one) for one in out])
    if len(summed) != len(shared):
        raise OnnxError(f"Einsum {','.join(terms)}->{out} of a constant is not known")
    columns = [of_x.index(one) for one in summed]
    if x.batch in columns or any(
        x.shape[a] != array.shape[of_array.index(of_x[a])] for a in columns
    ):
        raise OnnxError("Einsum: shapes do not fit each other")
    rest = [axis for axis in x.order if axis not in columns]
    x = engine.arranged(x, [*rest, *columns])
    inner = math.prod(x.shape[axis] for axis in columns)
    weight = array.transpose([of_array.index(one) for one in [*new, *summed]]).reshape(-1, inner)
    parts = x.size // inner
    weights = {"weight": tensor(weight), "bias": tensor(np.zeros(len(weight)))}
    size = parts * len(weight)
    layer = engine.emit("linear", [x.layer], size=size, parts=parts, weights=weights)
    kept = sorted(rest)
    shape = (
        *(x.shape[axis] for axis in kept),
        *(array.shape[of_array.index(one)] for one in new),
    )
    order = [*(kept.index(axis) for axis in rest), *range(len(kept), len(shape))]
    batch = kept.index(x.batch) if x.batch >= 0 else x.batch
    names = [*(of_x[axis] for axis in kept), *new]
    result = contiguous(layer, shape, batch, order, outer=x.outer)
    return result.moved([names.index(one) for one in out])


def _of_flows(
    engine: Engine, node: Node, flows: tuple[Flow, Flow], names: Sequence[str], out: str
) -> Value:
    a, of_a = _summed(engine, flows[0], names[0], {*names[1], *out})
    b, of_b = _summed(engine, flows[1], names[1], {*names[0], *out})
    both = [one for one in of_a if one in of_b]
    heads = [one for one in both if one in out]
    inner = [one for one in both if one not in out]
    left = [one for one in of_a if one not in both]
    right = [one for one in of_b if one not in both]

    def matrices(x: Flow, of_x: str, *groups: Sequence[str]) -> Flow:
        """Merge the axes of each group into one."""
        axes = [of_x.index(one) for group in groups for one in group]
        moved, sides = x.moved(axes), dict(zip(of_x, engine.logical(x), strict=True))
        merged = [math.prod(sides[one] for one in group) for group in groups]
        return engine.flow(engine.reshaped(moved, merged))

    product = of_two_flows(
        engine, node, matrices(a, of_a, heads, left, inner), matrices(b, of_b, heads, inner, right)
    )
    sides = {
        **dict(zip(of_a, engine.logical(a), strict=True)),
        **dict(zip(of_b, engine.logical(b), strict=True)),
    }
    found = [*heads, *left, *right]
    apart = engine.flow(engine.reshaped(product, [sides[one] for one in found]))
    return apart.moved([found.index(one) for one in out])
