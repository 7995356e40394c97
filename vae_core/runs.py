"""Training as a process: a folder that one trainer writes and everybody else reads.

============================  ===============================================================
``config.json``               what is trained, and how; written once
``events.jsonl``              what happened, one object a line; a torn last line is ignored
``checkpoint.safetensors``    all that a resume needs; replaced atomically
``previous.safetensors``      the checkpoint before it, should that one be unreadable
the files of a model folder   once the training has ended
============================  ===============================================================
"""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import safetensors
import safetensors.torch
import torch
from pydantic import Field
from torch import Tensor

from vae_core import checkpoints, processes, publishing
from vae_core.config import Config, ModelConfig, TrainConfig
from vae_core.data import ImageDataset, load_dataset
from vae_core.errors import CheckpointError, ConfigError, LatentExplorerError
from vae_core.files import write_atomically
from vae_core.learning import EpochRecord, Trainer
from vae_core.models import VAE, build
from vae_core.processes import Command

ENVIRONMENT_VARIABLE = "VAE_RUNS_DIR"
CONFIG, EVENTS, CHECKPOINT, PREVIOUS, NEXT = (
    "config.json",
    "events.jsonl",
    "checkpoint.safetensors",
    "previous.safetensors",
    "next.safetensors",
)
#: Seconds between two step events, between two looks at the control file, and between two
#: checkpoints, inside an epoch and at its end.
STEP_EVENTS, CONTROL_LOOKS, CHECKPOINTS, EPOCH_CHECKPOINTS = 0.25, 0.1, 30.0, 1.0
#: A paused trainer leaves after this many seconds; its checkpoint stays.
PAUSE_LINGERS = 600.0

State = Literal["queued", "running", "paused", "stopped", "finished", "failed", "interrupted"]
Event = dict[str, Any]


class RunConfig(Config):
    """What a run trains: ``config.json``."""

    name: str = Field(min_length=1, max_length=100)
    model: ModelConfig
    training: TrainConfig
    importance_samples: int = Field(default=0, ge=0, le=100_000)
    importance_limit: int | None = Field(default=None, ge=1)
    created: float = 0.0


