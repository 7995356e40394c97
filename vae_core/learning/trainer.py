"""Train a model: order of the data, steps, records, evaluation, stop and resume.

The step of each learner is in :mod:`aevb`, :mod:`wake_sleep` and :mod:`mcem`, and is computed by
:mod:`devices.cpu` or :mod:`devices.cuda`. Everything here is the same for all of them.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

from vae_core import evaluation, pixels
from vae_core.config import ModelConfig, TrainConfig
from vae_core.data import ImageDataset, subset
from vae_core.errors import CheckpointError, LatentExplorerError
from vae_core.learning import checks, schedules
from vae_core.learning.devices import cpu, cuda
from vae_core.learning.learner import NotFiniteError, TrainingSet
from vae_core.learning.records import EpochRecord, Metrics, StepRecord
from vae_core.learning.schedules import Stage
from vae_core.models import VAE, build, initialise
from vae_core.models.likelihoods import LIKELIHOODS


class Device(Protocol):
    """Processor that computes training steps and holds what they change.

    ``ahead`` is the number of steps that may be started before their metrics are read.
    """

    ahead: int

    def step(self, rows: Tensor, stage: Stage) -> None:
        """Learn from the training images with indices ``rows`` (batch,).

        Raises
        ------
        NotFiniteError
            Before the weights change; from :meth:`metrics` if steps run ahead of it.
        """

    def metrics(self) -> list[Metrics]:
        """Return the metrics of the steps since the last call, in order."""

    def sync_model(self) -> None:
        """Copy the weights after the last step to the trainer's model."""

    def state(self) -> dict[str, Tensor]:
        """Return all tensors that a resume needs, by name."""

    def load_state(self, tensors: dict[str, Tensor]) -> None:
        """Restore what :meth:`state` returned."""

    def paths(self) -> dict[str, str]:
        """Return how steps are computed on this host, for the model card."""


#: Devices by name, made from a model, the settings and the training set.
DEVICES: dict[str, Callable[[VAE, TrainConfig, TrainingSet], Device]] = {
    "cpu": cpu.CPUDevice,
    "cuda": cuda.CUDADevice,
}

#: Settings that may change while a model trains.
STEERABLE = ("learning_rate", "beta", "epochs")

#: Training has diverged if the loss exceeds the first one by this many times and nats for so many
#: consecutive steps: it is then far worse than that of a model that has learnt nothing.
DIVERGING_NATS, DIVERGING_TIMES, DIVERGING_STEPS = 1000.0, 10.0, 100

#: Numbers of the random streams of a training; each has its own seed.
WEIGHTS, ORDER, NOISE, BINARISATION, TEST = range(5)


class DivergedError(LatentExplorerError):
    """The loss became infinite or NaN, or stayed far above the first one."""


@dataclass
class Progress:
    """Progress of a training: all plain values that a resume needs."""

    epoch: int = 0  # finished epochs
    step: int = 0  # finished minibatches
    batch: int = 0  # finished minibatches of the epoch in progress
    seconds: float = 0.0  # training time of the epoch in progress
    rate: float = 0.0  # sums over the examples of the epoch in progress
    distortion: float = 0.0
    examples: int = 0
    first_loss: float | None = None  # of the first step of the training
    diverging: int = 0  # consecutive steps with a loss far above it


@dataclass
class PendingStep:
    """Finished step, with its metrics once they have been read."""

    number: int
    examples: int
    metrics: Metrics | None = None


