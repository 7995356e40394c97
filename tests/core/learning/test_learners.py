"""Wake-sleep and Monte Carlo EM: whose gradient goes where, and what comes of it."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from torch import Tensor
from torch.distributions import Bernoulli, Categorical, Independent, MixtureSameFamily, Normal

from vae_core import evaluation, objectives
from vae_core.config import ModelConfig, TrainConfig
from vae_core.data import ImageDataset
from vae_core.errors import ConfigError
from vae_core.learning import LEARNERS, Trainer, mcem, native_bfloat16, wake_sleep
from vae_core.learning.learner import Differentiable, Minibatch
from vae_core.models import VAE, Inference, initialise, priors
from vae_core.models.distributions import soft_clamp

SHAPE = (1, 8, 8)
SIZE = 300


def generator(seed: int = 0) -> torch.Generator:
    """Return a generator of its own."""
    return torch.Generator().manual_seed(seed)


def small_model(*, latent_dim: int = 2, seed: int = 0, **settings: object) -> VAE:
    """Make an untrained model whose latent space matters."""
    config = {"image_shape": SHAPE, "latent_dim": latent_dim, "hidden": (16,)}
    model = VAE(ModelConfig.of(**config | settings))
    initialise(
        model, mean_image=torch.full(SHAPE, 0.4), scheme="default", generator=generator(seed)
    )
    return model


def some_digits(digits: ImageDataset, n: int = SIZE) -> ImageDataset:
    """Return the first digits as training set and the next as test set."""
    rows = torch.arange(n)
    return dataclasses.replace(digits, train=digits.train.take(rows))


def trainer(digits: ImageDataset, learner: str, *, epochs: int = 2, **settings: object) -> Trainer:
    """Set up a short training on digits."""
    training = TrainConfig.of(
        **{
            "dataset": "digits",
            "learner": learner,
            "epochs": epochs,
            "batch_size": 40,
            "learning_rate": 5e-3,
            "threads": 1,
        }
        | settings
    )
    model = ModelConfig(image_shape=SHAPE, latent_dim=2, hidden=(32,))
    return Trainer(model, training, some_digits(digits))


def gradients(model: VAE) -> dict[str, float]:
    """Return the largest gradient in each part of a model; 0 where there is none."""
    return {
        name: max(
            (float(p.grad.abs().max()) for p in part.parameters() if p.grad is not None),
            default=0.0,
        )
        for name, part in model.named_children()
        if list(part.parameters())
    }


def test_awake_only_the_decoder_learns():
    """The wake step's gradient is that of log p(x|z) at a fixed z; the encoder gets none."""
    model, x = small_model(), torch.rand(5, *SHAPE, generator=generator(1))
    awake = wake_sleep.wake(model, x, generator=generator(2))
    (-awake.p.log_prob(x)).mean().backward()
    found = gradients(model)
    assert found["encoder"] == found["posterior"] == 0.0
    assert found["decoder"] > 0
    assert found["likelihood"] > 0

    bias = model.likelihood.bias.grad
    mean = model.decode(awake.z).mean.squeeze(0).flatten(1)
    assert bias is not None
    assert torch.allclose(bias, (mean - x.flatten(1)).mean(0), atol=1e-6)  # ∂/∂logit of a Bernoulli


def test_asleep_only_the_encoder_learns():
    """The sleep step's loss is −log q(z|x) of a dream, and moves the encoder alone."""
    model = small_model()
    loss = wake_sleep.sleep(model, 6, generator=generator(3))
    loss.mean().backward()
    found = gradients(model)
    assert found["decoder"] == found["likelihood"] == 0.0
    assert found["encoder"] > 0

    same = generator(3)
    with torch.no_grad():
        z = model.prior.sample(6, generator=same)
        x = model.decode(z).sample(generator=same)
        q = model.encode(x)
    expected = torch.distributions.Normal(q.mu, (0.5 * q.logvar).exp()).log_prob(z).sum(-1)
    assert torch.allclose(loss, -expected, atol=1e-5)


def mixture_of(model: VAE) -> MixtureSameFamily:
    """Return a model's mixture prior as torch's own, in float64, with its gradients."""
    mu, logits = model.p_z.mu.double(), model.p_z.logits.double()
    scale = (0.5 * soft_clamp(model.p_z.logvar.double(), *priors.LOGVAR)).exp()
    return MixtureSameFamily(Categorical(logits=logits), Independent(Normal(mu, scale), 1))


