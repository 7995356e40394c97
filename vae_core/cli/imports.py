"""Command that imports a model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import click

from vae_core.cli import options, printing
from vae_core.config import (
    STATED_LIKELIHOODS,
    STATED_OUTPUTS,
    STATED_POSTERIORS,
    ImportedPrior,
)
from vae_core.errors import ConfigError

if TYPE_CHECKING:
    from vae_core.imports import Checked

#: Options of the import that a check has too.
CHECKED = ("labels", "prior", "pixels", "limit", "data_dir")


@click.command("import")
@click.option("--encoder", type=click.Path(path_type=Path), help="ONNX file of the encoder.")
@click.option(
    "--decoder",
    type=click.Path(path_type=Path),
    help="ONNX file of the decoder; alone, it is a generator. Left out if the encoder's file has "
    "both.",
)
@click.option(
    "--dataset",
    help="Pictures to encode: a known dataset, a .npz, .npy or IDX file, or a folder or zip file "
    "of pictures.",
)
@click.option("--labels", type=click.Path(path_type=Path), help="File of labels (.npy or IDX).")
@click.option("--out", type=click.Path(path_type=Path), help="Model folder to write.")
@click.option(
    "--check",
    type=click.Path(path_type=Path),
    help="Write reconstructions below originals to this PNG instead, and compute nothing else.",
)
@click.option(
    "--posterior",
    type=click.Choice(STATED_POSTERIORS),
    help="What the encoder returns  [default: found from names and shapes]",
)
@click.option(
    "--output",
    type=click.Choice(STATED_OUTPUTS),
    help="What the decoder returns  [default: found from its last operation and its values]",
)
@click.option("--likelihood", help=f"Distribution of the pixels: {', '.join(STATED_LIKELIHOODS)}.")
@click.option("--input-range", help="Values of black and white that the encoder reads, as -1,1.")
@click.option("--image-shape", help="Channels, height and width of a picture, as 3,64,64.")
@click.option("--classes", help="Number of labels, or their names, of a conditional model.")
@click.option(
    "--prior",
    type=click.Choice(get_args(ImportedPrior)),
    help="N(0, I), or the Gaussian of the codes  [default: codes for a plain auto-encoder]",
)
@options.pixels_option(
    "Kind of pixels that a Bernoulli likelihood is measured on.", default="grey", show_default=True
)
@click.option("--name", help="Name of the model  [default: the folder's]")
@click.option(
    "--limit",
    type=click.IntRange(2, 1_000_000),
    default=10_000,
    show_default=True,
    help="Most pictures that are encoded.",
)
@options.importance_option
@click.option(
    "--keep-pictures/--no-keep-pictures",
    default=True,
    help="Whether the folder keeps pictures of one's own, up to 64 MB, for cards on the map.",
)
@click.option("--tsne/--no-tsne", default=True, help="Whether to compute the t-SNE map.")
@options.json_option
@options.data_option
def import_model(
    encoder: Path | None,
    decoder: Path | None,
    dataset: str | None,
    as_json: bool,
    input_range: str | None,
    image_shape: str | None,
    classes: str | None,
    out: Path | None,
    check: Path | None,
    **settings: Any,
) -> None:
    """Import a model that was made elsewhere: its ONNX files, and pictures to encode."""
    from vae_core import imports

    if (out is None) == (check is None):
        raise ConfigError("--out: a folder is needed, or --check with a PNG file")
    if check is not None:
        told = imports.told_by(
            posterior=settings["posterior"],
            output=settings["output"],
            likelihood=settings["likelihood"],
            input_range=input_range,
            image_shape=_shape(image_shape),
        )
        _check(
            check,
            as_json,
            imports.check_model(
                encoder,
                decoder,
                data=dataset,
                classes=_classes(classes),
                told=told,
                **{name: settings[name] for name in CHECKED},
            ),
        )
        return
    assert out is not None
    imported = imports.import_model(
        encoder,
        decoder,
        data=dataset,
        input_range=input_range,
        image_shape=_shape(image_shape),
        classes=_classes(classes),
        out=out,
        command=_command(click.get_current_context()),
        say=_stages,
        **settings,
    )
    if not as_json:
        click.echo(str(imported))
        return
    card = imported.card
    printing.print_json(
        {
            "out": str(imported.folder),
            **printing.summary_of(card),
            "found": list(imported.found),
            "warnings": list(card.warnings),
            "error": imported.check.error,
            "error_of_mean": imported.check.error_of_mean,
        }
    )


def _check(path: Path, as_json: bool, checked: Checked) -> None:
    """Write the picture of a check, and print what was found."""
    from vae_core.formats import tables

    levels = checked.check.sheet.mul(255).round().byte().numpy()
    columns = len(checked.check.reconstructions)
    printing.write_file(path, tables.png(tables.tile(levels, columns=columns)))
    if not as_json:
        click.echo(str(checked))
        return
    printing.print_json(
        {
            "check": str(path),
            "model": checked.draft.config.model_dump(),
            "encoder": checked.draft.encoder,
            "decoder": checked.draft.decoder,
            "found": list(checked.found),
            "warnings": list(checked.check.warnings),
            "error": checked.check.error,
            "error_of_mean": checked.check.error_of_mean,
        }
    )


def _stages(text: str) -> None:
    """Print a stage on stderr; the result is printed by the command."""
    if text.startswith("… "):
        printing.print_stage(text.removeprefix("… "))


def _numbers(name: str, text: str) -> Sequence[int]:
    try:
        return [int(part) for part in text.split(",")]
    except ValueError as error:
        raise ConfigError(f"--{name} {text}: whole numbers are needed") from error


def _shape(text: str | None) -> Sequence[int] | None:
    return None if text is None else _numbers("image-shape", text)


def _classes(text: str | None) -> int | Sequence[str] | None:
    if text is None or not text.strip().isdecimal():
        return None if text is None else [part.strip() for part in text.split(",")]
    return int(text)


def _command(context: click.Context) -> str:
    """Return the command with the options that were stated, and files without their folders."""
    shown: list[str] = ["python -m vae_core import"]
    hidden = ("as_json", "data_dir", "out", "check")
    paths: dict[str, Callable[[Any], str]] = {
        name: lambda value: Path(str(value)).name for name in ("encoder", "decoder", "labels")
    }
    paths["dataset"] = lambda value: Path(str(value)).name
    for name, value in context.params.items():
        source = context.get_parameter_source(name)
        if name in hidden or source is not click.core.ParameterSource.COMMANDLINE:
            continue
        option = f"--{name.replace('_', '-')}"
        if isinstance(value, bool):
            shown.append(option if value else option.replace("--", "--no-"))
        else:
            shown.append(f"{option} {paths.get(name, str)(value)}")
    return " ".join([*shown, f"--out {Path(str(context.params['out'])).name}"])
