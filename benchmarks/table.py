"""Rows of figures, held against goals, and the table that README.md shows between two markers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from benchmarks.timing import Spread

BEGIN, END = "<!-- bench: begin -->", "<!-- bench: end -->"
#: What a goal is held against: "at least" or "at most" a limit.
Sense = Literal["≥", "≤", "<"]


@dataclass(frozen=True)
class Goal:
    """A limit, and on which side of it a figure should lie."""

    sense: Sense
    limit: float

    def is_met(self, figure: float) -> bool:
        """Whether a figure reaches the goal; one that is not a number does not."""
        return {
            "≥": figure >= self.limit,
            "≤": figure <= self.limit,
            "<": figure < self.limit,
        }[self.sense]


def at_least(limit: float) -> Goal:
    """Limit from below."""
    return Goal("≥", limit)


def at_most(limit: float) -> Goal:
    """Limit from above."""
    return Goal("≤", limit)


def below(limit: float) -> Goal:
    """Limit from above, itself excluded."""
    return Goal("<", limit)


@dataclass(frozen=True)
class Row:
    """One figure: what was measured, in which unit, its spread, and its goal if it has one.

    ``figure`` is None where nothing could be measured; ``note`` then says why.
    """

    work: str
    figure: float | None
    unit: str = ""
    low: float | None = None
    high: float | None = None
    goal: Goal | None = None
    note: str = ""

    @property
    def reached(self) -> bool | None:
        """Whether the goal is met; None without a goal, or without a figure."""
        if self.goal is None or self.figure is None:
            return None
        return self.goal.is_met(self.figure)

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON, the verdict included."""
        return asdict(self) | {"reached": self.reached}

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Row:
        """Read back what :meth:`as_dict` gave; the verdict is computed anew."""
        given = {name: value for name, value in values.items() if name != "reached"}
        goal = given.pop("goal")
        return cls(**given, goal=None if goal is None else Goal(**goal))


def row(work: str, measured: Spread, unit: str, goal: Goal | None = None, note: str = "") -> Row:
    """State the median of several rounds, with the lowest and the highest."""
    return Row(work, measured.median, unit, measured.low, measured.high, goal, note)


def plain(value: float, unit: str) -> str:
    """Write a figure with three digits that count; nats with two places, a count as it is."""
    if isinstance(value, int):
        return f"{value:,}"
    if not math.isfinite(value):
        return "—"
    if value == 0:
        return "0"
    places = 2 if unit == "nats" else max(0, 2 - math.floor(math.log10(abs(value))))
    return f"{value:,.{places}f}"


def number(value: float, unit: str) -> str:
    """Write a figure and its unit."""
    return plain(value, unit) + _unit(unit)


def markdown(rows: Sequence[Row]) -> str:
    """Write rows as a table: those with a goal first, since they decide."""
    lines = ["| work | figure | rounds | goal | |", "|---|---|---|---|---|"]
    ordered = sorted(rows, key=lambda row: row.goal is None)
    for one in ordered:
        work = f"{one.work} ({one.note})" if one.note else one.work
        figure = "—" if one.figure is None else number(one.figure, one.unit)
        spread = ""
        if one.low is not None and one.high is not None:
            spread = f"{plain(one.low, one.unit)} – {plain(one.high, one.unit)}"
        goal = "" if one.goal is None else f"{one.goal.sense} {one.goal.limit:g}{_unit(one.unit)}"
        verdict = {True: "reached", False: "**missed**", None: ""}[one.reached]
        if one.goal is not None and one.figure is None:
            verdict = "not measured"
        lines.append(f"| {work} | {figure} | {spread} | {goal} | {verdict} |")
    return "\n".join(lines)


def _unit(unit: str) -> str:
    return unit if unit in ("×", "") else f" {unit}"


def page(record: Mapping[str, Any]) -> str:
    """Write what a record of ``benchmarks.bench`` says, section by section."""
    said = record["machine"]
    parts_of_it = [f"{said['memory (GB)']} GB", *filter(None, [said.get("GPU")])]
    parts = [
        f"Measured on {record['date']}: {said['processor']}, {said['cores in use']} of "
        f"{said['cores']} cores in use, {record['threads']} threads, {', '.join(parts_of_it)}; "
        + ", ".join(
            f"{name} {value}" for name, value in (record["paths"] | record["versions"]).items()
        )
        + ". A figure is a median, with the lowest and the highest of its rounds; a ratio is taken "
        "round by round."
    ]
    for name, section in record["sections"].items():
        rows = [Row.of(values) for values in section["rows"]]
        load = f"load before {section['load before']}"
        parts.append(f"### {section['title']}\n\n{markdown(rows)}\n\n`{name}`, {load}.")
        if section["plot"]:
            parts.append(f"![{section['title']}](results/{section['plot']})")
    return "\n\n".join(parts)


def insert(text: str, content: str) -> str:
    """Replace what lies between the markers of a page."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the page needs {BEGIN} and {END}")
    return f"{before}{BEGIN}\n{content}\n{END}{after}"


def render(records: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Put records' tables into a page, one record after another."""
    content = "\n\n".join(map(page, records))
    path.write_text(insert(path.read_text(encoding="utf-8"), content), encoding="utf-8")
