"""What is measured, section by section: one module each, with a title and ``measure``."""

from __future__ import annotations

from dataclasses import dataclass, field

from benchmarks.table import Row
from benchmarks.timing import Spread


@dataclass(frozen=True)
class Found:
    """What a section found: rows for the table, every value of every round, and a plot if any.

    ``plot`` is a file of ``benchmarks/results``.
    """

    rows: list[Row]
    rounds: dict[str, Spread] = field(default_factory=dict)
    plot: str = ""

    def __add__(self, other: Found) -> Found:
        """Join what two parts of a section found."""
        return Found(self.rows + other.rows, self.rounds | other.rounds, self.plot or other.plot)
