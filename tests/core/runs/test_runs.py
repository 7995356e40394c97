"""Training as a process: killed, torn, paused, stopped and resumed without a trace."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from vae_core import data, model_folder, runs
from vae_core.config import ModelConfig, TrainConfig
from vae_core.errors import CheckpointError, ConfigError
from vae_core.jobs import processes
from vae_core.learning import Trainer
from vae_core.runs import RunConfig, execution

PATIENCE = 180.0  # seconds that a busy machine may take to start a process


def config(**training: Any) -> RunConfig:
    """Describe a training on the bundled digits that takes a second or so."""
    chosen = {"dataset": "digits", "epochs": 3, "batch_size": 100, "threads": 1} | training
    return RunConfig(
        name="digits",
        model=ModelConfig(image_shape=(1, 8, 8), latent_dim=2, hidden=(24,)),
        training=TrainConfig(**chosen),
    )


def run(folder: Path, **training: Any) -> Path:
    """Train to the end in this process."""
    runs.create(folder, config(**training))
    assert runs.execute(folder) == "finished"
    return folder


def outcome(folder: Path) -> tuple[bytes, list[dict[str, Any]]]:
    """Return the final weights' bytes, and the epochs without the time they took."""
    epochs = [
        {k: v for k, v in record.items() if k not in ("seconds", "time")}
        for record in runs.status(folder).epochs
    ]
    return (folder / model_folder.WEIGHTS).read_bytes(), epochs


