"""Train by Auto-Encoding Variational Bayes: stochastic gradient ascent on a bound.

Kingma & Welling (2014), algorithm 1, with the estimator of equation (10) or a k-sample bound.
"""

from __future__ import annotations

import torch
from torch import Tensor

from vae_core import objectives
from vae_core.config import TrainConfig
from vae_core.learning.kernels import manual_backward
from vae_core.learning.learner import DTYPES, Minibatch, Stateless, autocast, metrics
from vae_core.learning.records import Metrics
from vae_core.models import VAE
from vae_core.objectives import Loss


class AutogradLoss:
    """Loss of a minibatch whose gradient autograd computes; works for any model."""

    def __init__(self, loss: Loss) -> None:
        self.loss, self.bound = loss.value.mean(), loss.bound

    @property
    def means(self) -> tuple[Tensor, Tensor]:
        """Mean rate and distortion, () each, in nats per image."""
        return self.bound.rate.mean(), self.bound.distortion.mean()

    @property
    def metrics(self) -> Metrics:
        """Means over the minibatch, as numbers."""
        return metrics(self.bound)

    def item(self) -> float:
        """Return the loss."""
        return self.loss.item()

    def backward(self) -> None:
        """Set the gradient of every weight."""
        self.loss.backward()  # type: ignore[no-untyped-call]


class AEVB(Stateless):
    """Learner that maximises one bound in encoder and decoder, by reparameterised samples."""

    def __init__(self, model: VAE, config: TrainConfig, size: int) -> None:
        self.model, self.config = model, config
        self.layers: manual_backward.Layers | None = None
        if manual_backward.fits(model, config):
            self.layers = manual_backward.Layers(model, DTYPES[config.precision])
            self.in_place = True

    def step(self, batch: Minibatch) -> Metrics:
        """Update encoder and decoder once and return the metrics of the minibatch."""
        return self.learn(batch).metrics

    def learn(self, batch: Minibatch) -> manual_backward.ManualLoss | AutogradLoss:
        """Update encoder and decoder once, without reading the metrics from the device."""

        def add_gradient() -> None:
            self._add_shifted_gradient(batch)

        one: manual_backward.ManualLoss | AutogradLoss
        if self.layers is not None:
            one = manual_backward.ManualLoss(
                self.layers, batch.x, beta=batch.beta, generator=batch.generator
            )
        else:
            one = AutogradLoss(self._loss(batch.x, batch))
        batch.update(one, add_gradient if self.config.encoder_shift else None)
        return one

    def _loss(self, x: Tensor, batch: Minibatch) -> Loss:
        config = self.config
        with autocast(config):
            inference = self.model(x, y=batch.y, samples=batch.samples, generator=batch.generator)
        return objectives.LOSSES[config.objective](
            inference, beta=batch.beta, free_bits=config.free_bits
        )

    def _add_shifted_gradient(self, batch: Minibatch) -> None:
        """Add the encoder's gradient on a randomly shifted copy of the minibatch.

        The decoder's gradient stays as it is. Amortised inference overfits: on new images, the
        posteriors of a well-trained encoder are several nats worse than the best that the decoder
        allows (Zhang et al. 2022, "Generalization gap in amortized inference"). More images for
        the encoder alone narrow that gap.
        """
        reach = self.config.encoder_shift
        down, right = torch.randint(-reach, reach + 1, (2,), generator=batch.generator).tolist()
        loss = self._loss(batch.x.roll((down, right), dims=(2, 3)), batch).value.mean()
        encoder = [p for part in self.model.inference_networks for p in part.parameters()]
        for weights, gradient in zip(encoder, torch.autograd.grad(loss, encoder), strict=True):
            assert weights.grad is not None
            weights.grad += gradient
