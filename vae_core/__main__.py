"""The command line: ``python -m vae_core …``.

Each command prints a table for people, or JSON for machines with ``--json``. What the user gave
and cannot be used is told in one line on stderr, with exit status 2.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vae_core.cli.runs import dask_option
from vae_core.cli.runs import runs as runs_group
from vae_core.cli.runs import tell as tell_run
from vae_core.config import ModelConfig, TrainConfig
from vae_core.errors import ConfigError, LatentExplorerError
from vae_core.jobs import cluster

if TYPE_CHECKING:
    from torch import Tensor

    from vae_core.checkpoints import BoltzmannCard, Metric, ModelCard, Saved, SavedMachine
    from vae_core.data import ImageDataset
    from vae_core.learning import EpochRecord
    from vae_core.runs import RunConfig
    from vae_core.studies import Study

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


@click.group(context_settings={"help_option_names": ["-h", "--help"]}, invoke_without_command=True)
@click.pass_context
def cli(context: click.Context) -> None:
    """Train, measure and look inside variational auto-encoders."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


cli.add_command(runs_group)


@cli.command()
@json_option
@data_option
def datasets(as_json: bool, data_dir: Path | None) -> None:
    """List the datasets and whether they are on this machine."""
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
        print_json({"data_dir": str(data.data_dir(data_dir)), "datasets": rows})
        return
    for one in found:
        here = "here" if one.present else f"missing ({one.megabytes} MB to download)"
        click.echo(f"{one.name:15} {here:32} {one.title}")


@cli.command()
@click.argument("name")
@json_option
@data_option
def download(name: str, as_json: bool, data_dir: Path | None) -> None:
    """Download dataset NAME into the data folder."""
    from vae_core import data

    with click.progressbar(length=100, label=name, file=sys.stderr) as bar:

        def progress(done: int, total: int) -> None:
            bar.update(int(100 * done / max(total, 1)) - bar.pos)

        folder = data.download(name, data_dir=data_dir, progress=progress)
    if as_json:
        print_json({"name": name, "folder": str(folder)})
    else:
        click.echo(f"{name} is in {folder}")


@cli.command()
@json_option
@click.option("--markdown", is_flag=True, help="Print the table of README.md.")
def models(as_json: bool, markdown: bool) -> None:
    """List the models that come with the project."""
    from vae_core import checkpoints
    from vae_core.formats import tables
    from vae_core.models import boltzmann

    cards: list[ModelCard] = []
    others: list[BoltzmannCard] = []
    for name in checkpoints.list_models():
        machine = checkpoints.load_machine(name)
        if machine is None:
            cards.append(checkpoints.load_card(name))
        else:
            others.append(machine.card)
    if as_json:
        print_json({"models": [summary_of(card) for card in (*cards, *others)]})
        return
    if markdown:
        click.echo(tables.cards_markdown(cards))
        return
    for other in others:
        hidden = "–".join(map(str, other.model.hidden))
        click.echo(f"{other.name:18} {other.dataset:10} {boltzmann.KINDS[other.kind]}, {hidden}")
    for card in cards:
        hidden = "–".join(map(str, card.model.hidden))
        line = f"{card.name:18} {card.dataset:10} z = {card.model.latent_dim:<3} {hidden:14}"
        if elbo := card.metrics.get("elbo"):
            line += f" test −ELBO {-elbo.value:8.2f} ± {elbo.se or 0:.2f} {elbo.kind}"
        click.echo(line)


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


