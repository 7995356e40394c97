"""Compute training steps on a GPU, each captured once as a CUDA graph and then replayed.

A step of a small network has about sixty kernels of a few microseconds each, and launching them one
by one takes several times as long as they run. So all that a step reads and writes stays at fixed
addresses on the GPU: images, weights, moments, and tensors of the rows, learning rate and beta.
A graph is captured for each minibatch size and number of samples, and a step is one launch. Steps
are asynchronous: metrics are read for many steps at once, and weights only when they are needed.

Without a GPU the same operations run uncaptured, which is how they are tested.
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from vae_core import pixels
from vae_core.config import ModelConfig, TrainConfig
from vae_core.errors import ConfigError
from vae_core.learning.aevb import AEVB
from vae_core.learning.learner import Differentiable, Minibatch, TrainingSet, check_finite, part
from vae_core.learning.optimizers import Optimizer
from vae_core.learning.records import Metrics
from vae_core.learning.schedules import Stage
from vae_core.models import VAE

#: Settings that can be captured: no step that reads a value on the host (chains, labels, shifts of
#: images), no optimiser without a capturable kernel, no network whose kernels have a hidden state.
CAPTURED: dict[str, tuple[object, ...]] = {
    "learner": ("aevb",),
    "optimizer": ("adam",),
    "encoder_shift": (0,),
    "network": ("mlp", "conv"),
    "conditional": (False,),
    "prior": ("standard", "mixture", "vamp"),
}
#: Steps before a capture, in which libraries choose algorithms and allocate memory.
WARMUP_STEPS = 3


def check(model: ModelConfig, train: TrainConfig) -> None:
    """Check that a training is implemented for a GPU.

    Raises
    ------
    ConfigError
        Names the setting, its value and what is allowed.
    """
    settings = {
        "learner": train.learner,
        "optimizer": train.optimizer,
        "encoder_shift": train.encoder_shift,
        "network": model.network,
        "conditional": model.conditional,
        "prior": model.prior,
    }
    for name, value in settings.items():
        if value not in CAPTURED[name]:
            allowed = ", ".join(map(repr, CAPTURED[name]))
            raise ConfigError(
                f"{name} {value!r} does not go with device 'cuda'; allowed: {allowed}"
            )


@dataclass(frozen=True)
class CapturedStep:
    """Repeatable step: ``run`` learns from the training images with indices ``rows`` (batch,).

    It returns the minibatch's rate and distortion, (2,), in a tensor that the next run overwrites.
    """

    rows: Tensor
    run: Callable[[], Tensor]


class CUDADevice:
    """Device that runs AEVB on a copy of the model on a GPU, up to 100 steps ahead of metrics."""

    ahead = 100

    def __init__(self, model: VAE, config: TrainConfig, data: TrainingSet) -> None:
        assert data.labels is None
        self.model, self.config = model, config
        self.target = torch.device(config.device)
        self.images = data.images.to(self.target)
        self.noise = torch.Generator(self.target).manual_seed(data.seed)
        self.device_model = copy.deepcopy(model).to(self.target)
        self.learner = AEVB(self.device_model, config, len(data.images))
        self.beta = torch.zeros((), device=self.target)
        self.learning_rate = torch.zeros((), device=self.target)
        self.optimizer = Optimizer(
            self.device_model, config, len(data.images), in_place=self.learner.in_place
        )
        self._captured_steps: dict[tuple[int, int], CapturedStep] = {}
        self._pending: list[tuple[int, Tensor]] = []  # numbers of steps, and rate and distortion
        self._is_synced = True

    def step(self, rows: Tensor, stage: Stage) -> None:
        """Learn from the training images ``rows`` (batch,)."""
        kind = len(rows), stage.samples
        if kind not in self._captured_steps:
            self._captured_steps[kind] = self._capture_step(*kind)
        recorded = self._captured_steps[kind]
        recorded.rows.copy_(rows, non_blocking=True)
        self.learning_rate.fill_(stage.learning_rate)
        self.beta.fill_(stage.beta)
        self._pending.append((stage.number, recorded.run().clone()))
        self._is_synced = False

    def run_step(self, rows: Tensor, samples: int) -> Tensor:
        """Run the operations of one step, which a graph captures.

        Parameters
        ----------
        rows
            (batch,), on the device.

        Returns
        -------
        Tensor
            Mean rate and distortion of the minibatch, (2,).
        """
        images = self.images.index_select(0, rows)
        batch = Minibatch(
            x=pixels.view(images, self.config.pixels, generator=self.noise),
            y=None,
            rows=rows,
            beta=self.beta,
            samples=samples,
            generator=self.noise,
            update=self._update,
        )
        return torch.stack(self.learner.learn(batch).means).detach()

    def warm_up(self, run: Callable[[], Tensor]) -> None:
        """Run a step several times, then restore weights, moments and the generator."""
        kept = {name: value.clone() for name, value in self._tensors().items()}
        noise = self.noise.get_state()
        for _ in range(WARMUP_STEPS):
            run()
        self._restore(kept)
        self.noise.set_state(noise)

    def metrics(self) -> list[Metrics]:
        """Wait for and return the metrics of the steps since the last call."""
        found, self._pending = self._pending, []
        if not found:
            return []
        values = torch.stack([means for _, means in found]).tolist()
        for (number, _), (rate, distortion) in zip(found, values, strict=True):
            check_finite(rate + distortion, number)
        return [Metrics(-(rate + distortion), rate, distortion) for rate, distortion in values]

    def sync_model(self) -> None:
        """Copy the weights after the last step to the trainer's model."""
        if not self._is_synced:
            self.model.load_state_dict(self.device_model.state_dict())
            self._is_synced = True

    def state(self) -> dict[str, Tensor]:
        """Return weights, moments and the state of the noise generator."""
        # Weights and moments may be views of one array, but a file stores them separately.
        tensors = {name: value.cpu().clone() for name, value in self._tensors().items()}
        return tensors | {"noise": self.noise.get_state()}

    def load_state(self, tensors: dict[str, Tensor]) -> None:
        """Restore what :meth:`state` returned."""
        self._restore(tensors)
        self.noise.set_state(tensors["noise"])
        self._is_synced = False

    def paths(self) -> dict[str, str]:
        """Return how gradients are computed, and the name of the GPU."""
        return {
            "gradient": "by hand" if self.learner.in_place else "by autograd",
            "steps": f"as CUDA graphs of {torch.cuda.get_device_name(self.target)}",
        }

    def _capture_step(self, batch: int, samples: int) -> CapturedStep:
        rows = torch.zeros(batch, dtype=torch.int64, device=self.target)
        run = partial(self.run_step, rows, samples)
        return CapturedStep(rows, run if self.target.type == "cpu" else self._captured(run))

    def _captured(self, run: Callable[[], Tensor]) -> Callable[[], Tensor]:
        side_stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        graph = torch.cuda.CUDAGraph()
        graph.register_generator_state(self.noise)
        # Only some convolution algorithms add in the same order every time.
        with torch.backends.cudnn.flags(enabled=True, deterministic=True, allow_tf32=False):
            side_stream.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(side_stream), warnings.catch_warnings():
                warnings.filterwarnings("ignore", "This instance was constructed with capturable")
                self.warm_up(run)
            torch.cuda.current_stream().wait_stream(side_stream)
            with torch.cuda.graph(graph):
                found = run()

        def replay() -> Tensor:
            graph.replay()
            return found

        return replay

    def _update(self, loss: Differentiable, add: Callable[[], None] | None = None) -> None:
        assert add is None
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step(self.learning_rate)

    def _tensors(self) -> dict[str, Tensor]:
        """Return all tensors that a step changes, not copied, by their names in a checkpoint."""
        weights = {f"model.{name}": value for name, value in self.device_model.state_dict().items()}
        moments = self.optimizer.moments()
        return weights | {f"optimizer.{name}": value for name, value in moments.items()}

    def _restore(self, tensors: dict[str, Tensor]) -> None:
        """Copy tensors into those that a step changes, whose addresses graphs use."""
        self.device_model.load_state_dict(part(tensors, "model."))
        self.optimizer.load(part(tensors, "optimizer."))
