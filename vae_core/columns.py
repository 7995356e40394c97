"""Columns of examples beside their labels: categories, numbers and text.

:func:`typed` decides what the columns of a dataset are; :func:`to_bytes` and :func:`from_bytes`
write and read ``columns.safetensors`` of a model folder (docs/model-folder.md). Nothing is pickled.
"""

from __future__ import annotations

import json
import math
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import safetensors
import safetensors.numpy
from numpy.typing import NDArray

from vae_core.errors import CheckpointError

Kind = Literal["category", "number", "text"]
KINDS: tuple[Kind, ...] = get_args(Kind)
#: Name of the file in a model folder.
FILE = "columns.safetensors"
#: Most columns, categories of one, characters of a name and of a text, and bytes of the file.
MAX_COLUMNS, MAX_CATEGORIES, MAX_NAME, MAX_TEXT = 64, 1_000, 100, 1_000
MAX_BYTES = 64 * 2**20
#: Bytes of all texts of a folder; a column beyond them is left out.
MAX_TEXT_BYTES = 32 * 2**20
#: Whole numbers of at most so many different values are categories, as texts of any length are that
#: repeat: at most half of the values are different, or so few.
FEW_NUMBERS, FEW_TEXTS = 10, 12
#: Mean length of categories from which they are text.
LONG = 60
#: Category of an example without one, and what a filter calls it.
MISSING, UNNAMED = -1, ""
#: Prefix of :func:`keyed`.
PREFIX = "column."
#: Names of columns that only say which part of a dataset an example is in.
PARTS = ("split", "set", "subset")
#: Whole numbers beyond this are not all different as float64.
_EXACT = 2**53
_MAX_HEADER = 2**20


@dataclass(frozen=True)
class Column:
    """One column of n examples.

    Attributes
    ----------
    name
        As in the data, up to ``MAX_NAME`` characters.
    kind
        "category", "number" or "text".
    values
        (n,): int32 positions in ``categories``, ``MISSING`` without one; float64, NaN without one;
        or str, empty without one.
    categories
        Names of the categories, in order; empty for other kinds.
    """

    name: str
    kind: Kind
    values: NDArray[Any]
    categories: tuple[str, ...] = ()

    def take(self, rows: NDArray[np.int64] | slice) -> Column:
        """Return the column of the examples at ``rows``."""
        return Column(self.name, self.kind, self.values[rows], self.categories)

    def written(self) -> list[str]:
        """Return each value as text, empty without one: as tables and cards write it."""
        if self.kind == "number":
            return [number(value) for value in self.values.tolist()]
        if self.kind == "category":
            return [UNNAMED if k < 0 else self.categories[k] for k in self.values.tolist()]
        return [str(value) for value in self.values.tolist()]


def number(value: float) -> str:
    """Write a number with up to 12 digits and without an exponent for whole ones; empty for NaN."""
    if math.isnan(value):
        return ""
    return str(int(value)) if value.is_integer() and abs(value) < _EXACT else f"{value:.12g}"


def keyed(columns: Sequence[Column]) -> dict[str, Column]:
    """Return columns by names that a URL can hold: "column." and letters, digits, "-" and "_"."""
    found: dict[str, Column] = {}
    for column in columns:
        plain = unicodedata.normalize("NFKC", column.name).lower()
        slug = re.sub(r"\W+", "-", plain).strip("-_")[:40].rstrip("-_") or "column"
        key, again = PREFIX + slug, 1
        while key in found:
            again += 1
            key = f"{PREFIX}{slug}-{again}"
        found[key] = column
    return found


def typed(
    values: Mapping[str, NDArray[Any]],
    *,
    labels: NDArray[np.int64] | None = None,
    classes: Sequence[str] = (),
) -> tuple[tuple[Column, ...], tuple[str, ...]]:
    """Decide which kind each column is.

    Numbers are numbers, except whole ones with at most ``FEW_NUMBERS`` different values: those,
    truth values, and texts that repeat are categories. Infinite numbers count as missing.

    Parameters
    ----------
    values
        (n,) each, numbers, truth values or text, by name.
    labels, classes
        Labels of the examples, (n,), and their names: a column that repeats them is left out.

    Returns
    -------
    tuple
        The columns, and sentences about what was left out or shortened.
    """
    found: list[Column] = []
    notes: list[str] = []
    text_bytes = 0
    for position, (name, column) in enumerate(values.items()):
        one = _typed(_clean(name, MAX_NAME) or f"column {position + 1}", column, notes)
        if one is None or name.lower() in PARTS or _repeats(one, labels, classes):
            continue
        if one.kind == "text":
            text_bytes += sum(len(text.encode()) for text in one.values)
            if text_bytes > MAX_TEXT_BYTES:
                notes.append(
                    f"Column {one.name!r} was left out: texts of more than "
                    f"{MAX_TEXT_BYTES // 2**20} MB."
                )
                continue
        found.append(one)
    if len(found) > MAX_COLUMNS:
        notes.append(
            f"{len(found) - MAX_COLUMNS} of {len(found)} columns were left out: the first "
            f"{MAX_COLUMNS} are kept."
        )
    return tuple(found[:MAX_COLUMNS]), tuple(notes)


