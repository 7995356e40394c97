"""Settings that are known to serve: of the models that come with the project, and to begin with."""

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

#: What the recipes share. One thread each, since two trainings side by side waste less of two
#: cores than one on both.
COMMON: dict[str, Any] = {"decay": "cosine", "warmup": 0.05, "threads": 1, "seed": 0}
#: In two and three dimensions fresh binary draws keep a map from memorising its training set, and
#: a slow start of the KL keeps it from folding before the classes have found their places.
SMALL_MAP: dict[str, Any] = {"pixels": "dynamic", "test_pixels": "grey", "kl_warmup_epochs": 10}


def _mnist(name: str, model: ModelConfig, **training: Any) -> runs.RunConfig:
    settings = {
        "dataset": "mnist",
        "batch_size": 200,
        "learning_rate": 2e-3,
        "precision": "bfloat16",
    }
    return runs.RunConfig(
        name=name,
        model=model,
        training=TrainConfig(**settings, **COMMON, **training),
        importance_samples=1000,
        importance_limit=1000,
    )


def _binary(name: str, model: ModelConfig, **training: Any) -> runs.RunConfig:
    """Describe a model of MNIST binarised at every visit."""
    settings = {
        "dataset": "mnist",
        "pixels": "dynamic",
        "precision": "bfloat16",
    }
    return runs.RunConfig(
        name=name,
        model=model,
        training=TrainConfig(**settings, **COMMON, **training),
        importance_samples=1000,
        importance_limit=1000,
    )


_MODELS = (
    _mnist(
        "mnist-2d",
        ModelConfig(latent_dim=2, hidden=(512, 256, 128), activation="silu"),
        epochs=120,
        **SMALL_MAP,
    ),
    _mnist(
        "mnist-20d",
        ModelConfig(latent_dim=20, hidden=(500, 500), activation="silu"),
        epochs=120,
        encoder_shift=1,
    ),
    _mnist(
        "mnist-20d-paper",
        ModelConfig(latent_dim=20, hidden=(500,), activation="tanh"),
        epochs=100,
    ),
    _mnist(
        "mnist-3d",
        ModelConfig(latent_dim=3, hidden=(512,), activation="tanh"),
        epochs=120,
        encoder_shift=1,
        **SMALL_MAP,
    ),
    runs.RunConfig(
        name="frey-2d",
        model=ModelConfig(
            image_shape=(1, 28, 20),
            latent_dim=2,
            hidden=(200,),
            activation="tanh",
            likelihood="gaussian",
        ),
        training=TrainConfig(
            dataset="frey-face", epochs=400, batch_size=50, learning_rate=1e-3, **COMMON
        ),
        importance_samples=1000,
    ),
    runs.RunConfig(
        name="digits-2d",
        model=ModelConfig(
            image_shape=(1, 8, 8), latent_dim=2, hidden=(256, 128), activation="silu"
        ),
        training=TrainConfig(
            dataset="digits", epochs=250, batch_size=50, learning_rate=2e-3, **COMMON
        ),
        importance_samples=1000,
    ),
    _binary(
        "mnist-conditional",
        ModelConfig(
            latent_dim=20, hidden=(500, 500), activation="silu", conditional=True, classes=10
        ),
        epochs=80,
        learning_rate=2e-3,
    ),
    # A bound of many samples costs as many times more: the first epochs take five.
    _binary(
        "mnist-iwae",
        ModelConfig(latent_dim=50, hidden=(200, 200), activation="silu"),
        epochs=135,
        learning_rate=3e-3,
        objective="iwae",
        samples=50,
        coarse_epochs=120,
        coarse_samples=5,
    ),
    _mnist(
        "mnist-conv",
        ModelConfig(latent_dim=16, hidden=(16, 32, 64), network="conv", activation="silu"),
        epochs=8,
        pixels="dynamic",
    ),
    runs.RunConfig(
        name="frey-vamp",
        model=ModelConfig(
            image_shape=(1, 28, 20),
            latent_dim=40,
            hidden=(300, 300),
            activation="gated",
            likelihood="discretised-logistic",
            prior="vamp",
            components=500,
        ),
        training=TrainConfig(
            dataset="frey-face",
            epochs=300,
            batch_size=50,
            learning_rate=1e-3,
            kl_warmup_epochs=30,
            precision="bfloat16",
            **COMMON,
        ),
        importance_samples=5000,
    ),
    runs.RunConfig(
        name="cifar-conv",
        model=ModelConfig(
            image_shape=(3, 32, 32),
            latent_dim=128,
            hidden=(32, 64, 128),
            network="conv",
            activation="silu",
            likelihood="discretised-logistic",
        ),
        training=TrainConfig(
            dataset="cifar-10",
            epochs=10,
            batch_size=50,
            learning_rate=2e-3,
            precision="bfloat16",
            **COMMON,
        ),
        importance_samples=500,
        importance_limit=100,
    ),
    runs.RunConfig(
        name="graphs-2d",
        model=ModelConfig(
            image_shape=(1, 68, 68),
            latent_dim=2,
            hidden=(6, 50),
            activation="leaky-relu",
            symmetric=True,
            prior="mixture",
            components=3,
        ),
        training=TrainConfig(
            dataset="graphs",
            epochs=600,
            batch_size=100,
            learning_rate=3e-3,
            decay="cosine",
            beta=2.0,
            kl_warmup_epochs=30,
            weight_prior=True,
            threads=1,
        ),
        importance_samples=1000,
    ),
)
RECIPES: dict[str, runs.RunConfig] = {recipe.name: recipe for recipe in _MODELS}


#: For −ELBO below 105 on grey MNIST in a few seconds: the quickest settings that leave less than
#: 106 nats on a validation split of the training set, by ``make bench ARGS="--only recipe"``. A
#: higher peak of the learning rate would leave less, but costs nets of two layers two nats.
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
    """Return ``FAST`` with the quickest precision that this processor has."""
    from vae_core import learning

    return FAST | {"precision": "bfloat16" if learning.native_bfloat16() else "float32"}


#: Settings to begin with, by the name that ``train --recipe`` takes.
BEGINNINGS: dict[str, Callable[[], dict[str, Any]]] = {"fast": fast}


def make(
    names: Sequence[str], *, work: Path, jobs: int, say: Callable[[str], None]
) -> dict[str, float]:
    """Train the named models in processes of their own and put them into ``pretrained/``.

    A training that was interrupted goes on where it stood. The larger ones start first.

    Parameters
    ----------
    names
        Keys of ``RECIPES``.
    work
        Folder for the runs.
    jobs
        Trainings at once.

    Returns
    -------
    dict
        Seconds that each took.

    Raises
    ------
    LatentExplorerError
        If a training fails; the models made before it stay.
    """
    unknown = [name for name in names if name not in RECIPES]
    if unknown:
        raise ConfigError(f"recipe {unknown[0]!r}: allowed are {', '.join(RECIPES)}")
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
        runs.delete(folder)  # of an older recipe
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