@dataclass(frozen=True)
class RunStatus:
    """How a run stands, as read from its folder."""

    folder: Path
    config: RunConfig
    state: State
    epochs: tuple[Event, ...]  # one epoch record each, in order
    steps: tuple[Event, ...]  # the throttled step records of the whole run
    message: str = ""  # why it failed, or what it is doing now

    @property
    def epoch(self) -> int:
        """Finished epochs."""
        return len(self.epochs)

    @property
    def seconds_left(self) -> float | None:
        """Estimate of the training time that is left, from the last epochs' median."""
        recent = sorted(record["seconds"] for record in self.epochs[-5:])
        if not recent:
            return None
        return float(recent[len(recent) // 2]) * (self.config.training.epochs - self.epoch)


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
    stem = checkpoints.slug(name)
    taken = {path.name for path in root.glob("*")} | set(checkpoints.list_models())
    number = 2
    candidate = stem
    while candidate in taken:
        candidate, number = f"{stem}-{number}", number + 1
    return root / candidate


def read_config(folder: Path) -> RunConfig:
    """Read what a run trains."""
    try:
        return RunConfig.from_json((folder / CONFIG).read_bytes())
    except OSError as error:
        raise CheckpointError(f"{folder} holds no run: it has no {CONFIG}") from error


def events(folder: Path) -> list[Event]:
    """Read all that a run's trainer has told; a torn last line is left out."""
    try:
        content = (folder / EVENTS).read_bytes()
    except FileNotFoundError:
        return []
    told = []
    for line in content.split(b"\n")[:-1]:
        try:
            told.append(json.loads(line))
        except ValueError:
            continue  # torn by a kill, then followed by what the next trainer told
    return told


def list_runs(root: Path | None = None) -> list[Path]:
    """Folders of all runs, oldest first; a folder whose settings cannot be read is none."""
    created = {}
    for path in (root or runs_dir()).glob(f"*/{CONFIG}"):
        with contextlib.suppress(ConfigError, CheckpointError):
            created[path.parent] = read_config(path.parent).created
    return sorted(created, key=lambda folder: (created[folder], folder.name))


def status(folder: Path) -> RunStatus:
    """Read how a run stands."""
    config = read_config(folder)
    told = events(folder)
    # After an interruption the epoch in progress is trained again, and told again: last wins.
    epochs = {event["epoch"]: event for event in told if event["type"] == "epoch"}
    states = [event for event in told if event["type"] == "state"]
    state: State = states[-1]["state"] if states else "queued"
    message = str(states[-1].get("message", "")) if states else ""
    if processes.is_starting(folder, since=states[-1]["time"] if states else 0.0):
        state, message = "running", "starting"
    elif state == "running" and not processes.is_alive(folder):
        state, message = "interrupted", ""
    return RunStatus(
        folder=folder,
        config=config,
        state=state,
        epochs=tuple(epochs[number] for number in sorted(epochs)),
        steps=tuple(event for event in told if event["type"] == "step"),
        message=message,
    )


def request(folder: Path, command: Command) -> None:
    """Ask for a run to go on, to pause, or to end with what it has; returns at once.

    A run without a trainer is given one, a process of its own, unless it shall pause.
    """
    processes.request(folder, command, worker=["train", "--resume", str(folder), "--json"])


def advance(root: Path, *, at_once: int | None = None) -> None:
    """Start queued runs, oldest first, while fewer than ``at_once`` are training.

    Parameters
    ----------
    at_once
        As many as this machine has cores when left out.
    """
    stands = [status(folder) for folder in list_runs(root)]
    free = (at_once or os.cpu_count() or 1) - sum(one.state == "running" for one in stands)
    for one in [one for one in stands if one.state == "queued"][: max(free, 0)]:
        request(one.folder, "run")


def delete(folder: Path) -> None:
    """Remove a run and all it made; its trainer is asked to stop first."""
    if processes.is_alive(folder):
        raise ConfigError(f"{folder.name} is still training: stop it before deleting it")
    shutil.rmtree(folder)


def execute(
    folder: Path,
    *,
    data_dir: Path | None = None,
    on_record: Callable[[EpochRecord], None] = lambda record: None,
    say: publishing.Say = lambda stage: None,
) -> State:
    """Train a run to its end, from its last checkpoint if there is one; obeys the control file.

    Returns
    -------
    State
        How it ended: finished, stopped or paused.

    Raises
    ------
    ConfigError
        If another trainer holds the run.
    """
    config = read_config(folder)
    with processes.held(folder):
        try:
            return _Execution(folder, config, on_record, say).run(data_dir)
        except BaseException as error:
            message = str(error) if isinstance(error, LatentExplorerError) else repr(error)
            if not isinstance(error, KeyboardInterrupt):
                append(folder, "state", state="failed", message=message)
            raise


class _Stopped(Exception):  # noqa: N818  (a signal, not an error)
    """The user asked for an end, or the pause lasted too long."""

    def __init__(self, state: State) -> None:
        self.state = state


class _Execution:
    """One trainer process at work on one run."""

    def __init__(
        self,
        folder: Path,
        config: RunConfig,
        on_record: Callable[[EpochRecord], None],
        say: publishing.Say,
    ) -> None:
        self.folder, self.config, self.on_record, self.say = folder, config, on_record, say
        self.looked = self.told = 0.0
        self.saved = time.monotonic()

    def run(self, data_dir: Path | None) -> State:
        self._tell("state", state="running", message="loading the data")
        dataset = load_dataset(self.config.training.dataset, data_dir=data_dir)
        trainer = Trainer(self.config.model, self.config.training, dataset)
        restored = read_checkpoint(self.folder)
        if restored is not None:
            trainer.load_state(*restored)
        self._tell("state", state="running", step=trainer.progress.step)
        try:
            self._train(trainer)
        except _Stopped as stop:
            self._save(trainer)
            if stop.state == "paused":
                return "paused"  # told when the pause began
            return self._publish(trainer, dataset, "stopped")
        return self._publish(trainer, dataset, "finished")

    def _train(self, trainer: Trainer) -> None:
        while not trainer.finished:
            for step in trainer.steps():
                now = time.monotonic()
                if now - self.told > STEP_EVENTS:
                    self.told = now
                    figures = vars(step.train)
                    self._tell("step", step=step.step, epoch=step.epoch, train=figures)
                if now - self.saved > CHECKPOINTS:
                    self._save(trainer)
                if now - self.looked > CONTROL_LOOKS:
                    self.looked = now
                    self._obey(trainer)
            record = trainer.finish_epoch()
            self._tell("epoch", **record.as_dict())
            if trainer.finished or time.monotonic() - self.saved > EPOCH_CHECKPOINTS:
                self._save(trainer)
            self.on_record(record)

    def _obey(self, trainer: Trainer) -> None:
        command = processes.take_command(self.folder)
        if command == "pause":
            self._save(trainer)
            self._tell("state", state="paused", step=trainer.progress.step)
            began = time.monotonic()
            while command not in ("run", "stop"):
                if time.monotonic() - began > PAUSE_LINGERS:
                    raise _Stopped("paused")
                time.sleep(CONTROL_LOOKS)
                command = processes.take_command(self.folder)
            if command == "run":
                self._tell("state", state="running", step=trainer.progress.step)
        if command == "stop":
            raise _Stopped("stopped")

    def _publish(self, trainer: Trainer, dataset: ImageDataset, state: State) -> State:
        def say(stage: str) -> None:
            self.say(stage)
            self._tell("state", state="running", message=stage)

        publishing.publish(
            self.folder,
            name=self.config.name,
            model=trainer.model,
            training=self.config.training,
            dataset=dataset,
            history=[_plain(event) for event in status(self.folder).epochs],
            command=command_line(self.config),
            importance_samples=self.config.importance_samples,
            importance_limit=self.config.importance_limit,
            say=say,
        )
        self._tell("state", state=state, step=trainer.progress.step)
        return state

    def _save(self, trainer: Trainer) -> None:
        write_checkpoint(self.folder, *trainer.state())
        self.saved = time.monotonic()

    def _tell(self, kind: str, **values: Any) -> None:
        append(self.folder, kind, **values)


def write_checkpoint(folder: Path, tensors: dict[str, Tensor], progress: dict[str, Any]) -> None:
    """Replace a run's checkpoint, keeping the one before it."""
    content = safetensors.torch.save(tensors, metadata={"progress": json.dumps(progress)})
    write_atomically(folder / NEXT, content)
    if (folder / CHECKPOINT).exists():
        (folder / CHECKPOINT).replace(folder / PREVIOUS)
    (folder / NEXT).replace(folder / CHECKPOINT)


def read_checkpoint(folder: Path) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
    """Read a run's last readable checkpoint; None if it has none yet.

    Raises
    ------
    CheckpointError
        If there are checkpoints and none can be read.
    """
    faults = []
    for name in (CHECKPOINT, PREVIOUS):
        try:
            with safetensors.safe_open(folder / name, framework="pt") as file:
                tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
                return tensors, json.loads(file.metadata()["progress"])
        except FileNotFoundError:
            continue
        except (safetensors.SafetensorError, OSError, ValueError, KeyError, TypeError) as error:
            faults.append(f"{name}: {error}")
    if faults:
        raise CheckpointError("no checkpoint can be read: " + "; ".join(faults))
    return None


def read_model(folder: Path) -> tuple[VAE, int] | None:
    """Read the model in training and its number of finished steps from the last checkpoint.

    None before the first one; the model is in eval mode with gradients off.
    """
    try:
        with safetensors.safe_open(folder / CHECKPOINT, framework="pt") as file:
            names = [name for name in file.keys() if name.startswith("model.")]  # noqa: SIM118
            weights = {name.removeprefix("model."): file.get_tensor(name) for name in names}
            step = int(json.loads(file.metadata()["progress"])["step"])
    except (safetensors.SafetensorError, OSError):
        return None  # none yet, or just being replaced
    with torch.device("meta"):
        model = build(read_config(folder).model)
    model.load_state_dict(weights, assign=True)
    return model.eval().requires_grad_(False), step


def command_line(config: RunConfig) -> str:
    """Return the command that trains the same model again."""
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
    return "python -m vae_core train " + shlex.join([*words, "--out", "DIR"])


def _plain(event: Event) -> Event:
    return {key: value for key, value in event.items() if key not in ("type", "time")}


def append(folder: Path, kind: str, **values: Any) -> None:
    """Tell one event, with the time of the day."""
    event = {"type": kind, "time": round(time.time(), 3), **values}
    path = folder / EVENTS
    with path.open("ab+") as file:
        # A torn last line of a killed trainer must not swallow the first one of this trainer.
        if file.tell() and not _ends_with_newline(path):
            file.write(b"\n")
        file.write(json.dumps(event).encode() + b"\n")


def _ends_with_newline(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"
