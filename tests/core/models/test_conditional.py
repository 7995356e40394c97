"""Conditional models: they need labels, use them, and improve the bound."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from vae_core import evaluation, learning
from vae_core.config import ModelConfig, TrainConfig
from vae_core.data import ImageDataset
from vae_core.errors import ConfigError
from vae_core.learning import Trainer
from vae_core.models import VAE, build, initialise

SHAPE = (1, 8, 8)


def generator(seed: int = 0) -> torch.Generator:
    """Return a generator of its own."""
    return torch.Generator().manual_seed(seed)


def model(**settings: object) -> VAE:
    """Make an untrained conditional model of three labels."""
    config = ModelConfig.of(
        **{
            "image_shape": SHAPE,
            "latent_dim": 2,
            "hidden": (6,),
            "classes": 3,
            "conditional": True,
        }
        | settings
    )
    built = build(config)
    initialise(built, mean_image=torch.full(SHAPE, 0.3), scheme="default", generator=generator())
    return built.eval().requires_grad_(False)


@pytest.mark.parametrize("network", ["mlp", "conv", "rows"])
@pytest.mark.parametrize("layers", [{}, {"first_latent_dim": 4, "upper_hidden": (5,)}])
def test_both_networks_read_the_label(network: str, layers: dict[str, object]) -> None:
    """Another label gives another code of the same image, and another image of the same code."""
    built = model(network=network, **layers)
    x, z = torch.rand(4, *SHAPE), torch.randn(4, 2)
    one, other = torch.tensor([0, 1, 2, 0]), torch.tensor([0, 1, 1, 2])
    for pair in (
        [built.encode(x, y).mu for y in (one, other)],
        [built.decode(z, y).mean.flatten(1) for y in (one, other)],
    ):
        gap = (pair[0] - pair[1]).abs().amax(1)
        assert (gap > 0).tolist() == [False, False, True, True]
    drawn = built(x, y=one, samples=3, generator=generator())
    assert drawn.z.shape == (3, 4, 2)
    assert drawn.p.mean.shape == (3, 4, *SHAPE)


def test_without_labels_or_with_unknown_ones_it_says_so() -> None:
    """Encoding, decoding and the whole pass name y and what is allowed."""
    built = model()
    x, z = torch.rand(2, *SHAPE), torch.randn(2, 2)
    for call in (lambda: built.encode(x), lambda: built.decode(z), lambda: built.reconstruct(x)):
        with pytest.raises(ConfigError, match=r"needs y.*from 0 to 2"):
            call()
    with pytest.raises(ConfigError, match=r"from 0 to 3.*labels from 0 to 2"):
        built.encode(x, torch.tensor([0, 3]))
    plain = model(conditional=False)
    assert torch.equal(plain.encode(x, torch.tensor([9, 9])).mu, plain.encode(x).mu)


def test_samples_go_through_the_labels_in_turn() -> None:
    """Unless they are given."""
    built = model()
    turns = built.sample(6, generator=generator())
    given = built.sample(6, generator=generator(), y=torch.tensor([0, 1, 2, 0, 1, 2]))
    other = built.sample(6, generator=generator(), y=torch.zeros(6, dtype=torch.int64))
    assert torch.equal(turns, given)
    assert not torch.equal(turns, other)


def test_a_dataset_must_have_the_labels(digits: ImageDataset) -> None:
    """None at all, or another number of them, is refused before training."""
    config = model().config
    training = TrainConfig(dataset="digits", batch_size=50)
    bare = dataclasses.replace(
        digits,
        train=dataclasses.replace(digits.train, labels=None),
        test=dataclasses.replace(digits.test, labels=None),
        classes=(),
    )
    with pytest.raises(ConfigError, match="conditional model needs labels and digits has none"):
        learning.check_fit(config, training, bare)
    with pytest.raises(ConfigError, match=r"classes 3 .*of digits, 10"):
        learning.check_fit(config, training, digits)
    assert learning.describe_model(digits, conditional=True).classes == 10
    assert learning.describe_model(digits).classes == 0
    with pytest.raises(ConfigError, match="conditional needs labels"):
        learning.describe_model(bare, conditional=True)


def test_the_label_is_worth_nats(digits: ImageDataset) -> None:
    """Given the true labels, a trained model's bound is better than given shuffled ones."""
    config = learning.describe_model(
        digits, latent_dim=2, hidden=(32,), conditional=True, activation="silu"
    )
    training = TrainConfig(
        dataset="digits", epochs=5, batch_size=50, learning_rate=1e-2, threads=1, pixels="dynamic"
    )
    trainer = Trainer(config, training, digits)
    list(trainer)
    y = digits.test.labels
    assert y is not None
    images, wrong = digits.test.images[:150], y[:150].roll(1)
    right, shuffled = (
        evaluation.nll_iw(
            trainer.model.eval(), images, k=20, kind="dynamic", labels=labels
        ).nll.mean()
        for labels in (y[:150], wrong)
    )
    assert shuffled - right > 1
