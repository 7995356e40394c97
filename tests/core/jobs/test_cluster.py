"""What is known of a cluster while its scheduler does not answer."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from running import config, wait_for

from vae_core import runs
from vae_core.errors import ConfigError
from vae_core.jobs import cluster, processes

FAULT = "no Dask scheduler answers"


class Silent:
    """A scheduler that takes its time, and then does not answer."""

    def __init__(self) -> None:
        self.asked = 0
        self.goes_on = threading.Event()

    def __call__(self, where: str) -> None:
        """Try to connect."""
        self.asked += 1
        self.goes_on.wait(30)
        raise ConfigError(FAULT)


@pytest.fixture
def silent(monkeypatch: pytest.MonkeyPatch) -> Iterator[Silent]:
    """Let nobody answer, at once until told otherwise, and answers be old as soon as given."""
    scheduler = Silent()
    scheduler.goes_on.set()
    monkeypatch.setenv(cluster.ENVIRONMENT_VARIABLE, f"tcp://{time.time()}:9")
    monkeypatch.setattr(cluster, "_client", scheduler)
    monkeypatch.setattr(cluster, "CACHED_SECONDS", 0.0)
    yield scheduler
    scheduler.goes_on.set()
    for query in cluster._queries.values():
        query.join()


def seconds(act: Callable[[], object]) -> float:
    """Measure how long something takes."""
    began = time.monotonic()
    act()
    return time.monotonic() - began


def test_nobody_waits_twice_for_a_scheduler(silent: Silent) -> None:
    """The first look is waited for; later ones go on beside whoever asks, one at a time."""
    assert runs.limits().at_once == 1
    assert silent.asked == 1
    silent.goes_on.clear()
    assert seconds(lambda: [cluster.threads() for _ in range(20)]) < 1.0
    wait_for(lambda: silent.asked == 2)
    with pytest.raises(ConfigError, match=FAULT):
        cluster.submit(print, key="x")
    assert silent.asked == 2, "who submits is refused at once while nobody answers"


def test_trainings_are_shown_while_no_scheduler_answers(silent: Silent, tmp_path: Path) -> None:
    """What keeps the turns is a sentence; the run keeps its place."""
    with pytest.raises(ConfigError, match=FAULT):
        runs.submit(tmp_path, config())
    assert runs.try_advance(tmp_path) == FAULT
    (waiting,) = runs.statuses(tmp_path)
    assert waiting.state == "queued"
    assert waiting.queued_since == pytest.approx(runs.read_config(waiting.folder).created)
    assert processes.peek(waiting.folder).waits


def test_a_scheduler_that_answers_again_is_heard(
    silent: Silent, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The look that goes on beside finds it, and what is submitted then reaches it."""
    cluster.threads()
    with pytest.raises(ConfigError, match=FAULT):
        cluster.submit(print, key="x")

    class Answering:
        def __enter__(self) -> Answering:
            return self

        def __exit__(self, *error: object) -> None:
            pass

        def nthreads(self) -> dict[str, int]:
            return {"a": 2, "b": 3}

    monkeypatch.setattr(cluster, "_client", lambda where: Answering())
    wait_for(lambda: cluster.threads() == 5)
    with cluster._connected() as client:
        assert isinstance(client, Answering)
