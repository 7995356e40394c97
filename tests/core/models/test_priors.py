"""Learned priors: densities, KL, and their weights."""

from __future__ import annotations

import pytest
import safetensors.torch
import torch
from torch import Tensor
from torch.distributions import Categorical, Independent, MixtureSameFamily, Normal, kl_divergence

from vae_core import evaluation, model_folder, objectives
from vae_core.config import ModelConfig, TrainConfig
from vae_core.data import ImageDataset
from vae_core.errors import CheckpointError, ConfigError
from vae_core.learning import Trainer
from vae_core.model_folder import ModelCard
from vae_core.models import VAE, build, initialise
from vae_core.models.distributions import DiagonalGaussian, GaussianMixture, LabelGaussian, Prior
from vae_core.models.priors import PRIORS

SHAPE = (1, 4, 3)


def generator(seed: int = 0) -> torch.Generator:
    """Return a generator of its own."""
    return torch.Generator().manual_seed(seed)


def model(prior: str, **settings: object) -> VAE:
    """Make an untrained model whose prior has been moved from where it starts."""
    config = ModelConfig.of(
        **{
            "image_shape": SHAPE,
            "latent_dim": 3,
            "hidden": (8,),
            "prior": prior,
            "components": 5,
            "classes": 4,
        }
        | settings
    )
    built = build(config)
    initialise(built, mean_image=torch.rand(SHAPE), scheme="default", generator=generator())
    with torch.no_grad():
        for parameter in built.p_z.parameters():
            parameter.add_(0.3 * torch.randn(parameter.shape, generator=generator(1)))
    return built.eval().requires_grad_(False)


def mixture(k: int = 4, d: int = 3) -> tuple[GaussianMixture, MixtureSameFamily]:
    """Return a mixture and torch's own."""
    draws = generator(5)
    mu, logvar = 2 * torch.randn(k, d, generator=draws), torch.randn(k, d, generator=draws) - 1
    logits = torch.randn(k, generator=draws)
    normals = Independent(Normal(mu.double(), (0.5 * logvar).exp().double()), 1)
    return (
        GaussianMixture(mu, logvar, logits),
        MixtureSameFamily(Categorical(logits=logits.double()), normals),
    )


def test_mixture_density_is_torchs() -> None:
    """Multiplied out, the squares lose nothing that matters, far from the centre too."""
    ours, reference = mixture()
    z = 6 * torch.randn(2, 50, 3, generator=generator())
    torch.testing.assert_close(
        ours.log_prob(z).double(), reference.log_prob(z.double()), rtol=1e-4, atol=1e-3
    )


def test_mixture_marginals_are_those_of_one_dimension() -> None:
    """Each coordinate's density is the mixture of that coordinate's Gaussians."""
    ours, _ = mixture()
    z = torch.randn(7, 3, generator=generator())
    for j in range(3):
        one = GaussianMixture(ours.mu[:, j : j + 1], ours.logvar[:, j : j + 1], ours.logits)
        torch.testing.assert_close(ours.log_prob_per_dim(z)[:, j], one.log_prob(z[:, j : j + 1]))


def test_mixture_samples_have_its_moments() -> None:
    """Mean and variance within five standard errors."""
    ours, reference = mixture()
    z = ours.sample(20_000, generator=generator()).double()
    spread = reference.variance.sqrt()
    assert ((z.mean(0) - reference.mean).abs() < 5 * spread / 20_000**0.5).all()
    torch.testing.assert_close(z.std(0), spread, rtol=0.05, atol=0)


def test_sampled_kl_meets_the_closed_form_where_both_exist() -> None:
    """A mixture of one Gaussian: the estimate's mean is the KL, within four standard errors."""
    draws = generator(2)
    q = DiagonalGaussian(torch.randn(6, 3, generator=draws), torch.randn(6, 3, generator=draws) - 1)
    one = DiagonalGaussian(torch.tensor([[0.5, -1, 2]]), torch.tensor([[0.3, -0.5, 1]]))
    p = GaussianMixture(one.mu, one.logvar, torch.zeros(1))
    exact = q.kl_per_dim_to(one).sum(-1)
    samples = p.kl(q, q.sample(4000, generator=draws))
    assert samples.shape == (4000, 6)
    se = samples.std(0) / 4000**0.5
    assert ((samples.mean(0) - exact).abs() < 4 * se).all()


