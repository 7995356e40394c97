"""An epoch of training: the package, its peers, and the products alone."""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial
from typing import Any

from benchmarks import machine, table, timing
from benchmarks.scale import Scale
from benchmarks.sections import Found
from benchmarks.table import Row
from benchmarks.timing import Say, Spread
from benchmarks.worker import Worker
from vae_core.learning import native_bfloat16

TITLE = "Training: one epoch of 784–500–20–500–784 (tanh), grey MNIST, 60,000 images"
NETWORK: dict[str, Any] = {"hidden": [500], "latent_dim": 20, "activation": "tanh"}
#: The dense stacks of this network, mu and logvar in one layer.
WIDTHS = ((784, 500, 40), (20, 500, 784))
#: Seconds of an epoch in NumPy that Zhang & Wu (2020) report (their table 5.1).
PUBLISHED_SECONDS = 1281.958
#: Minibatches from which an epoch with a gradient for each image is extrapolated.
PER_SAMPLE_BATCHES = 5
#: Nets whose epoch is stated without a peer: their model, their settings, whether all images count.
OTHERS: dict[str, tuple[dict[str, Any], dict[str, Any], bool]] = {
    "convolutional net 16–32–64 (SiLU), z = 16, batch 200": (
        {"network": "conv", "hidden": [16, 32, 64], "activation": "silu", "latent_dim": 16},
        {"batch_size": 200},
        False,
    ),
    "IWAE k = 50, 784–200–200–50, batch 20": (
        {"hidden": [200, 200], "latent_dim": 50},
        {"batch_size": 20, "objective": "iwae", "samples": 50, "pixels": "dynamic"},
        False,
    ),
    "Frey Face 560–200–2, Gaussian, batch 100": (
        {"image_shape": [1, 28, 20], "hidden": [200], "latent_dim": 2, "likelihood": "gaussian"},
        {"dataset": "frey-face", "batch_size": 100},
        True,
    ),
}


def measure(scale: Scale, threads: int, say: Say) -> Found:
    """Time epochs in turn."""
    precisions = ["float32", "bfloat16"] if native_bfloat16() else ["float32"]
    compared = _compared(scale, threads, precisions, say)
    rows = _ratios(compared, precisions) + _ceilings(compared, precisions, scale)
    rows += _numpy(compared, precisions)
    rows += [
        table.row(f"{name}, seconds an epoch", spread, "s")
        for name, spread in compared.items()
        if "products" not in name and "per sample" not in name
    ]
    return Found(rows, compared) + others(scale, threads, precisions, say)


def _compared(scale: Scale, threads: int, precisions: list[str], say: Say) -> dict[str, Spread]:
    common = {"epochs": scale.rounds + 1, "threads": threads, "train_size": scale.train_size}
    settings: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
        f"ours, batch {batch}, {precision}": (
            "ours",
            {"batch_size": batch, "precision": precision},
            {},
        )
        for batch in (100, 500)
        for precision in precisions
    }
    settings["the textbook loop, batch 100"] = ("textbook", {}, {})
    settings["pythae, batch 100"] = ("pythae_trainer", {}, {})
    settings["NumPy, batch 100"] = ("numpy_vae", {}, {})
    settings["NumPy, a gradient per sample"] = (
        "numpy_vae",
        {"train_size": PER_SAMPLE_BATCHES * 100},
        {"gradient": "per-sample"},
    )
    with ExitStack() as stack:
        names = dict.fromkeys(contestant for contestant, _, _ in settings.values())
        workers = {name: stack.enter_context(Worker(threads)) for name in names}
        measured = {}
        for key, (contestant, training, options) in settings.items():
            worker = workers[contestant]
            worker.ask(
                "start",
                key=key,
                contestant=contestant,
                model=NETWORK,
                training=common | {"batch_size": 100} | training,
                options=options,
            )
            say(f"{key}: ready")
            measured[key] = partial(_epoch, worker, key)
        for batch in (100, 500):
            products = machine.training_products(WIDTHS, batch)
            for precision in precisions:
                name = f"products, batch {batch}, {precision}"
                measured[name] = partial(machine.gemm_rate, products, precision)
        for precision in precisions:
            name = f"products, 2048 × 2048, {precision}"
            measured[name] = partial(machine.gemm_rate, machine.SQUARE, precision)
        return timing.interleave(measured, scale.rounds, say)


