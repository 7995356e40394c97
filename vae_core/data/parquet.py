"""Parquet files of pictures, as Hugging Face's datasets are stored: image bytes or nested lists."""

from __future__ import annotations

import bisect
import json
import re
from collections.abc import Iterator, Sequence
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from vae_core.data import arrays, table
from vae_core.data.collection import (
    SPLIT_NAMES,
    ArrayPictures,
    Collection,
    EncodedPictures,
    Pictures,
    Shape,
    as_labels,
)
from vae_core.errors import DatasetError, ImageError

if TYPE_CHECKING:
    import pyarrow
    import pyarrow.parquet

#: Names of columns of pictures.
PICTURES = ("image", "img", "picture", "pixels", "x")
MAX_LIST_NUMBERS = 2**29
MAX_GROUP_BYTES = 2**31
#: Pictures that are taken out of a group of rows at once.
AT_ONCE = 64


def open_files(path: Path, *, image_shape: Shape | None = None) -> Collection:
    """Open a Parquet file, or a folder of them ("train-00000-of-00002.parquet").

    Raises
    ------
    DatasetError
        If a file is damaged, or no column holds pictures.
    """
    files = sorted(path.rglob("*.parquet")) if path.is_dir() else [path]
    opened = [_open(file) for file in files]
    schema = opened[0].schema_arrow
    for file, one in zip(files, opened, strict=True):
        if one.schema_arrow.names != schema.names:
            raise DatasetError(f"{path}: {file.name} has other columns than {files[0].name}.")
    name = _column_of_pictures(schema, path)
    pictures, notes = _pictures(opened, name, schema.field(name).type, path, image_shape)
    columns = _other_columns(opened, schema, name, path)
    key = next((one for one in table.LABELS if one in columns), None)
    labels: NDArray[np.int64] | None = None
    classes: tuple[str, ...] = ()
    if key is not None:
        labels, classes = as_labels(columns.pop(key), f"{path}: {key}")
        classes = _names_of_classes(schema, key, classes)
    parts = [_part(file) for file in files]
    split = None
    if len(set(parts)) > 1 and all(part is not None for part in parts):
        counts = [one.metadata.num_rows for one in opened]
        split = np.repeat(np.array(parts, dtype=np.int8), counts)
    return Collection(
        title=path.stem if path.is_file() else path.resolve().name,
        form="Parquet files" if len(files) > 1 else "a Parquet file",
        pictures=pictures,
        key=" ".join(arrays.key_of_file(file) for file in files),
        labels=labels,
        classes=classes,
        columns=columns,
        split=split,
        notes=notes,
        parallel=isinstance(pictures, EncodedPictures),
    )


def _open(path: Path) -> pyarrow.parquet.ParquetFile:
    import pyarrow
    import pyarrow.parquet

    try:
        # Bytes that occur again and again stay as they are stored: a few could fill the memory.
        opened = pyarrow.parquet.ParquetFile(path, read_dictionary=_bytes_in(path))
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        first = str(error).splitlines()[0][:200]
        raise DatasetError(f"{path} cannot be read as Parquet: {first}") from error
    for group in range(opened.metadata.num_row_groups):
        size = opened.metadata.row_group(group).total_byte_size
        if size > MAX_GROUP_BYTES:
            raise DatasetError(
                f"{path} has a group of rows of {size / 2**30:,.0f} GB; at most "
                f"{MAX_GROUP_BYTES // 2**30} GB are read at once."
            )
    return opened


def _bytes_in(path: Path) -> list[str]:
    """Return the paths of the columns of bytes of a file."""
    import pyarrow.parquet

    schema = pyarrow.parquet.read_metadata(path).schema
    columns = map(schema.column, range(len(schema)))
    return [
        one.path
        for one in columns
        if one.physical_type == "BYTE_ARRAY" and one.logical_type.type == "NONE"
    ]


def _column_of_pictures(schema: pyarrow.Schema, path: Path) -> str:
    able = [field.name for field in schema if _kind(field.type) is not None]
    named = [name for name in able if name.lower() in PICTURES]
    if len(named or able) != 1:
        listed = ", ".join(f"{field.name} ({field.type})" for field in schema)[:400]
        problem = "several columns" if able else "no column"
        raise DatasetError(f"{path}: {problem} could hold pictures: {listed}.")
    return str((named or able)[0])


def _kind(found: pyarrow.DataType) -> str | None:
    """Return how a column holds pictures: "bytes", "struct", "list", or None."""
    import pyarrow.types as types

    if types.is_dictionary(found):
        found = found.value_type
    if types.is_binary(found) or types.is_large_binary(found):
        return "bytes"
    if types.is_struct(found):
        names = [found.field(i).name for i in range(found.num_fields)]
        return "struct" if "bytes" in names else None
    inner, depth = found, 0
    while types.is_list(inner) or types.is_large_list(inner) or types.is_fixed_size_list(inner):
        inner, depth = inner.value_type, depth + 1
    numeric = types.is_integer(inner) or types.is_floating(inner) or types.is_boolean(inner)
    return "list" if 1 <= depth <= 3 and numeric else None