def test_kl_between_gaussians_is_torchs() -> None:
    """Dimension by dimension; the label prior's is that."""
    draws = generator(2)
    one, other = (
        DiagonalGaussian(torch.randn(6, 3, generator=draws), torch.randn(6, 3, generator=draws))
        for _ in range(2)
    )
    normals = [Normal(d.mu, (0.5 * d.logvar).exp()) for d in (one, other)]
    expected = kl_divergence(*normals)
    torch.testing.assert_close(one.kl_per_dim_to(other), expected)
    prior = LabelGaussian(other)
    torch.testing.assert_close(prior.kl(one, one.mu[None]), expected.sum(-1))


def test_vamp_is_the_mean_posterior_of_its_pseudo_inputs() -> None:
    """Computed one pseudo-input at a time, squashed into [0, 1]."""
    built = model("vamp")
    z = torch.randn(20, 3, generator=generator())
    u = (built.p_z.pseudo_inputs / 6 + 0.5).clamp(0, 1)
    log_q = torch.stack([built.encode(one[None]).log_prob(z) for one in u])
    torch.testing.assert_close(
        built.prior.log_prob(z),
        torch.logsumexp(log_q, 0) - torch.tensor(5.0).log(),
        rtol=1e-4,
        atol=1e-4,
    )


def test_pseudo_inputs_start_as_examples_or_as_a_noisy_mean() -> None:
    """Examples are met as they are; copies of one mean differ from each other."""
    examples = 0.1 + 0.8 * torch.rand(5, *SHAPE, generator=generator())
    built = build(
        ModelConfig(image_shape=SHAPE, latent_dim=3, hidden=(8,), prior="vamp", components=5)
    )
    mean = examples.mean(0)
    settings = {"mean_image": mean, "scheme": "default", "generator": generator()}
    initialise(built, **settings, examples=examples)  # type: ignore[arg-type]
    start = torch.nn.functional.hardsigmoid(built.p_z.pseudo_inputs)
    torch.testing.assert_close(start, examples, atol=1e-6, rtol=0)
    initialise(built, **settings)  # type: ignore[arg-type]
    start = torch.nn.functional.hardsigmoid(built.p_z.pseudo_inputs)
    assert (start[0] - start[1]).abs().max() > 0.05
    assert (start.mean(0) - mean).abs().mean() < 0.1


@pytest.mark.parametrize("prior", sorted(PRIORS))
def test_the_prior_travels_with_the_model(prior: str) -> None:
    """What was saved and loaded states the same density; a file without it is refused."""
    built = model(prior)
    card = ModelCard(name="one", dataset="digits", model=built.config, training=TrainConfig())
    loaded = model_folder.model_of(card, safetensors.torch.save(built.state_dict()))
    z, y = torch.randn(6, 3), torch.arange(6) % 4
    assert torch.equal(loaded.prior_given(y).log_prob(z), built.prior_given(y).log_prob(z))
    bare = {k: v for k, v in built.state_dict().items() if not k.startswith("p_z")}
    if len(bare) < len(built.state_dict()):
        with pytest.raises(CheckpointError, match="p_z"):
            model_folder.model_of(card, safetensors.torch.save(bare))


@pytest.mark.parametrize("prior", sorted(PRIORS))
def test_rate_is_the_mean_log_ratio(prior: str) -> None:
    """Whatever its form, the rate is E[log q(z|x) − log p(z)], within four standard errors."""
    built = model(prior)
    x, y = torch.rand(8, *SHAPE, generator=generator()), torch.arange(8) % 4
    inference = built(x, y=y, samples=3000, generator=generator(1))
    log_ratio = inference.q.log_prob(inference.z) - inference.prior.log_prob(inference.z)
    se = log_ratio.std(0) / 3000**0.5
    rate = objectives.elbo(inference).rate
    assert rate.shape == (8,)
    assert ((rate - log_ratio.mean(0)).abs() <= 4 * se + 1e-5).all()


@pytest.mark.parametrize("prior", sorted(PRIORS))
def test_kl_per_dim_sums_to_the_rate_where_it_can(prior: str) -> None:
    """Under factorised priors exactly; under mixtures each dimension's own KL is still positive."""
    built = model(prior)
    x, y = torch.rand(600, *SHAPE, generator=generator()), torch.arange(600) % 4
    q = built.encode(x)
    per_dim = evaluation.kl_per_dim(q.mu, q.logvar, built.prior_given(y))
    assert per_dim.shape == (3,)
    if prior in ("standard", "label"):
        bound = objectives.elbo(built(x, y=y, generator=generator()))
        torch.testing.assert_close(per_dim.sum(), bound.rate.mean())
    else:
        assert (per_dim > 0).all()


