"""Bring a collection of pictures to one size and range, in memory or in a file that is kept.

A collection is decoded once, several processes at a time where that pays, into one array of uint8
(n, c, h, w) in the order of its splits. A large array is a file of the cache folder that is mapped
into memory; its name is a hash of the content and of what was chosen, and an interrupted build goes
on where it stopped.
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import json
import mmap
import multiprocessing
import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vae_core.data import arrays, opening, pools
from vae_core.data.choices import Choices
from vae_core.data.collection import TEST, TRAIN, VALIDATION, Collection, Shape
from vae_core.data.dataset import ImageDataset, Split, permutation
from vae_core.errors import ConfigError, DatasetError
from vae_core.files import user_folder, write_atomically
from vae_core.value_range import Extremes, Range

#: Larger arrays are kept in a file, in bytes.
KEPT_FROM = 2**26
#: Largest array, in bytes; of a larger collection a random subset is taken.
MAX_BYTES = 2**34
MAX_SIDE = 256
DEFAULT_MAX_SIDE = 64
TEST_SHARE = 0.1
#: Pictures that one task decodes.
CHUNK = 1_024
#: Pictures of colour files that are looked at to see whether they are grey.
LOOKED_AT = 256
#: Bytes of the disk that a kept array leaves free.
SPARED = 2**26
#: Fewer pictures are decoded in this process: another one takes a second to start.
PARALLEL_FROM = 4_000
VERSION = 1

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Plan:
    """What is made of a collection.

    Attributes
    ----------
    shape
        (c, h, w) of all pictures.
    values
        Range of values that become 0 to 255.
    rows
        Positions of the pictures that are read, int64 (n,), ascending.
    places
        Row of each in the array, int64 (n,).
    counts
        Lengths of the parts: training, test, validation.
    sizes
        How many pictures were found with each (c, h, w).
    unreadable
        Why pictures are not read, by their positions.
    notes
        Sentences about what was guessed and chosen.
    """

    shape: Shape
    values: Range
    rows: NDArray[np.int64]
    places: NDArray[np.int64]
    counts: tuple[int, int, int]
    sizes: Counter[Shape]
    unreadable: dict[int, str]
    notes: tuple[str, ...]


@dataclass
class Findings:
    """What was seen while pictures were decoded, by row of the array.

    ``hashes`` is uint64 (n,); a constant picture has True in ``constant``, bool (n,); ``damaged``
    says why rows could not be read.
    """

    hashes: NDArray[np.uint64]
    constant: NDArray[np.bool_]
    damaged: dict[int, str] = field(default_factory=dict)


def cache_folder() -> Path:
    """Return the folder of prepared datasets: ``VAE_CACHE_DIR``, else the user's cache folder."""
    chosen = os.environ.get("VAE_CACHE_DIR")
    return (
        Path(chosen).expanduser() if chosen else user_folder("cache", "VAE_CACHE_DIR") / "prepared"
    )