def minibatch(x: Tensor, *, seed: int) -> Minibatch:
    """Return a batch that differentiates and leaves the weights as they are."""

    def update(loss: Differentiable, add: object = None) -> None:
        loss.backward()

    rows = torch.arange(len(x))
    return Minibatch(
        x=x, y=None, rows=rows, beta=1.0, samples=1, generator=generator(seed), update=update
    )


def test_one_step_of_wake_sleep_is_two_gradients():
    """Weights of p(x, z), the prior's too, learn from the wake phase; those of q from the dream.

    Each is differentiated by itself, with torch's densities, and nothing else arrives anywhere.
    """
    model = small_model(prior="mixture", components=3)
    x = torch.rand(5, *SHAPE, generator=generator(1))
    metrics = wake_sleep.WakeSleep(model, TrainConfig(learner="wake-sleep"), 5).step(
        minibatch(x, seed=3)
    )
    same = generator(3)
    with torch.no_grad():
        q = model.encode(x)
        awake = q.sample(1, generator=same)[0]
        dreamed = model.prior.sample(5, generator=same)
        dream = model.decode(dreamed).sample(generator=same)
    logits = model.likelihood(model.decoder(awake))
    log_px = Independent(Bernoulli(logits=logits, validate_args=False), 1).log_prob(x.flatten(1))
    log_pz = mixture_of(model).log_prob(awake.double())
    q_dream = model.encode(dream)
    log_q = Normal(q_dream.mu, (0.5 * q_dream.logvar).exp()).log_prob(dreamed).sum(-1)
    names, weights = zip(*model.named_parameters(), strict=True)
    by_wake, by_sleep = (
        dict(zip(names, torch.autograd.grad(loss, weights, allow_unused=True), strict=True))
        for loss in (-(log_px + log_pz).mean(), -log_q.mean())
    )
    for name, weight in model.named_parameters():
        generative = name.startswith(("decoder", "likelihood", "p_z"))
        expected, other = (by_wake, by_sleep) if generative else (by_sleep, by_wake)
        assert other[name] is None, name
        assert weight.grad is not None, name
        assert weight.grad.abs().max() > 0, name
        torch.testing.assert_close(weight.grad, expected[name], rtol=1e-3, atol=1e-6, msg=name)
    assert metrics.distortion == pytest.approx(-log_px.mean().item(), rel=1e-5)


def test_aevb_would_teach_the_encoder_when_awake():
    """The contrast: the same image under AEVB moves the encoder through the code."""
    model, x = small_model(), torch.rand(5, *SHAPE, generator=generator(1))
    objectives.elbo(model(x, generator=generator(2))).distortion.mean().backward()
    assert gradients(model)["encoder"] > 0


def test_chains_reach_the_true_posterior():
    """HMC codes of one image have the mean and variance that a fine grid of p(z|x) gives."""
    model = small_model(latent_dim=1, seed=4).requires_grad_(False)
    model.likelihood.weight.mul_(3)  # let the code matter
    x = torch.bernoulli(model.decode(torch.tensor([[1.2]])).mean, generator=generator(5))
    grid = torch.linspace(-6, 6, 4001)[:, None]
    log_joint = model.decode(grid).log_prob(x) + model.prior.log_prob(grid)
    weights = torch.softmax(log_joint.double(), 0)
    mean = (weights * grid.squeeze()).sum()
    variance = (weights * (grid.squeeze() - mean).square()).sum()
    assert abs(mean) > 0.2  # the prior would be wrong
    assert variance < 0.8

    chains, g = 1000, generator(6)
    z, step_size = torch.randn(chains, 1, generator=g), torch.tensor(mcem.FIRST_STEP_SIZE)
    for _ in range(60):
        images = x.expand(chains, *SHAPE)
        samples = mcem.posterior(model, images, z, step_size=step_size, generator=g)
        z, step_size = samples.z[-1], samples.step_size
    assert (z.mean() - mean).abs() < 4 * (variance / chains).sqrt()
    squares = (z - mean).square()
    assert (squares.mean() - variance).abs() < 4 * squares.std() / chains**0.5


