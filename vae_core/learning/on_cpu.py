"""Steps by the processor, one operation after another."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from vae_core import pixels
from vae_core.config import TrainConfig
from vae_core.learning import aevb, mcem, schedules, wake_sleep
from vae_core.learning.records import Figures
from vae_core.learning.schedules import Stage
from vae_core.learning.visit import Differentiable, Learner, TrainingSet, Visit, check_finite
from vae_core.models import VAE

#: Learners by name: each is made from the model, its settings and the training images' number.
LEARNERS: dict[str, Callable[[VAE, TrainConfig, int], Learner]] = {
    "aevb": aevb.AEVB,
    "wake-sleep": wake_sleep.WakeSleep,
    "mcem": mcem.MonteCarloEM,
}


class OnCPU:
    """Steps of any learner on a model in this machine's memory."""

    ahead = 1

    def __init__(self, model: VAE, config: TrainConfig, data: TrainingSet) -> None:
        self.model, self.config, self.data = model, config, data
        self.noise = torch.Generator().manual_seed(data.seed)
        self.optimizer = schedules.optimizer(model, config, len(data.images))
        self.learner = LEARNERS[config.learner](model, config, len(data.images))
        self._found: list[Figures] = []

    def step(self, rows: Tensor, stage: Stage) -> None:
        """Learn from the training images ``rows`` (batch,)."""
        images, labels = self.data.images.index_select(0, rows), self.data.labels
        for group in self.optimizer.param_groups:
            group["lr"] = stage.learning_rate

        def update(loss: Differentiable, add: Callable[[], None] | None = None) -> None:
            check_finite(loss.item(), stage.number)
            self.optimizer.zero_grad(set_to_none=True)
            loss.backward()
            if add is not None:
                add()
            self.optimizer.step()

        visit = Visit(
            x=pixels.view(images, self.config.pixels, generator=self.noise),
            y=None if labels is None else labels[rows],
            rows=rows,
            beta=stage.beta,
            samples=stage.samples,
            generator=self.noise,
            update=update,
        )
        self._found.append(self.learner.step(visit))

    def figures(self) -> list[Figures]:
        """Return those of each step since this was asked last."""
        found, self._found = self._found, []
        return found

    def settle(self) -> None:
        """Nothing to bring: steps change the training's model itself."""

    def state(self) -> dict[str, Tensor]:
        """Return weights, moments, what the learner remembers, and the noise's generator."""
        tensors = {f"model.{name}": value for name, value in self.model.state_dict().items()}
        for index, moments in self.optimizer.state_dict()["state"].items():
            for name, value in moments.items():
                tensors[f"optimizer.{index}.{name}"] = torch.as_tensor(value)
        tensors |= {f"learner.{name}": value for name, value in self.learner.state().items()}
        tensors["noise"] = self.noise.get_state()
        return tensors

    def load_state(self, tensors: dict[str, Tensor]) -> None:
        """Take up what :meth:`state` returned."""
        self.model.load_state_dict(_part(tensors, "model."))
        optimizer = self.optimizer.state_dict()
        for key in sorted(k for k in tensors if k.startswith("optimizer.")):
            _, index, name = key.split(".")
            optimizer["state"].setdefault(int(index), {})[name] = tensors[key].clone()
        self.optimizer.load_state_dict(optimizer)
        self.learner.load_state(_part(tensors, "learner."))
        self.noise.set_state(tensors["noise"])

    def paths(self) -> dict[str, str]:
        """Name the gradient's way and the kernels that this processor's features choose."""
        is_by_hand = isinstance(self.learner, aevb.AEVB) and self.learner.layers is not None
        paths = {
            "gradient": "by hand" if is_by_hand else "by autograd",
            "kernels": torch.backends.cpu.get_cpu_capability(),
        }
        if self.config.precision == "bfloat16":
            paths["bfloat16 products"] = " and ".join(bfloat16_products())
        return paths


def bfloat16_products() -> list[str]:
    """Name this processor's own ways to multiply bfloat16 matrices."""
    found = torch.cpu.get_capabilities()
    return [name for name in ("amx_tile", "avx512_bf16") if found.get(name)]


def _part(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
