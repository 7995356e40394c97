"""Run the cells of a study and write the result file."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import functools
import hashlib
import importlib.metadata
import json
import platform
import time
from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path

import filelock
import safetensors
import safetensors.torch
from torch import Tensor

from vae_core import model_folder
from vae_core.data import load_dataset
from vae_core.errors import CheckpointError, ConfigError
from vae_core.evaluation import Estimate
from vae_core.files import write_atomically
from vae_core.studies.study import Cell, Comparison, Context, Goal, Json, Outcome, Say, Study

FORMAT_VERSION = 1
#: Folder of the published results; folder of the results of quick runs, and of models that a study
#: saves.
RESULTS, WORK = model_folder.PRETRAINED / "studies", Path("build/studies")
#: Standard errors above which a difference is significant.
SIGNIFICANT = 3.0


def run(
    study: Study,
    *,
    quick: bool = False,
    out: Path | None = None,
    data_dir: Path | None = None,
    only: Collection[str] = (),
    say: Say = lambda stage: None,
    work: Path | None = None,
) -> Json:
    """Run the unfinished cells of a study that no other process is running.

    The result file is written after each cell.

    Parameters
    ----------
    quick
        Whether to use small data and few epochs, as a test: the metrics mean nothing, are marked
        as quick, and are written elsewhere.
    out
        Result file; by default ``pretrained/studies/<name>.json``, or ``build/studies`` for
        a quick run.
    only
        Names of the cells to run; none means all.
    work
        Folder for locks and for models that cells save; by default ``build/studies``.

    Returns
    -------
    dict
        Content of the result file.

    Raises
    ------
    CheckpointError
        If ``out`` exists and is not a result of this study.
    ConfigError
        If ``only`` names a cell that the study does not have.
    """
    check_cells(study, only)
    work = work or WORK
    out = result_file(study, quick=quick, out=out)
    out.parent.mkdir(parents=True, exist_ok=True)
    _finished(out, study, quick)  # raises for another file
    context = Context(
        quick=quick,
        say=say,
        load=functools.cache(functools.partial(load_dataset, data_dir=data_dir)),
        work=work / study.name / ("quick" if quick else "full"),
    )
    for number, cell in enumerate(study.cells, start=1):
        if only and cell.name not in only:
            continue
        place = f"{number}/{len(study.cells)} {cell.name}"

        def report(stage: str, place: str = place) -> None:
            say(f"{place}: {stage}")

        with _claimed(_lock(work, out, cell.fingerprint)) as mine:
            if not mine:
                report("another process is running it")
            elif cell.name in _finished(out, study, quick)[0]:
                report("finished before")
            else:
                began = time.perf_counter()
                outcome = cell.run(dataclasses.replace(context, say=report))
                found = _as_json(cell, outcome, seconds=time.perf_counter() - began)
                columns = _compared_values(study, cell, outcome)
                _add(work, out, study, quick, {cell.name: found}, columns)
    return _add(work, out, study, quick, {}, {})


def check_cells(study: Study, only: Collection[str]) -> None:
    """Check that all names are cells of a study.

    Raises
    ------
    ConfigError
        Otherwise; lists the cells.
    """
    known = [cell.name for cell in study.cells]
    for name in only:
        if name not in known:
            raise ConfigError(f"cell {name!r}: {study.name} has {'; '.join(known)}")


def result_file(study: Study, *, quick: bool, out: Path | None) -> Path:
    """Return ``out``, or the default path of a study's result file."""
    return out or (WORK if quick else RESULTS) / f"{study.name}.json"


def read(path: Path) -> Json:
    """Read a result file.

    Raises
    ------
    CheckpointError
        If it cannot be read or is not a result of a study.
    """
    try:
        result = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise CheckpointError(f"{path} is no result of a study: {error}") from error
    if not isinstance(result, dict) or result.get("format_version") != FORMAT_VERSION:
        raise CheckpointError(f"{path} is no result of a study of format {FORMAT_VERSION}")
    return result


def judged(study: Study, result: Json | None) -> tuple[list[Json], list[Json]]:
    """Return the goals and the comparisons that a study declares, as judged in its result.

    Those that are not judged, or by cells that the result no longer has, have the value None, and
    ``run`` is whether the result has their cells. Quick runs have no goals.
    """
    result = result or {"quick": False, "cells": [], "goals": [], "comparisons": []}
    names = {cell["name"] for cell in result["cells"]}
    goals = [_judgement(goal, result["goals"], goal.cell in names) for goal in study.goals]
    comparisons = [
        _judgement(one, result["comparisons"], names >= {one.one, one.other})
        for one in study.comparisons
    ]
    return [] if result["quick"] else goals, comparisons


def _judgement(declared: Goal | Comparison, judged: list[Json], run: bool) -> Json:
    fields = asdict(declared)
    found = (one for one in judged if run and fields.items() <= one.items())
    return next(found, fields | {"value": None, "run": run})


def _lock(work: Path, out: Path, what: str) -> Path:
    """Return the path of the lock of a cell of a result file, or of the file itself."""
    folder = work / "locks" / hashlib.sha256(str(out.resolve()).encode()).hexdigest()[:16]
    folder.mkdir(parents=True, exist_ok=True)
    return folder / what


@contextlib.contextmanager
def _claimed(path: Path) -> Iterator[bool]:
    """Try to hold a lock for the block; yield whether it is held."""
    lock = filelock.FileLock(path)
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout:
        yield False
        return
    try:
        yield True
    finally:
        lock.release()


