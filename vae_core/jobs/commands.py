"""Run one command of ``python -m vae_core`` in a process that may die, bounded in time and memory.

Files that it reads are written into a folder of its own, which is deleted as soon as it has ended.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

#: Commands that run at once on a host; others wait.
AT_ONCE = 2
#: Bytes of memory that a command may use for itself.
MEMORY = 4 * 2**30
#: Beginning of a line that names a stage, and of one that says what is wrong.
STAGE, ERROR = "… ", "error: "

#: Lines of stderr that are kept, and characters of a line.
LINES, LONGEST_LINE = 20, 4096

_turns = threading.BoundedSemaphore(AT_ONCE)


@dataclass(frozen=True)
class Outcome:
    """Result of a command that has ended.

    Attributes
    ----------
    state
        "finished", or "refused" with a sentence.
    result
        What it printed as JSON.
    files
        Contents of the files that were asked for, by name.
    sentence
        Why it was refused.
    """

    state: Literal["finished", "refused"]
    result: Mapping[str, Any] = field(default_factory=dict)
    files: Mapping[str, bytes] = field(default_factory=dict)
    sentence: str = ""


class Work:
    """Command at work.

    Parameters
    ----------
    words
        Arguments of ``python -m vae_core``, with names of files in its folder.
    files
        Contents of the files that are written into the folder, by name.
    collect
        Returns what is kept of the folder, by name, once the command has finished.
    seconds
        Time after which it is stopped.
    """

    def __init__(
        self,
        words: Sequence[str],
        files: Mapping[str, bytes],
        *,
        collect: Callable[[Path], dict[str, bytes]],
        seconds: float,
    ) -> None:
        self._words, self._files = list(words), files
        self._collect, self._seconds = collect, seconds
        self._stage = "waiting for other imports"
        self._process: subprocess.Popen[bytes] | None = None
        self._stopped = False
        self._outcome: Outcome | None = None
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    @property
    def stage(self) -> str:
        """What it is doing."""
        return self._stage

    @property
    def outcome(self) -> Outcome | None:
        """Its result; None before it has ended."""
        return self._outcome

    def wait(self, seconds: float) -> Outcome | None:
        """Wait for its end, at most so long."""
        self._thread.join(seconds)
        return self._outcome

    def stop(self) -> None:
        """End it, without a result."""
        with self._lock:
            self._stopped = True
            if self._process is not None:
                _kill(self._process)

    def _run(self) -> None:
        with _turns, tempfile.TemporaryDirectory(prefix="latent-explorer-") as name:
            folder = Path(name)
            try:
                self._outcome = self._in_folder(folder)
            except OSError as error:
                self._outcome = Outcome("refused", sentence=f"it could not run: {error.strerror}")

    def _in_folder(self, folder: Path) -> Outcome:
        for name, content in self._files.items():
            (folder / name).write_bytes(content)
        with self._lock:
            if self._stopped:
                return Outcome("refused", sentence="it was stopped")
            self._stage = "reading the files"
            self._process = _start(self._words, folder)
        ended, errors = self._watched(self._process)
        if self._stopped:
            return Outcome("refused", sentence="it was stopped")
        if not ended:
            return Outcome(
                "refused", sentence=f"it took longer than the {self._seconds:.0f} seconds allowed"
            )
        if self._process.returncode != 0:
            return Outcome("refused", sentence=_reason(errors, self._process.returncode))
        result = json.loads((folder / "output").read_bytes())
        return Outcome("finished", result=result, files=self._collect(folder))

    def _watched(self, process: subprocess.Popen[bytes]) -> tuple[bool, list[str]]:
        """Follow the stages until the process ends, or kill it when its time is over.

        Returns
        -------
        bool, list
            Whether it ended in time, and the last lines that it wrote on stderr.
        """
        timer = threading.Timer(self._seconds, _kill, [process])
        timer.start()
        assert process.stderr is not None
        last: deque[str] = deque(maxlen=LINES)
        while line := process.stderr.readline(LONGEST_LINE):
            text = line.decode(errors="replace").strip()
            if text.startswith(STAGE):
                self._stage = text.removeprefix(STAGE)
            elif text:
                last.append(text)
        process.wait()
        process.stderr.close()
        in_time = timer.is_alive()
        timer.cancel()
        return in_time, list(last)


def _start(words: Sequence[str], folder: Path) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONIOENCODING": "utf-8"}
    package = str(Path(__file__).resolve().parents[2])
    paths = [package, environment.get("PYTHONPATH", "")]
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, paths))
    with (folder / "output").open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "vae_core", *words],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.PIPE,
            cwd=folder,
            env=environment,
            start_new_session=True,
        )
    _limit_memory(process.pid)
    return process


def _limit_memory(process: int) -> None:
    """Bound the memory of a process, where the system can."""
    try:
        import resource

        resource.prlimit(process, resource.RLIMIT_DATA, (MEMORY, MEMORY))
    except (ImportError, AttributeError, OSError, ValueError):  # not on this system, or ended
        return


def _kill(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(OSError):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()


def _reason(lines: Sequence[str], status: int) -> str:
    """Return the sentence with which a command ended."""
    for line in reversed(lines):
        if line.startswith(ERROR):
            return line.removeprefix(ERROR).removesuffix(".")
    if status < 0 or any("memory" in line.lower() for line in lines[-3:]):
        return f"it needed more than the {MEMORY // 2**30} GB of memory allowed"
    return f"it ended with status {status}"
