"""Malformed own data, for ``benchmarks.hostile``: arrays, IDX, tables, Parquet, folders, zips."""

from __future__ import annotations

import gzip
import io
import json
import os
import random
import struct
import warnings
import zipfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from vae_core.data import survey
from vae_core.data.choices import Choices

#: Bytes of a file that is all holes, and of what is packed into a bomb.
GIGABYTE, BOMB = 2**30, 2**27 + 2**24
NAMES = (
    "a.png", "b/a.png", "../a.png", "/etc/passwd.png", "b\\..\\..\\a.png", "C:\\a.png", "con.png",
    "\u202egnp.a.png", "b/" * 40 + "a.png", "ä ö.png", "a.png.exe", ".a.png", "__MACOSX/a.png",
    "train/a/1.png", "test/a/2.png", "labels.csv", "a\x07.png", "x" * 240 + ".png", "a.jfif",
    "a.heic",
)  # fmt: skip
DTYPES = ("u1", "i1", "<u2", ">u2", "i4", "<u8", "f2", "f4", ">f8", "?", "c8", "M8[s]", "S4", "U3")
ODD = (0.0, -1.0, 1e-300, 3.4e38, 1e308, np.nan, np.inf, -np.inf, 255.0, 65_535.0)


@dataclass(frozen=True)
class Given:
    """Something malformed: its name, what writes it below a folder, and what is said of it."""

    name: str
    write: Callable[[Path], None]
    said: Choices


def make(draw: random.Random) -> Given:
    """Make one of a kind, with choices that may or may not suit it."""
    name, write = draw.choice(MAKERS)(draw)
    shape = draw.choice([None, None, None, (1, 8, 8), (3, 4, 4), (1, 1, 1), (3, 256, 256)])
    named = draw.choice([None, None, None, "x", "y", "", "../x"])
    return Given(name, write, Choices(shape, named, named, draw.random() < 0.2))


def read(given: Given, work: Path) -> None:
    """Look at it as ``python -m vae_core data`` does."""
    folder = work / "data" / "own"
    folder.mkdir()
    try:
        given.write(folder / given.name)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = survey.survey(folder / given.name, given.said)
        assert all(found.sentences)
    finally:
        _remove(folder)


def _remove(folder: Path) -> None:
    """Remove a folder by absolute paths, which the doorkeeper understands."""
    for place, folders, files in os.walk(folder, topdown=False):
        for name in files:
            (Path(place) / name).unlink()
        for name in folders:
            below = Path(place) / name
            below.unlink() if below.is_symlink() else below.rmdir()
    folder.rmdir()


def _content(name: str, content: bytes) -> tuple[str, Callable[[Path], None]]:
    return name, lambda path: void(path.write_bytes(content))


def void(_: object) -> None:
    """Return nothing."""


def array(draw: random.Random) -> np.ndarray[Any, Any]:
    """Make an array of an odd type, shape or order, with odd values."""
    shape = draw.choice(
        [
            (12, 8, 8), (12, 8, 8, 3), (12, 3, 8, 8), (12, 64), (12, 65), (12, 3, 3, 3), (0, 8, 8),
            (12, 0, 8), (1, 8, 8), (12,), (), (2, 2, 2, 2, 2), (3, 1, 1), (12, 300, 2),
            (2, 1, 9000),
        ]
    )  # fmt: skip
    dtype = np.dtype(draw.choice(DTYPES))
    random_ = np.random.default_rng(draw.randrange(2**32))
    values = np.asarray(random_.integers(0, 200, shape))
    if dtype.kind == "f":
        values = values.astype(np.float64)
        if values.size:
            places = random_.integers(0, values.size, 3)
            values.reshape(-1)[places] = [draw.choice(ODD) for _ in range(3)]
    with np.errstate(all="ignore"):
        found = values.astype(dtype)
    return np.asfortranarray(found) if draw.random() < 0.2 else found


def npy_bytes(values: np.ndarray[Any, Any]) -> bytes:
    """Return an array as a .npy file; objects are pickled, as strangers may do."""
    stream = io.BytesIO()
    np.save(stream, values, allow_pickle=True)
    return stream.getvalue()


def promising(draw: random.Random) -> bytes:
    """Return a .npy header that promises more than there is, or is no header."""
    shape = draw.choice(
        ["(1000000, 1000000, 8)", "(-1, 8, 8)", "(2**40,)", "(12, 8, 8", "(1e3, 8)"]
    )
    kind = draw.choice(["'|u1'", "'|O'", "'<f8'", "'|V9'", "__import__('os').getcwd()", "'<f99'"])
    text = f"{{'descr': {kind}, 'fortran_order': False, 'shape': {shape}, }}".encode()
    length = draw.choice([len(text), 65_535, 3])
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", length) + text


