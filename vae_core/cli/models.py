"""Commands on models."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vae_core.cli import options, printing
from vae_core.config import TrainConfig
from vae_core.errors import ConfigError

if TYPE_CHECKING:
    from torch import Tensor

    from vae_core import images
    from vae_core.data import ImageDataset
    from vae_core.model_folder import AnyCard, BoltzmannCard, Metric, SavedMachine


@click.command()
@options.json_option
@click.option("--markdown", is_flag=True, help="Print the table in README.md.")
def models(as_json: bool, markdown: bool) -> None:
    """List the models that come with the project."""
    from vae_core import model_folder
    from vae_core.formats import tables
    from vae_core.models import boltzmann

    cards: list[AnyCard] = []
    others: list[BoltzmannCard] = []
    for name in model_folder.list_models():
        machine = model_folder.load_machine(name)
        if machine is None:
            cards.append(model_folder.load_card(name))
        else:
            others.append(machine.card)
    if as_json:
        printing.print_json({"models": [printing.summary_of(card) for card in (*cards, *others)]})
        return
    if markdown:
        ours = [card for card in cards if isinstance(card, model_folder.ModelCard)]
        click.echo(tables.cards_markdown(ours))
        return
    for other in others:
        hidden = "–".join(map(str, other.model.hidden))
        click.echo(f"{other.name:18} {other.dataset:10} {boltzmann.KINDS[other.kind]}, {hidden}")
    for card in cards:
        hidden = "imported"
        if isinstance(card, model_folder.ModelCard):
            hidden = "–".join(map(str, card.model.hidden))
        line = f"{card.name:18} {card.dataset:10} z = {card.model.latent_dim:<3} {hidden:14}"
        if elbo := card.metrics.get("elbo"):
            line += f" test −ELBO {-elbo.value:8.2f} ± {elbo.se or 0:.2f} {elbo.kind}"
        click.echo(line)


@click.command()
@click.argument("model")
@click.option("--dataset", help="Dataset to test on  [default: the model's]")
@options.pixels_option("Kind of pixels to test on  [default: the card's]")
@options.importance_option
@click.option(
    "--estimator",
    "estimators",
    type=click.Choice(["appendix-d", "ais"]),
    multiple=True,
    help="Also estimate log p(x) by HMC, for few latent dimensions; may be repeated.",
)
@click.option("--limit", type=int, help="Number of test images, evenly spread  [default: all]")
@options.seed_option
@click.option("--write", is_flag=True, help="Add the metrics that the model's card lacks.")
@options.json_option
@options.data_option
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
    from vae_core import evaluation, learning, marginal, model_folder, publishing

    other = {"dataset": dataset, "pixels": pixels, "limit": limit}
    if write and (used := [f"--{name} {value}" for name, value in other.items() if value]):
        raise ConfigError(f"--write is for the model's own test set, without {', '.join(used)}")
    if machine := model_folder.load_machine(model):
        unsupported = {
            "pixels": pixels if pixels != "grey" else None,
            "importance-samples": importance_samples,
            "estimator": ", ".join(estimators),
        }
        metrics = _machine_metrics(machine, unsupported, dataset, limit, data_dir)
        printing.print_metrics(as_json, machine.card.name, dataset or machine.card.dataset, metrics)
        return
    card = model_folder.load_card(model)
    loaded = model_folder.load_model(model)
    data = _dataset(model, card, dataset, data_dir)
    training = card.measured_as
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
        model_folder.add_metrics(model, metrics)
    kl = publishing.kl_per_dim(loaded, data, encoded)
    warning = evaluation.collapse_warning(encoded.mu, kl)
    printing.print_metrics(as_json, card.name, data.name, metrics, warning)


@click.command()
@click.argument("model")
@options.out_option
@click.option("--split", type=click.Choice(["train", "test"]), default="test", show_default=True)
@click.option("--dataset", help="Another dataset, or own data  [default: the model's]")
@options.json_option
@options.data_option
def encode(
    model: str, out: Path, split: str, dataset: str | None, as_json: bool, data_dir: Path | None
) -> None:
    """Write a dataset's codes as CSV: id, label, mu and sigma of each dimension, other columns."""
    from vae_core import boltzmann_metrics, learning, model_folder, publishing
    from vae_core.data import load_dataset
    from vae_core.formats import tables

    machine = model_folder.load_machine(model)
    described = machine.card if machine else model_folder.load_card(model)
    if isinstance(described, model_folder.AnyCard):
        data = _dataset(model, described, dataset, data_dir)
    else:
        data = load_dataset(dataset or described.dataset, data_dir=data_dir)
    rows = {"train": data.train, "test": data.test}[split]
    if machine is not None:
        mu = boltzmann_metrics.encode(machine.machine, rows).probabilities
        logvar = boltzmann_metrics.logvar(mu)
    else:
        card = model_folder.load_card(model)
        learning.check_data(card.model, card.pixels_kind, data)
        encode_split = {"train": publishing.encode_train, "test": publishing.encode_test}[split]
        encoded = encode_split(model_folder.load_model(model), data, card.measured_as)
        mu, logvar = encoded.mu, encoded.logvar
    beside, notes = publishing.columns_of(rows, data.classes)
    printing.print_notes(notes)
    table = tables.codes_csv(rows.ids, rows.labels, mu, logvar, columns=beside)
    printing.write_file(out, table.encode())
    printing.print_written(as_json, out, n=len(rows), latent_dim=mu.shape[1])


