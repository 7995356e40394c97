"""Malformed inputs are refused with a sentence: a sample of ``benchmarks.hostile``."""

from __future__ import annotations

import io
import random
import struct
import zipfile
from pathlib import Path

import pytest

from benchmarks import hostile, hostile_networks
from vae_core import model_folder
from vae_core.errors import CheckpointError, OnnxError

CASES = 12


@pytest.mark.parametrize("kind", [kind for kind in hostile.KINDS if kind != "bomb"])
def test_malformed_things_end_in_a_sentence(kind: str, tmp_path: Path) -> None:
    """Nothing but our own errors is raised, and no file is written outside of our folders."""
    for part in hostile.FOLDERS:
        (tmp_path / part).mkdir()
    report = hostile.Report()
    hostile.doorkeeper().seen.clear()
    for seed in range(CASES):
        hostile.attempt(kind, seed, tmp_path, report)
    assert report.faults == []
    assert hostile.doorkeeper().seen == []
    assert report.refused > 0


def test_the_doorkeeper_sees_what_is_written_elsewhere(tmp_path: Path) -> None:
    """A file beside the allowed folder is noted, so a clean record means something."""
    (tmp_path / "inside").mkdir()
    watch = hostile.doorkeeper()
    watch.seen.clear()
    with watch.watching(tmp_path / "inside"):
        (tmp_path / "inside" / "a").write_text("")
        (tmp_path / "outside").write_text("")
    assert [Path(one.split()[1]).name for one in watch.seen] == ["outside"]


def test_the_doorkeeper_sees_what_is_read_elsewhere(tmp_path: Path) -> None:
    """A file that is read beside the allowed folder is noted where reading is not allowed."""
    (tmp_path / "inside").mkdir()
    for name in ("inside/a", "outside"):
        (tmp_path / name).write_text("")
    watch = hostile.doorkeeper()
    watch.seen.clear()
    for may_read in (True, False):
        with watch.watching(tmp_path / "inside", may_read=may_read):
            (tmp_path / "inside" / "a").read_text()
            (tmp_path / "outside").read_text()
    assert [Path(one.split()[1]).name for one in watch.seen] == ["outside"]


def test_an_onnx_file_reads_no_other_file(tmp_path: Path) -> None:
    """Weights in another file are refused, although the file is there."""
    (_models(tmp_path) / "models" / "weights.bin").write_bytes(b"\0" * 256)
    for number in range(40):
        content = hostile_networks.elsewhere(random.Random(number))
        with pytest.raises(OnnxError, match="lies in another file"):
            hostile.read_onnx(content, tmp_path)


def _models(folder: Path) -> Path:
    (folder / "models").mkdir(exist_ok=True)
    return folder


def test_an_archive_that_asks_for_a_huge_dictionary_is_refused() -> None:
    """LZMA lets a few bytes ask for 4 GB of memory; model folders are stored or deflated."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_LZMA) as archive:
        for name, content in hostile.model_files().items():
            archive.writestr(name, content)
    content = packed.getvalue().replace(struct.pack("<I", 2**23), struct.pack("<I", 2**32 - 1))
    with pytest.raises(CheckpointError, match="unsupported compression"):
        model_folder.open_zip(content)


def test_an_entry_that_begins_behind_the_end_is_refused() -> None:
    """A directory that points to where nothing is ends in a sentence, not in struct.error."""
    content = model_folder.zip_folder(hostile.MODEL)
    at = content.find(b"PK\x01\x02") + 42  # where the first entry begins
    broken = content[:at] + struct.pack("<I", len(content) - 4) + content[at + 4 :]
    with pytest.raises(CheckpointError, match="not a zip file"):
        model_folder.open_zip(broken)
