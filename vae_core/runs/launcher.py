"""Start the trainer of a run: as a process of this host or as a task on a Dask cluster.

Both hold the folder's lock, write into it and obey its control file.
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

#: Seconds after which a file server has released the locks of a lost host (NFS: 90).
LEASE = 120.0


def start(folder: Path, worker: Sequence[str]) -> None:
    """Start a run's trainer on the cluster, or on this host if there is none.

    It is a :data:`processes.Starter`.
    """
    if cluster.address() is None:
        processes.start(folder, worker)
        return
    folder = folder.resolve()
    # The key is the same until a trainer writes an event, so a waiting task is submitted once.
    size = (folder / folders.EVENTS).stat().st_size if (folder / folders.EVENTS).exists() else 0
    name = hashlib.sha256(f"{folder} {size}".encode()).hexdigest()[:12]
    cluster.submit(train, str(folder), key=f"train-{folder.name}-{name}")


def train(folder: str) -> str:
    """Train a run on a worker of the cluster, if it is still requested, and return its state.

    If a worker is lost, the task runs again elsewhere: the run is then interrupted, and resumes
    from its checkpoint.
    """
    path = Path(folder)
    deadline = time.monotonic() + LEASE
    while processes.is_alive(path) and time.monotonic() < deadline:
        time.sleep(0.2)
    if not path.is_dir():
        return "deleted"
    requested = processes.peek(path)
    is_requested = requested.command in processes.STARTERS and not requested.waits
    if is_requested or summary(path).state == "interrupted":
        try:
            return execute(path)
        except LatentExplorerError:
            pass  # it is in the run's events
    return summary(path).state
