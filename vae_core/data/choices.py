"""What a person says of own data."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Choices:
    """What a person says where a file leaves it open; None where nothing was said.

    Attributes
    ----------
    image_shape
        (c, h, w) of the pictures.
    pictures, labels
        Names of the arrays of an ``.npz`` file.
    transpose
        Whether rows and columns are exchanged, as EMNIST needs.
    """

    image_shape: tuple[int, int, int] | None = None
    pictures: str | None = None
    labels: str | None = None
    transpose: bool = False


NOTHING_SAID = Choices()
