"""Print results: tables and progress for people, JSON for programs."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vae_core.errors import ConfigError

if TYPE_CHECKING:
    from torch import Tensor

    from vae_core.learning import EpochRecord
    from vae_core.model_folder import Metric


def fail(sentence: str) -> None:
    """Print one line on stderr and exit with status 2."""
    click.echo("error: " + " ".join(sentence.split()), err=True)
    sys.exit(2)


def print_metrics(
    as_json: bool,
    model: str,
    dataset: str,
    metrics: Mapping[str, Metric],
    warning: str | None = None,
) -> None:
    """Print metrics as a table or as JSON."""
    if as_json:
        dumped = {name: metric.model_dump() for name, metric in metrics.items()}
        warnings = [] if warning is None else [warning]
        print_json({"model": model, "dataset": dataset, "metrics": dumped, "warnings": warnings})
        return
    for name, metric in metrics.items():
        error = "" if metric.se is None else f" ± {metric.se:.3f}"
        draws = "" if metric.samples is None else f", {metric.samples} samples"
        seed = "" if metric.seed is None else f", seed {metric.seed}"
        click.echo(
            f"{name:14} {metric.value:10.3f}{error} {metric.unit}  "
            f"({metric.kind}, {metric.split}, n = {metric.n}{draws}{seed})"
        )
    if warning is not None:
        click.echo(warning)


def print_pictures(
    as_json: bool,
    out: Path,
    found: Sequence[Mapping[str, Any]],
    warnings: Sequence[str | None] = (),
) -> None:
    """Print the metrics of each picture, and a warning of each that has one."""
    if as_json:
        print_json({"out": str(out), "pictures": list(found)})
        return
    for one, warning in zip_longest(found, warnings):
        metrics = [
            f"{name.replace('_', ' ')} {value:.1f}"
            for name, value in one.items()
            if isinstance(value, float) and name != "familiarity"
        ]
        click.echo(f"{one['picture']}: {', '.join(metrics)}")
        if warning is not None:
            click.echo(f"  warning: {warning}")
    click.echo(f"written to {out}")


def check_bounds(name: str, value: int, low: int, high: int) -> None:
    """Raise ConfigError if a number is outside its bounds."""
    if not low <= value <= high:
        raise ConfigError(f"{name} {value}: allowed are {low} to {high}")


def summary_of(card: Any) -> dict[str, Any]:
    """Return the facts of a card that JSON output has."""
    return {
        "name": card.name,
        "dataset": card.dataset,
        "model": card.model.model_dump(),
        "metrics": {name: m.model_dump() for name, m in getattr(card, "metrics", {}).items()},
    }


def epoch_printer(as_json: bool, epochs: int) -> Callable[[EpochRecord], None]:
    """Return a function that prints an epoch as a line of JSON or a row of a table."""

    def report(record: EpochRecord) -> None:
        if as_json:
            print_json(record.as_dict())
            return
        if record.epoch == 1:
            click.echo(" epoch  train ELBO   test ELBO      rate  distortion   seconds")
        click.echo(
            f"{record.epoch:>3}/{epochs:<3} {record.train.elbo:10.2f} {record.test.elbo:11.2f} "
            f"{record.test.rate:9.2f} {record.test.distortion:11.2f} {record.seconds:9.2f}"
        )

    return report


def print_stage(stage: str) -> None:
    """Print the stage that begins, on stderr."""
    click.echo(f"… {stage}", err=True)


def print_notes(notes: Iterable[str]) -> None:
    """Print what was guessed, resized or left out of a dataset, on stderr."""
    for note in notes:
        click.echo(note, err=True)


def write_file(path: Path, content: bytes) -> None:
    """Write a file atomically; raise ConfigError if its folder does not exist."""
    from vae_core.files import write_atomically

    if path.is_dir():
        raise ConfigError(f"--out {path}: a folder has that name; allowed is a file")
    if not path.parent.is_dir():
        raise ConfigError(f"--out {path}: folder {path.parent} does not exist")
    write_atomically(path, content)


def write_png(path: Path, images: Tensor, columns: int | None = None) -> None:
    """Write images (n, c, h, w) in [0, 1] side by side as one PNG."""
    from vae_core.formats import tables

    levels = images.mul(255).round().byte().numpy()
    write_file(path, tables.png(tables.tile(levels, columns=columns)))


def print_written(as_json: bool, out: Path, **facts: Any) -> None:
    """Print where a file was written, with facts about it."""
    if as_json:
        print_json({"out": str(out), **facts})
    else:
        click.echo(f"written to {out}")


def print_json(value: Mapping[str, Any]) -> None:
    """Print a value as JSON, with null for numbers that are not finite."""
    click.echo(json.dumps(_finite(value), allow_nan=False))


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _finite(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
