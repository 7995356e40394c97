"""Training: the data in their order, one learner's step for each minibatch, records, a resume.

What differs between learners is a step; it lies in :mod:`aevb`, :mod:`wake_sleep` and
:mod:`mcem`. Everything here is the same for all of them.
"""

from __future__ import annotations

import contextlib
import dataclasses
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from vae_core import evaluation, pixels
from vae_core.config import ModelConfig, TrainConfig
from vae_core.data import ImageDataset, subset
from vae_core.errors import CheckpointError, ConfigError, LatentExplorerError
from vae_core.learning import aevb, mcem, schedules, wake_sleep
from vae_core.learning.records import EpochRecord, Figures, StepRecord
from vae_core.learning.visit import Differentiable, Learner, Visit
from vae_core.models import VAE, build, initialise

#: Learners by name: each is made from the model, its settings and the training images' number.
LEARNERS: dict[str, Callable[[VAE, TrainConfig, int], Learner]] = {
    "aevb": aevb.AEVB,
    "wake-sleep": wake_sleep.WakeSleep,
    "mcem": mcem.MonteCarloEM,
}

#: Settings that may change while a model trains.
STEERABLE = ("learning_rate", "beta", "epochs")

#: A loss that is so many nats and so many times worse than the first one, for so many steps in a
#: row, has left for good: it is far worse than that of a model that knows nothing.
ASTRAY_NATS, ASTRAY_TIMES, ASTRAY_STEPS = 1000.0, 10.0, 100

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


