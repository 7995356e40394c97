"""Bounds: values, order, and gradients against a second implementation."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import reference
import small
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.distributions import Bernoulli as TorchBernoulli
from torch.distributions import Independent, Normal

from vae_core import objectives
from vae_core.models import VAE, Inference


def infer(built: VAE, x: Tensor, eps: Tensor) -> Inference:
    """Do the forward pass with given noise (samples, batch, latent_dim)."""
    q = built.encode(x)
    z = q.mu + (0.5 * q.logvar).exp() * eps
    return Inference(x=x, q=q, z=z, p=built.decode(z), prior=built.prior)


def arrays(built: VAE) -> dict[str, reference.Array]:
    """Weights as float64 arrays."""
    return {name: value.double().numpy() for name, value in built.state_dict().items()}


CASES = [
    ("tanh", "bernoulli", 1, 1.0),
    ("relu", "bernoulli", 3, 1.0),
    ("silu", "bernoulli", 2, 4.0),
    ("tanh", "gaussian", 1, 1.0),
    ("silu", "gaussian", 3, 0.0),
]


@pytest.mark.parametrize(("activation", "likelihood", "samples", "beta"), CASES)
def test_gradients_are_the_references(
    activation: str, likelihood: str, samples: int, beta: float
) -> None:
    """Backpropagation by hand in NumPy and autograd agree on every weight, and on the bound."""
    built = small.model(activation=activation, likelihood=likelihood).requires_grad_(True)
    generator = torch.Generator().manual_seed(3)
    x = torch.rand(6, *small.SHAPE, generator=generator)
    eps = torch.randn(samples, 6, 3, generator=generator)
    bound = objectives.elbo(infer(built, x, eps))
    (beta * bound.rate + bound.distortion).mean().backward()  # type: ignore[no-untyped-call]

    expected = reference.differentiate(
        arrays(built),
        x.flatten(1).double().numpy(),
        eps.double().numpy(),
        activation=activation,
        likelihood=likelihood,
        beta=beta,
    )
    assert bound.rate.mean().item() == pytest.approx(expected.rate, rel=1e-5)
    assert bound.distortion.mean().item() == pytest.approx(expected.distortion, rel=1e-5)
    assert expected.gradients.keys() == dict(built.named_parameters()).keys()
    for name, parameter in built.named_parameters():
        assert parameter.grad is not None
        wanted = expected.gradients[name]
        scale = np.abs(wanted).max()
        assert scale > 0, name
        np.testing.assert_allclose(parameter.grad, wanted, rtol=0, atol=2e-5 * scale, err_msg=name)


@pytest.mark.parametrize(("activation", "likelihood", "samples", "beta"), CASES)
def test_the_reference_is_its_own_difference_quotient(
    activation: str, likelihood: str, samples: int, beta: float
) -> None:
    """Its gradients equal central differences of its values, so it is right by itself."""
    built = small.model(activation=activation, likelihood=likelihood)
    draws = np.random.default_rng(3)
    x, eps = draws.random((6, 20)), draws.standard_normal((samples, 6, 3))
    options: dict[str, Any] = {"activation": activation, "likelihood": likelihood, "beta": beta}

    def loss(weights: dict[str, reference.Array]) -> float:
        found = reference.differentiate(weights, x, eps, **options)
        return beta * found.rate + found.distortion

    weights = arrays(built)
    gradients = reference.differentiate(weights, x, eps, **options).gradients
    step = 1e-5
    for name, value in weights.items():
        direction = draws.standard_normal(value.shape)
        up = loss({**weights, name: value + step * direction})
        down = loss({**weights, name: value - step * direction})
        slope = float((gradients[name] * direction).sum())
        assert (up - down) / (2 * step) == pytest.approx(slope, rel=1e-4, abs=1e-6), name


def test_elbo_has_two_parts_for_each_example() -> None:
    """Elbo = −(rate + distortion), (batch,); distortion is the average over samples."""
    built = small.model()
    x, eps = torch.rand(6, *small.SHAPE), torch.randn(2, 6, 3)
    both = objectives.elbo(infer(built, x, eps))
    assert both.elbo.shape == both.rate.shape == both.distortion.shape == (6,)
    torch.testing.assert_close(both.elbo, -(both.rate + both.distortion))
    apart = [objectives.elbo(infer(built, x, one[None])).distortion for one in eps]
    torch.testing.assert_close(both.distortion, torch.stack(apart).mean(0))


def test_log_weights_are_log_joint_minus_log_posterior() -> None:
    """As written with torch.distributions."""
    built = small.model()
    x, eps = torch.rand(6, *small.SHAPE), torch.randn(4, 6, 3)
    inference = infer(built, x, eps)
    logits = built.likelihood(built.decoder(inference.z))
    likelihood = TorchBernoulli(logits=logits, validate_args=False)
    expected = (
        likelihood.log_prob(x.flatten(1)).sum(-1)
        + Independent(Normal(torch.zeros(3), torch.ones(3)), 1).log_prob(inference.z)
        - Normal(inference.q.mu, (0.5 * inference.q.logvar).exp()).log_prob(inference.z).sum(-1)
    )
    torch.testing.assert_close(objectives.log_weights(inference), expected)


def test_one_sample_bound_is_the_weight() -> None:
    """At k = 1 nothing is averaged."""
    log_w = torch.randn(1, 7)
    torch.testing.assert_close(objectives.iwae(log_w), log_w[0])


@settings(max_examples=50)
@given(
    seed=st.integers(0, 10_000),
    k=st.integers(1, 20),
    scale=st.floats(0, 300),
    shift=st.floats(-2000, 2000),
)
def test_more_samples_never_loosen_the_bound(seed: int, k: int, scale: float, shift: float) -> None:
    """The bound of 2k samples is at least the mean of the bounds of its halves (Burda et al. 2016).

    It holds for each set of weights by Jensen's inequality, at magnitudes where exp alone would
    overflow, and the ELBO estimate lies below both.
    """
    generator = torch.Generator().manual_seed(seed)
    log_w = shift + scale * torch.randn(2 * k, 5, generator=generator, dtype=torch.float64)
    whole = objectives.iwae(log_w)
    halves = (objectives.iwae(log_w[:k]) + objectives.iwae(log_w[k:])) / 2
    assert torch.isfinite(whole).all()
    assert (whole >= halves - 1e-9).all()
    assert (halves >= log_w.mean(0) - 1e-9).all()
    assert (whole <= log_w.max(0).values + 1e-9).all()
