"""Log-probabilities, samples and KL against torch.distributions and against sampling."""

from __future__ import annotations

import math

import pytest
import torch
from scipy import stats
from torch import Tensor
from torch.distributions import Bernoulli as TorchBernoulli
from torch.distributions import Independent, Normal, kl_divergence

from vae_core.models.distributions import DiagonalGaussian, StandardNormal, soft_clamp
from vae_core.models.likelihoods import LIKELIHOODS, Bernoulli, Gaussian

SHAPE = (1, 3, 2)
PIXELS = 6


def noise(*shape: int, seed: int = 0, scale: float = 1.0) -> Tensor:
    """Draw reproducible normal numbers."""
    return scale * torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def uniform(*shape: int, seed: int = 1) -> Tensor:
    """Draw reproducible numbers in [0, 1)."""
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def test_soft_clamp_bounds_and_lets_pass() -> None:
    """Far values end at the bounds, values well inside pass, order and gradient are kept."""
    value = torch.linspace(-60, 60, 2001, dtype=torch.float64, requires_grad=True)
    bent = soft_clamp(value, -12.0, 4.0)
    assert bent.min() >= -12
    assert bent.max() <= 4 + 1e-6
    assert (bent.diff() >= 0).all()
    inside = (value > -8) & (value < 0)
    torch.testing.assert_close(bent[inside], value[inside], atol=0.02, rtol=0)
    bent.sum().backward()
    assert value.grad is not None
    assert (value.grad >= 0).all()
    assert value.grad[1000] == pytest.approx(1, abs=0.02)


def test_prior_log_prob_is_a_standard_normals() -> None:
    """As torch.distributions has it, for any leading shape."""
    z = noise(4, 5, 3, scale=2)
    expected = Independent(Normal(torch.zeros(3), torch.ones(3)), 1).log_prob(z)
    torch.testing.assert_close(StandardNormal(3).log_prob(z), expected)


def test_posterior_log_prob_is_a_diagonal_gaussians() -> None:
    """As torch.distributions has it, with samples leading."""
    mu, logvar = noise(5, 3), noise(5, 3, seed=2)
    z = noise(7, 5, 3, seed=3, scale=2)
    expected = Independent(Normal(mu, (0.5 * logvar).exp()), 1).log_prob(z)
    torch.testing.assert_close(DiagonalGaussian(mu, logvar).log_prob(z), expected)


def test_kl_is_torchs() -> None:
    """Each dimension's closed form equals torch.distributions'."""
    mu, logvar = noise(50, 4, scale=2), noise(50, 4, seed=2, scale=2)
    expected = kl_divergence(Normal(mu, (0.5 * logvar).exp()), Normal(0.0, 1.0))
    torch.testing.assert_close(DiagonalGaussian(mu, logvar).kl_per_dim(), expected)


def test_kl_is_what_sampling_estimates() -> None:
    """E_q[log q − log p] over 100,000 samples is within four standard errors of the closed form."""
    q = DiagonalGaussian(noise(3, 2), noise(3, 2, seed=2))
    z = q.sample(100_000, generator=torch.Generator().manual_seed(5))
    gap = (q.log_prob(z) - StandardNormal(2).log_prob(z)).double()
    error = gap.std(0) / math.sqrt(len(gap))
    assert ((gap.mean(0) - q.kl_per_dim().sum(-1)).abs() < 4 * error).all()


def test_kl_of_the_prior_is_zero() -> None:
    """KL vanishes at q = p and nowhere near it."""
    q = DiagonalGaussian(torch.tensor([[0.0, 0.1]]), torch.tensor([[0.0, 0.0]]))
    assert q.kl_per_dim()[0, 0] == 0
    assert q.kl_per_dim()[0, 1] > 0


def test_posterior_samples_follow_the_posterior() -> None:
    """Standardised draws pass a Kolmogorov–Smirnov test; without sigma they would not."""
    q = DiagonalGaussian(torch.tensor([[1.0, -2.0]]), torch.tensor([[-2.0, 1.0]]))
    z = q.sample(5000, generator=torch.Generator().manual_seed(0))
    assert z.shape == (5000, 1, 2)
    standardised = (z[:, 0] - q.mu) / (0.5 * q.logvar).exp()
    for dim in range(2):
        assert stats.kstest(standardised[:, dim].numpy(), "norm").pvalue > 1e-3
        assert stats.kstest((z[:, 0] - q.mu)[:, dim].numpy(), "norm").pvalue < 1e-6


def test_samples_are_reparameterised() -> None:
    """D z / d mu is 1, and d z / d logvar is half of sigma · eps."""
    mu = noise(4, 2).requires_grad_()
    logvar = noise(4, 2, seed=2).requires_grad_()
    z = DiagonalGaussian(mu, logvar).sample(generator=torch.Generator().manual_seed(3))
    assert z.shape == (4, 2)
    z.sum().backward()
    torch.testing.assert_close(mu.grad, torch.ones(4, 2))
    torch.testing.assert_close(logvar.grad, (0.5 * (z - mu)).detach())


