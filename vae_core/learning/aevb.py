"""Auto-Encoding Variational Bayes: stochastic gradient ascent on a bound.

Kingma & Welling (2014), algorithm 1, with the estimator of equation (10) or a k-sample bound.
"""

from __future__ import annotations

import torch
from torch import Tensor

from vae_core import objectives
from vae_core.config import TrainConfig
from vae_core.learning.kernels import manual_backward
from vae_core.learning.learner import DTYPES, Stateless, Visit, autocast, figures
from vae_core.learning.records import Figures
from vae_core.models import VAE
from vae_core.objectives import Loss


class ByAutograd:
    """One minibatch through any model; ``backward`` sets every weight's gradient."""

    def __init__(self, loss: Loss) -> None:
        self.loss, self.bound = loss.value.mean(), loss.bound

    @property
    def means(self) -> tuple[Tensor, Tensor]:
        """Rate and distortion, () each."""
        return self.bound.rate.mean(), self.bound.distortion.mean()

    @property
    def figures(self) -> Figures:
        """The means, read."""
        return figures(self.bound)

    def item(self) -> float:
        """Return the loss."""
        return self.loss.item()

    def backward(self) -> None:
        """Set the gradient of the loss."""
        self.loss.backward()  # type: ignore[no-untyped-call]


class AEVB(Stateless):
    """Both networks climb the same bound, through reparameterised samples."""

    def __init__(self, model: VAE, config: TrainConfig, size: int) -> None:
        self.model, self.config = model, config
        self.layers: manual_backward.Layers | None = None
        if manual_backward.fits(model, config):
            self.layers = manual_backward.Layers(model, DTYPES[config.precision])
            self.in_place = True

    def step(self, visit: Visit) -> Figures:
        """One update of encoder and decoder."""
        return self.learn(visit).figures

    def learn(self, visit: Visit) -> manual_backward.Pass | ByAutograd:
        """Do the same, and leave the figures to be read."""

        def teach() -> None:
            self._teach_encoder(visit)

        one: manual_backward.Pass | ByAutograd
        if self.layers is not None:
            one = manual_backward.Pass(
                self.layers, visit.x, beta=visit.beta, generator=visit.generator
            )
        else:
            one = ByAutograd(self._loss(visit.x, visit))
        visit.update(one, teach if self.config.encoder_shift else None)
        return one

    def _loss(self, x: Tensor, visit: Visit) -> Loss:
        config = self.config
        with autocast(config):
            inference = self.model(x, y=visit.y, samples=visit.samples, generator=visit.generator)
        return objectives.LOSSES[config.objective](
            inference, beta=visit.beta, free_bits=config.free_bits
        )

    def _teach_encoder(self, visit: Visit) -> None:
        """Add the encoder's gradient on a moved copy of the minibatch, the decoder held.

        What overfits is amortised inference: on new images a well-trained encoder is nats from
        the best posterior that the decoder would allow (Zhang et al. 2022, "Generalization gap
        in amortized inference"). More images for the encoder alone narrow that gap.
        """
        reach = self.config.encoder_shift
        down, right = torch.randint(-reach, reach + 1, (2,), generator=visit.generator).tolist()
        loss = self._loss(visit.x.roll((down, right), dims=(2, 3)), visit).value.mean()
        encoder = [p for part in self.model.inference_networks for p in part.parameters()]
        for weights, gradient in zip(encoder, torch.autograd.grad(loss, encoder), strict=True):
            assert weights.grad is not None
            weights.grad += gradient
