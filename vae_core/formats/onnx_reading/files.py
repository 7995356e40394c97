"""Read ONNX files: bounded before they are parsed, checked before anything is computed."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

from vae_core.errors import OnnxError, OperatorError
from vae_core.formats.onnx_reading.values import Array

#: Maximum size of a file, of all in it but the weights, and of one weight's description, in bytes.
MAX_BYTES = 256 * 2**20
MAX_DESCRIPTION = 16 * 2**20
MAX_TENSOR_DESCRIPTION = 4096
MAX_NODES = 10_000
MAX_TENSORS = 10_000
_MAX_FIELDS = 100_000
#: Values of one tensor.
MAX_VALUES = 2**26
OPERATOR_SETS = (11, onnx.defs.onnx_opset_version())

_TYPES = onnx.TensorProto
#: What tensors of numbers become.
FLOATS = np.float32
#: Types of tensors that are read, and what they become.
DTYPES: dict[int, type[np.generic]] = {
    _TYPES.FLOAT: np.float32,
    _TYPES.FLOAT16: np.float32,
    _TYPES.BFLOAT16: np.float32,
    _TYPES.DOUBLE: np.float32,
    _TYPES.INT64: np.int64,
    _TYPES.INT32: np.int64,
    _TYPES.INT16: np.int64,
    _TYPES.INT8: np.int64,
    _TYPES.UINT8: np.int64,
    _TYPES.BOOL: np.bool_,
}
_BYTES: dict[int, int] = {
    _TYPES.FLOAT: 4,
    _TYPES.FLOAT16: 2,
    _TYPES.BFLOAT16: 2,
    _TYPES.DOUBLE: 8,
    _TYPES.INT64: 8,
    _TYPES.INT32: 4,
    _TYPES.INT16: 2,
    _TYPES.INT8: 1,
    _TYPES.UINT8: 1,
    _TYPES.BOOL: 1,
}
# Numbers of fields in onnx.proto.
_GRAPH, _FUNCTIONS, _TRAINING = 7, 25, 20
_NODE, _INITIALIZER, _SPARSE = 1, 5, 15
_DATA_OF_TENSORS = {4, 5, 7, 9, 10, 11}  # float, int32, int64, raw, double and uint64 data
_STRINGS_OF_TENSORS = 6


@dataclass(frozen=True)
class Node:
    """Operator with the names of its inputs and outputs ("" for those left out)."""

    op: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any]


@dataclass(frozen=True)
class Declared:
    """Input or output of a graph as it is declared.

    Attributes
    ----------
    shape
        Integers, names of sizes that vary, or None; None without any shape.
    """

    name: str
    dtype: type[np.generic]
    shape: tuple[int | str | None, ...] | None


@dataclass(frozen=True)
class Source:
    """Checked content of an ONNX file: nodes in order of execution, constants by name."""

    nodes: tuple[Node, ...]
    constants: Mapping[str, Array]
    inputs: tuple[Declared, ...]
    outputs: tuple[Declared, ...]
    operator_set: int
    producer: str


def read(source: str | Path | bytes, *, known: frozenset[str]) -> Source:
    """Read a file, or its bytes; operators are ``known`` or refused.

    Raises
    ------
    OnnxError
        If the file is damaged or too large, reads other files, has functions or graphs within
        nodes, strings, types or operators that are not known. The sentence names them.
    """
    model = parsed(content_of(source))
    operator_set = _operator_set(model)
    constants = {one.name: array_of(one) for one in model.graph.initializer}
    nodes = tuple(_node(one) for one in model.graph.node)
    unknown = sorted({one.op for one in nodes} - known)
    if unknown:
        more = f" and {len(unknown) - 3} more" if len(unknown) > 3 else ""
        raise OperatorError(
            f"operators {', '.join(one[:30] for one in unknown[:3])}{more} are not known; "
            f"known are {', '.join(sorted(known))}"
        )
    if 18 <= operator_set < 21 and any(one.op == "GroupNormalization" for one in nodes):
        # Deprecated in these versions alone, but written and run; the checker refuses it.
        for one in model.opset_import:
            one.version = 21 if one.domain in ("", "ai.onnx") else one.version
    for output in model.graph.output:  # the checker wants a shape, which is not read
        output.type.tensor_type.shape.SetInParent()
    try:
        onnx.checker.check_model(model)
    except (onnx.checker.ValidationError, ValueError, RuntimeError) as error:
        raise OnnxError(f"not a valid ONNX graph: {_first_line(error)}") from error
    inputs = tuple(declared(one) for one in model.graph.input if one.name not in constants)
    return Source(
        nodes=nodes,
        constants=constants,
        inputs=inputs,
        outputs=tuple(declared(one) for one in model.graph.output),
        operator_set=operator_set,
        producer=model.producer_name[:100],
    )


def content_of(source: str | Path | bytes) -> bytes:
    """Return the bytes of a file.

    Raises
    ------
    OnnxError
        If it cannot be read, or is too large.
    """
    content = source if isinstance(source, bytes) else _content(Path(source))
    if len(content) > MAX_BYTES:
        raise OnnxError(f"the ONNX file is larger than the {MAX_BYTES // 2**20} MB allowed")
    return content


def parsed(content: bytes) -> onnx.ModelProto:
    """Parse a file that is bounded first.

    Raises
    ------
    OnnxError
        If it is damaged or too large, or has functions, strings or names that are not text.
    """
    _scan(content)
    try:
        model: onnx.ModelProto = onnx.ModelProto.FromString(content)
    except DecodeError as error:
        raise OnnxError("not an ONNX file: it cannot be decoded") from error
    _check_names(model)
    return model


def _check_names(model: onnx.ModelProto) -> None:
    """Refuse names that are not UTF-8, which are read as bytes."""
    graph = model.graph
    names: list[object] = [model.producer_name, *(one.domain for one in model.opset_import)]
    for node in graph.node:
        names += [node.op_type, node.domain, *node.input, *node.output]
        names += [one.name for one in node.attribute]
    names += [one.name for part in (graph.initializer, graph.input, graph.output) for one in part]
    if any(not isinstance(one, str) for one in names):
        raise OnnxError("a name in the ONNX file is not text in UTF-8")


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except OSError as error:
        raise OnnxError(f"{path.name} cannot be read: {error.strerror}") from error


def array_of(tensor: onnx.TensorProto) -> Array:
    """Return a tensor's values as float32, int64 or bool.

    Raises
    ------
    OnnxError
        As :func:`read`.
    """
    _check_tensor(tensor)
    try:
        array = onnx.numpy_helper.to_array(tensor)
    except (ValueError, TypeError) as error:
        raise OnnxError(f"weight {tensor.name[:100]!r} is damaged") from error
    return np.asarray(array, dtype=DTYPES[tensor.data_type])


def _check_tensor(tensor: onnx.TensorProto) -> None:
    name = f"weight {tensor.name[:100]!r}"
    if tensor.data_location == onnx.TensorProto.EXTERNAL or len(tensor.external_data):
        raise OnnxError(
            f"{name} lies in another file, which is not read; export everything into one file "
            "(torch.onnx.export with external_data=False)"
        )
    if tensor.data_type not in DTYPES:
        raise OnnxError(f"{name} has a type that is not known; {_allowed_types()} are")
    if any(side < 0 for side in tensor.dims) or math.prod(tensor.dims) > MAX_VALUES:
        raise OnnxError(f"{name} has a size below 0, or more than {MAX_VALUES:,} values")
    needed = math.prod(tensor.dims) * _BYTES[tensor.data_type]
    if tensor.HasField("raw_data") and len(tensor.raw_data) != needed:
        raise OnnxError(f"{name} has {len(tensor.raw_data)} bytes where {needed} are needed")


def _allowed_types() -> str:
    return ", ".join(_TYPES.DataType.Name(one).lower() for one in DTYPES)


def _operator_set(model: onnx.ModelProto) -> int:
    versions = {one.domain: one.version for one in model.opset_import}
    standard = versions.get("", versions.get("ai.onnx"))
    low, high = OPERATOR_SETS
    if standard is None or not low <= standard <= high:
        raise OnnxError(f"operator set {standard}: {low} to {high} are known")
    return int(standard)


def _node(node: onnx.NodeProto) -> Node:
    name = node.op_type[:100]
    if node.domain not in ("", "ai.onnx"):
        return Node(f"{node.domain[:100]}.{name}", (), (), {})
    return Node(
        name,
        tuple(node.input),
        tuple(node.output),
        {one.name: _attribute(name, one) for one in node.attribute},
    )


def _attribute(op: str, attribute: onnx.AttributeProto) -> Any:
    kinds = onnx.AttributeProto
    if attribute.type == kinds.TENSOR:
        return array_of(attribute.t)
    if attribute.type == kinds.STRING:
        return attribute.s.decode(errors="replace")[:100]
    if attribute.type in (kinds.FLOAT, kinds.INT, kinds.FLOATS, kinds.INTS, kinds.STRINGS):
        value = onnx.helper.get_attribute_value(attribute)
        return value if isinstance(value, int | float) else list(value)
    raise OperatorError(
        f"{op}: attribute {attribute.name[:100]!r} is a graph or of another type that is not known"
    )


def declared(value: onnx.ValueInfoProto) -> Declared:
    """Return an input or output as it is declared."""
    tensor = value.type.tensor_type
    if not value.type.HasField("tensor_type") or tensor.elem_type not in DTYPES:
        raise OnnxError(
            f"{value.name[:100]!r} is not a tensor of a type that is known: {_allowed_types()}"
        )
    shape = None
    if tensor.HasField("shape"):
        shape = tuple(_side(one) for one in tensor.shape.dim)
    return Declared(value.name, DTYPES[tensor.elem_type], shape)


def _side(side: onnx.TensorShapeProto.Dimension) -> int | str | None:
    if side.HasField("dim_value"):
        return int(side.dim_value)
    return side.dim_param or None


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:200]


def _scan(content: bytes) -> None:
    """Bound what parsing would allocate; read only the lengths of fields."""
    described = len(content)
    nodes = tensors = 0
    for number, start, end in _fields(content, 0, len(content)):
        if number in (_FUNCTIONS, _TRAINING):
            raise OnnxError("functions and training graphs are not read; export without them")
        if number != _GRAPH:
            continue
        for kind, first, last in _fields(content, start, end):
            nodes += kind == _NODE
            if kind == _SPARSE:
                raise OnnxError("sparse weights are not read")
            if kind == _INITIALIZER:
                tensors += 1
                described -= _data_of_tensor(content, first, last)
            if nodes > MAX_NODES or tensors > MAX_TENSORS:
                raise OnnxError(
                    f"the ONNX file has more than {MAX_NODES:,} nodes or {MAX_TENSORS:,} weights"
                )
    if described > MAX_DESCRIPTION:
        raise OnnxError(
            f"the ONNX file has more than {MAX_DESCRIPTION // 2**20} MB besides its weights"
        )


def _data_of_tensor(content: bytes, start: int, end: int) -> int:
    data = 0
    for number, first, last in _fields(content, start, end):
        if number == _STRINGS_OF_TENSORS:
            raise OnnxError("a weight consists of strings, which cannot be computed with")
        data += (last - first) * (number in _DATA_OF_TENSORS)
    if end - start - data > MAX_TENSOR_DESCRIPTION:
        raise OnnxError("a weight of the ONNX file is damaged")
    return data


def _fields(content: bytes, start: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Yield number, start and end of each field of a protocol-buffer message."""
    at, count = start, 0
    while at < end:
        count += 1
        if count > _MAX_FIELDS:
            raise OnnxError("the ONNX file has too many entries")
        key, at = _varint(content, at, end)
        wire = key & 7
        first = at
        if wire == 0:
            _, at = _varint(content, at, end)
        elif wire == 2:
            length, first = _varint(content, at, end)
            at = first + length
        elif wire in (1, 5):
            at += 8 if wire == 1 else 4
        else:
            raise OnnxError("not an ONNX file: it cannot be decoded")
        if at > end:
            raise OnnxError("the ONNX file is damaged: it ends too early")
        yield key >> 3, first, at


def _varint(content: bytes, at: int, end: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if at >= end:
            break
        byte = content[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise OnnxError("not an ONNX file: it cannot be decoded")