def wait_for(condition: Callable[[], bool]) -> None:
    """Wait until something holds."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.05)


def test_a_run_folder_becomes_a_model_folder(tmp_path: Path) -> None:
    """One epoch record each, a finished state, and a model that loads."""
    folder = run(tmp_path / "run")
    status = runs.status(folder)
    assert (status.state, status.epoch) == ("finished", 3)
    assert [record["epoch"] for record in status.epochs] == [1, 2, 3]
    assert status.steps
    assert model_folder.load_model(folder).config == status.config.model
    assert len(model_folder.load_history(folder)) == 3
    assert not processes.is_alive(folder)


def test_killed_at_random_three_times_and_resumed(tmp_path: Path) -> None:
    """Kill -9 of the real command at random moments: the weights end up as if nothing had been."""
    training = {"epochs": 30, "batch_size": 20}
    expected = outcome(run(tmp_path / "whole", **training))
    folder = tmp_path / "killed"
    runs.create(folder, config(**training))
    command = [sys.executable, "-m", "vae_core", "train", "--resume", str(folder), "--json"]
    for _ in range(3):
        before = _written(folder)
        with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
            # After a checkpoint of its own, somewhere in a step, an evaluation or a write.
            wait_for(_rewritten(folder, before))
            time.sleep(random.uniform(0, 0.2))
            assert process.poll() is None, "it ended before it could be killed"
            process.send_signal(signal.SIGKILL)
        assert runs.status(folder).state == "interrupted"
    assert runs.execute(folder) == "finished"
    assert outcome(folder) == expected


def _written(folder: Path) -> int:
    with contextlib.suppress(FileNotFoundError):
        return (folder / runs.CHECKPOINT).stat().st_mtime_ns
    return 0


def _rewritten(folder: Path, before: int) -> Callable[[], bool]:
    return lambda: _written(folder) > before


def interrupted(folder: Path, *, steps: int, **training: Any) -> Trainer:
    """Leave a run as a killed trainer would: checkpoints, and no end."""
    from vae_core.data import load_dataset

    settings = config(**training)
    runs.create(folder, settings)
    trainer = Trainer(settings.model, settings.training, load_dataset("digits"))
    done = 0
    while done < steps:
        for _ in trainer.steps():
            done += 1
            runs.write_checkpoint(folder, *trainer.state())
            if done == steps:
                break
        else:
            record = trainer.finish_epoch()
            runs.append(folder, "epoch", **record.as_dict())
    return trainer


def test_a_truncated_checkpoint_falls_back_to_the_one_before(tmp_path: Path) -> None:
    """It leads to the same final weights; with neither readable there is a sentence."""
    expected = outcome(run(tmp_path / "whole"))
    folder = tmp_path / "torn"
    interrupted(folder, steps=22)
    for name in (runs.CHECKPOINT, runs.PREVIOUS):
        assert (folder / name).exists()
    content = (folder / runs.CHECKPOINT).read_bytes()
    (folder / runs.CHECKPOINT).write_bytes(content[: len(content) // 2])
    assert runs.execute(folder) == "finished"
    assert outcome(folder) == expected

    for name in (runs.CHECKPOINT, runs.PREVIOUS):
        (folder / name).write_bytes(b"torn")
    with pytest.raises(CheckpointError, match=r"no checkpoint can be read: checkpoint.*previous"):
        runs.execute(folder)
    assert runs.status(folder).state == "failed"


@pytest.mark.parametrize("gone", [runs.CHECKPOINT, runs.PREVIOUS])
def test_a_kill_between_two_renames_loses_nothing(tmp_path: Path, gone: str) -> None:
    """Only one of the two checkpoints is there: it is taken."""
    expected = outcome(run(tmp_path / "whole"))
    interrupted(tmp_path / "killed", steps=20)
    (tmp_path / "killed" / gone).unlink()
    runs.execute(tmp_path / "killed")
    assert outcome(tmp_path / "killed") == expected


def test_a_killed_write_leaves_the_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The old one stays readable until the new one is whole."""
    tensors = {"model.x": torch.ones(3)}
    runs.write_checkpoint(tmp_path, tensors, {"step": 1})

    def dies(descriptor: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("os.fsync", dies)
    with pytest.raises(KeyboardInterrupt):
        runs.write_checkpoint(tmp_path, tensors, {"step": 2})
    restored = runs.read_checkpoint(tmp_path)
    assert restored is not None
    assert restored[1] == {"step": 1}
    assert [path.name for path in tmp_path.iterdir()] == [runs.CHECKPOINT]


def test_a_torn_last_event_is_ignored_and_swallows_nothing(tmp_path: Path) -> None:
    """What the next trainer tells begins on a line of its own."""
    expected = outcome(run(tmp_path / "whole"))
    folder = tmp_path / "torn"
    interrupted(folder, steps=22)
    with (folder / runs.EVENTS).open("ab") as file:
        file.write(b'{"type": "epoch", "epo')
    assert runs.status(folder).epoch == 1
    runs.execute(folder)
    assert outcome(folder) == expected
    assert runs.status(folder).state == "finished"


def test_a_run_never_writes_over_another(tmp_path: Path) -> None:
    """A folder that holds anything is refused and left as it was."""
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(ConfigError, match="is not empty"):
        runs.create(tmp_path, config())
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_new_folders_have_new_names(tmp_path: Path) -> None:
    """Named after the run, and numbered when taken in this folder, not by a pretrained model."""
    assert runs.new_folder(tmp_path, "My Run").name == "my-run"
    (tmp_path / "my-run").mkdir()
    assert runs.new_folder(tmp_path, "My Run").name == "my-run-2"
    assert runs.new_folder(tmp_path, "digits 2d").name == "digits-2d"


def test_runs_are_listed_by_age(tmp_path: Path) -> None:
    """Oldest first; folders that hold no run, or a damaged one, are passed over."""
    for name in "ba":
        runs.create(tmp_path / name, config())
    (tmp_path / "other").mkdir()
    (tmp_path / "damaged").mkdir()
    (tmp_path / "damaged" / runs.CONFIG).write_text("{")
    assert [folder.name for folder in runs.list_runs(tmp_path)] == ["b", "a"]
    assert runs.status(tmp_path / "a").state == "queued"
    with pytest.raises(CheckpointError, match="holds no run"):
        runs.read_config(tmp_path / "other")


def test_two_trainers_do_not_share_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second one is refused, and the run is not marked as failed by it."""
    import filelock

    folder = tmp_path / "run"
    runs.create(folder, config())
    real = filelock.FileLock.acquire

    def at_once(self: filelock.FileLock, timeout: float | None = None, **rest: Any) -> Any:
        return real(self, timeout=0, **rest)

    with filelock.FileLock(folder / processes.LOCK):
        assert processes.is_alive(folder)
        monkeypatch.setattr(filelock.FileLock, "acquire", at_once)
        with pytest.raises(ConfigError, match="worked on by another process"):
            runs.execute(folder)
    assert runs.status(folder).state == "queued"
    runs.delete(folder)
    assert not folder.exists()


def test_a_failure_is_kept_for_the_reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The state says failed and why; a run whose trainer is gone says interrupted."""
    folder = tmp_path / "run"
    runs.create(folder, config(dataset="mnist"))
    with pytest.raises(ValueError, match="mnist"):
        runs.execute(folder, data_dir=tmp_path / "nowhere")
    status = runs.status(folder)
    assert status.state == "failed"
    assert "download mnist" in status.message

    other = tmp_path / "other"
    runs.create(other, config())
    runs.append(other, "state", state="running")
    assert runs.status(other).state == "interrupted"


def command(folder: Path, word: str) -> None:
    """Ask a trainer of this process, without starting another."""
    told = {"command": word, "settings": {}, "waits": False}
    (folder / processes.CONTROL).write_text(json.dumps(told))


def test_pause_resume_and_stop(tmp_path: Path) -> None:
    """A paused trainer waits without a step; a stopped one publishes what it has.

    Each request is obeyed once: resumed after its stop, the run ends in the weights of one that
    was never asked anything.
    """
    training = {"epochs": 60, "batch_size": 50}
    folder = tmp_path / "asked"
    runs.create(folder, config(**training))
    ended: list[str] = []
    trainer = threading.Thread(target=lambda: ended.append(runs.execute(folder)))
    command(folder, "pause")
    trainer.start()
    try:
        wait_for(lambda: runs.status(folder).state == "paused")
        before = runs.events(folder)
        time.sleep(0.5)
        assert runs.events(folder) == before, "it waits"
        command(folder, "run")
        wait_for(lambda: runs.status(folder).state == "running")
        wait_for(lambda: runs.status(folder).epoch >= 1)
        command(folder, "stop")
    finally:
        with contextlib.suppress(AssertionError):
            wait_for(lambda: not (folder / processes.CONTROL).exists() or not trainer.is_alive())
        command(folder, "stop")
        trainer.join(PATIENCE)
    (folder / processes.CONTROL).unlink(missing_ok=True)
    assert ended == ["stopped"]
    status = runs.status(folder)
    assert status.state == "stopped"
    assert 1 <= status.epoch < 60
    assert len(model_folder.load_history(folder)) == status.epoch
    model_folder.load_model(folder)

    assert runs.execute(folder) == "finished"
    assert outcome(folder) == outcome(run(tmp_path / "whole", **training))


def test_a_long_pause_ends_the_process_and_keeps_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It leaves with a checkpoint, says paused, and goes on when it is resumed."""
    monkeypatch.setattr(execution, "PAUSE_TIMEOUT", 0.3)
    folder = tmp_path / "run"
    runs.create(folder, config())
    command(folder, "pause")
    assert runs.execute(folder) == "paused"
    assert runs.status(folder).state == "paused"
    assert not (folder / model_folder.CARD).exists()
    assert runs.execute(folder) == "finished"
    assert outcome(folder) == outcome(run(tmp_path / "whole"))


@pytest.mark.skipif(not hasattr(os, "getpriority"), reason="this system has no priorities")
def test_a_requested_run_trains_in_a_process_of_its_own(tmp_path: Path) -> None:
    """It starts at once with a lower priority, finishes, and leaves no child behind."""
    folder = tmp_path / "run"
    runs.create(folder, config(epochs=2))
    runs.request(folder, "run")
    assert runs.status(folder).state == "running"
    wait_for(lambda: runs.status(folder).state in ("finished", "failed"))
    status = runs.status(folder)
    assert (status.state, status.message) == ("finished", "")
    wait_for(lambda: not processes.is_alive(folder))
    model_folder.load_model(folder)
    log = folder / processes.LOG
    assert log.read_text() == ""


def test_the_model_in_training_can_be_looked_at(tmp_path: Path) -> None:
    """It is the one of the last checkpoint; before the first there is none."""
    folder = tmp_path / "run"
    trainer = interrupted(folder, steps=3)
    found = runs.read_model(folder)
    assert found is not None
    model, step = found
    assert step == 3
    for name, value in trainer.model.state_dict().items():
        assert torch.equal(model.state_dict()[name], value)
    runs.create(tmp_path / "new", config())
    assert runs.read_model(tmp_path / "new") is None


def test_what_is_left_is_estimated(tmp_path: Path) -> None:
    """The median time of the last epochs, for each that is left; nothing before the first."""
    folder = tmp_path / "run"
    runs.create(folder, config(epochs=10))
    assert runs.status(folder).seconds_left is None
    for epoch, seconds in enumerate((9.0, 1.0, 2.0, 3.0), 1):
        runs.append(folder, "epoch", epoch=epoch, seconds=seconds)
    assert runs.status(folder).seconds_left == pytest.approx(3.0 * 6)


def test_the_pace_is_of_late_and_leaves_pauses_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """40 steps a second of 100 images, and 280 steps left before any epoch has ended."""
    folder = runs.create(tmp_path / "run", config(epochs=20, batch_size=100))
    monkeypatch.setattr(processes, "is_alive", lambda folder: True)

    def tell(kind: str, at: float, **values: Any) -> None:
        monkeypatch.setattr(time, "time", lambda: at)
        runs.append(folder, kind, **values)

    figures = {"elbo": -1.0, "rate": 0.0, "distortion": 1.0}
    tell("state", 1000, state="running", step=0, batches=15)
    tell("step", 1001, step=1, epoch=1, train=figures)
    tell("state", 1002, state="paused")
    assert runs.status(folder).pace is None
    tell("state", 2000, state="running")
    tell("step", 2000, step=2, epoch=1, train=figures)
    assert runs.status(folder).images_per_second is None
    tell("step", 2000.25, step=10, epoch=1, train=figures)
    tell("step", 2000.45, step=20, epoch=2, train=figures)
    now = runs.status(folder)
    assert now.images_per_second == pytest.approx(4000)
    assert now.seconds_left == pytest.approx((20 * 15 - 20) / 40)
    tell("step", 2010.0, step=21, epoch=2, train=figures)
    tell("step", 2011.0, step=22, epoch=2, train=figures)
    assert runs.status(folder).pace == pytest.approx(1.0), "what is long ago counts no more"


def test_a_repeated_epoch_counts_once(tmp_path: Path) -> None:
    """After an interruption the epoch in progress is told again, and the last telling holds."""
    folder = tmp_path / "run"
    runs.create(folder, config())
    for seconds in (1.0, 2.0):
        runs.append(folder, "epoch", epoch=1, seconds=seconds)
    (record,) = runs.status(folder).epochs
    assert record["seconds"] == 2.0


def test_runs_are_in_the_requested_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The given folder, else VAE_RUNS_DIR, else one of the user's."""
    monkeypatch.setenv(runs.ENVIRONMENT_VARIABLE, str(tmp_path / "a"))
    assert runs.runs_dir() == tmp_path / "a"
    assert runs.runs_dir(tmp_path / "b") == tmp_path / "b"
    monkeypatch.delenv(runs.ENVIRONMENT_VARIABLE)
    assert runs.runs_dir().name == "runs"


def test_settings_of_a_run_are_checked(tmp_path: Path) -> None:
    """A foreign config names its fault."""
    folder = runs.create(tmp_path / "run", config())
    fields = json.loads((folder / runs.CONFIG).read_text())
    (folder / runs.CONFIG).write_text(json.dumps(fields | {"treasure": 1}))
    with pytest.raises(ConfigError, match="treasure"):
        runs.read_config(folder)
    with pytest.raises(ConfigError, match="importance_samples -1"):
        RunConfig.of(**{**fields, "importance_samples": -1})


def test_a_folder_that_cannot_be_written_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sentence tells which variable takes another folder."""

    def refuse(self: Path, **options: Any) -> None:
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(ConfigError, match=r"Permission denied.*VAE_RUNS_DIR"):
        runs.create(tmp_path / "a run", config())


@pytest.mark.parametrize("variable", ["VAE_RUNS_DIR", "VAE_DATA_DIR"])
def test_a_user_without_a_home_is_told_what_to_set(
    variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is written into a folder called ~ where the program happens to run."""
    for name in ("VAE_RUNS_DIR", "VAE_DATA_DIR", "XDG_DATA_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)
    monkeypatch.setattr(Path, "expanduser", lambda path: path)
    with pytest.raises(ConfigError, match=f"no home folder: name a folder by {variable}"):
        {"VAE_RUNS_DIR": runs.runs_dir, "VAE_DATA_DIR": data.data_dir}[variable]()