def _pictures(
    opened: Sequence[pyarrow.parquet.ParquetFile],
    name: str,
    found: pyarrow.DataType,
    path: Path,
    image_shape: Shape | None,
) -> tuple[Pictures, tuple[str, ...]]:
    kind = _kind(found)
    if kind != "list":
        rows = _Rows(opened, name)
        return EncodedPictures(len(rows), lambda a, b: map(_content, rows(a, b))), ()
    array = _array(opened, name, path)
    shaped = arrays.shaped(array, f"{path}: {name}", image_shape=image_shape)
    pictures = ArrayPictures(lambda a, b: shaped.array[a:b], len(array), shaped.shape)
    return pictures, shaped.notes


def _array(opened: Sequence[pyarrow.parquet.ParquetFile], name: str, path: Path) -> NDArray[Any]:
    """Read a column of lists, nested or not, as one array (n, …)."""
    import pyarrow

    count = sum(_numbers(one, name) for one in opened)
    if count > MAX_LIST_NUMBERS:
        raise DatasetError(
            f"{path}: {count:,} numbers in lists; at most {MAX_LIST_NUMBERS:,} are read: store "
            "pictures as bytes."
        )
    try:
        column = pyarrow.chunked_array(
            [chunk for one in opened for chunk in one.read([name]).column(0).chunks]
        ).combine_chunks()
        shape = [len(column)]
        while pyarrow.types.is_nested(column.type):
            lengths = pyarrow.compute.list_value_length(column).unique().to_pylist()
            if len(lengths) != 1 or lengths[0] is None:
                raise DatasetError(f"{path}: the lists of {name} have different lengths.")
            shape.append(lengths[0])
            column = column.flatten()
        if column.null_count and not pyarrow.types.is_floating(column.type):
            raise DatasetError(f"{path}: the lists of {name} have gaps.")
        array: NDArray[Any] = column.to_numpy(zero_copy_only=False).reshape(shape)
    except (pyarrow.ArrowException, OSError, ValueError, IndexError) as error:
        first = (str(error).splitlines() or [""])[0][:200]
        raise DatasetError(f"{path} is damaged: {first}") from error
    return array


def _numbers(opened: pyarrow.parquet.ParquetFile, name: str) -> int:
    """Count the numbers that a column's lists hold, from the metadata."""
    found = opened.metadata
    return sum(
        chunk.num_values
        for group in range(found.num_row_groups)
        for chunk in map(found.row_group(group).column, range(found.num_columns))
        if chunk.path_in_schema.partition(".")[0] == name
    )


class _Rows:
    """Values of one column by their position; one group of rows is kept."""

    def __init__(self, opened: Sequence[pyarrow.parquet.ParquetFile], column: str) -> None:
        self._column = column
        self._groups = [
            (file, group) for file in opened for group in range(file.metadata.num_row_groups)
        ]
        sizes = [file.metadata.row_group(group).num_rows for file, group in self._groups]
        self._starts = [0, *accumulate(sizes)]
        self._at, self._kept = -1, None

    def __len__(self) -> int:
        return int(self._starts[-1])

    def __call__(self, start: int, stop: int) -> Iterator[Any]:
        """Yield the values of rows ``start`` to ``stop``."""
        while start < stop:
            group = bisect.bisect_right(self._starts, start) - 1
            end = min(stop, self._starts[group + 1], start + AT_ONCE)
            first = self._starts[group]
            yield from self._group(group).slice(start - first, end - start).to_pylist()
            start = end

    def _group(self, number: int) -> Any:
        import pyarrow

        if number != self._at:
            file, group = self._groups[number]
            try:
                self._kept = file.read_row_group(group, [self._column]).column(0)
            except (pyarrow.ArrowException, OSError) as error:
                first = (str(error).splitlines() or [""])[0][:200]
                raise DatasetError(f"A group of rows is damaged: {first}") from error
            self._at = number
        return self._kept


def _content(value: Any) -> bytes | ImageError:
    content = value.get("bytes") if isinstance(value, dict) else value
    if content is None:
        return ImageError("it has no bytes: only pictures inside the file are read.")
    return bytes(content)


def _other_columns(
    opened: Sequence[pyarrow.parquet.ParquetFile], schema: pyarrow.Schema, name: str, path: Path
) -> dict[str, NDArray[Any]]:
    import pyarrow
    import pyarrow.types as types

    simple = [
        field.name
        for field in schema
        if field.name != name and not types.is_nested(field.type) and _kind(field.type) is None
    ]
    try:
        return table.to_columns(pyarrow.concat_tables(one.read(simple) for one in opened))
    except (pyarrow.ArrowException, OSError) as error:
        first = str(error).splitlines()[0][:200]
        raise DatasetError(f"{path} is damaged: {first}") from error


def _names_of_classes(schema: pyarrow.Schema, key: str, found: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names that Hugging Face's metadata has for the numbers of a column of labels."""
    try:
        features = json.loads((schema.metadata or {})[b"huggingface"])["info"]["features"]
        names = features[key]["names"]
        return tuple(str(names[int(one)]) for one in found)
    except (KeyError, ValueError, TypeError, IndexError):
        return found


def _part(file: Path) -> int | None:
    """Return the part of a split that a file's name begins with."""
    return SPLIT_NAMES.get(re.split(r"[-_.]", file.name.lower())[0])
