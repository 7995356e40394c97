"""A Chromium, and a server for one script: for the browser tests and the measurements.

Run as a script it prints where Chromium is, or exits with 1 where none is installed.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
#: The one without a window first: it takes a fifth less of the processor.
NAMES = (
    "chromium-headless-shell",
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
)
ARGUMENTS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
#: Seconds that a server or a browser may take to start, and a server to end; on a busy machine.
STARTING, ENDING = 240.0, 15.0


@dataclass(frozen=True)
class Server:
    """A running server: its address, and the folders that are its own."""

    address: str
    data: Path
    runs: Path


def find_chromium() -> str | None:
    """Return ``CHROMIUM``, else the first browser on the path, else None."""
    installed = (shutil.which(name) for name in NAMES)
    return os.environ.get("CHROMIUM") or next(filter(None, installed), None)


@contextmanager
def launched(*arguments: str) -> Iterator[Any]:
    """Run Chromium, without a window, for as long as the block runs.

    Parameters
    ----------
    arguments
        Command-line arguments of Chromium, beside those that every run has.
    """
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=find_chromium(), args=[*ARGUMENTS, *arguments], timeout=1000 * STARTING
        )
        yield browser
        browser.close()


def free_port() -> int:
    """Return a port of this host that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@contextmanager
def served(script: Path, folder: Path, *, root: Path = ROOT) -> Iterator[Server]:
    """Serve a script on a free port for as long as the block runs, with data and runs of its own.

    Parameters
    ----------
    folder
        Where data, runs and the server's log go.
    root
        Where the code is imported from.
    """
    port = free_port()
    server = Server(f"http://127.0.0.1:{port}", data=folder / "data", runs=folder / "runs")
    environment = os.environ | {
        "VAE_DATA_DIR": str(server.data),
        "VAE_RUNS_DIR": str(server.runs),
        "PYTHONPATH": str(root),
        "OMP_NUM_THREADS": "1",
    }
    command = [sys.executable, "-m", "streamlit", "run", str(script), "--server.headless", "true"]
    flags = ["--server.address", "127.0.0.1", "--server.port", str(port)]
    log = folder / "server.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*command, *flags], cwd=root / "app", env=environment, stdout=output, stderr=output
        )
    try:
        wait_until_healthy(server, process, log)
        yield server
    finally:
        end(process)


def wait_until_healthy(server: Server, process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait for a server to answer, or raise with the end of its log."""
    end = time.monotonic() + STARTING
    while time.monotonic() < end and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{server.address}/_stcore/health", timeout=5):
                return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"{server.address} does not answer:\n{log.read_text()[-2000:]}")


def end(process: subprocess.Popen[bytes]) -> None:
    """Stop a process."""
    process.terminate()
    try:
        process.wait(timeout=ENDING)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


if __name__ == "__main__":
    path = find_chromium()
    if path is None:
        sys.exit(1)
    print(path)
