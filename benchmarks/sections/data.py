"""Own data: the cache of decoded pictures built, opened again, and trained on, as it grows."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from benchmarks import table, timing
from benchmarks.scale import Scale
from benchmarks.sections import Found
from benchmarks.table import Row
from benchmarks.timing import Say, Spread
from benchmarks.worker import Worker

TITLE = "Own data: decoded once, opened again, trained on"
#: Pictures that the plain loop decodes: its speed does not depend on how many there are.
LOOPED = 20_000
#: Shares of the largest set that trainings are measured at.
SHARES = (16, 4, 1)


@dataclass(frozen=True)
class Set:
    """A made dataset: what its pictures are, its file or folder, and how many there are."""

    kind: str
    name: str
    size: str
    count: int


def measure(scale: Scale, threads: int, say: Say) -> Found:
    """Make, build, open and train on both sets, each step in a process of its own."""
    digits, shapes = scale.own_images
    sets = (
        Set("digits", "digits.parquet", "28 × 28", digits),
        Set("shapes", "shapes", "64 × 64 × 3", shapes),
    )
    found = Found([])
    for one in sets:
        with tempfile.TemporaryDirectory(prefix="own-data-") as folder:
            before = os.environ.get("VAE_CACHE_DIR")
            os.environ["VAE_CACHE_DIR"] = f"{folder}/cache"
            try:
                found += _measured(one, Path(folder) / one.name, scale, threads, say)
            finally:
                if before is None:
                    del os.environ["VAE_CACHE_DIR"]
                else:
                    os.environ["VAE_CACHE_DIR"] = before
    return found


def _measured(one: Set, path: Path, scale: Scale, threads: int, say: Say) -> Found:
    name = f"{one.count:,} × {one.size}"
    with Worker(1) as worker:
        made = worker.ask("make own", path=str(path), kind=one.kind, count=one.count)
    say(f"{name}: made, {made['bytes'] / 2**20:,.0f} MB")
    built, loops, opened = [], [], []
    for turn in range(scale.own_rounds):
        for cached in Path(os.environ["VAE_CACHE_DIR"]).glob("*/state.json"):
            cached.unlink()  # the next one builds anew
        with Worker(1) as worker:
            loops.append(worker.ask("loop own", path=str(path), count=min(LOOPED, one.count)))
        with Worker(1) as worker:
            built.append(worker.ask("build own", path=str(path)))
        with Worker(1) as worker:
            opened.append(worker.ask("build own", path=str(path)))
        say(
            f"{name}, round {turn + 1}: loop {loops[-1]['images'] / loops[-1]['seconds']:,.0f}, "
            f"build {built[-1]['images'] / built[-1]['seconds']:,.0f} pictures a second, "
            f"{built[-1]['own']:.0f} MB; opened again in {opened[-1]['seconds']:.2f} s"
        )
    speeds = [Spread(tuple(r["images"] / r["seconds"] for r in rs)) for rs in (built, loops)]
    again = Spread(tuple(r["seconds"] for r in opened))
    peak = max(built, key=lambda r: r["own"])
    note = f"and {peak['mapped']:,.0f} MB of mapped pages, which the system takes back"
    rows = [
        table.row(f"{name}, build", speeds[0], "pictures/s"),
        table.row(
            f"{name}, build against a plain loop of Pillow",
            timing.ratios(*speeds),
            "×",
            table.at_least(1.7),
        ),
        Row(f"{name}, build, peak memory over the imports", peak["own"], "MB",
            goal=table.at_most(400), note=note),
        table.row(f"{name}, opened again", again, "s", table.at_most(2)),
    ]  # fmt: skip
    sizes = tuple(one.count // share for share in SHARES)
    memory, mapped = [], 0.0
    for size in sizes:
        limit = None if size == one.count else size
        with Worker(threads) as worker:
            worker.ask("build own", path=str(path), limit=limit)
        with Worker(threads) as worker:
            trained = worker.ask("train own", path=str(path), limit=limit, threads=threads)
        memory.append(max(1.0, trained["own"]))
        mapped = trained["mapped"]
        say(f"{name}, an epoch of {size:,}: {trained['seconds']:.1f} s, {trained['own']:.0f} MB")
    rows.append(
        Row(
            f"training on {one.size}, memory against images, {sizes[0]:,} to {sizes[-1]:,}",
            timing.exponent(sizes, memory),
            goal=table.at_most(0.1),
            note=f"{memory[-1]:,.0f} MB at {sizes[-1]:,}, and {mapped:,.0f} MB of mapped pages",
        )
    )
    return Found(rows, {f"{name}, build, pictures/s": speeds[0], f"{name}, opened again, s": again})
