"""Full disks, diverging losses, torn files, readers who look while all that happens."""

from __future__ import annotations

import contextlib
import errno
import importlib
import itertools
import math
import os
import resource
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import running
import safetensors.torch
import small
import torch
from cachetools import LRUCache
from running import PATIENCE, config, run, wait_for, wait_for_state, weights

from vae_core import model_folder, runs
from vae_core.data import load_dataset
from vae_core.jobs import processes
from vae_core.learning import DivergedError, Metrics, Trainer
from vae_core.learning.devices.cpu import CPUDevice
from vae_core.learning.schedules import Stage
from vae_core.runs import execution, folders

#: The module; the package gives its name to the function.
status = importlib.import_module("vae_core.runs.status")


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Path]]:
    """Let trainers be threads; return whom they were started for."""
    with running.trainers_in_threads(monkeypatch) as folders:
        yield folders


# Full disks


def test_a_file_size_limit_pauses_the_run(tmp_path: Path) -> None:
    """A real trainer meets it, says so, keeps what was written, and goes on in the same process.

    The weights are those of a run that had room.
    """
    training = {"epochs": 12, "batch_size": 50}
    folder = runs.create(tmp_path / "limited", config(**training))
    soft = 25_000  # bytes: enough for events, too little for a checkpoint

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, resource.RLIM_INFINITY))

    command = [sys.executable, "-m", "vae_core", "train", "--resume", str(folder), "--json"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, preexec_fn=limit) as process:
        try:
            now = wait_for_state(folder, "paused", "finished", "failed")
            assert (now.state, now.message) == ("paused", execution.DISK_IS_FULL)
            assert processes.is_alive(folder)
            assert runs.read_checkpoint(folder) is None, "half of one was left"
            resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
            processes.request(folder, "run", worker=())
            assert process.wait(PATIENCE) == 0
        finally:
            process.kill()
    assert runs.status(folder).state == "finished"
    assert weights(folder) == weights(run(tmp_path / "whole", **training))
    numbers = [event["epoch"] for event in runs.events(folder) if event["type"] == "epoch"]
    assert numbers == list(range(1, 13))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a file system of 400 kB; skip where that is not allowed."""
    disk = tmp_path / "disk"
    disk.mkdir()
    options = ["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", str(disk)]
    if shutil.which("mount") is None or os.geteuid() != 0:
        pytest.skip("mounting a small file system needs root")
    if subprocess.run(options, capture_output=True).returncode:
        pytest.skip("this sandbox mounts no file systems")
    try:
        yield disk
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=True)


def test_a_full_disk_pauses_the_run(small_disk: Path, tmp_path: Path, started: list[Path]) -> None:
    """A file system without room: the run waits, and ends as if there had been room throughout."""
    training = {"epochs": 8, "batch_size": 50}
    folder = runs.create(small_disk / "run", config(**training))
    runs.epoch(folder)
    wait_for_state(folder, "paused")
    before = runs.read_checkpoint(folder)
    assert before is not None
    ballast = small_disk / "ballast"
    with contextlib.suppress(OSError), ballast.open("wb") as file:
        while True:
            file.write(bytes(4096))
            file.flush()
    with pytest.raises(ValueError, match="the request to run cannot be written: No space left"):
        runs.epoch(folder)
    with ballast.open("rb+") as file:
        file.truncate(ballast.stat().st_size - 8192)  # room for a request, not for a checkpoint
    runs.epoch(folder)
    wait_for(lambda: runs.status(folder).message == execution.DISK_IS_FULL)
    assert runs.status(folder).state == "paused"
    after = runs.read_checkpoint(folder)
    assert after is not None
    assert after[1]["step"] >= before[1]["step"]
    ballast.unlink()
    runs.resume(folder)
    wait_for_state(folder, "finished")
    assert weights(folder) == weights(run(tmp_path / "whole", **training))
    assert [epoch["epoch"] for epoch in runs.status(folder).epochs] == list(range(1, 9))


def test_every_write_survives_a_full_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, started: list[Path]
) -> None:
    """Whichever write meets it, of an event, checkpoint, frame or model, is made afterwards."""
    expected = weights(run(tmp_path / "whole"))
    refusing = {"left": 0}

    def refused(write: Callable[..., Any]) -> Callable[..., Any]:
        def attempt(*given: Any, **named: Any) -> Any:
            is_state = "state" in given or named.get("state")
            if threading.current_thread() is not threading.main_thread() and not is_state:
                refusing["left"] -= 1
                if refusing["left"] == 0:
                    raise OSError(errno.ENOSPC, "No space left on device")
            return write(*given, **named)

        return attempt

    for module, name in (
        (folders, "append"),
        (folders, "write_checkpoint"),
        (execution.replay.Recorder, "append"),
        (execution.publishing, "publish"),
    ):
        monkeypatch.setattr(module, name, refused(getattr(module, name)))
    for number in (1, 2, 5, 9, 14, 17, 18, 19):
        refusing["left"] = 0
        folder = runs.create(tmp_path / f"refused-{number}", config())
        refusing["left"] = number
        runs.resume(folder) if runs.status(folder).state != "queued" else runs.advance(tmp_path)
        now = wait_for_state(folder, "paused", "finished")
        if now.state == "paused":
            assert now.message == execution.DISK_IS_FULL
            processes.request(folder, "run", worker=())
            wait_for_state(folder, "finished")
        assert weights(folder) == expected, number
        assert runs.status(folder).epoch == 3
        assert runs.read_replay(folder) is not None


def test_a_stop_on_a_full_disk_waits_for_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, started: list[Path]
) -> None:
    """It is not forgotten: with room, the run ends with what it has."""
    folder = runs.create(tmp_path / "run", config(epochs=20_000))
    full = threading.Event()
    full.set()
    real = folders.write_checkpoint

    def write(*given: Any) -> None:
        if full.is_set():
            raise OSError(errno.ENOSPC, "No space left on device")
        real(*given)

    monkeypatch.setattr(folders, "write_checkpoint", write)
    runs.advance(tmp_path)
    wait_for(lambda: runs.status(folder).message == execution.DISK_IS_FULL)
    processes.request(folder, "stop", worker=())
    time.sleep(0.5)
    assert runs.status(folder).state == "paused"
    full.clear()
    processes.request(folder, "stop", worker=())
    assert wait_for_state(folder, "stopped").epoch < 20_000
    model_folder.load_model(folder)


# Losses that leave


def test_a_diverging_run_keeps_its_last_good_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With advice; a smaller learning rate from there on brings it to its end."""
    monkeypatch.setattr(execution, "CHECKPOINTS", 0.0)  # after every step, so also just after it
    folder = runs.create(tmp_path / "run", config())
    runs.append(folder, "change", step=20, settings={"learning_rate": 1.0})
    real = CPUDevice.step

    def explodes(self: CPUDevice, rows: torch.Tensor, stage: Stage) -> None:
        real(self, rows, stage)
        if stage.learning_rate == 1.0 and stage.number > 24:
            with torch.no_grad():
                self.model.posterior.bias[0] = math.inf

    monkeypatch.setattr(CPUDevice, "step", explodes)
    with pytest.raises(DivergedError, match="became inf at step 26"):
        runs.execute(folder)
    now = runs.status(folder)
    assert now.state == "failed"
    assert "try a learning_rate below 1" in now.message
    assert "The last good checkpoint is of step 24" in now.message
    assert now.step == runs.checkpoint_step(folder) == 24
    runs.change(folder, learning_rate=1e-3)
    assert runs.execute(folder) == "finished"
    assert runs.status(folder).epoch == 3
    assert all(math.isfinite(e["test"]["elbo"]) for e in runs.status(folder).epochs)


