"""Training: the data in their order, one learner's step for each minibatch, records, a resume.

What differs between learners is a step; it lies in :mod:`aevb`, :mod:`wake_sleep` and
:mod:`mcem`. Where it is computed lies in :mod:`on_cpu` and :mod:`on_gpu`. Everything here is the
same for all of them.
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
    """Where steps are computed, and what they change there.

    ``ahead`` is how many steps may be taken before their metrics are asked for.
    """

    ahead: int

    def step(self, rows: Tensor, stage: Stage) -> None:
        """Learn from the training images ``rows`` (batch,).

        Raises
        ------
        NotFiniteError
            Before anything is learnt; where nobody waits for the loss, by :meth:`metrics`.
        """

    def metrics(self) -> list[Metrics]:
        """Return those of each step since this was asked last, in their order."""

    def settle(self) -> None:
        """Bring the training's model to where the last step left its weights."""

    def state(self) -> dict[str, Tensor]:
        """Return all tensors that a resume needs, by name."""

    def load_state(self, tensors: dict[str, Tensor]) -> None:
        """Take up what :meth:`state` returned."""

    def paths(self) -> dict[str, str]:
        """Name the ways that steps take on this machine, for the record."""


#: Devices by name: each is made from the model, its settings and the training images.
DEVICES: dict[str, Callable[[VAE, TrainConfig, TrainingSet], Device]] = {
    "cpu": cpu.CPUDevice,
    "cuda": cuda.CUDADevice,
}

#: Settings that may change while a model trains.
STEERABLE = ("learning_rate", "beta", "epochs")

#: A loss that is so many nats and so many times worse than the first one, for so many steps in a
#: row, has left for good: it is far worse than that of a model that knows nothing.
DIVERGING_NATS, DIVERGING_TIMES, DIVERGING_STEPS = 1000.0, 10.0, 100

#: Streams of randomness that must not disturb each other, told apart by these offsets.
WEIGHTS, ORDER, NOISE, BINARISATION, TEST = range(5)


class DivergedError(LatentExplorerError):
    """Training left the finite numbers, or a loss that a model could come back from."""


@dataclass
class Progress:
    """Where a training stands: everything that is not a tensor and that a resume needs."""

    epoch: int = 0  # finished epochs
    step: int = 0  # finished minibatches
    batch: int = 0  # those of the epoch in progress
    seconds: float = 0.0  # spent training in the epoch in progress
    rate: float = 0.0  # sums over the epoch in progress, per example
    distortion: float = 0.0
    examples: int = 0
    first_loss: float | None = None  # of the very first step
    astray: int = 0  # steps in a row with a loss far above it


@dataclass
class Taken:
    """A step that was taken, and its metrics as soon as they are read."""

    number: int
    examples: int
    metrics: Metrics | None = None


