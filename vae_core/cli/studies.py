"""Commands on studies."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vae_core.cli import options, printing
from vae_core.jobs import cluster

if TYPE_CHECKING:
    from vae_core.studies import Study


@click.command()
@options.json_option
@click.option("--markdown", is_flag=True, help="Print the text of docs/studies.md.")
def studies(as_json: bool, markdown: bool) -> None:
    """List the studies: what was run of each, and which goals it reached."""
    from vae_core.studies import STUDIES, summary

    results = summary.read_results(STUDIES)
    if as_json:
        printing.print_json({"studies": [one for one in results.values() if one is not None]})
        return
    if markdown:
        click.echo(summary.markdown(STUDIES, results))
        return
    for name, result in results.items():
        click.echo(f"{name:20} {STUDIES[name].title}: {summary.state(STUDIES[name], result)}")
        _print_verdicts(STUDIES[name], result)


@click.command()
@click.argument("name")
@click.option(
    "--quick", is_flag=True, help="Use little data, to test that it runs; the result is marked."
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="Result file  [default: pretrained/studies/NAME.json; build/studies with --quick]",
)
@click.option("--cell", "cells", multiple=True, help="Run only this cell; may be repeated.")
@options.dask_option
@options.json_option
@options.data_option
def study(
    name: str,
    quick: bool,
    out: Path | None,
    cells: tuple[str, ...],
    as_json: bool,
    data_dir: Path | None,
) -> None:
    """Run the unfinished cells of study NAME and write its results as JSON."""
    from vae_core import studies

    chosen = studies.find(name)
    run = studies.run if cluster.address() is None else studies.run_on_cluster
    result = run(
        chosen, quick=quick, out=out, data_dir=data_dir, only=cells, say=printing.print_stage
    )
    if as_json:
        printing.print_json(result)
        return
    click.echo(result["title"] + (", quick: the values mean nothing" if quick else ""))
    for cell in result["cells"]:
        for key, metric in cell["metrics"].items():
            error = "" if metric["se"] is None else f" ± {metric['se']:.3f}"
            click.echo(
                f"{cell['name']:28} {key:28} {metric['value']:10.3f}{error} {metric['unit']}"
            )
    if not quick:
        _print_verdicts(chosen, result)


def _print_verdicts(study: Study, result: dict[str, Any] | None) -> None:
    from vae_core.studies import summary

    for goal, value, verdict in summary.verdicts(study, result):
        click.echo(f"    {goal}: {value} {verdict}")
