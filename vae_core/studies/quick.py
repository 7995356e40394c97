"""Shrink models and trainings for ``--quick``."""

from __future__ import annotations

from typing import Any

from vae_core.config import ModelConfig, TrainConfig

#: Dataset of quick runs, and upper limits of their settings.
QUICK_DATASET = "digits"
QUICK_EPOCHS, QUICK_IMAGES, QUICK_WIDTH, QUICK_LATENTS, QUICK_SAMPLES = 2, 300, 48, 24, 5
QUICK_CHAINS: dict[str, Any] = {"chains": 5, "keep": 4, "burn_in": 4}
QUICK_COMPONENTS, QUICK_CHANNELS, QUICK_TEST, QUICK_BATCH = 20, 8, 60, 50


def quick_model(model: ModelConfig, training: TrainConfig) -> ModelConfig:
    """Shrink a model to what a quick run trains in seconds."""
    shape = model.image_shape if training.dataset.startswith("graphs") else (1, 8, 8)
    most = QUICK_CHANNELS if model.network == "conv" else QUICK_WIDTH
    hidden = tuple(min(width, most) for width in model.hidden)[:2]
    lower = model.first_latent_dim
    return ModelConfig.of(
        **model.model_dump()
        | {
            "image_shape": shape,
            "hidden": hidden,
            "latent_dim": min(model.latent_dim, QUICK_LATENTS),
            "components": min(model.components, QUICK_COMPONENTS),
            "first_latent_dim": None if lower is None else min(lower, QUICK_LATENTS),
            "upper_hidden": tuple(min(width, QUICK_WIDTH) for width in model.upper_hidden),
        }
    )


def quick_training(training: TrainConfig) -> TrainConfig:
    """Shrink a training to some seconds."""
    dataset = training.dataset if training.dataset.startswith("graphs") else QUICK_DATASET
    return TrainConfig.of(
        **training.model_dump()
        | {
            "dataset": dataset,
            "train_size": min(training.train_size or QUICK_IMAGES, QUICK_IMAGES),
            "epochs": min(training.epochs, QUICK_EPOCHS),
            "kl_warmup_epochs": min(training.kl_warmup_epochs, 1.0),
            "batch_size": min(training.batch_size, QUICK_BATCH),
            "samples": min(training.samples, QUICK_SAMPLES),
            "precision": "float32",
            "device": "cpu",
            "threads": 1,
        }
    )
