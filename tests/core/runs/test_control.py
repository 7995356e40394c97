"""What people do with a run: each control leads where it says, and to the same weights."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import running
from running import config, run, wait_for, wait_for_state, weights

from vae_core import model_folder, runs
from vae_core.errors import ConfigError
from vae_core.jobs import processes
from vae_core.runs import Change, changes, queue


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Path]]:
    """Let trainers be threads; return whom they were started for."""
    with running.trainers_in_threads(monkeypatch) as folders:
        yield folders


def test_one_step_and_one_epoch(tmp_path: Path, started: list[Path]) -> None:
    """Each pauses where it says, and the end is that of a run that was never held."""
    folder = runs.create(tmp_path / "stepped", config())
    runs.step(folder)
    assert wait_for_state(folder, "paused").step == 1
    runs.step(folder)
    wait_for(lambda: runs.status(folder).step == 2)
    assert wait_for_state(folder, "paused").epoch == 0
    runs.epoch(folder)
    wait_for(lambda: runs.status(folder).step == 15)
    assert wait_for_state(folder, "paused").epoch == 1
    assert len(started) == 1, "one trainer did it all"
    runs.resume(folder)
    wait_for_state(folder, "finished")
    assert weights(folder) == weights(run(tmp_path / "whole"))
    with pytest.raises(ConfigError, match="stepped has finished: continue it"):
        runs.resume(folder)


def test_a_step_at_an_epochs_end_ends_the_epoch(tmp_path: Path, started: list[Path]) -> None:
    """The step that completes an epoch is followed by its figures."""
    folder = runs.create(tmp_path / "run", config(batch_size=1000))  # two steps an epoch
    for number, epochs in ((1, 0), (2, 1)):
        runs.step(folder)
        wait_for(lambda number=number: runs.status(folder).step == number)  # type: ignore[misc]
        assert wait_for_state(folder, "paused").epoch == epochs


def test_a_queued_run_that_is_paused_loses_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, started: list[Path]
) -> None:
    """It begins only when it is resumed; a queued one cannot be stopped before it began."""
    monkeypatch.setenv("VAE_TRAINING", "on")
    folder = runs.create(tmp_path / "run", config())
    with pytest.raises(ConfigError, match="has not begun"):
        runs.stop(folder)
    runs.pause(folder)
    assert runs.status(folder).state == "paused"
    runs.advance(tmp_path)
    assert not started
    runs.resume(folder)
    wait_for_state(folder, "finished")


def test_a_starting_trainer_honours_a_pause(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It comes, makes no step, and waits; meanwhile the run is not given another trainer.

    A run whose trainer never comes is paused as well.
    """
    begun: list[str] = []
    monkeypatch.setattr(processes, "start", lambda folder, worker: begun.append(folder.name))
    monkeypatch.setattr("vae_core.runs.execution.PAUSE_TIMEOUT", 0.0)
    one, other = (runs.create(tmp_path / name, config(name)) for name in ("one", "other"))
    runs.advance(tmp_path, at_once=2)
    for folder in (one, other):
        runs.pause(folder)
    runs.advance(tmp_path, at_once=9)
    assert begun == ["one", "other"]
    assert [runs.status(folder).message for folder in (one, other)] == ["starting"] * 2
    assert runs.execute(one) == "paused"
    monkeypatch.setattr(processes, "STARTING", 0.0)
    for folder in (one, other):
        assert (runs.status(folder).state, runs.status(folder).step) == ("paused", 0)
    runs.advance(tmp_path, at_once=9)
    assert begun == ["one", "other"]
    runs.resume(other)
    assert begun == ["one", "other", "other"]


