"""Run work on a Dask cluster (``distributed``, an optional extra) instead of on this host.

The cluster is named by ``VAE_DASK_ADDRESS``, or ``--dask`` on the command line. Its workers have
this package installed and see the run folders under the same path, since results are exchanged as
files. https://distributed.dask.org
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from vae_core.errors import ConfigError

if TYPE_CHECKING:
    from distributed import Client

ENVIRONMENT_VARIABLE = "VAE_DASK_ADDRESS"
#: Seconds within which a scheduler must answer, and for which the answer, or its lack, is cached.
TIMEOUT, CACHED_SECONDS = 5.0, 10.0


def address() -> str | None:
    """Return the scheduler's address, or None if there is no cluster."""
    return os.environ.get(ENVIRONMENT_VARIABLE, "").strip() or None


def submit(function: Callable[..., Any], *arguments: str, key: str) -> None:
    """Submit a call of an importable function to the cluster, without waiting for its result.

    The task outlives this process. If its worker is lost, another one runs it again.

    Parameters
    ----------
    key
        Name of the task; a second task under a key that is still running is not submitted.

    Raises
    ------
    ConfigError
        If no scheduler answers, or ``distributed`` is not installed.
    """
    with _connected() as client:
        from distributed import fire_and_forget

        fire_and_forget(client.submit(function, *arguments, key=key))


def call_all(function: Callable[..., Any], calls: Mapping[str, tuple[Any, ...]]) -> Iterator[str]:
    """Call an importable function on the cluster for each name; yield names as calls return.

    Raises
    ------
    ConfigError
        As :func:`submit`.
    Exception
        Whatever a call raised.
    """
    with _connected() as client:
        from distributed import as_completed

        futures = {
            client.submit(function, *arguments, pure=False): name
            for name, arguments in calls.items()
        }
        for future in as_completed(list(futures), loop=client.loop):
            future.result()
            yield futures[future]


@dataclass(frozen=True)
class _Answer:
    """Latest answer of the scheduler at an address."""

    address: str = ""
    when: float = -CACHED_SECONDS
    threads: int = 0
    fault: str = ""


_answer = _Answer()
_queries: dict[str, threading.Thread] = {}
_lock = threading.Lock()


def threads() -> int:
    """Return the number of threads of the cluster's workers, at least 1.

    Only the first query of an address is waited for; later ones run in the background.
    """
    where = address() or ""
    query = _query(where)
    if _answer.address != where:
        query.join(2 * TIMEOUT)
    return max(_answer.threads, 1) if _answer.address == where else 1


def _query(where: str) -> threading.Thread:
    """Query a scheduler in a thread if its cached answer is old; at most one thread at a time."""
    with _lock:
        is_old = _answer.address != where or time.monotonic() - _answer.when > CACHED_SECONDS
        if where not in _queries or (is_old and not _queries[where].is_alive()):
            _queries[where] = threading.Thread(target=_count_threads, args=(where,), daemon=True)
            _queries[where].start()
        return _queries[where]


def _count_threads(where: str) -> None:
    try:
        with _client(where) as client:
            _store(_Answer(where, time.monotonic(), sum(client.nthreads().values())))
    except (ConfigError, OSError, ValueError, TypeError, RuntimeError) as error:
        _store_fault(where, str(error))


def _store(found: _Answer) -> None:
    global _answer
    with _lock:
        if found.address == (address() or ""):  # else the address has changed meanwhile
            _answer = found


def _store_fault(where: str, fault: str) -> None:
    """Cache that the scheduler does not answer, with its last known number of threads."""
    before = _answer.threads if _answer.address == where else 0
    _store(_Answer(where, time.monotonic(), before, fault))


@contextmanager
def _connected() -> Iterator[Client]:
    """Connect to the scheduler; raise at once if the last query found none."""
    where = address() or ""
    if _answer.address == where and _answer.fault:
        _query(where)
        raise ConfigError(_answer.fault)
    try:
        client = _client(where)
    except ConfigError as error:
        _store_fault(where, str(error))
        raise
    with client:
        yield client


def _client(where: str) -> Client:
    try:
        from distributed import Client
    except ImportError as error:
        raise ConfigError(
            f"{ENVIRONMENT_VARIABLE} {where}: the package distributed is not installed here; "
            "pip install 'latent-explorer-streamlit[cluster]'"
        ) from error
    try:
        return Client(where, timeout=TIMEOUT, set_as_default=False)
    except (OSError, ValueError, TypeError) as error:
        raise ConfigError(
            f"no Dask scheduler answers at {where}: requests wait until one does"
        ) from error
