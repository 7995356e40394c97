"""Workers that are steered through their folder."""

from __future__ import annotations

import errno
import subprocess
from pathlib import Path
from typing import Any

import pytest

from vae_core.jobs import processes


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Return the commands of the workers that would have been started."""
    commands: list[list[str]] = []

    class Worker:
        pid = 2**22 + 1  # above every process's number

        def __init__(self, command: list[str], **settings: Any) -> None:
            commands.append(command)

        def wait(self) -> int:
            return 0

    monkeypatch.setattr(subprocess, "Popen", Worker)
    return commands


def test_a_stop_reaches_the_worker_that_is_on_its_way(
    tmp_path: Path, started: list[list[str]]
) -> None:
    """Nobody else is started, and the worker will find the newest command."""
    processes.request(tmp_path, "run", worker=["train"])
    processes.request(tmp_path, "stop", worker=["train"])
    assert len(started) == 1
    assert processes.take(tmp_path).command == "stop"
    assert processes.take(tmp_path).command == "none"


def test_a_worker_that_took_its_command_and_is_gone_is_replaced(
    tmp_path: Path, started: list[list[str]]
) -> None:
    """A request after that starts another one."""
    processes.request(tmp_path, "run", worker=["train"])
    processes.take(tmp_path)
    processes.request(tmp_path, "run", worker=["train"])
    assert len(started) == 2


def test_a_pause_starts_nobody(tmp_path: Path, started: list[list[str]]) -> None:
    """There is nothing to pause without a worker."""
    processes.request(tmp_path, "pause", worker=["train"])
    assert not started


def test_a_live_worker_only_gets_the_request(tmp_path: Path, started: list[list[str]]) -> None:
    """While the lock is held, the command is all that is written."""
    with processes.worker_lock(tmp_path):
        assert processes.is_alive(tmp_path)
        processes.request(tmp_path, "stop", worker=["train"])
    assert not started
    assert not processes.is_alive(tmp_path)


def test_a_lock_is_let_go_whatever_happens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was asked cannot be dropped, and the folder is free nevertheless."""

    def fails(folder: Path) -> processes.Requested:
        raise OSError("the disk is gone")

    monkeypatch.setattr(processes, "take", fails)
    kept = []
    for _ in range(2):
        with (
            pytest.raises(OSError, match="the disk is gone") as caught,
            processes.worker_lock(tmp_path),
        ):
            pass
        kept.append(caught)  # and with it, the frames that know of the lock
    assert not processes.is_alive(tmp_path)


def test_a_waiting_command_is_left_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker that looks writes nothing, unless settings are taken; each is taken once.

    Where a full disk does not let them be taken, they stay.
    """
    processes.enqueue(tmp_path, "run")
    before = (tmp_path / processes.CONTROL).stat()
    for _ in range(3):
        assert processes.take(tmp_path) == processes.Requested()
    after = (tmp_path / processes.CONTROL).stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    processes.request_settings(tmp_path, {"beta": 2.0})
    full = pytest.MonkeyPatch()

    def refuses(path: Path, content: bytes) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    full.setattr(processes, "write_atomically", refuses)
    assert processes.take(tmp_path) == processes.Requested()
    full.undo()
    assert processes.take(tmp_path).settings == {"beta": 2.0}
    assert processes.take(tmp_path) == processes.Requested()
    assert processes.peek(tmp_path).waits


def test_a_pause_reaches_the_worker_that_is_on_its_way(
    tmp_path: Path, started: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is still on its way, nobody else is started, and it finds the pause when it has come."""
    processes.request(tmp_path, "run", worker=["train"])
    processes.request(tmp_path, "pause", worker=["train"])
    assert processes.is_starting(tmp_path)
    processes.request(tmp_path, "stop", worker=["train"])
    processes.request(tmp_path, "pause", worker=["train"])
    assert len(started) == 1
    with processes.worker_lock(tmp_path):
        processes.mark_started(tmp_path)
        assert not processes.is_starting(tmp_path)
        assert processes.take(tmp_path).command == "pause"


def test_a_worker_that_came_and_was_killed_is_replaced_at_once(
    tmp_path: Path, started: list[list[str]]
) -> None:
    """Though it took nothing: nobody is on the way any more."""
    processes.request(tmp_path, "run", worker=["train"])
    processes.mark_started(tmp_path)
    processes.request(tmp_path, "stop", worker=["train"])
    assert len(started) == 2