class Trainer:
    """A training that can be stepped, stopped anywhere and resumed to the bit.

    Iterating yields one :class:`EpochRecord` for each epoch that is left. Same settings, machine
    and thread count give the same weights to the bit.

    Raises
    ------
    ConfigError
        If the settings do not fit the dataset or this machine; the sentence names the value.
    DivergedError
        While training, when the loss is no longer finite, or far above the first for long.
    """

    def __init__(
        self, model_config: ModelConfig, train_config: TrainConfig, dataset: ImageDataset
    ) -> None:
        self.model_config = model_config
        self.config = train_config
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
            # Evenly over the set, since pictures of one's own come sorted by class.
            examples=split.spread(model_config.components).images.float() / 255,
        )
        data = TrainingSet(self._train, self._labels, seed=self._seed(NOISE))
        self.device = DEVICES[train_config.device](self._model, train_config, data)
        self.progress = Progress()
        self._unread: list[Taken] = []
        self.batches = -(-len(self._train) // train_config.batch_size)  # a short last one counts

    @property
    def model(self) -> VAE:
        """The model in training, as the last step left it; its weights may share one array."""
        self.device.settle()
        return self._model

    @property
    def finished(self) -> bool:
        """Whether all epochs are done."""
        return self.progress.epoch >= self.config.epochs

    @property
    def is_sound(self) -> bool:
        """Whether this is a state to come back to: weights finite, the loss not astray."""
        try:
            self._catch_up()
        except DivergedError:
            return False
        finite = (bool(torch.isfinite(p).all()) for p in self.model.parameters())
        return self.progress.astray == 0 and all(finite)

    def adjust(self, config: TrainConfig) -> None:
        """Go on with other settings, which differ from those before in ``STEERABLE`` alone.

        A schedule that runs over all steps is laid over the new number of epochs.
        """
        self._catch_up()  # with the beta that held until here
        self.config = config

    def __iter__(self) -> Iterator[EpochRecord]:
        """Train to the end, one record an epoch."""
        while not self.finished:
            for _ in self.steps():
                pass
            yield self.finish_epoch()

    def steps(self) -> Iterator[StepRecord]:
        """Train to the end of the epoch in progress, one record a minibatch.

        Leaving the loop early leaves the training between two steps, ready to be saved or to
        go on.
        """
        here = self.progress
        order = self._order(here.epoch)
        while here.batch < self.batches:
            started = time.perf_counter()
            rows = order[here.batch * self.config.batch_size :][: self.config.batch_size]
            with _denormals_flushed(), self._divergence_told():
                self.device.step(rows, schedules.stage(here.step, self.batches, self.config))
            here.batch += 1
            here.step += 1
            here.seconds += time.perf_counter() - started
            taken = Taken(here.step, len(rows))
            self._unread.append(taken)
            if len(self._unread) >= self.device.ahead or here.batch == self.batches:
                self._catch_up()
            read = functools.partial(self._metrics_of, taken)
            yield StepRecord(step=here.step, epoch=here.epoch + 1, read=read)

    def finish_epoch(self) -> EpochRecord:
        """Evaluate on the test set and turn to the next epoch."""
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
            epoch=record.epoch, step=record.step, first_loss=here.first_loss, astray=here.astray
        )
        return record

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """All that a resume needs: tensors by name, and plain values."""
        self._catch_up()
        return self.device.state(), dict(vars(self.progress))

    def load_state(self, tensors: dict[str, Tensor], progress: dict[str, Any]) -> None:
        """Take up a training where :meth:`state` was called."""
        try:
            self.device.load_state(tensors)
            self.progress = Progress(**progress)
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            raise CheckpointError(f"this checkpoint is of another training: {error}") from error

    def _catch_up(self) -> None:
        """Read the metrics of the steps that were taken since this was done last."""
        if not self._unread:
            return
        here, started = self.progress, time.perf_counter()
        taken, self._unread = self._unread, []
        with self._divergence_told():
            found = self.device.metrics()
        for step, metrics in zip(taken, found, strict=True):
            step.metrics = metrics
            here.examples += step.examples
            here.rate += metrics.rate * step.examples
            here.distortion += metrics.distortion * step.examples
        here.seconds += time.perf_counter() - started
        for step in taken:
            self._watch(step)

    def _metrics_of(self, step: Taken) -> Metrics:
        if step.metrics is None:
            self._catch_up()
        assert step.metrics is not None
        return step.metrics

    @contextlib.contextmanager
    def _divergence_told(self) -> Iterator[None]:
        try:
            yield
        except NotFiniteError as found:
            raise DivergedError(self._diverged("loss", found.loss, step=found.step)) from None

    def _watch(self, step: Taken) -> None:
        """Notice a loss that is finite and will not come back."""
        here, metrics = self.progress, step.metrics
        assert metrics is not None
        beta = self.config.beta * schedules.kl_weight(step.number / self.batches, self.config)
        loss = metrics.distortion + beta * metrics.rate
        if here.first_loss is None:
            here.first_loss = loss
        limit = here.first_loss + DIVERGING_TIMES * abs(here.first_loss) + DIVERGING_NATS
        here.astray = here.astray + 1 if loss > limit else 0
        if here.astray >= DIVERGING_STEPS:
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
    # Moments of pixels that never change decay into denormal numbers, which are slow.
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)


def static_train_seed(seed: int) -> int:
    """Seed of the one binary draw of the training set that goes with a training's ``seed``."""
    return _stream_seed(seed, BINARISATION)


def static_test_seed(seed: int) -> int:
    """Seed of the one binary draw of the test set that goes with a training's ``seed``."""
    return _stream_seed(seed, BINARISATION) + 1


def _stream_seed(seed: int, stream: int) -> int:
    # Streams lie a million epochs apart, so none runs into the next.
    return (seed * 8 + stream) * 1_000_000
