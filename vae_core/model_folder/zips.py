"""Model folders as zip files."""

from __future__ import annotations

import contextlib
import io
import lzma
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

from vae_core.errors import CheckpointError
from vae_core.model_folder.card import BoltzmannCard
from vae_core.model_folder.folder import (
    CARD,
    CODES,
    FILES,
    MAX_BYTES,
    MAX_HEADER,
    WEIGHTS,
    Saved,
    SavedMachine,
    card_of,
    check_size,
    codes_of,
    locate,
    machine_kind,
    machine_of,
    model_of,
    parsed,
    weights_limit,
)

#: Entries of a zip; a model folder has four.
MAX_ENTRIES = 1000
_ENTRY = b"PK\x01\x02"  # what every entry of a zip's directory begins with
#: What Python's zip reader raises on damaged, encrypted or exotic archives.
_UNZIPPING = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    OSError,
    RuntimeError,  # encrypted, or a method that is not implemented
    ValueError,
    struct.error,  # an entry that begins behind the end
    OverflowError,
)
#: What a zip may be compressed with; others let a few bytes ask for gigabytes of memory.
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


def open_zip(content: bytes) -> Saved:
    """Open a zipped model folder from anywhere, without writing to disk.

    Only the known file names are read, at any depth of one folder. What they unpack to is
    bounded before they are unpacked: the card first, then the weights by the size that the card
    leads to, and all of them by ``MAX_BYTES``.

    Raises
    ------
    CheckpointError
        If it is no zip, has too many entries, lacks a file, or a file is a link, too large,
        damaged, there twice, or does not fit.
    """
    with _unzipping(content) as unpack:
        card = card_of(unpack(CARD, MAX_HEADER))
        weights = unpack(WEIGHTS, weights_limit(card))
        codes = unpack(CODES, MAX_BYTES - len(weights))
    return Saved(card=card, model=model_of(card, weights), codes=codes_of(card, codes))


def open_machine_zip(content: bytes) -> SavedMachine | None:
    """Open the zipped folder of a Boltzmann machine as :func:`open_zip` does; None for a VAE's."""
    with _unzipping(content) as unpack:
        about = unpack(CARD, MAX_HEADER)
        if machine_kind(about) is None:
            return None
        card = parsed(BoltzmannCard, about)
        weights = unpack(WEIGHTS, weights_limit(card))
    return SavedMachine(card, machine_of(card, weights))


@contextlib.contextmanager
def _unzipping(content: bytes) -> Iterator[Callable[[str, int], bytes]]:
    """Open a zip; yield what unpacks the file of a name, of so many bytes at most."""
    if content.count(_ENTRY) > MAX_ENTRIES:  # before a directory of a million is read
        raise CheckpointError(f"the zip has more than {MAX_ENTRIES} entries: zip one model folder")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = _known_entries(archive)

            def unpack(name: str, limit: int) -> bytes:
                if name not in entries:
                    raise CheckpointError(
                        f"the zip has no {name}; a model folder holds {', '.join(FILES)}"
                    )
                # No more is unpacked than an entry states, so that is what has to be bounded.
                check_size(name, entries[name].file_size, limit)
                with archive.open(entries[name]) as file:
                    return file.read()

            yield unpack
    except CheckpointError:
        raise
    except _UNZIPPING as error:
        raise CheckpointError(f"this is not a zip file that can be read: {error}") from error


def zip_folder(name_or_folder: str | Path) -> bytes:
    """Pack a model folder for :func:`open_zip`."""
    folder = locate(name_or_folder)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in FILES:
            if (folder / name).is_file():
                archive.write(folder / name, f"{folder.name}/{name}")
    return packed.getvalue()


def _known_entries(archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """Find the files of a model folder, by the last part of their names."""
    found: dict[str, zipfile.ZipInfo] = {}
    for entry in archive.infolist():
        name = entry.filename.replace("\\", "/").rsplit("/", 1)[-1]
        if name not in FILES or entry.is_dir():
            continue
        if name in found:
            raise CheckpointError(f"the zip holds {name} twice: zip one model folder")
        if (entry.external_attr >> 16) & 0o170000 == 0o120000:  # a Unix symbolic link
            raise CheckpointError(f"{name} is a link: zip the files themselves")
        if entry.compress_type not in _METHODS:
            raise CheckpointError(
                f"{name} is compressed in a way that is not read here: stored or deflated is needed"
            )
        found[name] = entry
    return found
