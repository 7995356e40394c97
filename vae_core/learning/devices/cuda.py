"""Steps by a GPU: each is captured once as a CUDA graph, and then replayed.

A step of a small network is some sixty operations of a few microseconds each, and a program that
launches them one by one takes several times as long as the card does. So all that a step reads and
writes stays at its place on the card: images, weights, moments, and tensors that say which rows
are meant, at which learning rate and beta. Then the very operations that a processor would go
through are recorded once for each size of a minibatch and number of samples, and a step is one
launch. Nothing is waited for: metrics are read many steps at once, weights where somebody asks.

Without a card the same operations run as they are, unrecorded, which is how they are tested.
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

#: What can be captured: no step that looks at a value (of chains, of labels, of how far pictures
#: move), no optimiser without a kernel for it, no network whose kernels keep states of their own.
CAPTURED: dict[str, tuple[object, ...]] = {
    "learner": ("aevb",),
    "optimizer": ("adam",),
    "encoder_shift": (0,),
    "network": ("mlp", "conv"),
    "conditional": (False,),
    "prior": ("standard", "mixture", "vamp"),
}
#: Steps that run before one is captured, since libraries choose and allocate at their first ones.
WARMUP_STEPS = 3


def check(model: ModelConfig, train: TrainConfig) -> None:
    """Refuse a training that a GPU is not programmed for here.

    Raises
    ------
    ConfigError
        The sentence names the setting, its value and what is allowed.
    """
    given = {
        "learner": train.learner,
        "optimizer": train.optimizer,
        "encoder_shift": train.encoder_shift,
        "network": model.network,
        "conditional": model.conditional,
        "prior": model.prior,
    }
    for name, value in given.items():
        if value not in CAPTURED[name]:
            allowed = ", ".join(map(repr, CAPTURED[name]))
            raise ConfigError(
                f"{name} {value!r} does not go with device 'cuda'; allowed: {allowed}"
            )


@dataclass(frozen=True)
class CapturedStep:
    """A step as it is repeated: ``run`` learns from the images that ``rows`` (batch,) name.

    It returns the minibatch's rate and distortion, (2,), at a place where the next run writes too.
    """

    rows: Tensor
    run: Callable[[], Tensor]


class CUDADevice:
    """Steps of AEVB on a copy of the model, on the device that the settings name."""

    ahead = 100

    def __init__(self, model: VAE, config: TrainConfig, data: TrainingSet) -> None:
        assert data.labels is None
        self.model, self.config = model, config
        self.place = torch.device(config.device)
        self.images = data.images.to(self.place)
        self.noise = torch.Generator(self.place).manual_seed(data.seed)
        self.twin = copy.deepcopy(model).to(self.place)
        self.learner = AEVB(self.twin, config, len(data.images))
        self.beta = torch.zeros((), device=self.place)
        self.learning_rate = torch.zeros((), device=self.place)
        self.optimizer = Optimizer(
            self.twin, config, len(data.images), in_place=self.learner.in_place
        )
        self._recorded: dict[tuple[int, int], CapturedStep] = {}
        self._found: list[tuple[int, Tensor]] = []  # steps' numbers and what they returned
        self._is_settled = True

    def step(self, rows: Tensor, stage: Stage) -> None:
        """Learn from the training images ``rows`` (batch,)."""
        kind = len(rows), stage.samples
        if kind not in self._recorded:
            self._recorded[kind] = self._record(*kind)
        recorded = self._recorded[kind]
        recorded.rows.copy_(rows, non_blocking=True)
        self.learning_rate.fill_(stage.learning_rate)
        self.beta.fill_(stage.beta)
        self._found.append((stage.number, recorded.run().clone()))
        self._is_settled = False

    def advance(self, rows: Tensor, samples: int) -> Tensor:
        """Take one step: the operations that a graph consists of.

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
        """Run a step without a trace: weights, moments and the generator are put back."""
        kept = {name: value.clone() for name, value in self._tensors().items()}
        noise = self.noise.get_state()
        for _ in range(WARMUP_STEPS):
            run()
        self._put(kept)
        self.noise.set_state(noise)

    def metrics(self) -> list[Metrics]:
        """Return those of each step since this was asked last, once they are there."""
        found, self._found = self._found, []
        if not found:
            return []
        values = torch.stack([means for _, means in found]).tolist()
        for (number, _), (rate, distortion) in zip(found, values, strict=True):
            check_finite(rate + distortion, number)
        return [Metrics(-(rate + distortion), rate, distortion) for rate, distortion in values]

    def settle(self) -> None:
        """Bring the training's model to where the last step left its weights."""
        if not self._is_settled:
            self.model.load_state_dict(self.twin.state_dict())
            self._is_settled = True

    def state(self) -> dict[str, Tensor]:
        """Return weights, moments and the noise's generator."""
        # Weights and moments may be views of one array, and a file keeps each by itself.
        tensors = {name: value.cpu().clone() for name, value in self._tensors().items()}
        return tensors | {"noise": self.noise.get_state()}

    def load_state(self, tensors: dict[str, Tensor]) -> None:
        """Take up what :meth:`state` returned."""
        self._put(tensors)
        self.noise.set_state(tensors["noise"])
        self._is_settled = False

    def paths(self) -> dict[str, str]:
        """Name the card and the gradient's way."""
        return {
            "gradient": "by hand" if self.learner.in_place else "by autograd",
            "steps": f"as CUDA graphs of {torch.cuda.get_device_name(self.place)}",
        }

    def _record(self, batch: int, samples: int) -> CapturedStep:
        rows = torch.zeros(batch, dtype=torch.int64, device=self.place)
        run = partial(self.advance, rows, samples)
        return CapturedStep(rows, run if self.place.type == "cpu" else self._captured(run))

    def _captured(self, run: Callable[[], Tensor]) -> Callable[[], Tensor]:
        side_stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        graph = torch.cuda.CUDAGraph()
        graph.register_generator_state(self.noise)
        # Convolutions choose among algorithms, not all of which add in the same order twice.
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
        """All that a step changes, at its place, by the names that a checkpoint has for it."""
        weights = {f"model.{name}": value for name, value in self.twin.state_dict().items()}
        moments = self.optimizer.moments()
        return weights | {f"optimizer.{name}": value for name, value in moments.items()}

    def _put(self, tensors: dict[str, Tensor]) -> None:
        """Copy tensors to the places of those that a step changes, where graphs expect them."""
        self.twin.load_state_dict(part(tensors, "model."))
        self.optimizer.load(part(tensors, "optimizer."))
