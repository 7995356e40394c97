"""Pictures to train foreign models on: coloured shapes drawn from a seed, and MNIST."""

from __future__ import annotations

import gzip
import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def shapes(count: int, side: int, *, channels: int = 3, seed: int = 0) -> tuple[Array, Array]:
    """Draw discs (0), squares (1) and crosses (2): uint8 (n, c, side, side) and their kinds."""
    draw = np.random.default_rng(seed)
    kinds = draw.integers(0, 3, count)
    across, down = np.meshgrid(np.arange(side), np.arange(side))
    images = np.empty((count, channels, side, side), np.uint8)
    for image, kind in zip(images, kinds, strict=True):
        x, y = draw.uniform(0.35, 0.65, 2) * side
        size = draw.uniform(0.15, 0.3) * side
        dx, dy = np.abs(across - x), np.abs(down - y)
        far = (np.hypot(dx, dy), np.maximum(dx, dy), np.maximum(dx + dy, 3 * np.minimum(dx, dy)))
        inside = np.clip(size - far[kind] + 0.5, 0, 1)
        paper, ink = draw.uniform(0, 0.25, (channels, 1, 1)), draw.uniform(0.5, 1, (channels, 1, 1))
        image[:] = np.round(255 * (paper + (ink - paper) * inside))
    return images, kinds


def mnist(part: str, count: int | None = None) -> tuple[Array, Array]:
    """Read ``train`` or ``t10k`` from ``VAE_DATA_DIR``: uint8 (n, 1, 28, 28) and digits."""
    folder = Path(os.environ["VAE_DATA_DIR"]) / "mnist"
    read = [
        np.frombuffer(gzip.decompress((folder / f"{part}-{name}-ubyte.gz").read_bytes()), np.uint8)
        for name in ("images-idx3", "labels-idx1")
    ]
    return read[0][16:].reshape(-1, 1, 28, 28)[:count].copy(), read[1][8:][:count].astype(np.int64)
