"""Trainings with a length and a progress bar, and the model folders that they become."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
import torch
from small import dataset, model, model_config, train_config

import vae_core
from vae_core import model_folder
from vae_core.api import training
from vae_core.errors import ConfigError


def test_a_training_is_as_long_as_the_epochs_that_remain() -> None:
    """So that any progress bar knows how far it is."""
    trainer = vae_core.train(model_config(), train_config(epochs=3), dataset())
    assert len(trainer) == 3
    assert [len(trainer) for _ in trainer] == [2, 1, 0]
    assert trainer
    assert [record.epoch for record in trainer.records] == [1, 2, 3]


def test_a_progress_bar_is_shown_on_request(capsys: pytest.CaptureFixture[str]) -> None:
    """It changes nothing of the training; a file gets a line for each epoch."""
    settings = (model_config(), train_config(epochs=2), dataset())
    plain, shown = vae_core.train(*settings), vae_core.train(*settings, progress=True)
    assert [one.test for one in plain] == [one.test for one in shown]
    lines = capsys.readouterr().err.splitlines()
    assert [line.partition(", ")[0][-14:] for line in lines] == ["epoch 1 of 2"] * 0 + [
        "· epoch 1 of 2"[-14:],
        "█ epoch 2 of 2"[-14:],
    ]
    assert all("test ELBO -" in line for line in lines)


def test_a_bar_is_drawn_over_itself_where_it_can_be() -> None:
    """In a terminal and in a notebook."""

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    trainer = vae_core.train(model_config(), train_config(epochs=2), dataset())
    bar = training.ProgressBar(2, trainer.batches, Terminal())
    for _ in range(2):
        for step in trainer.steps():
            bar.step(step)
        bar.epoch(trainer.finish_epoch())
    text = bar.stream.getvalue()  # type: ignore[attr-defined]
    assert text.count("\r") >= 3
    assert text.count("\n") == 1
    assert text.endswith("\n")


@pytest.mark.parametrize("row", range(3))
def test_arguments_in_another_order_are_refused(row: int) -> None:
    """By their names."""
    given: list[Any] = [model_config(), train_config(), dataset()]
    given[row] = {"epochs": 3}
    name = ("model_config", "train_config", "dataset")[row]
    with pytest.raises(ConfigError, match=f"{name} is dict: allowed is"):
        vae_core.train(*given)


def test_a_training_is_saved_and_opened(tmp_path: Path) -> None:
    """As a model folder with card, codes and history; the model is as it was."""
    trainer = vae_core.train(model_config(), train_config(epochs=2), dataset())
    list(trainer)
    card = vae_core.save_model(trainer, tmp_path / "bars", importance_samples=5)
    assert (card.name, card.dataset, card.training.dataset) == ("bars", "bars", "bars")
    assert card.classes == ("left", "right")
    assert card.metrics["nll_iw5"].se is not None
    saved = model_folder.open_folder(tmp_path / "bars")
    for name, weights in saved.model.state_dict().items():
        assert torch.equal(weights, trainer.model.state_dict()[name])
    torch.testing.assert_close(saved.codes.mu, vae_core.encode(trainer).mu, atol=1e-2, rtol=1e-2)
    history = model_folder.load_history(tmp_path / "bars")
    assert [epoch["epoch"] for epoch in history] == [1, 2]
    assert trainer.model.training
    again = vae_core.evaluate(tmp_path / "bars", dataset(), importance_samples=5)
    for name in ("elbo", "rate", "distortion", "nll_iw5", "active_units"):
        assert again[name].value == pytest.approx(card.metrics[name].value)


def test_a_model_in_memory_is_saved_with_its_data(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without a dataset it is refused; the stages are told on request."""
    vae = model()
    with pytest.raises(ConfigError, match="dataset is needed"):
        vae_core.save_model(vae, tmp_path / "one")
    card = vae_core.save_model(
        vae, tmp_path / "one", dataset(), name="One", tsne=False, progress=True
    )
    assert (card.name, card.training.dataset) == ("One", "bars")
    assert "… encoding the test set" in capsys.readouterr().err
    assert set(model_folder.load_codes(tmp_path / "one").projections) == {"pca"}


def test_a_folder_that_would_not_be_opened_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bundled model of the same name is found first."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match="'digits-2d': a model of this name comes with"):
        vae_core.save_model(model(), "digits-2d", dataset())


def test_a_model_of_another_shape_is_refused(tmp_path: Path) -> None:
    """Before anything is written."""
    with pytest.raises(ConfigError, match="image_shape"):
        vae_core.save_model(model(), tmp_path / "one", dataset(shape=(1, 6, 6)))
    assert not (tmp_path / "one").exists()
