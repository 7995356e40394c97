"""Own data of every format, dropped into the app: what is found is said."""

from __future__ import annotations

import gzip
import io
import shutil
import struct
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import PIL.Image
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from serving import ROOT, Server
from visitor import GRID, Visitor

from vae_core import runs

pytestmark = pytest.mark.browser

SCRIPT = ROOT / "app" / "main.py"
#: Crosses of light ink on black, and their labels.
N, SIDE = 40, 12
LABELS = np.arange(N) % 2
INPUT = '[data-testid="stFileUploaderDropzoneInput"]'

Files = list[tuple[str, bytes]]


@pytest.fixture(autouse=True)
def no_trainings(server: Server) -> Iterator[None]:
    """Leave no training to another test: the form is open where there is none."""
    yield
    shutil.rmtree(server.runs, ignore_errors=True)


def crosses() -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Return pictures of ink: uint8 (n, 12, 12)."""
    pictures = np.zeros((N, SIDE, SIDE), np.uint8)
    for row, one in enumerate(pictures):
        one[3:9, 3 + row % 5] = one[3 + row % 4, 3:9] = 255
    return pictures


def png(picture: np.ndarray[Any, Any]) -> bytes:
    """Return a picture as a PNG file."""
    stream = io.BytesIO()
    PIL.Image.fromarray(picture).save(stream, "PNG")
    return stream.getvalue()


def zipped() -> Files:
    """Return a zip with a folder for each class."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for row, picture in enumerate(crosses()):
            archive.writestr(f"crosses/{'ab'[LABELS[row]]}/{row}.png", png(picture))
    return [("crosses.zip", stream.getvalue())]


def array() -> Files:
    """Return a .npy file, of floating point."""
    stream = io.BytesIO()
    np.save(stream, (crosses() / 255).astype(np.float32))
    return [("floats.npy", stream.getvalue())]


def arrays() -> Files:
    """Return a .npz file with a given split."""
    stream, x = io.BytesIO(), crosses()
    np.savez(stream, x_train=x[:30], y_train=LABELS[:30], x_test=x[30:], y_test=LABELS[30:])
    return [("split.npz", stream.getvalue())]


def idx() -> Files:
    """Return a pair of IDX files, gzipped."""
    images = struct.pack(">HBB3I", 0, 8, 3, N, SIDE, SIDE) + crosses().tobytes()
    labels = struct.pack(">HBBI", 0, 8, 1, N) + LABELS.astype(np.uint8).tobytes()
    names = ("crosses-images-idx3-ubyte.gz", "crosses-labels-idx1-ubyte.gz")
    return [(name, gzip.compress(one)) for name, one in zip(names, (images, labels), strict=True)]


def csv() -> Files:
    """Return a CSV file in Kaggle's layout."""
    lines = ["label," + ",".join(f"pixel{i}" for i in range(SIDE**2))]
    for label, picture in zip(LABELS, crosses(), strict=True):
        lines.append(",".join(map(str, [label, *picture.ravel()])))
    return [("kaggle.csv", "\n".join(lines).encode())]


def parquet() -> Files:
    """Return a Parquet file in Hugging Face's layout."""
    stream = io.BytesIO()
    images = [{"bytes": png(picture), "path": None} for picture in crosses()]
    pq.write_table(pa.table({"image": images, "label": LABELS}), stream)
    return [("faces.parquet", stream.getvalue())]


def bring(somebody: Visitor, files: Files) -> str:
    """Drop files as own data; return what the page says of them."""
    page = somebody.page
    page.get_by_role("combobox", name="Dataset").first.click()
    page.get_by_role("option", name="Your own data…").click()
    page.get_by_text("Drop your data here").wait_for()
    somebody.settle()
    given = [
        {"name": name, "mimeType": "application/octet-stream", "buffer": content}
        for name, content in files
    ]
    dropzone = page.locator(".st-key-train-own-files").locator(INPUT)
    dropzone.set_input_files(given)
    dropzone.wait_for(state="detached")
    page.get_by_text("What was found").first.wait_for()
    somebody.settle()
    return str(page.locator("body").inner_text())


FORMATS: dict[str, tuple[Callable[[], Files], str, str]] = {
    "zip": (zipped, "40 pictures · 12 × 12, grey · 2 classes", ""),
    "npy": (array, "40 pictures · 12 × 12, grey", "floating point from 0 to 1"),
    "npz": (arrays, "40 pictures · 12 × 12, grey · 2 classes", ""),
    "IDX": (idx, "40 pictures · 12 × 12, grey · 2 classes", ""),
    "CSV": (csv, "40 pictures · 12 × 12, grey · 2 classes", "1 × 12 × 12"),
    "Parquet": (parquet, "40 pictures · 12 × 12, grey · 2 classes", ""),
}


def test_every_format_is_dropped_and_understood(
    visitor: Callable[..., Visitor], server: Server
) -> None:
    """One after another on one page: count, size, colour, classes, and what was guessed."""
    somebody = visitor()
    somebody.open("train")
    for name, (make, found, note) in FORMATS.items():
        said = bring(somebody, make())
        assert found in said, name
        assert note in said, name
        assert str(server.runs) not in said, name


def test_what_was_dropped_is_trained_on_and_drawn(
    visitor: Callable[..., Visitor], server: Server
) -> None:
    """Train is pressed, a manifold is seen, and the model, which knows ink, is drawn for."""
    somebody = visitor()
    somebody.open("train")
    bring(somebody, zipped())
    somebody.page.get_by_text("What was found").first.click()
    somebody.page.get_by_text("Most pictures are light ink on a dark ground").wait_for()
    epochs = somebody.page.get_by_label("Epochs", exact=True)
    assert epochs.input_value() == "200"  # what is suggested for so few pictures
    epochs.fill("20")
    epochs.press("Enter")
    somebody.settle()
    somebody.button("Train").click()
    assert somebody.eventually(lambda: len(runs.list_runs(server.runs)) == 1)
    (run,) = runs.list_runs(server.runs)
    # A trainer has the lowest priority: on a busy machine it takes its time.
    assert somebody.eventually(lambda: runs.status(run).state == "finished", seconds=240)
    somebody.page.wait_for_selector(GRID)
    somebody.open("reconstruct", f"model={run.name}")
    pad = somebody.page.locator(".lx-pad").first
    pad.wait_for()
    assert "photographs" not in pad.inner_text()
    somebody.page.get_by_text("Draw here").wait_for()
