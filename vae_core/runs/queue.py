"""Who trains next: as many at once as the machine allows, in turns between their owners."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import filelock

from vae_core import processes
from vae_core.errors import LatentExplorerError
from vae_core.runs import folders, launching
from vae_core.runs.limits import limits
from vae_core.runs.status import RunStatus, status

QUEUE_LOCK = ".queue.lock"


@dataclass(frozen=True)
class Place:
    """Where a run waits: 1 is next; ``seconds`` until it begins, None where nobody can tell."""

    number: int
    seconds: float | None


def stands(root: Path) -> list[RunStatus]:
    """Read how all runs stand, oldest first."""
    return [status(folder) for folder in folders.list_runs(root)]


def in_turn(runs: Sequence[RunStatus]) -> list[RunStatus]:
    """Queued runs in the order in which they will begin.

    Owners take turns: whoever has nothing running comes first, and everybody's second run waits
    for everybody's first. Within a turn, those come first who have waited longest.
    """
    turn = Counter(one.config.owner for one in runs if one.state == "running")
    waiting = sorted((one for one in runs if one.state == "queued"), key=_since)
    ordered = []
    for one in waiting:
        ordered.append((turn[one.config.owner], _since(one), one.folder.name, one))
        turn[one.config.owner] += 1
    return [one for *_, one in sorted(ordered, key=lambda entry: entry[:3])]


def places(runs: Sequence[RunStatus], *, at_once: int | None = None) -> dict[str, Place]:
    """Return where each queued run waits, by its folder's name."""
    slots = at_once or limits().at_once
    ahead = [one for one in runs if one.state == "running"]
    free_at: list[float | None] = sorted(
        (one.seconds_left for one in ahead), key=lambda left: (left is None, left)
    )[:slots]
    known = [one for one in runs if one.epochs]
    # A slot whose run cannot be estimated yet makes everybody behind it unknown.
    unknown = any(left is None for left in free_at)
    times = [left for left in free_at if left is not None] + [0.0] * (slots - len(free_at))
    heapq.heapify(times)
    found = {}
    for number, one in enumerate(in_turn(runs), 1):
        begins = heapq.heappop(times) if times and not unknown else None
        found[one.folder.name] = Place(number, begins)
        takes = _duration(one, known)
        if begins is None or takes is None:
            unknown = True
        else:
            heapq.heappush(times, begins + takes)
    return found


def advance(root: Path, *, at_once: int | None = None) -> None:
    """Start queued runs in turn, while there is room.

    Any number of servers over one folder may call this at any time.

    Parameters
    ----------
    at_once
        Trainings at once; ``VAE_RUNS_AT_ONCE`` or the number of cores when left out. A training
        of several threads counts as so many.
    """
    allowed = limits()
    if not allowed.training or not root.is_dir():
        return
    slots = at_once or allowed.at_once
    try:
        with filelock.FileLock(root / QUEUE_LOCK).acquire(timeout=0):
            runs = stands(root)
            free = slots - sum(_size(one, slots) for one in runs if one.state == "running")
            for one in in_turn(runs):
                free -= _size(one, slots)
                if free < 0:  # nobody overtakes, or a large run would wait for ever
                    break
                begin(one.folder)
    except filelock.Timeout:
        pass  # somebody else is at it


def pass_on(folder: Path) -> None:
    """Let the next one begin where a trainer has left ``folder``; a run outside a queue has none.

    So a queue goes on when nobody looks at it.
    """
    if (folder.parent / QUEUE_LOCK).exists():
        advance(folder.parent)


def begin(folder: Path, command: processes.Command | None = None) -> None:
    """Ask for a run's trainer at once, for what waits in the queue or for ``command``."""
    waiting = processes.peek(folder)
    wanted = command or (waiting.command if waiting.waits else "run")
    worker = ["train", "--resume", str(folder), "--json"]
    try:
        processes.request(folder, wanted, worker=worker, starter=launching.start)  # type: ignore[arg-type]
    except LatentExplorerError:  # no cluster answers: it keeps its place
        processes.enqueue(folder, wanted)  # type: ignore[arg-type]
        raise


def _since(one: RunStatus) -> float:
    asked = processes.asked_at(one.folder) if processes.peek(one.folder).waits else None
    return asked or one.config.created


def _size(one: RunStatus, slots: int) -> int:
    return min(one.config.training.threads, slots)


def _duration(one: RunStatus, known: Sequence[RunStatus]) -> float | None:
    """Estimate how long a run will train, by itself or by the last of the same data."""
    if one.seconds_left is not None:
        return one.seconds_left
    alike = [k for k in known if k.config.training.dataset == one.config.training.dataset]
    if not alike:
        return None
    return float(alike[-1].epochs[-1]["seconds"]) * one.config.training.epochs