def _compared_values(study: Study, cell: Cell, outcome: Outcome) -> dict[str, Tensor]:
    compared = {one.metric for one in study.comparisons}
    return {
        f"{cell.name}/{metric}": column.float().contiguous()
        for metric, column in outcome.values.items()
        if metric in compared
    }


def _add(
    work: Path,
    out: Path,
    study: Study,
    quick: bool,
    cells: dict[str, Json],
    columns: dict[str, Tensor],
) -> Json:
    """Add cells to the result file and keep those that other processes have added meanwhile."""
    with filelock.FileLock(_lock(work, out, "result")):
        finished, values = _finished(out, study, quick)
        finished, values = finished | cells, values | columns
        result = _result(study, quick, finished, values)
        _write(out, result, values)
    return result


def _finished(out: Path, study: Study, quick: bool) -> tuple[dict[str, Json], dict[str, Tensor]]:
    if not out.exists():
        return {}, {}
    result = read(out)
    if (result.get("study"), result.get("quick")) != (study.name, quick):
        what = "quick " if result.get("quick") else ""
        raise CheckpointError(
            f"{out} holds a {what}run of {result.get('study')!r}: choose another --out"
        )
    prints = {cell.name: cell.fingerprint for cell in study.cells}
    kept = {
        cell["name"]: cell
        for cell in result["cells"]
        if cell["fingerprint"] == prints.get(cell["name"])
    }
    try:
        values = safetensors.torch.load(_values_path(out).read_bytes())
    except (OSError, safetensors.SafetensorError):
        values = {}
    return kept, {key: column for key, column in values.items() if key.split("/")[0] in kept}


def _write(out: Path, result: Json, values: Mapping[str, Tensor]) -> None:
    if values:
        write_atomically(_values_path(out), safetensors.torch.save(dict(values)))
    write_atomically(out, (json.dumps(result, indent=1, allow_nan=False) + "\n").encode())


def _values_path(out: Path) -> Path:
    return out.with_suffix(".safetensors")


def _as_json(cell: Cell, outcome: Outcome, *, seconds: float) -> Json:
    return {
        "name": cell.name,
        "settings": dict(cell.settings),
        "fingerprint": cell.fingerprint,
        "metrics": {name: metric.model_dump() for name, metric in outcome.metrics.items()},
        "history": list(outcome.history),
        "seconds": round(seconds, 2),
        "created": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        **outcome.details,
    }


def _result(
    study: Study, quick: bool, finished: Mapping[str, Json], values: Mapping[str, Tensor]
) -> Json:
    cells = [finished[cell.name] for cell in study.cells if cell.name in finished]
    return {
        "format_version": FORMAT_VERSION,
        "study": study.name,
        "title": study.title,
        "reproduces": study.reproduces,
        "protocol": study.protocol,
        "kind": study.kind,
        "seed": study.seed,
        "quick": quick,
        "complete": len(cells) == len(study.cells),
        "notes": list(study.notes),
        "references": [asdict(reference) for reference in study.references],
        "cells": cells,
        "goals": []
        if quick
        else [found for goal in study.goals if (found := _reached(goal, finished))],
        "comparisons": [
            found for one in study.comparisons if (found := _compared(one, finished, values))
        ],
        "seconds": round(sum(cell["seconds"] for cell in cells), 2),
        "command": f"python -m vae_core study {study.name}" + (" --quick" if quick else ""),
        "software": {"python": platform.python_version()}
        | {name: importlib.metadata.version(name) for name in ("torch", "numpy", "scikit-learn")},
    }


def _reached(goal: Goal, finished: Mapping[str, Json]) -> Json | None:
    metric = finished.get(goal.cell, {}).get("metrics", {}).get(goal.metric)
    if metric is None:
        return None
    slack = SIGNIFICANT * (metric["se"] or 0.0) if goal.within_error else 0.0
    return asdict(goal) | _judge(metric["value"], goal.at_least, goal.at_most, slack=slack)


def _judge(
    value: float, at_least: float | None, at_most: float | None, *, slack: float = 0.0
) -> Json:
    below = 0.0 if at_least is None else at_least - value - slack
    above = 0.0 if at_most is None else value - at_most - slack
    short = max(0.0, below, above)
    return {"value": value, "met": short == 0, "missed_by": short}


def _compared(
    one: Comparison, finished: Mapping[str, Json], values: Mapping[str, Tensor]
) -> Json | None:
    cells = (one.one, one.other)
    counts = [finished.get(cell, {}).get("metrics", {}).get(one.metric) for cell in cells]
    if all(count is not None and count["se"] is None for count in counts):
        counted = counts[0]["value"] - counts[1]["value"]
        judged = _judge(counted, one.at_least, one.at_most)
        return asdict(one) | judged | {"se": None, "n": counts[0]["n"], "significant": True}
    columns = [values.get(f"{cell}/{one.metric}") for cell in cells]
    if columns[0] is None or columns[1] is None or columns[0].shape != columns[1].shape:
        return None
    difference = Estimate.of(columns[0].double() - columns[1].double())
    found = asdict(one) | _judge(difference.mean, one.at_least, one.at_most)
    significant = abs(difference.mean) > SIGNIFICANT * difference.se
    found["met"] = found["met"] and (significant or not one.beyond_error)
    return found | {"se": difference.se, "n": len(columns[0]), "significant": significant}
