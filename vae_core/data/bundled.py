"""The 1,797 handwritten digits of 8 × 8 pixels that come with scikit-learn."""

from pathlib import Path

import numpy as np
import torch

from vae_core.data.dataset import ImageDataset, Split
from vae_core.data.source import Source

LEVELS = 16  # the originals count black pixels in 4 × 4 blocks: 0 to 16
TEST_COUNT = 360


def load_digits(root: Path) -> ImageDataset:
    """Return the digits, grey values scaled to 0–255, in a stratified split of 1,437 and 360."""
    from sklearn.datasets import load_digits as bundled_digits
    from sklearn.model_selection import train_test_split

    bunch = bundled_digits()
    images = torch.from_numpy(np.rint(bunch.images * (255 / LEVELS)).astype(np.uint8))
    labels = torch.from_numpy(bunch.target.astype(np.int64))
    everything = Split(images=images.unsqueeze(1), labels=labels, ids=torch.arange(len(labels)))
    train, test = train_test_split(
        np.arange(len(labels)), test_size=TEST_COUNT, stratify=bunch.target, random_state=0
    )
    return ImageDataset(
        name="digits",
        title="Digits 8 × 8",
        train=everything.take(torch.from_numpy(np.sort(train))),
        test=everything.take(torch.from_numpy(np.sort(test))),
        classes=tuple("0123456789"),
    )


DIGITS = Source(
    name="digits",
    title="Digits 8 × 8",
    load=load_digits,
    home="https://archive.ics.uci.edu/dataset/80",
    licence="CC BY 4.0",
)
