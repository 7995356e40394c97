"""Own data of any size, and what a worker does with it: a plain loop, the build, a training."""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import torch

from vae_core.config import ModelConfig, TrainConfig
from vae_core.data import load_dataset
from vae_core.learning import Trainer, describe_model

#: Rows of a group of a Parquet file, and files in a folder of class.
GROUP = 2_000
#: Seconds between two looks at the memory.
LOOK = 0.02


def picture(kind: str, row: int) -> bytes:
    """Return one made picture as a file: "digits" 28 × 28 as PNG, "shapes" 64 × 64 × 3 as JPEG."""
    random = np.random.default_rng(row)
    side = 28 if kind == "digits" else 64
    y, x = np.mgrid[:side, :side] / side
    centre, radius = random.uniform(0.3, 0.7, 2), random.uniform(0.1, 0.3)
    inside = np.hypot(y - centre[0], x - centre[1]) < radius
    if kind == "digits":
        values = np.where(inside, random.integers(120, 256, inside.shape), 0).astype(np.uint8)
    else:
        ground, ink = random.integers(0, 256, (2, 3))
        grain = random.normal(0, 8, (*inside.shape, 3))
        values = (np.where(inside[..., None], ink, ground) + grain).clip(0, 255).astype(np.uint8)
    stream = io.BytesIO()
    PIL.Image.fromarray(values).save(stream, "PNG" if kind == "digits" else "JPEG")
    return stream.getvalue()


def make(path: str, kind: str, count: int, different: int = 20_000) -> dict[str, Any]:
    """Write a dataset: digits as a Parquet file, shapes as a folder of JPEG files.

    After ``different`` pictures they come again; each is decoded all the same.
    """
    found = [picture(kind, row) for row in range(min(count, different))]
    if kind == "digits":
        _write_parquet(Path(path), found, count)
    else:
        for row in range(count):
            place = Path(path) / f"class-{row % 3}"
            if row < 3:
                place.mkdir(parents=True)
            (place / f"{row:07}.jpg").write_bytes(found[row % len(found)])
    return {"bytes": sum(map(len, found)) * count // len(found)}


def _write_parquet(path: Path, found: list[bytes], count: int) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = pa.schema({"image": pa.struct({"bytes": pa.binary()}), "label": pa.int64()})
    with pq.ParquetWriter(path, schema) as writer:
        for start in range(0, count, GROUP):
            rows = range(start, min(start + GROUP, count))
            images = [{"bytes": found[row % len(found)]} for row in rows]
            table = {"image": images, "label": [row % 3 for row in rows]}
            writer.write_table(pa.table(table, schema=schema))


def loop(path: str, count: int) -> dict[str, Any]:
    """Decode the first pictures one after another with Pillow into an array, as anyone would."""
    began = time.perf_counter()
    arrays = []
    for content in _contents(Path(path), count):
        with PIL.Image.open(io.BytesIO(content)) as image:
            arrays.append(np.asarray(image))
    whole = np.stack(arrays)
    return {"seconds": time.perf_counter() - began, "images": len(whole)}


def _contents(path: Path, count: int) -> Iterator[bytes]:
    if path.is_dir():
        for file in sorted(path.glob("*/*"))[:count]:
            yield file.read_bytes()
        return
    import pyarrow.parquet as pq

    left = count
    for batch in pq.ParquetFile(path).iter_batches(GROUP, columns=["image"]):
        for value in batch.column(0).to_pylist()[:left]:
            yield value["bytes"]
        left -= len(batch)
        if left <= 0:
            return


def build(path: str, limit: int | None = None) -> dict[str, Any]:
    """Load a dataset, built the first time, mapped the second; its array lies in the cache."""
    load_dataset("digits")  # what is imported late counts as an import
    with watched() as memory:
        began = time.perf_counter()
        dataset = load_dataset(path, limit=limit)
        seconds = time.perf_counter() - began
    return {"seconds": seconds, "images": len(dataset.train) + len(dataset.test)} | memory


def train(path: str, limit: int | None, threads: int) -> dict[str, Any]:
    """Train one epoch on a dataset that was built before."""
    torch.set_num_threads(threads)
    dataset = load_dataset(path, limit=limit)
    model: ModelConfig = describe_model(dataset, latent_dim=2, hidden=(64,))
    settings = TrainConfig(dataset="digits", epochs=1, batch_size=100, threads=threads)
    with watched() as memory:
        began = time.perf_counter()
        for _ in Trainer(model, settings, dataset).steps():
            pass
        seconds = time.perf_counter() - began
    return {"seconds": seconds, "images": len(dataset.train)} | memory


@contextmanager
def watched() -> Iterator[dict[str, float]]:
    """Watch the memory of this process and its children, in MB over what it had.

    ``own`` is memory that only the processes' end gives back; ``mapped`` are pages of files, which
    the system takes back whenever it needs them.
    """
    found = {"own": 0.0, "mapped": 0.0}
    ended = threading.Event()
    before = _memory()

    def watch() -> None:
        while not ended.wait(LOOK):
            now = _memory()
            for name in found:
                found[name] = max(found[name], now[name] - before[name])

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield found
    finally:
        ended.set()
        thread.join()


def _memory() -> dict[str, float]:
    """Return anonymous and mapped memory of this process and its children, in MB."""
    found = {"own": 0.0, "mapped": 0.0}
    for process in ["self", *_children()]:
        try:
            lines = Path(f"/proc/{process}/status").read_text(encoding="utf-8").splitlines()
        except OSError:  # it has ended
            continue
        values = dict(line.split(":", 1) for line in lines)
        for name, field in (("own", "RssAnon"), ("mapped", "RssFile")):
            if field in values:
                found[name] += int(values[field].split()[0]) / 2**10
    return found


def _children() -> list[str]:
    waiting, found = ["self"], []
    while waiting:
        for thread in Path(f"/proc/{waiting.pop()}/task").glob("*/children"):
            try:
                below = thread.read_text(encoding="utf-8").split()
            except OSError:
                continue
            found += below
            waiting += below
    return found