def test_a_finite_loss_that_leaves_for_good_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hundred steps far above the first one; a spike that comes back is none."""
    trainer = Trainer(small.model_config(), small.train_config(epochs=60), small.dataset())
    values = iter([10.0] * 50 + [1e9] * 99 + [10.0] + [1e9] * 300)

    def metrics() -> list[Metrics]:
        value = next(values)
        return [Metrics(-value, 0.0, value)]

    monkeypatch.setattr(trainer.device, "step", lambda rows, stage: None)
    monkeypatch.setattr(trainer.device, "metrics", metrics)
    soundness = []

    def train() -> None:
        while True:
            for _ in trainer.steps():
                soundness.append(trainer.is_sound)
            trainer.finish_epoch()

    with pytest.raises(DivergedError, match=r"the loss became 1e\+09 at step 250"):
        train()
    assert soundness[:50] == [True] * 50
    assert soundness[50:149] == [False] * 99
    assert soundness[149]


def test_the_advice_names_the_floor_where_there_is_one() -> None:
    """Gaussian decoders may also be helped by a higher floor of their variance."""
    settings = small.model_config(likelihood="gaussian")
    trainer = Trainer(settings, small.train_config(), small.dataset())
    with torch.no_grad():
        trainer.model.posterior.bias[0] = math.inf
    with pytest.raises(DivergedError, match=r"learning_rate below 0\.01, or a logvar_floor above"):
        next(iter(trainer.steps()))


def test_a_loss_that_is_large_from_the_start_is_no_divergence() -> None:
    """Beta 0 lets the rate grow without harm, and nothing is said."""
    settings = small.train_config(epochs=30, beta=0.0, learning_rate=0.05)
    for _ in Trainer(small.model_config(), settings, small.dataset()):
        pass


# Damage


def test_a_truncated_checkpoint_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one before it is taken, the status says so, and the damaged one never takes its place."""
    monkeypatch.setattr(execution, "PAUSE_TIMEOUT", 0.0)
    folder = runs.create(tmp_path / "run", config())
    for word in ("epoch", "step"):
        processes.enqueue(folder, word)  # type: ignore[arg-type]
        told = (folder / processes.CONTROL).read_text().replace("true", "false")
        (folder / processes.CONTROL).write_text(told)
        assert runs.execute(folder) == "paused"
    path = folder / runs.CHECKPOINT
    path.write_bytes(path.read_bytes()[:-100])
    assert runs.execute(folder) == "finished"
    assert runs.status(folder).warnings == (
        "checkpoint.safetensors is damaged; the previous one, of step 15, is used",
    )
    assert weights(folder) == weights(run(tmp_path / "whole"))


