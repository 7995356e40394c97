"""Hamiltonian Monte Carlo on targets with known moments."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from vae_core import hmc

CHAINS = 400


def generator(seed: int = 0) -> torch.Generator:
    """Return a generator of its own."""
    return torch.Generator().manual_seed(seed)


def run(log_density: hmc.LogDensity, *, dims: int, steps: int = 60) -> hmc.Samples:
    """Tune for 50 transitions, then hold the step size and keep the rest."""
    start = torch.zeros(CHAINS, dims, dtype=torch.float64)
    g = generator()
    tuned = hmc.hmc(log_density, start, steps=50, leapfrog=5, step_size=0.1, generator=g)
    return hmc.hmc(
        log_density,
        tuned.z[-1],
        steps=steps,
        leapfrog=5,
        step_size=tuned.step_size,
        generator=g,
        target_acceptance=None,
    )


def standard_error(chains: Tensor) -> Tensor:
    """Of the grand mean of (steps, chains, d): the chains are independent, their steps not."""
    return chains.mean(0).std(0) / math.sqrt(chains.shape[1])


def test_moments_of_a_correlated_gaussian():
    """Mean and covariance lie within four standard errors of the exact ones."""
    mean = torch.tensor([1.0, -2.0], dtype=torch.float64)
    covariance = torch.tensor([[1.0, 0.6], [0.6, 0.5]], dtype=torch.float64)
    target = torch.distributions.MultivariateNormal(mean, covariance)
    z = run(target.log_prob, dims=2).z
    assert (((z.mean((0, 1)) - mean) / standard_error(z)).abs() < 4).all()
    centred = z - mean
    products = centred[..., :, None] * centred[..., None, :]
    error = standard_error(products)
    assert (((products.mean((0, 1)) - covariance) / error).abs() < 4).all()


def test_moments_of_a_skewed_density_by_integration():
    """A density that is no Gaussian has the mean that a fine grid gives."""

    def log_density(z: Tensor) -> Tensor:
        return (2.0 * z - z.exp() - 0.1 * z.square()).squeeze(-1)

    grid = torch.linspace(-20, 10, 30_001, dtype=torch.float64)[:, None]
    weights = torch.softmax(log_density(grid), 0)
    exact = (weights * grid.squeeze()).sum()
    z = run(log_density, dims=1).z
    assert (z.mean((0, 1)) - exact).abs() < 4 * standard_error(z)


def test_a_step_too_large_would_be_wrong_without_the_correction():
    """From exact draws at a coarse step, many moves are refused and the variance stays right."""
    samples = hmc.hmc(
        lambda z: -0.5 * z.square().sum(-1),
        torch.randn(4000, 10, generator=generator(1)),
        steps=20,
        leapfrog=3,
        step_size=1.5,
        generator=generator(),
        target_acceptance=None,
    )
    assert samples.acceptance.mean() < 0.8
    squares = samples.z.square().mean(-1, keepdim=True)
    assert (squares.mean() - 1).abs() < 4 * standard_error(squares)


@pytest.mark.parametrize("start", [1e-3, 3.0])
def test_step_size_is_tuned_to_the_acceptance(start: float):
    """From far too small and far too large a step, 90 % acceptance is reached."""
    scale = torch.tensor([0.1, 0.5, 2.0])
    target = torch.distributions.Independent(torch.distributions.Normal(0.0, scale), 1)

    def acceptance(step_size: float | Tensor, target_acceptance: float | None) -> hmc.Samples:
        return hmc.hmc(
            target.log_prob,
            torch.zeros(200, 3),
            steps=80,
            leapfrog=10,
            step_size=step_size,
            generator=generator(),
            target_acceptance=target_acceptance,
        )

    tuned = acceptance(start, 0.9)
    assert tuned.step_size.shape == ()
    held = acceptance(tuned.step_size, None)
    assert held.step_size.equal(tuned.step_size)
    assert 0.85 < held.acceptance.mean() < 0.95


def test_each_chain_may_have_a_step_size_of_its_own():
    """A narrow target ends with a smaller step than a wide one; shapes are kept."""
    scale = torch.tensor([0.05, 1.0])[:, None]  # two targets
    samples = hmc.hmc(
        lambda z: torch.distributions.Normal(0.0, scale).log_prob(z).sum(-1),
        torch.zeros(20, 2, 3),
        steps=100,
        leapfrog=4,
        step_size=torch.full((2,), 0.1),
        generator=generator(),
    )
    assert samples.z.shape == (100, 20, 2, 3)
    assert samples.acceptance.shape == (20, 2)
    assert samples.step_size.shape == (2,)
    assert 10 < samples.step_size[1] / samples.step_size[0] < 40


def test_trajectories_are_reversible():
    """Turning the momentum round leads back to the start, to rounding."""

    def log_density(z: Tensor) -> Tensor:
        return -(z**4).sum(-1) - z.sum(-1).cos()

    z = torch.randn(10, 3, generator=generator(), dtype=torch.float64)
    momentum = torch.randn(10, 3, generator=generator(1), dtype=torch.float64)
    options = {"eps": torch.tensor(0.05), "leapfrog": 20}
    gradient = hmc._with_gradient(log_density, z)[1]
    far, moved, _, far_gradient = hmc._trajectory(log_density, z, momentum, gradient, **options)
    back, turned, _, _ = hmc._trajectory(log_density, far, -moved, far_gradient, **options)
    assert (far - z).abs().max() > 0.1
    assert torch.allclose(back, z, atol=1e-10)
    assert torch.allclose(turned, -momentum, atol=1e-10)


def test_a_trajectory_that_leaves_the_numbers_is_refused():
    """Where the density is not a number the chain stays, and the step size falls."""
    samples = hmc.hmc(
        lambda z: torch.where(z > 0, torch.nan, 1.0).squeeze(-1) * -z.square().sum(-1),
        -torch.ones(50, 1),
        steps=30,
        leapfrog=3,
        step_size=1.0,
        generator=generator(),
    )
    assert samples.z.isfinite().all()
    assert (samples.z <= 0).all()
    assert samples.step_size < 1.0


def test_the_generator_alone_decides():
    """Same seed, same chains to the bit; another seed, other chains."""

    def chains(seed: int) -> Tensor:
        return hmc.hmc(
            lambda z: -0.5 * z.square().sum(-1),
            torch.zeros(3, 2),
            steps=5,
            leapfrog=3,
            step_size=0.3,
            generator=generator(seed),
        ).z

    assert chains(1).equal(chains(1))
    assert not chains(1).equal(chains(2))