def _typed(name: str, values: NDArray[Any], notes: list[str]) -> Column | None:
    """Return a column of the kind that its values are of; None if all are missing."""
    if values.dtype.kind == "b":
        return Column(name, "category", values.astype(np.int32), ("false", "true"))
    if values.dtype.kind in "iuf":
        return _number(name, values, notes)
    texts = [_text(value) for value in values.tolist()]
    present = [text for text in texts if text]
    if not present:
        notes.append(f"Column {name!r} was left out: it is empty.")
        return None
    different = sorted(set(present))
    repeats = len(different) <= max(len(present) / 2, min(FEW_TEXTS, len(present) - 1))
    short = sum(map(len, different)) / len(different) <= LONG
    if repeats and short and len(different) <= MAX_CATEGORIES:
        return _category(name, texts, different)
    if longer := sum(len(text) > MAX_TEXT for text in present):
        notes.append(f"Column {name!r}: {longer:,} texts were cut to {MAX_TEXT:,} characters.")
    kept = np.array([_clean(text, MAX_TEXT) for text in texts], dtype=object)
    return Column(name, "text", kept)


def _number(name: str, values: NDArray[Any], notes: list[str]) -> Column | None:
    if values.dtype.kind in "iu" and len(values) and _beyond(values):
        return _typed(name, values.astype(str).astype(object), notes)
    numbers = values.astype(np.float64)
    numbers[~np.isfinite(numbers)] = np.nan
    present = numbers[~np.isnan(numbers)]
    if not len(present):
        notes.append(f"Column {name!r} was left out: it has no number.")
        return None
    different = np.unique(present)
    whole = bool((different == np.rint(different)).all())
    if whole and len(different) <= FEW_NUMBERS and len(different) < len(present):
        texts = [number(value) for value in numbers.tolist()]
        return _category(name, texts, [number(value) for value in different.tolist()])
    return Column(name, "number", numbers)


def _beyond(values: NDArray[Any]) -> bool:
    return int(values.max()) > _EXACT or int(values.min()) < -_EXACT


def _category(name: str, texts: Sequence[str], different: Sequence[str]) -> Column:
    places = {text: place for place, text in enumerate(different)}
    values = np.array([places.get(text, MISSING) for text in texts], dtype=np.int32)
    names: dict[str, int] = {}
    for text in different:
        short = _clean(text, MAX_NAME)
        while short in names:  # two names alike in their first characters stay two
            short = f"{short[: MAX_NAME - 8]}… {len(names)}"
        names[short] = len(names)
    return Column(name, "category", values, tuple(names))


def _text(value: Any) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value).strip()


def _clean(text: str, most: int) -> str:
    """Return printable text on one line that any UTF-8 file can hold."""
    plain = text.encode("utf-8", "replace").decode()
    plain = "".join(" " if unicodedata.category(one) == "Cc" else one for one in plain)
    return plain if len(plain) <= most else plain[: most - 1] + "…"


def _repeats(column: Column, labels: NDArray[np.int64] | None, classes: Sequence[str]) -> bool:
    """Return whether a column only repeats the labels."""
    if labels is None or column.kind != "category":
        return False
    return column.written() == [classes[k] if k < len(classes) else str(k) for k in labels.tolist()]


def to_bytes(ids: NDArray[np.int64], columns: Sequence[Column]) -> bytes:
    """Write the columns of the examples ``ids`` (n,) as the file of a model folder."""
    arrays: dict[str, NDArray[Any]] = {"ids": np.ascontiguousarray(ids, dtype=np.int64)}
    for place, column in enumerate(columns):
        if column.kind == "text":
            arrays |= _packed(f"{place}.text", column.values.tolist())
            continue
        arrays[f"{place}.values"] = np.ascontiguousarray(column.values)
        if column.kind == "category":
            arrays |= _packed(f"{place}.names", column.categories)
    described = [{"name": column.name, "kind": column.kind} for column in columns]
    return safetensors.numpy.save(arrays, {"columns": json.dumps(described, ensure_ascii=False)})


def _packed(name: str, texts: Sequence[str]) -> dict[str, NDArray[Any]]:
    """Return UTF-8 bytes of texts, one after the other, and where each ends."""
    parts = [text.encode() for text in texts]
    ends = np.cumsum([len(part) for part in parts], dtype=np.int64)
    return {f"{name}.bytes": np.frombuffer(b"".join(parts), np.uint8), f"{name}.ends": ends}


