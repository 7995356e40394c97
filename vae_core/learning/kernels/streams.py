"""Work that a GPU does beside other work."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor

IN_ITS_TURN = nullcontext()


class SideStream:
    """Work that nobody waits for before :meth:`join`; on a processor it is done in its turn.

    Captured in a CUDA graph, it is a branch of it.
    """

    def __init__(self, device: torch.device) -> None:
        self._stream: torch.cuda.Stream | None = None
        if device.type == "cuda":
            self._stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
        self._read: list[Tensor] = []
        self._is_apart = False

    def reading(self, *tensors: Tensor) -> AbstractContextManager[Any]:
        """Return the context of such work on ``tensors``, which others may not hold that long."""
        if self._stream is None:
            return IN_ITS_TURN
        self._read += tensors  # or their memory would be used anew before they are read
        self._stream.wait_stream(torch.cuda.current_stream())
        self._is_apart = True
        return torch.cuda.stream(self._stream)

    def join(self) -> None:
        """Let what comes next wait for all of it."""
        if self._stream is not None and self._is_apart:
            torch.cuda.current_stream().wait_stream(self._stream)
            self._is_apart = False
            self._read.clear()
