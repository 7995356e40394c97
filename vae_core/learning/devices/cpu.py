"""Compute training steps on the CPU."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from vae_core import pixels
from vae_core.config import TrainConfig
from vae_core.learning import aevb, mcem, wake_sleep
from vae_core.learning.learner import (
    Differentiable,
    Learner,
    Minibatch,
    TrainingSet,
    check_finite,
    part,
)
from vae_core.learning.optimizers import Optimizer
from vae_core.learning.records import Metrics
from vae_core.learning.schedules import Stage
from vae_core.models import VAE

#: Learners by name, made from a model, the settings and the number of training images.
LEARNERS: dict[str, Callable[[VAE, TrainConfig, int], Learner]] = {
    "aevb": aevb.AEVB,
    "wake-sleep": wake_sleep.WakeSleep,
    "mcem": mcem.MonteCarloEM,
}


class CPUDevice:
    """Device that runs any learner on the CPU."""

    ahead = 1

    def __init__(self, model: VAE, config: TrainConfig, data: TrainingSet) -> None:
        self.model, self.config, self.data = model, config, data
        self.noise = torch.Generator().manual_seed(data.seed)
        self.learner = LEARNERS[config.learner](model, config, len(data.images))
        self.optimizer = Optimizer(model, config, len(data.images), in_place=self.learner.in_place)
        self._metrics: list[Metrics] = []

    def step(self, rows: Tensor, stage: Stage) -> None:
        """Learn from the training images ``rows`` (batch,)."""
        images, labels = self.data.images.index_select(0, rows), self.data.labels

        def update(loss: Differentiable, add: Callable[[], None] | None = None) -> None:
            check_finite(loss.item(), stage.number)
            self.optimizer.zero_grad()
            loss.backward()
            if add is not None:
                add()
            self.optimizer.step(stage.learning_rate)

        batch = Minibatch(
            x=pixels.view(images, self.config.pixels, generator=self.noise),
            y=None if labels is None else labels[rows],
            rows=rows,
            beta=stage.beta,
            samples=stage.samples,
            generator=self.noise,
            update=update,
        )
        self._metrics.append(self.learner.step(batch))

    def metrics(self) -> list[Metrics]:
        """Return the metrics of the steps since the last call."""
        found, self._metrics = self._metrics, []
        return found

    def sync_model(self) -> None:
        """Do nothing: steps change the trainer's model itself."""

    def state(self) -> dict[str, Tensor]:
        """Return weights, moments, the learner's state and the state of the noise generator."""
        found = {f"model.{name}": value for name, value in self.model.state_dict().items()}
        found |= {f"optimizer.{name}": value for name, value in self.optimizer.moments().items()}
        found |= {f"learner.{name}": value for name, value in self.learner.state().items()}
        # Weights and moments may be views of one array, but a file stores them separately.
        return {n: value.detach().clone() for n, value in found.items()} | {
            "noise": self.noise.get_state()
        }

    def load_state(self, tensors: dict[str, Tensor]) -> None:
        """Restore what :meth:`state` returned."""
        self.model.load_state_dict(part(tensors, "model."))
        self.optimizer.load(part(tensors, "optimizer."))
        self.learner.load_state(part(tensors, "learner."))
        self.noise.set_state(tensors["noise"])

    def paths(self) -> dict[str, str]:
        """Return how gradients are computed and which kernels this processor selects."""
        paths = {
            "gradient": "by hand" if self.learner.in_place else "by autograd",
            "kernels": torch.backends.cpu.get_cpu_capability(),
        }
        if self.config.precision == "bfloat16":
            paths["bfloat16 products"] = " and ".join(bfloat16_products())
        return paths


def bfloat16_products() -> list[str]:
    """Return the instruction sets by which this processor multiplies bfloat16 matrices."""
    found = torch.cpu.get_capabilities()
    return [name for name in ("amx_tile", "avx512_bf16") if found.get(name)]
