"""Things kept in memory by name, as many as there is room for: the longest unused go first."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Shelf(Generic[T]):
    """Things by name; all sessions may use it at once.

    Parameters
    ----------
    max_bytes
        Of all things together. The last one stays however large it is.
    size
        Bytes of a thing.
    """

    def __init__(self, max_bytes: int, *, size: Callable[[T], int]) -> None:
        self._max_bytes = max_bytes
        self._size = size
        self._things: OrderedDict[str, T] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def put(self, name: str, thing: T) -> None:
        """Keep a thing; again and again costs nothing."""
        with self._lock:
            if name not in self._things:
                self._things[name] = thing
                self._bytes += self._size(thing)
            self._things.move_to_end(name)
            while self._bytes > self._max_bytes and len(self._things) > 1:
                _, dropped = self._things.popitem(last=False)
                self._bytes -= self._size(dropped)

    def get(self, name: str) -> T | None:
        """Return the thing of this name, or None."""
        with self._lock:
            if name in self._things:
                self._things.move_to_end(name)
            return self._things.get(name)
