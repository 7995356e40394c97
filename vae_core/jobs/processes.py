"""Work in a process of its own, steered through its folder.

================  ==============================================================
``control``       what the worker is requested to do; it takes the file away
``control.lock``  held for the moment in which ``control`` is read or written
``lock``          held by the worker for as long as its process lives
``worker.log``    what it wrote on stderr
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
#: The dashboard answers first.
NICE = 10
#: A worker that was asked to start and reported nothing for so many seconds never will.
STARTING = 60.0

#: Go on; go on for one step or one epoch; wait; end with what there is; end as if paused.
Command = Literal["run", "step", "epoch", "pause", "stop", "leave"]
#: Commands that need a worker; the others mean nothing where there is none.
STARTERS = ("run", "step", "epoch", "stop")
#: Starts a worker for a folder with arguments of ``python -m vae_core``; :func:`start` is one.
Starter = Callable[[Path, Sequence[str]], None]


@dataclass(frozen=True)
class Requested:
    """What a worker is requested to do."""

    command: str = "none"
    settings: Mapping[str, float] = field(default_factory=dict)  # to go on with
    waits: bool = False  # whether the command waits for its turn, and is not to be obeyed yet
    since: float = 0.0  # when the command was requested, by the clock
    started: float = 0.0  # when a worker was started that has not come yet; 0 where there is none


def is_alive(folder: Path) -> bool:
    """Whether a worker's process holds the folder's lock."""
    try:
        file = (folder / LOCK).open("rb")
    except FileNotFoundError:
        return False
    with file:
        if fcntl is None:
            return _is_locked(folder)
        try:
            # Shared, so that many who look at once do not take each other for the worker.
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
    """Hold the folder's lock; what was requested and not taken at the end is dropped.

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
    """Hold what a folder's worker is requested: meanwhile nobody else asks, and it takes nothing.

    May be held again by who holds it; where both are wanted, before the folder's lock.
    """
    return filelock.FileLock(folder / CONTROL_LOCK, is_singleton=True)


def request(
    folder: Path, command: Command, *, worker: Sequence[str], starter: Starter | None = None
) -> None:
    """Ask for work to go on, to pause, or to end with what it has; returns at once.

    Parameters
    ----------
    worker
        Arguments of ``python -m vae_core`` that start a worker for the folder where there is
        none and the command needs one.
    starter
        Where that is: a process of this machine when left out.
    """
    with request_lock(folder):
        before, now = peek(folder), time.time()
        # Who is on the way will take the newest command.
        starts = command in STARTERS and not has_worker(folder)
        started = now if starts else before.started
        _write_request(folder, Requested(command, before.settings, since=now, started=started))
        if starts:
            (starter or start)(folder, worker)


def enqueue(folder: Path, command: Command, *, since: float | None = None) -> None:
    """Note what shall be requested for when it is this folder's turn.

    Parameters
    ----------
    since
        When its place in the queue was taken: now when left out.
    """
    with request_lock(folder):
        when = time.time() if since is None else since
        _write_request(folder, Requested(command, peek(folder).settings, waits=True, since=when))


def request_settings(folder: Path, settings: Mapping[str, float]) -> None:
    """Ask a worker to go on with other settings; what else it was requested stays."""
    with request_lock(folder):
        before = peek(folder)
        _write_request(folder, replace(before, settings={**before.settings, **settings}))


def peek(folder: Path) -> Requested:
    """Read what the worker is requested to do, and leave it to the worker."""
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
    """Take what the worker is requested to do, "none" where nobody requested.

    Each request is obeyed once, so that a later resume does not stop at an old one. A command
    that waits for its turn stays, and so do settings that a full disk does not let go.
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
    """Note, as a worker that holds the folder's lock, that it has come."""
    with request_lock(folder):
        requested = peek(folder)
        if requested.started:
            with contextlib.suppress(LatentExplorerError):  # it is seen at work anyway
                _write_request(folder, replace(requested, started=0.0))


def clear_request(folder: Path) -> None:
    """Drop what was requested, a command that waits for its turn included."""
    with request_lock(folder):
        (folder / CONTROL).unlink(missing_ok=True)


def is_starting(folder: Path) -> bool:
    """Whether a worker was started of late and has not come yet."""
    return abs(time.time() - peek(folder).started) < STARTING


def has_worker(folder: Path) -> bool:
    """Whether a worker is there, or on its way."""
    return is_alive(folder) or is_starting(folder)


def start(folder: Path, worker: Sequence[str]) -> None:
    """Start a worker for a folder as a process of this machine, of low priority."""
    with (folder / LOG).open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "vae_core", *worker],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=log,
            start_new_session=True,
        )
    _lower_priority(process.pid)
    # Somebody has to wait for it: a process that ended stays in the table until then.
    threading.Thread(target=process.wait, daemon=True).start()


def _lower_priority(process: int) -> None:
    """Lower a new worker's priority, so that pages stay quick while it works."""
    with contextlib.suppress(OSError):  # it may have ended already
        if hasattr(os, "setpriority"):
            os.setpriority(os.PRIO_PROCESS, process, NICE)
        # A session of its own is a group of its own to Linux, which weighs groups alike first.
        group = Path(f"/proc/{process}/autogroup")
        if group.exists():
            group.write_text(str(NICE))


def _write_request(folder: Path, requested: Requested) -> None:
    try:
        write_atomically(folder / CONTROL, json.dumps(asdict(requested)).encode())
    except OSError as error:
        raise LatentExplorerError(f"{folder.name} cannot be told: {error.strerror}") from error