def _epoch(worker: Worker, key: str) -> float:
    return float(worker.ask("epoch", key=key)["seconds"])


def _ratios(found: dict[str, Spread], precisions: list[str]) -> list[Row]:
    best, rows = _best(found, precisions), []
    for peer, goals in {"the textbook loop": (2.5, 4), "pythae": (2, 3)}.items():
        theirs = found[f"{peer}, batch 100"]
        for what, precision, goal in (
            ("float32", "float32", goals[0]),
            (f"best precision, {best}", best, goals[1]),
        ):
            ratio = timing.ratios(theirs, found[f"ours, batch 100, {precision}"])
            work = f"epoch, batch 100, {what}, against {peer}"
            rows.append(table.row(work, ratio, "×", table.at_least(goal)))
    return rows


def _best(found: dict[str, Spread], precisions: list[str]) -> str:
    return min(precisions, key=lambda one: found[f"ours, batch 100, {one}"].median)


def _ceilings(found: dict[str, Spread], precisions: list[str], scale: Scale) -> list[Row]:
    images = scale.train_size or 60_000
    goals = {(100, "float32"): table.at_least(70), (500, "float32"): table.at_least(80)}
    rows = []
    for precision in precisions:
        square = found[f"products, 2048 × 2048, {precision}"]
        for batch in (100, 500):
            flops = machine.flops(machine.training_products(WIDTHS, batch)) / batch * images
            rate = found[f"products, batch {batch}, {precision}"]
            seconds = found[f"ours, batch {batch}, {precision}"]
            share = timing.ratios(rate.inverse(100 * flops), seconds)
            of_square = timing.ratios(square.inverse(100 * flops), seconds).median
            rows.append(
                table.row(
                    f"epoch, batch {batch}, {precision}, share of the GEMM ceiling of its layers",
                    share,
                    "%",
                    goals.get((batch, precision)),
                    f"{of_square:.0f} % of the ceiling of 2048 × 2048",
                )
            )
        names = {f"layers at batch {batch}": f"batch {batch}" for batch in (100, 500)}
        for what, name in (names | {"2048 × 2048": "2048 × 2048"}).items():
            rate = found[f"products, {name}, {precision}"].times(1e-9)
            rows.append(table.row(f"GEMM ceiling, {what}, {precision}", rate, "GFLOP/s"))
    return rows


def _numpy(found: dict[str, Spread], precisions: list[str]) -> list[Row]:
    fair, best = found["NumPy, batch 100"], _best(found, precisions)
    per_sample = found["NumPy, a gradient per sample"].times(600 / PER_SAMPLE_BATCHES)
    return [
        *(
            table.row(
                f"epoch, batch 100, {precision}, against NumPy with summed gradients",
                timing.ratios(fair, found[f"ours, batch 100, {precision}"]),
                "×",
                table.at_least(5) if precision == best else None,
            )
            for precision in precisions
        ),
        table.row(
            "NumPy with a gradient per sample, batch 100, seconds an epoch",
            per_sample,
            "s",
            note=f"extrapolated from {PER_SAMPLE_BATCHES} of 600 minibatches",
        ),
        table.row(
            "NumPy with summed gradients against the 1,282 s of Zhang & Wu (2020)",
            fair.inverse(PUBLISHED_SECONDS),
            "×",
            note="another machine, another net of two hidden layers",
        ),
    ]


def others(scale: Scale, threads: int, precisions: list[str], say: Say, **settings: Any) -> Found:
    """Time epochs of the other nets, of a share of the images if ``settings`` name no number."""
    measured, notes = {}, {}
    common = {"epochs": scale.rounds + 1, "threads": threads}
    with Worker(threads) as worker:
        for name, (model, training, is_whole) in OTHERS.items():
            share = {} if is_whole else {"train_size": scale.share}
            for precision in precisions:
                key = f"{name}, {precision}"
                started = worker.ask(
                    "start",
                    key=key,
                    contestant="ours",
                    model=model,
                    training=common | {"precision": precision} | training | share | settings,
                )
                notes[key] = f"{started['images']:,} images"
                measured[key] = partial(_epoch, worker, key)
        found = timing.interleave(measured, scale.rounds, say)
    rows = [table.row(key, spread, "s", note=notes[key]) for key, spread in found.items()]
    return Found(rows, found)