@pytest.mark.parametrize("prior", sorted(PRIORS))
def test_span_is_that_of_the_priors_samples(prior: str) -> None:
    """Quantiles of each dimension; where the prior depends on labels, of all labels together."""
    built = model(prior)
    with torch.no_grad():
        for name, parameter in built.p_z.named_parameters():
            if name in ("mu", "logvar", "logits"):
                parameter.copy_(torch.randn(parameter.shape, generator=generator(3)))
    y = torch.arange(4)
    given = built.prior_given(y)
    low, high = given.span(2.0)
    first = built.prior_given(torch.zeros(40_000, dtype=torch.int64))
    sampled = first.sample(40_000, generator=generator(6)).mean(0)
    torch.testing.assert_close(given.mean, sampled, atol=0.06, rtol=0.03)
    if prior != "label":
        torch.testing.assert_close(Prior.mean.fget(given), sampled, atol=0.06, rtol=0.03)
    one = [built.prior_given(torch.full((40_000,), label)) for label in range(4)]
    tails = torch.special.ndtr(torch.tensor([-2.0, 2.0]))
    drawn = [each.sample(40_000, generator=generator(5)).quantile(tails, dim=0) for each in one]
    torch.testing.assert_close(
        low, torch.stack([each[0] for each in drawn]).amin(0), atol=0.1, rtol=0.03
    )
    torch.testing.assert_close(
        high, torch.stack([each[1] for each in drawn]).amax(0), atol=0.1, rtol=0.03
    )
    rough_low, rough_high = Prior.span(
        built.prior_given(torch.zeros(20_000, dtype=torch.int64)), 2.0
    )
    if prior != "label":
        torch.testing.assert_close(rough_low, low, atol=0.15, rtol=0.05)
        torch.testing.assert_close(rough_high, high, atol=0.15, rtol=0.05)


def test_ranges_span_the_codes_and_the_prior() -> None:
    """The wider one of the two decides, at each end of each dimension."""
    mu = torch.zeros(1000, 3)
    mu[:, 1] = torch.linspace(-20, 1, 1000)
    ranges = evaluation.ranges(mu, model("standard").prior)
    assert ranges[:, 1].tolist() == [3, 3, 3]
    assert ranges[[0, 2], 0].tolist() == [-3, -3]
    assert -20 <= ranges[1, 0] < -19.9


def test_a_label_prior_needs_labels_that_exist() -> None:
    """Without them, and with others, it says what is allowed."""
    built = model("label")
    with pytest.raises(ConfigError, match=r"needs y.*0 to 3"):
        _ = built.prior
    for y in (torch.tensor([0, 4]), torch.tensor([-1, 2]), torch.tensor([0.0, 1.0])):
        with pytest.raises(ConfigError, match="0 to 3"):
            built.prior_given(y)


@pytest.mark.parametrize("prior", ["mixture", "vamp", "label"])
def test_training_moves_the_prior_and_gains(prior: str, digits: ImageDataset) -> None:
    """Fitted to the same frozen networks, a learned prior costs less rate than N(0, I)."""
    config = ModelConfig(
        image_shape=(1, 8, 8),
        latent_dim=4,
        hidden=(24,),
        prior=prior,
        components=10,
        classes=10 if prior == "label" else 0,
    )
    training = TrainConfig(
        dataset="digits", epochs=4, batch_size=50, learning_rate=5e-3, threads=1, pixels="dynamic"
    )
    trainer = Trainer(config, training, digits)
    before = {name: p.clone() for name, p in trainer.model.p_z.state_dict().items()}
    list(trainer)
    built = trainer.model.eval()
    for name, weight in built.p_z.state_dict().items():
        if name != "logits":
            assert not torch.equal(weight, before[name]), name
    x = digits.test.images.float() / 255
    y = digits.test.labels

    def rate(of_standard: bool) -> Tensor:
        with torch.no_grad():
            inference = built(x, y=y, samples=20, generator=generator())
            learned = objectives.elbo(inference).rate
            return inference.q.kl_per_dim().sum(-1) if of_standard else learned

    assert rate(of_standard=False).mean() < rate(of_standard=True).mean()
