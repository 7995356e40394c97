"""Short trainings on the bundled digits, in threads of the test's own process."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from vae_core import model_folder, runs
from vae_core.config import ModelConfig, TrainConfig
from vae_core.errors import LatentExplorerError
from vae_core.jobs import processes
from vae_core.runs import RunConfig

PATIENCE = 240.0  # seconds that a busy machine may take


def config(name: str = "digits", *, owner: str = "", **training: Any) -> RunConfig:
    """Describe a training that takes a second or so: 15 steps an epoch."""
    chosen = {"dataset": "digits", "epochs": 3, "batch_size": 100, "threads": 1} | training
    return RunConfig(
        name=name,
        model=ModelConfig(image_shape=(1, 8, 8), latent_dim=2, hidden=(24,)),
        training=TrainConfig(**chosen),
        owner=owner,
    )


def run(folder: Path, **training: Any) -> Path:
    """Train to the end in this process."""
    runs.create(folder, config(**training))
    assert runs.execute(folder) == "finished"
    return folder


def weights(folder: Path) -> bytes:
    """Return the final weights' bytes."""
    return (folder / model_folder.WEIGHTS).read_bytes()


def wait_for(condition: Callable[[], bool], what: object = "it never came") -> None:
    """Wait until something holds."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, what() if callable(what) else what
        time.sleep(0.02)


def wait_for_state(folder: Path, *states: str) -> runs.RunStatus:
    """Wait until a run stands so."""
    wait_for(lambda: runs.status(folder).state in states, lambda: runs.status(folder))
    return runs.status(folder)


@contextlib.contextmanager
def trainers_in_threads(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Path]]:
    """Let trainers be threads, which start at once; yields whom they were started for.

    Those that are left at the end are asked to leave.
    """
    started: list[Path] = []
    threads: list[threading.Thread] = []

    def train(folder: Path) -> None:
        with contextlib.suppress(LatentExplorerError, FileNotFoundError):
            runs.execute(folder)

    def start(folder: Path, worker: Sequence[str]) -> None:
        started.append(folder)
        threads.append(threading.Thread(target=train, args=(folder,)))
        threads[-1].start()

    monkeypatch.setattr(processes, "start", start)
    try:
        yield started
    finally:
        for folder in started:
            if folder.is_dir() and processes.is_alive(folder):
                processes.request(folder, "leave", worker=())
        for thread in threads:
            thread.join(PATIENCE)
            assert not thread.is_alive()
