"""The one range of values that a dataset's pictures share, and its conversion to 0–255."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vae_core.errors import DatasetError

BIT_DEPTHS = (8, 10, 12, 14, 16)
FLOAT_TOPS = (1.0, 255.0, 65_535.0)


@dataclass(frozen=True)
class Extremes:
    """Smallest and largest finite value of some pictures, and whether any value is not finite.

    ``kind`` is NumPy's letter of the type: "b", "u", "i" or "f"; ``bits`` is its size.
    """

    kind: str
    bits: int
    low: float
    high: float
    all_finite: bool = True

    @classmethod
    def of(cls, values: NDArray[Any]) -> Extremes:
        """Find the extremes of an array; of one without finite values they are 0."""
        kind, bits = values.dtype.kind, 8 * values.dtype.itemsize
        if values.size == 0:
            return cls(kind, bits, 0.0, 0.0)
        low, high = values.min(), values.max()
        if kind == "f" and not (np.isfinite(low) and np.isfinite(high)):
            finite = values[np.isfinite(values)]
            low, high = (finite.min(), finite.max()) if finite.size else (0.0, 0.0)
            return cls(kind, bits, float(low), float(high), all_finite=False)
        return cls(kind, bits, float(low), float(high))

    def __or__(self, other: Extremes) -> Extremes:
        """Join the extremes of two sets of pictures; floats win over whole numbers."""
        kind = "f" if "f" in (self.kind, other.kind) else max(self.kind, other.kind)
        return Extremes(
            kind,
            max(self.bits, other.bits),
            min(self.low, other.low),
            max(self.high, other.high),
            self.all_finite and other.all_finite,
        )


@dataclass(frozen=True)
class Range:
    """Values that become 0 and 255, and why they were chosen.

    Attributes
    ----------
    low, high
        Values that become black and white; what lies outside is clipped.
    reason
        Part of a sentence: "by the type", "the smallest and the largest value".
    """

    low: float
    high: float
    reason: str

    @classmethod
    def of(cls, found: Extremes) -> Range:
        """Choose the range of a dataset by its type, or else by its extremes.

        Whole numbers of more than 8 bits have as many bits as cameras and scanners give that hold
        the largest. Floating point is in [0, 1], [-1, 1], or in the range of 8 or 16 bits. What has
        other negative values, or larger ones, is scaled by its extremes.
        """
        low, high = found.low, found.high
        if found.kind == "b" or (found.kind in "ui" and low >= 0 and high <= 1):
            return cls(0, 1, "black and white")
        if found.kind in "ui" and low >= 0:
            bits = next((bits for bits in BIT_DEPTHS if high <= 2**bits - 1), None)
            if bits is not None:
                return cls(0, 2**bits - 1, f"{bits} bits")
        if found.kind == "f" and low >= 0:
            top = next((top for top in FLOAT_TOPS if high <= top), None)
            if top is not None:
                return cls(0, top, f"floating point from 0 to {top:g}")
        if found.kind == "f" and low >= -1 and high <= 1:
            return cls(-1, 1, "floating point from -1 to 1")
        return cls(low, high, "the smallest and the largest value")

    @property
    def sentence(self) -> str:
        """What was done to values, for every picture alike."""
        return f"Values from {self.low:g} to {self.high:g} become 0 to 255 ({self.reason})."

    def to_bytes(self, values: NDArray[Any]) -> NDArray[np.uint8]:
        """Bring values of any shape to 0–255; what is not finite becomes black."""
        if values.dtype == np.uint8 and (self.low, self.high) == (0, 255):
            return values
        span = self.high - self.low
        if not span > 0:
            return np.zeros(values.shape, dtype=np.uint8)
        unit = (values.astype(np.float32) - self.low) / span
        unit[~np.isfinite(unit)] = 0
        levels: NDArray[np.uint8] = np.rint(255 * unit.clip(0, 1)).astype(np.uint8)
        return levels


def check_numeric(dtype: np.dtype[Any], name: str) -> None:
    """Refuse arrays that do not hold real numbers.

    Raises
    ------
    DatasetError
        If the type is complex, text, a date or an object.
    """
    if dtype.kind not in "buif":
        raise DatasetError(
            f"{name} holds values of type {dtype}; pictures are whole numbers, floating point or "
            "true and false."
        )