class Trainer:
    """A training that can be stepped, stopped anywhere and resumed to the bit.

    Iterating yields one :class:`EpochRecord` for each epoch that is left; ``model`` is the model
    being trained. Same settings, machine and thread count give the same weights to the bit.

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
        check_fit(model_config, train_config, dataset)
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
        self._noise = torch.Generator().manual_seed(self._seed(NOISE))
        self.model = build(model_config)
        initialise(
            self.model,
            mean_image=pixels.mean_image(self._train),
            scheme=train_config.init,
            generator=torch.Generator().manual_seed(self._seed(WEIGHTS)),
            examples=self._spread(model_config.components).float() / 255,
        )
        self.optimizer = schedules.optimizer(self.model, train_config, len(self._train))
        self.learner = LEARNERS[train_config.learner](self.model, train_config, len(self._train))
        self.progress = Progress()
        self.batches = -(-len(self._train) // train_config.batch_size)  # a short last one counts

    @property
    def finished(self) -> bool:
        """Whether all epochs are done."""
        return self.progress.epoch >= self.config.epochs

    @property
    def is_sound(self) -> bool:
        """Whether this is a state to come back to: weights finite, the loss not astray."""
        finite = (bool(torch.isfinite(p).all()) for p in self.model.parameters())
        return self.progress.astray == 0 and all(finite)

    def adjust(self, config: TrainConfig) -> None:
        """Go on with other settings, which differ from those before in ``STEERABLE`` alone.

        A schedule that runs over all steps is laid over the new number of epochs.
        """
        self.config = self.learner.config = config

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
            with _denormals_flushed():
                figures = self._step(rows)
            here.batch += 1
            here.step += 1
            here.examples += len(rows)
            here.rate += figures.rate * len(rows)
            here.distortion += figures.distortion * len(rows)
            here.seconds += time.perf_counter() - started
            self._watch(figures)
            yield StepRecord(step=here.step, epoch=here.epoch + 1, train=figures)

    def finish_epoch(self) -> EpochRecord:
        """Evaluate on the test set and turn to the next epoch."""
        here = self.progress
        rate, distortion = here.rate / here.examples, here.distortion / here.examples
        record = EpochRecord(
            epoch=here.epoch + 1,
            step=here.step,
            seconds=here.seconds,
            train=Figures(-(rate + distortion), rate, distortion),
            test=self._test_figures(),
        )
        if not math.isfinite(record.test.elbo):
            raise DivergedError(self._diverged("test ELBO", record.test.elbo))
        self.progress = Progress(
            epoch=record.epoch, step=record.step, first_loss=here.first_loss, astray=here.astray
        )
        return record

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """All that a resume needs: tensors by name, and plain values."""
        tensors = {f"model.{name}": value for name, value in self.model.state_dict().items()}
        for index, moments in self.optimizer.state_dict()["state"].items():
            for name, value in moments.items():
                tensors[f"optimizer.{index}.{name}"] = torch.as_tensor(value)
        tensors |= {f"learner.{name}": value for name, value in self.learner.state().items()}
        tensors["noise"] = self._noise.get_state()
        return tensors, dict(vars(self.progress))

    def load_state(self, tensors: dict[str, Tensor], progress: dict[str, Any]) -> None:
        """Take up a training where :meth:`state` was called."""
        try:
            self.model.load_state_dict(_part(tensors, "model."))
            optimizer = self.optimizer.state_dict()
            for key in sorted(k for k in tensors if k.startswith("optimizer.")):
                _, index, name = key.split(".")
                optimizer["state"].setdefault(int(index), {})[name] = tensors[key].clone()
            self.optimizer.load_state_dict(optimizer)
            self.learner.load_state(_part(tensors, "learner."))
            self._noise.set_state(tensors["noise"])
            self.progress = Progress(**progress)
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            raise CheckpointError(f"this checkpoint is of another training: {error}") from error

    def _step(self, rows: Tensor) -> Figures:
        config = self.config
        lr = config.learning_rate * schedules.learning_rate(
            self.progress.step, self.batches * config.epochs, config
        )
        for group in self.optimizer.param_groups:
            group["lr"] = lr
        visit = Visit(
            x=pixels.view(self._train.index_select(0, rows), config.pixels, generator=self._noise),
            y=None if self._labels is None else self._labels[rows],
            rows=rows,
            epochs=self.progress.step / self.batches,
            generator=self._noise,
            update=self._update,
        )
        return self.learner.step(visit)

    def _update(self, loss: Differentiable, add: Callable[[], None] | None = None) -> None:
        if not math.isfinite(value := loss.item()):
            raise DivergedError(self._diverged("loss", value, step=self.progress.step + 1))
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        if add is not None:
            add()
        self.optimizer.step()

    def _watch(self, figures: Figures) -> None:
        """Notice a loss that is finite and will not come back."""
        here = self.progress
        beta = self.config.beta * schedules.kl_weight(here.step / self.batches, self.config)
        loss = figures.distortion + beta * figures.rate
        if here.first_loss is None:
            here.first_loss = loss
        limit = here.first_loss + ASTRAY_TIMES * abs(here.first_loss) + ASTRAY_NATS
        here.astray = here.astray + 1 if loss > limit else 0
        if here.astray >= ASTRAY_STEPS:
            raise DivergedError(self._diverged("loss", loss))

    def _diverged(self, what: str, value: float, *, step: int | None = None) -> str:
        advice = f"try a learning_rate below {self.config.learning_rate:g}"
        if self.model_config.likelihood in ("gaussian", "discretised-logistic"):
            advice += f", or a logvar_floor above {self.model_config.logvar_floor:g}"
        return f"the {what} became {value:g} at step {step or self.progress.step}: {advice}"

    def _spread(self, n: int) -> Tensor:
        # Evenly over the set, since pictures of one's own come sorted by class.
        n = min(n, len(self._train))
        return self._train[torch.arange(n) * len(self._train) // n]

    def _order(self, epoch: int) -> Tensor:
        generator = torch.Generator().manual_seed(self._seed(ORDER) + epoch)
        return torch.randperm(len(self._train), generator=generator)

    def _test_figures(self) -> Figures:
        bounds = evaluation.bounds(
            self.model,
            self._test,
            kind=self.config.tested_on,
            seed=self._seed(TEST),
            labels=self._test_labels,
        )
        return Figures(*(float(part.double().mean()) for part in vars(bounds).values()))

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


def _part(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}


def check_data(model: ModelConfig, pixels: str, dataset: ImageDataset) -> None:
    """Refuse a dataset, or a kind of its pixels, that a model cannot be given.

    Raises
    ------
    ConfigError
        The sentence names the setting, its value and what would fit.
    """
    if model.image_shape != dataset.image_shape:
        raise ConfigError(
            f"image_shape {model.image_shape} is not that of {dataset.name}, {dataset.image_shape}"
        )
    if pixels != "grey" and model.likelihood != "bernoulli":
        raise ConfigError(
            f"pixels {pixels!r} are binary and need likelihood 'bernoulli', "
            f"not {model.likelihood!r}"
        )
    if not model.takes_labels:
        return
    what = "a conditional model" if model.conditional else "prior 'label'"
    if dataset.train.labels is None or dataset.test.labels is None:
        raise ConfigError(f"{what} needs labels and {dataset.name} has none")
    if model.classes != len(dataset.classes):
        raise ConfigError(
            f"classes {model.classes} is not the number of labels of {dataset.name}, "
            f"{len(dataset.classes)}"
        )


def check_fit(model: ModelConfig, train: TrainConfig, dataset: ImageDataset) -> None:
    """Refuse settings that do not fit each other, the dataset or this machine.

    Raises
    ------
    ConfigError
        The sentence names the setting, its value and what is allowed.
    """
    for pixels_kind in (train.pixels, train.tested_on):
        check_data(model, pixels_kind, dataset)
    check_method(model, train)
    size = len(dataset.train)
    if train.train_size is not None and train.train_size > size:
        raise ConfigError(
            f"train_size {train.train_size} is above the {size} training images of {dataset.name}"
        )
    size = train.train_size or size
    if train.batch_size > size:
        raise ConfigError(
            f"batch_size {train.batch_size} is above the {size} training images in use"
        )
    if train.precision == "bfloat16" and not native_bfloat16():
        raise ConfigError(
            "precision 'bfloat16' is not native to this processor; allowed here: 'float32'"
        )


def describe_model(dataset: ImageDataset, **settings: Any) -> ModelConfig:
    """Describe a model of a dataset: its image shape, and its labels if the model takes any.

    Raises
    ------
    ConfigError
        If a setting is wrong, or labels are needed that the dataset has not.
    """
    classes = {"classes": len(dataset.classes)} | settings
    config = ModelConfig.of(**{"image_shape": dataset.image_shape} | classes)
    if config.takes_labels or "classes" in settings:
        return config
    return config.model_copy(update={"classes": 0})


def check_method(model: ModelConfig, train: TrainConfig) -> None:
    """Refuse an objective or a learner that does not exist for a model.

    Raises
    ------
    ConfigError
        The sentence names the setting, its value and what is allowed.
    """
    layers = "two stochastic layers (first_latent_dim)" if model.first_latent_dim else ""
    mixture = f"prior {model.prior!r}" if model.prior in ("mixture", "vamp") else ""
    labels = "labels" if model.takes_labels else ""
    vamp = mixture if model.prior == "vamp" else ""
    if train.objective == "dreg" and layers:
        raise ConfigError(f"objective 'dreg' does not go with {layers}; allowed: 'elbo', 'iwae'")
    if train.free_bits and (layers or mixture):
        raise ConfigError(
            f"free_bits {train.free_bits:g} needs a rate for each dimension, which there is not "
            f"with {layers or mixture}; allowed: 0"
        )
    if train.learner != "aevb" and (layers or labels or vamp):
        raise ConfigError(
            f"learner {train.learner!r} does not go with {layers or labels or vamp}; "
            "allowed: 'aevb'"
        )


def static_train_seed(seed: int) -> int:
    """Seed of the one binary draw of the training set that goes with a training's ``seed``."""
    return _stream_seed(seed, BINARISATION)


def static_test_seed(seed: int) -> int:
    """Seed of the one binary draw of the test set that goes with a training's ``seed``."""
    return _stream_seed(seed, BINARISATION) + 1


def _stream_seed(seed: int, stream: int) -> int:
    # Streams lie a million epochs apart, so none runs into the next.
    return (seed * 8 + stream) * 1_000_000


def native_bfloat16() -> bool:
    """Whether this processor multiplies bfloat16 matrices in hardware."""
    capabilities = torch.cpu.get_capabilities()
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_tile"))
