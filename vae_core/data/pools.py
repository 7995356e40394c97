"""Pools of processes that do not run the main script.

A new process imports the script that this one was started with. Where that is a page of the app,
which Streamlit runs under the name ``__main__``, it would run the page.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import sys
import threading
import types
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from typing import Any

_changing = threading.Lock()


def pool(workers: int, initializer: Callable[..., None], *arguments: Any) -> ProcessPoolExecutor:
    """Start a pool of processes, each of which calls ``initializer(*arguments)`` first."""
    methods = multiprocessing.get_all_start_methods()
    context = multiprocessing.get_context("forkserver" if "forkserver" in methods else "spawn")
    with _without_main_script():
        executor = ProcessPoolExecutor(
            workers, context, initializer=initializer, initargs=arguments
        )
        executor.submit(_nothing)  # the first task starts the processes
    return executor


def _nothing() -> None:
    """Do nothing, in another process."""


@contextlib.contextmanager
def _without_main_script() -> Iterator[None]:
    with _changing:
        main, empty = sys.modules["__main__"], types.ModuleType("__main__")
        sys.modules["__main__"] = empty
        try:
            yield
        finally:
            if sys.modules["__main__"] is empty:
                sys.modules["__main__"] = main
