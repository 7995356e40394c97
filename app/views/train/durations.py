"""The time that a training takes on this host: from past trainings, else by a rule from sizes."""

import math
from collections.abc import Iterable
from itertools import pairwise
from statistics import median

from vae_core.config import ModelConfig, TrainConfig
from vae_core.runs import RunStatus

#: Seconds until a training's process has loaded what it needs.
START_SECONDS = 8.0
#: Floating-point operations a second of one core, by precision, and seconds that a step takes
#: beside them. Measured on the bundled models, whose histories the rule is tested against.
SPEED = {"float32": 5e10, "bfloat16": 1e11}
STEP_SECONDS = 1.5e-3
#: How many times slower an operation is than in a dense layer.
SLOWER = {"mlp": 1, "conv": 6, "rows": 3}
#: A GPU against one core.
GPU_FASTER = 20
#: Settings that change the length of a training, but not the time of an epoch.
OF_LENGTH = {"epochs", "seed"}


def seconds(
    model: ModelConfig, training: TrainConfig, *, images: int, past: Iterable[RunStatus] = ()
) -> float:
    """Estimate the seconds from the start of a training to its end.

    Parameters
    ----------
    images
        Number of training images.
    past
        Trainings on this host. The epochs of those with the same settings are the estimate; others
        say how much faster or slower than the rule this host is.
    """
    same: list[float] = []
    ratios: list[float] = []
    for one in past:
        if not one.epochs or not one.batches:
            continue
        measured = float(median(record["seconds"] for record in one.epochs))
        of_model, of_training = one.config.model, one.config.training
        if of_training.device == training.device:
            seen = one.batches * of_training.batch_size
            ratios.append(measured / epoch_seconds(of_model, of_training, images=seen))
        if of_model == model and _pace(of_training) == _pace(training):
            same.append(measured)
    if same:
        epoch = median(same)
    else:
        epoch = epoch_seconds(model, training, images=images) * (median(ratios) if ratios else 1.0)
    return START_SECONDS + training.epochs * epoch


def epoch_seconds(model: ModelConfig, training: TrainConfig, *, images: int) -> float:
    """Estimate the seconds of an epoch by sizes: operations, and a constant for each step."""
    used = min(images, training.train_size or images)
    # A product is an addition too; the gradients take twice the operations of the values.
    operations = 6 * products(model, samples=training.samples) * used * SLOWER[model.network]
    speed = SPEED[training.precision] * (GPU_FASTER if training.device != "cpu" else 1)
    return operations / speed + STEP_SECONDS * math.ceil(used / training.batch_size)


def products(model: ModelConfig, *, samples: int = 1) -> float:
    """Count the products of one image's way through encoder and decoder, of equal sizes."""
    channels, height, width = model.image_shape
    if model.network == "conv":
        counts = pairwise((channels, *model.hidden))
        # 3 × 3 weights at each place, of which a layer halves both sides
        encoder = sum(
            9 * a * b * height * width / 4**layer for layer, (a, b) in enumerate(counts, 1)
        )
    elif model.network == "rows":
        encoder = height * sum(3 * b * (a + b) for a, b in pairwise((width, *model.hidden)))
    else:
        encoder = sum(a * b for a, b in pairwise((channels * height * width, *model.hidden)))
    encoder += 2 * model.hidden[-1] * model.latent_dim
    return float(encoder * (1 + samples))


def _pace(training: TrainConfig) -> dict[str, object]:
    return training.model_dump(exclude=OF_LENGTH)
