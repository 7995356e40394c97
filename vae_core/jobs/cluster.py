"""Work on a Dask cluster (``distributed``, an optional extra) in place of this machine's processes.

The cluster is named by ``VAE_DASK_ADDRESS``, or ``--dask`` on the command line. Its workers have
this package installed and see the run folders under the same path: files, not Dask, carry what is
found. https://distributed.dask.org
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
#: Seconds in which a scheduler answers, and for which its answer holds; no answer is one too.
ANSWERS, HOLDS = 5.0, 10.0


def address() -> str | None:
    """Return the scheduler's address, None where there is no cluster."""
    return os.environ.get(ENVIRONMENT_VARIABLE, "").strip() or None


def submit(function: Callable[..., Any], *arguments: str, key: str) -> None:
    """Let a worker call an importable function; returns when the scheduler knows of it.

    The task outlives this process. One that is lost with its worker is given to another worker.

    Parameters
    ----------
    key
        Names the task; what is asked again under a key that is still at work is asked once.

    Raises
    ------
    ConfigError
        If no scheduler answers, or ``distributed`` is not installed.
    """
    with _connected() as client:
        from distributed import fire_and_forget

        fire_and_forget(client.submit(function, *arguments, key=key))


def call_all(function: Callable[..., Any], calls: Mapping[str, tuple[Any, ...]]) -> Iterator[str]:
    """Call an importable function once for each name; yield the names as their calls return.

    Raises
    ------
    ConfigError
        As :func:`submit`.
    Exception
        What a call raised.
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
class _Seen:
    """What the scheduler at an address answered last."""

    address: str = ""
    when: float = -HOLDS
    threads: int = 0
    fault: str = ""


_seen = _Seen()
_looks: dict[str, threading.Thread] = {}
_lock = threading.Lock()


def threads() -> int:
    """Return how many threads the cluster's workers have, 1 at least.

    Only the first look at an address is waited for; later ones go on beside whoever asks.
    """
    where = address() or ""
    look = _look(where)
    if _seen.address != where:
        look.join(2 * ANSWERS)
    return max(_seen.threads, 1) if _seen.address == where else 1


def _look(where: str) -> threading.Thread:
    """Ask a scheduler again when its answer is old, in a thread of its own: one at a time."""
    with _lock:
        is_old = _seen.address != where or time.monotonic() - _seen.when > HOLDS
        if where not in _looks or (is_old and not _looks[where].is_alive()):
            _looks[where] = threading.Thread(target=_count, args=(where,), daemon=True)
            _looks[where].start()
        return _looks[where]


def _count(where: str) -> None:
    try:
        with _client(where) as client:
            _see(_Seen(where, time.monotonic(), sum(client.nthreads().values())))
    except (ConfigError, OSError, ValueError, TypeError, RuntimeError) as error:
        _lose(where, str(error))


def _see(found: _Seen) -> None:
    global _seen
    with _lock:
        if found.address == (address() or ""):  # a late answer of another is none
            _seen = found


def _lose(where: str, fault: str) -> None:
    """Note that nobody answers; what was seen last holds."""
    before = _seen.threads if _seen.address == where else 0
    _see(_Seen(where, time.monotonic(), before, fault))


@contextmanager
def _connected() -> Iterator[Client]:
    """Connect to the scheduler; at once refused where the last look found none."""
    where = address() or ""
    if _seen.address == where and _seen.fault:
        _look(where)
        raise ConfigError(_seen.fault)
    try:
        client = _client(where)
    except ConfigError as error:
        _lose(where, str(error))
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
        return Client(where, timeout=ANSWERS, set_as_default=False)
    except (OSError, ValueError, TypeError) as error:
        raise ConfigError(
            f"no Dask scheduler answers at {where}: what was asked waits until one does"
        ) from error
