"""Who trains next, how many at once, and what a server allows."""

from __future__ import annotations

import contextlib
import multiprocessing
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import filelock
import pytest
from running import config, wait_for_state

from vae_core import processes, runs
from vae_core.errors import ConfigError
from vae_core.runs import queue


def laid(root: Path, name: str, owner: str = "", *, age: float = 0.0, threads: int = 1) -> Path:
    """Lay a run that has waited for ``age`` seconds."""
    folder = runs.create(root / name, config(name, owner=owner, threads=threads))
    aged = runs.read_config(folder).model_copy(update={"created": time.time() - age})
    (folder / runs.CONFIG).write_text(aged.model_dump_json())
    return folder


@contextlib.contextmanager
def training(folder: Path, *, seconds: float | None = None) -> Iterator[None]:
    """Hold a run as its trainer would, one epoch of ``seconds`` behind it."""
    runs.append(folder, "state", state="running")
    if seconds is not None:
        runs.append(folder, "epoch", epoch=1, step=15, seconds=seconds)
    with filelock.FileLock(folder / processes.LOCK):
        yield


def order(root: Path) -> list[str]:
    """Names of the queued runs in turn."""
    return [one.folder.name for one in runs.in_turn(runs.stands(root))]


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the names of the runs that would have been given a trainer."""
    names: list[str] = []
    monkeypatch.setattr(processes, "start", lambda folder, worker: names.append(folder.name))
    return names


def test_owners_take_turns(tmp_path: Path) -> None:
    """Ten runs of one session do not keep another's first waiting; who trains already is last."""
    for number in range(3):
        laid(tmp_path, f"ann-{number}", "ann", age=100 - number)
    laid(tmp_path, "bob-0", "bob", age=10)
    laid(tmp_path, "cat-0", "cat", age=5)
    laid(tmp_path, "cat-1", "cat", age=4)
    assert order(tmp_path) == ["ann-0", "bob-0", "cat-0", "ann-1", "cat-1", "ann-2"]
    with training(tmp_path / "ann-0"):
        assert order(tmp_path) == ["bob-0", "cat-0", "ann-1", "cat-1", "ann-2"]


def test_place_and_estimate(tmp_path: Path) -> None:
    """Two slots, one free in 2 s and one in 20 s; each waiting run takes 3 epochs of 1 s or 10 s.

    Where nothing like it was trained before, nobody can tell.
    """
    for name, age in (("a", 9), ("b", 8), ("c", 7), ("d", 6), ("e", 5)):
        laid(tmp_path, name, age=age)
    with training(tmp_path / "a", seconds=10), training(tmp_path / "b", seconds=1):
        places = runs.places(runs.stands(tmp_path), at_once=2)
        assert [places[name].number for name in "cde"] == [1, 2, 3]
        waits = [places[name].seconds for name in "cde"]
        assert waits == pytest.approx([2.0, 2.0 + 3.0, 2.0 + 6.0])
    (tmp_path / "b" / runs.EVENTS).unlink()
    with training(tmp_path / "a", seconds=10), training(tmp_path / "b"):
        places = runs.places(runs.stands(tmp_path), at_once=2)
        assert [places[name].seconds for name in "cde"] == [None] * 3


