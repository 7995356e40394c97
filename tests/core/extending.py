"""The examples of docs/extending.md, applied to a copy of the code."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "extending.md"
#: What a copy has of its own.
COPIED = ("app", "browser", "vae_core")
_BLOCK = re.compile(r"^```(\w+) (file|run)=(\S+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A fenced example.

    Attributes
    ----------
    language
        "diff" for a change of a file; else a whole file, or what is run.
    file
        Path of the file that it makes or changes; None for what is run.
    run
        Kind of extension that it uses; None for a file.
    """

    language: str
    file: str | None
    run: str | None
    text: str


def blocks() -> list[Block]:
    """Read the page's examples, in order."""
    return [
        Block(language, name if what == "file" else None, name if what == "run" else None, text)
        for language, what, name, text in _BLOCK.findall(PAGE.read_text(encoding="utf-8"))
    ]


def uses() -> dict[str, str]:
    """Return what is run, by the kind of extension that it uses."""
    return {block.run: block.text for block in blocks() if block.run is not None}


def extended_copy(folder: Path) -> Path:
    """Copy the code into a folder, and add every toy to it as the page says."""
    for name in COPIED:
        shutil.copytree(ROOT / name, folder / name)
    (folder / "pretrained").symlink_to(ROOT / "pretrained")
    for block in blocks():
        if block.file is None:
            continue
        path = folder / block.file
        if block.language == "diff":
            path.write_text(changed(path.read_text(encoding="utf-8"), block.text), encoding="utf-8")
        else:
            assert not path.exists(), f"{block.file} is there already"
            path.parent.mkdir(exist_ok=True)
            path.write_text(block.text, encoding="utf-8")
    return folder


def changed(source: str, diff: str) -> str:
    """Apply a diff of one hunk without line numbers, whose old lines occur once in a source."""
    lines = [(line[:1], line[1:]) for line in diff.splitlines()]
    old = "".join(f"{text}\n" for sign, text in lines if sign != "+")
    new = "".join(f"{text}\n" for sign, text in lines if sign != "-")
    assert source.count(old) == 1, f"docs/extending.md changes what is not there once:\n{old}"
    return source.replace(old, new)
