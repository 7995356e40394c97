"""Define cells that train or open a VAE and measure it."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

from vae_core import learning, model_folder, runs
from vae_core.config import ModelConfig, TrainConfig
from vae_core.evaluation import Estimate
from vae_core.learning import EpochRecord, Trainer
from vae_core.model_folder import Metric
from vae_core.recipes import RECIPES
from vae_core.studies.measures import EVALUATION_SEED, Measure, MetricValues, Trained
from vae_core.studies.quick import quick_model, quick_training
from vae_core.studies.study import Cell, Context, Json, Outcome

#: Settings of a training that did not exist when the first results were published.
LATER = ("adam_epsilon", "device")


def trained(
    name: str,
    model: ModelConfig,
    training: TrainConfig,
    *measures: Measure,
    settings: Mapping[str, Any],
    watch: Measure | None = None,
    milestones: tuple[int, ...] = (),
) -> Cell:
    """Declare a cell that trains a VAE.

    Parameters
    ----------
    measures
        Measures of the trained model.
    settings
        What varies between cells.
    watch, milestones
        Another measure, whose means are added to the history after these epochs.
    """

    def run(context: Context) -> Outcome:
        chosen = (quick_model(model, training), quick_training(training))
        return _train(
            name,
            *(chosen if context.quick else (model, _native(training))),
            measures=measures,
            watch=watch,
            milestones=milestones,
            context=context,
        )

    declared: Json = {
        "model": model.model_dump(),
        "training": _declared(training),
        "measures": [_named(measure) for measure in measures],
    }
    if watch is not None:
        declared |= {"watch": _named(watch), "milestones": milestones}
    return Cell(name=name, settings=settings, declared=declared, run=run)


def pretrained(name: str, model: str, *measures: Measure, settings: Mapping[str, Any]) -> Cell:
    """Declare a cell that measures a model in ``pretrained/``.

    Its training is the recipe's, and ``weights`` in the result is the hash on its card. A quick run
    trains a small model instead.
    """
    recipe = RECIPES[model]
    quick = trained(name, recipe.model, recipe.training, *measures, settings=settings)

    def run(context: Context) -> Outcome:
        if context.quick:
            return quick.run(context)
        saved = model_folder.open_folder(model)
        subject = Trained(
            saved.model, context.load(saved.card.dataset), saved.card.measured_as, False
        )
        size, spent, history = recipe.training.train_size or len(subject.dataset.train), 0.0, []
        for row in model_folder.load_history(model):
            record = EpochRecord.of(row)
            spent += record.seconds
            history.append(_row(record, size, spent))
        command, weights = saved.card.command, saved.card.weights_hash
        return _measured(subject, measures, history, spent, command, context, weights=weights)

    declared = {**quick.declared, "pretrained": model}
    return Cell(name=name, settings=settings, declared=declared, run=run)


def _train(
    name: str,
    model_config: ModelConfig,
    training: TrainConfig,
    *,
    measures: tuple[Measure, ...],
    watch: Measure | None,
    milestones: tuple[int, ...],
    context: Context,
) -> Outcome:
    learning.check_host(training)
    dataset = context.load(training.dataset)
    trainer = Trainer(model_config, training, dataset)
    subject = Trained(trainer.model, dataset, training, context.quick)
    size, spent, history = training.train_size or len(dataset.train), 0.0, []
    for record in trainer:
        spent += record.seconds
        row = _row(record, size, spent)
        if watch is not None and record.epoch in milestones:
            row |= {key: Estimate.of(f.values).mean for key, f in watch(subject).items()}
        history.append(row)
        context.say(f"epoch {record.epoch}/{training.epochs}, test ELBO {record.test.elbo:.2f}")
    trainer.model.eval().requires_grad_(False)
    config = runs.RunConfig(name=name, model=model_config, training=training)
    return _measured(subject, measures, history, spent, runs.command_line(config), context)


def _measured(
    subject: Trained,
    measures: tuple[Measure, ...],
    history: list[Json],
    spent: float,
    command: str,
    context: Context,
    **details: Any,
) -> Outcome:
    found: dict[str, MetricValues] = {}
    for measure in measures:
        context.say("measuring")
        found |= measure(subject)
    return outcome(
        found,
        kind=subject.kind,
        history=tuple(history),
        details={
            "dataset": subject.training.dataset,
            "model": subject.model.config.model_dump(mode="json"),
            "training": subject.training.model_dump(mode="json"),
            "parameters": sum(p.numel() for p in subject.model.parameters()),
            "train_seconds": round(spent, 2),
            "command": command,
            **details,
        },
    )


def outcome(
    found: Mapping[str, MetricValues],
    *,
    kind: str,
    history: tuple[Json, ...] = (),
    details: Mapping[str, Any],
) -> Outcome:
    """Average values per example to metrics with standard errors."""
    metrics = {}
    for name, figure in found.items():
        estimate = Estimate.of(figure.values)
        metrics[name] = Metric(
            value=estimate.mean,
            se=None if math.isnan(estimate.se) else estimate.se,
            n=figure.n or len(figure.values),
            kind=kind,
            split=figure.split,
            samples=figure.samples,
            seed=EVALUATION_SEED,
            unit=figure.unit,
        )
    values = {name: figure.values for name, figure in found.items()}
    return Outcome(metrics=metrics, values=values, history=history, details=details)


def _declared(training: TrainConfig) -> Json:
    """Return the settings of a training, without those of ``LATER`` that have their defaults.

    Otherwise the fingerprints of older results would change with every new setting.
    """
    defaults = {name: TrainConfig.model_fields[name].default for name in LATER}
    return {
        name: value
        for name, value in training.model_dump().items()
        if name not in defaults or value != defaults[name]
    }


def _native(training: TrainConfig) -> TrainConfig:
    if training.device != "cpu" or training.precision == "float32" or learning.native_bfloat16():
        return training
    return training.model_copy(update={"precision": "float32"})


def _row(record: EpochRecord, size: int, spent: float) -> Json:
    return {
        "epoch": record.epoch,
        "examples": record.epoch * size,
        "seconds": round(spent, 3),
        "train_elbo": record.train.elbo,
        "test_elbo": record.test.elbo,
    }


def _named(measure: Measure) -> str:
    return repr(measure) if dataclasses.is_dataclass(measure) else measure.__name__
