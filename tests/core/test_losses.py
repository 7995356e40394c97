"""What a step minimises: DReG against the plain gradient, free bits, beta, the weight prior."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.distributions import (
    Bernoulli,
    Categorical,
    Distribution,
    Independent,
    MixtureSameFamily,
    Normal,
)

from vae_core import objectives
from vae_core.config import LearnerName, ModelConfig, TrainConfig
from vae_core.data import ImageDataset
from vae_core.errors import ConfigError
from vae_core.learning import Trainer, check_method
from vae_core.models import VAE, Inference, build, initialise, priors
from vae_core.models.distributions import soft_clamp

SHAPE = (1, 2, 3)


def generator(seed: int = 0) -> torch.Generator:
    """Return a generator of its own."""
    return torch.Generator().manual_seed(seed)


def model(**settings: object) -> VAE:
    """Make an untrained model whose latent space matters."""
    config = ModelConfig.of(**{"image_shape": SHAPE, "latent_dim": 2, "hidden": (4,)} | settings)
    built = build(config)
    initialise(built, mean_image=torch.full(SHAPE, 0.4), scheme="default", generator=generator())
    with torch.no_grad():
        built.likelihood.weight.mul_(3)
    return built


X = torch.bernoulli(torch.full((3, *SHAPE), 0.5), generator=generator(7))


def gradients(built: VAE, objective: str, k: int, seed: int) -> dict[str, Tensor]:
    """Gradients of the mean loss, from one draw of k codes."""
    built.zero_grad()
    inference = built(X, samples=k, generator=generator(seed))
    objectives.LOSSES[objective](inference).value.mean().backward()
    return {
        part: torch.cat([p.grad.flatten() for p in getattr(built, part).parameters()])
        for part in ("encoder", "posterior", "decoder", "likelihood")
    }


def test_dreg_has_the_bounds_value_and_its_generative_gradient() -> None:
    """With the same draws only the encoder's gradient differs."""
    built = model()
    losses = [
        objectives.LOSSES[name](built(X, samples=5, generator=generator())).value
        for name in ("iwae", "dreg")
    ]
    torch.testing.assert_close(*losses)
    plain, dreg = (gradients(built, name, 5, 0) for name in ("iwae", "dreg"))
    for part in ("decoder", "likelihood"):
        torch.testing.assert_close(plain[part], dreg[part], rtol=1e-4, atol=1e-6)
    assert (plain["posterior"] - dreg["posterior"]).abs().max() > 1e-4


def test_dreg_is_unbiased_and_of_lower_variance() -> None:
    """Over draws, the encoder's mean gradients agree and the variance is a fraction of it.

    So for each weight the difference of means lies within 4.5 standard errors, and at k = 64 the
    plain gradient's variance is at least three times as large (Tucker et al. 2019, figure 1). The
    contrast: leaving the score out without squaring the weights is a biased gradient.
    """
    built = model()
    draws = 400
    found = {
        name: torch.stack(
            [
                torch.cat([g[part] for part in ("encoder", "posterior")])
                for g in (gradients(built, name, 64, 1000 * offset + s) for s in range(draws))
            ]
        ).double()
        for offset, name in enumerate(("iwae", "dreg"))
    }
    variance = {name: g.var(0) for name, g in found.items()}
    se = ((variance["iwae"] + variance["dreg"]) / draws).sqrt()
    used = se > 1e-9
    gap = (found["iwae"].mean(0) - found["dreg"].mean(0)).abs()
    assert used.sum() > 20
    assert (gap[used] < 4.5 * se[used]).all()
    assert variance["iwae"].sum() > 3 * variance["dreg"].sum()


def prior_of(built: VAE, y: Tensor) -> Distribution:
    """Return a model's prior of labels ``y`` as torch's own distribution, with its gradients."""
    of, kind = built.p_z, built.config.prior
    if kind == "standard":
        return Independent(Normal(torch.zeros(2), torch.ones(2)), 1)
    if kind == "vamp":
        q = built.encode(torch.nn.functional.hardsigmoid(of.pseudo_inputs))
        normals = Normal(q.mu, (0.5 * q.logvar).exp())
        return MixtureSameFamily(
            Categorical(logits=torch.zeros(len(q.mu))), Independent(normals, 1)
        )
    logvar = soft_clamp(of.logvar, *priors.LOGVAR)
    if kind == "label":
        return Independent(Normal(of.mu[y], (0.5 * logvar[y]).exp()), 1)
    normals = Normal(of.mu, (0.5 * logvar).exp())
    return MixtureSameFamily(Categorical(logits=of.logits), Independent(normals, 1))


def dreg_by_formula(built: VAE, y: Tensor, k: int, seed: int) -> list[Tensor | None]:
    """Gradient of every weight by Tucker et al. (2019), equation (8), term by term."""
    q = built.encode(X)
    z = q.sample(k, generator=generator(seed))
    held = z.detach().requires_grad_()
    without_score = Normal(q.mu.detach(), (0.5 * q.logvar.detach()).exp())
    log_w = (
        Independent(Bernoulli(logits=built.likelihood(built.decoder(held))), 1).log_prob(
            X.flatten(1)
        )
        + prior_of(built, y).log_prob(held)
        - without_score.log_prob(held).sum(-1)
    )
    w = log_w.detach().softmax(0)
    (by_z,) = torch.autograd.grad(log_w.sum(), held, retain_graph=True)
    encoder = (w.square()[..., None] * by_z * z).sum(-1)
    everything_else = w * log_w
    loss = -(encoder + everything_else).sum(0).mean()
    found = torch.autograd.grad(loss, list(built.parameters()), allow_unused=True)
    return list(found)


