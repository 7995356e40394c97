"""How time and memory grow: with images, hidden units, latent dimensions, samples, map points."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks import table, timing
from benchmarks.scale import Scale
from benchmarks.sections import Found
from benchmarks.table import Goal, Row
from benchmarks.timing import Say, Spread
from benchmarks.worker import Worker
from vae_core import projection

TITLE = "Growth: exponents of time and memory, fitted over the sizes stated"
PLOT = Path(__file__).resolve().parents[1] / "results" / "growth.svg"
#: A size whose measurement is shorter than this, in seconds, is measured again.
SHORT, REPEATS = 2.0, 3
HIDDEN, LATENT, SAMPLES = (
    (125, 250, 500, 1_000, 2_000),
    (2, 8, 32, 128, 500),
    (10, 100, 1_000, 5_000),
)


@dataclass(frozen=True)
class Plan:
    """A kind of work, and the setting of it that grows: its name, what it counts, its sizes."""

    work: str
    setting: str
    over: str
    sizes: tuple[int, ...]
    common: dict[str, Any]
    goal: Goal | None = None


@dataclass(frozen=True)
class Curve:
    """Seconds, and MB above the start of the process, at each size."""

    work: str
    over: str
    sizes: tuple[int, ...]
    seconds: tuple[float, ...]
    memory: tuple[float, ...] | None = None
    goal: Goal | None = None

    def rows(self) -> list[Row]:
        """State the exponents."""
        span = f"{self.sizes[0]:,} to {self.sizes[-1]:,}"
        name = f"{self.work}, time against {self.over}, {span}"
        rows = [Row(name, timing.exponent(self.sizes, self.seconds), goal=self.goal)]
        if self.memory is not None:
            name = f"{self.work}, memory against {self.over}, {span}"
            held = f"{self.memory[-1]:,.0f} MB at {self.sizes[-1]:,}"
            rows.append(Row(name, timing.exponent(self.sizes, self.memory), note=held))
        return rows


def measure(scale: Scale, threads: int, say: Say) -> Found:
    """Run every curve, then draw them."""
    images, linear = scale.growth_images, table.at_most(1.05)
    few, fewer = {"images": 6_000}, {"images": 20}
    plans = [
        Plan("training", "images", "images", images, {"batch_size": 500}, linear),
        Plan("encoding", "images", "images", images, {}, linear),
        Plan("evaluation", "images", "images", images, {"k": 5}, linear),
        Plan("training", "hidden", "hidden units", HIDDEN, few),
        Plan("training", "latent_dim", "latent dimensions", LATENT, few),
        Plan("evaluation", "k", "k", SAMPLES, fewer),
    ]
    if scale.name == "quick":
        plans = plans[:1]
    curves = [_curve(plan, threads, say) for plan in plans]
    curves.append(_maps(scale, threads, say))
    plot = ""
    if scale.name != "quick":
        draw(curves, PLOT)
        plot = PLOT.name
    rows = [_peak(scale, threads)]
    for curve in curves:
        rows += curve.rows()
    rounds = {f"{c.work} against {c.over}, seconds": Spread(c.seconds) for c in curves}
    return Found(rows, rounds, plot)


def _curve(plan: Plan, threads: int, say: Say) -> Curve:
    """Measure sizes in rising order in one process, whose peak is therefore that of the last."""
    seconds, memory = [], []
    with Worker(threads) as worker:
        for size in (plan.sizes[0], *plan.sizes):  # the first one warms the process
            settings = plan.common | {plan.setting: size, "threads": threads}
            ask = partial(worker.ask, "grow", work=plan.work, **settings)
            asked = _repeated(ask)
            seconds.append(Spread(tuple(found["seconds"] for found in asked)).median)
            # A floor keeps the logarithm finite where nothing is held.
            memory.append(max(1.0, asked[-1]["peak"] - asked[-1]["start"]))
            say(f"{plan.work}, {plan.over} {size:,}: {seconds[-1]:.3g} s, {memory[-1]:.0f} MB")
    return Curve(plan.work, plan.over, plan.sizes, tuple(seconds[1:]), tuple(memory[1:]), plan.goal)


def _repeated(ask: Callable[[], dict[str, Any]]) -> list[dict[str, Any]]:
    asked = [ask()]
    while asked[-1]["seconds"] < SHORT and len(asked) < REPEATS:
        asked.append(ask())
    return asked


def _maps(scale: Scale, threads: int, say: Say) -> Curve:
    from benchmarks.sections.maps import MODEL
    from vae_core import model_folder

    codes = model_folder.load_codes(MODEL).mu.numpy()
    seconds = []
    projection.tsne(codes[: scale.growth_maps[0]], threads=threads)  # loads what it needs
    for size in scale.growth_maps:
        began = time.perf_counter()
        projection.tsne(codes[:size], threads=threads)
        seconds.append(time.perf_counter() - began)
        say(f"t-SNE, points {size:,}: {seconds[-1]:.3g} s")
    return Curve("t-SNE", "points", scale.growth_maps, tuple(seconds))


def _peak(scale: Scale, threads: int) -> Row:
    """Train an epoch of MNIST in a process of its own, and see what it held beyond its imports."""
    with Worker(threads) as worker:
        settings = {"epochs": 1, "threads": threads, "train_size": scale.train_size}
        started = worker.ask("start", contestant="ours", model={}, training=settings)
        found = worker.ask("epoch")
    return Row(
        f"training on {started['images']:,} images, peak memory over the bare import",
        found["peak"] - found["start"],
        "MB",
        goal=table.below(300),
        note=f"{found['start']:.0f} MB for the imports; data, epoch and test included",
    )


def draw(curves: list[Curve], path: Path) -> None:
    """Draw every curve on logarithmic axes, its exponent in its title; memory is dashed."""
    import matplotlib as mpl

    mpl.use("svg")
    import matplotlib.pyplot as plt

    time_colour, memory_colour, columns = "#1c5fb0", "#8a5a00", 3
    height = math.ceil(len(curves) / columns)
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "growth", "font.size": 9}):
        figure, axes = plt.subplots(
            height, columns, figsize=(3.8 * columns, 2.8 * height), squeeze=False
        )
        for axis in axes.flat[len(curves) :]:
            axis.set_visible(False)
        for axis, curve in zip(axes.flat, curves, strict=False):
            slope = timing.exponent(curve.sizes, curve.seconds)
            axis.loglog(curve.sizes, curve.seconds, "o-", color=time_colour)
            axis.set_title(f"{curve.work}: time ∝ {curve.over}^{slope:.2f}")
            axis.set_ylabel("seconds", color=time_colour)
            axis.set_xlabel(curve.over)
            axis.set_xticks(curve.sizes, [short(size) for size in curve.sizes])
            axis.set_xticks([], minor=True)
            axis.grid(alpha=0.3)
            if curve.memory is not None:
                other = axis.twinx()
                other.plot(curve.sizes, curve.memory, "s--", color=memory_colour, markersize=4)
                other.set_yscale("log")
                other.set_ylabel("MB beyond the imports", color=memory_colour)
        figure.tight_layout()
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, metadata={"Date": None}, facecolor="white")
        plt.close(figure)


def short(size: int) -> str:
    """Write a size for an axis: 500, 10k, 1M."""
    for unit, letter in ((1_000_000, "M"), (1_000, "k")):
        if size >= unit and size % unit == 0:
            return f"{size // unit}{letter}"
    return str(size)
