"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    pass

Command = Callable[..., Any]

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for machines.")
data_option = click.option(
    "--data-dir", type=click.Path(path_type=Path), help="Data folder (else VAE_DATA_DIR)."
)
seed_option = click.option(
    "--seed", type=click.IntRange(0, 2**31 - 1), default=0, show_default=True
)
label_option = click.option("--label", help="Label of the pictures, for a model that takes them.")
out_option = click.option(
    "--out", type=click.Path(path_type=Path), required=True, help="File to write."
)


def settings_options(model: type, skipped: Sequence[str] = ()) -> Callable[[Command], Command]:
    """Make one command-line option of each field of a config."""

    def decorate(command: Command) -> Command:
        for name, field in reversed(model.model_fields.items()):  # type: ignore[attr-defined]
            if name in skipped:
                continue
            shown = field.default
            if isinstance(shown, tuple):
                shown = ",".join(map(str, shown))
            text = f"[default: {'none' if shown is None else shown}]"
            option = click.option(f"--{name.replace('_', '-')}", name, default=None, help=text)
            command = option(command)
        return command

    return decorate
