"""A run's folder: its settings, what its trainer told, its checkpoints."""

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
from vae_core.files import flush, write_atomically
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

#: What reading a damaged checkpoint may end in.
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
    """What a run trains: ``config.json``."""

    name: str = Field(min_length=1, max_length=100)
    model: ModelConfig
    training: TrainConfig
    importance_samples: int = Field(default=0, ge=0, le=100_000)
    importance_limit: int | None = Field(default=None, ge=1)
    created: float = 0.0
    #: Whose run it is, for turns and limits; a name or a session's key, never a secret.
    owner: str = Field(default="", max_length=100)


def command_line(config: RunConfig, changes: Sequence[str] = ()) -> str:
    """Return the command that trains the same model again.

    Parameters
    ----------
    changes
        ``STEP:name=value`` of each setting that was changed while it trained.
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
    """Return the folder of all runs: the given one, ``VAE_RUNS_DIR``, or the user's data folder."""
    chosen = explicit or os.environ.get(ENVIRONMENT_VARIABLE)
    if chosen:
        return Path(chosen).expanduser()
    import platformdirs

    return platformdirs.user_data_path("latent-explorer") / "runs"


def create(folder: Path, config: RunConfig) -> Path:
    """Lay a new run folder.

    Raises
    ------
    ConfigError
        If the folder exists and is not empty: a run never writes over another.
    """
    if folder.exists() and any(folder.iterdir()):
        raise ConfigError(f"{folder} is not empty: a run starts in a folder of its own")
    folder.mkdir(parents=True, exist_ok=True)
    config = config.model_copy(update={"created": time.time()})
    write_atomically(folder / CONFIG, config.model_dump_json(indent=2).encode())
    return folder


def new_folder(root: Path, name: str) -> Path:
    """Return a folder in ``root`` that does not exist yet, named after ``name``."""
    stem = model_folder.slug(name)
    taken = {path.name for path in root.glob("*")} | set(model_folder.list_models())
    number = 2
    candidate = stem
    while candidate in taken:
        candidate, number = f"{stem}-{number}", number + 1
    return root / candidate


def read_config(folder: Path) -> RunConfig:
    """Read what a run trains, as it was laid; :func:`status` knows what was changed since."""
    try:
        found = (folder / CONFIG).stat()
        return _config(folder / CONFIG, found.st_mtime_ns, found.st_size)
    except OSError as error:
        raise CheckpointError(f"{folder} holds no run: it has no {CONFIG}") from error


@functools.lru_cache(maxsize=1024)
def _config(path: Path, modified: int, size: int) -> RunConfig:
    return RunConfig.from_json(path.read_bytes())


def list_runs(root: Path | None = None) -> list[Path]:
    """Folders of all runs, oldest first; a folder whose settings cannot be read is none."""
    created = {}
    for path in (root or runs_dir()).glob(f"*/{CONFIG}"):
        if path.parent.name.startswith("."):
            continue
        with contextlib.suppress(ConfigError, CheckpointError):
            created[path.parent] = read_config(path.parent).created
    return sorted(created, key=lambda folder: (created[folder], folder.name))


def events(folder: Path) -> list[Event]:
    """Read all that a run's trainer has told; a torn last line is left out."""
    try:
        return parse((folder / EVENTS).read_bytes())
    except FileNotFoundError:
        return []


def parse(content: bytes) -> list[Event]:
    """Read whole lines of events."""
    told = []
    for line in content.split(b"\n")[:-1]:
        try:
            event = json.loads(line)
        except ValueError:
            continue  # torn by a kill, then followed by what the next trainer told
        if isinstance(event, dict):
            told.append(event)
    return told


def event_values(event: Event) -> Event:
    """Return what an event tells, without its kind and its time."""
    return {key: value for key, value in event.items() if key not in ("type", "time")}


def append(folder: Path, kind: str, *, durably: bool = False, **values: Any) -> None:
    """Tell one event, with the time of the day.

    Parameters
    ----------
    durably
        Whether to wait until it is on the disk.
    """
    event = {"type": kind, "time": round(time.time(), 3), **values}
    path = folder / EVENTS
    with path.open("ab+") as file:
        # A torn last line of a killed trainer must not swallow the first one of this trainer.
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
    """Replace a run's checkpoint, keeping the one before it."""
    content = safetensors.torch.save(tensors, metadata={"progress": json.dumps(progress)})
    flush(folder / EVENTS)  # no checkpoint may know more than the events beside it
    write_atomically(folder / NEXT, content)
    if (folder / CHECKPOINT).exists():
        (folder / CHECKPOINT).replace(folder / PREVIOUS)
    (folder / NEXT).replace(folder / CHECKPOINT)
    flush(folder)


def read_checkpoint(
    folder: Path, *, warn: Callable[[str], None] = lambda sentence: None
) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
    """Read a run's last readable checkpoint; None if it has none yet.

    Parameters
    ----------
    warn
        Called with a sentence when the last one was damaged and the one before it was taken.

    Raises
    ------
    CheckpointError
        If there are checkpoints and none can be read.
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
    """Say what is wrong with a run's checkpoints, as who reads them is told; "" where nothing is.

    It looks at heads alone, and at those that it has not seen yet.
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
    """Read the last checkpoint that can be read, and tell what is wrong with those after it."""
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
    told = json.loads(file.metadata()["progress"])
    return {**told, "step": int(told["step"])}


def _previous_used(step: int) -> str:
    return f"{CHECKPOINT} is damaged; the one before it was taken, of step {step}"


def _none_readable(faults: Sequence[str]) -> str:
    return "no checkpoint can be read: " + "; ".join(faults)


def remove_temporary_files(folder: Path) -> None:
    """Remove what writes left behind that were killed; for the trainer alone.

    Requests are written by others, maybe at this moment, and stay.
    """
    for path in folder.glob(".*"):
        if path.is_file() and not path.name.startswith(f".{processes.CONTROL}"):
            path.unlink(missing_ok=True)


def checkpoint_step(folder: Path) -> int:
    """Return the finished steps of a run's last readable checkpoint, 0 where there is none."""
    step, _ = _last_readable(folder, lambda file: int(_progress(file)["step"]))
    return step or 0


def read_model(folder: Path) -> tuple[VAE, int] | None:
    """Read the model in training and its number of finished steps from the last checkpoint.

    None before the first one, or if none can be read: :func:`checkpoint_error` says why. The model
    is in eval mode with gradients off.
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
