"""Read and write zip files of model folders."""

from __future__ import annotations

import contextlib
import io
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

from vae_core import columns
from vae_core.data import own
from vae_core.errors import CheckpointError
from vae_core.files import UNZIP_ERRORS, is_link
from vae_core.model_folder.card import BoltzmannCard, ImportedCard
from vae_core.model_folder.folder import (
    CARD,
    CODES,
    FILES,
    MAX_BYTES,
    MAX_HEADER,
    OPTIONAL,
    PICTURES,
    WEIGHTS,
    Saved,
    SavedMachine,
    card_of,
    check_size,
    codes_of,
    load_card,
    locate,
    machine_kind,
    machine_of,
    model_of,
    parsed,
    pictures_of,
    weights_limit,
    with_columns,
    written,
)

#: Entries of a zip; a model folder has four.
MAX_ENTRIES = 1000
_ENTRY = b"PK\x01\x02"  # first bytes of each entry in the directory of a zip
#: Allowed compression methods; with others a few bytes could use gigabytes of memory.
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


def open_zip(content: bytes) -> Saved:
    """Open a zipped model folder, without writing to the disk.

    Only files with the names of a model folder are read, at any depth. The size of each is limited
    before it is unpacked: that of the weights by the card, that of all files by ``MAX_BYTES``.

    Raises
    ------
    CheckpointError
        If it is not a zip, has too many entries, lacks a file, or a file is a link, too large,
        damaged, duplicate, or inconsistent with the card.
    """
    with _unzipping(content) as unpack:
        card = card_of(unpack(CARD, MAX_HEADER))
        weights = unpack(WEIGHTS, weights_limit(card))
        encoded = unpack(CODES, MAX_BYTES - len(weights))
        images = b""
        if isinstance(card, ImportedCard):
            images = unpack(PICTURES, MAX_BYTES - len(weights) - len(encoded), optional=True)
        beside = unpack(columns.FILE, columns.MAX_BYTES, optional=True)
    codes = codes_of(card, encoded)
    if beside:
        codes = with_columns(codes, beside)
    pictures = pictures_of(card, codes, images) if images else None
    return Saved(card=card, model=model_of(card, weights), codes=codes, pictures=pictures)


def open_machine_zip(content: bytes) -> SavedMachine | None:
    """Open the zipped folder of a Boltzmann machine as :func:`open_zip` does; None for a VAE."""
    with _unzipping(content) as unpack:
        text = unpack(CARD, MAX_HEADER)
        if machine_kind(text) is None:
            return None
        card = parsed(BoltzmannCard, text)
        weights = unpack(WEIGHTS, weights_limit(card))
    return SavedMachine(card, machine_of(card, weights))


@contextlib.contextmanager
def _unzipping(content: bytes) -> Iterator[Callable[..., bytes]]:
    """Open a zip; yield a function from a name and a size limit to the content of that file.

    A file that is ``optional`` is empty where there is none.
    """
    if content.count(_ENTRY) > MAX_ENTRIES:  # checked before the directory is read
        raise CheckpointError(f"the zip has more than {MAX_ENTRIES} entries: zip one model folder")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = _known_entries(archive)

            def unpack(name: str, limit: int, *, optional: bool = False) -> bytes:
                if name not in entries and optional:
                    return b""
                if name not in entries:
                    raise CheckpointError(
                        f"the zip has no {name}; a model folder holds {', '.join(FILES)}"
                    )
                # Python unpacks no more than an entry states.
                check_size(name, entries[name].file_size, limit)
                with archive.open(entries[name]) as file:
                    return file.read()

            yield unpack
    except CheckpointError:
        raise
    except UNZIP_ERRORS as error:
        raise CheckpointError(f"this is not a zip file that can be read: {error}") from error


def zip_folder(name_or_folder: str | Path) -> bytes:
    """Pack a model folder for :func:`open_zip`; its card has own data's title, not its path."""
    folder = locate(name_or_folder)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in (*FILES, *OPTIONAL):
            if not (folder / name).is_file():
                continue
            shared = _shared_card(folder) if name == CARD else None
            if shared is None:
                archive.write(folder / name, f"{folder.name}/{name}")
            else:
                archive.writestr(f"{folder.name}/{name}", shared)
    return packed.getvalue()


def _shared_card(folder: Path) -> bytes | None:
    """Return a card without the path that its dataset is; None for one that has no path."""
    if machine_kind((folder / CARD).read_bytes()) is not None:
        return None
    card = load_card(folder)
    if isinstance(card, ImportedCard):
        return None if card.data is None else written(card.shared())
    title = own.title_of(card.dataset)
    return None if title == card.dataset else written(card.shared(title))


def _known_entries(archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """Return the entries of a model folder's files by the last part of their paths."""
    found: dict[str, zipfile.ZipInfo] = {}
    for entry in archive.infolist():
        name = entry.filename.replace("\\", "/").rsplit("/", 1)[-1]
        if name not in (*FILES, *OPTIONAL) or entry.is_dir():
            continue
        if name in found:
            raise CheckpointError(f"the zip has {name} twice: zip one model folder")
        if is_link(entry):
            raise CheckpointError(f"{name} is a link: zip the files themselves")
        if entry.compress_type not in _METHODS:
            raise CheckpointError(
                f"{name} has an unsupported compression: stored or deflated is needed"
            )
        found[name] = entry
    return found
