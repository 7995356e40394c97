"""What a worker can be told to do; each task returns plain values."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
from torch import Tensor

from benchmarks import own_data, peers
from vae_core import evaluation, model_folder, models
from vae_core.config import ModelConfig, TrainConfig
from vae_core.data import ImageDataset, Split, load_dataset
from vae_core.evaluation import Estimate
from vae_core.learning import Trainer
from vae_core.models import VAE

#: Seed of the one draw of z by which every network is judged.
JUDGE_SEED = 99
#: Images that are moved and jittered at once.
CHUNK = 10_000

dataset = cache(load_dataset)


@dataclass(frozen=True)
class Training:
    """A training in progress, and its settings."""

    contestant: peers.Contestant
    model: ModelConfig
    training: TrainConfig
    data: ImageDataset


#: Those of this process, by the key that they were started with.
TRAININGS: dict[str, Training] = {}


def start(
    contestant: str,
    model: dict[str, Any],
    training: dict[str, Any],
    key: str = "",
    options: dict[str, Any] | None = None,
    held_out: int = 0,
) -> dict[str, Any]:
    """Prepare a training; the one before it with the same key is forgotten.

    With ``held_out`` the last so many training images are not trained on, and are the test set.
    """
    config, settings = ModelConfig.of(**model), TrainConfig.of(**training)
    data = validation(settings.dataset, held_out) if held_out else dataset(settings.dataset)
    made = peers.make(contestant, config, settings, data, **options or {})
    TRAININGS[key] = Training(made, config, settings, data)
    return {"images": len(peers.training_images(settings, data))}


@cache
def validation(name: str, held_out: int) -> ImageDataset:
    """Split a dataset's training images in two, the second part for its test set."""
    whole = dataset(name)
    rows = torch.arange(len(whole.train))
    train, test = (whole.train.take(part) for part in (rows[:-held_out], rows[-held_out:]))
    return dataclasses.replace(whole, train=train, test=test)


def epoch(key: str = "") -> dict[str, Any]:
    """Train one more epoch."""
    return {"seconds": TRAININGS[key].contestant.epoch()}


def judge(key: str = "") -> dict[str, Any]:
    """Measure the network on the whole test set, grey pixels, with the package's evaluator."""
    judged = TRAININGS[key]
    network = models.build(judged.model)
    network.load_state_dict(judged.contestant.weights())
    images = judged.data.test.images
    found = evaluation.bounds(network.eval(), images, kind="grey", seed=JUDGE_SEED)
    negative = Estimate.of(-found.elbo)
    return {"negative elbo": negative.mean, "se": negative.se}


def encode(model: str, threads: int) -> dict[str, Any]:
    """Encode every image of the model's dataset."""
    torch.set_num_threads(threads)
    network, data = model_folder.load(model), dataset(model_folder.load_card(model).dataset)
    images = torch.cat([data.train.images, data.test.images])
    began = time.perf_counter()
    evaluation.encode(network, images, kind="grey")
    return {"seconds": time.perf_counter() - began, "images": len(images)}


def nll(
    model: str, images: int, k: int, threads: int, at_once: int | None = None
) -> dict[str, Any]:
    """Estimate the k-sample bound of the first test images; ``at_once`` codes are decoded."""
    torch.set_num_threads(threads)
    network, data = model_folder.load(model), dataset(model_folder.load_card(model).dataset)
    usual = evaluation.CODES_AT_ONCE
    evaluation.CODES_AT_ONCE = at_once or usual
    began = time.perf_counter()
    found = evaluation.nll_iw(network, data.test.images[:images], k=k, kind="grey")
    seconds = time.perf_counter() - began
    evaluation.CODES_AT_ONCE = usual
    estimate = Estimate.of(found.nll)
    return {"seconds": seconds, "nll": estimate.mean, "se": estimate.se}


def grow(
    work: str,
    *,
    threads: int,
    images: int = 1_000,
    hidden: int = 500,
    latent_dim: int = 20,
    k: int = 1,
    batch_size: int = 100,
) -> dict[str, Any]:
    """Do one kind of work on images made from MNIST's, with a network that knows nothing."""
    data = grown(images)
    config = ModelConfig(latent_dim=latent_dim, hidden=(hidden,))
    if work == "training":
        settings = TrainConfig(epochs=1, batch_size=batch_size, threads=threads)
        trainer = Trainer(config, settings, data)
        began = time.perf_counter()
        for _ in trainer.steps():
            pass
        return {"seconds": time.perf_counter() - began}
    torch.set_num_threads(threads)
    network = untrained(config)
    began = time.perf_counter()
    if work == "encoding":
        evaluation.encode(network, data.train.images, kind="grey")
    else:
        assert work == "evaluation", work
        evaluation.nll_iw(network, data.train.images, k=k, kind="grey")
    return {"seconds": time.perf_counter() - began}


def untrained(config: ModelConfig) -> VAE:
    """Make a network with first weights."""
    network = models.build(config)
    models.initialise(
        network,
        mean_image=torch.full(config.image_shape, 0.13),
        scheme="default",
        generator=torch.Generator().manual_seed(0),
    )
    return network.eval().requires_grad_(False)


@cache
def grown(n: int) -> ImageDataset:
    """Make a dataset of ``n`` images: MNIST's, again and again, moved by a pixel and jittered."""
    source = dataset("mnist")
    generator = torch.Generator().manual_seed(n)
    images = torch.empty(n, *source.image_shape, dtype=torch.uint8)
    for start in range(0, n, CHUNK):
        rows = torch.arange(start, min(start + CHUNK, n)) % len(source.train)
        images[start : start + len(rows)] = jittered(source.train.images[rows], generator)
    split = Split(images=images, labels=None, ids=torch.arange(n))
    return ImageDataset(name="mnist", title="MNIST, grown", train=split, test=source.test)


def jittered(images: Tensor, generator: torch.Generator) -> Tensor:
    """Move images by up to a pixel, and their levels above zero by up to eight."""
    down, right = torch.randint(-1, 2, (2,), generator=generator).tolist()
    noise = torch.randint(-8, 9, images.shape, generator=generator, dtype=torch.int16)
    moved = images.roll((down, right), dims=(2, 3)).to(torch.int16)
    return torch.where(moved > 0, (moved + noise).clamp(1, 255), 0).to(torch.uint8)


#: Tasks by name.
TASKS: dict[str, Callable[..., dict[str, Any]]] = {
    "start": start,
    "epoch": epoch,
    "judge": judge,
    "encode": encode,
    "nll": nll,
    "grow": grow,
    "make own": own_data.make,
    "loop own": own_data.loop,
    "build own": own_data.build,
    "train own": own_data.train,
}
