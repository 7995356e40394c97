"""Control runs: submit, pause, resume, stop, change, extend, rewind, copy and delete.

No function but :func:`follow` waits for the training. A live trainer is reached through the control
file; without one, the function holds the folder's lock and writes the folder itself.
"""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from vae_core import model_folder
from vae_core.config import ModelConfig, TrainConfig
from vae_core.errors import ConfigError, LatentExplorerError
from vae_core.jobs import processes
from vae_core.jobs.processes import Command
from vae_core.learning import EpochRecord
from vae_core.runs import changes, folders, queue, replay, trash
from vae_core.runs.changes import Change
from vae_core.runs.folders import CHECKPOINT, NEXT, PREVIOUS, RunConfig
from vae_core.runs.limits import limits
from vae_core.runs.status import State, status, summary

#: Seconds to wait until a trainer has ended on request; it reads requests several times a second.
LEAVE_TIMEOUT = 10.0
#: Seconds between two reads of the status of a followed run.
FOLLOW_INTERVAL = 0.25
#: Seconds after which a followed run that does not train is requested again from the cluster.
RETRY_AFTER = 180.0
#: Free disk space that a new run needs.
MIN_FREE_BYTES = 64 * 2**20


def submit(root: Path, config: RunConfig) -> Path:
    """Create a run, named after ``config.name``, and add it to the queue.

    It trains with the threads in ``config``, or by default with its share of the cores.

    Raises
    ------
    ConfigError
        If training is turned off here, a limit is reached, or the disk is nearly full.
    """
    root.mkdir(parents=True, exist_ok=True)
    if "threads" not in config.training.model_fields_set:
        share = config.training.model_copy(update={"threads": limits().threads})
        config = config.model_copy(update={"training": share})
    with queue.locked(root):
        _check_limits(root, config.owner)
        if shutil.disk_usage(root).free < MIN_FREE_BYTES:
            raise ConfigError(
                f"the disk has less than {MIN_FREE_BYTES // 2**20} MB of free space: "
                "delete trainings first"
            )
        while True:
            folder = folders.new_folder(root, config.name)
            with contextlib.suppress(FileExistsError):  # another process created it just now
                folder.mkdir()
                break
        folders.create(folder, config)
    queue.advance(root, timeout=queue.LOCK_TIMEOUT)
    return folder


def follow(
    folder: Path,
    *,
    on_record: Callable[[EpochRecord], None] = lambda record: None,
    say: Callable[[str], None] = lambda stage: None,
) -> State:
    """Train a run where trainings run here, and report its progress until it ends.

    The run continues if the caller is interrupted.

    Returns
    -------
    State
        As :func:`execute`.

    Raises
    ------
    LatentExplorerError
        If the run fails, with its message, or if the cluster does not answer.
    """
    reported, message = status(folder).epoch, ""
    queue.request(folder, "run")
    begun = time.monotonic()
    while True:
        now = status(folder)
        for record in now.epochs:
            if record["epoch"] > reported:
                reported = record["epoch"]
                on_record(EpochRecord.of(folders.event_values(record)))
        if now.message and now.message != message:
            message = now.message
            say(message)
        if now.state == "failed":
            raise LatentExplorerError(now.message)
        if now.state in ("finished", "stopped", "paused"):
            return now.state
        if time.monotonic() - begun > RETRY_AFTER and now.state in ("queued", "interrupted"):
            queue.request(folder, "run")
            begun = time.monotonic()
        time.sleep(FOLLOW_INTERVAL)


def resume(folder: Path) -> None:
    """Queue a run to continue from its last checkpoint.

    Raises
    ------
    ConfigError
        If it is queued, running or finished, or training is turned off here.
    """
    _enqueue(folder, "run")


def step(folder: Path) -> None:
    """Queue a run to train for one step, then pause."""
    _enqueue(folder, "step")


def epoch(folder: Path) -> None:
    """Queue a run to train to the end of the epoch, then pause."""
    _enqueue(folder, "epoch")


def pause(folder: Path) -> None:
    """Pause a run: one in training after its next step; a queued one leaves the queue.

    Raises
    ------
    ConfigError
        If it is neither queued, running nor paused.
    """
    with processes.request_lock(folder):  # so that it does not start meanwhile
        now = summary(folder)
        if now.state == "running":
            processes.request(folder, "pause", worker=())
        elif now.state == "queued":
            if not processes.has_worker(folder):
                with processes.worker_lock(folder):
                    folders.append(folder, "state", durably=True, state="paused", step=now.step)
            processes.clear_request(folder)
        elif now.state != "paused":
            raise ConfigError(f"{folder.name} is {now.state}: only a run under way can pause")


def stop(folder: Path) -> None:
    """End a run early and write its model folder.

    Raises
    ------
    ConfigError
        If it has finished or has not begun.
    """
    now = summary(folder)
    if now.state == "finished":
        raise ConfigError(f"{folder.name} has finished already")
    if now.state == "queued" and now.step == 0:
        raise ConfigError(f"{folder.name} has not begun: delete it, or let it wait")
    queue.request(folder, "stop")


def change(folder: Path, **settings: float) -> None:
    """Change ``learning_rate``, ``beta`` or the number of ``epochs`` of a run.

    A run in training uses them from its next step. The events record the step, and a resume from
    an earlier one makes the change there again.

    Raises
    ------
    ConfigError
        If a setting cannot be changed, or not to that value; names it.
    """
    changes.apply(summary(folder).config.training, [Change(0, settings)])
    with processes.request_lock(folder):
        under_way = summary(folder).state in ("queued", "running", "paused")
        if under_way and processes.has_worker(folder):
            processes.request_settings(folder, settings)
            return
    with _as_writer(folder):
        # The step from which the trainer resumes, not the one at which it was killed.
        begin = folders.checkpoint_step(folder)
        folders.append(folder, "change", durably=True, step=begin, settings=settings)


