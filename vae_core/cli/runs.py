"""``python -m vae_core runs …``: what the Train page does, on the command line."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vae_core.errors import ConfigError
from vae_core.jobs import cluster

if TYPE_CHECKING:
    from vae_core.runs import Place, RunStatus

#: Seconds that a command waits for what it asked, so that the line it prints is true.
WAITS, LOOKS = 5.0, 0.1

Command = Callable[..., Any]

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for machines.")
dir_option = click.option(
    "--runs-dir",
    "root",
    type=click.Path(path_type=Path),
    help="Folder of runs (else VAE_RUNS_DIR).",
)
run_argument = click.argument("run")


def _use_cluster(context: click.Context, option: click.Parameter, given: str | None) -> None:
    if given:
        os.environ[cluster.ENVIRONMENT_VARIABLE] = given


dask_option = click.option(
    "--dask",
    metavar="ADDRESS",
    expose_value=False,
    callback=_use_cluster,
    help=f"Train on the cluster of this Dask scheduler (else {cluster.ENVIRONMENT_VARIABLE}).",
)


def _of_a_run(command: Command) -> Command:
    return run_argument(dir_option(json_option(command)))


@click.group(invoke_without_command=True)
@dask_option
@click.pass_context
def runs(context: click.Context) -> None:
    """List and steer trainings, each a RUN: its name, or its folder."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


@runs.command(name="list")
@dir_option
@json_option
def list_all(root: Path | None, as_json: bool) -> None:
    """List all runs, oldest first, and what was deleted."""
    from vae_core import runs

    root = runs.runs_dir(root)
    found = runs.stands(root)
    places = runs.places(found)
    gone = runs.deleted(root)
    if as_json:
        rows = [_facts(one, places.get(one.folder.name)) for one in found]
        click.echo(json.dumps({"runs_dir": str(root), "runs": rows, "deleted": gone}))
        return
    for one in found:
        click.echo(_line(one, places.get(one.folder.name)))
    if gone:
        click.echo(f"deleted, until they are purged: {', '.join(gone)}")


@runs.command()
@_of_a_run
def show(run: str, root: Path | None, as_json: bool) -> None:
    """Say how RUN stands."""
    from vae_core import runs

    folder = _folder(run, root)
    now = runs.status(folder)
    place = runs.places(runs.stands(folder.parent)).get(folder.name)
    if as_json:
        click.echo(json.dumps(_facts(now, place)))
        return
    click.echo(_line(now, place))
    for sentence in now.warnings:
        click.echo(f"  {sentence}")
    for change in now.changes:
        settings = ", ".join(f"{name} {value:g}" for name, value in change.settings.items())
        click.echo(f"  {settings} since step {change.step}")


@runs.command()
@_of_a_run
def pause(run: str, root: Path | None, as_json: bool) -> None:
    """Let RUN wait after its next step."""
    from vae_core import runs

    _act(run, root, as_json, runs.pause, until=("paused", "finished", "stopped", "failed"))


@runs.command()
@_of_a_run
def resume(run: str, root: Path | None, as_json: bool) -> None:
    """Go on with RUN from where it stands, when it is its turn."""
    from vae_core import runs

    _act(run, root, as_json, runs.resume)


@runs.command()
@_of_a_run
def step(run: str, root: Path | None, as_json: bool) -> None:
    """Make one step of RUN, then pause."""
    from vae_core import runs

    _act(run, root, as_json, runs.step)


@runs.command()
@_of_a_run
def epoch(run: str, root: Path | None, as_json: bool) -> None:
    """Train RUN to the end of the epoch, then pause."""
    from vae_core import runs

    _act(run, root, as_json, runs.epoch)


@runs.command()
@_of_a_run
def stop(run: str, root: Path | None, as_json: bool) -> None:
    """End RUN with what it has; its model can then be opened."""
    from vae_core import runs

    _act(run, root, as_json, runs.stop)