@dataclass(frozen=True)
class Look:
    """What all pictures of a collection were looked at for, before any is decoded.

    How many have each (c, h, w), why which cannot be read, and the extremes of their values.
    """

    sizes: Counter[Shape]
    unreadable: dict[int, str]
    extremes: Extremes

    @classmethod
    def at(cls, collection: Collection, said: Choices | None = None) -> Look:
        """Look at all pictures; of a large collection on this host, what was seen is kept.

        ``said`` opened the collection; None for arrays in memory, which are always looked at.
        """
        is_kept = said is not None and collection.key and len(collection) >= PARALLEL_FROM
        folder = _writable_cache() if is_kept else None
        if folder is None:
            sizes, wrong = collection.pictures.shapes()
            return cls(sizes, wrong, collection.pictures.extremes())
        text = json.dumps([VERSION, collection.key, None if said is None else asdict(said)])
        name = hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
        path = folder / f"{name}.look.json"
        found = cls._read(path)
        if found is None:
            found = cls.at(collection)
            with contextlib.suppress(OSError):
                write_atomically(path, found._written())
        return found

    @classmethod
    def _read(cls, path: Path) -> Look | None:
        try:
            found = json.loads(path.read_bytes())
            sizes = Counter({(c, h, w): count for c, h, w, count in found["sizes"]})
            unreadable = {int(row): why for row, why in found["unreadable"].items()}
            return cls(sizes, unreadable, Extremes(**found["extremes"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def _written(self) -> bytes:
        sizes = [[*size, count] for size, count in self.sizes.items()]
        found = {"sizes": sizes, "unreadable": self.unreadable, "extremes": asdict(self.extremes)}
        return json.dumps(found).encode()


def plan(
    collection: Collection,
    *,
    image_shape: Shape | None = None,
    seed: int = 0,
    limit: int | None = None,
    seen: Look | None = None,
) -> Plan:
    """Choose size, range, split and, of too many pictures, a subset.

    Parameters
    ----------
    image_shape
        (c, h, w), where c is 1 or 3 and a side at most 256. By default the most common size,
        reduced to at most 64 pixels on the longer side, and one channel if all are grey.
    seed
        Seed of the split and of the subset.
    limit
        Most pictures that are taken; None for as many as 16 GB hold.
    seen
        What the pictures were looked at for; None looks at all of them.

    Raises
    ------
    DatasetError
        If fewer than two pictures can be read, or the shape is impossible.
    """
    image_shape = image_shape or collection.image_shape
    if image_shape is not None:
        check_shape(image_shape)
    seen = seen or Look.at(collection)
    sizes, wrong = seen.sizes, seen.unreadable
    notes: list[str] = []
    if sizes.total() < 2:
        first = next((f" ({collection.name_of(row)}: {why})" for row, why in wrong.items()), "")
        raise DatasetError(
            f"{collection.title}: found {sizes.total():,} pictures that can be read, at least 2 "
            f"are needed{first}."
        )
    values = Range.of(seen.extremes)
    shape = image_shape or _usual_shape(collection, sizes, values, notes)
    if image_shape is not None and {size[1:] for size in sizes} != {shape[1:]}:
        notes.append(
            f"Pictures of other sizes are cropped and resized to {shape[1]} × {shape[2]} pixels."
        )
    if (values.low, values.high) != (0, 255):
        notes.append(values.sentence)
    rows = np.setdiff1d(np.arange(len(collection)), np.array(list(wrong), dtype=np.int64))
    most = min(limit or len(rows), MAX_BYTES // int(np.prod(shape)))
    if len(rows) > most:
        notes.append(f"Of {len(rows):,} pictures {most:,} were drawn at random (seed {seed}).")
        rows = rows[permutation(len(rows), seed)[:most].sort().values.numpy()]
    places, counts = _arranged(collection, rows, seed)
    return Plan(shape, values, rows, places, counts, sizes, wrong, (*collection.notes, *notes))


def check_shape(shape: Shape) -> None:
    """Refuse shapes that no dataset of pictures has here.

    Raises
    ------
    DatasetError
        If there are other channels than 1 or 3, or a side is not 1 to 256.
    """
    if len(shape) != 3 or shape[0] not in {1, 3} or not all(1 <= s <= MAX_SIDE for s in shape[1:]):
        raise DatasetError(
            f"image_shape = {shape}: expected (1 or 3, height, width), each side 1 to {MAX_SIDE}."
        )


def _usual_shape(
    collection: Collection, sizes: Counter[Shape], values: Range, notes: list[str]
) -> Shape:
    """Return the most common size, reduced; grey if all pictures that are looked at are."""
    by_side: Counter[tuple[int, int]] = Counter()
    for (_, height, width), count in sizes.items():
        by_side[height, width] += count
    height, width = min(by_side, key=lambda side: (-by_side[side], side))
    if len(by_side) > 1:
        share = by_side[height, width] / by_side.total()
        notes.append(
            f"{len(by_side):,} different sizes: {share:.0%} are {height} × {width}; the others are "
            "cropped to its proportions and resized."
        )
    scale = min(1.0, DEFAULT_MAX_SIDE / max(height, width))
    if scale < 1:
        small = max(1, round(height * scale)), max(1, round(width * scale))
        notes.append(
            f"{height} × {width} pixels are reduced to {small[0]} × {small[1]}; image_shape takes "
            f"up to {MAX_SIDE} a side."
        )
        height, width = small
    channels = 3 if any(channels >= 3 for channels, *_ in sizes) else 1
    if channels == 3 and _all_grey(collection, (3, height, width), values):
        channels = 1
        looked_at = min(len(collection), LOOKED_AT)
        notes.append(f"Pictures saved in colour are read as grey: {looked_at:,} looked at are.")
    return channels, height, width


def _all_grey(collection: Collection, shape: Shape, values: Range) -> bool:
    """Return whether pictures spread over a collection, saved in colour, are all grey."""
    step = max(1, len(collection) // LOOKED_AT)
    for start in range(0, len(collection), step):
        pixels, _ = collection.pictures.decode(start, start + 1, shape, values)
        if (pixels != pixels[:, :1]).any():
            return False
    return True


def _arranged(
    collection: Collection, rows: NDArray[np.int64], seed: int
) -> tuple[NDArray[np.int64], tuple[int, int, int]]:
    """Return the row of each picture in the array: training, test and validation, each in order."""
    if collection.split is not None:
        part = collection.split[rows].copy()
        if not (part == TEST).any():  # a validation split alone is what one tests on
            part[part == VALIDATION] = TEST
    else:
        part = np.full(len(rows), TRAIN, dtype=np.int8)
        part[test_rows(len(rows), seed).numpy()] = TEST
    counts = tuple(int((part == one).sum()) for one in (TRAIN, TEST, VALIDATION))
    places = np.empty(len(rows), dtype=np.int64)
    places[np.argsort(part, kind="stable")] = np.arange(len(rows))
    return places, (counts[0], counts[1], counts[2])


def test_rows(n: int, seed: int) -> Tensor:
    """Draw a tenth of ``n`` rows for the test set where no split is given, at least one."""
    return permutation(n, seed)[: max(1, round(TEST_SHARE * n))].sort().values


@dataclass(frozen=True)
class Loaded:
    """Own dataset, with what was found and chosen on the way."""

    dataset: ImageDataset
    collection: Collection
    plan: Plan
    findings: Findings


def load(
    path: Path,
    said: Choices,
    *,
    seed: int = 0,
    limit: int | None = None,
    progress: Progress | None = None,
) -> Loaded:
    """Open a path, plan and build; see :func:`plan` and :func:`build`."""
    collection = opening.open_path(path, said)
    seen = Look.at(collection, said)
    chosen = plan(collection, image_shape=said.image_shape, seed=seed, limit=limit, seen=seen)
    pixels, findings = build(collection, chosen, source=(path, said), progress=progress)
    dataset = assembled(collection, chosen, pixels, findings, name=str(path))
    return Loaded(dataset, collection, chosen, findings)


def from_array(
    array: Any, *, labels: Any = None, image_shape: Shape | None = None, seed: int = 0
) -> ImageDataset:
    """Split an array or tensor of pictures, with or without labels; see :func:`arrays.shaped`."""
    pictures = np.asarray(array)
    names = None if labels is None else np.asarray(labels)
    collection = arrays.collection(pictures, labels=names, image_shape=image_shape)
    chosen = plan(collection, image_shape=image_shape, seed=seed)
    pixels, findings = build(collection, chosen)
    return assembled(collection, chosen, pixels, findings, name=collection.title)


def build(
    collection: Collection,
    chosen: Plan,
    *,
    source: tuple[Path, Choices] | None = None,
    progress: Progress | None = None,
) -> tuple[NDArray[np.uint8], Findings]:
    """Decode a collection into one array of uint8 (n, c, h, w).

    Parameters
    ----------
    source
        What opens the collection again, in another process; None for arrays in memory.
    progress
        Called with the pictures done and in total; it may raise to stop the build.
    """
    n = len(chosen.rows)
    size = n * int(np.prod(chosen.shape))
    is_kept = source is not None and collection.key and size >= KEPT_FROM
    folder = _writable_cache(size) if is_kept else None
    if source is None or folder is None:
        pixels = np.empty((n, *chosen.shape), dtype=np.uint8)
        findings = Findings(np.zeros(n, np.uint64), np.zeros(n, np.bool_))
        _decode_all(collection, chosen, pixels, findings, source, progress, skip=0)
        return pixels, findings
    return _kept(folder, collection, chosen, source, progress)


def _writable_cache(size: int = 0) -> Path | None:
    """Return the cache folder, or None without one that takes ``size`` bytes and leaves some."""
    try:
        folder = cache_folder()
        folder.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(folder).free
    except (OSError, ConfigError):
        return None
    # A mapped file that the disk cannot hold would end the process.
    return folder if os.access(folder, os.W_OK) and free > size + SPARED else None


def _kept(
    folder: Path,
    collection: Collection,
    chosen: Plan,
    source: tuple[Path, Choices],
    progress: Progress | None,
) -> tuple[NDArray[np.uint8], Findings]:
    """Map the array of a plan from the cache folder, built first where it is not complete."""
    folder = folder / _key(collection, chosen)
    state = folder / "state.json"
    n = len(chosen.rows)
    folder.mkdir(parents=True, exist_ok=True)
    done: dict[str, Any] = {"rows": 0, "damaged": {}}
    if state.exists():
        done = json.loads(state.read_text())
    mode: Any = "r+" if done["rows"] else "w+"
    kept = (
        np.memmap(folder / "pixels.bin", np.uint8, mode, shape=(n, *chosen.shape)),
        np.memmap(folder / "hashes.bin", np.uint64, mode, shape=(n,)),
        np.memmap(folder / "constant.bin", np.bool_, mode, shape=(n,)),
    )
    damaged = {int(row): why for row, why in done["damaged"].items()}
    findings = Findings(kept[1], kept[2], damaged)
    if done["rows"] < n:

        def saved(count: int) -> None:
            for array in kept:
                array.flush()
            give_back(kept[0])
            text = json.dumps({"rows": count, "damaged": findings.damaged})
            write_atomically(state, text.encode())

        _decode_all(
            collection, chosen, kept[0], findings, source, progress, skip=done["rows"], saved=saved
        )
    # Copy on write: torch warns of arrays that cannot be written, and nobody writes to the file.
    return np.memmap(folder / "pixels.bin", np.uint8, "c", shape=(n, *chosen.shape)), findings


def _key(collection: Collection, chosen: Plan) -> str:
    digest = hashlib.blake2b(digest_size=16)
    settings = [VERSION, collection.key, chosen.shape, asdict(chosen.values)]
    digest.update(json.dumps(settings).encode())
    digest.update(chosen.rows.tobytes())
    digest.update(chosen.places.tobytes())
    return digest.hexdigest()


#: Bytes between two notes of how far a kept array is.
SAVED_EVERY = 2**26


def _decode_all(
    collection: Collection,
    chosen: Plan,
    pixels: NDArray[np.uint8],
    findings: Findings,
    source: tuple[Path, Choices] | None,
    progress: Progress | None,
    *,
    skip: int,
    saved: Callable[[int], None] = lambda count: None,
) -> None:
    """Decode the pictures of a plan from its row ``skip`` on."""
    n = len(chosen.rows)
    count = end = skip  # rows that are decoded, and those before the first that is not
    unsaved, ends = 0, {}
    for first, decoded, wrong in _chunks(collection, chosen, source, skip):
        places = chosen.places[first : first + len(decoded)]
        pixels[places] = decoded
        flat = decoded.reshape(len(decoded), -1)
        findings.constant[places] = flat.min(1) == flat.max(1)
        findings.hashes[places] = _hashes(flat)
        findings.damaged |= {int(places[row]): why for row, why in wrong.items()}
        count += len(decoded)
        ends[first] = first + len(decoded)
        while end in ends:
            end = ends.pop(end)
        if progress is not None:
            progress(count, n)
        unsaved += decoded.nbytes
        if unsaved >= SAVED_EVERY or end == n:
            saved(end)
            unsaved = 0


def give_back(array: np.memmap[Any, Any]) -> None:
    """Give the pages of a mapped file that was flushed back to the system, where it takes them."""
    pages = array._mmap  # type: ignore[attr-defined]
    if hasattr(pages, "madvise") and hasattr(mmap, "MADV_DONTNEED"):
        pages.madvise(mmap.MADV_DONTNEED)


def _hashes(flat: NDArray[np.uint8]) -> NDArray[np.uint64]:
    hashed = (hashlib.blake2b(row, digest_size=8).digest() for row in flat)
    return np.frombuffer(b"".join(hashed), dtype=np.uint64)


def _chunks(
    collection: Collection, chosen: Plan, source: tuple[Path, Choices] | None, skip: int
) -> Iterator[tuple[int, NDArray[np.uint8], dict[int, str]]]:
    """Yield (first row of the plan, pictures, why rows are damaged), as they come."""
    n = len(chosen.rows)
    bounds = [(first, min(first + CHUNK, n)) for first in range(skip, n, CHUNK)]
    tasks = [(chosen.rows[a:b], chosen.shape, chosen.values) for a, b in bounds]
    if source is None or not collection.parallel or n - skip < PARALLEL_FROM:
        for (first, _), task in zip(bounds, tasks, strict=True):
            yield first, *decode_rows(collection, *task)
        return
    workers = max(1, multiprocessing.cpu_count() - 1)
    left = ((first, task) for (first, _), task in zip(bounds, tasks, strict=True))
    with pools.pool(workers, _begin, *source) as pool:
        running: dict[Future[tuple[NDArray[np.uint8], dict[int, str]]], int] = {}
        while True:
            for first, task in itertools.islice(left, 2 * workers - len(running)):
                running[pool.submit(_decode_in_worker, *task)] = first
            done = [future for future in running if future.done()]
            for future in done:
                yield running.pop(future), *future.result()
            if done:
                continue
            # This process decodes too, while the others are at work or begin.
            here = next(left, None)
            if here is not None:
                yield here[0], *decode_rows(collection, *here[1])
            elif running:
                wait(running, return_when=FIRST_COMPLETED)
            else:
                return


_opened: list[Collection] = []


def _begin(path: Path, said: Choices) -> None:
    _opened[:] = [opening.open_path(path, said)]


def _decode_in_worker(
    rows: NDArray[np.int64], shape: Shape, values: Range
) -> tuple[NDArray[np.uint8], dict[int, str]]:
    return decode_rows(_opened[0], rows, shape, values)


def decode_rows(
    collection: Collection, rows: NDArray[np.int64], shape: Shape, values: Range
) -> tuple[NDArray[np.uint8], dict[int, str]]:
    """Decode pictures at ascending positions, in runs of neighbours.

    Returns
    -------
    tuple
        uint8 (n, c, h, w), and why pictures are damaged, by their position among ``rows``.
    """
    pixels = np.empty((len(rows), *shape), dtype=np.uint8)
    wrong: dict[int, str] = {}
    breaks = np.flatnonzero(np.diff(rows) != 1) + 1
    for run in np.split(np.arange(len(rows)), breaks):
        if len(run) == 0:
            continue
        start, stop = int(rows[run[0]]), int(rows[run[-1]]) + 1
        pixels[run], damaged = collection.pictures.decode(start, stop, shape, values)
        wrong |= {int(run[row - start]): why for row, why in damaged.items()}
    return pixels, wrong


def assembled(
    collection: Collection,
    chosen: Plan,
    pixels: NDArray[np.uint8],
    findings: Findings,
    *,
    name: str,
) -> ImageDataset:
    """Return the splits of a built array; only where pictures are damaged is a part copied."""
    order = np.empty(len(chosen.rows), dtype=np.int64)
    order[chosen.places] = chosen.rows
    images = torch.from_numpy(pixels)
    usable = np.ones(len(order), dtype=bool)
    usable[list(findings.damaged)] = False

    def split(start: int, count: int) -> Split:
        part = slice(start, start + count)
        keep = usable[part]
        rows = order[part] if keep.all() else order[part][keep]
        taken = images[part] if keep.all() else images[part][torch.from_numpy(keep)]
        labels = None if collection.labels is None else torch.from_numpy(collection.labels[rows])
        columns = {key: values[rows] for key, values in collection.columns.items()}
        return Split(taken, labels, torch.from_numpy(rows), columns)

    trained, tested, validated = chosen.counts
    train, test = split(0, trained), split(trained, tested)
    if len(train) == 0 or len(test) == 0:
        why = " ".join(_left_out(collection, chosen, findings, order))
        raise DatasetError(
            f"{name}: {len(train):,} pictures to train on and {len(test):,} to test on; each part "
            f"needs at least one. {why}".rstrip()
        )
    return ImageDataset(
        name=name,
        title=collection.title,
        train=train,
        test=test,
        classes=collection.classes,
        notes=(*chosen.notes, *_left_out(collection, chosen, findings, order)),
        validation=split(trained + tested, validated) if validated else None,
    )


def _left_out(
    collection: Collection, chosen: Plan, findings: Findings, order: NDArray[np.int64]
) -> list[str]:
    """Say which files were left out and why, one sentence a reason."""
    damaged = {int(order[place]): why for place, why in findings.damaged.items()}
    by_reason: dict[str, list[int]] = {}
    for row, why in (chosen.unreadable | damaged).items():
        by_reason.setdefault(why, []).append(row)
    sentences = [f"Left out: {count:,} × {why}." for why, count in collection.left_out.items()]
    for why, rows in by_reason.items():
        more = f" and {len(rows) - 1:,} more" if len(rows) > 1 else ""
        sentences.append(f"Left out: {collection.name_of(rows[0])}{more}: {why}")
    return sentences