def test_a_damaged_checkpoint_is_reported_before_a_resume(tmp_path: Path) -> None:
    """The model of the one before it is shown, and the status says so; nothing is written."""
    folder = stepped(tmp_path / "run", 3)
    good = (folder / runs.CHECKPOINT).read_bytes()
    assert runs.status(folder).warnings == ()
    tensors = safetensors.torch.load(good)
    name = next(name for name in tensors if name.startswith("model."))
    progress = {"progress": '{"step": 3}'}
    for damaged, seen in (
        (good[:-100], True),
        (b"", True),
        (safetensors.torch.save(tensors), True),
        (safetensors.torch.save(tensors, {"progress": '{"step": 1e999}'}), True),
        (safetensors.torch.save({name: tensors[name]}, progress), False),
        (safetensors.torch.save(tensors | {name: tensors[name].int()}, progress), False),
    ):
        (folder / runs.CHECKPOINT).write_bytes(damaged)
        found = runs.read_model(folder)
        assert found is not None
        assert found[1] == 2
        if seen:  # what lies behind a sound head is found when it is read
            assert runs.status(folder).warnings == (
                "checkpoint.safetensors is damaged; the previous one, of step 2, is used",
            )
    for one in (runs.CHECKPOINT, runs.PREVIOUS):
        (folder / one).write_bytes(good[:-100])
    assert runs.read_model(folder) is None
    assert "no checkpoint can be read: checkpoint" in runs.status(folder).warnings[0]


def stepped(folder: Path, steps: int) -> Path:
    """Leave a run as a killed trainer would, with a checkpoint after each step."""
    settings = config()
    runs.create(folder, settings)
    trainer = Trainer(settings.model, settings.training, load_dataset("digits"))
    for _ in itertools.islice(trainer.steps(), steps):
        runs.write_checkpoint(folder, *trainer.state())
    return folder


def test_what_killed_writes_left_is_swept(tmp_path: Path) -> None:
    """Half a checkpoint costs no room for ever; a request that is being written stays."""
    folder = runs.create(tmp_path / "run", config(epochs=1))
    for name in (".next.safetensors.abc", ".model.safetensors.def", ".control.ghi"):
        (folder / name).write_bytes(b"half")
    runs.execute(folder)
    assert [path.name for path in folder.glob(".*")] == [".control.ghi"]


# Readers


