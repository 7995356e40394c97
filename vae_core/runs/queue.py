"""Queue of runs: start as many as the limits allow, alternating between owners."""

from __future__ import annotations

import contextlib
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import filelock

from vae_core.errors import CheckpointError, ConfigError, LatentExplorerError
from vae_core.jobs import processes
from vae_core.runs import folders, launcher, trash
from vae_core.runs.limits import limits
from vae_core.runs.status import RunStatus, summary

QUEUE_LOCK = ".queue.lock"
#: Seconds to wait for the queue's lock while another process starts runs.
LOCK_TIMEOUT = 15.0


@dataclass(frozen=True)
class QueuePosition:
    """Position in the queue, 1 being next, and estimated seconds until the run begins."""

    number: int
    seconds: float | None


def statuses(root: Path) -> list[RunStatus]:
    """Read the summaries of all runs, oldest first."""
    found = []
    for folder in folders.list_runs(root):
        with contextlib.suppress(LatentExplorerError, OSError):  # deleted just now
            found.append(summary(folder))
    return found


def queue_order(runs: Sequence[RunStatus]) -> list[RunStatus]:
    """Return the queued runs in the order in which they will begin.

    Owners alternate: the one with fewest running trainings is first, and among those the one whose
    last training began longest ago. So every owner's second run comes after every other's first.
    The runs of one owner begin in the order in which they joined the queue.
    """
    turns = Counter(one.config.owner for one in runs if one.state == "running")
    last: dict[str, float] = {}
    for one in runs:
        last[one.config.owner] = max(last.get(one.config.owner, 0.0), one.began)
    waiting: dict[str, list[RunStatus]] = {}
    for one in sorted(runs, key=_joined, reverse=True):
        if one.state == "queued":
            waiting.setdefault(one.config.owner, []).append(one)
    now = max(last.values(), default=0.0)
    ordered = []
    while waiting:
        owner = min(waiting, key=lambda name: (turns[name], last[name], _joined(waiting[name][-1])))
        ordered.append(waiting[owner].pop())
        turns[owner] += 1
        now = last[owner] = math.nextafter(now, math.inf)  # as if it began then
        if not waiting[owner]:
            del waiting[owner]
    return ordered


def _joined(one: RunStatus) -> tuple[float, str]:
    return one.queued_since, one.folder.name


def queue_positions(
    runs: Sequence[RunStatus], *, at_once: int | None = None
) -> dict[str, QueuePosition]:
    """Return the position of each queued run, by its folder's name."""
    slots = at_once or limits().at_once
    known = [one for one in runs if one.epochs]
    free: list[float] = []  # seconds until each slot is free; infinity if unknown
    for one in runs:
        if one.state == "running":
            left = math.inf if one.seconds_left is None else one.seconds_left
            free += [left] * _size(one, slots)
    free = sorted([0.0] * (slots - len(free)) + free)[-slots:]
    begins, found = 0.0, {}
    for number, one in enumerate(queue_order(runs), 1):
        size = _size(one, slots)
        begins = max(begins, free[size - 1])  # runs do not overtake
        if math.inf in free:  # a run without an estimate may end at any time
            begins = math.inf
        found[one.folder.name] = QueuePosition(number, None if begins == math.inf else begins)
        free = sorted([*free[size:], *[begins + _duration(one, known)] * size])
    return found


def advance(root: Path, *, at_once: int | None = None, timeout: float = 0.0) -> None:
    """Start queued runs while there are free slots, and purge the trash.

    Any number of servers may call it on one folder at any time.

    Parameters
    ----------
    at_once
        Number of slots; by default ``VAE_RUNS_AT_ONCE`` or the number of cores. A training with
        more threads than a slot has takes several.
    timeout
        Seconds to wait for another process that starts runs, which may have read the folder
        before the caller's change; 0 leaves the starting to it.

    Raises
    ------
    LatentExplorerError
        If the cluster does not answer; the run keeps its position.
    """
    allowed = limits()
    if not allowed.training or not root.is_dir():
        return
    slots = at_once or allowed.at_once
    with contextlib.suppress(filelock.Timeout), _lock(root).acquire(timeout=timeout):
        trash.purge(root)
        runs = statuses(root)
        free = slots - sum(_size(one, slots) for one in runs if one.state == "running")
        for one in queue_order(runs):
            free -= _size(one, slots)
            if free < 0:  # runs do not overtake, or a large one would never begin
                break
            _start_queued(one.folder)


def try_advance(root: Path) -> str:
    """Advance the queue and return the error message, or "" if there is none."""
    try:
        advance(root)
    except (LatentExplorerError, OSError) as error:
        return str(error)
    return ""


def start_next(folder: Path) -> None:
    """Start the next run after the trainer of ``folder`` has ended, if its parent has a queue.

    So the queue advances also while no page is open.
    """
    if (folder.parent / QUEUE_LOCK).exists():
        advance(folder.parent, timeout=LOCK_TIMEOUT)


@contextlib.contextmanager
def locked(root: Path) -> Iterator[None]:
    """Hold the queue's lock for the block: no other process starts runs or joins the queue.

    Raises
    ------
    ConfigError
        If another process holds it for too long.
    """
    try:
        lock = _lock(root).acquire(timeout=LOCK_TIMEOUT)
    except filelock.Timeout as error:
        raise ConfigError("the queue is busy: try again in a moment") from error
    with lock:
        yield


def request(folder: Path, command: processes.Command) -> None:
    """Request a command of a run's trainer, and start one if needed, ignoring the queue.

    Raises
    ------
    LatentExplorerError
        If the cluster does not answer; the run keeps its position in the queue.
    """
    worker = ["train", "--resume", str(folder), "--json"]
    with processes.request_lock(folder):
        before = summary(folder)
        try:
            processes.request(folder, command, worker=worker, starter=launcher.start)
        except LatentExplorerError:
            since = before.queued_since if before.state == "queued" else None
            processes.enqueue(folder, command, since=since)
            raise


def _start_queued(folder: Path) -> None:
    """Start a run unless it has been paused or deleted since the queue was read."""
    with contextlib.suppress(FileNotFoundError, CheckpointError), processes.request_lock(folder):
        if summary(folder).state == "queued":
            waiting = processes.peek(folder)
            request(folder, waiting.command if waiting.waits else "run")  # type: ignore[arg-type]


def _lock(root: Path) -> filelock.BaseFileLock:
    return filelock.FileLock(root / QUEUE_LOCK)


def _size(one: RunStatus, slots: int) -> int:
    """Return the number of slots that a run takes, by its threads."""
    return min(-(-one.config.training.threads // limits().threads), slots)


def _duration(one: RunStatus, known: Sequence[RunStatus]) -> float:
    """Estimate the seconds that a run will train, from its own epochs or a run of the same dataset.

    Infinity if there are none.
    """
    if one.seconds_left is not None:
        return one.seconds_left
    alike = [k for k in known if k.config.training.dataset == one.config.training.dataset]
    if not alike:
        return math.inf
    return float(alike[-1].epochs[-1]["seconds"]) * one.config.training.epochs
