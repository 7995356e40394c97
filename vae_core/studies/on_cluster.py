"""Run a study on a Dask cluster, with a task for each cell."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from vae_core.jobs import cluster
from vae_core.studies import running
from vae_core.studies.study import Json, Say, Study


def run_on_cluster(
    study: Study,
    *,
    quick: bool = False,
    out: Path | None = None,
    data_dir: Path | None = None,
    only: Collection[str] = (),
    say: Say = lambda stage: None,
) -> Json:
    """Run the unfinished cells on the cluster's workers, like :func:`vae_core.studies.run`.

    The workers must see ``out`` and ``build/studies`` of this process under the same paths. If a
    worker is lost, another one runs its cell again.

    Raises
    ------
    ConfigError
        If no scheduler answers, or ``only`` names a cell that the study does not have.
    """
    running.check_cells(study, only)
    place = running.result_file(study, quick=quick, out=out).resolve()
    cells = list(only or [cell.name for cell in study.cells])
    work, data = str(running.WORK.resolve()), None if data_dir is None else str(data_dir.resolve())
    calls = {name: (study.name, name, quick, str(place), data, work) for name in cells}
    for number, name in enumerate(cluster.call_all(run_cell, calls), start=1):
        say(f"{number}/{len(cells)} {name}: back from the cluster")
    return running.run(study, quick=quick, out=place, data_dir=data_dir, only=only, say=say)


def run_cell(name: str, cell: str, quick: bool, out: str, data: str | None, work: str) -> None:
    """Run one cell on a worker."""
    from vae_core import studies  # imported here, since it imports this module

    studies.run(
        studies.find(name),
        quick=quick,
        out=Path(out),
        data_dir=None if data is None else Path(data),
        only=[cell],
        work=Path(work),
    )
