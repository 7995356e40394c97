"""Thread-safe caches shared by all sessions."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

import cachetools

T = TypeVar("T")


class LRUCache(Generic[T]):
    """Values by name, up to a total size; the least recently used are dropped.

    Parameters
    ----------
    max_bytes
        Limit of the total size. A larger value is kept alone.
    size
        Returns the bytes of a value.
    """

    def __init__(self, max_bytes: int, *, size: Callable[[T], int]) -> None:
        self._values: cachetools.LRUCache[str, T] = cachetools.LRUCache(
            max_bytes, getsizeof=lambda value: min(size(value), max_bytes)
        )
        self._lock = threading.Lock()

    def put(self, name: str, value: T) -> None:
        """Add a value, or mark the one of this name as used."""
        with self._lock:
            if self._values.get(name) is None:
                self._values[name] = value

    def get(self, name: str) -> T | None:
        """Return the value of this name, or None."""
        with self._lock:
            return self._values.get(name)


class TimedCache(Generic[T]):
    """A function of a folder whose result is reused for a second by all sessions.

    A script run calls it many times. Streamlit's caches would cost more than such a result, and
    each system call hands the interpreter to another session.
    """

    def __init__(self, read: Callable[[Path], T]) -> None:
        self._cache: cachetools.TTLCache[Path, T] = cachetools.TTLCache(maxsize=1, ttl=1.0)
        self._lock = threading.Condition()
        self._read = cachetools.cached(self._cache, condition=self._lock)(read)

    def __call__(self, folder: Path) -> T:
        """Return the result of the last second, or read it."""
        return self._read(folder)

    def clear(self) -> None:
        """Drop the result after a change of the folder."""
        with self._lock:
            self._cache.clear()
