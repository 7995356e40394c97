"""A Dask scheduler and its workers, each a process of this machine."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
#: Seconds that a busy machine may take to start one.
PATIENCE = 240.0
#: How many workers a run may lose; a test kills what a cluster loses in a year.
LOSSES = 100


class Cluster:
    """Processes that end with the block; files in ``folder``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / "scheduler.json"
        self.processes: list[subprocess.Popen[bytes]] = []
        self._start("scheduler", "--host", "127.0.0.1", "--port", "0")
        self._wait(self.file.exists)
        self.address = str(json.loads(self.file.read_text())["address"])

    def worker(self) -> subprocess.Popen[bytes]:
        """Start a worker of one thread, without a nanny that would start it again."""
        options = ["--nthreads", "1", "--no-nanny", "--host", "127.0.0.1"]
        return self._start("worker", *options, "--local-directory", str(self.folder))

    def wait_for_workers(self, count: int) -> None:
        """Wait until so many workers are there."""
        with self.client() as client:
            client.wait_for_workers(count, timeout=PATIENCE)

    def busy(self) -> list[int]:
        """Process ids of the workers that have a task."""
        with self.client() as client:
            at_work = {worker for worker, keys in client.processing().items() if keys}
            pids = client.run(os.getpid, workers=list(at_work)) if at_work else {}
            return sorted(pids.values())

    @contextlib.contextmanager
    def client(self) -> Iterator[object]:
        """Connect to the scheduler."""
        from distributed import Client

        with Client(self.address, timeout=PATIENCE, set_as_default=False) as client:
            yield client

    def close(self) -> None:
        """End all processes: those that wait for others to end are killed."""
        for process in reversed(self.processes):
            process.terminate()
        for process in self.processes:
            try:
                process.wait(3)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _start(self, kind: str, *options: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "dask", kind, "--scheduler-file", str(self.file)]
        environment = os.environ | {
            "PYTHONPATH": str(ROOT),
            "OMP_NUM_THREADS": "1",
            "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": str(LOSSES),
        }
        with (self.folder / f"{kind}-{len(self.processes)}.log").open("wb") as log:
            process = subprocess.Popen(
                [*command, "--no-dashboard", *options],
                env=environment,
                cwd=self.folder,
                stdout=log,
                stderr=log,
            )
        self.processes.append(process)
        return process

    def _wait(self, condition: object) -> None:
        deadline = time.monotonic() + PATIENCE
        while not condition():  # type: ignore[operator]
            if time.monotonic() > deadline:
                logs = "\n".join(log.read_text()[-2000:] for log in self.folder.glob("*.log"))
                raise TimeoutError(f"the cluster does not start:\n{logs}")
            time.sleep(0.05)


@contextlib.contextmanager
def cluster(folder: Path, workers: int = 2) -> Iterator[Cluster]:
    """Run a scheduler and so many workers for as long as the block runs."""
    folder.mkdir(parents=True, exist_ok=True)
    there = Cluster(folder)
    try:
        for _ in range(workers):
            there.worker()
        there.wait_for_workers(workers)
        yield there
    finally:
        there.close()
