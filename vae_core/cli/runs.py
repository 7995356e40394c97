"""Commands on runs, ``python -m vae_core runs …``: those of the Train page."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vae_core.cli import options, printing
from vae_core.errors import ConfigError

if TYPE_CHECKING:
    from vae_core.runs import QueuePosition, RunStatus

#: Seconds that a command waits for the state that it requested, and between two checks.
LONGEST_WAIT, CHECK_INTERVAL = 5.0, 0.1

dir_option = click.option(
    "--runs-dir",
    "root",
    type=click.Path(path_type=Path),
    help="Folder of runs  [default: VAE_RUNS_DIR]",
)


def _run_options(command: options.Command) -> options.Command:
    return click.argument("run")(dir_option(options.json_option(command)))


@click.group(invoke_without_command=True)
@options.dask_option
@click.pass_context
def runs(context: click.Context) -> None:
    """List and control training runs; RUN is the name of a run, or its folder."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


@runs.command(name="list")
@dir_option
@options.json_option
def list_all(root: Path | None, as_json: bool) -> None:
    """List all runs, oldest first, and the deleted ones."""
    from vae_core import runs

    root = runs.runs_dir(root)
    found = runs.statuses(root)
    places = runs.queue_positions(found)
    deleted = runs.deleted(root)
    if as_json:
        rows = [_facts(one, places.get(one.folder.name)) for one in found]
        printing.print_json({"runs_dir": str(root), "runs": rows, "deleted": deleted})
        return
    for one in found:
        click.echo(_line(one, places.get(one.folder.name)))
    if deleted:
        click.echo(f"deleted, until they are purged: {', '.join(deleted)}")


@runs.command()
@_run_options
def show(run: str, root: Path | None, as_json: bool) -> None:
    """Print the status of RUN."""
    folder = _folder(run, root)
    now = _print_status(folder, as_json)
    if as_json:
        return
    for sentence in now.warnings:
        click.echo(f"  {sentence}")
    for change in now.changes:
        settings = ", ".join(f"{name} {value:g}" for name, value in change.settings.items())
        click.echo(f"  {settings} since step {change.step}")


@runs.command()
@_run_options
def pause(run: str, root: Path | None, as_json: bool) -> None:
    """Pause RUN after its next step."""
    from vae_core import runs

    _act(run, root, as_json, runs.pause, until=("paused", "finished", "stopped", "failed"))


@runs.command()
@_run_options
def resume(run: str, root: Path | None, as_json: bool) -> None:
    """Continue RUN from its last step, when the queue reaches it."""
    from vae_core import runs

    _act(run, root, as_json, runs.resume)


@runs.command()
@_run_options
def step(run: str, root: Path | None, as_json: bool) -> None:
    """Make one step of RUN, then pause."""
    from vae_core import runs

    _act(run, root, as_json, runs.step)


@runs.command()
@_run_options
def epoch(run: str, root: Path | None, as_json: bool) -> None:
    """Train RUN to the end of the epoch, then pause."""
    from vae_core import runs

    _act(run, root, as_json, runs.epoch)


@runs.command()
@_run_options
def stop(run: str, root: Path | None, as_json: bool) -> None:
    """End RUN early; its model can then be opened."""
    from vae_core import runs

    _act(run, root, as_json, runs.stop)


@runs.command(name="continue")
@_run_options
@click.option("--epochs", type=int, required=True, help="Number of further epochs.")
def extend(run: str, root: Path | None, as_json: bool, epochs: int) -> None:
    """Train RUN for more epochs than were planned."""
    from vae_core import runs

    _act(run, root, as_json, lambda folder: runs.extend(folder, epochs))


@runs.command()
@_run_options
@click.argument("settings", nargs=-1, required=True)
def change(run: str, root: Path | None, as_json: bool, settings: Sequence[str]) -> None:
    """Change settings of RUN while it trains: learning_rate=VALUE, beta=VALUE, epochs=VALUE."""
    from vae_core import runs

    values = {name: _float(name, value) for name, value in _pairs(settings).items()}
    _act(run, root, as_json, lambda folder: runs.change(folder, **values))


@runs.command()
@_run_options
def rewind(run: str, root: Path | None, as_json: bool) -> None:
    """Return RUN to its initial weights and settings, paused."""
    from vae_core import runs

    _act(run, root, as_json, runs.rewind)


