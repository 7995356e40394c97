"""Read and write run folders: settings, events and checkpoints."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import shlex
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import safetensors
import safetensors.torch
import torch
from pydantic import Field
from torch import Tensor

from vae_core import model_folder
from vae_core.config import Config, ModelConfig, TrainConfig
from vae_core.errors import CheckpointError, ConfigError
from vae_core.files import flush, user_folder, write_atomically
from vae_core.jobs import processes
from vae_core.models import VAE, build

ENVIRONMENT_VARIABLE = "VAE_RUNS_DIR"
CONFIG, EVENTS, CHECKPOINT, PREVIOUS, NEXT = (
    "config.json",
    "events.jsonl",
    "checkpoint.safetensors",
    "previous.safetensors",
    "next.safetensors",
)

#: Exceptions that reading a damaged checkpoint raises.
UNREADABLE = (
    safetensors.SafetensorError,
    OSError,
    ValueError,
    KeyError,
    TypeError,
    OverflowError,
    RuntimeError,
)

Event = dict[str, Any]
T = TypeVar("T")


class RunConfig(Config):
    """Settings of a run: ``config.json``."""

    name: str = Field(min_length=1, max_length=100)
    model: ModelConfig
    training: TrainConfig
    importance_samples: int = Field(default=0, ge=0, le=100_000)
    importance_limit: int | None = Field(default=None, ge=1)
    created: float = 0.0
    #: Owner, for queue and limits: a name or the key of a session, never a secret.
    owner: str = Field(default="", max_length=100)


def command_line(config: RunConfig, changes: Sequence[str] = ()) -> str:
    """Return the command line that trains the same model again.

    Parameters
    ----------
    changes
        ``STEP:name=value`` for each setting that was changed during the training.
    """
    words = ["--name", config.name]
    for settings, skipped in ((config.training, ()), (config.model, ("image_shape",))):
        for name, field in type(settings).model_fields.items():
            value = getattr(settings, name)
            if name in skipped or (value == field.default and name != "dataset"):
                continue
            text = ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
            words += [f"--{name.replace('_', '-')}", text]
    if config.importance_samples:
        words += ["--importance-samples", str(config.importance_samples)]
    if config.importance_limit:
        words += ["--limit", str(config.importance_limit)]
    for change in changes:
        words += ["--change", change]
    return "python -m vae_core train " + shlex.join([*words, "--out", "DIR"])


def runs_dir(explicit: str | Path | None = None) -> Path:
    """Return the folder of all runs: ``explicit``, ``VAE_RUNS_DIR``, or the user's data folder."""
    chosen = explicit or os.environ.get(ENVIRONMENT_VARIABLE)
    if chosen:
        return Path(chosen).expanduser()
    return user_folder("data", ENVIRONMENT_VARIABLE) / "runs"


def create(folder: Path, config: RunConfig) -> Path:
    """Create a run folder.

    Raises
    ------
    ConfigError
        If the folder exists and is not empty, or cannot be written.
    """
    if folder.exists() and any(folder.iterdir()):
        raise ConfigError(f"{folder} is not empty: a run needs a new or empty folder")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except PermissionError as error:
        raise ConfigError(
            f"{error.filename}: {error.strerror}. {ENVIRONMENT_VARIABLE} names another folder"
        ) from error
    config = config.model_copy(update={"created": time.time()})
    write_atomically(folder / CONFIG, config.model_dump_json(indent=2).encode())
    return folder


def new_folder(root: Path, name: str) -> Path:
    """Return the path of a new folder in ``root``, named after ``name``."""
    stem = model_folder.slug(name)
    taken = {path.name for path in root.glob("*")}
    number = 2
    candidate = stem
    while candidate in taken:
        candidate, number = f"{stem}-{number}", number + 1
    return root / candidate


def read_config(folder: Path) -> RunConfig:
    """Read the settings with which a run was created; :func:`status` has the current ones.

    Raises
    ------
    CheckpointError, ConfigError
        If the folder holds no run, or its settings cannot be read.
    """
    try:
        found = (folder / CONFIG).stat()
        return _config(folder / CONFIG, found.st_mtime_ns, found.st_size)
    except OSError as error:
        raise CheckpointError(f"{folder} holds no run: it has no {CONFIG}") from error


@functools.lru_cache(maxsize=1024)
def _config(path: Path, modified: int, size: int) -> RunConfig:
    return RunConfig.from_json(path.read_bytes())


def list_runs(root: Path | None = None) -> list[Path]:
    """Return the folders of all runs with readable settings, oldest first."""
    created = {}
    for path in (root or runs_dir()).glob(f"*/{CONFIG}"):
        if path.parent.name.startswith("."):
            continue
        with contextlib.suppress(ConfigError, CheckpointError):
            created[path.parent] = read_config(path.parent).created
    return sorted(created, key=lambda folder: (created[folder], folder.name))


def events(folder: Path) -> list[Event]:
    """Read the events of a run; an incomplete last line is left out."""
    try:
        return parse((folder / EVENTS).read_bytes())
    except FileNotFoundError:
        return []


def parse(content: bytes) -> list[Event]:
    """Parse the complete lines of an events file."""
    found = []
    for line in content.split(b"\n")[:-1]:
        try:
            event = json.loads(line)
        except ValueError:
            continue  # cut off by a kill, before the next trainer appended
        if isinstance(event, dict):
            found.append(event)
    return found