@cli.command()
@settings_options(ModelConfig, skipped=("image_shape",))
@settings_options(TrainConfig)
@click.option(
    "--recipe",
    help="Settings to begin with; those given beside it hold. fast: −ELBO below 105 on grey MNIST "
    "in seconds, z = 20.",
)
@click.option("--name", help="Name on the model's card  [default: the folder's name]")
@click.option("--importance-samples", type=int, help="k of an nll_iw{k} figure on the card.")
@click.option(
    "--limit", type=int, help="Test images, evenly spread, that this figure is taken over."
)
@click.option(
    "--change",
    "changed",
    multiple=True,
    help="STEP:name=value: go on with another learning_rate, beta or epochs after STEP.",
)
@click.option("--out", type=click.Path(path_type=Path), help="New folder for the model.")
@click.option("--resume", type=click.Path(path_type=Path), help="Go on with an interrupted run.")
@click.option("--queue", is_flag=True, help="Let it train in turn, among the runs of the app.")
@dask_option
@json_option
@data_option
def train(
    recipe: str | None,
    name: str | None,
    importance_samples: int | None,
    limit: int | None,
    changed: tuple[str, ...],
    out: Path | None,
    resume: Path | None,
    queue: bool,
    as_json: bool,
    data_dir: Path | None,
    **settings: str | None,
) -> None:
    """Train a model into a folder, resume one with --resume DIR, or put one into the --queue."""
    from vae_core import runs

    run: dict[str, Any] = {"recipe": recipe, "name": name, "importance_samples": importance_samples}
    run |= {"limit": limit, "change": changed or None}
    given = {key: value for key, value in (settings | run).items() if value is not None}
    if sum((out is not None, resume is not None, queue)) != 1:
        raise ConfigError("train needs one of --out DIR for a new run, --resume DIR and --queue")
    if queue:
        if changed or data_dir is not None:
            option = "--change" if changed else "--data-dir"
            raise ConfigError(f"{option} goes with --out DIR, not with --queue")
        config = _run_config(_beginning(recipe) | given, data_dir)
        tell_run(runs.submit(runs.runs_dir(), config), as_json)
        return
    if cluster.address() is not None and data_dir is not None:
        raise ConfigError("--data-dir is of this machine: a cluster's workers have VAE_DATA_DIR")
    if resume is not None:
        if given:
            option = next(iter(given)).replace("_", "-")
            raise ConfigError(f"--resume keeps the run's settings; take back --{option}")
        folder = resume
        config = runs.read_config(folder)
    else:
        assert out is not None
        folder = out
        config = _run_config({"name": out.name} | _beginning(recipe) | given, data_dir)
        changes = [runs.read_change(word) for word in changed]
        runs.check_changes(config.training, changes)
        runs.create(folder, config)
        for one in changes:
            runs.append(folder, "change", step=one.step, settings=dict(one.settings))
    report = print_json_record if as_json else table_printer(config.training.epochs)
    say = print_nothing if as_json else print_stage
    if cluster.address() is None:
        try:
            state = runs.execute(folder, data_dir=data_dir, on_record=report, say=say)
        finally:
            runs.pass_on(folder.absolute())
    else:
        state = runs.follow(folder, on_record=report, say=say)
    if not as_json:
        click.echo(f"{state}: the model is in {folder}")


@cli.command(name="map", hidden=True)
@click.argument("folder", type=click.Path(path_type=Path))
def compute_map(folder: Path) -> None:
    """Compute the t-SNE map that the app laid out in FOLDER."""
    from vae_core.jobs import tsne

    tsne.execute(folder)


@cli.command()
@click.argument("names", nargs=-1)
@click.option("--jobs", default=2, show_default=True, help="Trainings at once.")
@click.option(
    "--work",
    type=click.Path(path_type=Path),
    default=Path("build/pretrained"),
    show_default=True,
    help="Folder for the runs.",
)
@json_option
def pretrain(names: tuple[str, ...], jobs: int, work: Path, as_json: bool) -> None:
    """Make the models in pretrained/ again, all or those with NAMES."""
    from vae_core import recipes

    check_bounds("jobs", jobs, 1, 64)
    chosen = names or tuple(recipes.RECIPES)
    seconds = recipes.make(chosen, work=work, jobs=jobs, say=print_stage)
    if as_json:
        print_json({"seconds": seconds})


