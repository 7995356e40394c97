"""Wake-sleep and Monte Carlo EM: whose gradient goes where, and what comes of it."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from torch import Tensor

from vae_core import evaluation, objectives
from vae_core.config import ModelConfig, TrainConfig
from vae_core.data import ImageDataset
from vae_core.errors import ConfigError
from vae_core.learning import LEARNERS, Trainer, mcem, wake_sleep
from vae_core.models import VAE, initialise

SHAPE = (1, 8, 8)
SIZE = 300


def generator(seed: int = 0) -> torch.Generator:
    """Return a generator of its own."""
    return torch.Generator().manual_seed(seed)


def small_model(*, latent_dim: int = 2, seed: int = 0) -> VAE:
    """Make an untrained model whose latent space matters."""
    model = VAE(ModelConfig(image_shape=SHAPE, latent_dim=latent_dim, hidden=(16,)))
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
    steps = {int(moments["step"]) for moments in training.optimizer.state.values()}
    assert steps == {mcem.UPDATES * 4 * batches}

    state = training.learner.state()
    x = training._train.float() / 255
    samples = mcem.posterior(
        training.model, x, state["z"], step_size=state["step_size"], generator=generator()
    )
    assert 0.8 < samples.acceptance.mean() < 0.97


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
    [({"samples": 2}, "samples 2"), ({"beta": 0.5}, "beta 0.5"), ({"free_bits": 0.1}, "free_bits")],
)
@pytest.mark.parametrize("learner", ["wake-sleep", "mcem"])
def test_settings_of_the_elbo_are_refused(learner: str, settings: dict[str, float], named: str):
    """What only AEVB can use is refused by name where the config is made."""
    with pytest.raises(ConfigError, match=named):
        TrainConfig.of(learner=learner, **settings)
