"""Bounds of many samples, encoding, neighbours."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch

from benchmarks import machine, table, timing
from benchmarks.scale import Scale
from benchmarks.sections import Found
from benchmarks.timing import Say, Spread
from benchmarks.worker import Worker
from vae_core import evaluation, latents, model_folder
from vae_core.data import load_dataset

TITLE = "Evaluation of `mnist-20d-paper`, 784–500–20–500–784"
MODEL = "mnist-20d-paper"
PRECISION = "float32"
DECODER, ENCODER = (20, 500, 784), (784, 500, 40)
IMAGES = 10_000
#: Codes decoded at once, for a standard error that must not depend on them.
CHUNKS = (500, 2_000, 8_000)
NEIGHBOURS = 10


def measure(scale: Scale, threads: int, say: Say) -> Found:
    """Time the bound beside the products that it is made of, then the rest."""
    bound = {"model": MODEL, "images": scale.nll_images, "k": scale.samples, "threads": threads}
    products = machine.decoding_products(DECODER, evaluation.CODES_AT_ONCE)
    with Worker(threads) as worker:
        fresh = worker.ask("nll", **bound)
        found = timing.interleave(
            {
                "nll": lambda: worker.ask("nll", **bound)["seconds"],
                "products": partial(machine.gemm_rate, products, PRECISION),
                "encoding": lambda: worker.ask("encode", model=MODEL, threads=threads)["seconds"],
            },
            scale.rounds,
            say,
            warm_up=False,
        )
        errors = [worker.ask("nll", **bound, at_once=chunk)["se"] for chunk in CHUNKS]
    share = machine.flops(machine.decoding_products(DECODER, scale.samples))
    share += machine.flops(machine.decoding_products(ENCODER, 1))
    ideal = found["products"].inverse(100.0 * share * scale.nll_images)
    whole = found["nll"].times(IMAGES / scale.nll_images)
    note = f"extrapolated from {scale.nll_images} images"
    if scale.nll_images == IMAGES:
        note = ""
    k = f"nll_iw{scale.samples}"
    rows = [
        table.row(
            f"{k}, share of the GEMM ceiling of its layers in {PRECISION}",
            timing.ratios(ideal, found["nll"]),
            "%",
            table.at_least(60),
        ),
        table.Row(f"{k}, peak memory of the process", fresh["peak"], "MB", goal=table.below(1000)),
        table.Row(
            f"{k}, change of the standard error between chunks of {CHUNKS[0]} to {CHUNKS[-1]:,}",
            100 * (max(errors) / min(errors) - 1),
            "%",
            goal=table.at_most(1),
        ),
        table.row(f"{k} of 10,000 images", whole, "s", note=note),
        table.row("encoding 70,000 images", found["encoding"], "s"),
        table.row(
            f"GEMM ceiling, decoder's layers, {PRECISION}",
            found["products"].times(1e-9),
            "GFLOP/s",
        ),
    ]
    neighbours = _neighbours(scale, say)
    found |= neighbours
    rows.append(
        table.row(
            f"{NEIGHBOURS} nearest of 60,000 images, one query, against scikit-learn's brute force",
            timing.ratios(neighbours["images, scikit-learn"], neighbours["images, ours"]),
            "×",
        )
    )
    for name, spread in neighbours.items():
        rows.append(table.row(f"neighbours: {name}", spread.times(1000), "ms"))
    return Found(rows, found)


def _neighbours(scale: Scale, say: Say) -> dict[str, Spread]:
    """Time one query in pixel space and one in latent space, and a whole test set's votes."""
    from sklearn.neighbors import NearestNeighbors

    data = load_dataset("mnist")
    model = model_folder.load(MODEL)
    images, query = data.train.images, data.test.images[:1]
    codes = evaluation.encode(model, images, kind="grey").mu.numpy()
    test = model_folder.load_codes(MODEL).mu.numpy()
    norms = evaluation.squared_norms(images)
    flat, labels = images.flatten(1).numpy().astype(np.float32), data.train.labels
    assert labels is not None
    brute = NearestNeighbors(n_neighbors=NEIGHBOURS, algorithm="brute").fit(flat)
    pixels = query.float() / 255
    looked_up = query.flatten(1).numpy().astype(np.float32)
    votes = test[: 1_000 if scale.name == "quick" else None]
    timed = {
        "images, ours": partial(
            evaluation.nearest_images, pixels, images, k=NEIGHBOURS, norms=norms
        ),
        "images, scikit-learn": partial(brute.kneighbors, looked_up),
        "codes, one of 60,000": partial(latents.nearest, test[0], codes, NEIGHBOURS),
        f"codes, votes of {len(votes):,}": partial(
            evaluation.knn_labels, codes, labels.numpy(), votes
        ),
    }
    return timing.interleave(
        {name: partial(_seconds, call) for name, call in timed.items()}, scale.rounds, say
    )


@torch.inference_mode()
def _seconds(call: Callable[[], Any]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began
