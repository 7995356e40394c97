"""Work in a process of its own, steered through its folder.

===========  =================================================================
``control``  what the worker is asked to do: run, pause or stop
``lock``     held by the worker for as long as its process lives
``worker.log``  what it wrote on stderr
===========  =================================================================
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

import filelock

from vae_core.errors import ConfigError
from vae_core.files import write_atomically

CONTROL, LOCK, LOG = "control", "lock", "worker.log"
#: The dashboard answers first.
NICE = 5
#: A worker that was asked to start and told nothing for so many seconds never will.
STARTING = 60.0

Command = Literal["run", "pause", "stop"]


def is_alive(folder: Path) -> bool:
    """Whether a worker's process holds the folder's lock."""
    lock = filelock.FileLock(folder / LOCK)
    try:
        with lock.acquire(timeout=0):
            return False
    except filelock.Timeout:
        return True


@contextlib.contextmanager
def held(folder: Path) -> Iterator[None]:
    """Hold the folder's lock.

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
        lock.release()


def request(folder: Path, command: Command, *, worker: Sequence[str]) -> None:
    """Ask for work to go on, to pause, or to end with what it has; returns at once.

    Parameters
    ----------
    worker
        Arguments of ``python -m vae_core`` that start a worker for the folder where there is
        none, unless it shall pause.
    """
    on_its_way = is_starting(folder, since=0.0)  # it will take the newest command
    write_atomically(folder / CONTROL, command.encode())
    if command == "pause" or on_its_way or is_alive(folder):
        return
    with (folder / LOG).open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "vae_core", *worker],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=log,
            start_new_session=True,
        )
    if hasattr(os, "setpriority"):
        with contextlib.suppress(OSError):  # it may have ended already
            os.setpriority(os.PRIO_PROCESS, process.pid, NICE)
    # Somebody has to wait for it: a process that ended stays in the table until then.
    threading.Thread(target=process.wait, daemon=True).start()


def take_command(folder: Path) -> str:
    """Take what the worker is asked to do, "none" where nobody asked.

    Each request is obeyed once, so that a later resume does not stop at an old one.
    """
    taken = folder / f".{CONTROL}"
    try:
        (folder / CONTROL).replace(taken)
    except FileNotFoundError:
        return "none"
    command = taken.read_text().strip()
    taken.unlink()
    return command


def is_starting(folder: Path, *, since: float) -> bool:
    """Whether a worker was asked to start after the time ``since`` and is on its way."""
    try:
        asked = (folder / CONTROL).stat().st_mtime
        command = (folder / CONTROL).read_text().strip()
    except FileNotFoundError:
        return False
    is_new = since < asked and time.time() - asked < STARTING
    return is_new and command not in ("pause", "") and not is_alive(folder)
