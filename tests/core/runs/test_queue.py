"""Who trains next, how many at once, and what a server allows."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import filelock
import pytest
from running import config, wait_for_state

from vae_core import runs
from vae_core.config import TrainConfig
from vae_core.errors import ConfigError
from vae_core.jobs import processes
from vae_core.runs import folders, queue, trash


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


def of_cores(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    """Let the machine have so many cores."""
    monkeypatch.setattr("os.sched_getaffinity", lambda process: range(count), raising=False)
    monkeypatch.setattr("os.cpu_count", lambda: count)


def order(root: Path) -> list[str]:
    """Names of the queued runs in turn."""
    return [one.folder.name for one in runs.queue_order(runs.statuses(root))]


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


def test_turns_hold_from_one_end_to_the_next(
    tmp_path: Path, begun: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One slot: who trained just now waits until the other had a turn, however long theirs wait."""
    monkeypatch.setenv("VAE_RUNS_AT_ONCE", "1")
    for number in range(4):
        laid(tmp_path, f"bob-{number}", "bob", age=100 - number)
    for number in range(2):
        laid(tmp_path, f"cat-{number}", "cat", age=10 - number)
    foreseen = order(tmp_path)
    while order(tmp_path):
        runs.advance(tmp_path)
        folder = tmp_path / begun[-1]
        with training(folder):
            processes.take(folder)
        runs.append(folder, "state", state="finished", step=45)
    assert begun == ["bob-0", "cat-0", "bob-1", "cat-1", "bob-2", "bob-3"]
    assert foreseen == begun


def test_who_resumes_takes_a_turn(tmp_path: Path, begun: list[str]) -> None:
    """Whose run went on last comes after who has waited since, though it is younger."""
    laid(tmp_path, "bob-0", "bob", age=100)
    laid(tmp_path, "bob-1", "bob", age=90)
    laid(tmp_path, "cat-0", "cat", age=80)
    laid(tmp_path, "cat-1", "cat", age=5)
    for name in ("bob-0", "cat-0", "bob-0"):
        runs.append(tmp_path / name, "state", state="running", step=0)
        runs.append(tmp_path / name, "state", state="paused", step=3)
        time.sleep(0.01)  # what is told is told to the millisecond
    assert order(tmp_path) == ["cat-1", "bob-1"]


def test_a_waiting_resume_keeps_its_place(tmp_path: Path, begun: list[str]) -> None:
    """However often its lingering trainer looks, it has waited since it was asked."""
    for name in ("first", "second"):
        runs.append(laid(tmp_path, name), "state", state="paused", step=3)
        processes.enqueue(tmp_path / name, "run")
    asked = {one.folder.name: one.queued_since for one in runs.statuses(tmp_path)}
    processes.request_settings(tmp_path / "first", {"beta": 2.0})
    assert processes.take(tmp_path / "first").settings == {"beta": 2.0}
    assert order(tmp_path) == ["first", "second"]
    assert {one.folder.name: one.queued_since for one in runs.statuses(tmp_path)} == asked