@click.command()
@click.argument("model")
@options.out_option
@click.option("--n", default=100, show_default=True, help="Number of samples.")
@options.seed_option
@options.json_option
@options.label_option
def sample(model: str, out: Path, n: int, seed: int, as_json: bool, label: str | None) -> None:
    """Write samples as one PNG: decoded prior samples, or Gibbs samples of a Boltzmann machine."""
    import torch

    from vae_core import model_folder

    printing.check_bounds("n", n, 1, 10_000)
    generator = torch.Generator().manual_seed(seed)
    if machine := model_folder.load_machine(model):
        _no_labels(machine, label)
        drawn = machine.machine.sample(n, generator=generator)
    else:
        y = None if label is None else _label(model_folder.load_card(model), label, n)
        drawn = model_folder.load_model(model).sample(n, generator=generator, y=y)
    printing.write_png(out, drawn)
    printing.print_written(as_json, out, n=n, seed=seed)


@click.command()
@click.argument("model")
@click.argument("pictures", nargs=-1, required=True, type=click.Path(path_type=Path))
@options.out_option
@options.json_option
@options.label_option
@click.option("--each-glyph", is_flag=True, help="Take glyphs of one picture as several pictures.")
def reconstruct(
    model: str,
    pictures: tuple[Path, ...],
    out: Path,
    as_json: bool,
    label: str | None,
    each_glyph: bool,
) -> None:
    """Write pictures, as the model's input, above their reconstructions in one PNG."""
    import torch

    from vae_core import familiarity, images, model_folder, objectives
    from vae_core.models import boltzmann

    loaded = model_folder.load(model)
    machine = model_folder.load_machine(model)
    prepared_as = (
        model_folder.load_card(model).prepared_as if machine is None else machine.card.dataset
    )
    shape = loaded.config.image_shape
    prepare = images.prepare_each if each_glyph else _prepare_whole
    named = [
        (str(path), one)
        for path in pictures
        for one in prepare(images.read_picture(path), shape, dataset=prepared_as)
    ]
    prepared = [one for _, one in named]
    x = torch.stack([one.image for one in prepared])
    judged: list[familiarity.Familiarity] = []
    if isinstance(loaded, boltzmann.Boltzmann):
        assert machine is not None
        _no_labels(machine, label)
        recon = loaded.reconstruct(x)
        metrics = {
            "cross_entropy": boltzmann.cross_entropy(x, recon),
            "entropy_floor": boltzmann.entropy_floor(x),
        }
    else:
        y = _label(model_folder.load_card(model), label, len(x))
        with torch.inference_mode():
            inference = loaded(x, y=y, generator=torch.Generator().manual_seed(0))
            bound = objectives.elbo(inference)
            recon = loaded.reconstruct(x, y)
        metrics = {"rate": bound.rate, "distortion": bound.distortion}
        known = familiarity.calibrated(loaded, model_folder.load_codes(model), dataset=prepared_as)
        judged = familiarity.judged(known, loaded, x, y=y, prepared=prepared)
    printing.write_png(out, torch.cat([x, recon]), columns=len(x))
    results: list[dict[str, Any]] = [
        {"picture": path, **{name: float(values[row]) for name, values in metrics.items()}}
        for row, (path, _) in enumerate(named)
    ]
    for result, made, one in zip(results, prepared, judged, strict=False):
        result |= {"glyphs": made.glyphs, "familiarity": one.score, "doubtful": one.doubtful}
        result["reasons"] = list(one.reasons)
    printing.print_pictures(as_json, out, results, [one.warning for one in judged])


