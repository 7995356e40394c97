"""Run kernels on a side stream of a CUDA graph."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor


class SideStream:
    """CUDA stream that runs concurrently with the current one until :meth:`join`.

    In a captured CUDA graph it becomes a branch. On the CPU, work runs in order instead.
    """

    def __init__(self, device: torch.device) -> None:
        self._stream: torch.cuda.Stream | None = None
        if device.type == "cuda":
            self._stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
        self._read: list[Tensor] = []
        self._is_forked = False

    def reading(self, *tensors: Tensor) -> AbstractContextManager[Any]:
        """Return the context in which kernels that read ``tensors`` run on this stream."""
        if self._stream is None:
            return nullcontext()
        self._read += tensors  # or their memory would be reused before they are read
        self._stream.wait_stream(torch.cuda.current_stream())
        self._is_forked = True
        return torch.cuda.stream(self._stream)

    def join(self) -> None:
        """Make the current stream wait for this one."""
        if self._stream is not None and self._is_forked:
            torch.cuda.current_stream().wait_stream(self._stream)
            self._is_forked = False
            self._read.clear()