def test_mcem_makes_five_updates_of_each_sample(digits: ImageDataset):
    """The optimiser has stepped five times for each minibatch, and acceptance is near 90 %."""
    training = trainer(digits, "mcem", epochs=4)
    records = list(training)
    batches = -(-SIZE // 40)
    assert records[-1].step == 4 * batches
    state, _ = training.state()
    steps = {int(value) for name, value in state.items() if name.endswith(".step")}
    assert steps == {mcem.UPDATES * 4 * batches}

    state = training.device.learner.state()
    x = training._train.float() / 255
    samples = mcem.posterior(
        training.model, x, state["z"], step_size=state["step_size"], generator=generator()
    )
    assert 0.8 < samples.acceptance.mean() < 0.97


@pytest.mark.skipif(not native_bfloat16(), reason="this processor has no bfloat16 arithmetic")
def test_mcem_reports_its_bound_in_full_precision(monkeypatch: pytest.MonkeyPatch):
    """With networks in bfloat16 the ELBO of their outputs is float64's to five digits.

    A mixture's density takes matrix products, which bfloat16 would spoil in the second.
    """
    model = small_model(prior="mixture", components=3)
    x = torch.rand(20, *SHAPE, generator=generator(1))
    with torch.no_grad():
        model.p_z.mu.mul_(3)
    passes: list[Inference] = []
    forward = model.forward

    def noted(*args: Tensor, **settings: object) -> Inference:
        passes.append(forward(*args, **settings))
        return passes[-1]

    monkeypatch.setattr(model, "forward", noted)
    training = TrainConfig(learner="mcem", precision="bfloat16")
    metrics = mcem.MonteCarloEM(model, training, 20).step(minibatch(x, seed=3))
    (found,) = passes
    z = found.z[0].double()
    q = Normal(found.q.mu.double(), (0.5 * found.q.logvar.double()).exp())
    rate = q.log_prob(z).sum(-1) - mixture_of(model).log_prob(z)
    pixels = Bernoulli(logits=found.p.logits[0].double(), validate_args=False)
    distortion = -pixels.log_prob(x.flatten(1).double()).sum(-1)
    assert metrics.rate == pytest.approx(rate.mean().item(), rel=1e-5)
    assert metrics.distortion == pytest.approx(distortion.mean().item(), rel=1e-5)


def test_the_decoder_of_mcem_never_sees_the_encoder(digits: ImageDataset):
    """Another encoder at the start leaves the decoder's weights the same to the bit."""

    def decoder(scale: float) -> Tensor:
        training = trainer(digits, "mcem", epochs=1)
        with torch.no_grad():
            for parameter in training.model.encoder.parameters():
                parameter.mul_(scale)
        for _ in training:
            pass
        return training.model.likelihood.weight.detach()

    assert decoder(1.0).equal(decoder(0.5))


@pytest.mark.parametrize("learner", LEARNERS)
def test_a_training_resumes_to_the_bit(digits: ImageDataset, learner: str):
    """Stopped between two minibatches and taken up by another trainer, nothing differs."""
    whole = trainer(digits, learner)
    expected = [(record.train, record.test) for record in whole]

    first = trainer(digits, learner)
    steps = first.steps()
    for _ in range(3):
        next(steps)
    tensors, progress = first.state()
    saved = {name: tensor.clone() for name, tensor in tensors.items()}
    second = trainer(digits, learner)
    second.load_state(saved, progress)
    assert [(record.train, record.test) for record in second] == expected
    for name, weight in whole.model.state_dict().items():
        assert weight.equal(second.model.state_dict()[name]), name


@pytest.mark.parametrize("learner", LEARNERS)
def test_each_learner_beats_a_model_without_codes(digits: ImageDataset, learner: str):
    """After some epochs the test likelihood is better than the best that ignores z."""
    training = trainer(digits, learner, epochs=15)
    for _ in training:
        pass
    model = training.model.eval().requires_grad_(False)
    x = digits.test.images.float() / 255
    mean = (some_digits(digits).train.images.float() / 255).mean(0).clamp(0.001, 0.999)
    without = -(x * mean.log() + (1 - x) * (1 - mean).log()).sum((1, 2, 3))
    nll = evaluation.nll_iw(model, digits.test.images, k=100, kind="grey").nll
    gain = without - nll
    assert gain.mean() > 0.5
    assert gain.mean() > 5 * gain.std() / len(gain) ** 0.5


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"samples": 2}, "samples 2"),
        ({"beta": 0.5}, "beta 0.5"),
        ({"free_bits": 0.1}, "free_bits"),
        ({"coarse_epochs": 3}, "coarse_epochs 3 belongs to learner 'aevb'; allowed .*: 0"),
        ({"kl_warmup_epochs": 1.5}, "kl_warmup_epochs 1.5"),
        ({"encoder_shift": 1}, "encoder_shift 1"),
    ],
)
@pytest.mark.parametrize("learner", ["wake-sleep", "mcem"])
def test_settings_of_the_elbo_are_refused(learner: str, settings: dict[str, float], named: str):
    """What only AEVB can use is refused by name where the config is made."""
    with pytest.raises(ConfigError, match=named):
        TrainConfig.of(learner=learner, **settings)