@pytest.mark.parametrize("prior", sorted(priors.PRIORS))
def test_dreg_is_its_formula_with_every_prior(prior: str) -> None:
    """Of all weights, a prior's own included; a VampPrior's encoder learns in both ways.

    And a prior's own weights learn as from the plain bound, whose gradient they share.
    """
    built = model(prior=prior, components=3, classes=2)
    with torch.no_grad():
        for weight in built.p_z.parameters():
            weight.add_(0.5 * torch.randn(weight.shape, generator=generator(1)))
    y = torch.tensor([0, 1, 1])
    found = {}
    for objective in ("dreg", "iwae"):
        built.zero_grad()
        inference = built(X, y=y, samples=5, generator=generator(2))
        objectives.LOSSES[objective](inference).value.mean().backward()
        found[objective] = {name: p.grad for name, p in built.named_parameters()}
    expected = dreg_by_formula(built, y, 5, 2)
    for (name, gradient), wanted in zip(found["dreg"].items(), expected, strict=True):
        torch.testing.assert_close(gradient, wanted, rtol=1e-3, atol=1e-6, msg=name)
        if name.startswith("p_z"):
            plain = found["iwae"][name]
            assert plain is not None
            assert plain.abs().max() > 1e-4, name
            torch.testing.assert_close(gradient, plain, rtol=1e-3, atol=1e-6, msg=name)


@pytest.mark.parametrize("objective", ["iwae", "dreg"])
def test_reported_parts_are_the_elbos(objective: str) -> None:
    """Whatever is minimised, the record's rate and distortion mean the same."""
    built = model()
    inference = built(X, samples=4, generator=generator())
    reported = objectives.LOSSES[objective](inference).bound
    expected = objectives.elbo(inference)
    torch.testing.assert_close(reported.rate, expected.rate)
    torch.testing.assert_close(reported.distortion, expected.distortion)
    assert not reported.rate.requires_grad


def test_the_bound_of_one_sample_is_the_sampled_elbo() -> None:
    """With k = 1 minus log w; with beta the ratio of p(z) and q(z|x) alone is weighed."""
    built = model()
    inference = built(X, samples=1, generator=generator())
    log_ratio = inference.prior.log_prob(inference.z) - inference.q.log_prob(inference.z)
    for beta in (1.0, 0.3):
        expected = -(inference.p.log_prob(X) + beta * log_ratio)[0]
        torch.testing.assert_close(objectives.iwae_loss(inference, beta=beta).value, expected)


def passed(mu: float, logvar: float) -> tuple[Tensor, Tensor, Inference]:
    """Return a pass of two dimensions, whose KL differ by far, and what leads to them."""
    built = model()
    q_mu = torch.tensor([[mu, 0.01]] * 3, requires_grad=True)
    q_logvar = torch.tensor([[logvar, 0.0]] * 3, requires_grad=True)
    inference = built(X, generator=generator())
    q = type(inference.q)(q_mu, q_logvar)
    z = q.sample(1, generator=generator())
    return q_mu, q_logvar, Inference(x=X, q=q, z=z, p=built.decode(z), prior=built.prior)


def test_free_bits_count_from_their_floor() -> None:
    """A dimension above λ costs its KL, one below costs λ and has no gradient."""
    q_mu, _, inference = passed(2.0, -1.0)
    kl = inference.q.kl_per_dim()
    assert kl[0, 0] > 0.5 > kl[0, 1]
    rate = objectives.free_rate(inference, 0.5)
    torch.testing.assert_close(rate, kl[:, 0] + 0.5)
    (gradient,) = torch.autograd.grad(rate.sum(), q_mu)
    assert (gradient[:, 0] > 0).all()
    assert (gradient[:, 1] == 0).all()
    loss = objectives.elbo_loss(inference, beta=2.0, free_bits=0.5)
    torch.testing.assert_close(loss.value, 2 * rate + loss.bound.distortion)
    torch.testing.assert_close(loss.bound.rate, kl.sum(-1), msg="what is reported has no free bits")


def test_free_bits_compare_the_minibatch_mean() -> None:
    """One image below λ does not free a dimension whose mean is above it."""
    built = model()
    inference = built(X, generator=generator())
    kl = inference.q.kl_per_dim()
    level = float((kl[:, 0].min() + kl[:, 0].mean()).detach()) / 2
    rate = objectives.free_rate(inference, level)
    expected = torch.stack([k if k.mean() > level else k * 0 + level for k in kl.T]).sum(0)
    torch.testing.assert_close(rate, expected)


