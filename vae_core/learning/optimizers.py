"""Optimise with the fused kernels of PyTorch's Adam and Adagrad."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from vae_core.config import TrainConfig
from vae_core.learning.kernels.streams import SideStream
from vae_core.models import VAE

#: Lists of weights, of their gradients, of each kind of moment, and of step counts, () each.
Arrays = list[list[Tensor]]

#: Arrays that one GPU kernel processes, and kernels that run concurrently.
ARRAYS_PER_KERNEL, KERNELS = 36, 4


def split_for_kernels(arrays: Arrays) -> list[Arrays]:
    """Split arrays into chunks and distribute these to kernels that a GPU runs concurrently.

    A kernel has one block of threads for each array, or for each 65,536 elements of one: too few
    to use more than a tenth of a GPU on a small network's weights.
    """
    weights, gradients, *moments, steps = arrays
    elements = sum(one.numel() for one in weights)
    parts = max(1, KERNELS * ARRAYS_PER_KERNEL - len(weights))
    most = -(-elements // parts // 1024) * 1024
    counts = [-(-one.numel() // most) for one in weights]
    kinds = weights, [one.contiguous() for one in gradients], *moments
    cut = [[part for one in kind for part in torch.split(one.view(-1), most)] for kind in kinds]
    cut.append([step for step, n in zip(steps, counts, strict=True) for _ in range(n)])
    per_kernel = [[kind[i::KERNELS] for kind in cut] for i in range(KERNELS)]
    return [one for one in per_kernel if one[0]]


@dataclass(frozen=True)
class Rule:
    """Update rule: the names of its moments, its kernel and that kernel's settings."""

    moments: tuple[str, ...]
    move: Callable[..., object]
    settings: Callable[[TrainConfig], dict[str, Any]]


#: The kernels that ``torch.optim`` calls, with its defaults. In the step of a small network, the
#: overhead of its classes is half as long as the kernels themselves.
RULES: dict[str, Rule] = {
    "adam": Rule(
        ("exp_avg", "exp_avg_sq"),
        lambda weights, gradients, first, second, steps, **settings: torch._fused_adam_(
            weights, gradients, first, second, [], steps, **settings
        ),
        lambda config: {
            "beta1": 0.9,
            "beta2": 0.999,
            "eps": config.adam_epsilon,
            "amsgrad": False,
        },
    ),
    "adagrad": Rule(
        ("sum",),
        torch._fused_adagrad_,
        lambda config: {"lr_decay": 0.0, "eps": 1e-10},
    ),
}


@dataclass(frozen=True)
class ParameterGroup:
    """Weights with one weight decay, and the moments and step count of each."""

    weights: list[nn.Parameter]
    moments: list[dict[str, Tensor]]
    weight_decay: float


class Optimizer:
    """Optimiser of all weights by one rule.

    With ``config.weight_prior`` the generative weights θ have the prior N(0, I) (Kingma & Welling
    2014, section 5 and appendix F). Beside the mean bound over a minibatch of ``size`` training
    images, log p(θ) weighs 1 / size, and its gradient −θ / size is a weight decay.

    Parameters
    ----------
    size
        Number of training images.
    in_place
        Whether each gradient overwrites the previous one in place.
    """

    def __init__(
        self, model: VAE, config: TrainConfig, size: int, *, in_place: bool = False
    ) -> None:
        self.rule, self.in_place = RULES[config.optimizer], in_place
        self.settings = self.rule.settings(config)
        generative = [p for part in model.generative_networks for p in part.parameters()]
        known = set(generative) if config.weight_prior else set()
        others = [p for p in model.parameters() if p not in known]
        self.groups = [self._group(others, 0.0)]
        self.side_streams = [SideStream(others[0].device) for _ in range(KERNELS)]
        if config.weight_prior:
            self.groups.append(self._group(generative, 1 / size))

    def zero_grad(self) -> None:
        """Drop the gradients of the last step, unless the next ones overwrite them."""
        if self.in_place:
            return
        for group in self.groups:
            for one in group.weights:
                one.grad = None

    @torch.no_grad()
    def step(self, learning_rate: float | Tensor) -> None:
        """Update every weight that has a gradient."""
        for group in self.groups:
            rows = [
                (one, one.grad, *moments.values())
                for one, moments in zip(group.weights, group.moments, strict=True)
                if one.grad is not None
            ]
            if not rows:
                continue
            arrays = [list(kind) for kind in zip(*rows, strict=True)]
            torch._foreach_add_(arrays[-1], 1)
            move = partial(
                self.rule.move,
                lr=learning_rate,
                weight_decay=group.weight_decay,
                maximize=False,
                **self.settings,
            )
            if arrays[-1][0].is_cuda:
                self._run_concurrently(move, split_for_kernels(arrays))
            else:
                move(*arrays)

    def moments(self) -> dict[str, Tensor]:
        """Return the moments and step count of each weight, not copied, as ``"{index}.{name}"``."""
        found = [moments for group in self.groups for moments in group.moments]
        return {f"{i}.{name}": value for i, one in enumerate(found) for name, value in one.items()}

    @torch.no_grad()
    def load(self, moments: dict[str, Tensor]) -> None:
        """Restore what :meth:`moments` returned; moments that are missing become 0.

        Raises
        ------
        ValueError
            If a moment does not belong to these weights or this rule; names it.
        """
        places = self.moments()
        for name, value in moments.items():
            if name not in places or value.shape != places[name].shape:
                raise ValueError(f"optimizer.{name} does not fit")
        for place in places.values():
            place.zero_()
        for name, value in moments.items():
            places[name].copy_(value)

    def _run_concurrently(self, move: Callable[..., object], per_kernel: list[Arrays]) -> None:
        for side_stream, arrays in zip(self.side_streams, per_kernel, strict=False):
            with side_stream.reading():
                move(*arrays)
        for side_stream in self.side_streams:
            side_stream.join()

    def _group(self, weights: list[nn.Parameter], weight_decay: float) -> ParameterGroup:
        moments = [
            {name: torch.zeros_like(one.detach()) for name in self.rule.moments}
            | {"step": torch.zeros((), device=one.device)}
            for one in weights
        ]
        return ParameterGroup(weights, moments, weight_decay)