def test_randomness_comes_from_the_generator_alone() -> None:
    """Same generator state, same draw; the global stream is left alone."""
    q = DiagonalGaussian(torch.zeros(4, 2), torch.zeros(4, 2))
    p = Gaussian(torch.full((4, PIXELS), 0.5), torch.zeros(4, PIXELS), SHAPE)
    b = Bernoulli(torch.zeros(4, PIXELS), SHAPE)
    before = torch.random.get_rng_state()
    for draw in (q.sample, p.sample, b.sample):
        first, again, other = (
            draw(generator=torch.Generator().manual_seed(seed)) for seed in (1, 1, 2)
        )
        assert torch.equal(first, again)
        assert not torch.equal(first, other)
    assert torch.equal(before, torch.random.get_rng_state())


def test_bernoulli_log_prob_is_torchs() -> None:
    """Binary and grey targets, one sample of z or many for each image."""
    logits = noise(7, 5, PIXELS, scale=3)
    for x in (uniform(5, *SHAPE), uniform(5, *SHAPE).round()):
        reference = TorchBernoulli(logits=logits, validate_args=False)
        expected = reference.log_prob(x.flatten(1)).sum(-1)
        torch.testing.assert_close(Bernoulli(logits, SHAPE).log_prob(x), expected)
        torch.testing.assert_close(Bernoulli(logits[:1], SHAPE).log_prob(x), expected[:1])
        torch.testing.assert_close(Bernoulli(logits[0], SHAPE).log_prob(x), expected[0])


@pytest.mark.parametrize("name", ["bernoulli", "gaussian"])
def test_likelihoods_broadcast(name: str) -> None:
    """One image against many codes, many images against one code, a grid of codes."""
    spec = LIKELIHOODS[name]
    values = noise(4, 6, spec.values_per_pixel * PIXELS)
    x = uniform(4, 6, *SHAPE)
    whole = spec.from_head(values, SHAPE, -4.5).log_prob(x)
    assert whole.shape == (4, 6)
    torch.testing.assert_close(
        spec.from_head(values, SHAPE, -4.5).log_prob(x[0, 0])[0, 0], whole[0, 0]
    )
    torch.testing.assert_close(spec.from_head(values[0], SHAPE, -4.5).log_prob(x[0]), whole[0])
    one_code = spec.from_head(values[0, 0], SHAPE, -4.5)
    assert one_code.log_prob(x[:, 0]).shape == (4,)
    one_image = spec.from_head(values[:, 0], SHAPE, -4.5).log_prob(x[0, 0])
    torch.testing.assert_close(one_image[0], whole[0, 0])
    assert one_code.mean.shape == SHAPE


def test_bernoulli_is_finite_at_certainty() -> None:
    """Logits of ±10,000 cost 10,000 nats where they are wrong, nothing where they are right."""
    logits = torch.tensor([[10_000.0, -10_000.0]])
    p = Bernoulli(logits, (1, 1, 2))
    assert p.log_prob(torch.tensor([[[[1.0, 0.0]]]])) == 0
    assert p.log_prob(torch.tensor([[[[0.0, 1.0]]]])) == -20_000


def test_bernoulli_samples_have_the_mean() -> None:
    """Draws are binary, and their average is the mean within four standard errors."""
    p = Bernoulli(noise(1, PIXELS).expand(20_000, -1), SHAPE)
    drawn = p.sample(generator=torch.Generator().manual_seed(0))
    assert set(drawn.unique().tolist()) == {0.0, 1.0}
    mean = p.mean[0]
    error = (mean * (1 - mean) / len(drawn)).sqrt()
    assert ((drawn.mean(0) - mean).abs() < 4 * error).all()


def test_gaussian_log_prob_is_torchs() -> None:
    """With the log-variance of each pixel, one sample of z or many."""
    p = Gaussian(uniform(7, 5, PIXELS), noise(7, 5, PIXELS), SHAPE)
    x = uniform(5, *SHAPE, seed=9)
    expected = Normal(p.mu, (0.5 * p.logvar).exp()).log_prob(x.flatten(1)).sum(-1)
    torch.testing.assert_close(p.log_prob(x), expected)


def test_gaussian_samples_have_mean_and_variance() -> None:
    """Standardised draws pass a Kolmogorov–Smirnov test."""
    p = Gaussian(uniform(1, PIXELS).expand(2000, -1), noise(1, PIXELS).expand(2000, -1), SHAPE)
    drawn = p.sample(generator=torch.Generator().manual_seed(0)).flatten(1)
    standardised = (drawn - p.mu) / (0.5 * p.logvar).exp()
    assert stats.kstest(standardised.flatten().numpy(), "norm").pvalue > 1e-3


def test_gaussian_head_keeps_its_bounds() -> None:
    """Whatever the last layer says, the mean stays in [0, 1] and the log-variance above its floor.

    So the density of one pixel never exceeds that of the floor.
    """
    values = noise(100, 2 * PIXELS, scale=100)
    p = Gaussian.from_head(values, SHAPE, -4.5)
    assert ((p.mu >= 0) & (p.mu <= 1)).all()
    assert (p.logvar >= -4.5).all()
    best = -0.5 * PIXELS * (math.log(2 * math.pi) - 4.5)
    assert (p.log_prob(p.mean) <= best + 1e-4).all()
    high = Gaussian.from_head(torch.full((1, 2 * PIXELS), 3.0), SHAPE, -4.5)
    torch.testing.assert_close(high.logvar, torch.full((1, PIXELS), 3.0), atol=1e-3, rtol=0)
