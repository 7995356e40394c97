"""Who trains next: as many at once as the machine allows, in turns between their owners."""

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
#: Seconds that who has something to ask waits for another who gives turns.
LOCK_TIMEOUT = 15.0


@dataclass(frozen=True)
class QueuePosition:
    """Where a run waits: 1 is next; ``seconds`` until it begins, None where nobody can tell."""

    number: int
    seconds: float | None


def statuses(root: Path) -> list[RunStatus]:
    """Read how all runs stand, oldest first, without their curves."""
    found = []
    for folder in folders.list_runs(root):
        with contextlib.suppress(LatentExplorerError, OSError):  # deleted just now
            found.append(summary(folder))
    return found


def queue_order(runs: Sequence[RunStatus]) -> list[RunStatus]:
    """Queued runs in the order in which they will begin.

    Owners take turns: whoever has nothing running comes first, then whose last turn is longest
    ago; so everybody's second run waits for everybody's first. An owner's own runs begin in the
    order in which they were asked for.
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
    """Return where each queued run waits, by its folder's name."""
    slots = at_once or limits().at_once
    known = [one for one in runs if one.epochs]
    free: list[float] = []  # when each slot is; never, as far as anybody can tell, is infinity
    for one in runs:
        if one.state == "running":
            left = math.inf if one.seconds_left is None else one.seconds_left
            free += [left] * _size(one, slots)
    free = sorted([0.0] * (slots - len(free)) + free)[-slots:]
    begins, found = 0.0, {}
    for number, one in enumerate(queue_order(runs), 1):
        size = _size(one, slots)
        begins = max(begins, free[size - 1])  # nobody overtakes
        if math.inf in free:  # the run that nobody can estimate may end at any time
            begins = math.inf
        found[one.folder.name] = QueuePosition(number, None if begins == math.inf else begins)
        free = sorted([*free[size:], *[begins + _duration(one, known)] * size])
    return found


def advance(root: Path, *, at_once: int | None = None, timeout: float = 0.0) -> None:
    """Start queued runs in turn, while there is room, and empty the trash of what is old.

    Any number of servers over one folder may call this at any time.

    Parameters
    ----------
    at_once
        Trainings at once; ``VAE_RUNS_AT_ONCE`` or the number of cores when left out. A training
        of more threads than each has then counts as several.
    timeout
        Seconds to wait for somebody else who gives turns, and may have looked already; whoever
        only looks leaves it to them.

    Raises
    ------
    LatentExplorerError
        If it is a run's turn and no cluster answers; the run keeps its place.
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
            if free < 0:  # nobody overtakes, or a large run would wait for ever
                break
            _start_queued(one.folder)


def try_advance(root: Path) -> str:
    """Advance, for who shows runs in any case; returns a sentence on what keeps them, or ""."""
    try:
        advance(root)
    except (LatentExplorerError, OSError) as error:
        return str(error)
    return ""


def start_next(folder: Path) -> None:
    """Let the next one begin where a trainer has left ``folder``; a run outside a queue has none.

    So a queue goes on when nobody looks at it.
    """
    if (folder.parent / QUEUE_LOCK).exists():
        advance(folder.parent, timeout=LOCK_TIMEOUT)


@contextlib.contextmanager
def locked(root: Path) -> Iterator[None]:
    """Let nobody give turns or join the queue for as long as the block runs.

    Raises
    ------
    ConfigError
        If somebody else is at it for long.
    """
    try:
        lock = _lock(root).acquire(timeout=LOCK_TIMEOUT)
    except filelock.Timeout as error:
        raise ConfigError("turns are being given: try again in a moment") from error
    with lock:
        yield


def request(folder: Path, command: processes.Command) -> None:
    """Ask for a run's trainer at once; where no cluster answers, the run keeps its place."""
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
    """Begin what waits; a run that was paused or deleted since it was seen does not."""
    with contextlib.suppress(FileNotFoundError, CheckpointError), processes.request_lock(folder):
        if summary(folder).state == "queued":
            waiting = processes.peek(folder)
            request(folder, waiting.command if waiting.waits else "run")  # type: ignore[arg-type]


def _lock(root: Path) -> filelock.BaseFileLock:
    return filelock.FileLock(root / QUEUE_LOCK)


def _size(one: RunStatus, slots: int) -> int:
    """Return the slots that a run takes, each of as many threads as all at once have."""
    return min(-(-one.config.training.threads // limits().threads), slots)


def _duration(one: RunStatus, known: Sequence[RunStatus]) -> float:
    """Estimate how long a run will train, by itself or by the last of the same data.

    Infinity where nobody can tell.
    """
    if one.seconds_left is not None:
        return one.seconds_left
    alike = [k for k in known if k.config.training.dataset == one.config.training.dataset]
    if not alike:
        return math.inf
    return float(alike[-1].epochs[-1]["seconds"]) * one.config.training.epochs
