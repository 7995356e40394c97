"""What people do with a run: each is one function, and returns at once.

A trainer that is alive is told through the control file. Where there is none, whoever holds the
folder's lock for a moment is its writer.
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

#: Seconds within which a trainer leaves that is in the way; it looks several times a second.
LEAVE_TIMEOUT = 10.0
#: Seconds between two looks of whoever follows a run.
FOLLOW_INTERVAL = 0.25
#: Seconds after which whoever follows a run asks again: no worker was free, or too many were lost.
RETRY_AFTER = 180.0
#: Room that has to be there before a run is laid.
MIN_FREE_BYTES = 64 * 2**20


def submit(root: Path, config: RunConfig) -> Path:
    """Lay a new run, named after ``config.name``, and let it begin when it is its turn.

    It trains with the threads that ``config`` states, else with its share of the cores.

    Raises
    ------
    ConfigError
        If training is turned off here, a limit is reached, or the disk has no room.
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
            with contextlib.suppress(FileExistsError):  # somebody else took the name just now
                folder.mkdir()
                break
        folders.create(folder, config)
    queue.advance(root, timeout=queue.LOCK_TIMEOUT)
    return folder


def request(folder: Path, command: Command) -> None:
    """Ask for a run to go on, to pause, or to end with what it has, without waiting for a turn.

    A run without a trainer is given one, a process of its own, unless it shall pause.
    """
    queue.request(folder, command)


def follow(
    folder: Path,
    *,
    on_record: Callable[[EpochRecord], None] = lambda record: None,
    say: Callable[[str], None] = lambda stage: None,
) -> State:
    """Let a run train wherever trainings run here, and tell what it tells, to its end.

    Returns
    -------
    State
        As :func:`execute`. Whoever stops following leaves the run at work.

    Raises
    ------
    LatentExplorerError
        If it fails, with its message; or if no cluster answers.
    """
    told, said = status(folder).epoch, ""
    queue.request(folder, "run")
    begun = time.monotonic()
    while True:
        now = status(folder)
        for record in now.epochs:
            if record["epoch"] > told:
                told = record["epoch"]
                on_record(EpochRecord.of(folders.event_values(record)))
        if now.message and now.message != said:
            said = now.message
            say(said)
        if now.state == "failed":
            raise LatentExplorerError(now.message)
        if now.state in ("finished", "stopped", "paused"):
            return now.state
        if time.monotonic() - begun > RETRY_AFTER and now.state in ("queued", "interrupted"):
            queue.request(folder, "run")
            begun = time.monotonic()
        time.sleep(FOLLOW_INTERVAL)


def resume(folder: Path) -> None:
    """Go on with a run from where it stands, when it is its turn.

    Raises
    ------
    ConfigError
        If it is under way or finished already, or training is turned off here.
    """
    _enqueue(folder, "run")


def step(folder: Path) -> None:
    """Make one step, then pause."""
    _enqueue(folder, "step")


def epoch(folder: Path) -> None:
    """Train to the end of the epoch, then pause."""
    _enqueue(folder, "epoch")


def pause(folder: Path) -> None:
    """Wait: a run in training with its next step, a queued one by losing its place."""
    with processes.request_lock(folder):  # lest it is given its turn meanwhile
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
    """End a run with what it has; its model can then be opened.

    Raises
    ------
    ConfigError
        If it has finished, or has not begun.
    """
    now = summary(folder)
    if now.state == "finished":
        raise ConfigError(f"{folder.name} has finished already")
    if now.state == "queued" and now.step == 0:
        raise ConfigError(f"{folder.name} has not begun: delete it, or let it wait")
    queue.request(folder, "stop")


def change(folder: Path, **settings: float) -> None:
    """Go on with another ``learning_rate`` or ``beta``, or another number of ``epochs``.

    A run in training takes them up with its next step. The step is told in the events, and a
    resume makes the change there again.

    Raises
    ------
    ConfigError
        If a setting cannot be changed, or not to that value; the sentence names it.
    """
    changes.apply(summary(folder).config.training, [Change(0, settings)])
    with processes.request_lock(folder):
        under_way = summary(folder).state in ("queued", "running", "paused")
        if under_way and processes.has_worker(folder):
            processes.request_settings(folder, settings)
            return
    with _as_writer(folder):
        # What the trainer finds when it goes on, not how far it had come when it was killed.
        stands_at = folders.checkpoint_step(folder)
        folders.append(folder, "change", durably=True, step=stands_at, settings=settings)


def extend(folder: Path, epochs: int) -> None:
    """Go on with a run for so many epochs more than it was to have.

    A schedule that runs over all steps (warm-up, decay) is laid over the new number of epochs
    from there on: a learning rate that had decayed climbs back to where a training of that length
    would have it. With a constant one the run ends in the very weights of a longer training.
    """
    if epochs < 1:
        raise ConfigError(f"epochs {epochs}: one more at least")
    with queue.locked(folder.parent):
        now = summary(folder)
        if now.state not in ("finished", "stopped", "paused", "interrupted"):
            raise ConfigError(
                f"{folder.name} is {now.state}: a run goes on that has ended or paused"
            )
        _check_limits(folder.parent, now.config.owner)
        change(folder, epochs=now.config.training.epochs + epochs)
        processes.enqueue(folder, "run")
    queue.advance(folder.parent, timeout=queue.LOCK_TIMEOUT)


def rewind(folder: Path) -> None:
    """Take a run back to its initial weights; it waits there, paused.

    What was changed since is undone: the run has the settings and the seed that it was laid with.
    """
    with _without_trainer(folder):
        # In an order in which a kill at any time leaves a run: older, or as it was, or at 0.
        names = (model_folder.CARD, replay.FILE, NEXT, PREVIOUS, CHECKPOINT)
        for name in names:
            (folder / name).unlink(missing_ok=True)
        folders.append(folder, "rewind", durably=True)
        processes.clear_request(folder)


def copy(folder: Path, settings: Mapping[str, object] = {}, *, owner: str | None = None) -> Path:
    """Lay a new run like this one, with its settings of now, and with ``settings`` in their place.

    Parameters
    ----------
    settings
        ``name``, and fields of the model and of the training.
    owner
        Whose the copy is; the same owner's when left out.

    Raises
    ------
    ConfigError
        If a setting is unknown or wrong; the sentence names it. Or as :func:`submit`.
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
    """Put a run into the trash; returns the name by which :func:`restore` finds it.

    Its trainer leaves first.
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
            queue.request(folder, command)  # it has its turn, and ends it
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
    """Let a run's trainer leave, then be :func:`_as_writer`."""
    if processes.is_alive(folder):
        processes.request(folder, "leave", worker=())
    with _as_writer(folder):
        yield


@contextlib.contextmanager
def _as_writer(folder: Path) -> Iterator[None]:
    """Be a run's writer once its trainer has left, while nobody gives the run its turn."""
    deadline = time.monotonic() + LEAVE_TIMEOUT
    while processes.is_alive(folder):
        if time.monotonic() > deadline:
            raise ConfigError(f"{folder.name} is still at work: try again in a moment")
        time.sleep(0.05)
    with processes.request_lock(folder):
        if processes.has_worker(folder):
            raise ConfigError(f"{folder.name} is starting: try again in a moment")
        with processes.worker_lock(folder):
            yield
