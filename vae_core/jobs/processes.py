"""Run work in a separate process that is controlled through files in its folder.

================  ==============================================================
``control``       the request to the worker, which removes the file when it reads it
``control.lock``  held while ``control`` is read or written
``lock``          held by the worker until its process ends
``worker.log``    the worker's stderr
================  ==============================================================
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Literal

import filelock

from vae_core.errors import ConfigError, LatentExplorerError
from vae_core.files import write_atomically

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

CONTROL, CONTROL_LOCK, LOCK, LOG = "control", "control.lock", "lock", "worker.log"
#: Niceness of workers, so that the dashboard stays responsive.
NICE = 10
#: Seconds after which a worker that was started and has not reported is taken for lost.
STARTING = 60.0

#: Continue; continue for one step or epoch; pause; end with the current result; end as if paused.
Command = Literal["run", "step", "epoch", "pause", "stop", "leave"]
#: Commands that need a worker; the others have no effect without one.
STARTERS = ("run", "step", "epoch", "stop")
#: Function that starts a worker for a folder, with arguments of ``python -m vae_core``.
Starter = Callable[[Path, Sequence[str]], None]


@dataclass(frozen=True)
class Requested:
    """Request to a worker, as in the control file."""

    command: str = "none"
    settings: Mapping[str, float] = field(default_factory=dict)  # new settings
    waits: bool = False  # whether the command is queued and must not be obeyed yet
    since: float = 0.0  # Unix time of the request
    started: float = (
        0.0  # Unix time at which a worker was started that has not reported yet, else 0
    )


def is_alive(folder: Path) -> bool:
    """Return whether a worker's process holds the folder's lock."""
    try:
        file = (folder / LOCK).open("rb")
    except FileNotFoundError:
        return False
    with file:
        if fcntl is None:
            return _is_locked(folder)
        try:
            # A shared lock, so that concurrent callers do not take each other for the worker.
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def _is_locked(folder: Path) -> bool:
    try:
        with filelock.FileLock(folder / LOCK).acquire(timeout=0):
            return False
    except filelock.Timeout:
        return True


@contextlib.contextmanager
def worker_lock(folder: Path) -> Iterator[None]:
    """Hold the folder's lock for the block; drop a request that is still unread at its end.

    Raises
    ------
    ConfigError
        If another process holds it.
    """
    lock = filelock.FileLock(folder / LOCK)
    try:
        lock.acquire(timeout=5)
    except filelock.Timeout as error:
        raise ConfigError(f"{folder.name} is being worked on by another process") from error
    try:
        yield
    finally:
        try:
            if folder.is_dir():  # it may have been moved away
                take(folder)
        finally:
            lock.release()


def request_lock(folder: Path) -> filelock.BaseFileLock:
    """Return the lock of the control file: whoever holds it alone reads and writes requests.

    It is reentrant. Acquire it before the folder's lock if both are needed.
    """
    return filelock.FileLock(folder / CONTROL_LOCK, is_singleton=True)


def request(
    folder: Path, command: Command, *, worker: Sequence[str], starter: Starter | None = None
) -> None:
    """Request that work continues, pauses or ends, without waiting for it.

    Parameters
    ----------
    worker
        Arguments of ``python -m vae_core`` that start a worker for the folder, if the command
        needs one and there is none.
    starter
        Starts that worker; by default as a process of this host.
    """
    with request_lock(folder):
        before, now = peek(folder), time.time()
        # A worker that is starting will read the newest command.
        starts = command in STARTERS and not has_worker(folder)
        started = now if starts else before.started
        _write_request(folder, Requested(command, before.settings, since=now, started=started))
        if starts:
            (starter or start)(folder, worker)


def enqueue(folder: Path, command: Command, *, since: float | None = None) -> None:
    """Queue a command: it is written to the control file and marked as waiting.

    Parameters
    ----------
    since
        Unix time at which it joined the queue; by default now.
    """
    with request_lock(folder):
        when = time.time() if since is None else since
        _write_request(folder, Requested(command, peek(folder).settings, waits=True, since=when))


def request_settings(folder: Path, settings: Mapping[str, float]) -> None:
    """Request other settings of a worker; a command that it has not read yet stays."""
    with request_lock(folder):
        before = peek(folder)
        _write_request(folder, replace(before, settings={**before.settings, **settings}))


def peek(folder: Path) -> Requested:
    """Read the request to the worker without removing it."""
    try:
        values = json.loads((folder / CONTROL).read_bytes())
        return Requested(
            command=str(values["command"]),
            settings=dict(values["settings"]),
            waits=bool(values["waits"]),
            since=float(values.get("since", 0.0)),
            started=float(values.get("started", 0.0)),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError):
        return Requested()


def take(folder: Path) -> Requested:
    """Read and remove the request to the worker; its command is "none" if there is no request.

    Each request is obeyed once, so that a later resume does not stop at an old one. A queued
    command stays, and so do settings if a full disk prevents their removal.
    """
    if not (folder / CONTROL).exists():
        return Requested()
    with request_lock(folder):
        requested = peek(folder)
        if not requested.waits:
            (folder / CONTROL).unlink(missing_ok=True)
            return requested
        if requested.settings:
            try:
                _write_request(folder, replace(requested, settings={}))
            except LatentExplorerError:
                return Requested()
        return Requested(settings=requested.settings)


def mark_started(folder: Path) -> None:
    """Record that the worker has started; called by the worker, which holds the folder's lock."""
    with request_lock(folder):
        requested = peek(folder)
        if requested.started:
            with contextlib.suppress(LatentExplorerError):  # its lock shows that it has started
                _write_request(folder, replace(requested, started=0.0))


def clear_request(folder: Path) -> None:
    """Remove the request to the worker, a queued command included."""
    with request_lock(folder):
        (folder / CONTROL).unlink(missing_ok=True)


def is_starting(folder: Path) -> bool:
    """Return whether a worker was started recently and has not reported yet."""
    return abs(time.time() - peek(folder).started) < STARTING


def has_worker(folder: Path) -> bool:
    """Return whether a worker is alive or starting."""
    return is_alive(folder) or is_starting(folder)


def start(folder: Path, worker: Sequence[str]) -> None:
    """Start a worker for a folder as a process of this host, of low priority."""
    with (folder / LOG).open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "vae_core", *worker],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=log,
            start_new_session=True,
        )
    _lower_priority(process.pid)
    # Wait for it, since an ended process stays in the process table until then.
    threading.Thread(target=process.wait, daemon=True).start()


def _lower_priority(process: int) -> None:
    """Lower a new worker's priority, so that pages stay responsive while it works."""
    with contextlib.suppress(OSError):  # it may have ended already
        if hasattr(os, "setpriority"):
            os.setpriority(os.PRIO_PROCESS, process, NICE)
        # Linux shares the processor among sessions before it looks at the niceness of processes.
        group = Path(f"/proc/{process}/autogroup")
        if group.exists():
            group.write_text(str(NICE))


def _write_request(folder: Path, requested: Requested) -> None:
    try:
        write_atomically(folder / CONTROL, json.dumps(asdict(requested)).encode())
    except OSError as error:
        raise LatentExplorerError(
            f"the request to {folder.name} cannot be written: {error.strerror}"
        ) from error