@cli.command()
@click.argument("model")
@click.option("--dataset", help="Dataset to test on  [default: the model's]")
@click.option("--pixels", help="Kind of pixel  [default: the card's]")
@click.option(
    "--importance-samples",
    type=click.IntRange(0, 100_000),
    default=0,
    help="k of an nll_iw{k} estimate.",
)
@click.option(
    "--estimator",
    "estimators",
    type=click.Choice(["appendix-d", "ais"]),
    multiple=True,
    help="Estimate log p(x) without the encoder as well; for a z of few dimensions.",
)
@click.option("--limit", type=int, help="Test images to use, evenly spread  [default: all]")
@seed_option
@click.option("--write", is_flag=True, help="Add the figures that MODEL's card lacks.")
@json_option
@data_option
def evaluate(
    model: str,
    dataset: str | None,
    pixels: str | None,
    importance_samples: int,
    estimators: tuple[str, ...],
    limit: int | None,
    seed: int,
    write: bool,
    as_json: bool,
    data_dir: Path | None,
) -> None:
    """Measure MODEL on its test set."""
    from vae_core import checkpoints, evaluation, learning, marginal, publishing
    from vae_core.data import load_dataset

    other = {"dataset": dataset, "pixels": pixels, "limit": limit}
    if write and (given := [f"--{name} {value}" for name, value in other.items() if value]):
        raise ConfigError(f"--write is for the model's own test set, without {', '.join(given)}")
    if machine := checkpoints.load_machine(model):
        wanted = {
            "pixels": pixels if pixels != "grey" else None,
            "importance-samples": importance_samples,
            "estimator": ", ".join(estimators),
        }
        metrics = _machine_metrics(machine, wanted, dataset, limit, data_dir)
        print_metrics(as_json, machine.card.name, dataset or machine.card.dataset, metrics)
        return
    card = checkpoints.load_card(model)
    loaded = checkpoints.load_model(model)
    data = load_dataset(dataset or card.dataset, data_dir=data_dir)
    training = card.training
    if pixels is not None:
        training = TrainConfig.of(**{**training.model_dump(), "test_pixels": pixels})
    learning.check_data(card.model, training.tested_on, data)
    for name in estimators:
        marginal.check(loaded, name)  # before the test set is encoded
    if limit is not None:
        data = _limited(data, limit)
    encoded = publishing.encode_test(loaded, data, training, seed=seed)
    metrics = publishing.measure(
        loaded,
        data,
        training,
        encoded=encoded,
        importance_samples=importance_samples,
        estimators=estimators,
        seed=seed,
    )
    if write:
        checkpoints.add_metrics(model, metrics)
    kl = publishing.kl_per_dim(loaded, data, encoded)
    warning = evaluation.collapse_warning(encoded.mu, kl)
    print_metrics(as_json, card.name, data.name, metrics, warning)


@cli.command()
@click.argument("model")
@out_option
@click.option("--split", type=click.Choice(["train", "test"]), default="test", show_default=True)
@json_option
@data_option
def encode(model: str, out: Path, split: str, as_json: bool, data_dir: Path | None) -> None:
    """Write the codes of a set as CSV: id, label, then mu and sigma of each dimension."""
    from vae_core import checkpoints, learning, machines, publishing
    from vae_core.data import load_dataset
    from vae_core.formats import tables

    if machine := checkpoints.load_machine(model):
        data = load_dataset(machine.card.dataset, data_dir=data_dir)
        rows = {"train": data.train, "test": data.test}[split]
        h = machines.encode(machine.machine, rows).probabilities
        text = tables.codes_csv(rows.ids, rows.labels, h, machines.logvar(h))
        write_file(out, text.encode())
        print_written(as_json, out, n=len(rows), latent_dim=machine.machine.size)
        return
    card = checkpoints.load_card(model)
    data = load_dataset(card.dataset, data_dir=data_dir)
    learning.check_data(card.model, card.training.tested_on, data)
    rows, encoder = {
        "train": (data.train, publishing.encode_train),
        "test": (data.test, publishing.encode_test),
    }[split]
    encoded = encoder(checkpoints.load_model(model), data, card.training)
    write_file(out, tables.codes_csv(rows.ids, rows.labels, encoded.mu, encoded.logvar).encode())
    print_written(as_json, out, n=len(rows), latent_dim=card.model.latent_dim)


@cli.command()
@click.argument("model")
@out_option
@click.option("--n", default=100, show_default=True, help="How many pictures.")
@seed_option
@json_option
@label_option
def sample(model: str, out: Path, n: int, seed: int, as_json: bool, label: str | None) -> None:
    """Decode codes drawn from the prior into one PNG; of a Boltzmann machine, by Gibbs chains."""
    import torch

    from vae_core import checkpoints
    from vae_core.formats import tables

    check_bounds("n", n, 1, 10_000)
    generator = torch.Generator().manual_seed(seed)
    if machine := checkpoints.load_machine(model):
        _no_labels(machine, label)
        drawn = machine.machine.sample(n, generator=generator)
    else:
        y = None if label is None else _label(checkpoints.load_card(model), label, n)
        drawn = checkpoints.load_model(model).sample(n, generator=generator, y=y)
    write_file(out, tables.png(tables.tile(to_levels(drawn))))
    print_written(as_json, out, n=n, seed=seed)


