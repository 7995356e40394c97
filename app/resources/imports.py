"""Import uploaded models that were made elsewhere, each in a process that may die."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vae_core import model_folder
from vae_core.jobs.commands import Work

#: Seconds that a check and an import may take.
CHECK_SECONDS, IMPORT_SECONDS = 180, 600
#: Most pictures of an upload that are encoded.
LIMIT = 2_000
PREVIEW, FOLDER = "check.png", "model"
#: Longest name of an uploaded file.
MOST_OF_NAME = 60
ONNX = ".onnx"


@dataclass(frozen=True)
class Upload:
    """Uploaded files of a model: ONNX files in their order, and pictures.

    Attributes
    ----------
    networks
        One or two files with their names.
    pictures
        File with its name, or None for a dataset of this host or for a decoder alone.
    labels
        File of labels with its name, where they are not in that of the pictures.
    """

    networks: tuple[tuple[str, bytes], ...]
    pictures: tuple[str, bytes] | None = None
    labels: tuple[str, bytes] | None = None

    def parts(self) -> dict[str, int]:
        """Return the position of the encoder's and the decoder's file among the networks.

        Two files are told apart by their names, else by their order. One alone may hold both.
        """
        if len(self.networks) == 1:
            name = self.networks[0][0].lower()
            return {"decoder" if "dec" in name or "gen" in name else "encoder": 0}
        names = [name.lower() for name, _ in self.networks]
        swapped = "dec" in names[0] or "enc" in names[1]
        return {"encoder": 1, "decoder": 0} if swapped else {"encoder": 0, "decoder": 1}


def check(upload: Upload, stated: Mapping[str, str], *, dataset: str | None = None) -> Work:
    """Start a check: what is found, and a picture of reconstructions."""
    words, files = _words(upload, stated, dataset)
    words += ["--check", PREVIEW]
    return Work(words, files, collect=_preview, seconds=CHECK_SECONDS)


def run(
    upload: Upload, stated: Mapping[str, str], *, name: str, dataset: str | None = None
) -> Work:
    """Start an import, of which the zipped model folder is kept."""
    words, files = _words(upload, stated, dataset)
    words += ["--out", FOLDER, "--name", name]
    return Work(words, files, collect=_folder, seconds=IMPORT_SECONDS)


def _words(
    upload: Upload, stated: Mapping[str, str], dataset: str | None
) -> tuple[list[str], dict[str, bytes]]:
    """Return the words of a command, and its files under names of their own."""
    words = ["import", "--json", "--limit", str(LIMIT)]
    files: dict[str, bytes] = {}
    given = {part: upload.networks[position] for part, position in upload.parts().items()}
    given |= {
        option: file
        for option, file in (("dataset", upload.pictures), ("labels", upload.labels))
        if file is not None
    }
    for option, (original, content) in given.items():
        name = safe_name(original, option)
        if name in files:
            name = f"{option}-{name}"
        files[name] = content
        words += [f"--{option}", name]
    if upload.pictures is None and dataset is not None:
        words += ["--dataset", dataset]
    for option, value in stated.items():
        words += [f"--{option}", value]
    return words, files


def safe_name(original: str, option: str) -> str:
    """Return the name that an uploaded file has for its command, which the card will show."""
    name = re.sub(r"[^\w.-]+", "-", Path(original.replace("\\", "/")).name)[-MOST_OF_NAME:]
    return name if re.match(r"\w", name) else f"{option}{name}"


def _preview(folder: Path) -> dict[str, bytes]:
    return {PREVIEW: (folder / PREVIEW).read_bytes()}


def _folder(folder: Path) -> dict[str, bytes]:
    return {"zip": model_folder.zip_folder(folder / FOLDER), **_preview(folder / FOLDER)}


def found(result: Mapping[str, Any]) -> list[str]:
    """Return the sentences of a check."""
    return [str(sentence) for sentence in result.get("found", [])]