def test_no_more_at_once_than_allowed(
    tmp_path: Path, begun: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run of several threads counts as so many, and nobody overtakes it."""
    laid(tmp_path, "a", age=9)
    laid(tmp_path, "b", age=8, threads=2)
    laid(tmp_path, "c", age=7)
    monkeypatch.setenv("VAE_RUNS_AT_ONCE", "2")
    runs.advance(tmp_path)
    assert begun == ["a"], "b needs two threads, c does not overtake"
    runs.advance(tmp_path)
    assert begun == ["a"], "a is on its way"
    monkeypatch.setenv("VAE_RUNS_AT_ONCE", "3")
    runs.advance(tmp_path)
    assert begun == ["a", "b"]


def test_one_advances_at_a_time(tmp_path: Path, begun: list[str]) -> None:
    """While another server starts runs, this one leaves it to that."""
    laid(tmp_path, "a")
    with filelock.FileLock(tmp_path / queue.QUEUE_LOCK):
        runs.advance(tmp_path)
    assert not begun
    runs.advance(tmp_path)
    assert begun == ["a"]


def test_two_servers_start_a_run_once(tmp_path: Path) -> None:
    """Eight processes that begin the same run at the same moment give it one trainer."""
    folder = laid(tmp_path, "run")
    code = (
        "import pathlib, sys, time\n"
        "from vae_core import processes\n"
        "folder = pathlib.Path(sys.argv[1])\n"
        "processes.start = lambda f, w: (f / 'started').open('a').write('x')\n"
        "while time.time() < float(sys.argv[2]): pass\n"
        "processes.request(folder, 'run', worker=['train'])\n"
    )
    when = str(time.time() + 3)
    servers = [
        subprocess.Popen([sys.executable, "-c", code, str(folder), when], cwd=Path.cwd())
        for _ in range(8)
    ]
    assert [server.wait(120) for server in servers] == [0] * 8
    assert (folder / "started").read_text() == "x"


def _look(folder: Path, until: float) -> bool:
    seen = False
    while time.time() < until:
        seen = seen or processes.is_alive(folder)
    return seen


def test_many_who_look_do_not_see_a_trainer_in_each_other(tmp_path: Path) -> None:
    """Thirty sessions watch an interrupted run: to none of them it seems alive."""
    folder = laid(tmp_path, "run")
    with processes.held(folder):
        pass
    until = time.time() + 2
    with multiprocessing.get_context("fork").Pool(4) as pool:
        assert pool.starmap(_look, [(folder, until)] * 4) == [False] * 4


def test_limits_are_read_from_the_environment(
    tmp_path: Path, begun: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In total, for each session, and all of it turned off; the sentence says which."""
    monkeypatch.setenv("VAE_MAX_RUNS", "3")
    monkeypatch.setenv("VAE_MAX_RUNS_PER_SESSION", "2")
    for _ in range(2):
        runs.submit(tmp_path, config(owner="ann"))
    with pytest.raises(ConfigError, match="2 of your trainings"):
        runs.submit(tmp_path, config(owner="ann"))
    runs.submit(tmp_path, config(owner="bob"))
    with pytest.raises(ConfigError, match="3 trainings wait or run here"):
        runs.submit(tmp_path, config(owner="cat"))
    assert [folder.name for folder in runs.list_runs(tmp_path)] == [
        "digits",
        "digits-2",
        "digits-3",
    ]
    monkeypatch.setenv("VAE_TRAINING", "off")
    for refused in (
        lambda: runs.submit(tmp_path, config(owner="dan")),
        lambda: runs.resume(tmp_path / "digits"),
    ):
        with pytest.raises(ConfigError, match="training is turned off here"):
            refused()
    before = list(begun)
    runs.advance(tmp_path)
    assert begun == before


def test_threads_are_divided(monkeypatch: pytest.MonkeyPatch) -> None:
    """All trainings that may run at once have the cores among them."""
    monkeypatch.setattr("os.sched_getaffinity", lambda process: range(8), raising=False)
    assert (runs.limits().at_once, runs.limits().threads) == (8, 1)
    monkeypatch.setenv("VAE_RUNS_AT_ONCE", "2")
    assert (runs.limits().at_once, runs.limits().threads) == (2, 4)
    monkeypatch.setenv("VAE_RUNS_AT_ONCE", "20")
    assert runs.limits().threads == 1


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("VAE_RUNS_AT_ONCE", "many", "1 to 10000"),
        ("VAE_MAX_RUNS", "0", "1 to 10000"),
        ("VAE_TRAINING", "perhaps", "on and off"),
    ],
)
def test_a_wrong_limit_is_named(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, allowed: str
) -> None:
    """With its value and what is allowed."""
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError, match=f"{name} '{value}': allowed are {allowed}"):
        runs.limits()


def test_a_full_disk_takes_no_new_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anything is written."""
    monkeypatch.setattr(
        "shutil.disk_usage", lambda path: type("Usage", (), {"free": 2**20, "total": 2**30})
    )
    with pytest.raises(ConfigError, match="less than 64 MB"):
        runs.submit(tmp_path, config())
    assert runs.list_runs(tmp_path) == []


def test_a_queue_goes_on_when_nobody_looks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The trainer that ends gives its turn to the next; a run of no queue to nobody."""
    monkeypatch.setenv("VAE_RUNS_AT_ONCE", "1")
    alone = laid(tmp_path / "elsewhere", "alone")
    runs.pass_on(tmp_path / "elsewhere" / "gone")
    assert runs.status(alone).state == "queued"
    first, second = (
        runs.submit(tmp_path / "runs", config(name, epochs=1)) for name in ("first", "second")
    )
    assert runs.status(second).state == "queued"
    wait_for_state(second, "finished")
    assert runs.status(first).state == "finished"
