"""How a run stands, as anybody may read it from its folder while it is written."""

from __future__ import annotations

import contextlib
import copy
import os
import threading
from collections import OrderedDict, deque
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from vae_core import processes
from vae_core.runs import changes, folders
from vae_core.runs.changes import Change
from vae_core.runs.folders import EVENTS, Event, RunConfig

State = Literal["queued", "running", "paused", "stopped", "finished", "failed", "interrupted"]

#: Step records that are kept of a run, evenly over its length.
STEPS_KEPT = 2000
#: Seconds over which the pace of a run is taken.
PACE_OVER = 5.0
#: Runs whose events are remembered, so that a look reads only what is new.
REMEMBERED = 512


@dataclass(frozen=True)
class RunStatus:
    """How a run stands, as read from its folder."""

    folder: Path
    config: RunConfig  # with the settings that hold after all changes
    state: State
    epochs: tuple[Event, ...]  # one epoch record each, in order
    steps: tuple[Event, ...]  # step records, evenly thinned, the last one among them
    message: str = ""  # why it failed or waits, or what it is doing now
    step: int = 0  # finished steps, as last told
    changes: tuple[Change, ...] = ()
    warnings: tuple[str, ...] = ()  # a sentence each
    batches: int | None = None  # steps of an epoch, once a trainer has told
    pace: float | None = None  # steps a second of late, tests and records included; while running

    @property
    def epoch(self) -> int:
        """Finished epochs."""
        return len(self.epochs)

    @property
    def images_per_second(self) -> float | None:
        """Training images a second of late, None where nobody is at work."""
        return None if self.pace is None else self.pace * self.config.training.batch_size

    @property
    def seconds_left(self) -> float | None:
        """Estimate of the training time that is left.

        From the last epochs' median; in the first epoch, from the pace of its steps.
        """
        recent = sorted(record["seconds"] for record in self.epochs[-5:])
        if not recent:
            if not self.pace or self.batches is None:
                return None
            return max(self.config.training.epochs * self.batches - self.step, 0) / self.pace
        left = max(self.config.training.epochs - self.epoch, 0)
        return float(recent[len(recent) // 2]) * left


def status(path: Path) -> RunStatus:
    """Read how the run in a folder stands."""
    config = folders.read_config(path)
    told = _told(path, config.created)
    state: State = told.state["state"] if told.state else "queued"
    message = str(told.state.get("message", ""))
    asked = processes.peek(path)
    if asked.waits:
        state, message = "queued", ""
    elif processes.is_starting(path, since=told.state.get("time", 0.0)):
        state, message = "running", "starting"
    elif state == "running" and not processes.is_alive(path):
        state, message = "interrupted", ""
    training = changes.applied(config.training, told.changes)
    if training is not config.training:
        config = config.model_copy(update={"training": training})
    return RunStatus(
        folder=path,
        config=config,
        state=state,
        epochs=tuple(told.epochs.values()),
        steps=told.all_steps(),
        message=message,
        step=told.step,
        changes=told.changes,
        warnings=tuple(told.warnings),
        batches=told.batches,
        pace=told.pace() if state == "running" else None,
    )


class _Told:
    """What a run's events add up to; each look reads only what was appended since the last."""

    def __init__(self) -> None:
        self.identity: tuple[int, ...] = ()
        self.offset = 0
        self._begin()

    def _begin(self) -> None:
        self.state: Event = {}
        self.epochs: dict[int, Event] = {}
        self.steps: list[Event] = []
        self.last_step: Event | None = None
        self.every = self.seen = 0
        self.step = 0
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
            with contextlib.suppress(KeyError, TypeError, ValueError):  # no event of a trainer
                self._take(event)

    def copied(self) -> _Told:
        """Return what later looks leave alone."""
        twin = copy.copy(self)
        twin.epochs, twin.steps = dict(self.epochs), list(self.steps)
        twin.warnings = list(self.warnings)
        twin.recent = self.recent.copy()
        return twin

    def pace(self) -> float | None:
        """Return the steps a second over the last seconds."""
        if not self.recent:
            return None
        end, step = self.recent[-1]
        begin, before = next(one for one in self.recent if one[0] >= end - PACE_OVER)
        return (step - before) / (end - begin) if end > begin and step > before else None

    def all_steps(self) -> tuple[Event, ...]:
        """Return the kept step records, and the last one."""
        if self.last_step is None or (self.steps and self.steps[-1] is self.last_step):
            return tuple(self.steps)
        return (*self.steps, self.last_step)

    def _take(self, event: Event) -> None:
        kind = event.get("type")
        if kind == "rewind":
            self._begin()
            self.state = {"state": "paused", "step": 0, "time": float(event["time"])}
        elif kind == "state" and event["state"] in get_args(State):
            self.state = event | {"time": float(event.get("time", 0.0))}
            self.recent.clear()  # a pause is none of the pace
            self.batches = event.get("batches", self.batches)
            if "step" in event:
                self._stand_at(event["step"])
        elif kind == "step":
            self.step, self.last_step = event["step"], event
            self.recent.append((float(event["time"]), event["step"]))
            self._keep(event)
        elif kind == "epoch":
            # After an interruption the epoch in progress is told again: the last telling holds.
            self.epochs.pop(event["epoch"], None)
            self.epochs[event["epoch"]] = event
            self.step = event.get("step", self.step)
        elif kind == "change":
            new = Change(event["step"], event["settings"])
            self.changes = changes.merged(self.changes, new)
        elif kind == "warning":
            self.warnings.append(event["message"])

    def _stand_at(self, step: int) -> None:
        """Forget what was told of later steps: the trainer was taken back to a checkpoint."""
        self.step = step
        self.epochs = {n: one for n, one in self.epochs.items() if one.get("step", 0) <= step}
        while self.steps and self.steps[-1]["step"] > step:
            self.steps.pop()
        if self.last_step and self.last_step["step"] > step:
            self.last_step = None

    def _keep(self, event: Event) -> None:
        if self.seen % 2**self.every == 0:
            self.steps.append(event)
        self.seen += 1
        if len(self.steps) > STEPS_KEPT:
            self.steps = self.steps[::2]
            self.every += 1


_remembered: OrderedDict[tuple[Path, float], _Told] = OrderedDict()
_remembering = threading.Lock()


def _told(path: Path, created: float) -> _Told:
    """Return what a run's events add up to, a copy that later looks leave alone."""
    with _remembering:
        told = _remembered.setdefault((path, created), _Told())
        _remembered.move_to_end((path, created))
        while len(_remembered) > REMEMBERED:
            _remembered.popitem(last=False)
        told.look(path / EVENTS)
        return told.copied()
