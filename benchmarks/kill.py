"""Nothing is lost: ``make bench-kill``, ``python -m benchmarks.kill``.

Kills (SIGKILL) a trainer at random moments of its life, looks at what it left, resumes the run
and compares the final weights with those of a run that nobody touched. The same with the server:
the app itself, visited over a websocket; and with the workers of a Dask cluster.
Writes ``benchmarks/results/kill.json``.

Most trainers are forked from this process, which has the libraries loaded, so that 50 kills take
minutes; every tenth is the command that the launcher starts, killed while it starts.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import hashlib
import json
import math
import multiprocessing
import multiprocessing.process
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import websockets

from benchmarks import load, machine
from tests.browser import serving
from vae_core import model_folder, publishing, runs
from vae_core.config import ModelConfig, TrainConfig
from vae_core.data import load_dataset
from vae_core.errors import LatentExplorerError
from vae_core.jobs import processes
from vae_core.learning import Trainer

RESULTS = Path(__file__).resolve().parent / "results" / "kill.json"
PATIENCE = 600.0

#: Seconds after which a visited server is killed, at most; every second one, once its page is open.
SERVED = 6.0
#: Epochs of a training that a visitor asks for: it is about being laid.
EPOCHS = 3
ENDED = ("finished", "stopped", "failed", "interrupted", "paused")


def config() -> runs.RunConfig:
    """Describe a training of some 400 steps on the bundled digits."""
    return runs.RunConfig(
        name="digits",
        model=ModelConfig(image_shape=(1, 8, 8), latent_dim=2, hidden=(32,)),
        training=TrainConfig(dataset="digits", epochs=15, batch_size=54, threads=1),
    )


def start(folder: Path) -> subprocess.Popen[bytes]:
    """Start a trainer as the launcher does."""
    command = [sys.executable, "-m", "vae_core", "train", "--resume", str(folder), "--json"]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL)


def preload() -> None:
    """Load what a trainer needs; no gradient is taken, since PyTorch's do not survive a fork."""
    torch.set_num_threads(1)
    dataset = load_dataset("digits")
    trainer = Trainer(config().model, config().training, dataset)
    publishing.measure(trainer.model, dataset, config().training)


def fork(folder: Path) -> multiprocessing.process.BaseProcess:
    """Start a trainer with everything loaded already."""
    process = multiprocessing.get_context("fork").Process(target=runs.execute, args=(folder,))
    process.start()
    return process


def weights_hash(folder: Path) -> str:
    """Name the final weights, "none" where there are none."""
    try:
        return hashlib.sha256((folder / model_folder.WEIGHTS).read_bytes()).hexdigest()[:16]
    except FileNotFoundError:
        return "none"


def end(folder: Path) -> str:
    """Say how a run ended; "lost" where it is none any more."""
    try:
        return runs.status(folder).state
    except LatentExplorerError:
        return "lost"


def unreadable(folder: Path) -> list[str]:
    """Read every file that a run's readers read; return the names of those that fail."""
    readers: dict[str, Callable[[], Any]] = {
        runs.CONFIG: lambda: runs.read_config(folder),
        runs.EVENTS: lambda: runs.status(folder),
        runs.CHECKPOINT: lambda: (runs.read_checkpoint(folder), runs.read_model(folder)),
        "replay.bin": lambda: runs.read_replay(folder),
    }
    if (folder / model_folder.CARD).exists():
        readers[model_folder.CARD] = lambda: model_folder.open_folder(folder)
    failed = []
    for name, read in readers.items():
        try:
            read()
        except Exception as error:
            failed.append(f"{name}: {error!r}")
    return failed


def wait_for(condition: Callable[[], bool]) -> None:
    """Wait until something holds."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError("it never came")
        time.sleep(0.005)


def uninterrupted(root: Path) -> tuple[str, float]:
    """Train once in peace; return the weights' hash and the seconds from the first step on."""
    folder = runs.create(root / "whole", config())
    process = fork(folder)
    wait_for(lambda: runs.status(folder).step > 0)
    began = time.monotonic()
    process.join(PATIENCE)
    assert process.exitcode == 0
    return weights_hash(folder), time.monotonic() - began


