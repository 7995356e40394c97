"""Options that several commands share."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from types import NoneType
from typing import Any, Literal, get_args, get_origin

import click
from pydantic.fields import FieldInfo

from vae_core.config import Config, Pixels
from vae_core.jobs import cluster

Command = Callable[..., Any]

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")
data_option = click.option(
    "--data-dir", type=click.Path(path_type=Path), help="Data folder  [default: VAE_DATA_DIR]"
)
seed_option = click.option(
    "--seed",
    type=click.IntRange(0, 2**31 - 1),
    default=0,
    show_default=True,
    help="Seed of the random numbers.",
)


def _shape(context: click.Context, option: click.Parameter, value: str | None) -> Any:
    """Read "3,64,64"."""
    if value is None:
        return None
    parts = value.split(",")
    if len(parts) != 3 or not all(part.strip().isdigit() for part in parts):
        raise click.BadParameter(f"{value!r}: three numbers are needed, as 3,64,64")
    return tuple(int(part) for part in parts)


def names(context: click.Context, option: click.Parameter, value: str | None) -> Any:
    """Read "a,b" as a tuple; None if the option is left out."""
    if value is None:
        return None
    return tuple(dict.fromkeys(part.strip() for part in value.split(",") if part.strip()))


image_shape_option = click.option(
    "--image-shape",
    metavar="C,H,W",
    callback=_shape,
    help="Channels (1 or 3), height and width that own data is brought to.",
)
importance_option = click.option(
    "--importance-samples",
    type=click.IntRange(0, 100_000),
    default=0,
    help="k of an nll_iw{k} metric; 0 for none.",
)
label_option = click.option("--label", help="Label of the pictures, for a model that needs one.")
out_option = click.option(
    "--out", type=click.Path(path_type=Path), required=True, help="File to write."
)


def pixels_option(help_text: str, **more: Any) -> Callable[[Command], Command]:
    """Return the option of a kind of pixels that metrics are of."""
    return click.option("--pixels", type=click.Choice(get_args(Pixels)), help=help_text, **more)


def _use_cluster(context: click.Context, option: click.Parameter, value: str | None) -> None:
    if value:
        os.environ[cluster.ENVIRONMENT_VARIABLE] = value


dask_option = click.option(
    "--dask",
    metavar="ADDRESS",
    expose_value=False,
    callback=_use_cluster,
    help=f"Train on the cluster of this Dask scheduler  [default: {cluster.ENVIRONMENT_VARIABLE}]",
)


def settings_options(config: type[Config], skipped: Sequence[str] = ()) -> Callable[..., Any]:
    """Add an option for each field of a config, with its type, range, default and description.

    The value of an option that is left out is None.
    """

    def decorate(command: Command) -> Command:
        for name, field in reversed(config.model_fields.items()):
            if name not in skipped:
                option = f"--{name.replace('_', '-')}"
                help_text = f"{field.description}{_default(field)}"
                command = click.option(option, name, type=_type(field), help=help_text)(command)
        return command

    return decorate


def widths(text: str) -> tuple[str, ...]:
    """Split a list of widths such as "500,300"; a config converts and validates the parts."""
    return tuple(part.strip() for part in text.split(","))


def _type(field: FieldInfo) -> click.ParamType[Any]:
    kind: Any = field.annotation
    if NoneType in get_args(kind):
        kind = next(part for part in get_args(kind) if part is not NoneType)
    if get_origin(kind) is Literal:
        return click.Choice(get_args(kind))
    if get_origin(kind) is tuple:
        return click.types.FuncParamType(widths)
    if kind not in (int, float):
        return click.BOOL if kind is bool else click.STRING
    limits = {key: bound for limit in field.metadata for key, bound in asdict(limit).items()}
    number_range = click.IntRange if kind is int else click.FloatRange
    return number_range(
        min=limits.get("ge", limits.get("gt")),
        max=limits.get("le", limits.get("lt")),
        min_open="gt" in limits,
        max_open="lt" in limits,
    )


def _default(field: FieldInfo) -> str:
    if field.default is None:
        return ""
    is_list = isinstance(field.default, tuple)
    return f"  [default: {','.join(map(str, field.default)) if is_list else field.default}]"
