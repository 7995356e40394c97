"""Trainings: statuses, and models opened at a checkpoint."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path
from typing import Any

import pytest
import torch

from app.resources import datasets, trainings
from vae_core import data, evaluation, runs
from vae_core.config import ModelConfig, TrainConfig
from vae_core.errors import LatentExplorerError
from vae_core.models import VAE
from vae_core.runs import RunConfig


@pytest.fixture
def trained(no_data: Path) -> Path:
    """Return the folder of a short training that has finished."""
    config = RunConfig(
        name="short",
        model=ModelConfig(image_shape=(1, 8, 8), latent_dim=2, hidden=(16,)),
        training=TrainConfig(dataset="digits", epochs=1, threads=1),
    )
    folder = runs.create(runs.runs_dir() / "short", config)
    assert runs.execute(folder) == "finished"
    return folder


def test_a_model_in_training_is_encoded_and_not_decoded(
    trained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its map has the posterior of the first test pictures, and no figures that need a decoder."""
    monkeypatch.setattr(VAE, "decode", None)
    opened = trainings.open_checkpoint(trained)
    assert opened is not None
    test = data.load_dataset("digits").test
    q = opened.model.encode(test.images.float() / 255)
    torch.testing.assert_close(opened.codes.mu, q.mu[: datasets.LIVE_POINTS])
    torch.testing.assert_close(opened.codes.logvar, q.logvar[: datasets.LIVE_POINTS])
    assert opened.codes.distortion.isnan().all()
    assert opened.class_names == tuple(map(str, range(10)))


def test_no_session_waits_for_a_new_checkpoint(
    trained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the next one is encoded, the previous one is returned."""
    first = trainings.open_checkpoint(trained)
    assert first is not None
    os.utime(trained / runs.CHECKPOINT, ns=(1, 1))  # another checkpoint
    posteriors, may_go_on = evaluation.posteriors, threading.Event()

    def slow(*given: Any, **named: Any) -> Any:
        assert may_go_on.wait(60)
        return posteriors(*given, **named)

    monkeypatch.setattr(evaluation, "posteriors", slow)
    time.sleep(trainings.REFRESH_SECONDS + 0.1)
    assert trainings.open_checkpoint(trained) is first
    assert trainings.open_checkpoint(trained) is first
    may_go_on.set()
    end = time.monotonic() + 30
    while trainings.open_checkpoint(trained) is first:
        assert time.monotonic() < end
        time.sleep(0.05)


def test_the_end_of_a_training_is_what_is_shown_after_it(trained: Path) -> None:
    """The page looks no more then, so that it waits for the last checkpoint."""
    first = trainings.open_checkpoint(trained)
    os.utime(trained / runs.CHECKPOINT, ns=(1, 1))  # the last one, written just now
    last = trainings.open_checkpoint(trained, ended=True)
    assert first is not None
    assert last is not None
    assert last.hash != first.hash
    assert trainings.open_checkpoint(trained, ended=True) is last


def test_no_cluster_hides_no_training(trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All statuses are returned, with the reason why the queue did not advance."""

    def refuse(root: Path) -> None:
        raise LatentExplorerError("no cluster answers at tcp://10.0.0.1:8786")

    monkeypatch.setattr(runs.queue, "advance", refuse)
    found = trainings.statuses()
    assert list(found.by_name) == ["short"]
    assert found.error == "no cluster answers at tcp://10.0.0.1:8786"
