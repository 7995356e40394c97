"""Variational auto-encoders: train, evaluate, save, load and look inside them.

Names are imported when first used, so that ``import vae_core`` costs next to nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vae_core.api.datasets import dataset
    from vae_core.api.explorer import explore, from_codes
    from vae_core.api.measures import encode, evaluate
    from vae_core.api.pictures import interpolate, manifold_grid, reconstruct, sample, traverse
    from vae_core.api.plots import plot_latent, plot_manifold
    from vae_core.api.training import save_model, train
    from vae_core.config import ModelConfig, TrainConfig
    from vae_core.data import load_dataset
    from vae_core.imports import import_model
    from vae_core.model_folder import list_models, load_card, load_codes
    from vae_core.model_folder import load as load_model
    from vae_core.models import VAE

_HOMES = {
    "ModelConfig": ("config", "ModelConfig"),
    "TrainConfig": ("config", "TrainConfig"),
    "VAE": ("models", "VAE"),
    "dataset": ("api.datasets", "dataset"),
    "encode": ("api.measures", "encode"),
    "evaluate": ("api.measures", "evaluate"),
    "explore": ("api.explorer", "explore"),
    "from_codes": ("api.explorer", "from_codes"),
    "import_model": ("imports", "import_model"),
    "interpolate": ("api.pictures", "interpolate"),
    "list_models": ("model_folder", "list_models"),
    "load_card": ("model_folder", "load_card"),
    "load_codes": ("model_folder", "load_codes"),
    "load_dataset": ("data", "load_dataset"),
    "load_model": ("model_folder", "load"),
    "manifold_grid": ("api.pictures", "manifold_grid"),
    "plot_latent": ("api.plots", "plot_latent"),
    "plot_manifold": ("api.plots", "plot_manifold"),
    "reconstruct": ("api.pictures", "reconstruct"),
    "sample": ("api.pictures", "sample"),
    "save_model": ("api.training", "save_model"),
    "train": ("api.training", "train"),
    "traverse": ("api.pictures", "traverse"),
}

__all__ = [
    "VAE",
    "ModelConfig",
    "TrainConfig",
    "dataset",
    "encode",
    "evaluate",
    "explore",
    "from_codes",
    "import_model",
    "interpolate",
    "list_models",
    "load_card",
    "load_codes",
    "load_dataset",
    "load_model",
    "manifold_grid",
    "plot_latent",
    "plot_manifold",
    "reconstruct",
    "sample",
    "save_model",
    "train",
    "traverse",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'vae_core' has no attribute {name!r}")
    module, attribute = _HOMES[name]
    return getattr(importlib.import_module(f"vae_core.{module}"), attribute)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
