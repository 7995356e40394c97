"""Variational auto-encoders: train, evaluate, save, load and look inside them.

Names are imported when first used, so that ``import vae_core`` costs next to nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vae_core.config import ModelConfig, TrainConfig
    from vae_core.data import load_dataset
    from vae_core.learning import Trainer as train  # noqa: N813
    from vae_core.model_folder import load as load_model
    from vae_core.model_folder import load_card, load_codes
    from vae_core.models import VAE

_HOMES = {
    "ModelConfig": ("config", "ModelConfig"),
    "TrainConfig": ("config", "TrainConfig"),
    "VAE": ("models", "VAE"),
    "load_card": ("model_folder", "load_card"),
    "load_codes": ("model_folder", "load_codes"),
    "load_dataset": ("data", "load_dataset"),
    "load_model": ("model_folder", "load"),
    "train": ("learning", "Trainer"),
}

__all__ = [
    "VAE",
    "ModelConfig",
    "TrainConfig",
    "load_card",
    "load_codes",
    "load_dataset",
    "load_model",
    "train",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'vae_core' has no attribute {name!r}")
    module, attribute = _HOMES[name]
    return getattr(importlib.import_module(f"vae_core.{module}"), attribute)
