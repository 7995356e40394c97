"""The data folder and downloads into it, which are complete or change nothing."""

import os
import shutil
import tarfile
import tempfile
import zlib
from collections.abc import Callable
from functools import partial
from pathlib import Path

from vae_core.data.source import RemoteFile, Source, md5
from vae_core.errors import DatasetError, LatentExplorerError
from vae_core.files import user_folder

ENVIRONMENT_VARIABLE = "VAE_DATA_DIR"
TIMEOUT_SECONDS = 30  # between two pieces of a response
CHUNK_BYTES = 2**16

Progress = Callable[[int, int], None]
"""Called as ``progress(done_bytes, total_bytes)``."""


def data_dir(explicit: str | Path | None = None) -> Path:
    """Return the data folder: ``explicit``, else ``VAE_DATA_DIR``, else the user's cache folder.

    The folder need not exist.
    """
    chosen = explicit or os.environ.get(ENVIRONMENT_VARIABLE)
    if chosen:
        return Path(chosen).expanduser()
    return user_folder("cache", ENVIRONMENT_VARIABLE)


def download(source: Source, root: Path, progress: Progress | None = None) -> Path:
    """Download the files of a source that are missing or not the original ones.

    All files are downloaded into a temporary folder inside the data folder and checked; then they
    are renamed into place. A download that is interrupted or wrong changes nothing. Parameters and
    errors are those of :func:`vae_core.data.download`.
    """
    if not source.files:
        raise DatasetError(f"{source.title} comes with the program: there is nothing to download.")
    report = progress or (lambda done, total: None)
    wanted = [file for file in source.files if not _is_original(file, root)]
    total = sum(file.size for file in wanted)
    done = 0
    try:
        root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".download-", dir=root) as folder:
            staging = Path(folder)
            for file in wanted:
                _fetch(file, staging, partial(_report, report, done, total))
                done += file.size
            for path in (path for file in wanted for path in file.provides()):
                (root / path).parent.mkdir(parents=True, exist_ok=True)
                (staging / path).chmod(0o644)  # temporary files are private to the user
                (staging / path).replace(root / path)
    except OSError as error:
        raise DatasetError(
            f"{source.title} could not be stored in {root} ({error.strerror or error})."
        ) from error
    return root


def _report(progress: Progress, before: int, total: int, count: int) -> None:
    progress(before + count, total)


def _is_original(file: RemoteFile, root: Path) -> bool:
    """Whether the data folder has the original file, or all files of the archive."""
    if file.members:
        paths = zip(file.provides(), file.members.values(), strict=True)
        return all(_size(root / path) == size for path, size in paths)
    path = root / file.path
    return _size(path) == file.size and md5(path.read_bytes()) == file.md5


def _size(path: Path) -> int | None:
    return path.stat().st_size if path.is_file() else None


def _fetch(file: RemoteFile, staging: Path, report: Callable[[int], None]) -> None:
    """Download one file into the staging folder, compare its checksum, unpack an archive."""
    import pooch
    import requests

    def stream(url: str, output: str, _: object) -> None:
        # Without this, a .gz file might be decoded and would not be the original.
        headers = {"Accept-Encoding": "identity"}
        with (
            requests.get(url, stream=True, timeout=TIMEOUT_SECONDS, headers=headers) as response,
            Path(output).open("wb") as target,
        ):
            response.raise_for_status()
            done = 0
            for chunk in response.iter_content(CHUNK_BYTES):
                done += len(chunk)
                if done > file.size:  # another file, perhaps an endless one
                    raise DatasetError(
                        f"{url} sent more than the expected {file.size:,} bytes. "
                        "Nothing was changed."
                    )
                target.write(chunk)
                report(done)

    target = staging / file.path
    pooch.get_logger().setLevel("WARNING")  # it prints every download on stderr
    try:
        pooch.retrieve(
            file.url,
            known_hash=f"md5:{file.md5}",
            fname=target.name,
            path=target.parent,
            downloader=stream,
        )
    except requests.exceptions.RequestException as error:
        raise DatasetError(
            f"{file.url} could not be downloaded ({type(error).__name__}): "
            "check the network and try again. Nothing was changed."
        ) from error
    except LatentExplorerError:
        raise
    except ValueError as error:  # pooch raises it if the checksum differs
        raise DatasetError(
            f"{file.url} did not send the original file, whose MD5 is {file.md5}. "
            "Nothing was changed."
        ) from error
    if file.members:
        _unpack(file, target)


def _unpack(file: RemoteFile, archive: Path) -> None:
    """Extract the expected members of a tar archive, and nothing else."""
    try:
        with tarfile.open(archive) as tar:
            for member, size in file.members.items():
                info = tar.getmember(member)
                content = tar.extractfile(info)
                if content is None or info.size != size:
                    raise DatasetError(
                        f"{file.url}: found {info.size:,} bytes in {member}, expected {size:,}."
                    )
                path = archive.parent / member
                path.parent.mkdir(parents=True, exist_ok=True)
                with path.open("wb") as target:
                    shutil.copyfileobj(content, target)
    except (tarfile.TarError, KeyError, EOFError, zlib.error) as error:
        raise DatasetError(f"{file.url}: not the expected archive ({error}).") from error