def event_values(event: Event) -> Event:
    """Return the values of an event, without its type and time."""
    return {key: value for key, value in event.items() if key not in ("type", "time")}


def append(folder: Path, kind: str, *, durably: bool = False, **values: Any) -> None:
    """Append an event to a run's events, with the Unix time.

    Parameters
    ----------
    durably
        Whether to wait until it is on the disk.
    """
    event = {"type": kind, "time": round(time.time(), 3), **values}
    path = folder / EVENTS
    with path.open("ab+") as file:
        # An incomplete last line of a killed trainer must not absorb the first one of this trainer.
        if file.tell() and not _ends_with_newline(path):
            file.write(b"\n")
        file.write(json.dumps(event).encode() + b"\n")
    if durably:
        flush(path)


def _ends_with_newline(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"


def write_checkpoint(folder: Path, tensors: dict[str, Tensor], progress: dict[str, Any]) -> None:
    """Replace a run's checkpoint and keep the previous one."""
    content = safetensors.torch.save(tensors, metadata={"progress": json.dumps(progress)})
    flush(folder / EVENTS)  # events must not be older than the checkpoint
    write_atomically(folder / NEXT, content)
    if (folder / CHECKPOINT).exists():
        (folder / CHECKPOINT).replace(folder / PREVIOUS)
    (folder / NEXT).replace(folder / CHECKPOINT)
    flush(folder)


def read_checkpoint(
    folder: Path, *, warn: Callable[[str], None] = lambda sentence: None
) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
    """Read a run's latest readable checkpoint; None if it has none yet.

    Parameters
    ----------
    warn
        Called with a sentence if the latest one is damaged and the previous one is read.

    Raises
    ------
    CheckpointError
        If there are checkpoints and none is readable.
    """

    def read(file: Any) -> tuple[dict[str, Tensor], dict[str, Any]]:
        tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
        return tensors, _progress(file)

    found, faults = _last_readable(folder, read)
    if found is None:
        if faults:
            raise CheckpointError(_none_readable(faults))
        return None
    if faults:
        warn(_previous_used(int(found[1]["step"])))
    return found


def checkpoint_error(folder: Path) -> str:
    """Describe what is wrong with a run's checkpoints; "" if nothing is.

    Only headers are read, and only of files that have changed since the last call.
    """
    versions = []
    for name in (CHECKPOINT, PREVIOUS):
        with contextlib.suppress(FileNotFoundError):
            found = (folder / name).stat()
            versions.append((name, found.st_mtime_ns, found.st_size))
    return _checkpoint_error(folder, tuple(versions))


@functools.lru_cache(maxsize=1024)
def _checkpoint_error(folder: Path, versions: tuple[tuple[str, int, int], ...]) -> str:
    step, faults = _last_readable(folder, lambda file: int(_progress(file)["step"]))
    if not faults:
        return ""
    return _none_readable(faults) if step is None else _previous_used(step)


def _last_readable(folder: Path, read: Callable[[Any], T]) -> tuple[T | None, list[str]]:
    """Read the latest readable checkpoint, and describe the faults of later ones."""
    faults: list[str] = []
    for name in (CHECKPOINT, PREVIOUS):
        try:
            with safetensors.safe_open(folder / name, framework="pt") as file:
                return read(file), faults
        except FileNotFoundError:
            continue
        except UNREADABLE as error:
            faults.append(f"{name}: {error}")
    return None, faults


def _progress(file: Any) -> dict[str, Any]:
    progress: dict[str, Any] = json.loads(file.metadata()["progress"])
    return progress | {"step": int(progress["step"])}


def _previous_used(step: int) -> str:
    return f"{CHECKPOINT} is damaged; the previous one, of step {step}, is used"


def _none_readable(faults: Sequence[str]) -> str:
    return "no checkpoint can be read: " + "; ".join(faults)


def remove_temporary_files(folder: Path) -> None:
    """Remove temporary files of killed writes; only the trainer may call it.

    Those of requests stay, since other processes may be writing them.
    """
    for path in folder.glob(".*"):
        if path.is_file() and not path.name.startswith(f".{processes.CONTROL}"):
            path.unlink(missing_ok=True)


def checkpoint_step(folder: Path) -> int:
    """Return the finished steps in a run's latest readable checkpoint, 0 if there is none."""
    step, _ = _last_readable(folder, lambda file: int(_progress(file)["step"]))
    return step or 0


def read_model(folder: Path) -> tuple[VAE, int] | None:
    """Read the model and the number of finished steps from the latest readable checkpoint.

    None if there is none: :func:`checkpoint_error` says why. The model is in eval mode with
    gradients off.
    """
    config = read_config(folder).model

    def read(file: Any) -> tuple[dict[str, Tensor], int]:
        names = [name for name in file.keys() if name.startswith("model.")]  # noqa: SIM118
        weights = {name.removeprefix("model."): file.get_tensor(name) for name in names}
        model_folder.check_weights(CHECKPOINT, config, weights)
        return weights, int(_progress(file)["step"])

    found, _ = _last_readable(folder, read)
    if found is None:
        return None
    weights, step = found
    with torch.device("meta"):
        model = build(config)
    model.load_state_dict(weights, assign=True)
    return model.eval().requires_grad_(False), step
