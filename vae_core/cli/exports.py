"""The command that exports a model, or a site of many pages."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from vae_core.cli import options, printing
from vae_core.errors import ConfigError, LessonError

if TYPE_CHECKING:
    from vae_core.lessons import Lesson
    from vae_core.model_folder import Saved
    from vae_core.site import Selected

#: The value of --lessons for a site without lessons.
NONE = ("none",)


@click.command()
@click.argument("model", required=False)
@click.option(
    "--format",
    "form",
    type=click.Choice(["html", "csv", "onnx"]),
    help="html: a page with map, sliders, manifold and pad. csv: codes. onnx: decoder.",
)
@click.option("--out", type=click.Path(path_type=Path), help="File to write.")
@click.option(
    "--site",
    type=click.Path(path_type=Path),
    metavar="OUT",
    help="Folder to write a site of many pages to, in place of one file.",
)
@click.option(
    "--models",
    callback=options.names,
    metavar="A,B",
    help="Models of the site  [default: those that come with the project]",
)
@click.option(
    "--lessons",
    "lesson_names",
    callback=options.names,
    metavar="A,B",
    help="Lessons of the site, or none  [default: those whose models it has]",
)
@options.json_option
@options.data_option
def export(
    model: str | None,
    form: str | None,
    out: Path | None,
    site: Path | None,
    models: tuple[str, ...] | None,
    lesson_names: tuple[str, ...] | None,
    as_json: bool,
    data_dir: Path | None,
) -> None:
    """Export MODEL as a page that needs no server, its codes as a table, or its decoder.

    MODEL may be a run that has not ended: the model of its last checkpoint is exported, which
    needs the dataset. A page has the replay of the training if the folder holds one.

    With --site, export models, lessons, the method and a training as pages for any web host or a
    disk; without MODEL, --format and --out.
    """
    if site is not None:
        if model is not None or form is not None or out is not None:
            raise ConfigError(
                "--site takes no MODEL, --format and --out; choose models by --models"
            )
        _export_site(site, models, lesson_names, as_json=as_json, data_dir=data_dir)
        return
    if models is not None or lesson_names is not None:
        raise ConfigError("--models and --lessons belong to --site")
    if model is None or form is None or out is None:
        raise ConfigError("MODEL, --format and --out are needed, or --site for a site")
    _export_file(model, form, out, as_json=as_json, data_dir=data_dir)


def _export_file(model: str, form: str, out: Path, *, as_json: bool, data_dir: Path | None) -> None:
    from vae_core.formats import html, tables

    folder, saved = _openable(model, data_dir)
    codes = saved.codes
    writers: dict[str, Callable[[], bytes]] = {
        "html": lambda: html.page(saved, replay=_replay_of(folder, saved)),
        "csv": lambda: tables.codes_csv(
            codes.ids, codes.labels, codes.mu, codes.logvar, columns=codes.columns
        ).encode(),
        "onnx": lambda: _onnx(saved),
    }
    content = writers[form]()
    printing.write_file(out, content)
    printing.print_written(as_json, out, format=form, bytes=len(content))


def _export_site(
    out: Path,
    models: tuple[str, ...] | None,
    lesson_names: tuple[str, ...] | None,
    *,
    as_json: bool,
    data_dir: Path | None,
) -> None:
    from vae_core import site
    from vae_core.site import writing

    if foreign := writing.foreign_file(out):  # before minutes of work
        raise ConfigError(writing.refusal(out, foreign))
    selected = [
        _selected(name, data_dir) for name in (_usual_models() if models is None else models)
    ]
    names = [one.name for one in selected]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ConfigError(f"--models: two models are named {twice[0]}; a site has each once")
    found, errors = _lessons(lesson_names)
    kept, left_out = site.choose(found, names)
    if lesson_names is not None and left_out:
        name, reason = next(iter(left_out.items()))
        raise ConfigError(f"--lessons {name}: it {reason}; add its models, or leave it out")
    built = site.build(selected, kept)
    site.write(out, built.files)
    if as_json:
        printing.print_json(
            {
                "out": str(out),
                "pages": built.pages,
                "bytes": built.bytes,
                "models": names,
                "lessons": [one.name for one in kept],
                "left_out": left_out,
                "errors": errors,
            }
        )
        return
    for name, reason in left_out.items():
        click.echo(f"left out: lesson {name}, which {reason}", err=True)
    for error in errors:
        click.echo(f"left out: {error}", err=True)
    size = built.bytes / 1e6
    click.echo(f"written to {out}: {built.pages} pages, {size:.1f} MB; open {out / 'index.html'}")


def _usual_models() -> list[str]:
    """Return the models of the project that a page can show."""
    from vae_core import model_folder

    machines = [name for name in model_folder.list_models() if model_folder.load_machine(name)]
    return [
        name
        for name in model_folder.list_models()
        if name not in machines and model_folder.load_card(name).model.latent_dim > 1
    ]


def _selected(model: str, data_dir: Path | None) -> Selected:
    """Open a model for a site; its name in addresses is that of its folder."""
    from vae_core import model_folder, site

    folder, saved = _openable(model, data_dir)
    if saved.card.model.latent_dim < 2:
        raise ConfigError(f"--models {model}: one latent dimension; a page needs 2 or more")
    name = model_folder.slug(folder.absolute().name)
    return site.Selected(name=name, saved=saved, replay=_replay_of(folder, saved))


def _lessons(names: Sequence[str] | None) -> tuple[list[Lesson], list[str]]:
    """Return the lessons of these names, or all, and what is wrong with files of other ones."""
    from vae_core import lessons

    files = lessons.files()
    if names == NONE:
        return [], []
    if names is not None:
        if unknown := [name for name in names if name not in files]:
            known = ", ".join(sorted(files))
            raise ConfigError(f"--lessons {unknown[0]}: no such lesson; there are {known}, or none")
        return [lessons.read(files[name]) for name in names], []
    found, errors = [], []
    for path in files.values():
        try:
            found.append(lessons.read(path))
        except LessonError as error:
            errors.append(str(error))
    return found, errors


def _onnx(saved: Saved) -> bytes:
    """Return the decoder as ONNX; that of an imported model is the file that it came from."""
    from vae_core import model_folder
    from vae_core.formats import onnx

    if isinstance(saved.card, model_folder.ImportedCard):
        raise ConfigError(
            f"{saved.card.name} was imported: its decoder is the ONNX file it is from"
        )
    return onnx.decoder(saved.model)


def _openable(model: str, data_dir: Path | None) -> tuple[Path, Saved]:
    """Open a model or a run, whether it has ended or not, by its name or folder."""
    from vae_core import model_folder, runs

    candidates = (model_folder.PRETRAINED / model, Path(model), runs.runs_dir() / model)
    files = (model_folder.CARD, runs.CONFIG)
    found = [one for one in candidates if any((one / file).is_file() for file in files)]
    folder = found[0] if found else Path(model)
    is_run = (folder / runs.CONFIG).is_file()
    if is_run and runs.status(folder).state not in ("finished", "stopped"):
        return folder, runs.open_unfinished(folder, data_dir=data_dir)
    folder = model_folder.locate(folder)
    return folder, model_folder.open_folder(folder)


def _replay_of(folder: Path, saved: Saved) -> bytes | None:
    """Return the bundle of a training's replay, if the folder holds one."""
    from vae_core import model_folder, runs

    recorded = runs.read_replay(folder)
    if recorded is None or not isinstance(saved.card, model_folder.ModelCard):
        return None
    return runs.replay_bundles.small_bundle(recorded, saved.card.model)