@cli.command()
@click.argument("model")
@click.argument("pictures", nargs=-1, required=True, type=click.Path(path_type=Path))
@out_option
@json_option
@label_option
def reconstruct(
    model: str, pictures: tuple[Path, ...], out: Path, as_json: bool, label: str | None
) -> None:
    """Reconstruct pictures: what the model sees above what it makes of it, in one PNG."""
    import torch

    from vae_core import checkpoints, images, objectives
    from vae_core.formats import tables
    from vae_core.models import boltzmann

    loaded = checkpoints.load(model)
    seen = [
        images.prepare(images.read_picture(path), loaded.config.image_shape).image
        for path in pictures
    ]
    x = torch.stack([torch.as_tensor(one) for one in seen])
    if isinstance(loaded, boltzmann.Boltzmann):
        machine = checkpoints.load_machine(model)
        assert machine is not None
        _no_labels(machine, label)
        recon = loaded.reconstruct(x)
        write_file(out, tables.png(tables.tile(to_levels(torch.cat([x, recon])), columns=len(x))))
        costs = boltzmann.cross_entropy(x, recon), boltzmann.entropy_floor(x)
        found = [
            {"picture": str(path), "cross_entropy": float(cost), "entropy_floor": float(floor)}
            for path, cost, floor in zip(pictures, *costs, strict=True)
        ]
        print_pictures(as_json, out, found)
        return
    y = _label(checkpoints.load_card(model), label, len(x))
    with torch.inference_mode():
        inference = loaded(x, y=y, generator=torch.Generator().manual_seed(0))
        bound = objectives.elbo(inference)
    rows = torch.cat([x, loaded.reconstruct(x, y)])
    write_file(out, tables.png(tables.tile(to_levels(rows), columns=len(x))))
    results = [
        {"picture": str(path), "rate": float(rate), "distortion": float(distortion)}
        for path, rate, distortion in zip(pictures, bound.rate, bound.distortion, strict=True)
    ]
    print_pictures(as_json, out, results)


@cli.command()
@json_option
@click.option("--markdown", is_flag=True, help="Print docs/studies.md.")
def studies(as_json: bool, markdown: bool) -> None:
    """List the studies and how far each was run, with the goals that it reached or missed."""
    from vae_core.studies import STUDIES, summary

    results = summary.found(STUDIES)
    if as_json:
        print_json({"studies": [one for one in results.values() if one is not None]})
        return
    if markdown:
        click.echo(summary.markdown(STUDIES, results))
        return
    for name, result in results.items():
        click.echo(f"{name:20} {STUDIES[name].title}: {summary.state(STUDIES[name], result)}")
        _tell_verdicts(STUDIES[name], result)


@cli.command()
@click.argument("name")
@click.option("--quick", is_flag=True, help="Small data, to see that it works; marked so.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="Result file  [default: pretrained/studies/NAME.json; build/studies with --quick]",
)
@click.option("--cell", "cells", multiple=True, help="Run this cell alone; may be repeated.")
@dask_option
@json_option
@data_option
def study(
    name: str,
    quick: bool,
    out: Path | None,
    cells: tuple[str, ...],
    as_json: bool,
    data_dir: Path | None,
) -> None:
    """Run the study NAME, or what is left of it, and write its results as JSON."""
    from vae_core import studies

    asked = studies.find(name)
    run = studies.run if cluster.address() is None else studies.run_on_cluster
    result = run(asked, quick=quick, out=out, data_dir=data_dir, only=cells, say=print_stage)
    if as_json:
        print_json(result)
        return
    click.echo(result["title"] + (", quick: the figures mean nothing" if quick else ""))
    for cell in result["cells"]:
        for key, metric in cell["metrics"].items():
            error = "" if metric["se"] is None else f" ± {metric['se']:.3f}"
            click.echo(
                f"{cell['name']:28} {key:28} {metric['value']:10.3f}{error} {metric['unit']}"
            )
    if not quick:
        _tell_verdicts(asked, result)


