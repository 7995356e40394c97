"""Auto-Encoding Variational Bayes: stochastic gradient ascent on the ELBO.

Kingma & Welling (2014), algorithm 1, with the estimator of equation (10).
"""

from __future__ import annotations

import contextlib
import dataclasses
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from vae_core import evaluation, objectives, pixels
from vae_core.config import ModelConfig, TrainConfig
from vae_core.data import ImageDataset, subset
from vae_core.errors import CheckpointError, ConfigError, LatentExplorerError
from vae_core.learning import schedules
from vae_core.learning.records import EpochRecord, Figures, StepRecord
from vae_core.models import VAE, initialise

#: Streams of randomness that must not disturb each other, told apart by these offsets.
WEIGHTS, ORDER, NOISE, BINARISATION, TEST = range(5)


class DivergedError(LatentExplorerError):
    """Training left the finite numbers."""


@dataclass
class Progress:
    """Where a training stands: everything that is not a tensor and that a resume needs."""

    epoch: int = 0  # finished epochs
    step: int = 0  # finished optimisation steps
    batch: int = 0  # finished minibatches of the epoch in progress
    seconds: float = 0.0  # spent training in the epoch in progress
    rate: float = 0.0  # sums over the epoch in progress, per example
    distortion: float = 0.0
    examples: int = 0


class Trainer:
    """A training that can be stepped, stopped anywhere and resumed to the bit.

    Iterating yields one :class:`EpochRecord` for each epoch that is left; ``model`` is the model
    being trained. Same settings, machine and thread count give the same weights to the bit.

    Raises
    ------
    ConfigError
        If the settings do not fit the dataset or this machine; the sentence names the value.
    DivergedError
        While training, when the ELBO is no longer finite.
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
        tested_on = train_config.tested_on
        self._test = pixels.prepare(
            dataset.test.images, tested_on, seed=static_test_seed(train_config.seed)
        )
        self._noise = torch.Generator().manual_seed(self._seed(NOISE))
        self.model = VAE(model_config)
        initialise(
            self.model,
            mean_image=self._train.float().mean(0) / 255,
            scheme=train_config.init,
            generator=torch.Generator().manual_seed(self._seed(WEIGHTS)),
        )
        self.optimizer = schedules.optimizer(self.model.parameters(), train_config)
        self.progress = Progress()
        self.batches = -(-len(self._train) // train_config.batch_size)  # a short last one counts

    @property
    def finished(self) -> bool:
        """Whether all epochs are done."""
        return self.progress.epoch >= self.config.epochs

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
                figures = self._step(self._train[rows])
            here.batch += 1
            here.step += 1
            here.examples += len(rows)
            here.rate += figures.rate * len(rows)
            here.distortion += figures.distortion * len(rows)
            here.seconds += time.perf_counter() - started
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
        self.progress = Progress(epoch=record.epoch, step=record.step)
        return record

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """All that a resume needs: tensors by name, and plain values."""
        tensors = {f"model.{name}": value for name, value in self.model.state_dict().items()}
        for index, moments in self.optimizer.state_dict()["state"].items():
            for name, value in moments.items():
                tensors[f"optimizer.{index}.{name}"] = torch.as_tensor(value)
        tensors["noise"] = self._noise.get_state()
        return tensors, dict(vars(self.progress))

    def load_state(self, tensors: dict[str, Tensor], progress: dict[str, Any]) -> None:
        """Take up a training where :meth:`state` was called."""
        try:
            weights = {k.removeprefix("model."): v for k, v in tensors.items() if k[:6] == "model."}
            self.model.load_state_dict(weights)
            optimizer = self.optimizer.state_dict()
            for key in sorted(k for k in tensors if k.startswith("optimizer.")):
                _, index, name = key.split(".")
                optimizer["state"].setdefault(int(index), {})[name] = tensors[key].clone()
            self.optimizer.load_state_dict(optimizer)
            self._noise.set_state(tensors["noise"])
            self.progress = Progress(**progress)
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            raise CheckpointError(f"this checkpoint is of another training: {error}") from error

    def _step(self, images: Tensor) -> Figures:
        config = self.config
        lr = config.learning_rate * schedules.learning_rate(
            self.progress.step, self.batches * config.epochs, config
        )
        for group in self.optimizer.param_groups:
            group["lr"] = lr
        beta = config.beta * schedules.kl_weight(self.progress.step / self.batches, config)

        x = pixels.view(images, config.pixels, generator=self._noise)
        bound = self._bound(x)
        loss = (beta * bound.rate + bound.distortion).mean()
        if not torch.isfinite(loss):
            raise DivergedError(
                f"the loss became {loss.item()} at step {self.progress.step + 1}: try a "
                f"learning_rate below {config.learning_rate:g}"
            )
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        if config.encoder_shift:
            self._teach_encoder(x, beta)
        self.optimizer.step()
        rate, distortion = bound.rate.mean().item(), bound.distortion.mean().item()
        return Figures(-(rate + distortion), rate, distortion)

    def _bound(self, x: Tensor) -> objectives.Bound:
        with self._autocast():
            inference = self.model(x, samples=self.config.samples, generator=self._noise)
        return objectives.elbo(inference)

    def _teach_encoder(self, x: Tensor, beta: float) -> None:
        """Add the encoder's gradient on a moved copy of the minibatch, the decoder held.

        What overfits is amortised inference: on new images a well-trained encoder is nats from
        the best posterior that the decoder would allow (Zhang et al. 2022, "Generalization gap
        in amortized inference"). More images for the encoder alone narrow that gap.
        """
        reach = self.config.encoder_shift
        down, right = torch.randint(-reach, reach + 1, (2,), generator=self._noise).tolist()
        bound = self._bound(x.roll((down, right), dims=(2, 3)))
        encoder = [*self.model.encoder.parameters(), *self.model.posterior.parameters()]
        loss = (beta * bound.rate + bound.distortion).mean()
        for weights, gradient in zip(encoder, torch.autograd.grad(loss, encoder), strict=True):
            assert weights.grad is not None
            weights.grad += gradient

    def _autocast(self) -> contextlib.AbstractContextManager[Any]:
        if self.config.precision == "float32":
            return contextlib.nullcontext()
        return torch.autocast("cpu", dtype=torch.bfloat16)

    def _order(self, epoch: int) -> Tensor:
        generator = torch.Generator().manual_seed(self._seed(ORDER) + epoch)
        return torch.randperm(len(self._train), generator=generator)

    def _test_figures(self) -> Figures:
        bounds = evaluation.bounds(
            self.model, self._test, kind=self.config.tested_on, seed=self._seed(TEST)
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


def check_fit(model: ModelConfig, train: TrainConfig, dataset: ImageDataset) -> None:
    """Refuse settings that do not fit each other, the dataset or this machine.

    Raises
    ------
    ConfigError
        The sentence names the setting, its value and what is allowed.
    """
    for pixels_kind in (train.pixels, train.tested_on):
        check_data(model, pixels_kind, dataset)
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