def kill_trainers(root: Path, count: int, draw: random.Random) -> list[dict[str, Any]]:
    """Kill ``count`` trainers, each at a random moment, and see what becomes of their runs.

    A tenth of them is killed while starting, the others from their first step to their end.
    """
    expected, life = uninterrupted(root)
    outcomes = []
    for number in range(count):
        folder = runs.create(root / f"trainer-{number}", config())
        is_early = number % 10 == 0
        moment = draw.uniform(0, life)
        if is_early:
            with start(folder) as command:
                time.sleep(moment)
                command.send_signal(signal.SIGKILL)
        else:
            process = fork(folder)
            wait_for(lambda folder=folder: runs.status(folder).step > 0)  # type: ignore[misc]
            time.sleep(moment)
            process.kill()
            process.join()
        left = runs.status(folder)
        outcome = {
            "after": "starting" if is_early else "the first step",
            "seconds": round(moment, 3),
            "state": left.state,
            "step": left.step,
            "checkpoint": runs.checkpoint_step(folder),
            "unreadable": unreadable(folder),
        }
        if left.state != "finished":
            fork(folder).join(PATIENCE)
        outcome["end"] = end(folder)
        outcome["same weights"] = weights_hash(folder) == expected
        outcomes.append(outcome)
        print(f"trainer {number + 1}/{count}: {outcome}", flush=True)
    return outcomes


def kill_servers(root: Path, count: int, draw: random.Random) -> list[dict[str, Any]]:
    """Kill ``count`` servers of the app, each visited by one who watches two new runs begin.

    The visitor also presses *Train* again and again, so that servers die while they lay a run: it
    is there whole then, or not at all. Trainers outlive the server that began them; the next one
    finds them at work, begins what waits, and begins none twice. The last one is left to see them
    all to their end.
    """
    script = serving.ROOT / "app" / "main.py"
    outcomes = []
    known: set[str] = set()
    for number in range(count):
        watched, other = (lay(root / "runs").name for _ in range(2))
        known |= {watched, other}
        with serving.served(script, root) as server:
            moment, is_open = draw.uniform(0, SERVED), number % 2 == 1
            asyncio.run(_kill_while_visited(server, watched, moment, is_open=is_open))
        found = runs.list_runs(server.runs)
        names = {one.name for one in found}
        outcomes.append(
            {
                "after": "the page is open" if is_open else "people came",
                "seconds": round(moment, 3),
                "runs": len(found),
                "submitted": len(names - known),
                "lost": sorted(known - names),
                "begun": sum(one.state != "queued" for one in map(runs.status, found)),
                "unreadable": [fault for one in found for fault in unreadable(one)],
            }
        )
        known |= names
        print(f"server {number + 1}/{count}: {outcomes[-1]}", flush=True)
    with serving.served(script, root) as server:
        asyncio.run(_visit_until_all_is_done(server))
    for one in runs.list_runs(server.runs):
        wait_for(lambda one=one: not processes.is_alive(one))  # type: ignore[misc]
    expected: dict[str, str] = {}
    for name in sorted(known):
        folder = server.runs / name
        outcome: dict[str, Any] = {"run": name, "end": end(folder), "unreadable": []}
        if outcome["end"] != "lost":
            settings = runs.read_config(folder).model_copy(update={"created": 0.0, "name": "x"})
            key = settings.model_copy(update={"owner": ""}).model_dump_json()
            if key not in expected:
                whole = runs.create(root / f"whole-{len(expected)}", settings)
                fork(whole).join(PATIENCE)
                expected[key] = weights_hash(whole)
            outcome["unreadable"] = unreadable(folder)
            outcome["same weights"] = weights_hash(folder) == expected[key] != "none"
        outcomes.append(outcome)
    return outcomes


def lay(root: Path) -> Path:
    """Lay a run that waits until somebody gives it its turn."""
    folder = runs.new_folder(root, "digits")
    runs.create(folder, config())
    return folder


async def _kill_while_visited(
    server: serving.Server, run: str, moment: float, *, is_open: bool
) -> None:
    """Kill a server so many seconds after people came, or after the page is open to one of them."""
    opened = asyncio.Event()
    sessions = [load.Session(server.address, load.Measured(), random.Random(0)) for _ in range(2)]
    visits = {
        asyncio.create_task(sessions[0].watch(run, math.inf)),
        asyncio.create_task(sessions[1].train(run, math.inf, EPOCHS, opened)),
    }
    if is_open:
        waits = asyncio.create_task(opened.wait())
        await asyncio.wait({waits, *visits}, return_when=asyncio.FIRST_COMPLETED)
        waits.cancel()
    await asyncio.sleep(moment)
    os.kill(machine.find_server(server.address), signal.SIGKILL)
    for visit in visits:
        with contextlib.suppress(OSError, websockets.WebSocketException):
            await visit