def from_bytes(content: bytes, ids: NDArray[np.int64]) -> tuple[Column, ...]:
    """Read the file of a model folder, for the examples ``ids`` (n,), in their order.

    Examples that the file lacks have no values.

    Raises
    ------
    CheckpointError
        If the file is damaged, or says other things than the format allows.
    """
    arrays, described = _read(content)
    own = _array(arrays, "ids", np.int64)
    rows = {int(one): row for row, one in enumerate(own)}
    if len(rows) != len(own):
        raise CheckpointError(f"{FILE}: an id is there twice")
    order = np.array([rows.get(int(one), MISSING) for one in ids], dtype=np.int64)
    expected = {"ids"}
    columns = []
    for place, (name, kind) in enumerate(described):
        columns.append(_column(arrays, place, name, kind, len(own), order))
        packed = {"category": "names", "text": "text"}.get(kind)
        expected |= {f"{place}.{packed}.{part}" for part in ("bytes", "ends")} if packed else set()
        expected |= {f"{place}.values"} if kind != "text" else set()
    if unknown := sorted(arrays.keys() - expected):
        raise CheckpointError(f"{FILE}: {unknown[0]} belongs to no column")
    return tuple(columns)


def _read(content: bytes) -> tuple[dict[str, NDArray[Any]], list[tuple[str, Kind]]]:
    header = int.from_bytes(content[:8], "little")
    if header > _MAX_HEADER:
        raise CheckpointError(
            f"{FILE} is not a safetensors file: its header states {header:,} bytes"
        )
    try:
        arrays = safetensors.numpy.load(content)
        metadata = json.loads(content[8 : 8 + header]).get("__metadata__") or {}
        described = json.loads(metadata.get("columns", "null"))
    except (safetensors.SafetensorError, ValueError, KeyError, RecursionError) as error:
        raise CheckpointError(f"{FILE} is not a safetensors file: {error}") from error
    if not isinstance(described, list) or len(described) > MAX_COLUMNS:
        raise CheckpointError(f'{FILE}: "columns" in the metadata lists at most {MAX_COLUMNS}')
    return arrays, [_described(one) for one in described]


def _described(one: Any) -> tuple[str, Kind]:
    name, kind = (one.get("name"), one.get("kind")) if isinstance(one, dict) else (None, None)
    if not isinstance(name, str) or not 0 < len(name) <= MAX_NAME or kind not in KINDS:
        raise CheckpointError(
            f"{FILE}: a column has a name of up to {MAX_NAME} characters and a kind, "
            f"{', '.join(KINDS)}; found {str(one)[:100]}"
        )
    return _clean(name, MAX_NAME), kind


def _array(arrays: Mapping[str, NDArray[Any]], name: str, dtype: type) -> NDArray[Any]:
    found = arrays.get(name)
    if found is None or found.dtype != dtype or found.ndim != 1:
        raise CheckpointError(f"{FILE}: {name} of type {np.dtype(dtype)} and one axis is needed")
    return found


def _column(
    arrays: Mapping[str, NDArray[Any]],
    place: int,
    name: str,
    kind: Kind,
    n: int,
    order: NDArray[np.int64],
) -> Column:
    """Read one column of ``n`` examples and bring it into an order; −1 has no value."""
    absent = order == MISSING
    if kind == "text":
        texts = _unpacked(arrays, f"{place}.text", n)
        values: NDArray[Any] = np.array([*texts, ""], dtype=object)[order]
        return Column(name, kind, values)
    if kind == "number":
        found = _array(arrays, f"{place}.values", np.float64)
        _check_length(found, n, place)
        numbers = np.append(found, np.nan)[order]
        numbers[~np.isfinite(numbers)] = np.nan
        return Column(name, kind, numbers)
    found = _array(arrays, f"{place}.values", np.int32)
    _check_length(found, n, place)
    names = tuple(_unpacked(arrays, f"{place}.names", None))
    if len(names) > MAX_CATEGORIES or len(set(names)) != len(names) or UNNAMED in names:
        raise CheckpointError(
            f"{FILE}: {name} has {len(names):,} names; at most {MAX_CATEGORIES:,} different ones "
            "are allowed, none of them empty"
        )
    if n and not found.min() >= MISSING <= found.max() < len(names):
        raise CheckpointError(f"{FILE}: {name} has values beyond its {len(names)} names")
    values = np.append(found, np.int32(MISSING))[order]
    values[absent] = MISSING
    return Column(name, kind, values, names)


def _check_length(values: NDArray[Any], n: int, place: int) -> None:
    if len(values) != n:
        raise CheckpointError(
            f"{FILE}: {place}.values has {len(values)} values where {n} are needed"
        )


def _unpacked(arrays: Mapping[str, NDArray[Any]], name: str, n: int | None) -> list[str]:
    """Read packed texts; ``n`` is how many there must be."""
    content = _array(arrays, f"{name}.bytes", np.uint8).tobytes()
    ends = _array(arrays, f"{name}.ends", np.int64)
    starts = np.append(0, ends[:-1]) if len(ends) else ends
    whole = int(ends[-1]) if len(ends) else 0
    if (n is not None and len(ends) != n) or (ends < starts).any() or whole != len(content):
        raise CheckpointError(f"{FILE}: {name}.ends does not divide {name}.bytes")
    try:
        texts = [content[a:b].decode() for a, b in zip(starts.tolist(), ends.tolist(), strict=True)]
    except UnicodeDecodeError as error:
        raise CheckpointError(f"{FILE}: {name} is not UTF-8") from error
    return [_clean(text, MAX_TEXT) for text in texts]
