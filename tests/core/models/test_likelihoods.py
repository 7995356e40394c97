"""Continuous Bernoulli and discretised logistic, against torch, integrals and sums."""

from __future__ import annotations

import math

import pytest
import torch
from torch.distributions import ContinuousBernoulli as TorchContinuousBernoulli

from vae_core.config import ModelConfig
from vae_core.models import build
from vae_core.models.likelihoods import (
    LIKELIHOODS,
    SMALL_LOGIT,
    ContinuousBernoulli,
    DiscretisedLogistic,
)

SHAPE = (1, 2, 2)
LOGITS = torch.tensor(
    [[-30.0, -4.0, -0.3, -0.06], [-0.04, -1e-4, 0.0, 1e-3], [0.049, 0.051, 2, 20]]
)


def test_continuous_bernoulli_is_a_density() -> None:
    """At every logit, small ones too, it integrates to one over [0, 1]."""
    x = torch.linspace(0, 1, 20_001)
    for logit in LOGITS.flatten():
        p = ContinuousBernoulli(logit.repeat(20_001, 1), (1, 1, 1))
        total = torch.trapezoid(p.log_prob(x.reshape(-1, 1, 1, 1)).double().exp(), x.double())
        assert total.item() == pytest.approx(1, abs=1e-4), logit
    without = torch.nn.functional.softplus(torch.tensor(2.0)).exp()
    assert without != pytest.approx(1, abs=0.5), "the contrast: a Bernoulli is none"


def test_continuous_bernoulli_is_that_of_torch() -> None:
    """Log-probabilities and means agree, where torch's own are exact."""
    p = ContinuousBernoulli(LOGITS, SHAPE)
    reference = TorchContinuousBernoulli(logits=LOGITS.double(), lims=(0.4999, 0.5001))
    x = torch.rand(3, *SHAPE, generator=torch.Generator().manual_seed(0))
    expected = reference.log_prob(x.flatten(1).double()).sum(-1)
    torch.testing.assert_close(p.log_prob(x).double(), expected, atol=2e-4, rtol=1e-4)
    torch.testing.assert_close(p.mean.flatten(1).double(), reference.mean, atol=1e-4, rtol=1e-4)


def test_the_normaliser_and_its_slope_join_where_the_series_ends() -> None:
    """On both sides of the seam, and at zero, value and derivative are the exact ones."""
    for logit in (0.0, SMALL_LOGIT * 0.999, SMALL_LOGIT * 1.001, -SMALL_LOGIT, 1e-8):
        at = torch.tensor([logit], requires_grad=True)
        p = ContinuousBernoulli(at, (1, 1, 1))
        value, slope, mean = p.log_normaliser(), torch.empty(0), p.mean
        (slope,) = torch.autograd.grad(value.sum(), at)
        exact_slope = logit / 6 - 7 * logit**3 / 360
        exact = math.log(logit / math.tanh(logit / 2)) if logit else math.log(2)
        assert value.item() == pytest.approx(exact, abs=1e-6)
        assert slope.item() == pytest.approx(exact_slope, abs=2e-6)
        assert mean.item() == pytest.approx(0.5 + logit / 12, abs=2e-6)


def test_continuous_bernoulli_samples_follow_it() -> None:
    """The empirical distribution function is torch's, within the Kolmogorov band of 0.1 %."""
    n = 4000
    generator = torch.Generator().manual_seed(3)
    for logit in (-8.0, -0.01, 0.0, 3.0, 30.0):
        p = ContinuousBernoulli(torch.full((n, 1), logit), (1, 1, 1))
        drawn = p.sample(generator=generator).flatten().double().sort().values
        reference = TorchContinuousBernoulli(logits=torch.tensor(logit).double())
        gap = (reference.cdf(drawn) - (torch.arange(n) + 0.5) / n).abs().max()
        assert gap < 1.95 / n**0.5


