"""The app as other people install it: from a wheel, under a path, without a home folder."""

from __future__ import annotations

import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from serving import ROOT, Server, end, free_port, wait_until_healthy
from visitor import PICTURE, POINTS, Visitor

pytestmark = pytest.mark.browser
BASE = "tools/vae"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel and install it, without its dependencies, into a folder of its own."""
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    source = folder / "source"
    tracked = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True
    ).stdout
    for name in filter(None, tracked.decode().split("\0")):
        if not name.startswith(("tests/", "benchmarks/", "docs/")) and (ROOT / name).is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            os.link(ROOT / name, source / name)
    build = [*pip, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder)]
    subprocess.run([*build, str(source)], check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    subprocess.run(
        [*pip, "install", "--no-deps", "--target", str(folder / "site"), str(wheel)],
        check=True,
        capture_output=True,
    )
    return folder / "site"


@pytest.fixture(scope="module")
def deployed(site: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Serve the installed app under a path, from another folder, with no home that exists."""
    folder = tmp_path_factory.mktemp("deployed")
    port = free_port()
    server = Server(f"http://127.0.0.1:{port}/{BASE}", folder / "data", folder / "runs")
    environment = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ} | {
        "PYTHONPATH": str(site),
        "PYTHONDONTWRITEBYTECODE": "1",
        "OMP_NUM_THREADS": "1",
        "HOME": "/nonexistent",
    }
    command = [sys.executable, "-m", "latent_explorer", "--port", str(port), "--base-path", BASE]
    log = folder / "server.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=output, stderr=output
        )
    try:
        wait_until_healthy(server, process, log)
        yield server
    finally:
        end(process)


def test_pictures_and_maps_come_under_a_path(deployed: Server, browser: Any) -> None:
    """Judged by what is drawn: the page itself also answers what does not exist, with 200."""
    page = browser.new_page()
    visitor = Visitor(page, deployed.address)
    visitor.go("", PICTURE, POINTS)
    visitor.go("reconstruct?model=mnist-20d", POINTS)
    assert visitor.problems == []
    page.close()


def test_three_lines_are_printed(deployed: Server) -> None:
    """They tell what is served, where, and how to stop it; no warnings beside them."""
    log = (deployed.runs.parent / "server.log").read_text()
    assert [line for line in log.splitlines() if line.strip()] == [
        "Latent Explorer: see inside a variational autoencoder.",
        f"Open {deployed.address.replace('127.0.0.1', 'localhost')}/",
        "Stop with Ctrl+C.",
    ]


def test_nothing_is_served_outside_the_path(deployed: Server) -> None:
    """A health check is the server's own, whatever the path is called."""
    root = deployed.address.removesuffix(f"/{BASE}")
    with urllib.request.urlopen(f"{deployed.address}/_stcore/health", timeout=10) as answer:
        assert answer.read() == b"ok"
    request = urllib.request.Request(f"{root}/explorer/abc/decoder.bin")
    with pytest.raises(urllib.error.HTTPError):
        urllib.request.urlopen(request, timeout=10)