@runs.command(name="continue")
@_of_a_run
@click.option("--epochs", type=int, required=True, help="How many more.")
def extend(run: str, root: Path | None, as_json: bool, epochs: int) -> None:
    """Go on with RUN for more epochs than it was to have."""
    from vae_core import runs

    _act(run, root, as_json, lambda folder: runs.extend(folder, epochs))


@runs.command()
@_of_a_run
@click.argument("settings", nargs=-1, required=True)
def change(run: str, root: Path | None, as_json: bool, settings: Sequence[str]) -> None:
    """Steer RUN while it trains: learning_rate=VALUE, beta=VALUE, epochs=VALUE."""
    from vae_core import runs

    given = {name: _float(name, value) for name, value in _pairs(settings).items()}
    _act(run, root, as_json, lambda folder: runs.change(folder, **given))


@runs.command()
@_of_a_run
def rewind(run: str, root: Path | None, as_json: bool) -> None:
    """Take RUN back to its initial weights, paused, with the settings it was laid with."""
    from vae_core import runs

    _act(run, root, as_json, runs.rewind)


@runs.command()
@_of_a_run
@click.argument("settings", nargs=-1)
def copy(run: str, root: Path | None, as_json: bool, settings: Sequence[str]) -> None:
    """Train a copy of RUN with other settings, each NAME=VALUE, such as latent_dim=3."""
    from vae_core import runs

    given: dict[str, object] = dict(_pairs(settings))
    for name in {"hidden", "upper_hidden"} & given.keys():
        given[name] = tuple(part.strip() for part in str(given[name]).split(","))
    tell(runs.copy(_folder(run, root), given), as_json)


@runs.command()
@_of_a_run
def delete(run: str, root: Path | None, as_json: bool) -> None:
    """Put RUN into the trash; `restore` takes it out again for a day."""
    from vae_core import runs

    folder = _folder(run, root)
    name = runs.delete(folder)
    runs.purge(folder.parent)
    if as_json:
        click.echo(json.dumps({"deleted": name}))
    else:
        click.echo(f"{folder.name} is deleted; `runs restore {name}` brings it back")


@runs.command()
@_of_a_run
def restore(run: str, root: Path | None, as_json: bool) -> None:
    """Bring the deleted RUN back."""
    from vae_core import runs

    tell(runs.restore(runs.runs_dir(root), run), as_json)


def _folder(run: str, root: Path | None) -> Path:
    """Find a run by its folder, or by its name among all runs."""
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
    """Do something to a run, wait for a state that it leads to soon, and tell how it stands."""
    from vae_core import runs

    folder = _folder(run, root)
    action(folder)
    deadline = time.monotonic() + WAITS
    while until and runs.status(folder).state not in until and time.monotonic() < deadline:
        time.sleep(LOOKS)
    tell(folder, as_json)


def tell(folder: Path, as_json: bool) -> None:
    """Tell how a run stands, with its place in the queue."""
    from vae_core import runs

    runs.pass_on(folder)  # what was asked may have left room for another
    place = runs.places(runs.stands(folder.parent)).get(folder.name)
    now = runs.status(folder)
    click.echo(json.dumps(_facts(now, place)) if as_json else _line(now, place))


def _facts(now: RunStatus, place: Place | None) -> dict[str, Any]:
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


def _line(now: RunStatus, place: Place | None) -> str:
    said = f"{now.folder.name:24} {now.state:11} "
    said += f"epoch {now.epoch} of {now.config.training.epochs}, step {now.step}"
    if now.test_elbo is not None:
        said += f", test ELBO {now.test_elbo:.2f}"
    if now.images_per_second:
        said += f", {now.images_per_second:.0f} images a second"
    if now.state == "running" and now.seconds_left:
        said += f", about {now.seconds_left:.0f} s left"
    if place:
        begins = "" if place.seconds is None else f", in about {place.seconds:.0f} s"
        said += f", number {place.number} in the queue{begins}"
    return said + (f": {now.message}" if now.message else "")


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
