"""Train a run: the only process that writes to its folder, while it holds the folder's lock."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from vae_core import files, publishing
from vae_core.data import ImageDataset, load_for
from vae_core.errors import ConfigError, LatentExplorerError
from vae_core.jobs import processes
from vae_core.learning import DivergedError, EpochRecord, StepRecord, Trainer
from vae_core.runs import changes, folders, replay
from vae_core.runs.changes import Change
from vae_core.runs.folders import CHECKPOINT, RunConfig
from vae_core.runs.status import State, history, summary

#: Seconds between two step events, between two reads of the control file, and between two
#: checkpoints, inside an epoch and at its end.
STEP_EVENTS, CONTROL_LOOKS, CHECKPOINTS, EPOCH_CHECKPOINTS = 0.25, 0.1, 30.0, 1.0
#: Seconds after which a paused trainer ends; its checkpoint stays.
PAUSE_TIMEOUT = 120.0
#: File that is deleted when the disk is full, to make room for the event that reports it.
RESERVE, RESERVED_BYTES = "reserve", 16 * 2**10
DISK_IS_FULL = "the disk is full; nothing that was written is lost: free some space, then resume"

T = TypeVar("T")


def execute(
    folder: Path,
    *,
    data_dir: Path | None = None,
    on_record: Callable[[EpochRecord], None] = lambda record: None,
    say: publishing.Say = lambda stage: None,
) -> State:
    """Train a run to its end, from its last checkpoint if there is one, obeying the control file.

    Returns
    -------
    State
        "finished", "stopped" or "paused".

    Raises
    ------
    ConfigError
        If another trainer holds the run.
    DivergedError
        If the training diverges; the run keeps its last good checkpoint.
    """
    config = folders.read_config(folder)
    with processes.worker_lock(folder):
        execution = _Execution(folder, config, on_record, say)
        try:
            return execution.run(data_dir)
        except BaseException as error:
            message = str(error) if isinstance(error, LatentExplorerError) else repr(error)
            if not isinstance(error, KeyboardInterrupt):
                step = folders.checkpoint_step(folder)
                with contextlib.suppress(OSError):  # the disk may be what failed
                    folders.append(folder, "state", state="failed", message=message, step=step)
            raise
        finally:
            (folder / RESERVE).unlink(missing_ok=True)


class _Stop(Exception):  # noqa: N818  (a signal, not an error)
    """The user has stopped the training."""


class _Leave(Exception):  # noqa: N818  (a signal, not an error)
    """The trainer must end: the pause was too long, or another process needs the folder."""


class _Execution:
    """Training of one run by this process."""

    trainer: Trainer
    recorder: replay.Recorder

    def __init__(
        self,
        folder: Path,
        config: RunConfig,
        on_record: Callable[[EpochRecord], None],
        say: publishing.Say,
    ) -> None:
        self.folder, self.config, self.on_record, self.say = folder, config, on_record, say
        self.last_look = self.last_event = 0.0
        self.last_save = time.monotonic()
        self.is_paused = self.is_stopping = False
        self.halt_step = self.halt_epoch = math.inf  # step and epoch after which to pause
        self.changes: tuple[Change, ...] = ()

    def run(self, data_dir: Path | None) -> State:
        with contextlib.suppress(OSError):  # if the disk is full, the first checkpoint reports it
            self._reserve()
            folders.append(self.folder, "state", state="running", message="loading the data")
        processes.mark_started(self.folder)
        folders.remove_temporary_files(self.folder)
        dataset = load_for(
            self.config.training, image_shape=self.config.model.image_shape, data_dir=data_dir
        )
        try:
            self._restore(dataset)
            try:
                self._train()
                state: State = "finished"
            except _Stop:
                state = "stopped"
                if not self.trainer.is_sound:
                    self._restore(dataset)
            self._save()
            return self._publish(dataset, state)
        except _Leave:
            return "paused"
        except DivergedError as error:
            step = folders.checkpoint_step(self.folder)
            sentence = f"{error}. The last good checkpoint is of step {step}"
            raise DivergedError(sentence) from error

    def _restore(self, dataset: ImageDataset) -> None:
        self.trainer = Trainer(self.config.model, self.config.training, dataset)
        warnings: list[str] = []
        restored = folders.read_checkpoint(self.folder, warn=warnings.append)
        if restored is not None:
            self.trainer.load_state(*restored)
        for sentence in warnings:
            self._append("warning", message=sentence)
            (self.folder / CHECKPOINT).unlink()  # or it would replace the good one
        self.changes = summary(self.folder).changes
        self.recorder = replay.Recorder(self.folder, dataset, self.config.training)
        self._write(lambda: self.recorder.resume(self.trainer.progress.step))
        here = self.trainer.progress.step
        self._append("state", state="running", step=here, batches=self.trainer.batches)

    def _train(self) -> None:
        trainer = self.trainer
        self._record()
        self._between_steps()
        while not trainer.finished:
            for step in trainer.steps():
                self._after_step(step)
                if trainer.progress.batch < trainer.batches:
                    self._between_steps()
                else:  # before the epoch ends, since a change may add epochs
                    self._apply_changes()
            record = trainer.finish_epoch()
            self._append("epoch", **record.as_dict())
            if trainer.finished or time.monotonic() - self.last_save > EPOCH_CHECKPOINTS:
                self._save()
            self.on_record(record)
            if not trainer.finished:
                self._between_steps()

    def _after_step(self, step: StepRecord) -> None:
        now = time.monotonic()
        if now - self.last_event > STEP_EVENTS or self._is_due_to_pause():
            self.last_event = now
            self._append("step", step=step.step, epoch=step.epoch, train=vars(step.train))
        if now - self.last_save > CHECKPOINTS:
            self._save()
        self._record()

    def _between_steps(self) -> None:
        self._apply_changes()
        now = time.monotonic()
        command = "none"
        if self._is_due_to_pause():
            command = "pause"
        elif now - self.last_look > CONTROL_LOOKS:
            self.last_look = now
            command = self._take()
        if command == "pause":
            command = self._pause()
        if command == "stop" or self.is_stopping:
            raise _Stop

    def _is_due_to_pause(self) -> bool:
        here = self.trainer.progress
        return here.step >= self.halt_step or here.epoch >= self.halt_epoch

    def _take(self) -> str:
        """Read the request, apply its settings and return its command."""
        requested = processes.take(self.folder)
        if requested.settings:
            self._change(Change(self.trainer.progress.step, requested.settings))
        if requested.command == "leave":
            if not self.is_paused:
                self._leave()
            raise _Leave
        if requested.command in ("run", "step", "epoch"):
            here = self.trainer.progress
            self.halt_step = here.step + 1 if requested.command == "step" else math.inf
            self.halt_epoch = here.epoch + 1 if requested.command == "epoch" else math.inf
        return requested.command

    def _pause(self) -> str:
        """Pause until the next command, and return it."""
        self._save()
        self._append("state", state="paused", step=self.trainer.progress.step)
        command = self._wait()
        self._append("state", state="running", step=self.trainer.progress.step)
        return command

    def _wait(self) -> str:
        self.is_paused = True
        began = time.monotonic()
        while (command := self._take()) not in processes.STARTERS:
            if time.monotonic() - began > PAUSE_TIMEOUT:
                raise _Leave
            time.sleep(CONTROL_LOOKS)
        self.is_paused = False
        return command

    def _leave(self) -> None:
        with contextlib.suppress(OSError):  # on a full disk the existing checkpoint stays
            if self.trainer.is_sound:
                folders.write_checkpoint(self.folder, *self.trainer.state())
            step = self.trainer.progress.step
            folders.append(self.folder, "state", state="paused", step=step)

    def _change(self, new: Change) -> None:
        """Change settings from this step on, also for a later resume from before it."""
        try:
            merged = changes.merge(self.changes, new)
            changes.apply(self.config.training, merged)
        except ConfigError as error:
            self._append("warning", message=str(error))
            return
        self._append("change", durably=True, step=new.step, settings=dict(new.settings))
        self.changes = merged
        self._apply_changes()

    def _apply_changes(self) -> None:
        if not self.changes:
            return
        step = self.trainer.progress.step
        config = changes.apply(self.config.training, self.changes, step=step)
        if config != self.trainer.config:
            self.trainer.adjust(config)

    def _publish(self, dataset: ImageDataset, state: State) -> State:
        trainer = self.trainer
        training = changes.apply(self.config.training, self.changes)

        def say(stage: str) -> None:
            self.say(stage)
            self._append("state", state="running", message=stage)
            if processes.peek(self.folder).command == "leave":
                self._leave()
                raise _Leave

        self._write(
            lambda: publishing.publish(
                self.folder,
                name=self.config.name,
                model=trainer.model,
                training=training,
                dataset=dataset,
                history=[folders.event_values(event) for event in history(self.folder)],
                command=folders.command_line(self.config, changes.to_arguments(self.changes)),
                importance_samples=self.config.importance_samples,
                importance_limit=self.config.importance_limit,
                paths=trainer.device.paths(),
                notes=_notes(self.changes),
                say=say,
            )
        )
        self._record(always=True)
        late = processes.take(self.folder)  # requested while the metrics were computed
        if late.settings:
            self._change(Change(trainer.progress.step, late.settings))
        self._append("state", state=state, step=trainer.progress.step)
        return state

    def _record(self, *, always: bool = False) -> None:
        """Append a frame to the replay if one is due."""
        here = self.trainer.progress
        if self.recorder.is_due(here.step, always=always):
            tensors = self.recorder.snapshot(self.trainer.model)
            epoch = here.step / self.trainer.batches
            self._write(lambda: self.recorder.append(here.step, epoch, tensors))

    def _save(self) -> None:
        """Write a checkpoint, unless the training is diverging."""
        if self.trainer.is_sound:
            state = self.trainer.state()
            self._write(lambda: folders.write_checkpoint(self.folder, *state))
        self.last_save = time.monotonic()

    def _append(self, kind: str, *, durably: bool = False, **values: Any) -> None:
        self._write(lambda: folders.append(self.folder, kind, durably=durably, **values))

    def _write(self, write: Callable[[], T]) -> T:
        """Call ``write`` until it succeeds; while the disk is full, wait as if paused."""
        while True:
            try:
                return write()
            except OSError as error:
                if not files.is_full(error):
                    raise
            self._wait_for_room()

    def _wait_for_room(self) -> None:
        (self.folder / RESERVE).unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            folders.append(self.folder, "state", state="paused", message=DISK_IS_FULL)
        # A stop also writes files: repeat the failed write first.
        self.is_stopping = self._wait() == "stop" or self.is_stopping
        with contextlib.suppress(OSError):
            self._reserve()
            folders.append(self.folder, "state", state="running", message="")

    def _reserve(self) -> None:
        (self.folder / RESERVE).write_bytes(b"\1" * RESERVED_BYTES)


def _notes(made: tuple[Change, ...]) -> tuple[str, ...]:
    if not made:
        return ()
    return ("Changed while it trained: " + "; ".join(map(changes.describe, made)) + ".",)