@cli.command()
@click.argument("model")
@click.option(
    "--format",
    "form",
    type=click.Choice(["html", "csv", "onnx"]),
    required=True,
    help="html: one page with map, sliders, manifold and pad. csv: codes. onnx: the decoder.",
)
@out_option
@json_option
@data_option
def export(model: str, form: str, out: Path, as_json: bool, data_dir: Path | None) -> None:
    """Write MODEL for others: a page that needs no server, its codes, or its decoder.

    MODEL may be a run, also while it trains: then it is the model of its last checkpoint, and the
    data has to be at hand. A page has the replay of the training where the folder holds one.
    """
    from vae_core import runs
    from vae_core.formats import html, onnx, tables

    folder, saved = _openable(model, data_dir)
    codes = saved.codes

    def page() -> bytes:
        replay = runs.read_replay(folder)
        film = (
            None if replay is None else runs.replay_bundles.small_bundle(replay, saved.card.model)
        )
        return html.page(saved, film=film)

    writers: dict[str, Callable[[], bytes]] = {
        "html": page,
        "csv": lambda: tables.codes_csv(codes.ids, codes.labels, codes.mu, codes.logvar).encode(),
        "onnx": lambda: onnx.decoder(saved.model),
    }
    content = writers[form]()
    write_file(out, content)
    print_written(as_json, out, format=form, bytes=len(content))


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; bad input ends in one line on stderr and exit status 2."""
    try:
        cli.main(args=arguments, standalone_mode=False)
    except click.ClickException as error:
        fail(error.format_message())
    except LatentExplorerError as error:
        fail(str(error))
    except OSError as error:
        fail(f"{error.filename}: {error.strerror}" if error.filename else str(error))
    except (KeyboardInterrupt, click.Abort):
        click.echo("stopped", err=True)
        sys.exit(130)


def fail(sentence: str) -> None:
    """Print one line on stderr and exit with status 2."""
    click.echo("error: " + " ".join(sentence.split()), err=True)
    sys.exit(2)


def _openable(model: str, data_dir: Path | None) -> tuple[Path, Saved]:
    """Open a model by its name or folder, or a run by its own, whether it has ended or not."""
    from vae_core import checkpoints, runs

    places = (checkpoints.PRETRAINED / model, Path(model), runs.runs_dir() / model)
    marks = (checkpoints.CARD, runs.CONFIG)
    there = [one for one in places if any((one / mark).is_file() for mark in marks)]
    folder = there[0] if there else Path(model)
    is_run = (folder / runs.CONFIG).is_file()
    if is_run and runs.status(folder).state not in ("finished", "stopped"):
        return folder, runs.open_unfinished(folder, data_dir=data_dir)
    folder = checkpoints.locate(folder)
    return folder, checkpoints.open_folder(folder)


def _beginning(recipe: str | None) -> dict[str, Any]:
    if recipe is None:
        return {}
    from vae_core import recipes

    if recipe not in recipes.BEGINNINGS:
        raise ConfigError(f"recipe {recipe!r}: allowed are {', '.join(recipes.BEGINNINGS)}")
    return recipes.BEGINNINGS[recipe]()


def _run_config(given: Mapping[str, Any], data_dir: Path | None) -> RunConfig:
    from vae_core import learning, runs
    from vae_core.data import load_dataset

    training = TrainConfig.of(**{k: v for k, v in given.items() if k in TrainConfig.model_fields})
    dataset = load_dataset(training.dataset, data_dir=data_dir)
    chosen = {k: v for k, v in given.items() if k in ModelConfig.model_fields}
    for widths in {"hidden", "upper_hidden"} & chosen.keys():
        if isinstance(chosen[widths], str):
            chosen[widths] = tuple(part.strip() for part in chosen[widths].split(","))
    model = learning.describe_model(dataset, **chosen)
    learning.check_fit(model, training, dataset)  # before a folder is made
    return runs.RunConfig.of(
        name=given.get("name", f"{training.dataset} {model.latent_dim}d"),
        model=model,
        training=training,
        importance_samples=given.get("importance_samples", 0),
        importance_limit=given.get("limit"),
    )


def _machine_metrics(
    saved: SavedMachine,
    wanted: Mapping[str, Any],
    dataset: str | None,
    limit: int | None,
    data_dir: Path | None,
) -> dict[str, Metric]:
    """Measure a Boltzmann machine; refuse what it has not."""
    from vae_core import machines
    from vae_core.data import load_dataset
    from vae_core.models.boltzmann import KINDS

    for option, value in wanted.items():
        if value:
            raise ConfigError(
                f"--{option} {value}: {saved.card.name} is {KINDS[saved.card.kind]}, which is "
                "measured by its reconstructions of grey pixels; it has no density q(z|x)"
            )
    data = load_dataset(dataset or saved.card.dataset, data_dir=data_dir)
    return machines.measure(saved.machine, data if limit is None else _limited(data, limit))


def _no_labels(saved: SavedMachine, label: str | None) -> None:
    if label is not None:
        raise ConfigError(f"--label {label}: {saved.card.name} takes no labels")


def _tell_verdicts(study: Study, result: dict[str, Any] | None) -> None:
    from vae_core.studies import summary

    for asked, value, verdict in summary.verdicts(study, result):
        click.echo(f"    {asked}: {value} {verdict}")


def print_metrics(
    as_json: bool,
    model: str,
    dataset: str,
    metrics: Mapping[str, Metric],
    warning: str | None = None,
) -> None:
    """Print metrics as a table, or as JSON."""
    if as_json:
        dumped = {name: metric.model_dump() for name, metric in metrics.items()}
        told = {"model": model, "dataset": dataset, "metrics": dumped}
        print_json(told | {"warnings": [] if warning is None else [warning]})
        return
    for name, metric in metrics.items():
        error = "" if metric.se is None else f" ± {metric.se:.3f}"
        draws = "" if metric.samples is None else f", {metric.samples} samples"
        seed = "" if metric.seed is None else f", seed {metric.seed}"
        click.echo(
            f"{name:14} {metric.value:10.3f}{error} {metric.unit}  "
            f"({metric.kind}, {metric.split}, n = {metric.n}{draws}{seed})"
        )
    if warning is not None:
        click.echo(warning)


def print_pictures(as_json: bool, out: Path, found: Sequence[Mapping[str, Any]]) -> None:
    """Print what was found of each picture."""
    if as_json:
        print_json({"out": str(out), "pictures": list(found)})
        return
    for one in found:
        figures = [f"{k.replace('_', ' ')} {v:.1f}" for k, v in one.items() if k != "picture"]
        click.echo(f"{one['picture']}: {', '.join(figures)}")
    click.echo(f"written to {out}")


def _limited(data: ImageDataset, limit: int) -> ImageDataset:
    import dataclasses

    check_bounds("limit", limit, 2, len(data.test))
    return dataclasses.replace(data, test=data.test.spread(limit))


def _label(card: ModelCard, label: str | None, n: int) -> Tensor | None:
    """Return ``n`` labels of the given name, for a model that takes them."""
    import torch

    if not card.model.takes_labels:
        if label is not None:
            raise ConfigError(f"--label {label}: {card.name} takes no labels")
        return None
    if label not in card.classes:
        given = "is needed" if label is None else f"{label}: unknown"
        raise ConfigError(f"--label {given}; allowed for {card.name}: {', '.join(card.classes)}")
    return torch.full((n,), card.classes.index(label))


def check_bounds(name: str, value: int, low: int, high: int) -> None:
    """Refuse a number outside its bounds."""
    if not low <= value <= high:
        raise ConfigError(f"{name} {value}: allowed are {low} to {high}")


def to_levels(images: Tensor) -> Any:
    """Return images in [0, 1] as uint8 levels."""
    return images.mul(255).round().byte().numpy()


def summary_of(card: Any) -> dict[str, Any]:
    """Return what JSON tells of a card."""
    return {
        "name": card.name,
        "dataset": card.dataset,
        "model": card.model.model_dump(),
        "metrics": {name: m.model_dump() for name, m in getattr(card, "metrics", {}).items()},
    }


def print_json_record(record: EpochRecord) -> None:
    """Print an epoch as one line of JSON."""
    click.echo(json.dumps(record.as_dict()))


def table_printer(epochs: int) -> Callable[[EpochRecord], None]:
    """Return a function that prints an epoch as a row."""

    def report(record: EpochRecord) -> None:
        if record.epoch == 1:
            click.echo(" epoch  train ELBO   test ELBO      rate  distortion   seconds")
        click.echo(
            f"{record.epoch:>3}/{epochs:<3} {record.train.elbo:10.2f} {record.test.elbo:11.2f} "
            f"{record.test.rate:9.2f} {record.test.distortion:11.2f} {record.seconds:9.2f}"
        )

    return report


def print_stage(stage: str) -> None:
    """Print what begins now, on stderr."""
    click.echo(f"… {stage}", err=True)


def print_nothing(stage: str) -> None:
    """Keep standard output to JSON alone."""


def write_file(path: Path, content: bytes) -> None:
    """Write a file whole or not at all; its folder has to exist."""
    from vae_core.files import write_atomically

    if path.is_dir():
        raise ConfigError(f"--out {path}: a folder has that name; allowed is a file")
    if not path.parent.is_dir():
        raise ConfigError(f"--out {path}: there is no folder {path.parent}")
    write_atomically(path, content)


def print_written(as_json: bool, out: Path, **facts: Any) -> None:
    """Print where a file was written, with facts about it."""
    if as_json:
        print_json({"out": str(out), **facts})
    else:
        click.echo(f"written to {out}")


def print_json(value: Mapping[str, Any]) -> None:
    """Print a value as JSON."""
    click.echo(json.dumps(value))


if __name__ == "__main__":
    main()
