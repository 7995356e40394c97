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


@click.command(name="data")
@click.argument("path", type=click.Path(exists=True, path_type=Path))
@options.image_shape_option
@click.option("--pictures", help="Of an .npz file: the array of pictures, if not certain.")
@click.option("--labels", help="Of an .npz file: the array of labels, if not certain.")
@click.option("--transpose", is_flag=True, help="Exchange rows and columns, as EMNIST needs.")
@click.option("--limit", type=click.IntRange(2), help="Take this many at random  [default: all]")
@click.option("--out", type=click.Path(path_type=Path), help="Write a dozen pictures as PNG.")
@options.json_option
def inspect(
    path: Path,
    image_shape: tuple[int, int, int] | None,
    pictures: str | None,
    labels: str | None,
    transpose: bool,
    limit: int | None,
    out: Path | None,
    as_json: bool,
) -> None:
    """Say what the data at PATH holds and what is made of it, before it is trained on."""
    from vae_core.data import choices, survey

    said = choices.Choices(image_shape, pictures, labels, transpose)
    with click.progressbar(length=100, label="reading", file=sys.stderr) as bar:

        def progress(done: int, total: int) -> None:
            bar.update(int(100 * done / max(total, 1)) - bar.pos)

        found = survey.survey(path, said, limit=limit, progress=progress)
    if out is not None:
        printing.write_png(out, found.pictures.float() / 255, columns=len(found.pictures))
    if as_json:
        train, test, validation = found.counts
        printing.print_json(
            {
                "title": found.title,
                "form": found.form,
                "found": found.found,
                "sizes": [[*size, count] for size, count in found.sizes.items()],
                "image_shape": found.image_shape,
                "train": train,
                "test": test,
                "validation": validation,
                "classes": found.classes,
                "columns": found.columns,
                "duplicates": found.duplicates,
                "constant": found.constant,
                "ink": None if found.frame is None else vars(found.frame),
                "notes": found.notes,
            }
        )
        return
    for sentence in (*found.sentences, *found.notes):
        click.echo(sentence)


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