def test_the_weight_prior_is_that_of_the_generative_weights(digits: ImageDataset) -> None:
    """Adam's first moment is the gradient of loss − log p(θ) / N; the encoder's lacks the term."""
    config = ModelConfig(image_shape=(1, 8, 8), latent_dim=2, hidden=(6,))
    moments = {}
    for prior in (False, True):
        training = TrainConfig(
            dataset="digits", train_size=80, batch_size=40, threads=1, weight_prior=prior
        )
        trainer = Trainer(config, training, digits)
        before = {name: p.clone() for name, p in trainer.model.named_parameters()}
        next(trainer.steps())
        state, _ = trainer.state()
        moments[prior] = {
            name: state[f"optimizer.{index}.exp_avg"] / 0.1
            for index, (name, _) in enumerate(trainer.model.named_parameters())
        }
    for name, weight in before.items():
        generative = name.startswith(("decoder", "likelihood"))
        expected = moments[False][name] + (weight / 80 if generative else 0)
        torch.testing.assert_close(moments[True][name], expected, rtol=1e-4, atol=1e-6, msg=name)


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"objective": "dreg"}, "'dreg' needs samples of 2 or more, not 1"),
        ({"objective": "dreg", "samples": 5, "beta": 2}, "'dreg' needs beta 1.*'elbo', 'iwae'"),
        ({"objective": "dreg", "samples": 5, "kl_warmup_epochs": 2}, "kl_warmup_epochs 0"),
        ({"objective": "iwae", "free_bits": 0.1}, "free_bits 0.1 needs objective 'elbo'"),
        ({"objective": "iwae", "samples": 0}, "samples 0"),
        ({"objective": "vimco"}, "objective 'vimco'.*elbo.*iwae.*dreg"),
        ({"learner": "mcem", "objective": "iwae"}, "'iwae' belongs to learner 'aevb'"),
    ],
)
def test_objectives_that_do_not_exist_are_refused(settings: dict[str, object], named: str) -> None:
    """By name, with what is allowed."""
    with pytest.raises(ConfigError, match=named):
        TrainConfig.of(**settings)


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"latent_dim": 0}, "latent_dim 0"),
        ({"likelihood": "bernoulli", "image_shape": (3, 8, 8)}, "colour.*'discretised-logistic'"),
        ({"conditional": True}, "conditional needs labels: classes 0"),
        ({"prior": "label", "classes": 1}, "prior 'label' needs labels: classes 1 must be 2"),
        ({"prior": "vamp", "components": 0}, "components 0"),
        ({"prior": "gmm"}, "prior 'gmm'.*standard.*mixture.*vamp.*label"),
        ({"network": "cnn"}, "network 'cnn'.*mlp.*conv.*rows"),
        ({"network": "conv", "hidden": (1, 1), "latent_dim": 50}, "latent_dim 50 is above 49"),
    ],
)
def test_models_that_do_not_exist_are_refused(settings: dict[str, object], named: str) -> None:
    """By name, with what is allowed."""
    with pytest.raises(ConfigError, match=named):
        ModelConfig.of(**settings)


def test_free_bits_need_a_rate_for_each_dimension() -> None:
    """Which mixtures have not; nor can the encoder's prior learn from dreams."""
    vamp = ModelConfig(prior="vamp")
    with pytest.raises(ConfigError, match=r"free_bits 0.5.*prior 'vamp'"):
        check_method(vamp, TrainConfig(free_bits=0.5))
    learners: tuple[LearnerName, ...] = ("wake-sleep", "mcem")
    for learner in learners:
        with pytest.raises(ConfigError, match=rf"{learner}.*prior 'vamp'.*'aevb'"):
            check_method(vamp, TrainConfig(learner=learner))


@pytest.mark.parametrize(
    ("settings", "method"),
    [
        ({"network": "conv", "hidden": (3, 4), "prior": "vamp", "components": 4}, {}),
        ({"network": "rows", "prior": "mixture", "components": 4}, {"objective": "iwae"}),
        ({"first_latent_dim": 5, "upper_hidden": (5,), "conditional": True, "classes": 10}, {}),
        ({"prior": "label", "classes": 10}, {"objective": "dreg", "weight_prior": True}),
    ],
)
def test_every_kind_resumes_to_the_bit(
    settings: dict[str, object], method: dict[str, object], digits: ImageDataset
) -> None:
    """Interrupted in an epoch and taken up by another trainer, weights end up identical."""
    config = ModelConfig.of(
        **{"image_shape": (1, 8, 8), "latent_dim": 2, "hidden": (5,)} | settings
    )
    training = TrainConfig.of(
        dataset="digits", train_size=60, batch_size=20, epochs=2, samples=2, threads=1,
        pixels="dynamic", **method,
    )  # fmt: skip
    whole = Trainer(config, training, digits)
    list(whole)
    half = Trainer(config, training, digits)
    for step in half.steps():
        if step.step == 2:
            break
    resumed = Trainer(config, training, digits)
    tensors, progress = half.state()
    resumed.load_state({name: value.clone() for name, value in tensors.items()}, progress)
    list(resumed)
    for name, weight in whole.model.state_dict().items():
        assert torch.equal(resumed.model.state_dict()[name], weight), name
