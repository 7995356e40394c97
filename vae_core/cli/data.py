"""Commands on datasets."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from vae_core.cli import options, printing


@click.command()
@options.json_option
@options.data_option
def datasets(as_json: bool, data_dir: Path | None) -> None:
    """List the datasets and whether they are on this host."""
    from vae_core import data

    found = data.available(data_dir)
    rows = [
        {
            "name": one.name,
            "title": one.title,
            "present": one.present,
            "download_megabytes": one.megabytes,
        }
        for one in found
    ]
    if as_json:
        printing.print_json({"data_dir": str(data.data_dir(data_dir)), "datasets": rows})
        return
    for one in found:
        here = "here" if one.present else f"missing ({one.megabytes} MB to download)"
        click.echo(f"{one.name:15} {here:32} {one.title}")


@click.command()
@click.argument("name")
@options.json_option
@options.data_option
def download(name: str, as_json: bool, data_dir: Path | None) -> None:
    """Download dataset NAME into the data folder."""
    from vae_core import data

    with click.progressbar(length=100, label=name, file=sys.stderr) as bar:

        def progress(done: int, total: int) -> None:
            bar.update(int(100 * done / max(total, 1)) - bar.pos)

        folder = data.download(name, data_dir=data_dir, progress=progress)
    if as_json:
        printing.print_json({"name": name, "folder": str(folder)})
    else:
        click.echo(f"{name} is in {folder}")