def _dataset(model: str, card: AnyCard, other: str | None, data_dir: Path | None) -> ImageDataset:
    """Load a model's dataset, or another one, in the shape that the model takes."""
    from vae_core import data, model_folder

    training = card.measured_as
    if other is None and isinstance(card, model_folder.ImportedCard):
        from vae_core import imports

        if card.dataset not in data.SOURCES:
            own = imports.reread(model_folder.open_folder(model))
            printing.print_notes(own.notes)
            return own
    if other is not None:
        fresh = {"dataset": other, "pictures": None, "labels": None, "transpose": False}
        training = training.model_copy(update=fresh)
    found = data.load_for(training, image_shape=card.model.image_shape, data_dir=data_dir)
    printing.print_notes(found.notes)
    return found


def _machine_metrics(
    saved: SavedMachine,
    unsupported: Mapping[str, Any],
    dataset: str | None,
    limit: int | None,
    data_dir: Path | None,
) -> dict[str, Metric]:
    from vae_core import boltzmann_metrics
    from vae_core.data import load_dataset
    from vae_core.models.boltzmann import KINDS

    for option, value in unsupported.items():
        if value:
            raise ConfigError(
                f"--{option} {value}: {saved.card.name} is {KINDS[saved.card.kind]}, which is "
                "measured by its reconstructions of grey pixels; it has no density q(z|x)"
            )
    data = load_dataset(dataset or saved.card.dataset, data_dir=data_dir)
    return boltzmann_metrics.measure(
        saved.machine, data if limit is None else _limited(data, limit)
    )


def _prepare_whole(
    picture: images.Bytes, image_shape: tuple[int, int, int], **switches: Any
) -> tuple[images.Prepared, ...]:
    """Prepare a picture with all of its ink: as `images.prepare_each` returns glyphs."""
    from vae_core import images

    return (images.prepare(picture, image_shape, **switches),)


def _no_labels(saved: SavedMachine, label: str | None) -> None:
    if label is not None:
        raise ConfigError(f"--label {label}: {saved.card.name} takes no labels")


def _limited(data: ImageDataset, limit: int) -> ImageDataset:
    import dataclasses

    printing.check_bounds("limit", limit, 2, len(data.test))
    return dataclasses.replace(data, test=data.test.spread(limit))


def _label(card: AnyCard, label: str | None, n: int) -> Tensor | None:
    """Return ``n`` labels with this name, (n,), or None for a model without labels."""
    import torch

    if not card.model.takes_labels:
        if label is not None:
            raise ConfigError(f"--label {label}: {card.name} takes no labels")
        return None
    if label not in card.classes:
        problem = "is needed" if label is None else f"{label}: unknown"
        raise ConfigError(f"--label {problem}; allowed for {card.name}: {', '.join(card.classes)}")
    return torch.full((n,), card.classes.index(label))