def npy(draw: random.Random) -> tuple[str, Callable[[Path], None]]:
    """Make a .npy file."""
    content = draw.choice([npy_bytes(array(draw)), promising(draw)])
    if draw.random() < 0.2:
        content = npy_bytes(np.array([{"a": 1}, None, print], dtype=object))
    return _content("x.npy", changed(draw, content))


def npz(draw: random.Random) -> tuple[str, Callable[[Path], None]]:
    """Make a .npz file of several arrays, or a bomb."""
    packed = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        warnings.simplefilter("ignore")
        for _ in range(draw.randrange(0, 4)):
            name = draw.choice(
                ["x", "y", "x_train", "y_train", "x_test", "../x", "arr_0", "labels"]
            )
            archive.writestr(f"{name}.npy", draw.choice([npy_bytes(array(draw)), promising(draw)]))
        if draw.random() < 0.15:
            stream = io.BytesIO()
            described = {"descr": "|u1", "fortran_order": False, "shape": (BOMB // 4096, 64, 64)}
            np.lib.format.write_array_header_1_0(stream, described)
            archive.writestr("x.npy", stream.getvalue() + bytes(BOMB))
    return _content("x.npz", changed(draw, packed.getvalue()))


def idx_bytes(draw: random.Random) -> bytes:
    """Return an IDX file whose header may lie."""
    sides = draw.choice(
        [(12, 8, 8), (12,), (12, 8), (2**31, 2**20, 2**20), (12, 0, 0), (2**32 - 1,)]
    )
    kind = draw.choice([8, 9, 11, 12, 13, 14, 0, 255])
    count = draw.choice([len(sides), len(sides), 0, 255])
    head = struct.pack(">HBB", 0, kind, count) + struct.pack(f">{len(sides)}I", *sides)
    return head + draw.randbytes(draw.choice([0, 768, 3072, 6144]))


def idx(draw: random.Random) -> tuple[str, Callable[[Path], None]]:
    """Make an IDX file, a pair of them, or a bomb."""
    if draw.random() < 0.15:
        head = struct.pack(">HBB3I", 0, 8, 3, BOMB // 4096, 64, 64)
        return _content("images-idx3-ubyte.gz", gzip.compress(head + bytes(BOMB), 1))
    files = {
        draw.choice(["train-images-idx3-ubyte", "a-images-idx3-ubyte.gz", "t10k-images-idx3"]):
            idx_bytes(draw),
        draw.choice(["train-labels-idx1-ubyte", "a-labels-idx1-ubyte"]): idx_bytes(draw),
    }  # fmt: skip

    def write(folder: Path) -> None:
        folder.mkdir()
        for name, content in files.items():
            packed = gzip.compress(content) if name.endswith("gz") else content
            (folder / name).write_bytes(changed(draw, packed))

    return "idx", write


def table(draw: random.Random) -> tuple[str, Callable[[Path], None]]:
    """Make a CSV file: of a gigabyte line, other text, odd numbers, paths that lead out."""
    odd = ("nan", "inf", "-1", "1e308", "9" * 40, "0x10", "", '"', "a", "\0", "1;2", "٣", "true")
    numbers = [
        ",".join(draw.choice((*map(str, range(9)), *odd)) for _ in range(17)) for _ in range(9)
    ]
    paths = "file_name,label\n" + "\n".join(f"{draw.choice(NAMES)},{i}" for i in range(9))
    text = draw.choice(
        [
            "\n".join(numbers),
            "label," + ",".join(f"p{i}" for i in range(16)) + "\n" + "\n".join(numbers),
            paths,
            "file_name\n" + "/etc/passwd\n" * 4,
            "a," * 100_000 + "\n",
            '"' + "x\n" * 1000,
            "",
            "\n\n\n",
        ]
    )
    content = text.encode(draw.choice(["utf-8", "utf-8", "utf-16", "latin-1"]), "replace")
    holes = draw.random() < 0.2

    def write(path: Path) -> None:
        path.write_bytes(changed(draw, content))
        if holes:
            with path.open("r+b") as stream:
                stream.truncate(GIGABYTE)

    return "x.csv", write


def parquet(draw: random.Random) -> tuple[str, Callable[[Path], None]]:
    """Make a Parquet file of nested types, odd bytes, or far more than its size says."""
    png = io.BytesIO()
    Image.new("L", (8, 8), 9).save(png, "PNG")
    n = 12
    columns = draw.choice(
        [
            {"image": [{"bytes": png.getvalue(), "path": None}] * n, "label": list(range(n))},
            {"image": [{"bytes": None, "path": "/etc/passwd"}] * n},
            {"image": [[[1, 2], [3, 4]]] * n},
            {"image": [[[1, 2], [3]]] * n},
            {"image": [[[[[1]]]]] * n},
            {"image": [None, *[[1, 2, 3, 4]] * (n - 1)]},
            {"image": [[1.5, None, float("nan"), float("inf")]] * n},
            {"image": [{"a": {"b": [{"c": b"x"}]}}] * n},
            {"image": [{"bytes": draw.randbytes(40)} for _ in range(n)], "image2": [b"x"] * n},
            {"image": [png.getvalue()] * n, "label": [{"a": [1]}] * n, "t": ["\ud7ff" * 9] * n},
            {"image": [], "label": []},
            {"x": list(range(n))},
            {"image": [[7] * 64] * 100_000},
            {"image": [bytes(2**20)] * 3_000},
        ]
    )

    def write(path: Path) -> None:
        stream = io.BytesIO()
        pq.write_table(pa.table(columns), stream)
        path.write_bytes(changed(draw, stream.getvalue()))

    return "x.parquet", write


def pictures(draw: random.Random) -> dict[str, bytes]:
    """Make picture files, some cut, some that promise more pixels than there are."""
    files = {}
    for name in draw.sample(NAMES, draw.randrange(2, 8)):
        stream = io.BytesIO()
        form = draw.choice(["PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP"])
        mode = "L" if form == "JPEG" else draw.choice(["L", "RGB", "P", "1"])
        Image.new(mode, (draw.randrange(1, 30), draw.randrange(1, 30)), 1).save(stream, form)
        content = stream.getvalue()
        if draw.random() < 0.2:
            content = content.replace(content[16:24], struct.pack(">II", 60_000, 60_000), 1)
        files[name] = changed(draw, content)
    return files


def zipped(draw: random.Random) -> tuple[str, Callable[[Path], None]]:
    """Make a zip of pictures: names that lead out, links, ciphers, a bomb, a zip in a zip."""
    packed = io.BytesIO()
    method = draw.choice([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA])
    with warnings.catch_warnings(), zipfile.ZipFile(packed, "w", method) as archive:
        warnings.simplefilter("ignore")
        for name, content in pictures(draw).items():
            info = zipfile.ZipInfo(name)
            info.compress_type = method
            if draw.random() < 0.1:
                info.external_attr = 0o120777 << 16
            with suppress(UnicodeError, ValueError):
                archive.writestr(info, content)
        if draw.random() < 0.1:
            archive.writestr("bomb.png", bytes(BOMB))
        if draw.random() < 0.1:
            archive.writestr("inner.zip", packed.getvalue())
    content = packed.getvalue()
    if draw.random() < 0.1:
        content = content.replace(
            b"PK\x01\x02\x14\x00\x14\x00\x00", b"PK\x01\x02\x14\x00\x14\x00\x01"
        )
    return _content("x.zip", changed(draw, content))


def folder(draw: random.Random) -> tuple[str, Callable[[Path], None]]:
    """Make a folder: deep, with links out and in a circle, pipes, and tables that do not fit."""
    files = pictures(draw)
    deep, link, circle = (draw.random() < 0.2 for _ in range(3))
    beside = draw.choice([None, b"file_name,a\nx,1", b"\xff\xfe", b"a,b\n1", b"file_name\n" * 3])

    def write(path: Path) -> None:
        path.mkdir()
        for number, content in enumerate(files.values()):
            (path / f"{number}.png").write_bytes(content)
        if beside is not None:
            (path / "labels.csv").write_bytes(beside)
        if deep:
            below = path
            for _ in range(60):
                below = below / ("d" * 30)
            with suppress(OSError):
                below.mkdir(parents=True)
                (below / "a.png").write_bytes(next(iter(files.values())))
        if link:
            (path / "out.png").symlink_to(path.parent.parent / "elsewhere.png")
        if circle:
            (path / "round").symlink_to(path)

    return "pictures", write


def kept(draw: random.Random) -> tuple[str, Callable[[Path], None]]:
    """Make what looks like kept data, and names something else."""
    said = {"image_shape": draw.choice([None, [1, 8, 8], "x", [1]]), "pictures": None}
    said |= {"labels": None, "transpose": draw.choice([False, None, {}])}
    described = {"title": "t", "owner": 3, "said": draw.choice([said, None, {}, []])}
    described["source"] = draw.choice(["/proc/self", "/dev/zero", "../../..", "\0", 7])
    content = changed(draw, json.dumps(described).encode())

    def write(path: Path) -> None:
        path.mkdir(parents=True)
        (path / "kept.json").write_bytes(content)
        (path / "files").mkdir()

    return ".data/" + "0" * 24, write


def changed(draw: random.Random, content: bytes) -> bytes:
    """Return content as it is, or cut, or with some bytes changed."""
    if not content or draw.random() < 0.5:
        return content
    if draw.random() < 0.4:
        return content[: draw.randrange(len(content))]
    found = bytearray(content)
    for _ in range(draw.choice((1, 3, 20))):
        found[draw.randrange(len(found))] = draw.randrange(256)
    return bytes(found)


MAKERS = (npy, npz, idx, table, parquet, zipped, folder, kept)
