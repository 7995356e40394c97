"""Columns as people's tables have them: odd names, gaps, dates, a thousand categories."""

from __future__ import annotations

import csv
import dataclasses
import io
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from vae_core import columns
from vae_core.model_folder import Codes

#: Examples, of which every ninth lacks most values.
N = 2_400
SPECIES = ("Katze, schwarz", "犬", "o'possum;:,", 'a "b"')


def table(n: int = N) -> dict[str, list[Any]]:
    """Return the columns of n examples; None where there is no value."""
    gap = [row % 9 == 4 for row in range(n)]
    return {
        "Art (species)": [None if gap[i] else SPECIES[i % 4] for i in range(n)],
        "größe, cm": [None if gap[i] else round(0.1 * i - 20, 2) for i in range(n)],
        "note": [None if gap[i] else f"Nr. {i}: straße, 雨 & “rain”" for i in range(n)],
        "taken": [f"2024-{1 + i % 12:02}-{1 + i // 12 % 28:02}" for i in range(n)],
        "plot": [f"plot {i % 1000:04}" for i in range(n)],
        "ID": [10**17 + i for i in range(n)],
        "alive": [i % 3 == 0 for i in range(n)],
        "stars": [None if gap[i] else i % 5 for i in range(n)],
        "nothing": [" "] * n,
    }


def picture(i: int) -> np.ndarray:
    """Return the picture of example i, uint8 (4, 4)."""
    grey = np.full((4, 4), (40 + 7 * i) % 200, dtype=np.uint8)
    grey[i % 4, i // 4 % 4] = 250
    return grey


def csv_of(listed: dict[str, list[Any]]) -> str:
    """Write columns as CSV."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(listed)
    writer.writerows(zip(*listed.values(), strict=True))
    return text.getvalue()


def beside_pictures(folder: Path, n: int) -> Path:
    """Write a folder of pictures with a ``labels.csv``, whose rows are in another order."""
    folder.mkdir()
    files = [f"p{i:04}.png" for i in range(n)]
    for i, file in enumerate(files):
        PIL.Image.fromarray(picture(i)).save(folder / file)
    turned = {"file_name": files, **table(n)}
    turned = {name: values[::-1] for name, values in turned.items()}
    (folder / "labels.csv").write_text(csv_of(turned), encoding="utf-8")
    return folder


def rows_of_pixels(path: Path, n: int) -> Path:
    """Write a CSV file whose rows are pixels, after the columns."""
    pixels = np.stack([picture(i).reshape(-1) for i in range(n)])
    named = {f"pixel{k}": pixels[:, k].tolist() for k in range(16)}
    path.write_text(csv_of({**table(n), **named}), encoding="utf-8")
    return path


def parquet(path: Path, n: int) -> Path:
    """Write a Parquet file of image bytes and columns."""
    images = []
    for i in range(n):
        stream = io.BytesIO()
        PIL.Image.fromarray(picture(i)).save(stream, "PNG")
        images.append({"bytes": stream.getvalue(), "path": None})
    beside = {name: pa.array(values) for name, values in table(n).items()}
    pq.write_table(pa.table({"image": images, **beside}), path)
    return path


def with_columns(codes: Codes, values: Mapping[str, NDArray[Any]] | None = None) -> Codes:
    """Return codes with columns, by default those of :func:`table`, in the order of sorted ids."""
    ids = codes.ids.numpy()
    if values is None:
        made = table(len(ids))
        numbers = [math.nan if one is None else one for one in made["größe, cm"]]
        texts = {name: np.array(one, dtype=object) for name, one in made.items()}
        values = texts | {"größe, cm": np.array(numbers)}
    places = np.argsort(np.argsort(ids))
    found, _ = columns.typed({name: one[places] for name, one in values.items()})
    return dataclasses.replace(codes, columns=found)