def extend(folder: Path, epochs: int) -> None:
    """Queue a run to continue for more epochs than it was configured for.

    From here on, schedules over all steps (warm-up, decay) are stretched to the new number of
    epochs: a learning rate that has decayed rises again to its value in a training of that length.
    With a constant one, the run ends with the weights of a longer training.

    Raises
    ------
    ConfigError
        If it has not ended or paused, or as :func:`submit`.
    """
    if epochs < 1:
        raise ConfigError(f"epochs {epochs}: at least one more")
    with queue.locked(folder.parent):
        now = summary(folder)
        if now.state not in ("finished", "stopped", "paused", "interrupted"):
            raise ConfigError(
                f"{folder.name} is {now.state}: only a run that has ended or paused can continue"
            )
        _check_limits(folder.parent, now.config.owner)
        change(folder, epochs=now.config.training.epochs + epochs)
        processes.enqueue(folder, "run")
    queue.advance(folder.parent, timeout=queue.LOCK_TIMEOUT)


def rewind(folder: Path) -> None:
    """Reset a run to its initial weights, where it is paused.

    Changes are undone: the run has the settings and the seed that it was created with.

    Raises
    ------
    ConfigError
        If its trainer does not end in time.
    """
    with _without_trainer(folder):
        # In this order a kill at any time leaves a run that is unchanged, older or at step 0.
        names = (model_folder.CARD, replay.FILE, NEXT, PREVIOUS, CHECKPOINT)
        for name in names:
            (folder / name).unlink(missing_ok=True)
        folders.append(folder, "rewind", durably=True)
        processes.clear_request(folder)


def copy(folder: Path, settings: Mapping[str, object] = {}, *, owner: str | None = None) -> Path:
    """Create a run with the current settings of this one, except for ``settings``.

    Parameters
    ----------
    settings
        ``name``, and fields of the model and of the training.
    owner
        Owner of the copy; by default the same.

    Raises
    ------
    ConfigError
        If a setting is unknown or invalid; names it. Or as :func:`submit`.
    """
    was = summary(folder).config
    known = {"name", *ModelConfig.model_fields, *TrainConfig.model_fields}
    unknown = sorted(settings.keys() - known)
    if unknown:
        raise ConfigError(f"{unknown[0]} is not a setting that is known here")
    parts: dict[str, object] = {
        "model": ModelConfig.of(**was.model.model_dump() | _fields_of(ModelConfig, settings)),
        "training": TrainConfig.of(**was.training.model_dump() | _fields_of(TrainConfig, settings)),
        "name": settings.get("name", was.name),
        "owner": was.owner if owner is None else owner,
    }
    return submit(folder.parent, RunConfig.of(**{**dict(was), **parts}))


def delete(folder: Path) -> str:
    """End a run's trainer, move the run to the trash and return its name there.

    Raises
    ------
    ConfigError
        If its trainer does not end in time.
    """
    with _without_trainer(folder):
        processes.clear_request(folder)
        return trash.put(folder)


def _fields_of(
    part: type[ModelConfig | TrainConfig], settings: Mapping[str, object]
) -> dict[str, object]:
    return {name: value for name, value in settings.items() if name in part.model_fields}


def _enqueue(folder: Path, command: Command) -> None:
    with queue.locked(folder.parent):
        now = summary(folder)
        if not limits().training:
            raise ConfigError("training is turned off here (VAE_TRAINING is off)")
        if now.state == "finished" and now.epoch >= now.config.training.epochs:
            raise ConfigError(f"{folder.name} has finished: continue it with more epochs")
        if now.state in ("running", "queued") and command == "run":
            raise ConfigError(f"{folder.name} is {now.state} already")
        if now.state == "running":
            queue.request(folder, command)  # it trains already
            return
        _check_limits(folder.parent, now.config.owner)
        processes.enqueue(folder, command)
    queue.advance(folder.parent, timeout=queue.LOCK_TIMEOUT)


def _check_limits(root: Path, owner: str) -> None:
    allowed = limits()
    if not allowed.training:
        raise ConfigError("training is turned off here (VAE_TRAINING is off)")
    busy = [one for one in queue.statuses(root) if one.state in ("queued", "running")]
    own = [one for one in busy if one.config.owner == owner]
    if len(busy) >= allowed.runs:
        raise ConfigError(
            f"{len(busy)} trainings wait or run here, as many as are allowed; try again later"
        )
    if owner and len(own) >= allowed.per_session:
        raise ConfigError(
            f"{len(own)} of your trainings wait or run, as many as are allowed: "
            "stop or delete one, or wait"
        )


@contextlib.contextmanager
def _without_trainer(folder: Path) -> Iterator[None]:
    """Make a run's trainer end, then hold the run's locks for the block."""
    if processes.is_alive(folder):
        processes.request(folder, "leave", worker=())
    with _as_writer(folder):
        yield


@contextlib.contextmanager
def _as_writer(folder: Path) -> Iterator[None]:
    """Wait until a run's trainer has ended, then hold the run's locks for the block."""
    deadline = time.monotonic() + LEAVE_TIMEOUT
    while processes.is_alive(folder):
        if time.monotonic() > deadline:
            raise ConfigError(f"{folder.name} is still training: try again in a moment")
        time.sleep(0.05)
    with processes.request_lock(folder):
        if processes.has_worker(folder):
            raise ConfigError(f"{folder.name} is starting: try again in a moment")
        with processes.worker_lock(folder):
            yield