@runs.command()
@_run_options
@click.argument("settings", nargs=-1)
def copy(run: str, root: Path | None, as_json: bool, settings: Sequence[str]) -> None:
    """Train a copy of RUN with other settings, each NAME=VALUE, such as latent_dim=3."""
    from vae_core import runs

    values: dict[str, object] = dict(_pairs(settings))
    for name in {"hidden", "upper_hidden"} & values.keys():
        values[name] = options.widths(str(values[name]))
    print_run(runs.copy(_folder(run, root), values), as_json)


@runs.command()
@_run_options
def delete(run: str, root: Path | None, as_json: bool) -> None:
    """Move RUN to the trash; `restore` brings it back for a day."""
    from vae_core import runs

    folder = _folder(run, root)
    name = runs.delete(folder)
    runs.purge(folder.parent)
    if as_json:
        printing.print_json({"deleted": name})
    else:
        click.echo(f"{folder.name} is deleted; `runs restore {name}` brings it back")


@runs.command()
@_run_options
def restore(run: str, root: Path | None, as_json: bool) -> None:
    """Bring the deleted RUN back."""
    from vae_core import runs

    print_run(runs.restore(runs.runs_dir(root), run), as_json)


def _folder(run: str, root: Path | None) -> Path:
    from vae_core import runs

    if (Path(run) / runs.CONFIG).is_file():
        return Path(run).resolve()
    folders = {folder.name: folder for folder in runs.list_runs(runs.runs_dir(root))}
    if run not in folders:
        names = ", ".join(folders) or "none yet"
        raise ConfigError(f"run {run!r} is neither the folder of a run nor one of: {names}")
    return folders[run]


def _act(
    run: str,
    root: Path | None,
    as_json: bool,
    action: Callable[[Path], None],
    *,
    until: Sequence[str] = (),
) -> None:
    from vae_core import runs

    folder = _folder(run, root)
    action(folder)
    deadline = time.monotonic() + LONGEST_WAIT
    while until and runs.status(folder).state not in until and time.monotonic() < deadline:
        time.sleep(CHECK_INTERVAL)
    print_run(folder, as_json)


def print_run(folder: Path, as_json: bool) -> None:
    """Start the next runs of the queue, then print the status of this one."""
    from vae_core import runs

    runs.start_next(folder)
    _print_status(folder, as_json)


def _print_status(folder: Path, as_json: bool) -> RunStatus:
    from vae_core import runs

    place = runs.queue_positions(runs.statuses(folder.parent)).get(folder.name)
    now = runs.status(folder)
    if as_json:
        printing.print_json(_facts(now, place))
    else:
        click.echo(_line(now, place))
    return now


def _facts(now: RunStatus, place: QueuePosition | None) -> dict[str, Any]:
    return {
        "name": now.folder.name,
        "folder": str(now.folder),
        "state": now.state,
        "message": now.message,
        "epoch": now.epoch,
        "epochs": now.config.training.epochs,
        "step": now.step,
        "seconds_left": now.seconds_left,
        "images_per_second": now.images_per_second,
        "test_elbo": now.test_elbo,
        "place": place.number if place else None,
        "seconds_until_it_begins": place.seconds if place else None,
        "owner": now.config.owner,
        "dataset": now.config.training.dataset,
        "learning_rate": now.config.training.learning_rate,
        "beta": now.config.training.beta,
        "changes": [{"step": c.step, "settings": dict(c.settings)} for c in now.changes],
        "warnings": list(now.warnings),
    }


def _line(now: RunStatus, place: QueuePosition | None) -> str:
    line = f"{now.folder.name:24} {now.state:11} "
    line += f"epoch {now.epoch} of {now.config.training.epochs}, step {now.step}"
    if now.test_elbo is not None:
        line += f", test ELBO {now.test_elbo:.2f}"
    if now.images_per_second:
        line += f", {now.images_per_second:.0f} images a second"
    if now.state == "running" and now.seconds_left:
        line += f", about {now.seconds_left:.0f} s left"
    if place:
        begins = "" if place.seconds is None else f", in about {place.seconds:.0f} s"
        line += f", number {place.number} in the queue{begins}"
    return line + (f": {now.message}" if now.message else "")


def _pairs(settings: Sequence[str]) -> dict[str, str]:
    pairs = {}
    for word in settings:
        name, equals, value = word.partition("=")
        if not equals:
            raise ConfigError(f"setting {word!r}: expected NAME=VALUE")
        pairs[name.strip().replace("-", "_")] = value
    return pairs


def _float(name: str, text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise ConfigError(f"{name} {text!r}: expected a number") from error
