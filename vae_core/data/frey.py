"""Frey Face: 1,965 frames of one face, 28 × 20 pixels, from a short film (Brendan Frey).

The original file is a MATLAB 5 file with one variable, ``ff``: uint8, one column per frame.
"""

import hashlib
import io
from pathlib import Path
from typing import Any

import numpy as np
import torch

from vae_core.data.dataset import ImageDataset, Split, permutation
from vae_core.data.source import RemoteFile, Source
from vae_core.errors import DatasetError

FILE = "frey-face/frey_rawface.mat"
VARIABLE = "ff"
COUNT, HEIGHT, WIDTH = 1_965, 28, 20
MAX_BYTES = 16 * 2**20  # the original has 1.1 MB; this bounds what a foreign file may cost

TRAIN, VALIDATION, TEST = 1_565, 200, 200  # as in VampPrior (arXiv 1705.07120)
SPLIT_SEED = 0


def load(root: Path) -> ImageDataset:
    """Read the faces and split them.

    The field's protocol shuffles the frames, which follow each other in time, and takes the first
    1,565 for training, the next 200 for validation and the last 200 for the test. The shuffle's
    seed was never published; here it is fixed, so the split is the same everywhere.
    """
    path = root / FILE
    try:
        if path.stat().st_size > MAX_BYTES:
            raise DatasetError(
                f"{path}: found {path.stat().st_size:,} bytes, expected at most {MAX_BYTES:,}."
            )
        packed = path.read_bytes()
    except OSError as error:
        raise DatasetError(f"{path} cannot be read: {error.strerror}.") from error
    images = parse(packed, name=str(path)).unsqueeze(1)
    order = permutation(COUNT, SPLIT_SEED)

    def split(rows: torch.Tensor) -> Split:
        ids = rows.sort().values
        return Split(images=images[ids], labels=None, ids=ids)

    return ImageDataset(
        name="frey-face",
        title="Frey Face",
        train=split(order[:TRAIN]),
        validation=split(order[TRAIN : TRAIN + VALIDATION]),
        test=split(order[TRAIN + VALIDATION :]),
        checksums={path.name: hashlib.md5(packed, usedforsecurity=False).hexdigest()},
    )


def parse(packed: bytes, *, name: str) -> torch.Tensor:
    """Read the MATLAB file.

    Parameters
    ----------
    packed
        The file's bytes.
    name
        How errors call the file.

    Returns
    -------
    Tensor
        uint8, (1965, 28, 20).

    Raises
    ------
    DatasetError
        If the file is no MATLAB 5 file, is damaged, or holds something else.
    """
    import scipy.io

    shape = (HEIGHT * WIDTH, COUNT)
    expected = f"expected one variable {VARIABLE!r}, uint8, {shape[0]} × {shape[1]}"

    def read(function: Any, **settings: Any) -> Any:
        try:
            return function(io.BytesIO(packed), **settings)
        except Exception as error:  # scipy's parser raises whatever a broken byte leads it to
            raise DatasetError(
                f"{name}: found no complete MATLAB 5 file ({error}), {expected}."
            ) from error

    # The table of contents first: nothing large is unpacked before it is known to be right.
    found = read(scipy.io.whosmat)
    if (VARIABLE, shape, "uint8") not in found:
        listing = ", ".join(
            f"{variable!r}, {kind}, {' × '.join(map(str, sides))}"
            for variable, sides, kind in found
        )
        raise DatasetError(f"{name}: found {listing or 'no variable'}, {expected}.")
    columns = read(scipy.io.loadmat, variable_names=[VARIABLE]).get(VARIABLE)
    if columns is None or columns.shape != shape or columns.dtype != np.uint8:
        raise DatasetError(f"{name}: found a damaged variable {VARIABLE!r}, {expected}.")
    return torch.from_numpy(np.ascontiguousarray(columns.T).reshape(COUNT, HEIGHT, WIDTH))


FREY_FACE = Source(
    name="frey-face",
    title="Frey Face",
    load=load,
    home="https://cs.nyu.edu/~roweis/data.html",
    licence="none stated; collected by Brendan Frey",
    files=(
        RemoteFile(
            path=FILE,
            url="https://cs.nyu.edu/~roweis/data/frey_rawface.mat",
            md5="5aeb024d42b8a6091f30e5eb18c8a48d",
            size=1_100_584,
        ),
    ),
)
