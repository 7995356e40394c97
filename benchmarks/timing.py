"""Figures from repeated measurements: spreads, ratios, growth."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

Say = Callable[[str], None]


@dataclass(frozen=True)
class Spread:
    """What several rounds measured, in the order in which they were made."""

    values: tuple[float, ...]

    @property
    def median(self) -> float:
        """The middle value."""
        return statistics.median(self.values)

    @property
    def low(self) -> float:
        """The lowest value."""
        return min(self.values)

    @property
    def high(self) -> float:
        """The highest value."""
        return max(self.values)

    @property
    def se(self) -> float:
        """Standard error of the mean; not a number for one value."""
        if len(self.values) < 2:
            return math.nan
        return statistics.stdev(self.values) / math.sqrt(len(self.values))

    def times(self, factor: float) -> Spread:
        """Each value in another unit."""
        return Spread(tuple(factor * value for value in self.values))

    def inverse(self, numerator: float) -> Spread:
        """Divide ``numerator`` by each value: seconds to rates, say."""
        return Spread(tuple(numerator / value for value in self.values))


def ratios(above: Spread, below: Spread) -> Spread:
    """Divide two interleaved series round by round, so that what both suffered cancels."""
    return Spread(tuple(a / b for a, b in zip(above.values, below.values, strict=True)))


def interleave(
    measured: Mapping[str, Callable[[], float]], rounds: int, say: Say, *, warm_up: bool = True
) -> dict[str, Spread]:
    """Measure everything in turn, A B A B, so that a drift of the machine meets all alike.

    Parameters
    ----------
    measured
        Each makes one measurement, usually seconds.
    rounds
        How often each is measured.
    warm_up
        Whether a first round is made that does not count; never before a single one.
    """
    found: dict[str, list[float]] = {name: [] for name in measured}
    for turn in range(-1 if warm_up and rounds > 1 else 0, rounds):
        for name, measure in measured.items():
            value = measure()
            if turn >= 0:
                found[name].append(value)
        told = ", ".join(f"{name} {values[-1]:.4g}" for name, values in found.items() if values)
        say(f"round {turn + 1} of {rounds}: {told}" if told else "warm")
    return {name: Spread(tuple(values)) for name, values in found.items()}


def exponent(sizes: Sequence[float], values: Sequence[float]) -> float:
    """Fit values ∝ size^exponent by least squares of the logarithms."""
    x, y = [math.log(size) for size in sizes], [math.log(value) for value in values]
    return statistics.linear_regression(x, y).slope


def gap(one: Spread, other: Spread) -> tuple[float, float]:
    """Difference of two means of independent series, and the standard error of it."""
    difference = statistics.fmean(one.values) - statistics.fmean(other.values)
    return difference, math.hypot(one.se, other.se)
