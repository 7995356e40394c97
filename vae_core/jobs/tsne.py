"""Compute t-SNE maps in a worker process, with progress in files that pages read.

==========================  =======================================================
``config.json``             perplexity, seed and the hash of the model; written once
``codes.safetensors``       the codes, with their example ids
``points.safetensors``      the current map; replaced atomically every few iterations
==========================  =======================================================
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import filelock
import numpy as np
import safetensors
import safetensors.torch
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor

from vae_core import projection
from vae_core.config import Config
from vae_core.errors import CheckpointError, ConfigError, LatentExplorerError
from vae_core.files import write_atomically
from vae_core.jobs import processes
from vae_core.jobs.processes import Command

CONFIG, CODES, POINTS = "config.json", "codes.safetensors", "points.safetensors"
#: Iterations between two maps, and seconds between two reads of the control file in a pause.
EVERY, PAUSE_INTERVAL = 25, 0.1
#: Seconds after which a paused worker ends, with the map as it is.
PAUSE_TIMEOUT = 600.0
#: Lock that is held while the worker of a map is started.
START_LOCK = ".turn.lock"

State = Literal["queued", "running", "paused", "stopped", "finished", "failed", "interrupted"]


class MapConfig(Config):
    """Settings of a map: ``config.json``."""

    model_hash: str = Field(pattern=r"[0-9a-z-]{1,64}")
    perplexity: float
    seed: int = Field(ge=0, lt=2**31)
    threads: int = Field(default=1, ge=1, le=256)


@dataclass(frozen=True)
class MapStatus:
    """Status of a map: ``points`` (n, 2) of the codes with ``ids`` (n,); None before the first."""

    folder: Path
    state: State
    iteration: int = 0
    total: int = projection.FEW_POINTS.iterations
    divergence: float = float("nan")  # Kullback–Leibler divergence, in nats
    message: str = ""
    ids: Tensor | None = None
    points: Tensor | None = None


def folder_of(root: Path, config: MapConfig) -> Path:
    """Return the folder of a map, one for each model, perplexity and seed."""
    return root / f"{config.model_hash}-{config.perplexity:g}-{config.seed}"


def create(root: Path, config: MapConfig, *, ids: Tensor, mu: Tensor) -> Path:
    """Create the folder of a map of codes ``mu`` (n, latent_dim), or return the existing one.

    Raises
    ------
    ConfigError
        If the perplexity does not fit the number of codes.
    """
    projection.check_perplexity(config.perplexity, len(mu))
    folder = folder_of(root, config)
    if not (folder / CONFIG).is_file():
        folder.mkdir(parents=True, exist_ok=True)
        codes = safetensors.torch.save({"ids": ids, "mu": mu.contiguous()})
        write_atomically(folder / CODES, codes)
        write_atomically(folder / CONFIG, config.model_dump_json().encode())
    return folder


def request(folder: Path, command: Command) -> None:
    """Request that a map is computed, pauses or stops, without waiting for it.

    Raises
    ------
    ConfigError
        If another map beside it is being computed: only one is computed at a time.
    """
    with filelock.FileLock(folder.parent / START_LOCK):
        if command == "run" and any(map(_is_at_work, folder.parent.glob("*/"))):
            raise ConfigError("another map is being computed here: try again in a minute")
        processes.request(folder, command, worker=["map", str(folder)])


def _is_at_work(folder: Path) -> bool:
    if processes.is_starting(folder):
        return True
    return processes.is_alive(folder) and status(folder).state == "running"


def status(folder: Path) -> MapStatus:
    """Read the status of a map.

    Raises
    ------
    CheckpointError
        If its file cannot be read.
    """
    try:
        with safetensors.safe_open(folder / POINTS, framework="pt") as file:
            values = json.loads(file.metadata()["status"])
            has_points = "points" in file.keys()  # noqa: SIM118
            tensors = {k: file.get_tensor(k) for k in ("ids", "points")} if has_points else {}
    except FileNotFoundError:
        state: State = "running" if processes.is_starting(folder) else "queued"
        return MapStatus(folder=folder, state=state)
    except (safetensors.SafetensorError, OSError, ValueError, KeyError, TypeError) as error:
        raise CheckpointError(f"{POINTS} of {folder.name} cannot be read: {error}") from error
    values.pop("time", None)  # in older files
    if processes.is_starting(folder):
        values["state"] = "running"
    elif values["state"] in ("running", "paused") and not processes.is_alive(folder):
        values["state"] = "interrupted"
    return MapStatus(folder=folder, **values, **tensors)


def execute(folder: Path) -> State:
    """Compute a map, obeying the control file, and return its final state.

    Raises
    ------
    ConfigError
        If the folder holds no map, or another worker computes it.
    """
    with processes.worker_lock(folder):
        try:
            config = MapConfig.from_json((folder / CONFIG).read_bytes())
            codes = safetensors.torch.load((folder / CODES).read_bytes())
            ids, mu = codes["ids"], codes["mu"]
        except (OSError, KeyError, safetensors.SafetensorError) as error:
            raise ConfigError(f"{folder} holds no map to compute: {error}") from error
        return _Execution(folder, config, ids, mu).run()


class _Execution:
    def __init__(self, folder: Path, config: MapConfig, ids: Tensor, mu: Tensor) -> None:
        self.folder, self.config, self.ids, self.mu = folder, config, ids, mu
        self.stopped = False
        self.iteration, self.total = 0, projection.descent(len(mu)).iterations
        self.divergence = float("nan")

    def run(self) -> State:
        self._write_status("running", message="looking for neighbours")
        processes.mark_started(self.folder)
        try:
            points = projection.tsne(
                self.mu.numpy(),
                perplexity=self.config.perplexity,
                seed=self.config.seed,
                threads=self.config.threads,
                progress=self._progress,
                every=EVERY,
            )
        except LatentExplorerError as error:
            self._write_status("failed", message=str(error))
            raise
        state: State = "stopped" if self.stopped else "finished"
        self._write_status(state, points)
        return state

    def _progress(
        self, iteration: int, total: int, divergence: float, points: NDArray[np.float32]
    ) -> bool:
        self.iteration, self.divergence = iteration, divergence
        self._write_status("running", points)
        command = processes.take(self.folder).command
        if command == "pause":
            self._write_status("paused", points)
            began = time.monotonic()
            while command not in ("run", "stop"):
                if time.monotonic() - began > PAUSE_TIMEOUT:
                    command = "stop"
                    break
                time.sleep(PAUSE_INTERVAL)
                command = processes.take(self.folder).command
        self.stopped = command == "stop"
        return not self.stopped

    def _write_status(
        self, state: State, points: NDArray[np.float32] | None = None, *, message: str = ""
    ) -> None:
        values = {
            "state": state,
            "iteration": self.iteration,
            "total": self.total,
            "divergence": self.divergence,
            "message": message,
        }
        tensors = {} if points is None else {"ids": self.ids, "points": torch.from_numpy(points)}
        content = safetensors.torch.save(tensors, metadata={"status": json.dumps(values)})
        write_atomically(self.folder / POINTS, content)
