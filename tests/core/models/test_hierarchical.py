"""Two stochastic layers: the four densities, and the likelihood by integration."""

from __future__ import annotations

import math

import pytest
import torch
from torch.distributions import Bernoulli, Independent, Normal

from vae_core import evaluation, marginal, objectives
from vae_core.config import ModelConfig, TrainConfig
from vae_core.data import ImageDataset
from vae_core.errors import ConfigError
from vae_core.evaluation import Estimate
from vae_core.learning import Trainer, check_method
from vae_core.models import HierarchicalVAE, build, initialise
from vae_core.models.distributions import DiagonalGaussian

SHAPE = (1, 3, 2)


def model(z1: int = 4, z2: int = 2) -> HierarchicalVAE:
    """Make an untrained model whose layers matter."""
    config = ModelConfig(
        image_shape=SHAPE, latent_dim=z2, hidden=(8,), first_latent_dim=z1, upper_hidden=(5, 6)
    )
    built = build(config)
    assert isinstance(built, HierarchicalVAE)
    generator = torch.Generator().manual_seed(3)
    initialise(built, mean_image=torch.full(SHAPE, 0.4), scheme="default", generator=generator)
    with torch.no_grad():
        built.likelihood.weight.mul_(3)
    return built.eval().requires_grad_(False)


def normal(of: DiagonalGaussian) -> Independent:
    """Return a posterior as torch's own distribution."""
    return Independent(Normal(of.mu, (0.5 * of.logvar).exp()), 1)


def test_weights_are_made_of_five_densities() -> None:
    """Add log p(z2) + log p(z1|z2) + log p(x|z1) − log q(z1|x) − log q(z2|z1), by torch."""
    built = model()
    x = torch.bernoulli(torch.full((5, *SHAPE), 0.4))
    inference = built(x, samples=7, generator=torch.Generator().manual_seed(0))
    first, second = inference.layers
    z1, z2 = first.z, second.z
    assert z1.shape == (7, 5, 4)
    assert z2.shape == (7, 5, 2)
    assert torch.equal(inference.z, z2)
    expected = (
        normal(DiagonalGaussian(torch.zeros(2), torch.zeros(2))).log_prob(z2)
        + normal(built.decode_second(z2)).log_prob(z1)
        + Independent(Bernoulli(probs=built.decode_first(z1).mean), 3).log_prob(x)
        - normal(built.encode_first(x)).log_prob(z1)
        - normal(built.encode_second(z1)).log_prob(z2)
    )
    torch.testing.assert_close(objectives.log_weights(inference), expected, rtol=1e-4, atol=1e-4)


def test_the_elbo_is_the_mean_weight() -> None:
    """Its rate is sampled below and in closed form above, and the mean stays the same."""
    built = model()
    x = torch.rand(6, *SHAPE, generator=torch.Generator().manual_seed(1))
    inference = built(x, samples=4000, generator=torch.Generator().manual_seed(2))
    log_w = objectives.log_weights(inference)
    bound = objectives.elbo(inference)
    assert bound.elbo.shape == (6,)
    se = log_w.std(0) / 4000**0.5
    assert ((bound.elbo - log_w.mean(0)).abs() < 5 * se).all()


def test_what_is_shown_passes_means_on() -> None:
    """``encode`` and ``decode`` are deterministic and have the top layer's size."""
    built = model()
    x = torch.rand(6, *SHAPE)
    q = built.encode(x)
    assert q.mu.shape == (6, 2)
    torch.testing.assert_close(q.mu, built.encode_second(built.encode_first(x).mu).mu)
    shown = built(x, generator=torch.Generator().manual_seed(0)).q
    torch.testing.assert_close(shown.mu, q.mu)
    expected = built.decode_first(built.decode_second(q.mu).mu).mean
    torch.testing.assert_close(built.reconstruct(x), expected)
    assert built.sample(3, generator=torch.Generator().manual_seed(0)).shape == (3, *SHAPE)
    encoded = evaluation.encode(built, (x * 255).to(torch.uint8), kind="grey")
    assert encoded.mu.shape == (6, 2)


def test_importance_sampling_finds_the_integral_over_both_layers() -> None:
    """z1 and z2 of one dimension each: p(x) on a grid, within three standard errors."""
    built = model(z1=1, z2=1)
    images = torch.randint(0, 2, (12, *SHAPE), generator=torch.Generator().manual_seed(0)) * 255
    images = images.to(torch.uint8)
    z = torch.linspace(-12, 12, 1501, dtype=torch.float32)[:, None]
    step = math.log(24 / 1500)
    below = built.decode_second(z)  # p(z1|z2) for each z2 of the grid
    log_z2 = normal(DiagonalGaussian(torch.zeros(1), torch.zeros(1))).log_prob(z)
    log_z1 = torch.logsumexp(below.log_prob(z[:, None]) + log_z2, dim=1) + step
    log_px = torch.stack([built.decode_first(z).log_prob(x[None]) for x in images / 255])
    exact = -(torch.logsumexp((log_px + log_z1).double(), dim=1) + step)
    found = evaluation.nll_iw(built, images, k=2000, kind="grey")
    gap = Estimate.of(found.nll.double() - exact)
    assert abs(gap.mean) < 3 * gap.se + 1e-4
    one = evaluation.nll_iw(built, images, k=1, kind="grey")
    assert Estimate.of(one.nll.double() - exact).mean > 0.02, "the contrast: one sample"


def test_both_layers_learn(digits: ImageDataset) -> None:
    """Every weight moves, the bound gains, and a better one comes with more samples."""
    config = ModelConfig(
        image_shape=(1, 8, 8), latent_dim=3, hidden=(24,), first_latent_dim=8, upper_hidden=(8,)
    )
    training = TrainConfig(
        dataset="digits",
        train_size=400,
        epochs=4,
        batch_size=40,
        learning_rate=1e-2,
        threads=1,
        objective="iwae",
        samples=2,
    )
    trainer = Trainer(config, training, digits)
    before = {name: p.clone() for name, p in trainer.model.state_dict().items()}
    records = list(trainer)
    for name, weight in trainer.model.state_dict().items():
        assert not torch.equal(weight, before[name]), name
    assert records[-1].test.elbo - records[0].test.elbo > 0.5


def test_what_does_not_exist_for_two_layers_is_refused() -> None:
    """DReG, free bits, other learners, pseudo-inputs, AIS: each by name."""
    config = model().config
    for settings, named in (
        ({"objective": "dreg", "samples": 5}, "'dreg'.*two stochastic layers.*'elbo', 'iwae'"),
        ({"free_bits": 0.5}, "free_bits 0.5.*two stochastic layers"),
        ({"learner": "wake-sleep"}, "'wake-sleep'.*two stochastic layers.*'aevb'"),
    ):
        with pytest.raises(ConfigError, match=named):
            check_method(config, TrainConfig.of(**settings))
    with pytest.raises(ConfigError, match=r"'vamp'.*one stochastic layer.*'mixture'"):
        ModelConfig.of(first_latent_dim=20, prior="vamp")
    with pytest.raises(ConfigError, match=r"two.*nll_iw"):
        marginal.nll_ais(model(), torch.zeros(1, *SHAPE, dtype=torch.uint8), kind="grey")
    with pytest.raises(ConfigError, match="first_latent_dim 600 is above 500"):
        ModelConfig.of(first_latent_dim=600)
    with pytest.raises(ConfigError, match="latent_dim 101 is above 100"):
        ModelConfig.of(first_latent_dim=50, latent_dim=101)
