"""Malformed ONNX files for ``benchmarks.hostile``, made by hand and from a seed."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

#: Files of other libraries, to cut and to change.
VALID = sorted(Path(__file__).parents[1].glob("tests/fixtures/foreign/*/*/*.onnx"))
#: A generator that is imported without a statement.
SOUND = Path(__file__).parents[1] / "tests/fixtures/foreign/generator/legacy/decoder.onnx"
#: Where a file that reads others would look.
OUTSIDE = ("../../etc/passwd", "/etc/passwd", "weights.bin", "..\\secret", "/dev/zero", "\0", "")
FLOAT = TensorProto.FLOAT
#: Numbers that sizes are not.
SIZES = (-1, -5, -(2**63), 0, 2**31, 2**40, 2**63 - 1)
#: Operators to misuse.
OPERATORS = (
    "Gemm Conv ConvTranspose BatchNormalization InstanceNormalization GroupNormalization "
    "LayerNormalization MaxPool AveragePool GlobalAveragePool Resize Upsample Concat Split "
    "Slice Reshape Flatten Transpose Squeeze Unsqueeze Pad Clip Softmax Gather Shape Expand "
    "Where Cast ReduceMean ReduceSum Pow Mod Where DepthToSpace SpaceToDepth Dropout PRelu "
    "Erf RandomNormalLike OneHot Sum Range MatMul Constant ConstantOfShape"
)

Make = Callable[[random.Random], bytes]


def weight(name: str, *shape: int) -> TensorProto:
    """Return a small constant."""
    return numpy_helper.from_array(np.full(shape, 0.1, np.float32), name)


def integers(name: str, *values: int) -> TensorProto:
    """Return a constant of int64."""
    return numpy_helper.from_array(np.array(values, np.int64), name)


def model(
    nodes: list[Any],
    weights: list[TensorProto],
    *,
    inputs: list[Any] | None = None,
    outputs: list[Any] | None = None,
    opset: int = 18,
    **more: Any,
) -> onnx.ModelProto:
    """Join nodes to a model from ``z`` (batch, 4) to ``y`` (batch, 16), unless told otherwise."""
    given = helper.make_tensor_value_info("z", FLOAT, ["batch", 4])
    found = helper.make_tensor_value_info("y", FLOAT, ["batch", 16])
    graph = helper.make_graph(nodes, "g", inputs or [given], outputs or [found], weights)
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], **more)
    made.ir_version = 8
    return made


def dense() -> onnx.ModelProto:
    """Return a valid decoder: one matrix and a sigmoid."""
    nodes = [
        helper.make_node("MatMul", ["z", "w"], ["h"]),
        helper.make_node("Sigmoid", ["h"], ["y"]),
    ]
    return model(nodes, [weight("w", 4, 16)])


def convolutional(**attributes: Any) -> onnx.ModelProto:
    """Return a decoder with a convolution of the attributes."""
    nodes = [
        helper.make_node("Reshape", ["z", "shape"], ["h"]),
        helper.make_node("Conv", ["h", "w"], ["y"], **attributes),
    ]
    return model(
        nodes,
        [weight("w", 16, 1, 2, 2), integers("shape", -1, 1, 2, 2)],
        outputs=[helper.make_tensor_value_info("y", FLOAT, ["batch", 16, 1, 1])],
    )


def after(*nodes: Any, weights: list[TensorProto] | None = None, **more: Any) -> bytes:
    """Return a model of these nodes, from ``z`` to ``y``."""
    return bytes(model(list(nodes), weights or [], **more).SerializeToString())


def varint(value: int) -> bytes:
    """Encode a number as protocol buffers do."""
    content = bytearray()
    while value > 127:
        content.append(value & 127 | 128)
        value >>= 7
    return bytes([*content, value])


def entry(number: int, content: bytes) -> bytes:
    """Encode a field of bytes."""
    return varint(number << 3 | 2) + varint(len(content)) + content


# Tricks -------------------------------------------------------------------------------------------


def truncated(draw: random.Random) -> bytes:
    """Cut a valid file anywhere."""
    content = draw.choice(VALID).read_bytes()
    return content[: draw.randrange(len(content))]


def changed(draw: random.Random) -> bytes:
    """Change bytes of a valid file."""
    content = bytearray(draw.choice(VALID).read_bytes())
    for _ in range(draw.choice((1, 1, 4, 40))):
        at = draw.randrange(len(content))
        content[at : at + draw.choice((0, 1, 1, 8))] = draw.randbytes(draw.choice((1, 1, 8)))
    return bytes(content)


def cyclic(draw: random.Random) -> bytes:
    """Let nodes read what comes of them, or what comes later."""
    length = draw.choice((1, 2, 50))
    nodes = [
        helper.make_node("Add", [f"n{k}", "z"], [f"n{(k + 1) % length}"]) for k in range(length)
    ]
    if draw.random() < 0.3:
        nodes = [helper.make_node("Relu", ["y"], ["y"])]
    end = helper.make_node("Identity", ["n0"], ["y"])
    return after(*draw.choice(([*nodes, end], [end, *nodes])))


def wrong_sizes(draw: random.Random) -> bytes:
    """Claim sizes that are huge, zero or negative, in shapes and attributes."""
    size = draw.choice(SIZES)
    sides = [size, *draw.choice(((), (2,), (size,), (1, 1)))]
    made = dense()
    match draw.randrange(7):
        case 0:  # a weight says that it is another size than it is
            made.graph.initializer[0].dims[draw.randrange(2)] = size
        case 1:
            made.graph.input[0].type.tensor_type.shape.dim[draw.randrange(2)].dim_value = size
        case 2:
            made.graph.output[0].type.tensor_type.shape.dim[1].dim_value = size
        case 3:
            name = draw.choice(("kernel_shape", "strides", "dilations", "pads"))
            made = convolutional(**{name: [size] * (4 if name == "pads" else 2)})
        case 4:
            made = convolutional(group=size)
        case 5:
            op = draw.choice(("Reshape", "Expand", "Tile", "ConstantOfShape"))
            inputs = ["s"] if op == "ConstantOfShape" else ["z", "s"]
            return after(helper.make_node(op, inputs, ["y"]), weights=[integers("s", *sides)])
        case _:
            return grown(draw, size)
    return bytes(made.SerializeToString())


def grown(draw: random.Random, size: int) -> bytes:
    """Ask for far more values than there are."""
    zeros = [0] * 3
    nodes = {
        "Pad": ([helper.make_node("Pad", ["z", "s"], ["y"])], [integers("s", *zeros, size)]),
        "Resize": (
            [
                helper.make_node("Reshape", ["z", "i"], ["h"]),
                helper.make_node("Resize", ["h", "", "", "s"], ["y"], mode="nearest"),
            ],
            [integers("i", -1, 1, 2, 2), integers("s", 1, 1, size, 2)],
        ),
        "Range": (
            [
                helper.make_node("Range", ["a", "b", "c"], ["r"]),
                helper.make_node("Add", ["z", "r"], ["y"]),
            ],
            [
                numpy_helper.from_array(np.array(value, np.int64), name)
                for name, value in (("a", 0), ("b", size), ("c", draw.choice((1, 0, -1))))
            ],
        ),
        "OneHot": (
            [helper.make_node("OneHot", ["i", "d", "v"], ["y"])],
            [integers("i", 1), integers("d", size), weight("v", 2)],
        ),
        "Split": (
            [helper.make_node("Split", ["z", "s"], ["y", "b"], axis=1)],
            [integers("s", size, 4)],
        ),
        "Slice": (
            [helper.make_node("Slice", ["z", "a", "b", "x", "s"], ["y"])],
            [integers("a", size), integers("b", 4), integers("x", 1), integers("s", size)],
        ),
    }
    made, weights = nodes[draw.choice(list(nodes))]
    return after(*made, weights=weights)


def elsewhere(draw: random.Random) -> bytes:
    """Say that weights lie in another file."""
    tensor = weight("w", 4, 16)
    tensor.data_location = TensorProto.EXTERNAL
    keys = {"location": draw.choice(OUTSIDE), "offset": "0", "length": "256"}
    for key in draw.choice((["location"], list(keys))):
        added = tensor.external_data.add()
        added.key, added.value = key, keys[key]
    if draw.random() < 0.7:
        tensor.ClearField("raw_data")
    node = helper.make_node("MatMul", ["z", "w"], ["y"])
    if draw.random() < 0.5:
        tensor.ClearField("name")
        return after(helper.make_node("Constant", [], ["w"], value=tensor), node)
    return after(node, weights=[tensor])


def unknown(draw: random.Random) -> bytes:
    """Use operators that are not known, of this domain or another."""
    name = draw.choice(
        ("Nothing", "Relu\0", "FFT", "LSTM", "NonMaxSuppression", "__class__", "x" * 10**5, "")
    )
    domain = draw.choice(("", "", "com.microsoft", "ai.onnx.ml", "y" * 10**4))
    node = helper.make_node(name, ["z"], ["y"], domain=domain)
    return after(node)


def text(draw: random.Random) -> bytes:
    """Use tensors of strings."""
    words = helper.make_tensor("s", TensorProto.STRING, [2], [b"a", b"b" * 10**5])
    value = helper.make_tensor_value_info("z", TensorProto.STRING, ["batch", 4])
    match draw.randrange(3):
        case 0:
            return after(helper.make_node("Concat", ["z", "s"], ["y"], axis=1), weights=[words])
        case 1:
            return after(helper.make_node("Identity", ["z"], ["y"]), inputs=[value])
        case _:
            node = helper.make_node("Constant", [], ["y"], value_strings=["a"] * 1000)
            return after(node)


def many(draw: random.Random) -> bytes:
    """Write a million nodes, weights, inputs or empty entries."""
    count = draw.choice((10**4 + 1, 10**5, 10**6))
    node = entry(1, entry(1, b"z") + entry(2, b"y") + entry(4, b"Relu"))
    tensor = entry(5, entry(8, b"w") + varint(2 << 3) + varint(1))
    value = entry(11, entry(1, b"z"))
    graph = draw.choice((node, tensor, value, entry(1, b""), entry(13, b""))) * count
    if draw.random() < 0.2:
        return entry(7, b"") * count
    return varint(8) + varint(8) + entry(7, graph) + entry(8, varint(2 << 3) + varint(18))


def nested(draw: random.Random) -> bytes:
    """Nest graphs in nodes, or groups, deeper than any stack."""
    depth = draw.choice((3, 90, 200, 5000))
    if draw.random() < 0.3:
        return b"\x3b" * depth * 100 + b"\x3c" * depth * 100
    content = entry(1, entry(1, b"z") + entry(2, b"y") + entry(4, b"Relu"))
    for _ in range(depth):  # node { op_type: If, attribute { g { … } type: GRAPH } }
        held = entry(1, b"then_branch") + entry(6, content) + varint(20 << 3) + varint(5)
        content = entry(1, entry(4, b"If") + entry(5, held))
    return varint(8) + varint(8) + entry(7, content) + entry(8, varint(2 << 3) + varint(18))


def giant_attributes(draw: random.Random) -> bytes:
    """Give attributes of a million numbers."""
    count = draw.choice((1000, 10**6))
    numbers = [1] * count
    match draw.randrange(4):
        case 0:
            return convolutional(kernel_shape=numbers).SerializeToString()
        case 1:
            return after(helper.make_node("Transpose", ["z"], ["y"], perm=list(range(count))))
        case 2:
            return after(helper.make_node("Constant", [], ["y"], value_ints=numbers))
        case _:
            node = helper.make_node("Elu", ["z"], ["y"], alpha=[1.0] * count)
            return after(node)


def odd_names(draw: random.Random) -> bytes:
    """Name things with nulls, no letters, a million letters, or what is no UTF-8."""
    name = draw.choice(
        ("\0", "a\0b", "", " ", "\n" * 9, "n" * 10**6, "../..", "'\"`$(id)", "\u202e")
    )
    node = helper.make_node(draw.choice(("Relu", "Nothing")), ["z", name], [name or "y"])
    made = model([node], [weight(name, 4, 16)])
    made.graph.output[0].name = name
    if draw.random() < 0.5:
        made.graph.input[0].name = name
    content = made.SerializeToString()
    return content.replace(b"Relu", b"\xff\xfe\xc0\x80") if draw.random() < 0.3 else content


def doubled(draw: random.Random) -> bytes:
    """Have names twice, outputs that nothing computes, or none."""
    made = dense()
    graph = made.graph
    match draw.randrange(8):
        case 0:
            graph.node.append(helper.make_node("Relu", ["h"], ["y"]))
        case 1:
            graph.output.append(graph.output[0])
        case 2:
            graph.initializer.append(weight("w", 4, 8))
        case 3:
            graph.input.append(graph.input[0])
        case 4:
            graph.output[0].name = "nothing"
        case 5:
            del graph.output[:]
        case 6:
            del graph.node[:]
        case _:
            graph.initializer.append(weight("y", 1, 16))
    return bytes(made.SerializeToString())


def wrong_types(draw: random.Random) -> bytes:
    """Use types that weights and inputs do not have: complex, 4 bits, strings, none."""
    kind = draw.choice((0, 6, 7, 8, 9, 10, 11, 14, 15, 16, 17, 20, 21, 22, 23, 24, 99, 2**31 - 1))
    made = dense()
    match draw.randrange(5):
        case 0:
            made.graph.initializer[0].data_type = kind
        case 1:
            made.graph.input[0].type.tensor_type.elem_type = kind
        case 2:
            made.graph.node.append(helper.make_node("Cast", ["h"], ["c"], to=kind))
        case 3:
            made.graph.input[0].type.Clear()
            made.graph.input[0].type.sequence_type.elem_type.tensor_type.elem_type = 1
        case _:
            node = made.graph.node[0]
            node.attribute.append(helper.make_attribute(draw.choice(("axis", "alpha", "")), "word"))
    return bytes(made.SerializeToString())


def not_numbers(draw: random.Random) -> bytes:
    """Have weights that are not finite, or that become so."""
    value = draw.choice((np.nan, np.inf, -np.inf, 3e38, 1e-45))
    made = dense()
    array = np.full((4, 16), value, np.float32)
    made.graph.initializer[0].CopyFrom(numpy_helper.from_array(array, "w"))
    if draw.random() < 0.5:
        node = helper.make_node("BatchNormalization", ["z", "a", "a", "a", "v"], ["y"])
        weights = [
            numpy_helper.from_array(np.full(4, number, np.float32), name)
            for name, number in (("a", value), ("v", draw.choice((-1.0, 0.0, value))))
        ]
        return after(node, weights=weights)
    return bytes(made.SerializeToString())


def quantised(draw: random.Random) -> bytes:
    """Compute with quantised numbers."""
    weights = [
        weight("s", *()),
        numpy_helper.from_array(np.zeros((), np.int8), "o"),
        numpy_helper.from_array(np.zeros((4, 16), np.int8), "w"),
    ]
    first = helper.make_node("QuantizeLinear", ["z", "s", "o"], ["q"])
    op = draw.choice(("DequantizeLinear", "QLinearMatMul", "MatMulInteger", "MatMul"))
    inputs = {"QLinearMatMul": ["q", "s", "o", "w", "s", "o", "s", "o"], "MatMul": ["z", "w"]}
    second = helper.make_node(op, inputs.get(op, ["q", "w", "o"][: 2 + (op[0] == "D")]), ["y"])
    return after(*([second] if op == "MatMul" else [first, second]), weights=weights)


def other_versions(draw: random.Random) -> bytes:
    """Be of an operator set that is too old, too new, missing or there twice."""
    made = dense()
    made.opset_import[0].version = draw.choice((5, 1, 10, 999, 0, -1, 2**62))
    if draw.random() < 0.3:
        del made.opset_import[:]
    if draw.random() < 0.3:
        made.opset_import.append(helper.make_opsetid("", 17))
    if draw.random() < 0.3:
        made.ir_version = draw.choice((0, -1, 1, 999, 2**62))
    return bytes(made.SerializeToString())


def controlled(draw: random.Random) -> bytes:
    """Branch, loop and scan."""
    given = helper.make_tensor_value_info("i", FLOAT, None)
    found = helper.make_tensor_value_info("o", FLOAT, None)
    body = helper.make_graph([helper.make_node("Relu", ["i"], ["o"])], "b", [given], [found])
    op = draw.choice(("If", "Loop", "Scan", "SequenceMap"))
    name = {"If": "then_branch"}.get(op, "body")
    inputs = draw.choice((["z"], ["", "", "z"], ["c"], ["c", "c", "z"]))
    node = helper.make_node(op, inputs, ["y"], **{name: body})
    return after(node, weights=[numpy_helper.from_array(np.array(True), "c")])


def sparse(draw: random.Random) -> bytes:
    """Use sparse weights that claim to be huge."""
    size = draw.choice((16, 2**40, -1))
    values, places = weight("w", 3), integers("", 1, draw.choice((5, -1, 2**40)), 8)
    tensor = helper.make_sparse_tensor(values, places, [4, size])
    made = dense()
    del made.graph.initializer[:]
    if draw.random() < 0.5:
        node = helper.make_node("Constant", [], ["w"], sparse_value=tensor)
        made.graph.node.insert(0, node)
    else:
        made.graph.sparse_initializer.append(tensor)
    return bytes(made.SerializeToString())


def bombs(draw: random.Random) -> bytes:
    """Write numbers and lengths that have no end, or point beyond it."""
    return draw.choice(
        (
            b"\x3a" + b"\xff" * draw.choice((1, 10, 10**6)),
            b"\x3a" + varint(2**63) + b"x",
            b"\x3a" + varint(2**31 - 1),
            b"\xff" * 10**6,
            b"\x00" * 10**5,
            varint(2**40 << 3) + b"\x01",
            b"\x08\x80" * 10**5,
            entry(7, entry(1, varint(2**62) * 1000)),
            entry(7, entry(5, entry(4, b"\x80" * 10**6))),
            entry(7, entry(5, varint(1 << 3 | 2) + varint(10**6) + b"\x01" * 10**6)),
            b"",
            draw.randbytes(1000),
            b"PK\x03\x04" + draw.randbytes(100),
        )
    )


def lying_data(draw: random.Random) -> bytes:
    """Have less data than a shape needs, more, or of two kinds."""
    made = dense()
    tensor = made.graph.initializer[0]
    match draw.randrange(4):
        case 0:
            tensor.raw_data = tensor.raw_data[: draw.randrange(len(tensor.raw_data))]
        case 1:
            tensor.raw_data += b"\0" * draw.randrange(1, 9)
        case 2:
            tensor.float_data.extend([1.0] * draw.choice((1, 64, 1000)))
            if draw.random() < 0.5:
                tensor.ClearField("raw_data")
        case _:
            tensor.segment.begin, tensor.segment.end = draw.choice(((0, 10), (5, 1), (-1, 2**62)))
    return bytes(made.SerializeToString())


def functions(draw: random.Random) -> bytes:
    """Define functions that call each other twice, thirty deep, or themselves."""
    depth = draw.choice((1, 30))
    imports = [helper.make_opsetid("", 18), helper.make_opsetid("f", 1)]
    made = model([helper.make_node("f0", ["z"], ["y"], domain="f")], [])
    made.opset_import.append(imports[1])
    for k in range(depth):
        called = f"f{(k + 1) % depth}" if draw.random() < 0.5 or k + 1 < depth else "Relu"
        domain = "" if called == "Relu" else "f"
        calls = [
            helper.make_node(called, [a], [b], domain=domain) for a, b in (("x", "h"), ("h", "o"))
        ]
        made.functions.append(helper.make_function("f", f"f{k}", ["x"], ["o"], calls, imports))
    return bytes(made.SerializeToString())


def doubling(draw: random.Random) -> bytes:
    """Double a value forty times, so that few nodes need more memory than there is."""
    begin = draw.choice(("z", "c"))
    op = draw.choice(("Concat", "Tile", "Mul", "Outer"))
    nodes, name = [], begin
    for k in range(40):
        if op == "Concat":
            nodes.append(helper.make_node(op, [name, name], [f"n{k}"], axis=1))
        elif op == "Tile":
            nodes.append(helper.make_node(op, [name, "r"], [f"n{k}"]))
        elif op == "Mul":
            nodes.append(helper.make_node(op, [name, name], [f"n{k}"]))
        else:
            nodes.append(helper.make_node("Unsqueeze", [name, "a"], [f"u{k}"]))
            nodes.append(helper.make_node("Mul", [name, f"u{k}"], [f"n{k}"]))
        name = f"n{k}"
    nodes.append(helper.make_node("Identity", [name], ["y"]))
    weights = [
        numpy_helper.from_array(np.full((1, 4), 3, np.int64 if op == "Mul" else np.float32), "c"),
        integers("r", 1, 2),
        integers("a", draw.choice((0, 1, -1))),
    ]
    return after(*nodes, weights=weights)


def long_chains(draw: random.Random) -> bytes:
    """Chain thousands of nodes."""
    count = draw.choice((3000, 9000))
    op, other = draw.choice((("Relu", ()), ("Add", ("c",)), ("Transpose", ()), ("Sub", ("z",))))
    begin = draw.choice(("z", "c"))
    nodes = [
        helper.make_node(op, [f"n{k - 1}" if k else begin, *other], [f"n{k}"]) for k in range(count)
    ]
    nodes.append(helper.make_node("Identity", [f"n{count - 1}"], ["y"]))
    return after(*nodes, weights=[weight("c", 1, 4)])


def misused(draw: random.Random) -> bytes:
    """Call known operators with inputs and attributes that do not fit them."""
    opset = draw.choice((11, 13, 18, 20))
    nodes = [_misused(draw, draw.choice(OPERATORS.split()), opset, "z", "h")]
    if draw.random() < 0.5:
        nodes.append(_misused(draw, draw.choice(OPERATORS.split()), opset, "h", "y"))
    else:
        nodes.append(helper.make_node("Identity", ["h"], ["y"]))
    shape = draw.choice((["batch", 4], ["batch", 2, 4, 4], ["batch", 4, 1, 1], [1, 4], ["batch"]))
    weights = [
        weight("w", *draw.choice(((4, 16), (16, 4), (4,), (2,), (4, 2, 2, 2), (0,), ()))),
        integers("i", *draw.choice(((0,), (1, -1), (-9,), (2**62,), (), (-1, 2, 4), (1, 1, 2, 2)))),
        numpy_helper.from_array(np.array(2.0, np.float32), "s"),
        numpy_helper.from_array(np.zeros((0, 3), np.float32), "e"),
        numpy_helper.from_array(np.ones(4, bool), "b"),
    ]
    given = helper.make_tensor_value_info("z", FLOAT, shape)
    return after(*nodes, weights=weights, opset=opset, inputs=[given])


def _misused(draw: random.Random, name: str, opset: int, begin: str, end: str) -> onnx.NodeProto:
    """Write a node whose inputs and attributes have the right number and types, seldom sense."""
    if not onnx.defs.has(name) or onnx.defs.get_schema(name).deprecated:
        return helper.make_node(name, [begin], [end])
    try:
        schema = onnx.defs.get_schema(name, opset)
    except onnx.defs.SchemaError:
        return helper.make_node(name, [begin], [end])
    count = draw.randint(schema.min_input, min(6, schema.max_input))
    inputs = [begin, *(draw.choice("wwwwiiiseb") for _ in range(count - 1))][:count]
    attributes: dict[str, Any] = {}
    for key, attribute in schema.attributes.items():
        if attribute.required or draw.random() < 0.3:
            sizes = (-1, 0, 1, 2, 3, 99, 2**40, -(2**40))
            length = draw.choice((0, 1, 2, 2, 4, 4, 9))
            values = {
                "INT": draw.choice(sizes),
                "INTS": [draw.choice((1, 1, *sizes)) for _ in range(length)],
                "FLOAT": draw.choice((0.0, -1.0, 1e30, float("nan"), 0.1)),
                "FLOATS": [0.5] * length,
                "STRING": draw.choice(("SAME_UPPER", "VALID", "nearest", "word", "")),
                "TENSOR": weight("t", *draw.choice(((), (0,), (2, 2)))),
            }
            kind = attribute.type.name
            if kind in values and values[kind] != []:
                attributes[key] = values[kind]
    return helper.make_node(name, inputs, [end], **attributes)


def odd_ends(draw: random.Random) -> bytes:
    """Declare inputs without shape, with two open sizes, none, or a thousand."""
    shapes = (None, [], ["a", "b"], [4], [None, None], ["batch", 4, 2], [3, 4], [1] * 500)
    count = draw.choice((0, 1, 1, 2, 1000))
    values = [
        helper.make_tensor_value_info("z" if k == 0 else f"z{k}", FLOAT, draw.choice(shapes))
        for k in range(count)
    ]
    node = helper.make_node(draw.choice(("Relu", "Flatten", "Softmax")), ["z"], ["y"])
    made = model([node], [])
    del made.graph.input[:]
    made.graph.input.extend(values)
    return bytes(made.SerializeToString())


TRICKS: tuple[Make, ...] = (
    truncated,
    truncated,
    changed,
    changed,
    cyclic,
    wrong_sizes,
    wrong_sizes,
    elsewhere,
    unknown,
    text,
    many,
    nested,
    giant_attributes,
    odd_names,
    doubled,
    wrong_types,
    not_numbers,
    quantised,
    other_versions,
    controlled,
    sparse,
    bombs,
    lying_data,
    functions,
    doubling,
    long_chains,
    misused,
    misused,
    odd_ends,
)


def make(draw: random.Random, number: int | None = None) -> bytes:
    """Make a malformed file by one of the tricks."""
    trick = draw.choice(TRICKS) if number is None else TRICKS[number % len(TRICKS)]
    return bytes(trick(draw))