async def _visit_until_all_is_done(server: serving.Server) -> None:
    for folder in runs.list_runs(server.runs):
        while runs.status(folder).state not in ENDED:
            visitor = load.Session(server.address, load.Measured(), random.Random(0))
            await visitor.watch(folder.name, until=time.monotonic() + 5.0)


def kill_workers(root: Path, count: int, draw: random.Random) -> list[dict[str, Any]]:
    """Kill ``count`` workers of a Dask cluster, each while it trains; another takes the run on."""
    from tests.core import dask_cluster  # Dask is an optional extra
    from vae_core.jobs import cluster

    expected, life = uninterrupted(root)
    outcomes = []
    with dask_cluster.cluster(root / "cluster") as there:
        os.environ[cluster.ENVIRONMENT_VARIABLE] = there.address
        try:
            while len(outcomes) < count:
                folder = runs.submit(root, config())
                wait_for(lambda folder=folder: runs.status(folder).step > 0)  # type: ignore[misc]
                moment = draw.uniform(0, life)
                time.sleep(moment)
                busy = there.busy()
                step = runs.status(folder).step
                if not busy:  # it was faster than the one in peace: another try
                    continue
                for worker in busy:
                    os.kill(worker, signal.SIGKILL)
                    there.worker()
                left = unreadable(folder)
                wait_for(lambda folder=folder: runs.status(folder).state == "finished")  # type: ignore[misc]
                wait_for(lambda: not there.busy())
                outcome = {
                    "seconds": round(moment, 3),
                    "step": step,
                    "unreadable": left,
                    "end": end(folder),
                    "same weights": weights_hash(folder) == expected,
                }
                outcomes.append(outcome)
                print(f"worker {len(outcomes)}/{count}: {outcome}", flush=True)
        finally:
            del os.environ[cluster.ENVIRONMENT_VARIABLE]
    return outcomes


def recorded(path: Path) -> dict[str, list[dict[str, Any]]]:
    """Return the outcomes of the kinds that were measured before."""
    try:
        found: dict[str, list[dict[str, Any]]] = json.loads(path.read_bytes())["outcomes"]
    except (OSError, ValueError, KeyError):
        return {}
    return found


def summary(outcomes: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    """Add up what was killed and what is wrong."""
    every = [one for kind in outcomes.values() for one in kind]
    lost = sum(len(one.get("lost", ())) + (one.get("end") == "lost") for one in every)
    return {
        "kills": {kind: sum("seconds" in one for one in found) for kind, found in outcomes.items()},
        "runs with other weights": sum(not one.get("same weights", True) for one in every),
        "files that could not be read": sum(len(one["unreadable"]) for one in every),
        "runs lost": lost,
        "runs that did not finish": sum(one.get("end", "finished") != "finished" for one in every),
    }


def is_well(found: dict[str, Any]) -> bool:
    """Whether each kind was killed at all, and nothing is wrong."""
    kills = found["kills"]
    wrong = (value for name, value in found.items() if name != "kills")
    return bool(kills) and all(kills.values()) and not any(wrong)


def main() -> None:
    """Kill, compare, print and record; a kind of which 0 are asked for keeps its record."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.kill")
    parser.add_argument("--trainers", type=int, default=50)
    parser.add_argument("--servers", type=int, default=20)
    parser.add_argument("--workers", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=RESULTS)
    given = parser.parse_args()
    draw = random.Random(given.seed)
    described = machine.describe()
    outcomes = recorded(given.out)
    preload()
    with tempfile.TemporaryDirectory() as work:
        kinds = {
            "trainer": (kill_trainers, given.trainers),
            "server": (kill_servers, given.servers),
            "worker": (kill_workers, given.workers),
        }
        for kind, (kill, count) in kinds.items():
            if count:
                (root := Path(work) / kind).mkdir()
                outcomes[kind] = kill(root, count, draw)
    added = summary(outcomes)
    found = {"machine": described, "seed": given.seed} | added | {"outcomes": outcomes}
    given.out.write_text(json.dumps(found, indent=1) + "\n")
    print(added)
    print(f"written to {given.out}")
    sys.exit(not is_well(added))


if __name__ == "__main__":
    main()