def test_a_turn_does_not_undo_a_pause(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that was paused or deleted after the queue was looked through is not begun."""
    begun: list[str] = []
    monkeypatch.setattr(processes, "start", lambda folder, worker: begun.append(folder.name))
    paused, gone, waits = (
        runs.create(tmp_path / name, config(name)) for name in ("paused", "gone", "waits")
    )
    seen = runs.statuses(tmp_path)
    monkeypatch.setattr(queue, "statuses", lambda root: seen)
    runs.pause(paused)
    runs.delete(gone)
    runs.advance(tmp_path, at_once=3)
    assert begun == [waits.name]


def test_more_epochs_end_as_a_longer_run(tmp_path: Path, started: list[Path]) -> None:
    """With a constant learning rate the weights are those of a run of that length from the start.

    The card tells the command that makes them again.
    """
    folder = run(tmp_path / "continued", epochs=2)
    runs.extend(folder, 1)
    wait_for(lambda: runs.status(folder).state == "finished" and runs.status(folder).epoch == 3)
    assert weights(folder) == weights(run(tmp_path / "whole", epochs=3))
    assert runs.status(folder).config.training.epochs == 3
    card = model_folder.load_card(folder)
    assert card.training.epochs == 3
    assert "--change 30:epochs=3" in card.command
    assert len(model_folder.load_history(folder)) == 3


def test_a_decayed_learning_rate_climbs_back_for_more_epochs(
    tmp_path: Path, started: list[Path]
) -> None:
    """The schedule is laid over the new length, so the continued run does learn."""
    folder = run(tmp_path / "continued", epochs=2, decay="cosine")
    before = weights(folder)
    runs.extend(folder, 2)
    wait_for(lambda: runs.status(folder).state == "finished" and runs.status(folder).epoch == 4)
    assert weights(folder) != before
    elbos = [epoch["test"]["elbo"] for epoch in runs.status(folder).epochs]
    assert elbos[3] > elbos[1]


def test_rewound_to_the_initial_weights(tmp_path: Path, started: list[Path]) -> None:
    """The run stands at epoch 0, is no model, and trains again to the very same weights."""
    folder = run(tmp_path / "run")
    first = weights(folder)
    runs.rewind(folder)
    now = runs.status(folder)
    assert (now.state, now.epoch, now.step, now.steps) == ("paused", 0, 0, ())
    assert model_folder.list_models(tmp_path) == []
    assert runs.read_replay(folder) is None
    runs.resume(folder)
    wait_for_state(folder, "finished")
    assert weights(folder) == first
    assert [epoch["epoch"] for epoch in runs.status(folder).epochs] == [1, 2, 3]


def test_a_rewind_undoes_what_was_changed(tmp_path: Path) -> None:
    """A run in training is taken back as well; it has the settings it was laid with."""
    folder = runs.create(tmp_path / "run", config())
    runs.change(folder, learning_rate=0.5)
    assert runs.status(folder).config.training.learning_rate == 0.5
    runs.rewind(folder)
    assert runs.status(folder).config == runs.read_config(folder)


def test_a_copy_has_other_settings_and_another_folder(tmp_path: Path, started: list[Path]) -> None:
    """What was changed in the run is in its copy; a wrong setting is named and nothing is laid."""
    folder = runs.create(tmp_path / "digits", config(owner="ann"))
    runs.pause(folder)
    runs.change(folder, beta=2.0)
    twin = runs.copy(folder, {"latent_dim": 3, "hidden": (8, 4), "epochs": 1}, owner="bob")
    copied = runs.read_config(twin)
    assert twin.name == "digits-2"
    assert (copied.model.latent_dim, copied.model.hidden) == (3, (8, 4))
    assert (copied.training.epochs, copied.training.beta, copied.owner) == (1, 2.0, "bob")
    assert copied.created > runs.read_config(folder).created
    for wrong in ({"epochs": 0}, {"treasure": 1}, {"latent_dim": 50}):
        with pytest.raises(ConfigError, match=next(iter(wrong))):
            runs.copy(folder, wrong)
    assert len(runs.list_runs(tmp_path)) == 2


def test_a_deleted_run_comes_back_whole(tmp_path: Path) -> None:
    """It is no run and no model meanwhile; its name may have been taken."""
    folder = run(tmp_path / "run", epochs=1)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert runs.delete(folder) == "run"
    assert runs.list_runs(tmp_path) == []
    assert model_folder.list_models(tmp_path) == []
    assert runs.deleted(tmp_path) == ["run"]
    runs.create(folder, config())
    back = runs.restore(tmp_path, "run")
    assert back.name == "run-2"
    after = {path.name: path.read_bytes() for path in back.iterdir()}
    assert {name: after[name] for name in before if name != processes.CONTROL_LOCK} == {
        name: content for name, content in before.items() if name != processes.CONTROL_LOCK
    }
    assert runs.status(back).state == "finished"
    with pytest.raises(ConfigError, match=r"no run '\.\./run' was deleted"):
        runs.restore(tmp_path, "../run")


def test_the_trash_is_emptied_when_it_is_old(tmp_path: Path) -> None:
    """What was deleted just now stays; two of the same name do not meet."""
    for _ in range(2):
        folder = runs.create(tmp_path / "run", config())
        runs.delete(folder)
    assert runs.deleted(tmp_path) == ["run", "run-2"]
    assert runs.purge(tmp_path) == []
    assert runs.purge(tmp_path, older_than=0) == ["run", "run-2"]
    assert runs.deleted(tmp_path) == []


def test_a_run_in_training_leaves_before_it_is_deleted(tmp_path: Path, started: list[Path]) -> None:
    """Restored, it stands paused where it was and ends in the same weights."""
    folder = runs.create(tmp_path / "run", config(epochs=400))
    runs.advance(tmp_path)
    wait_for(lambda: runs.status(folder).step > 3)
    runs.delete(folder)
    assert not folder.exists()
    back = runs.restore(tmp_path, "run")
    now = runs.status(back)
    assert now.state == "paused"
    assert now.step == runs.checkpoint_step(back) > 3


def steered(folder: Path, *, interrupt: bool) -> bytes:
    """Train with the learning rate changed at step 20 and beta at step 33."""
    runs.create(folder, config(epochs=4, decay="cosine"))
    runs.append(folder, "change", step=20, settings={"learning_rate": 0.01})
    runs.append(folder, "change", step=33, settings={"beta": 3.0})
    if interrupt:
        command = {"command": "epoch", "settings": {}, "waits": False}
        for expected in (15, 30, 45):
            (folder / processes.CONTROL).write_text(json.dumps(command))
            assert runs.execute(folder) == "paused"
            assert runs.status(folder).step == expected
    assert runs.execute(folder) == "finished"
    return weights(folder)


def test_steering_is_replayed_to_the_bit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Interrupted before, between and after its changes, a run ends in the same weights."""
    monkeypatch.setattr("vae_core.runs.execution.PAUSE_TIMEOUT", 0.0)
    whole = steered(tmp_path / "whole", interrupt=False)
    assert steered(tmp_path / "resumed", interrupt=True) == whole
    assert whole != weights(run(tmp_path / "plain", epochs=4, decay="cosine"))


def test_a_change_takes_effect_in_a_live_training(tmp_path: Path, started: list[Path]) -> None:
    """The step at which it did is told, and the command on the card gives the same weights."""
    folder = runs.create(tmp_path / "live", config())
    runs.step(folder)
    wait_for_state(folder, "paused")
    runs.change(folder, learning_rate=0.02)
    runs.change(folder, beta=0.5)
    wait_for(lambda: len(runs.status(folder).changes) >= 1)
    wait_for(lambda: runs.status(folder).config.training.beta == 0.5)
    assert {change.step for change in runs.status(folder).changes} == {1}
    runs.resume(folder)
    wait_for_state(folder, "finished")
    again = runs.create(tmp_path / "again", config())
    runs.append(again, "change", step=1, settings={"learning_rate": 0.02, "beta": 0.5})
    runs.execute(again)
    assert weights(folder) == weights(again)
    card = model_folder.load_card(folder)
    assert "--change 1:learning_rate=0.02" in card.command
    assert "learning_rate 0.02" in card.warnings[0]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"learning_rate": 2.0}, "learning_rate 2.0"),
        ({"beta": -1.0}, "beta -1.0"),
        ({"seed": 4}, "seed cannot be changed.*learning_rate, beta, epochs"),
        ({"epochs": 2.5}, "epochs 2.5"),
    ],
)
def test_what_cannot_be_changed_is_named(
    tmp_path: Path, settings: dict[str, float], said: str
) -> None:
    """And nothing is told."""
    folder = runs.create(tmp_path / "run", config())
    with pytest.raises(ConfigError, match=said):
        runs.change(folder, **settings)
    assert runs.status(folder).changes == ()


def test_a_new_change_takes_the_place_of_a_later_one() -> None:
    """A run taken back behind a change and steered anew does not meet the old value."""
    told = changes.merge((), Change(500, {"learning_rate": 1.0, "beta": 2.0}))
    told = changes.merge(told, Change(480, {"learning_rate": 1e-4}))
    assert told == (Change(480, {"learning_rate": 1e-4}), Change(500, {"beta": 2.0}))
    assert changes.parse("480:learning_rate=0.0001") == told[0]
    assert changes.to_arguments(told) == ["480:learning_rate=0.0001", "500:beta=2"]
    for wrong in ("480", "x:beta=1", "3:beta", "3:beta=x"):
        with pytest.raises(ConfigError, match="STEP:name=value"):
            changes.parse(wrong)


def test_a_pause_is_for_runs_under_way(tmp_path: Path) -> None:
    """Pausing what has ended, stopping what has finished, and continuing by nothing are told."""
    folder = run(tmp_path / "run", epochs=1)
    with pytest.raises(ConfigError, match="run is finished"):
        runs.pause(folder)
    with pytest.raises(ConfigError, match="has finished already"):
        runs.stop(folder)
    with pytest.raises(ConfigError, match="epochs 0"):
        runs.extend(folder, 0)
