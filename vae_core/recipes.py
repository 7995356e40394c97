"""Settings of the models in ``pretrained/``, and presets to begin with."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from vae_core import model_folder, runs
from vae_core.config import ModelConfig, TrainConfig
from vae_core.errors import ConfigError, LatentExplorerError

#: Settings of all recipes. One thread each: two concurrent trainings use two cores better than
#: one training on both.
COMMON: dict[str, Any] = {"decay": "cosine", "warmup": 0.05, "threads": 1, "seed": 0}
BFLOAT16: dict[str, Any] = {"precision": "bfloat16"}
MNIST: dict[str, Any] = BFLOAT16 | {"dataset": "mnist", "batch_size": 200, "learning_rate": 2e-3}
#: MNIST binarised anew in every epoch.
BINARY_MNIST: dict[str, Any] = BFLOAT16 | {"dataset": "mnist", "pixels": "dynamic"}
FREY: dict[str, Any] = {"dataset": "frey-face", "batch_size": 50, "learning_rate": 1e-3}
#: With two and three latent dimensions, dynamic binarisation prevents overfitting, and a slow KL
#: warm-up prevents folds in the map.
SMALL_MAP: dict[str, Any] = {"pixels": "dynamic", "test_pixels": "grey", "kl_warmup_epochs": 10}


def _recipe(
    name: str,
    model: ModelConfig,
    training: dict[str, Any],
    *,
    importance_samples: int = 1000,
    importance_limit: int | None = None,
) -> runs.RunConfig:
    is_mnist = training["dataset"] == "mnist"
    return runs.RunConfig(
        name=name,
        model=model,
        training=TrainConfig(**COMMON | training),
        importance_samples=importance_samples,
        importance_limit=1000 if is_mnist else importance_limit,
    )


_MODELS = (
    _recipe(
        "mnist-2d",
        ModelConfig(latent_dim=2, hidden=(512, 256, 128), activation="silu"),
        MNIST | SMALL_MAP | {"epochs": 120},
    ),
    _recipe(
        "mnist-20d",
        ModelConfig(latent_dim=20, hidden=(500, 500), activation="silu"),
        MNIST | {"epochs": 120, "encoder_shift": 1},
    ),
    _recipe(
        "mnist-20d-paper",
        ModelConfig(latent_dim=20, hidden=(500,), activation="tanh"),
        MNIST | {"epochs": 100},
    ),
    _recipe(
        "mnist-3d",
        ModelConfig(latent_dim=3, hidden=(512,), activation="tanh"),
        MNIST | SMALL_MAP | {"epochs": 120, "encoder_shift": 1},
    ),
    _recipe(
        "frey-2d",
        ModelConfig(
            image_shape=(1, 28, 20),
            latent_dim=2,
            hidden=(200,),
            activation="tanh",
            likelihood="gaussian",
        ),
        FREY | {"epochs": 400},
    ),
    _recipe(
        "digits-2d",
        ModelConfig(image_shape=(1, 8, 8), latent_dim=2, hidden=(256, 128), activation="silu"),
        {"dataset": "digits", "epochs": 250, "batch_size": 50, "learning_rate": 2e-3},
    ),
    _recipe(
        "mnist-conditional",
        ModelConfig(
            latent_dim=20, hidden=(500, 500), activation="silu", conditional=True, classes=10
        ),
        BINARY_MNIST | {"epochs": 80, "learning_rate": 2e-3},
    ),
    # A bound of k samples costs k times as much, so the first epochs take five samples.
    _recipe(
        "mnist-iwae",
        ModelConfig(latent_dim=50, hidden=(200, 200), activation="silu"),
        BINARY_MNIST
        | {"epochs": 135, "learning_rate": 3e-3, "objective": "iwae", "samples": 50}
        | {"coarse_epochs": 120, "coarse_samples": 5},
    ),
    _recipe(
        "mnist-conv",
        ModelConfig(latent_dim=16, hidden=(16, 32, 64), network="conv", activation="silu"),
        MNIST | {"epochs": 8, "pixels": "dynamic"},
    ),
    _recipe(
        "frey-vamp",
        ModelConfig(
            image_shape=(1, 28, 20),
            latent_dim=40,
            hidden=(300, 300),
            activation="gated",
            likelihood="discretised-logistic",
            prior="vamp",
            components=500,
        ),
        FREY | BFLOAT16 | {"epochs": 300, "kl_warmup_epochs": 30},
        importance_samples=5000,
    ),
    _recipe(
        "cifar-conv",
        ModelConfig(
            image_shape=(3, 32, 32),
            latent_dim=128,
            hidden=(32, 64, 128),
            network="conv",
            activation="silu",
            likelihood="discretised-logistic",
        ),
        BFLOAT16 | {"dataset": "cifar-10", "epochs": 10, "batch_size": 50, "learning_rate": 2e-3},
        importance_samples=500,
        importance_limit=100,
    ),
    _recipe(
        "graphs-2d",
        ModelConfig(
            image_shape=(1, 68, 68),
            latent_dim=2,
            hidden=(6, 50),
            activation="leaky-relu",
            symmetric=True,
            prior="mixture",
            components=3,
        ),
        {
            "dataset": "graphs",
            "epochs": 600,
            "learning_rate": 3e-3,
            "warmup": 0.0,
            "beta": 2.0,
            "kl_warmup_epochs": 30,
            "weight_prior": True,
        },
    ),
)
RECIPES: dict[str, runs.RunConfig] = {recipe.name: recipe for recipe in _MODELS}


#: Preset for a −ELBO below 105 nats on grey MNIST within seconds: the quickest settings that reach
#: 106 nats on a validation split of the training set, by ``make bench ARGS="--only recipe"``. A
#: higher peak learning rate reaches less, but costs networks of two layers two nats.
FAST: dict[str, Any] = {
    "latent_dim": 20,
    "hidden": (300,),
    "activation": "silu",
    "epochs": 4,
    "batch_size": 250,
    "learning_rate": 1.2e-2,
    "warmup": 0.1,
    "decay": "linear",
}


def fast() -> dict[str, Any]:
    """Return ``FAST`` with the fastest precision of this processor."""
    from vae_core import learning

    return FAST | {"precision": "bfloat16" if learning.native_bfloat16() else "float32"}


#: Presets by the name that ``train --recipe`` takes.
PRESETS: dict[str, Callable[[], dict[str, Any]]] = {"fast": fast}


def make(
    names: Sequence[str], *, work: Path, jobs: int, say: Callable[[str], None]
) -> dict[str, float]:
    """Train models in separate processes and write them to ``pretrained/``.

    An interrupted training resumes from its last checkpoint.

    Parameters
    ----------
    names
        Keys of ``RECIPES``.
    work
        Folder for the runs.
    jobs
        Number of concurrent trainings.

    Returns
    -------
    dict
        Seconds of each training.

    Raises
    ------
    LatentExplorerError
        If a training fails; models that are finished by then stay.
    """
    for name in names:
        if name not in RECIPES:
            raise ConfigError(f"recipe {name!r}: allowed are {', '.join(RECIPES)}")
    waiting, running, seconds = list(names), dict[str, tuple[subprocess.Popen[bytes], float]](), {}
    try:
        while waiting or running:
            while waiting and len(running) < jobs:
                name = waiting.pop(0)
                say(f"{name}: training")
                running[name] = (_start(work / name, RECIPES[name]), time.monotonic())
            time.sleep(0.2)
            for name, (process, began) in list(running.items()):
                if process.poll() is None:
                    continue
                del running[name]
                if process.returncode != 0:
                    raise LatentExplorerError(f"{name}: {runs.status(work / name).message}")
                seconds[name] = time.monotonic() - began
                _install(work / name, model_folder.PRETRAINED / name)
                say(f"{name}: done in {seconds[name]:.0f} s")
    finally:
        for process, _ in running.values():
            process.terminate()
    return seconds


def _start(folder: Path, recipe: runs.RunConfig) -> subprocess.Popen[bytes]:
    if folder.exists() and _settings(runs.read_config(folder)) != _settings(recipe):
        runs.delete(folder)  # it is of an older recipe
        runs.purge(folder.parent, older_than=0)
    if not folder.exists():
        runs.create(folder, recipe)
    return subprocess.Popen(
        [sys.executable, "-m", "vae_core", "train", "--resume", str(folder), "--json"],
        stdout=subprocess.DEVNULL,
    )


def _settings(config: runs.RunConfig) -> dict[str, object]:
    return config.model_dump(exclude={"created"})


def _install(run: Path, target: Path) -> None:
    target.mkdir(parents=True, exist_ok=True)
    for name in model_folder.FILES:
        shutil.copyfile(run / name, target / name)
