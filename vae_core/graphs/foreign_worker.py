"""Run an ONNX file by onnxruntime for another process; run as a script, by its path.

Messages have a head in JSON and a body of bytes (:func:`send`). The first that arrives has the
file; each further one asks for outputs of some examples. Every answer has a head, in which
``error`` is a sentence if something failed.
"""

from __future__ import annotations

import json
import struct
import sys
from collections.abc import Iterator, Mapping
from typing import IO, Any

#: Bytes of memory that this process may use for itself.
MEMORY = 2 * 2**30
#: Longest head of a message, in bytes.
MOST = 2**20

_LENGTHS = struct.Struct("<QQ")


def send(stream: IO[bytes], head: Mapping[str, Any], body: bytes | memoryview = b"") -> None:
    """Write a message."""
    text = json.dumps(head).encode()
    stream.write(_LENGTHS.pack(len(text), len(body)))
    stream.write(text)
    stream.write(body)
    stream.flush()


def receive(stream: IO[bytes]) -> tuple[dict[str, Any], bytes] | None:
    """Read a message; None at the end of the stream."""
    lengths = stream.read(_LENGTHS.size)
    if len(lengths) < _LENGTHS.size:
        return None
    head, body = _LENGTHS.unpack(lengths)
    if head > MOST:
        return None
    text, content = stream.read(head), stream.read(body)
    if len(text) < head or len(content) < body:
        return None
    return json.loads(text), content


def limit() -> None:
    """Bound the memory of this process, and let it write no file, where the system can."""
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    except (ImportError, OSError, ValueError):
        return


def tensors(message: Any) -> Iterator[Any]:
    """Yield every tensor within a message of ONNX, at any depth."""
    if message.DESCRIPTOR.name == "TensorProto":
        yield message
        return
    for field, value in message.ListFields():
        if field.type == field.TYPE_MESSAGE:
            for one in value if field.is_repeated else [value]:
                yield from tensors(one)


class Session:
    """An ONNX file that is ready to run."""

    def __init__(self, content: bytes) -> None:
        import onnx
        import onnxruntime

        model = onnx.ModelProto.FromString(content)
        if any(one.data_location or len(one.external_data) for one in tensors(model)):
            raise ValueError("weights in another file are not read")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 4
        self._session = onnxruntime.InferenceSession(content, options, ["CPUExecutionProvider"])
        self._inputs = self._session.get_inputs()

    def ports(self) -> dict[str, Any]:
        """Return names, shapes and types of inputs and outputs."""
        return {
            side: [{"name": one.name, "shape": list(one.shape), "type": one.type} for one in ports]
            for side, ports in (
                ("inputs", self._inputs),
                ("outputs", self._session.get_outputs()),
            )
        }

    def run(self, head: Mapping[str, Any], body: bytes) -> tuple[dict[str, Any], bytes]:
        """Return the outputs of examples, side by side as float32 (n, size), and their shapes."""
        import numpy as np

        n = int(head["n"])
        x = np.frombuffer(body, np.float32).reshape(n, *head["shape"])
        sides = [one.shape[0] for one in self._inputs if one.shape]
        fixed = {side for side in sides if isinstance(side, int)}
        batch = fixed.pop() if len(fixed) == 1 else n
        parts = []
        for first in range(0, n, batch):
            rows = np.minimum(np.arange(first, first + batch), n - 1)
            feeds = {one.name: self._feed(one, head, x, rows) for one in self._inputs}
            results = self._session.run(list(head["outputs"]), feeds)
            if any(len(one) != batch for one in results):
                raise ValueError("an output has no row for each example")
            parts.append([np.asarray(one, np.float32)[: n - first] for one in results])
        whole = [np.concatenate(one) for one in zip(*parts, strict=True)]
        flat = np.concatenate([one.reshape(n, -1) for one in whole], axis=1)
        return {"shapes": [list(one.shape[1:]) for one in whole]}, flat.tobytes()

    def _feed(self, port: Any, head: Mapping[str, Any], x: Any, rows: Any) -> Any:
        import numpy as np

        types: dict[str, Any] = {"tensor(float)": np.float32, "tensor(double)": np.float64}
        types |= {"tensor(float16)": np.float16, "tensor(int64)": np.int64}
        types |= {"tensor(int32)": np.int32, "tensor(bool)": np.bool_}
        if port.type not in types:
            raise ValueError(f"input {port.name[:100]!r} is {port.type}, which is not known")
        kind = types[port.type]
        if port.name == head["entry"]:
            return x[rows].astype(kind, copy=False)
        sides = [side if isinstance(side, int) else 1 for side in port.shape[1:]]
        if port.name != head.get("label"):
            return np.zeros((len(rows), *sides), kind)
        labels = np.asarray(head["labels"])[rows]
        if head["one_hot"]:
            return np.eye(head["classes"], dtype=kind)[labels].reshape(len(rows), *sides)
        return labels.astype(kind).reshape(len(rows), *sides)


def main() -> None:
    """Answer messages until there are no more."""
    limit()
    incoming, outgoing = sys.stdin.buffer, sys.stdout.buffer
    session: Session | None = None
    while (message := receive(incoming)) is not None:
        head, body = message
        try:
            if session is None:
                session = Session(body)
                send(outgoing, session.ports())
            else:
                send(outgoing, *session.run(head, body))
        except MemoryError:
            return
        except Exception as error:  # whatever a library says of a file
            lines = (str(error).strip() or type(error).__name__).splitlines()
            send(outgoing, {"error": lines[0][:300]})


if __name__ == "__main__":
    main()
