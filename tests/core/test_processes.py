"""Workers that are steered through their folder."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from vae_core import processes


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


def test_a_live_worker_is_only_told(tmp_path: Path, started: list[list[str]]) -> None:
    """While the lock is held, the command is all that is written."""
    with processes.held(tmp_path):
        assert processes.is_alive(tmp_path)
        processes.request(tmp_path, "stop", worker=["train"])
    assert not started
    assert not processes.is_alive(tmp_path)
