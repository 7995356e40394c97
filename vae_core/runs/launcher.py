"""Where a run's trainer is: a process of this machine, or a task on a Dask cluster's worker.

Both do the same: they hold the folder's lock, write into it, and obey its control file.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from pathlib import Path

from vae_core.errors import LatentExplorerError
from vae_core.jobs import cluster, processes
from vae_core.runs import folders
from vae_core.runs.execution import execute
from vae_core.runs.status import summary

#: Seconds after which a file server has let go of what a lost machine held (NFS: 90).
LEASE = 120.0


def start(folder: Path, worker: Sequence[str]) -> None:
    """Start a run's trainer where trainings run here; a :data:`processes.Starter`."""
    if cluster.address() is None:
        processes.start(folder, worker)
        return
    folder = folder.resolve()
    # The same until a trainer has told something: what waits for a worker is not asked twice.
    told = (folder / folders.EVENTS).stat().st_size if (folder / folders.EVENTS).exists() else 0
    name = hashlib.sha256(f"{folder} {told}".encode()).hexdigest()[:12]
    cluster.submit(train, str(folder), key=f"train-{folder.name}-{name}")


def train(folder: str) -> str:
    """Train a run on a worker of a cluster, if somebody still wants it; returns its state.

    A task comes here twice when the worker that had it was lost: the run is then interrupted, and
    goes on from its checkpoint.
    """
    path = Path(folder)
    deadline = time.monotonic() + LEASE
    while processes.is_alive(path) and time.monotonic() < deadline:
        time.sleep(0.2)
    if not path.is_dir():
        return "deleted"
    asked = processes.peek(path)
    is_asked = asked.command in processes.STARTERS and not asked.waits
    if is_asked or summary(path).state == "interrupted":
        try:
            return execute(path)
        except LatentExplorerError:
            pass  # the run's events say so
    return summary(path).state