@pytest.mark.parametrize("log_scale", [-12.0, -4.5, -1.0, 0.0])
@pytest.mark.parametrize("mu", [0.0, 0.004, 0.5, 0.999])
def test_levels_have_the_logistics_probabilities(mu: float, log_scale: float) -> None:
    """Differences of the distribution function, open at both ends, which sum to one."""
    v = torch.arange(256.0)
    p = DiscretisedLogistic(torch.full((256, 1), mu), torch.full((256, 1), log_scale), (1, 1, 1))
    found = p.log_prob_of_levels(v[:, None])[:, 0].double()
    centre, scale = (255 * mu + 0.5) / 256, math.exp(log_scale)
    edges = torch.sigmoid((torch.arange(257.0, dtype=torch.float64) / 256 - centre) / scale)
    edges[0], edges[-1] = 0, 1
    assert found.exp().sum().item() == pytest.approx(1, abs=1e-4)
    torch.testing.assert_close(found.exp(), edges.diff(), atol=2e-5, rtol=1e-3)
    assert torch.isfinite(found).all(), "a level out of reach costs much, not infinitely much"


def test_every_level_finds_its_bin_in_colour() -> None:
    """A narrow logistic at v / 255 gives level v nearly all of its mass, in all channels."""
    v = torch.arange(256).float().repeat(3, 1).T.reshape(256, 3, 1, 1)
    p = DiscretisedLogistic((v / 255).flatten(1), torch.full((256, 3), -9.0), (3, 1, 1))
    assert p.log_prob(v / 255).exp().min() > 0.99
    assert p.log_prob(((v + 1) % 256) / 255).exp().max() < 0.01


def test_logistic_samples_follow_their_probabilities() -> None:
    """Frequencies of levels, edges too, lie within five standard errors."""
    n = 20_000
    p = DiscretisedLogistic(torch.full((n, 1), 0.02), torch.full((n, 1), -3.5), (1, 1, 1))
    drawn = (255 * p.sample(generator=torch.Generator().manual_seed(0))).round().flatten().long()
    one = DiscretisedLogistic(torch.full((256, 1), 0.02), torch.full((256, 1), -3.5), (1, 1, 1))
    expected = one.log_prob_of_levels(torch.arange(256.0)[:, None])[:, 0].exp()
    share = torch.bincount(drawn, minlength=256) / n
    assert ((share - expected).abs() <= 5 * (expected / n).sqrt() + 1e-4).all()
    assert share[0] > 0.2, "the open edge collects what falls below it"


@pytest.mark.parametrize("extreme", [-1e4, 1e4])
def test_extreme_outputs_stay_finite(extreme: float) -> None:
    """Log-probabilities and gradients of both ends are numbers, whatever the network says."""
    for name, spec in LIKELIHOODS.items():
        values = torch.full((1, 4 * spec.values_per_pixel), extreme, requires_grad=True)
        for x in (torch.zeros(1, *SHAPE), torch.ones(1, *SHAPE)):
            p = spec.from_head(values, SHAPE, -4.5)
            log_prob = p.log_prob(x)
            (gradient,) = torch.autograd.grad(log_prob.sum(), values)
            assert torch.isfinite(log_prob).all(), name
            assert torch.isfinite(gradient).all(), name
            assert ((p.mean >= 0) & (p.mean <= 1)).all(), name


@pytest.mark.parametrize("likelihood", ["gaussian", "continuous-bernoulli", "discretised-logistic"])
@pytest.mark.parametrize("network", ["mlp", "conv", "rows"])
def test_colour_goes_through_every_network(likelihood: str, network: str) -> None:
    """The head's values are in the order of the pixels of x: a fitted bias equals the image."""
    config = ModelConfig.of(
        image_shape=(3, 5, 4), latent_dim=2, hidden=(6,), likelihood=likelihood, network=network
    )
    model = build(config).eval()
    x = 0.1 + 0.8 * torch.rand(1, 3, 5, 4, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
        model.likelihood.bias[:60] = 3 * torch.logit(x.flatten())
        p = model.decode(torch.zeros(1, 2))
        assert p.mean.shape == (1, 3, 5, 4)
        right, wrong = p.log_prob(x), p.log_prob(x.flip(1))
        assert right > wrong
        order = p.mean.flatten().argsort()
    assert torch.equal(order, x.flatten().argsort())
