"""What a study is: experiments declared as data, run cell by cell into one JSON.

A result file holds everything that is needed to compare it: protocol, kind of figure, seed,
standard errors, wall time and commands, beside the published values. Finished cells are kept, so
an interrupted study goes on where it stood; a cell whose declaration has changed is made anew.
Several processes may run one study: each takes the next cell that none of them is at work on.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import Tensor

from vae_core.data import ImageDataset
from vae_core.model_folder import Metric

Say = Callable[[str], None]
Json = dict[str, Any]


@dataclass(frozen=True)
class Reference:
    """Published values of one metric, by the name of the cell or point that they belong to.

    ``from_memory`` marks those that were not read from the source; take them as ± 3 nats.
    """

    series: str
    metric: str
    values: Mapping[str, float]
    source: str
    from_memory: bool = False


@dataclass(frozen=True)
class Goal:
    """What a cell's metric should reach: ``at_least`` and ``at_most``, either or both.

    With ``within_error`` it may fall short by three standard errors.
    """

    cell: str
    metric: str
    at_least: float | None = None
    at_most: float | None = None
    within_error: bool = False


@dataclass(frozen=True)
class Comparison:
    """One cell against another, example by example: the mean of ``one − other``.

    With the goal that the difference should reach, or none; ``beyond_error`` also asks for more
    than three standard errors. What is counted, such as active units, has no error.
    """

    one: str
    other: str
    metric: str
    at_least: float | None = None
    at_most: float | None = None
    beyond_error: bool = False


@dataclass(frozen=True)
class Context:
    """What a cell may use while it runs."""

    quick: bool
    say: Say
    load: Callable[[str], ImageDataset]
    #: Folder for models that a cell leaves behind.
    work: Path


@dataclass(frozen=True)
class Outcome:
    """What a cell found: metrics, the values per example behind them, and a curve."""

    metrics: Mapping[str, Metric]
    values: Mapping[str, Tensor] = field(default_factory=dict)  # (n,) each
    history: tuple[Json, ...] = ()
    details: Mapping[str, Any] = field(default_factory=dict)  # model, training, command …


@dataclass(frozen=True)
class Cell:
    """One experiment of a study.

    ``settings`` is what varies between cells, for axes and legends; ``declared`` all that
    decides the outcome.
    """

    name: str
    settings: Mapping[str, Any]
    declared: Mapping[str, Any]
    run: Callable[[Context], Outcome]

    @property
    def fingerprint(self) -> str:
        """Name what was declared, in 16 hexadecimal digits."""
        text = json.dumps(dict(self.declared), sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Study:
    """A set of experiments that answers one question, and what was published on it.

    Quick runs have no goals: their found mean nothing.
    """

    name: str
    title: str
    reproduces: str
    protocol: str
    kind: str
    cells: tuple[Cell, ...]
    references: tuple[Reference, ...] = ()
    goals: tuple[Goal, ...] = ()
    comparisons: tuple[Comparison, ...] = ()
    #: What a reader should know besides the found, and what was tried where a goal is missed.
    notes: tuple[str, ...] = ()
    seed: int = 0