def test_a_bad_run_leaves_the_others_as_they_are(
    tmp_path: Path, begun: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run with a change that cannot be is told as failed, one that vanishes is left out.

    The queue goes on with the others.
    """
    bad, well, gone = (laid(tmp_path, name, age=9) for name in ("bad", "well", "gone"))
    runs.append(bad, "change", step=1, settings={"beta": -1.0})
    for settings in ("x", ["beta"], {"beta": "much"}, None):
        runs.append(well, "change", step=1, settings=settings)
    runs.append(well, "epoch", epoch=0, step="x", seconds=None)
    listed = folders.list_runs(tmp_path)
    monkeypatch.setattr(folders, "list_runs", lambda root: listed)
    shutil.rmtree(gone)
    found = {one.folder.name: one for one in runs.statuses(tmp_path)}
    assert {name: one.state for name, one in found.items()} == {"bad": "failed", "well": "queued"}
    assert "a change that cannot be made: beta -1.0" in found["bad"].message
    assert found["bad"].config == runs.read_config(bad)
    runs.advance(tmp_path)
    assert begun == ["well"]
    runs.change(bad, beta=2.0)
    assert runs.status(bad).state == "queued"
    runs.append(bad, "change", step=3, settings={"treasure": 1.0})
    runs.rewind(bad)
    assert runs.status(bad).state == "paused"


def test_place_and_estimate(tmp_path: Path) -> None:
    """Two slots, one free in 2 s and one in 20 s; each waiting run takes 3 epochs of 1 s or 10 s.

    Where nothing like it was trained before, nobody can tell.
    """
    for name, age in (("a", 9), ("b", 8), ("c", 7), ("d", 6), ("e", 5)):
        laid(tmp_path, name, age=age)
    with training(tmp_path / "a", seconds=10), training(tmp_path / "b", seconds=1):
        places = runs.queue_positions(runs.statuses(tmp_path), at_once=2)
        assert [places[name].number for name in "cde"] == [1, 2, 3]
        waits = [places[name].seconds for name in "cde"]
        assert waits == pytest.approx([2.0, 2.0 + 3.0, 2.0 + 6.0])
    (tmp_path / "b" / runs.EVENTS).unlink()
    with training(tmp_path / "a", seconds=10), training(tmp_path / "b"):
        places = runs.queue_positions(runs.statuses(tmp_path), at_once=2)
        assert [places[name].seconds for name in "cde"] == [None] * 3


def test_an_estimate_counts_threads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two slots, free in 2 s and in 20 s: a run of two threads waits for both, nobody overtakes."""
    of_cores(monkeypatch, 2)
    laid(tmp_path, "a", age=9)
    laid(tmp_path, "b", age=8)
    laid(tmp_path, "wide", age=7, threads=2)
    laid(tmp_path, "c", age=6)
    with training(tmp_path / "a", seconds=10), training(tmp_path / "b", seconds=1):
        places = runs.queue_positions(runs.statuses(tmp_path), at_once=2)
        waits = [places[name].seconds for name in ("wide", "c")]
        assert waits == pytest.approx([20.0, 20.0 + 3.0])
    runs.append(tmp_path / "a", "state", state="finished", step=45)
    runs.append(tmp_path / "b", "state", state="finished", step=45)
    with training(tmp_path / "wide", seconds=4):
        places = runs.queue_positions(runs.statuses(tmp_path), at_once=2)
        assert places["c"].seconds == pytest.approx(8.0), "it takes both slots"


def test_no_more_at_once_than_allowed(
    tmp_path: Path, begun: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run of several threads counts as so many, and nobody overtakes it."""
    of_cores(monkeypatch, 2)
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


def test_who_asks_waits_for_who_gives_turns(tmp_path: Path, begun: list[str]) -> None:
    """Another may have looked before this trainer ended: whoever passes a turn on looks again."""
    laid(tmp_path, "a")
    held = threading.Event()

    def give_turns() -> None:
        with filelock.FileLock(tmp_path / queue.QUEUE_LOCK):
            held.set()
            time.sleep(0.5)

    other = threading.Thread(target=give_turns)
    other.start()
    held.wait()
    runs.start_next(tmp_path / "ended")
    assert begun == ["a"]
    other.join()


def at_once(count: int, work: Callable[[], None]) -> None:
    """Begin the same work in several processes at the same moment, and wait for all."""
    context = multiprocessing.get_context("fork")
    ready = context.Barrier(count)

    def begin() -> None:
        ready.wait(120)
        work()

    servers = [context.Process(target=begin) for _ in range(count)]
    for server in servers:
        server.start()
    for server in servers:
        server.join(120)
    assert [server.exitcode for server in servers] == [0] * count


def noting(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Write down which trainers are started, instead of starting them."""

    def start(folder: Path, worker: Sequence[str]) -> None:
        with file.open("a") as begun:
            begun.write(folder.name + " ")

    monkeypatch.setattr(processes, "start", start)


def test_two_servers_give_each_run_one_turn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two processes that advance the same queue again and again begin each run once."""
    names = [laid(tmp_path, f"run-{number}", age=9).name for number in range(6)]
    noting(tmp_path / "begun", monkeypatch)

    def advance() -> None:
        since = time.monotonic()
        while (seconds := time.monotonic() - since) < 2:
            runs.advance(tmp_path, at_once=3 + int(seconds))

    at_once(2, advance)
    assert (tmp_path / "begun").read_text().split() == names[:4]


def test_two_servers_start_a_run_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Eight processes that begin the same run at the same moment give it one trainer."""
    folder = laid(tmp_path, "run")
    noting(tmp_path / "begun", monkeypatch)
    at_once(8, lambda: processes.request(folder, "run", worker=["train"]))
    assert (tmp_path / "begun").read_text() == "run "


def _look(folder: Path, until: float) -> bool:
    seen = False
    while time.time() < until:
        seen = seen or processes.is_alive(folder)
    return seen


def test_many_who_look_do_not_see_a_trainer_in_each_other(tmp_path: Path) -> None:
    """Thirty sessions watch an interrupted run: to none of them it seems alive."""
    folder = laid(tmp_path, "run")
    with processes.worker_lock(folder):
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


def test_two_who_submit_at_once_share_the_limit(
    tmp_path: Path, begun: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last place is given once."""
    monkeypatch.setenv("VAE_MAX_RUNS", "1")
    real = folders.create

    def slow(folder: Path, config: runs.RunConfig) -> Path:
        time.sleep(0.3)
        return real(folder, config)

    monkeypatch.setattr(folders, "create", slow)
    refused: list[str] = []

    def submit(name: str) -> None:
        try:
            runs.submit(tmp_path, config(name, owner=name))
        except ConfigError as error:
            refused.append(str(error))

    both = [threading.Thread(target=submit, args=(name,)) for name in ("ann", "bob")]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert len(runs.list_runs(tmp_path)) == len(begun) == 1
    assert refused == ["1 trainings wait or run here, as many as are allowed; try again later"]


def test_a_run_that_states_no_threads_has_its_share(
    tmp_path: Path, begun: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Eight cores for two at once are four for each, and both begin; what is stated holds."""
    of_cores(monkeypatch, 8)
    monkeypatch.setenv("VAE_RUNS_AT_ONCE", "2")
    stated = config("stated")
    open_ = stated.model_copy(update={"training": TrainConfig(dataset="digits", epochs=3)})
    threads = [
        runs.read_config(runs.submit(tmp_path, one)).training.threads
        for one in (open_, stated, config("many", threads=16))
    ]
    assert threads == [4, 1, 16]
    assert begun == ["stated", "stated-2"]
    monkeypatch.setenv("VAE_RUNS_AT_ONCE", "6")
    runs.advance(tmp_path)
    assert begun == ["stated", "stated-2"], "sixteen threads want all six places"


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
    runs.start_next(tmp_path / "elsewhere" / "gone")
    assert runs.status(alone).state == "queued"
    first, second = (
        runs.submit(tmp_path / "runs", config(name, epochs=1)) for name in ("first", "second")
    )
    assert runs.status(second).state == "queued"
    wait_for_state(second, "finished")
    assert runs.status(first).state == "finished"


def test_turns_empty_the_trash_of_what_is_old(tmp_path: Path, begun: list[str]) -> None:
    """A day after it was deleted a run is gone; what was deleted just now stays."""
    for name in ("old", "new"):
        runs.delete(laid(tmp_path, name))
    yesterday = time.time() - 25 * 3600
    os.utime(tmp_path / trash.FOLDER / "old", (yesterday, yesterday))
    runs.advance(tmp_path)
    assert runs.deleted(tmp_path) == ["new"]


def test_a_run_of_long_ago_is_no_old_trash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its day begins when it is deleted, even if the server is killed right then."""
    folder = laid(tmp_path, "run")
    real = Path.rename

    def killed(self: Path, target: Path) -> Path:
        real(self, target)
        raise KeyboardInterrupt

    ages_ago = time.time() - 1e6
    os.utime(folder, (ages_ago, ages_ago))
    monkeypatch.setattr(Path, "rename", killed)
    with pytest.raises(KeyboardInterrupt):
        trash.put(folder)
    assert runs.purge(tmp_path) == []
    assert runs.deleted(tmp_path) == ["run"]
