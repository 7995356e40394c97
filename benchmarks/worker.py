"""A process that measures when told, and the handle by which it is told.

Every contestant has a process of its own, so that none suffers another's threads, caches or
memory; while one works the others wait for their next line.

``python -m benchmarks.worker`` reads one JSON object a line, ``{"do": name, …}``, and answers each
with one: what the task found, ``peak`` (MB that the process ever held) and ``start`` (MB, before
its first task).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any, Self

ROOT = Path(__file__).resolve().parents[1]
#: What the libraries read of how many threads they may use.
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


class Worker:
    """A process to be told; ends with the block."""

    def __init__(self, threads: int) -> None:
        self._log = tempfile.TemporaryFile()  # noqa: SIM115
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.worker"],
            cwd=ROOT,
            env=os.environ | dict.fromkeys(THREADS, str(threads)) | {"PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
        )

    def ask(self, do: str, **arguments: Any) -> dict[str, Any]:
        """Have a task done; return what it found.

        Raises
        ------
        RuntimeError
            With the end of what the process said, if it failed.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            print(json.dumps({"do": do} | arguments), file=self._process.stdin, flush=True)
            line = self._process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            self._process.wait()
            self._log.seek(0)
            said = self._log.read()[-2000:].decode(errors="replace")
            raise RuntimeError(f"{do} {arguments} failed:\n{said}")
        found: dict[str, Any] = json.loads(line)
        return found

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.kill()
        self._process.communicate()
        self._log.close()


def main() -> None:
    """Do what is told until nobody tells anything."""
    # What libraries print must not come between the answers.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    from benchmarks import machine, tasks

    start = machine.peak_memory()
    for line in sys.stdin:
        order = json.loads(line)
        found = tasks.TASKS[order.pop("do")](**order)
        told = {"start": start, "peak": machine.peak_memory()} | found
        print(json.dumps(told), file=answers, flush=True)


if __name__ == "__main__":
    main()
