"""How a run stands, as anybody may read it from its folder while it is written."""

from __future__ import annotations

import contextlib
import copy
import math
import os
import sys
import threading
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from vae_core.errors import ConfigError
from vae_core.jobs import processes
from vae_core.runs import changes, folders
from vae_core.runs.changes import Change
from vae_core.runs.folders import EVENTS, Event, RunConfig

State = Literal["queued", "running", "paused", "stopped", "finished", "failed", "interrupted"]

#: Records of each kind that are kept of a run, evenly over its length; and whole at its end, so
#: many epochs, of a run that is looked at and of one among others.
KEPT, LAST, LAST_IN_BRIEF = 2000, 50, 5
#: Seconds over which the pace of a run is taken.
PACE_OVER = 5.0
#: Records that are remembered of all runs, so that a look reads only what is new: 60 MB. A run
#: weighs as much as some records.
REMEMBERED, WEIGHS = 100_000, 10
#: What each part of a record tells.
FIGURES = ("elbo", "rate", "distortion")
#: What an event may end in that no trainer told.
NO_EVENT = (KeyError, TypeError, ValueError, AttributeError, OverflowError)


@dataclass(frozen=True)
class RunStatus:
    """How a run stands, as read from its folder."""

    folder: Path
    config: RunConfig  # with the settings that hold after all changes
    state: State
    epoch: int  # finished epochs
    epochs: tuple[Event, ...]  # their records in order, evenly thinned, the last ones whole
    steps: tuple[Event, ...]  # step records, evenly thinned, the last one among them
    message: str = ""  # why it failed or waits, or what it is doing now
    step: int = 0  # finished steps, as last told
    began: float = 0.0  # when its trainer last began or went on, by the clock
    asked: float = 0.0  # since when it waits for its turn, by the clock
    changes: tuple[Change, ...] = ()
    warnings: tuple[str, ...] = ()  # a sentence each
    batches: int | None = None  # steps of an epoch, once a trainer has told
    pace: float | None = None  # steps a second of late, tests and records included; while running

    @property
    def images_per_second(self) -> float | None:
        """Training images a second of late, None where nobody is at work."""
        return None if self.pace is None else self.pace * self.config.training.batch_size

    @property
    def test_elbo(self) -> float | None:
        """The last epoch's on the test set, None where none is told."""
        told: dict[str, float] = self.epochs[-1].get("test", {}) if self.epochs else {}
        return told.get("elbo")

    @property
    def seconds_left(self) -> float | None:
        """Estimate of the training time that is left.

        From the last epochs' median; in the first epoch, from the pace of its steps.
        """
        recent = sorted(record["seconds"] for record in self.epochs[-LAST_IN_BRIEF:])
        if not recent:
            if not self.pace or self.batches is None:
                return None
            return max(self.config.training.epochs * self.batches - self.step, 0) / self.pace
        left = max(self.config.training.epochs - self.epoch, 0)
        return float(recent[len(recent) // 2]) * left


def status(path: Path) -> RunStatus:
    """Read how the run in a folder stands, with its curves.

    A run whose events hold what cannot be is told as failed.

    Raises
    ------
    CheckpointError, ConfigError
        If the folder holds no run, or its settings cannot be read.
    """
    return _status(path, _WHOLE, folders.trouble(path))


def brief(path: Path) -> RunStatus:
    """Read how a run stands without its curves: only the last epochs, and no steps."""
    return _status(path, _BRIEF)


def history(path: Path) -> tuple[Event, ...]:
    """Read the records of all finished epochs, in order."""
    told = _Told(epochs=(math.inf, 0), steps=(0, 0))
    told.look(path / EVENTS)
    return told.epochs.all()


def _status(path: Path, remembered: _Remembered, trouble: str = "") -> RunStatus:
    config = folders.read_config(path)
    asked, is_starting = processes.peek(path), processes.is_starting(path)
    was_alive = processes.is_alive(path)  # before its events are read: it may end meanwhile
    told = remembered.look(path, config.created)
    state, message, began = told.state, told.message, told.began
    is_at_work = was_alive or processes.is_alive(path)
    if asked.waits:
        state, message = "queued", ""
    elif is_starting:
        state, message, began = "running", "starting", asked.started
    elif not is_at_work and state in ("queued", "running"):
        if asked.command == "pause" and asked.started:  # of a trainer that never came
            state, message = "paused", ""
        elif state == "running":
            state, message = "interrupted", ""
    try:
        training = changes.applied(config.training, told.changes)
    except ConfigError as error:
        state, message = "failed", f"its events hold a change that cannot be made: {error}"
        training = config.training
    if training is not config.training:
        config = config.model_copy(update={"training": training})
    return RunStatus(
        folder=path,
        config=config,
        state=state,
        epoch=told.epoch,
        epochs=told.epochs.all(),
        steps=told.steps.all(),
        message=message,
        step=told.step,
        began=began,
        asked=(asked.since if asked.waits else 0.0) or config.created,
        changes=told.changes,
        warnings=tuple(dict.fromkeys([*told.warnings, *([trouble] if trouble else [])])),
        batches=told.batches,
        pace=told.pace() if state == "running" else None,
    )


class _Records:
    """Records as a run goes on: ``kept`` evenly over its length, and the ``last`` ones whole.

    Each has a larger ``key`` than the one before it.
    """

    def __init__(self, key: str, kept: float, last: int) -> None:
        self.key, self.kept = key, kept
        self.even: list[Event] = []
        self.late: deque[Event] = deque(maxlen=last)
        self.every = self.seen = 0

    def __len__(self) -> int:
        return len(self.even) + len(self.late)

    def add(self, record: Event) -> None:
        if self.kept and self.seen % 2**self.every == 0:
            self.even.append(record)
        self.late.append(record)
        self.seen += 1
        if len(self.even) > self.kept:
            self.even = self.even[::2]
            self.every += 1

    def cut(self, is_beyond: Callable[[Event], bool]) -> None:
        """Forget records at the end."""
        for records in (self.even, self.late):
            while records and is_beyond(records[-1]):
                records.pop()

    def all(self) -> tuple[Event, ...]:
        whole = self.late[0][self.key] if self.late else math.inf
        return (*(one for one in self.even if one[self.key] < whole), *self.late)

    def copied(self) -> _Records:
        twin = copy.copy(self)
        twin.even, twin.late = list(self.even), self.late.copy()
        return twin


class _Told:
    """What a run's events add up to; each look reads only what was appended since the last.

    Parameters
    ----------
    epochs, steps
        How many records are kept evenly, and at the end.
    """

    def __init__(self, epochs: tuple[float, int], steps: tuple[float, int]) -> None:
        self.kept = epochs, steps
        self.identity: tuple[int, ...] = ()
        self.offset = 0
        self._begin()

    def _begin(self) -> None:
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

    def look(self, path: Path) -> None:
        """Read what is new."""
        try:
            file = path.open("rb")
        except FileNotFoundError:
            self.offset, self.identity = 0, ()
            self._begin()
            return
        with file:
            found = os.fstat(file.fileno())
            identity = (found.st_dev, found.st_ino)
            if identity != self.identity or found.st_size < self.offset:
                self.offset, self.identity = 0, identity
                self._begin()
            if found.st_size == self.offset:
                return
            file.seek(self.offset)
            content = file.read()
        whole = content[: content.rfind(b"\n") + 1]  # what follows is not yet told
        self.offset += len(whole)
        for event in folders.parse(whole):
            with contextlib.suppress(*NO_EVENT):
                self._take(event)

    def copied(self) -> _Told:
        """Return what later looks leave alone."""
        twin = copy.copy(self)
        twin.epochs, twin.steps = self.epochs.copied(), self.steps.copied()
        twin.warnings, twin.recent = list(self.warnings), self.recent.copy()
        return twin

    def pace(self) -> float | None:
        """Return the steps a second over the last seconds."""
        if not self.recent:
            return None
        end, step = self.recent[-1]
        begin, before = next(one for one in self.recent if one[0] >= end - PACE_OVER)
        return (step - before) / (end - begin) if end > begin and step > before else None

    def _take(self, event: Event) -> None:
        kind = event.get("type")
        if kind == "rewind":
            self._begin()
            self.state = "paused"
        elif kind == "state" and event["state"] in get_args(State):
            begins = event["state"] == "running" and (self.state != "running" or "step" in event)
            self.began = float(event.get("time", 0.0)) if begins else self.began
            self.state, self.message = event["state"], str(event.get("message", ""))
            self.recent.clear()  # a pause is none of the pace
            if event.get("batches"):
                self.batches = _count(event["batches"])
            if "step" in event:
                self._stand_at(_count(event["step"]))
        elif kind == "step":
            record = _record(event)
            self.step = record["step"]
            self.recent.append((float(event["time"]), self.step))
            self.steps.cut(lambda one: one["step"] >= record["step"])
            self.steps.add(record)
        elif kind == "epoch":
            record = _record({"step": self.step, "seconds": event["seconds"]} | event)
            # After an interruption the epoch in progress is told again: the last telling holds.
            self.epochs.cut(lambda one: one["epoch"] >= record["epoch"])
            self.epochs.add(record)
            self.epoch, self.step = record["epoch"], record["step"]
        elif kind == "change":
            settings = {str(name): value + 0 for name, value in event["settings"].items()}
            new = Change(_count(event["step"]), settings)
            self.changes = changes.merged(self.changes, new)
        elif kind == "warning":
            self.warnings.append(str(event["message"]))

    def _stand_at(self, step: int) -> None:
        """Forget what was told of later steps: the trainer was taken back to a checkpoint."""
        self.step = step
        for records in (self.epochs, self.steps):
            records.cut(lambda one: one["step"] > step)
        if self.batches:
            self.epoch = min(self.epoch, step // self.batches)
        else:
            self.epoch = max((one["epoch"] for one in self.epochs.all()), default=0)


def _record(event: Event) -> Event:
    """Check the numbers of a record; its names are shared with those of all others."""
    record = {sys.intern(name): value for name, value in event.items()}
    if _count(record["epoch"]) < 1 or _count(record["step"]) < 0:
        raise ValueError
    if "seconds" in record and not math.isfinite(record["seconds"]):
        raise ValueError
    for part in {"train", "test"} & record.keys():
        figures = {name: record[part][name] + 0.0 for name in FIGURES}
        record[part] = figures
    return record


def _count(value: object) -> int:
    if type(value) is not int:
        raise TypeError
    return value


class _Remembered:
    """What runs told, for as many of them as there is room: those that were looked at last."""

    def __init__(self, epochs: tuple[float, int], steps: tuple[float, int]) -> None:
        self.kept = epochs, steps
        self.lock = threading.Lock()
        self.found: OrderedDict[tuple[Path, float], tuple[threading.Lock, _Told]] = OrderedDict()
        self.weights: dict[tuple[Path, float], int] = {}
        self.weight, self.room = 0, REMEMBERED

    def look(self, path: Path, created: float) -> _Told:
        """Return what a run's events add up to, a copy that later looks leave alone."""
        key = (path, created)
        with self.lock:
            lock, told = self.found.setdefault(key, (threading.Lock(), _Told(*self.kept)))
        with lock:
            told.look(path / EVENTS)
            copied = told.copied()
        with self.lock:
            self.found[key] = lock, told
            self.found.move_to_end(key)
            self._weigh(key, WEIGHS + len(copied.epochs) + len(copied.steps))
            while self.weight > self.room and len(self.found) > 1:
                gone, _ = self.found.popitem(last=False)
                self._weigh(gone, 0)
        return copied

    def _weigh(self, key: tuple[Path, float], weight: int) -> None:
        self.weight += weight - self.weights.pop(key, 0)
        if weight:
            self.weights[key] = weight


_WHOLE = _Remembered(epochs=(KEPT, LAST), steps=(KEPT, 1))
_BRIEF = _Remembered(epochs=(0, LAST_IN_BRIEF), steps=(0, 0))
