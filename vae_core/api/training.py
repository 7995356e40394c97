"""Train a model, with a progress bar on request, and save it."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TextIO

from vae_core import learning, model_folder, publishing
from vae_core.api import given, notebooks
from vae_core.config import ModelConfig, TrainConfig
from vae_core.data import ImageDataset
from vae_core.errors import ConfigError
from vae_core.learning import EpochRecord, StepRecord, Trainer
from vae_core.model_folder import ModelCard
from vae_core.models import VAE, ImportedVAE

#: Seconds between two drawings of a progress bar, and its width in characters.
REDRAW, WIDTH = 0.1, 24


class ProgressBar:
    """A line on a stream that shows how far a training is.

    Where a line cannot be drawn anew, as in a file, it is written once for each epoch.
    """

    def __init__(self, epochs: int, batches: int, stream: TextIO) -> None:
        self.epochs, self.batches = epochs, batches
        self.stream = stream
        self.redraws = stream.isatty() or notebooks.running()
        self._started = time.monotonic()
        self._first: int | None = None
        self._drawn = -REDRAW
        self._text = ""
        self._length = 0

    def step(self, record: StepRecord) -> None:
        """Show a finished minibatch."""
        self._first = record.step - 1 if self._first is None else self._first
        if self.redraws and time.monotonic() - self._drawn >= REDRAW:
            self._draw(record.step, record.epoch)

    def epoch(self, record: EpochRecord) -> None:
        """Show a finished epoch."""
        self._text = f"  test ELBO {record.test.elbo:.2f}"
        self._draw(record.step, record.epoch)
        if not self.redraws or record.epoch == self.epochs:
            self.stream.write("\n")
            self.stream.flush()

    def _draw(self, step: int, epoch: int) -> None:
        self._drawn = time.monotonic()
        total = self.epochs * self.batches
        filled = min(WIDTH, WIDTH * step // max(1, total))
        done = step - (self._first or 0)
        left = (self._drawn - self._started) / max(1, done) * max(0, total - step)
        line = (
            f"{'█' * filled}{'·' * (WIDTH - filled)} epoch {epoch} of {self.epochs}, "
            f"{left:.0f} s left{self._text}"
        )
        self.stream.write(f"\r{line.ljust(self._length)}" if self.redraws else line)
        self.stream.flush()
        self._length = len(line)


class ShownTrainer(Trainer):
    """Training with a progress bar on stderr."""

    def __init__(
        self, model_config: ModelConfig, train_config: TrainConfig, dataset: ImageDataset
    ) -> None:
        super().__init__(model_config, train_config, dataset)
        self._bar: ProgressBar | None = None

    @property
    def bar(self) -> ProgressBar:
        """The bar, whose time begins with the first step."""
        if self._bar is None:
            self._bar = ProgressBar(self.config.epochs, self.batches, sys.stderr)
        self._bar.epochs = self.config.epochs
        return self._bar

    def steps(self) -> Iterator[StepRecord]:
        """Train to the end of the epoch in progress, and show each minibatch."""
        bar = self.bar
        for record in super().steps():
            bar.step(record)
            yield record

    def finish_epoch(self) -> EpochRecord:
        """Evaluate on the test set, and show the epoch."""
        record = super().finish_epoch()
        self.bar.epoch(record)
        return record


def train(
    model_config: ModelConfig,
    train_config: TrainConfig,
    dataset: ImageDataset,
    *,
    progress: bool = False,
) -> Trainer:
    """Make a training, which trains when it is iterated over: one record an epoch.

    Its length is the number of epochs that remain, so that any progress bar can wrap it.

    Parameters
    ----------
    model_config
        Shape of the model.
    train_config
        How it is trained.
    dataset
        What it is trained and tested on; the name in ``train_config`` is not read.
    progress
        Whether to show a progress bar on stderr.

    Raises
    ------
    ConfigError
        If the settings do not fit each other, the dataset or this host.
    """
    expected = {
        "model_config": (model_config, ModelConfig),
        "train_config": (train_config, TrainConfig),
        "dataset": (dataset, ImageDataset),
    }
    for name, (value, kind) in expected.items():
        if not isinstance(value, kind):
            raise ConfigError(f"{name} is {type(value).__name__}: allowed is {kind.__name__}")
    return (ShownTrainer if progress else Trainer)(model_config, train_config, dataset)


def save_model(
    model: Trainer | VAE,
    folder: str | Path,
    dataset: ImageDataset | None = None,
    *,
    settings: TrainConfig | None = None,
    name: str | None = None,
    importance_samples: int = 0,
    importance_limit: int | None = None,
    tsne: bool = True,
    progress: bool = False,
) -> ModelCard:
    """Encode and measure a test set, and write the model folder, which every page opens.

    Parameters
    ----------
    model
        A training, finished or not, or a model in memory.
    folder
        Created if it does not exist; files of a model in it are replaced.
    dataset
        The training's own by default; needed for a model in memory.
    settings
        How a model in memory was trained.
    name
        Name of the model; that of the folder by default.
    importance_samples, importance_limit
        k of a metric ``nll_iw{k}``, and number of test images for it; see
        :func:`vae_core.publishing.measure`.
    tsne
        Whether to compute a t-SNE map of more than two dimensions, which is slow.
    progress
        Whether to print what is being computed on stderr.

    Returns
    -------
    ModelCard
        With the metrics.

    Raises
    ------
    ConfigError
        If the dataset is missing, does not fit the model, or the folder has the name of a model
        that comes with the project.
    """
    folder = Path(folder)
    if not folder.is_absolute() and (model_folder.PRETRAINED / folder / model_folder.CARD).exists():
        raise ConfigError(
            f"folder {str(folder)!r}: a model of this name comes with the project, and would be "
            "opened in its place; choose another"
        )
    found = given.model(model)
    if isinstance(found.model, ImportedVAE):
        raise ConfigError("an imported model is saved by import_model, from its networks")
    data = found.dataset if dataset is None else dataset
    if not isinstance(data, ImageDataset):
        raise ConfigError("dataset is needed: a model in memory does not know its own")
    training = settings or found.training or TrainConfig()
    training = training.model_copy(update={"dataset": data.name})
    learning.check_data(found.model.config, training.tested_on, data)
    was_training = found.model.training
    try:
        return publishing.publish(
            folder,
            name=name or folder.resolve().name,
            model=found.model,
            training=training,
            dataset=data,
            history=[record.as_dict() for record in model.records]
            if isinstance(model, Trainer)
            else [],
            command="",
            importance_samples=importance_samples,
            importance_limit=importance_limit,
            paths=model.device.paths() if isinstance(model, Trainer) else {},
            tsne=tsne,
            say=_say(progress),
        )
    finally:
        found.model.train(was_training)


def _say(progress: bool) -> Callable[[str], None]:
    if not progress:
        return lambda stage: None
    return lambda stage: print(f"… {stage}", file=sys.stderr)
