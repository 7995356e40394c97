"""Write files atomically, and read zip files from unknown sources."""

from __future__ import annotations

import errno
import lzma
import os
import struct
import tempfile
import zipfile
import zlib
from pathlib import Path
from typing import Literal

from vae_core.errors import ConfigError

#: Error numbers of a full disk, an exhausted quota and a file above its size limit.
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
#: Exceptions of Python's zip reader for damaged, encrypted or unsupported files.
UNZIP_ERRORS = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    OSError,
    RuntimeError,  # encrypted, or a method that is not implemented
    ValueError,
    struct.error,  # an entry that begins after the end of the file
    OverflowError,
)


def user_folder(kind: Literal["data", "cache"], variable: str) -> Path:
    """Return the user's own folder for data or for caches, which need not exist.

    Raises
    ------
    ConfigError
        If the user has no home; the sentence names the variable that takes another folder.
    """
    import platformdirs

    try:
        find = platformdirs.user_data_path if kind == "data" else platformdirs.user_cache_path
        return find("latent-explorer")
    except RuntimeError as error:
        raise ConfigError(f"this user has no home folder: name a folder by {variable}") from error


def write_atomically(path: Path, content: bytes) -> None:
    """Replace the content of ``path``: write a temporary file beside it, flush, rename."""
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
        flush(path.parent)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def is_full(error: OSError) -> bool:
    """Return whether a write failed because there is no space."""
    return error.errno in FULL


def flush(path: Path) -> None:
    """Wait until a file's appended content, or a folder's list of names, is on the disk."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except (FileNotFoundError, PermissionError):  # Windows opens no folders
        return
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def is_link(entry: zipfile.ZipInfo) -> bool:
    """Return whether an entry of a zip file is a Unix symbolic link."""
    return (entry.external_attr >> 16) & 0o170000 == 0o120000
