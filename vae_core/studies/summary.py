"""Summarise the results of studies: metrics of cells, and goals reached or missed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from vae_core.studies.running import RESULTS, judged, read
from vae_core.studies.study import Json, Study


def read_results(studies: Mapping[str, Study], folder: Path = RESULTS) -> dict[str, Json | None]:
    """Read the result of each study; None if it has not been run."""
    paths = {name: folder / f"{name}.json" for name in studies}
    return {name: read(path) if path.exists() else None for name, path in paths.items()}


def state(study: Study, result: Json | None) -> str:
    """Describe how much of a study was run, in a few words."""
    if result is None:
        return "not run here"
    cells = f"{len(result['cells'])} of {len(study.cells)} cells"
    return f"{cells}, {result['seconds'] / 60:.0f} min"


def verdicts(study: Study, result: Json | None) -> list[tuple[str, str, str]]:
    """Return a row of text for each goal and comparison that a study declares.

    Returns
    -------
    list of tuple
        The goal, the value, and "reached", by how much it is missed, or "not run".
    """
    goals, comparisons = judged(study, result)
    lines = [
        (f"{goal['cell']}: {goal['metric']} {_bounds(goal)}", _found(goal), _verdict(goal))
        for goal in goals
    ]
    for one in comparisons:
        wanted = f"{one['one']} − {one['other']}: {one['metric']} {_bounds(one)}".rstrip()
        if one["beyond_error"]:
            wanted += ", by 3 standard errors"
        lines.append((wanted, _found(one), _verdict(one)))
    return lines


def markdown(studies: Mapping[str, Study], results: Mapping[str, Json | None]) -> str:
    """Format all studies as Markdown: source, metrics of cells, goals and notes."""
    parts = []
    for name, study in studies.items():
        result = results[name]
        lines = [
            f"## {study.title}",
            f"`python -m vae_core study {name}` · {study.reproduces} · {state(study, result)}",
            study.protocol,
        ]
        if result is not None:
            lines.append(_table(result))
        if goals := verdicts(study, result):
            rows = [f"| {' | '.join(line)} |" for line in goals]
            lines.append("\n".join(["| goal | result | |", "|---|---|---|", *rows]))
        if study.notes:
            lines.append("\n".join(f"- {note}" for note in study.notes))
        parts.append("\n\n".join(lines))
    return "\n\n".join(parts)


def _table(result: Json) -> str:
    metrics = list(dict.fromkeys(name for cell in result["cells"] for name in cell["metrics"]))
    lines = [f"| | {' | '.join(metrics)} |", "|---" * (1 + len(metrics)) + "|"]
    for cell in result["cells"]:
        row = [
            _measured(cell["metrics"][name]) if name in cell["metrics"] else "" for name in metrics
        ]
        lines.append(f"| {cell['name']} | {' | '.join(row)} |")
    return "\n".join(lines)


def _bounds(one: Json) -> str:
    bounds = {"≥": one["at_least"], "≤": one["at_most"]}
    return ", ".join(f"{sign} {value:g}" for sign, value in bounds.items() if value is not None)


def _found(one: Json) -> str:
    return "" if one["value"] is None else _measured({"se": None} | one)


def _verdict(one: Json) -> str:
    if one["value"] is None:
        return "not judged yet" if one["run"] else "not run"
    if not (_bounds(one) or one.get("beyond_error")):
        return ""
    if one["met"]:
        return "reached"
    return f"missed by {_number(one['missed_by'])}" if one["missed_by"] else "within the error"


def _measured(found: Json) -> str:
    """Format a value with its standard error, if it has one."""
    error = "" if found["se"] is None else f" ± {_number(found['se'])}"
    return _number(found["value"]) + error


def _number(value: float) -> str:
    return f"{value:.3g}" if abs(value) < 1 else f"{value:.2f}"
