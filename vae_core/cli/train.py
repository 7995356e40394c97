"""Commands that train."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vae_core.cli import options, printing
from vae_core.cli.runs import print_run
from vae_core.config import ModelConfig, TrainConfig
from vae_core.errors import ConfigError
from vae_core.jobs import cluster

if TYPE_CHECKING:
    from vae_core.data import ImageDataset
    from vae_core.runs import RunConfig

#: Likelihood of pixels with grey levels.
GREY_LEVELS = "discretised-logistic"


@click.command()
@options.settings_options(ModelConfig, skipped=("image_shape",))
@options.settings_options(TrainConfig)
@click.option(
    "--recipe",
    help="Settings to start from; options override them. fast: −ELBO below 105 nats on grey MNIST "
    "in seconds, latent_dim 20.",
)
@options.image_shape_option
@click.option("--name", help="Name on the model's card  [default: the folder's name]")
@click.option("--importance-samples", type=int, help="k of an nll_iw{k} metric on the card.")
@click.option(
    "--limit", type=int, help="Test images for that metric, evenly spread  [default: all]"
)
@click.option(
    "--change",
    "changed",
    multiple=True,
    help="STEP:name=value: change learning_rate, beta or epochs after STEP; may be repeated.",
)
@click.option("--out", type=click.Path(path_type=Path), help="New folder for the model.")
@click.option(
    "--resume", type=click.Path(path_type=Path), help="Folder of an interrupted run to continue."
)
@click.option("--queue", is_flag=True, help="Add it to the queue of the app's runs.")
@options.dask_option
@options.json_option
@options.data_option
def train(
    recipe: str | None,
    image_shape: tuple[int, int, int] | None,
    name: str | None,
    importance_samples: int | None,
    limit: int | None,
    changed: tuple[str, ...],
    out: Path | None,
    resume: Path | None,
    queue: bool,
    as_json: bool,
    data_dir: Path | None,
    **settings: Any,
) -> None:
    """Train a model into --out DIR, continue a run with --resume DIR, or add one to the --queue."""
    from vae_core import runs

    settings |= {"recipe": recipe, "name": name, "importance_samples": importance_samples}
    settings["image_shape"] = image_shape
    settings |= {"limit": limit, "change": changed or None}
    chosen = {key: value for key, value in settings.items() if value is not None}
    if sum((out is not None, resume is not None, queue)) != 1:
        raise ConfigError("train needs one of --out DIR for a new run, --resume DIR and --queue")
    if queue:
        if changed or data_dir is not None:
            option = "--change" if changed else "--data-dir"
            raise ConfigError(f"{option} goes with --out DIR, not with --queue")
        config = _run_config(_recipe_settings(recipe) | chosen, data_dir)
        print_run(runs.submit(runs.runs_dir(), config), as_json)
        return
    if cluster.address() is not None and data_dir is not None:
        raise ConfigError("--data-dir is local: a cluster's workers read VAE_DATA_DIR")
    if resume is not None:
        if chosen:
            option = next(iter(chosen)).replace("_", "-")
            raise ConfigError(f"--resume keeps the run's settings; leave out --{option}")
        folder = resume
        config = runs.read_config(folder)
    else:
        assert out is not None
        folder = out
        config = _run_config({"name": out.name} | _recipe_settings(recipe) | chosen, data_dir)
        changes = [runs.read_change(word) for word in changed]
        runs.check_changes(config.training, changes)
        runs.create(folder, config)
        for one in changes:
            runs.append(folder, "change", step=one.step, settings=dict(one.settings))
    report = printing.epoch_printer(as_json, config.training.epochs)
    say = (lambda stage: None) if as_json else printing.print_stage
    if cluster.address() is None:
        try:
            state = runs.execute(folder, data_dir=data_dir, on_record=report, say=say)
        finally:
            runs.start_next(folder.absolute())
    else:
        state = runs.follow(folder, on_record=report, say=say)
    if not as_json:
        click.echo(f"{state}: the model is in {folder}")
        if state in ("finished", "stopped") and (warning := _collapse_warning(folder)):
            click.echo(warning)


def _collapse_warning(folder: Path) -> str | None:
    import torch

    from vae_core import evaluation, model_folder

    kl = torch.tensor(model_folder.load_card(folder).kl_per_dim)
    return evaluation.collapse_warning(model_folder.load_codes(folder).mu, kl)


@click.command(name="map", hidden=True)
@click.argument("folder", type=click.Path(path_type=Path))
def compute_map(folder: Path) -> None:
    """Compute the t-SNE projection that the app requested in FOLDER."""
    from vae_core.jobs import tsne

    tsne.execute(folder)


@click.command()
@click.argument("names", nargs=-1)
@click.option("--jobs", default=2, show_default=True, help="Number of simultaneous trainings.")
@click.option(
    "--work",
    type=click.Path(path_type=Path),
    default=Path("build/pretrained"),
    show_default=True,
    help="Folder for the runs.",
)
@options.json_option
def pretrain(names: tuple[str, ...], jobs: int, work: Path, as_json: bool) -> None:
    """Train the models in pretrained/ again: all, or those with NAMES."""
    from vae_core import recipes

    printing.check_bounds("jobs", jobs, 1, 64)
    chosen = names or tuple(recipes.RECIPES)
    seconds = recipes.make(chosen, work=work, jobs=jobs, say=printing.print_stage)
    if as_json:
        printing.print_json({"seconds": seconds})


def _recipe_settings(recipe: str | None) -> dict[str, Any]:
    if recipe is None:
        return {}
    from vae_core import recipes

    if recipe not in recipes.PRESETS:
        raise ConfigError(f"recipe {recipe!r}: allowed are {', '.join(recipes.PRESETS)}")
    return recipes.PRESETS[recipe]()


def _has_grey_levels(dataset: ImageDataset) -> bool:
    """Return whether pictures are of one's own, grey and no ink, which is nearly on or off."""
    from vae_core.data import SOURCES, framing

    is_own = dataset.name not in SOURCES and dataset.image_shape[0] == 1
    return is_own and framing.measure(dataset) is None


def _absolute(path: str) -> Path:
    return Path(path).expanduser().absolute()


def _run_config(settings: Mapping[str, Any], data_dir: Path | None) -> RunConfig:
    from vae_core import learning, runs
    from vae_core.data import SOURCES, load_for

    training = TrainConfig.of(
        **{k: v for k, v in settings.items() if k in TrainConfig.model_fields}
    )
    if training.dataset not in SOURCES:  # another command may run in another folder
        training = training.model_copy(update={"dataset": str(_absolute(training.dataset))})
    dataset = load_for(training, image_shape=settings.get("image_shape"), data_dir=data_dir)
    printing.print_notes(dataset.notes)
    shape = {k: v for k, v in settings.items() if k in ModelConfig.model_fields}
    if "likelihood" not in shape and _has_grey_levels(dataset):
        shape["likelihood"] = GREY_LEVELS
        printing.print_notes([f"The pictures have grey levels: --likelihood {GREY_LEVELS}."])
    model = learning.describe_model(dataset, **shape)
    learning.check_fit(model, training, dataset)  # before a folder is made
    return runs.RunConfig.of(
        name=settings.get("name", f"{training.dataset} {model.latent_dim}d"),
        model=model,
        training=training,
        importance_samples=settings.get("importance_samples", 0),
        importance_limit=settings.get("limit"),
    )
