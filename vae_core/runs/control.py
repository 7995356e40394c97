"""What people do with a run: each is one function, and returns at once.

A trainer that is alive is told through the control file. Where there is none, whoever holds the
folder's lock for a moment is its writer.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from vae_core import checkpoints, processes
from vae_core.config import ModelConfig, TrainConfig
from vae_core.errors import ConfigError, LatentExplorerError
from vae_core.learning import EpochRecord
from vae_core.processes import Command
from vae_core.runs import changes, folders, queue, replay
from vae_core.runs.changes import Change
from vae_core.runs.folders import CHECKPOINT, CONFIG, NEXT, PREVIOUS, TRASH, RunConfig
from vae_core.runs.limits import limits
from vae_core.runs.status import State, status

#: Seconds within which a trainer leaves that is in the way; it looks several times a second.
LEAVING = 10.0
#: Seconds between two looks of whoever follows a run.
FOLLOWS = 0.25
#: Seconds after which whoever follows a run asks again: no worker was free, or too many were lost.
GIVEN_UP = 180.0
#: Deleted runs are purged after this many seconds.
TRASH_KEEPS = 24 * 3600.0
#: Room that has to be there before a run is laid.
ROOM_BYTES = 64 * 2**20


def submit(root: Path, config: RunConfig) -> Path:
    """Lay a new run, named after ``config.name``, and let it begin when it is its turn.

    Raises
    ------
    ConfigError
        If training is turned off here, a limit is reached, or the disk has no room.
    """
    root.mkdir(parents=True, exist_ok=True)
    _check_limits(root, config.owner)
    if shutil.disk_usage(root).free < ROOM_BYTES:
        raise ConfigError(
            f"the disk has less than {ROOM_BYTES // 2**20} MB of room: delete trainings first"
        )
    while True:
        folder = folders.new_folder(root, config.name)
        with contextlib.suppress(FileExistsError):  # somebody else took the name just now
            folder.mkdir()
            break
    folders.create(folder, config)
    queue.advance(root)
    return folder


def request(folder: Path, command: Command) -> None:
    """Ask for a run to go on, to pause, or to end with what it has, without waiting for a turn.

    A run without a trainer is given one, a process of its own, unless it shall pause.
    """
    queue.begin(folder, command)


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
    told, said = len(status(folder).epochs), ""
    queue.begin(folder, "run")
    begun = time.monotonic()
    while True:
        now = status(folder)
        for record in now.epochs[told:]:
            on_record(EpochRecord.of(folders.plain(record)))
        told = max(told, len(now.epochs))
        if now.message and now.message != said:
            said = now.message
            say(said)
        if now.state == "failed":
            raise LatentExplorerError(now.message)
        if now.state in ("finished", "stopped", "paused"):
            return now.state
        if time.monotonic() - begun > GIVEN_UP and now.state in ("queued", "interrupted"):
            queue.begin(folder, "run")
            begun = time.monotonic()
        time.sleep(FOLLOWS)


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
    now = status(folder)
    if now.state == "queued":
        if not _is_attended(folder):
            with processes.held(folder):
                folders.append(folder, "state", state="paused", step=now.step)
        processes.forget(folder)
    elif now.state == "running":
        processes.request(folder, "pause", worker=())
    elif now.state != "paused":
        raise ConfigError(f"{folder.name} is {now.state}: only a run under way can pause")


def stop(folder: Path) -> None:
    """End a run with what it has; its model can then be opened.

    Raises
    ------
    ConfigError
        If it has finished, or has not begun.
    """
    now = status(folder)
    if now.state == "finished":
        raise ConfigError(f"{folder.name} has finished already")
    if now.state == "queued" and now.step == 0:
        raise ConfigError(f"{folder.name} has not begun: delete it, or let it wait")
    queue.begin(folder, "stop")


def change(folder: Path, **settings: float) -> None:
    """Go on with another ``learning_rate`` or ``beta``, or another number of ``epochs``.

    A run in training takes them up with its next step. The step is told in the events, and a
    resume makes the change there again.

    Raises
    ------
    ConfigError
        If a setting cannot be changed, or not to that value; the sentence names it.
    """
    now = status(folder)
    changes.applied(now.config.training, [Change(0, settings)])
    if now.state in ("queued", "running", "paused") and _is_attended(folder):
        processes.ask_settings(folder, settings)
        return
    with processes.held(folder):
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
    now = status(folder)
    if now.state not in ("finished", "stopped", "paused", "interrupted"):
        raise ConfigError(f"{folder.name} is {now.state}: a run goes on that has ended or paused")
    _check_limits(folder.parent, now.config.owner)
    change(folder, epochs=now.config.training.epochs + epochs)
    processes.enqueue(folder, "run")
    queue.advance(folder.parent)


def rewind(folder: Path) -> None:
    """Take a run back to its initial weights; it waits there, paused.

    What was changed since is undone: the run has the settings and the seed that it was laid with.
    """
    _dismiss(folder)
    with processes.held(folder):
        # In an order in which a kill at any time leaves a run: older, or as it was, or at 0.
        names = (checkpoints.CARD, replay.FILE, NEXT, PREVIOUS, CHECKPOINT)
        for name in names:
            (folder / name).unlink(missing_ok=True)
        folders.append(folder, "rewind", durably=True)
    processes.forget(folder)


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
    was = status(folder).config
    known = {"name", *ModelConfig.model_fields, *TrainConfig.model_fields}
    unknown = sorted(settings.keys() - known)
    if unknown:
        raise ConfigError(f"{unknown[0]} is not a setting that is known here")
    parts: dict[str, object] = {
        "model": ModelConfig.of(**was.model.model_dump() | _of(ModelConfig, settings)),
        "training": TrainConfig.of(**was.training.model_dump() | _of(TrainConfig, settings)),
        "name": settings.get("name", was.name),
        "owner": was.owner if owner is None else owner,
    }
    return submit(folder.parent, RunConfig.of(**{**dict(was), **parts}))


def delete(folder: Path) -> str:
    """Put a run into the trash; returns the name by which :func:`restore` finds it.

    Its trainer leaves first.
    """
    _dismiss(folder)
    trash = folder.parent / TRASH
    trash.mkdir(exist_ok=True)
    with processes.held(folder):
        processes.forget(folder)
        name, number = folder.name, 2
        while (trash / name).exists():
            name, number = f"{folder.name}-{number}", number + 1
        folder.rename(trash / name)
    os.utime(trash / name)  # when it was deleted, for the purge
    return name


def restore(root: Path, name: str) -> Path:
    """Take a run out of the trash again; returns its folder, with a new name if it was taken.

    Raises
    ------
    ConfigError
        If the trash holds no such run.
    """
    if name not in deleted(root):
        held = ", ".join(deleted(root)) or "nothing"
        raise ConfigError(f"no run {name!r} was deleted; the trash holds {held}")
    folder = root / name
    if folder.exists():
        folder = folders.new_folder(root, name)
    (root / TRASH / name).rename(folder)
    return folder


def deleted(root: Path) -> list[str]:
    """Names of the runs in the trash."""
    return sorted(path.parent.name for path in (root / TRASH).glob(f"*/{CONFIG}"))


def purge(root: Path, *, older_than: float = TRASH_KEEPS) -> list[str]:
    """Remove what has been in the trash for so many seconds; returns the names."""
    gone = []
    for name in deleted(root):
        path = root / TRASH / name
        with contextlib.suppress(FileNotFoundError):  # another server is at it too
            if time.time() - path.stat().st_mtime >= older_than:
                shutil.rmtree(path, ignore_errors=True)
                gone.append(name)
    return gone


def _of(part: type[ModelConfig | TrainConfig], settings: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in settings.items() if name in part.model_fields}


def _enqueue(folder: Path, command: Command) -> None:
    now = status(folder)
    if not limits().training:
        raise ConfigError("training is turned off here (VAE_TRAINING is off)")
    if now.state == "finished" and now.epoch >= now.config.training.epochs:
        raise ConfigError(f"{folder.name} has finished: continue it with more epochs")
    if now.state in ("running", "queued") and command == "run":
        raise ConfigError(f"{folder.name} is {now.state} already")
    if now.state == "running":
        processes.request(folder, command, worker=())  # it has its turn, and ends it
        return
    _check_limits(folder.parent, now.config.owner)
    processes.enqueue(folder, command)
    queue.advance(folder.parent)


def _check_limits(root: Path, owner: str) -> None:
    allowed = limits()
    if not allowed.training:
        raise ConfigError("training is turned off here (VAE_TRAINING is off)")
    busy = [one for one in queue.stands(root) if one.state in ("queued", "running")]
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


def _is_attended(folder: Path) -> bool:
    return processes.is_alive(folder) or processes.is_starting(folder, since=0.0)


def _dismiss(folder: Path) -> None:
    """Let a run's trainer leave, and wait until it has."""
    if not _is_attended(folder):
        return
    if not processes.is_alive(folder):
        raise ConfigError(f"{folder.name} is starting: try again in a moment")
    processes.request(folder, "leave", worker=())
    deadline = time.monotonic() + LEAVING
    while processes.is_alive(folder):
        if time.monotonic() > deadline:
            raise ConfigError(f"{folder.name} is still at work: try again in a moment")
        time.sleep(0.05)
