"""The command line: ``python -m vae_core``."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click

from vae_core.cli import data, exports, imports, models, printing, runs, studies, train
from vae_core.errors import LatentExplorerError

COMMANDS = (
    data.datasets,
    data.download,
    data.inspect,
    exports.export,
    imports.import_model,
    models.encode,
    models.evaluate,
    models.models,
    models.reconstruct,
    models.sample,
    runs.runs,
    studies.studies,
    studies.study,
    train.compute_map,
    train.pretrain,
    train.train,
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]}, invoke_without_command=True)
@click.pass_context
def cli(context: click.Context) -> None:
    """Train, measure and look inside variational auto-encoders."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


for command in COMMANDS:
    cli.add_command(command)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; bad input ends in one line on stderr and exit status 2."""
    try:
        cli.main(args=arguments, standalone_mode=False)
    except click.ClickException as error:
        printing.fail(error.format_message())
    except LatentExplorerError as error:
        printing.fail(str(error))
    except OSError as error:
        printing.fail(f"{error.filename}: {error.strerror}" if error.filename else str(error))
    except (KeyboardInterrupt, click.Abort):
        click.echo("stopped", err=True)
        sys.exit(130)
