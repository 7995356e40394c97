"""Declare studies: experiments as data, which are run cell by cell into one JSON file.

A result file has all that a comparison needs: protocol, kind of metric, seed, standard errors, wall
time and commands, beside the published values. An interrupted study keeps its finished cells; a
cell whose declaration has changed runs again. Several processes may run one study: each takes the
next cell that no other one is running.
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
    """Published values of a metric, by the name of the cell or point.

    ``from_memory`` marks values that were not read from the source: they may be off by 3 nats.
    """

    series: str
    metric: str
    values: Mapping[str, float]
    source: str
    from_memory: bool = False


@dataclass(frozen=True)
class Goal:
    """Bounds for a metric of a cell: ``at_least``, ``at_most`` or both.

    With ``within_error`` the metric may miss them by three standard errors.
    """

    cell: str
    metric: str
    at_least: float | None = None
    at_most: float | None = None
    within_error: bool = False


@dataclass(frozen=True)
class Comparison:
    """Comparison of two cells, example by example: the mean of ``one − other``.

    ``at_least`` and ``at_most`` are bounds for the difference; ``beyond_error`` also requires that
    it exceeds three standard errors. Counts, such as active units, have no error.
    """

    one: str
    other: str
    metric: str
    at_least: float | None = None
    at_most: float | None = None
    beyond_error: bool = False


def better(one: str, other: str, metric: str, *, by: float = 0.0) -> Comparison:
    """Compare two cells and require that ``one`` is higher by ``by`` and by 3 standard errors."""
    return Comparison(one, other, metric, at_least=by, beyond_error=True)


@dataclass(frozen=True)
class Context:
    """Context in which a cell runs."""

    quick: bool
    say: Say
    load: Callable[[str], ImageDataset]
    #: Folder for models that a cell saves.
    work: Path


@dataclass(frozen=True)
class Outcome:
    """Results of a cell: metrics, their values per example, and a learning curve."""

    metrics: Mapping[str, Metric]
    values: Mapping[str, Tensor] = field(default_factory=dict)  # (n,) each
    history: tuple[Json, ...] = ()
    details: Mapping[str, Any] = field(default_factory=dict)  # model, training, command …


@dataclass(frozen=True)
class Cell:
    """Experiment of a study.

    ``settings`` has what varies between cells, for axes and legends; ``declared`` has everything
    that the results depend on.
    """

    name: str
    settings: Mapping[str, Any]
    declared: Mapping[str, Any]
    run: Callable[[Context], Outcome]

    @property
    def fingerprint(self) -> str:
        """Hash of ``declared``, 16 hexadecimal digits."""
        text = json.dumps(dict(self.declared), sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Study:
    """Experiments that answer one question, with published values and goals.

    Quick runs have no goals, since their metrics mean nothing.
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
    #: What a reader should know besides the metrics, and what was tried if a goal is missed.
    notes: tuple[str, ...] = ()
    seed: int = 0