class Trainer:
    """Training that can be stopped after any step and resumed bit-exactly.

    Iteration yields an :class:`EpochRecord` for each remaining epoch; the length is the number of
    them. The same settings, host and number of threads give exactly the same weights.

    Attributes
    ----------
    dataset
        What the model is trained and tested on.
    records
        Those of the epochs that this trainer has finished.

    Raises
    ------
    ConfigError
        If the settings do not fit the dataset or this host; names the value.
    DivergedError
        While training, if the loss is not finite, or far above the first one for long.
    """

    def __init__(
        self, model_config: ModelConfig, train_config: TrainConfig, dataset: ImageDataset
    ) -> None:
        self.model_config = model_config
        self.config = train_config
        self.dataset = dataset
        self.records: list[EpochRecord] = []
        checks.check_fit(model_config, train_config, dataset)
        torch.set_num_threads(train_config.threads)

        kind = train_config.pixels
        images = pixels.prepare(
            dataset.train.images, kind, seed=static_train_seed(train_config.seed)
        )
        split = dataclasses.replace(dataset.train, images=images)
        if train_config.train_size is not None:
            split = subset(split, train_config.train_size, seed=train_config.seed)
        self._train = split.images
        self._labels = split.labels if model_config.takes_labels else None
        self._test_labels = dataset.test.labels if model_config.takes_labels else None
        self._test = pixels.prepare(
            dataset.test.images, train_config.tested_on, seed=static_test_seed(train_config.seed)
        )
        self._model = build(model_config)
        initialise(
            self._model,
            mean_image=pixels.mean_image(self._train),
            scheme=train_config.init,
            generator=torch.Generator().manual_seed(self._seed(WEIGHTS)),
            # Evenly spread over the set, since uploaded images are sorted by class.
            examples=split.spread(model_config.components).images.float() / 255,
        )
        data = TrainingSet(self._train, self._labels, seed=self._seed(NOISE))
        self.device = DEVICES[train_config.device](self._model, train_config, data)
        self.progress = Progress()
        self._pending: list[PendingStep] = []
        self.batches = -(-len(self._train) // train_config.batch_size)  # including a short last one

    @property
    def model(self) -> VAE:
        """Model after the last step; its weights may be views of one array."""
        self.device.sync_model()
        return self._model

    @property
    def finished(self) -> bool:
        """Whether all epochs are finished."""
        return self.progress.epoch >= self.config.epochs

    @property
    def is_sound(self) -> bool:
        """Whether the state may be saved: all weights are finite and the loss is not diverging."""
        try:
            self._read_metrics()
        except DivergedError:
            return False
        finite = (bool(torch.isfinite(p).all()) for p in self.model.parameters())
        return self.progress.diverging == 0 and all(finite)

    def adjust(self, config: TrainConfig) -> None:
        """Continue with other settings, which may differ in those of ``STEERABLE``.

        Schedules over all steps are stretched to the new number of epochs.
        """
        self._read_metrics()  # with the beta of the steps so far
        self.config = config

    def __len__(self) -> int:
        """Return the number of epochs that remain."""
        return max(0, self.config.epochs - self.progress.epoch)

    def __bool__(self) -> bool:
        """Return True, also for a finished training."""
        return True

    def __iter__(self) -> Iterator[EpochRecord]:
        """Train the remaining epochs, and yield a record of each."""
        while not self.finished:
            for _ in self.steps():
                pass
            yield self.finish_epoch()

    def steps(self) -> Iterator[StepRecord]:
        """Train to the end of the epoch in progress, and yield a record of each minibatch.

        The loop may be left after any step; the training can then be saved or continued.
        """
        here = self.progress
        order = self._order(here.epoch)
        while here.batch < self.batches:
            started = time.perf_counter()
            rows = order[here.batch * self.config.batch_size :][: self.config.batch_size]
            with _denormals_flushed(), self._raising_diverged():
                self.device.step(rows, schedules.stage(here.step, self.batches, self.config))
            here.batch += 1
            here.step += 1
            here.seconds += time.perf_counter() - started
            step = PendingStep(here.step, len(rows))
            self._pending.append(step)
            if len(self._pending) >= self.device.ahead or here.batch == self.batches:
                self._read_metrics()
            read = functools.partial(self._metrics_of, step)
            yield StepRecord(step=here.step, epoch=here.epoch + 1, read=read)

    def finish_epoch(self) -> EpochRecord:
        """Evaluate on the test set, begin the next epoch and return the record of this one."""
        here = self.progress
        rate, distortion = here.rate / here.examples, here.distortion / here.examples
        record = EpochRecord(
            epoch=here.epoch + 1,
            step=here.step,
            seconds=here.seconds,
            train=Metrics(-(rate + distortion), rate, distortion),
            test=self._test_metrics(),
        )
        if not math.isfinite(record.test.elbo):
            raise DivergedError(self._diverged("test ELBO", record.test.elbo, step=record.step))
        self.progress = Progress(
            epoch=record.epoch,
            step=record.step,
            first_loss=here.first_loss,
            diverging=here.diverging,
        )
        self.records.append(record)
        return record

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Return all that a resume needs: tensors by name, and plain values for JSON."""
        self._read_metrics()
        progress = dict(vars(self.progress))
        progress["astray"] = progress.pop("diverging")  # its name in checkpoints
        return self.device.state(), progress

    def load_state(self, tensors: dict[str, Tensor], progress: dict[str, Any]) -> None:
        """Restore what :meth:`state` returned.

        Raises
        ------
        CheckpointError
            If it is the state of another training.
        """
        try:
            self.device.load_state(tensors)
            values = {name: value for name, value in progress.items() if name != "astray"}
            self.progress = Progress(**values, diverging=progress.get("astray", 0))
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            raise CheckpointError(f"this checkpoint is of another training: {error}") from error

    def _read_metrics(self) -> None:
        """Read the metrics of all pending steps and check them for divergence."""
        if not self._pending:
            return
        here, started = self.progress, time.perf_counter()
        pending, self._pending = self._pending, []
        with self._raising_diverged():
            found = self.device.metrics()
        for step, metrics in zip(pending, found, strict=True):
            step.metrics = metrics
            here.examples += step.examples
            here.rate += metrics.rate * step.examples
            here.distortion += metrics.distortion * step.examples
        here.seconds += time.perf_counter() - started
        for step in pending:
            self._check_divergence(step)

    def _metrics_of(self, step: PendingStep) -> Metrics:
        if step.metrics is None:
            self._read_metrics()
        assert step.metrics is not None
        return step.metrics

    @contextlib.contextmanager
    def _raising_diverged(self) -> Iterator[None]:
        try:
            yield
        except NotFiniteError as found:
            raise DivergedError(self._diverged("loss", found.loss, step=found.step)) from None

    def _check_divergence(self, step: PendingStep) -> None:
        here, metrics = self.progress, step.metrics
        assert metrics is not None
        beta = self.config.beta * schedules.kl_weight(step.number / self.batches, self.config)
        loss = metrics.distortion + beta * metrics.rate
        if here.first_loss is None:
            here.first_loss = loss
        limit = here.first_loss + DIVERGING_TIMES * abs(here.first_loss) + DIVERGING_NATS
        here.diverging = here.diverging + 1 if loss > limit else 0
        if here.diverging >= DIVERGING_STEPS:
            raise DivergedError(self._diverged("loss", loss, step=step.number))

    def _diverged(self, what: str, value: float, *, step: int) -> str:
        advice = f"try a learning_rate below {self.config.learning_rate:g}"
        if LIKELIHOODS[self.model_config.likelihood].has_scale:
            advice += f", or a logvar_floor above {self.model_config.logvar_floor:g}"
        return f"the {what} became {value:g} at step {step}: {advice}"

    def _order(self, epoch: int) -> Tensor:
        generator = torch.Generator().manual_seed(self._seed(ORDER) + epoch)
        return torch.randperm(len(self._train), generator=generator)

    def _test_metrics(self) -> Metrics:
        bounds = evaluation.bounds(
            self.model,
            self._test,
            kind=self.config.tested_on,
            seed=self._seed(TEST),
            labels=self._test_labels,
        )
        return Metrics(*(float(part.double().mean()) for part in vars(bounds).values()))

    def _seed(self, stream: int) -> int:
        return _stream_seed(self.config.seed, stream)


@contextlib.contextmanager
def _denormals_flushed() -> Iterator[None]:
    # Moments of constant pixels decay to denormal numbers, which are slow.
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)


def static_train_seed(seed: int) -> int:
    """Return the seed of the static binarisation of the training set."""
    return _stream_seed(seed, BINARISATION)


def static_test_seed(seed: int) -> int:
    """Return the seed of the static binarisation of the test set."""
    return _stream_seed(seed, BINARISATION) + 1


def _stream_seed(seed: int, stream: int) -> int:
    # Seeds of streams are a million epochs apart, so that no two are the same.
    return (seed * 8 + stream) * 1_000_000
