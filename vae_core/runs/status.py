"""Read the status of a run from its folder, also while a trainer writes to it."""

from __future__ import annotations

import contextlib
import math
import os
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from cachetools import LRUCache

from vae_core.errors import ConfigError
from vae_core.jobs import processes
from vae_core.runs import changes, folders
from vae_core.runs.changes import Change
from vae_core.runs.folders import EVENTS, Event, RunConfig

State = Literal["queued", "running", "paused", "stopped", "finished", "failed", "interrupted"]

#: Most records of each kind in a full status, spread evenly over the run; and the number of latest
#: epochs that a full status and a summary have without gaps.
KEPT, LAST, LAST_IN_SUMMARY = 2000, 50, 5
#: Seconds over which the pace of a run is measured.
PACE_SECONDS = 5.0
#: Most records that are cached over all runs (60 MB), and what a run itself counts as, in records.
CACHED_RECORDS, RUN_WEIGHT = 100_000, 10
#: Metrics in each part of a record.
METRICS = ("elbo", "rate", "distortion")
#: Exceptions that an event raises which no trainer has written.
INVALID_EVENT = (KeyError, TypeError, ValueError, AttributeError, OverflowError)


@dataclass(frozen=True)
class RunStatus:
    """Status of a run: settings, state, progress and curves."""

    folder: Path
    config: RunConfig  # with the settings that hold after all changes
    state: State
    epoch: int  # finished epochs
    epochs: tuple[Event, ...]  # their records in order, evenly thinned, the latest without gaps
    steps: tuple[Event, ...]  # step records, evenly thinned, the latest among them
    message: str = ""  # why it failed or waits, or what it does now
    step: int = 0  # finished steps, as last reported
    began: float = 0.0  # Unix time at which its trainer last started or resumed
    queued_since: float = 0.0  # Unix time at which it joined the queue
    changes: tuple[Change, ...] = ()
    warnings: tuple[str, ...] = ()  # one sentence each
    batches: int | None = None  # steps of an epoch, once a trainer has reported them
    pace: float | None = None  # recent steps a second, tests and records included; while running

    @property
    def images_per_second(self) -> float | None:
        """Training images per second of late, or None if the run is not in training."""
        return None if self.pace is None else self.pace * self.config.training.batch_size

    @property
    def test_elbo(self) -> float | None:
        """ELBO of the latest epoch on the test set, in nats, or None before the first."""
        last: dict[str, float] = self.epochs[-1].get("test", {}) if self.epochs else {}
        return last.get("elbo")

    @property
    def seconds_left(self) -> float | None:
        """Estimate of the remaining training time; None if there is nothing to estimate it from.

        From the median of the latest epochs; in the first epoch, from the pace of its steps.
        """
        recent = sorted(record["seconds"] for record in self.epochs[-LAST_IN_SUMMARY:])
        if not recent:
            if not self.pace or self.batches is None:
                return None
            return max(self.config.training.epochs * self.batches - self.step, 0) / self.pace
        left = max(self.config.training.epochs - self.epoch, 0)
        return float(recent[len(recent) // 2]) * left


def status(path: Path) -> RunStatus:
    """Read the status of the run in a folder, with its curves.

    The state is "failed" if the run's events hold a change that cannot be made.

    Raises
    ------
    CheckpointError, ConfigError
        If the folder holds no run, or its settings cannot be read.
    """
    return _status(path, _FULL, folders.checkpoint_error(path))


def summary(path: Path) -> RunStatus:
    """Read the status of a run without its curves: only the latest epochs, and no steps."""
    return _status(path, _SUMMARY)


def history(path: Path) -> tuple[Event, ...]:
    """Read the records of all finished epochs, in order."""
    reported = _Reported(epochs=(math.inf, 0), steps=(0, 0))
    reported.update(path / EVENTS)
    return reported.epochs.all()


def _status(path: Path, cache: _StatusCache, checkpoint_error: str = "") -> RunStatus:
    config = folders.read_config(path)
    requested, is_starting = processes.peek(path), processes.is_starting(path)
    was_alive = processes.is_alive(path)  # before its events are read: it may end meanwhile
    with cache.updated(path, config.created) as reported:
        state, message, began = reported.state, reported.message, reported.began
        is_at_work = was_alive or processes.is_alive(path)
        if requested.waits:
            state, message = "queued", ""
        elif is_starting:
            state, message, began = "running", "starting", requested.started
        elif not is_at_work and state in ("queued", "running"):
            if requested.command == "pause" and requested.started:  # its trainer never started
                state, message = "paused", ""
            elif state == "running":
                state, message = "interrupted", ""
        try:
            training = changes.apply(config.training, reported.changes)
        except ConfigError as error:
            state, message = "failed", f"its events hold a change that cannot be made: {error}"
            training = config.training
        if training is not config.training:
            config = config.model_copy(update={"training": training})
        warnings = [*reported.warnings, checkpoint_error]
        return RunStatus(
            folder=path,
            config=config,
            state=state,
            epoch=reported.epoch,
            epochs=reported.epochs.all(),
            steps=reported.steps.all(),
            message=message,
            step=reported.step,
            began=began,
            queued_since=(requested.since if requested.waits else 0.0) or config.created,
            changes=reported.changes,
            warnings=tuple(one for one in dict.fromkeys(warnings) if one),
            batches=reported.batches,
            pace=reported.pace() if state == "running" else None,
        )


class _Records:
    """Records of a growing run: at most ``kept`` spread evenly over it, and the ``last`` latest.

    Each has a larger ``key`` than the one before it.
    """

    def __init__(self, key: str, kept: float, last: int) -> None:
        self.key, self.kept = key, kept
        self.even: list[Event] = []
        self.latest: deque[Event] = deque(maxlen=last)
        self.halvings = self.seen = 0

    def __len__(self) -> int:
        return len(self.even) + len(self.latest)

    def add(self, record: Event) -> None:
        if self.kept and self.seen % 2**self.halvings == 0:
            self.even.append(record)
        self.latest.append(record)
        self.seen += 1
        if len(self.even) > self.kept:
            self.even = self.even[::2]
            self.halvings += 1

    def drop_last_while(self, is_beyond: Callable[[Event], bool]) -> None:
        for records in (self.even, self.latest):
            while records and is_beyond(records[-1]):
                records.pop()

    def all(self) -> tuple[Event, ...]:
        begin = self.latest[0][self.key] if self.latest else math.inf
        return (*(one for one in self.even if one[self.key] < begin), *self.latest)


class _Reported:
    """State of a run after all events in its file; each update reads only the new ones.

    Parameters
    ----------
    epochs, steps
        How many records are kept evenly, and how many of the latest.
    """

    def __init__(self, epochs: tuple[float, int], steps: tuple[float, int]) -> None:
        self.kept = epochs, steps
        self.lock = threading.Lock()
        self.identity: tuple[int, ...] = ()
        self.offset = 0
        self._reset()

    def __len__(self) -> int:
        return RUN_WEIGHT + len(self.epochs) + len(self.steps)

    def _reset(self) -> None:
        epochs, steps = self.kept
        self.state: State = "queued"
        self.message = ""
        self.began = 0.0
        self.epoch = self.step = 0
        self.epochs, self.steps = _Records("epoch", *epochs), _Records("step", *steps)
        self.changes: tuple[Change, ...] = ()
        self.warnings: list[str] = []
        self.batches: int | None = None
        self.recent: deque[tuple[float, int]] = deque(maxlen=64)  # times and steps since a start

    def update(self, path: Path) -> None:
        try:
            file = path.open("rb")
        except FileNotFoundError:
            self.offset, self.identity = 0, ()
            self._reset()
            return
        with file:
            found = os.fstat(file.fileno())
            identity = (found.st_dev, found.st_ino)
            if identity != self.identity or found.st_size < self.offset:
                self.offset, self.identity = 0, identity
                self._reset()
            if found.st_size == self.offset:
                return
            file.seek(self.offset)
            content = file.read()
        whole = content[: content.rfind(b"\n") + 1]  # the rest is a line still being written
        self.offset += len(whole)
        for event in folders.parse(whole):
            with contextlib.suppress(*INVALID_EVENT):
                self._add(event)

    def pace(self) -> float | None:
        """Return the steps per second over the last seconds."""
        if not self.recent:
            return None
        end, step = self.recent[-1]
        begin, before = next(one for one in self.recent if one[0] >= end - PACE_SECONDS)
        return (step - before) / (end - begin) if end > begin and step > before else None

    def _add(self, event: Event) -> None:
        kind = event.get("type")
        if kind == "rewind":
            self._reset()
            self.state = "paused"
        elif kind == "state" and event["state"] in get_args(State):
            begins = event["state"] == "running" and (self.state != "running" or "step" in event)
            self.began = float(event.get("time", 0.0)) if begins else self.began
            self.state, self.message = event["state"], str(event.get("message", ""))
            self.recent.clear()  # a pause does not count in the pace
            if event.get("batches"):
                self.batches = _count(event["batches"])
            if "step" in event:
                self._rewind_to(_count(event["step"]))
        elif kind == "step":
            record = _record(event)
            self.step = record["step"]
            self.recent.append((float(event["time"]), self.step))
            self.steps.drop_last_while(lambda one: one["step"] >= record["step"])
            self.steps.add(record)
        elif kind == "epoch":
            record = _record({"step": self.step, "seconds": event["seconds"]} | event)
            # After an interruption the epoch in progress is reported again: the last report holds.
            self.epochs.drop_last_while(lambda one: one["epoch"] >= record["epoch"])
            self.epochs.add(record)
            self.epoch, self.step = record["epoch"], record["step"]
        elif kind == "change":
            settings = {str(name): value + 0 for name, value in event["settings"].items()}
            new = Change(_count(event["step"]), settings)
            self.changes = changes.merge(self.changes, new)
        elif kind == "warning":
            self.warnings.append(str(event["message"]))

    def _rewind_to(self, step: int) -> None:
        """Drop the records of later steps: the trainer restarted from a checkpoint."""
        self.step = step
        for records in (self.epochs, self.steps):
            records.drop_last_while(lambda one: one["step"] > step)
        if self.batches:
            self.epoch = min(self.epoch, step // self.batches)
        else:
            self.epoch = max((one["epoch"] for one in self.epochs.all()), default=0)


def _record(event: Event) -> Event:
    """Check the numbers of a record; its keys are interned, since every record has the same."""
    record = {sys.intern(name): value for name, value in event.items()}
    if _count(record["epoch"]) < 1 or _count(record["step"]) < 0:
        raise ValueError
    if "seconds" in record and not math.isfinite(record["seconds"]):
        raise ValueError
    for part in {"train", "test"} & record.keys():
        record[part] = {name: record[part][name] + 0.0 for name in METRICS}
    return record


def _count(value: object) -> int:
    if type(value) is not int:
        raise TypeError
    return value


class _StatusCache:
    """Cache of what runs have reported; it drops the least recently read first."""

    def __init__(self, epochs: tuple[float, int], steps: tuple[float, int]) -> None:
        self.kept = epochs, steps
        self.lock = threading.Lock()
        self.entries: LRUCache[tuple[Path, float], _Reported] = LRUCache(
            CACHED_RECORDS, getsizeof=len
        )

    @contextlib.contextmanager
    def updated(self, path: Path, created: float) -> Iterator[_Reported]:
        """Bring a run's entry up to date and hold its lock for the block."""
        key = (path, created)
        with self.lock:
            reported = self.entries.get(key) or _Reported(*self.kept)
            self.entries[key] = reported
        with reported.lock:
            reported.update(path / EVENTS)
            with self.lock:
                self.entries[key] = reported  # its size has changed
            yield reported


_FULL = _StatusCache(epochs=(KEPT, LAST), steps=(KEPT, 1))
_SUMMARY = _StatusCache(epochs=(0, LAST_IN_SUMMARY), steps=(0, 0))