def test_a_look_reads_only_what_is_new(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And adds up to what reading it all would."""
    folder = runs.create(tmp_path / "run", config(epochs=1000))
    parsed = []
    real = folders.parse

    def parse(content: bytes) -> Any:
        parsed.append(len(content))
        return real(content)

    monkeypatch.setattr(folders, "parse", parse)
    for number in range(1, 6):
        runs.append(folder, "epoch", epoch=number, step=number, seconds=1.0)
        assert runs.status(folder).epoch == number
        assert runs.status(folder).epoch == number
    assert sum(parsed) == (folder / runs.EVENTS).stat().st_size
    with (folder / runs.EVENTS).open("ab") as file:
        file.write(b'{"type": "epoch", "epoch": 6, "step": 6,')
    assert runs.status(folder).epoch == 5
    with (folder / runs.EVENTS).open("ab") as file:
        file.write(b' "seconds": 1.0, "time": 0}\n')
    assert runs.status(folder).epoch == 6


def test_another_run_of_the_same_name_is_read_anew(tmp_path: Path) -> None:
    """Nothing of the deleted one is left."""
    folder = runs.create(tmp_path / "run", config())
    runs.append(folder, "epoch", epoch=1, step=1, seconds=1.0)
    assert runs.status(folder).epoch == 1
    runs.delete(folder)
    runs.create(folder, config())
    assert runs.status(folder).epoch == 0
    runs.append(folder, "state", state="paused", step=0)
    assert runs.status(folder).epoch == 0


def test_step_records_are_thinned_evenly(tmp_path: Path) -> None:
    """However long a run is: the first, the last, and the same distance between."""
    folder = runs.create(tmp_path / "run", config())
    lines = "".join(
        f'{{"type": "step", "time": 0, "step": {n}, "epoch": 1}}\n' for n in range(1, 10_002)
    )
    (folder / runs.EVENTS).write_text(lines)
    steps = [event["step"] for event in runs.status(folder).steps]
    assert len(steps) <= 2001
    assert steps[0] == 1
    assert steps[-1] == 10_001
    assert {b - a for a, b in itertools.pairwise(steps)} == {8}


def test_epoch_records_are_thinned_evenly(tmp_path: Path) -> None:
    """A run of 5,000 epochs is told by some 2,000 and its last ones; its card has them all."""
    folder = runs.create(tmp_path / "run", config(epochs=10_000))
    metrics = '{"elbo": -1.0, "rate": 0.0, "distortion": 1.0}'
    lines = "".join(
        f'{{"type": "epoch", "time": 0, "epoch": {n}, "step": {n}, "seconds": 2.0, '
        f'"train": {metrics}, "test": {metrics}}}\n'
        for n in range(1, 5001)
    )
    (folder / runs.EVENTS).write_text(lines)
    now = runs.status(folder)
    numbers = [record["epoch"] for record in now.epochs]
    assert now.epoch == 5000
    assert numbers[:3] == [1, 5, 9]
    assert numbers[-50:] == list(range(4951, 5001))
    assert len(numbers) < 1400
    summary = runs.summary(folder)
    assert [record["epoch"] for record in summary.epochs] == list(range(4996, 5001))
    assert (summary.epoch, summary.steps) == (5000, ())
    assert summary.seconds_left == now.seconds_left == 2.0 * 5000
    assert [record["epoch"] for record in status.history(folder)] == list(range(1, 5001))
    runs.append(folder, "state", state="running", step=4990, batches=1)
    assert runs.status(folder).epoch == 4990
    assert runs.status(folder).epochs[-1]["epoch"] == 4990


def test_many_runs_are_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A look at a thousand runs that told nothing new reads no event; memory has a bound."""
    text = config().model_dump_json()
    for number in range(1000):
        folder = tmp_path / f"run-{number}"
        folder.mkdir()
        (folder / runs.CONFIG).write_text(text)
        (folder / runs.EVENTS).write_text(
            '{"type": "epoch", "time": 0, "epoch": 1, "step": 1, "seconds": 1.0}\n'
        )
    assert {one.epoch for one in runs.statuses(tmp_path)} == {1}
    parsed = []
    real = folders.parse
    monkeypatch.setattr(folders, "parse", lambda content: parsed.append(1) or real(content))
    assert {one.epoch for one in runs.statuses(tmp_path)} == {1}
    assert parsed == []
    monkeypatch.setattr(status._FULL, "entries", LRUCache(100, getsizeof=len))
    for number in range(50):
        runs.status(tmp_path / f"run-{number}")
    assert len(status._FULL.entries) <= 100 / status.RUN_WEIGHT
    assert status._FULL.entries.currsize <= 100
    assert runs.status(tmp_path / "run-0").epoch == 1, "and is read again"


def test_events_after_the_checkpoint_are_dropped_on_resume(tmp_path: Path) -> None:
    """The page shows where the run stands, not where it once was."""
    folder = runs.create(tmp_path / "run", config())
    for number in (1, 2):
        runs.append(folder, "epoch", epoch=number, step=15 * number, seconds=1.0)
    runs.append(folder, "step", step=31, epoch=3)
    runs.append(folder, "state", state="running", step=16)
    now = runs.status(folder)
    assert (now.epoch, now.step, now.steps) == (1, 16, ())


def test_a_leftover_request_starts_nobody(tmp_path: Path, started: list[Path]) -> None:
    """What was asked of a trainer in its last moments is gone with it."""
    folder = run(tmp_path / "run", epochs=1)
    with processes.worker_lock(folder):
        processes.request(folder, "pause", worker=())
    assert processes.peek(folder) == processes.Requested()
    runs.extend(folder, 1)
    wait_for(lambda: runs.status(folder).epoch == 2)
    wait_for_state(folder, "finished")
    assert len(started) == 1
