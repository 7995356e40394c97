"""The time that a training is said to take."""

from __future__ import annotations

import json
from pathlib import Path
from statistics import median

import pytest

from app.views.train import durations
from vae_core import model_folder
from vae_core.config import ModelConfig, TrainConfig
from vae_core.runs import RunConfig, RunStatus

MODEL = ModelConfig(image_shape=(1, 8, 8), latent_dim=2, hidden=(256, 128))
TRAINING = TrainConfig(dataset="digits", epochs=100, batch_size=50)


def run_of(
    model: ModelConfig, training: TrainConfig, *, seconds: float, batches: int = 28
) -> RunStatus:
    """Return the status of a run whose epochs took so many seconds."""
    metrics = {"elbo": -1.0, "rate": 0.5, "distortion": 0.5}
    record = {"epoch": 1, "step": batches, "seconds": seconds, "test": metrics, "train": metrics}
    return RunStatus(
        folder=Path("run"),
        config=RunConfig(name="run", model=model, training=training),
        state="finished",
        epoch=1,
        epochs=(record,),
        steps=(),
        batches=batches,
    )


@pytest.mark.parametrize(
    "name", ["digits-2d", "frey-2d", "mnist-2d", "mnist-3d", "mnist-conv", "cifar-conv"]
)
def test_the_rule_is_near_what_bundled_models_took(name: str) -> None:
    """Within a factor of three of the median epoch in their histories."""
    card = model_folder.load_card(name)
    history = (model_folder.PRETRAINED / name / model_folder.HISTORY).read_text().splitlines()
    rows = [json.loads(line) for line in history]
    measured = median(row["seconds"] for row in rows)
    images = card.training.batch_size * rows[-1]["step"] // rows[-1]["epoch"]
    rule = durations.epoch_seconds(card.model, card.training, images=images)
    assert measured / 3 < rule < 3 * measured


def test_sizes_count() -> None:
    """64 × 256 + 256 × 128 + 2 · 128 × 2 products each way; more samples decode more."""
    one = 64 * 256 + 256 * 128 + 2 * 128 * 2
    assert durations.products(MODEL) == 2 * one
    assert durations.products(MODEL, samples=5) == 6 * one
    conv = MODEL.model_copy(update={"network": "conv", "hidden": (4, 8)})
    assert durations.products(conv) == 2 * (9 * 4 * 16 + 9 * 4 * 8 * 4 + 2 * 8 * 2)
    rows = MODEL.model_copy(update={"network": "rows", "hidden": (10,)})
    assert durations.products(rows) == 2 * (8 * 3 * 10 * 18 + 2 * 10 * 2)
    on_gpu = TRAINING.model_copy(update={"device": "cuda"})
    times = [durations.epoch_seconds(MODEL, one, images=10**6) for one in (TRAINING, on_gpu)]
    assert times[1] < times[0]


def test_past_trainings_of_the_same_settings_are_the_estimate() -> None:
    """The median of their epochs, whatever their number and seed."""
    longer = TRAINING.model_copy(update={"epochs": 7, "seed": 3})
    past = [run_of(MODEL, longer, seconds=s) for s in (0.2, 0.3, 9.0)]
    found = durations.seconds(MODEL, TRAINING, images=1437, past=past)
    assert found == pytest.approx(durations.START_SECONDS + 100 * 0.3)


def test_other_trainings_say_how_fast_the_host_is() -> None:
    """A host that needs four times the rule's time needs it for another model too."""
    rule = durations.seconds(MODEL, TRAINING, images=1400) - durations.START_SECONDS
    other = MODEL.model_copy(update={"hidden": (512,)})
    slow = 4 * durations.epoch_seconds(other, TRAINING, images=1400)
    past = [run_of(other, TRAINING, seconds=slow)]
    found = durations.seconds(MODEL, TRAINING, images=1400, past=past)
    assert found - durations.START_SECONDS == pytest.approx(4 * rule)
    nothing = RunStatus(
        folder=Path("new"), config=past[0].config, state="queued", epoch=0, epochs=(), steps=()
    )
    same = durations.seconds(MODEL, TRAINING, images=1400, past=[nothing])
    assert same - durations.START_SECONDS == pytest.approx(rule)
