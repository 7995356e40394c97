"""Run networks that our operations cannot express: an ONNX file, by onnxruntime.

onnxruntime is an optional dependency. Each file runs in a process of its own, with bounds on time
and memory, which may die; a few of them stay for the next examples.
"""

from __future__ import annotations

import atexit
import contextlib
import importlib.util
import math
import os
import subprocess
import sys
import tempfile
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vae_core.errors import OnnxError
from vae_core.graphs import foreign_worker
from vae_core.graphs.foreign_worker import MEMORY

OP = "onnxruntime"
MISSING = "onnxruntime, which is not installed here: pip install onnxruntime"
#: Seconds in which a file is to be read, and in which some examples are to be computed.
LOADING, COMPUTING = 20.0, 20.0
#: Processes that stay at once on this host.
KEPT = 3
#: Most examples, and most values, of one message.
MOST, MOST_VALUES = 256, 2**22

_WORKER = Path(foreign_worker.__file__)


def available() -> bool:
    """Whether onnxruntime is installed."""
    return importlib.util.find_spec("onnxruntime") is not None


class Session:
    """Process that runs one ONNX file.

    Parameters
    ----------
    content
        The file.

    Raises
    ------
    OnnxError
        If onnxruntime is missing, or cannot read the file in time and memory.
    """

    def __init__(self, content: bytes) -> None:
        if not available():
            raise OnnxError(f"this network needs {MISSING}")
        self._lock = threading.Lock()
        self._process = subprocess.Popen(
            [sys.executable, "-P", str(_WORKER)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=tempfile.gettempdir(),
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )
        try:
            self.ports, _ = self._ask({}, content, LOADING)
        except BaseException:
            self.close()
            raise

    def run(
        self,
        x: Tensor,
        *,
        entry: str,
        shape: Sequence[int],
        outputs: Sequence[str],
        label: Mapping[str, Any] | None = None,
    ) -> tuple[Tensor, list[tuple[int, ...]]]:
        """Compute outputs of examples.

        Parameters
        ----------
        x
            Float (n, size), the values of the input ``entry`` in this ``shape`` of an example.
        label
            Name of the input that is a label, ``labels`` (n,), whether it is ``one_hot``, and the
            number of ``classes``. Other inputs are 0.

        Returns
        -------
        Tensor, list
            The outputs side by side, float32 (n, total), and the shape of each of an example.

        Raises
        ------
        OnnxError
            If onnxruntime cannot compute them in time and memory.
        """
        head = {"n": len(x), "entry": entry, "shape": list(shape), "outputs": list(outputs)}
        values = x.detach().cpu().float().contiguous().numpy()
        answer, body = self._ask({**head, **(label or {})}, values.data.cast("B"), COMPUTING)
        found = torch.from_numpy(np.frombuffer(body, np.float32).reshape(len(x), -1).copy())
        return found, [tuple(one) for one in answer["shapes"]]

    @property
    def is_alive(self) -> bool:
        """Whether the process can be asked."""
        return self._process.poll() is None

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        with contextlib.suppress(OSError):
            self._process.communicate()

    def _ask(
        self, head: Mapping[str, Any], body: bytes | memoryview, seconds: float
    ) -> tuple[dict[str, Any], bytes]:
        with self._lock:
            assert self._process.stdin is not None
            assert self._process.stdout is not None
            timer = threading.Timer(seconds, self._process.kill)
            timer.daemon = True
            timer.start()
            try:
                foreign_worker.send(self._process.stdin, head, body)
                answer = foreign_worker.receive(self._process.stdout)
            except OSError:
                answer = None
            in_time = timer.is_alive()
            timer.cancel()
        if answer is None:
            self.close()
            raise OnnxError(
                f"onnxruntime needed more than the {MEMORY // 2**30} GB of memory allowed, or ended"
                if in_time
                else f"onnxruntime took longer than the {seconds:.0f} seconds allowed"
            )
        if "error" in answer[0]:
            raise OnnxError(f"onnxruntime cannot run the network: {answer[0]['error']}")
        return answer


#: Sessions by the bytes of their files, which they keep in memory; the longest unused goes first.
_sessions: OrderedDict[tuple[int, int], tuple[Tensor, Session]] = OrderedDict()
_opening = threading.Lock()


def session_of(file: Tensor) -> Session:
    """Return the session of a file, uint8 (bytes,), which stays for the next examples."""
    key = (file.data_ptr(), file.numel())
    with _opening:
        kept = _sessions.get(key)
        if kept is not None and kept[1].is_alive:
            _sessions.move_to_end(key)
            return kept[1]
        if kept is not None:
            kept[1].close()
        session = Session(file.cpu().numpy().tobytes())
        _sessions[key] = (file, session)
        _sessions.move_to_end(key)
        while len(_sessions) > KEPT:
            _, (_, oldest) = _sessions.popitem(last=False)
            oldest.close()
        return session


def close() -> None:
    """End all processes; the next examples start new ones."""
    with _opening:
        while _sessions:
            _sessions.popitem()[1][1].close()


atexit.register(close)


def run(layer: Mapping[str, Any], x: Tensor, file: Tensor, labels: Tensor | None) -> Tensor:
    """Compute a layer of the operation "onnxruntime": (n, size) from examples (n, inputs)."""
    size = int(layer["size"])
    most = max(1, min(MOST, MOST_VALUES // max(size, x.shape[1], 1)))
    parts = []
    for first in range(0, len(x), most):
        rows = slice(first, first + most)
        label = None
        if "label" in layer:
            assert labels is not None, "labels are checked by the operation"
            label = {"label": layer["label"], "labels": labels[rows].tolist()}
            label |= {"one_hot": layer["one_hot"], "classes": layer["classes"]}
        found, shapes = session_of(file).run(
            x[rows],
            entry=layer["entry"],
            shape=layer["shape"],
            outputs=layer["outputs"],
            label=label,
        )
        if sum(map(math.prod, shapes)) != size:
            raise OnnxError(f"onnxruntime returns {found.shape[1]} values, where {size} are needed")
        parts.append(found)
    return torch.cat(parts) if parts else x.new_zeros(0, size)
