"""The model: names of its parts, shapes, initial weights."""

from __future__ import annotations

import pytest
import small
import torch
from torch import nn

from vae_core.models import VAE, initialise
from vae_core.models.distributions import POSTERIOR_LOGVAR


def test_parts_are_those_that_the_browser_knows() -> None:
    """Encoder and decoder trunks mirror each other; heads have the documented sizes."""
    built = small.model(likelihood="gaussian")
    shapes = {name: tuple(p.shape) for name, p in built.named_parameters() if "weight" in name}
    assert shapes == {
        "encoder.0.weight": (11, 20),
        "encoder.2.weight": (7, 11),
        "posterior.weight": (6, 7),
        "decoder.0.weight": (7, 3),
        "decoder.2.weight": (11, 7),
        "likelihood.weight": (40, 11),
    }


@pytest.mark.parametrize("likelihood", ["bernoulli", "gaussian"])
def test_forward_draws_leading_samples(likelihood: str) -> None:
    """Z is (k, batch, latent_dim), p covers each of them, means are images in [0, 1]."""
    built = small.model(likelihood=likelihood)
    x = torch.rand(5, *small.SHAPE)
    inference = built(x, samples=4, generator=torch.Generator().manual_seed(0))
    assert inference.z.shape == (4, 5, 3)
    assert inference.q.mu.shape == inference.q.logvar.shape == (5, 3)
    assert inference.p.mean.shape == (4, 5, *small.SHAPE)
    assert inference.p.log_prob(x).shape == (4, 5)
    assert ((inference.p.mean >= 0) & (inference.p.mean <= 1)).all()


def test_decoding_a_grid_is_decoding_its_codes() -> None:
    """Any leading shape gives the same pictures as one code at a time."""
    built = small.model()
    z = torch.randn(2, 6, 3)
    whole = built.decode(z).mean
    assert whole.shape == (2, 6, *small.SHAPE)
    torch.testing.assert_close(whole[1, 4], built.decode(z[1, 4]).mean)


def test_reconstruction_is_the_decoded_mean_in_either_mode() -> None:
    """No draw is hidden in it, and ``eval`` changes no quantity."""
    built = small.model()
    x = torch.rand(5, *small.SHAPE)
    expected = built.decode(built.encode(x).mu).mean
    assert torch.equal(built.train().reconstruct(x), expected)
    assert torch.equal(built.eval().reconstruct(x), expected)


def test_posterior_variance_stays_in_bounds() -> None:
    """Weights a thousand times too large still give a usable posterior."""
    built = small.model()
    built.posterior.weight.mul_(1000)
    logvar = built.encode(torch.rand(50, *small.SHAPE)).logvar
    assert logvar.min() >= POSTERIOR_LOGVAR[0]
    assert logvar.max() <= POSTERIOR_LOGVAR[1] + 1e-5
    assert logvar.max() - logvar.min() > 10, "the contrast: the bounds were reached"


def test_samples_are_decoded_draws_of_the_prior() -> None:
    """Reproducible by generator."""
    built = small.model()
    one, again, other = (
        built.sample(3, generator=torch.Generator().manual_seed(seed)) for seed in (1, 1, 2)
    )
    assert one.shape == (3, *small.SHAPE)
    assert torch.equal(one, again)
    assert not torch.equal(one, other)


@pytest.mark.parametrize("scheme", ["default", "paper"])
@pytest.mark.parametrize("likelihood", ["bernoulli", "gaussian"])
def test_output_starts_at_the_data_mean(scheme: str, likelihood: str) -> None:
    """With the last layer's weights at zero, every code decodes to the clipped mean image."""
    built = VAE(small.model_config(likelihood=likelihood))
    mean_image = torch.linspace(0, 1, 20).reshape(small.SHAPE)
    generator = torch.Generator().manual_seed(0)
    initialise(built, mean_image=mean_image, scheme=scheme, generator=generator)
    with torch.no_grad():
        built.likelihood.weight.zero_()
        decoded = built.decode(torch.randn(2, 3)).mean
    torch.testing.assert_close(decoded[1], mean_image.clamp(0.001, 0.999))


def test_default_weights_are_glorot_uniform() -> None:
    """Bounded by √(6 / (in + out)) and with its third of a variance; biases are zero."""
    built = VAE(small.model_config(hidden=(200, 150)))
    generator = torch.Generator().manual_seed(0)
    initialise(built, mean_image=torch.rand(small.SHAPE), scheme="default", generator=generator)
    layer = built.encoder[2]
    assert isinstance(layer, nn.Linear)
    bound = (6 / 350) ** 0.5
    assert layer.weight.abs().max() <= bound
    assert layer.weight.std().item() == pytest.approx(bound / 3**0.5, rel=0.02)
    assert not layer.bias.any()


def test_paper_weights_are_normal() -> None:
    """Every parameter but the output bias has mean 0 and standard deviation 0.01."""
    built = VAE(small.model_config(hidden=(200, 150)))
    generator = torch.Generator().manual_seed(0)
    initialise(built, mean_image=torch.rand(small.SHAPE), scheme="paper", generator=generator)
    drawn = torch.cat(
        [p.flatten() for name, p in built.named_parameters() if "likelihood.b" not in name]
    )
    assert drawn.std().item() == pytest.approx(0.01, rel=0.02)
    assert abs(drawn.mean().item()) < 4 * 0.01 / len(drawn) ** 0.5


def test_first_weights_come_from_the_generator() -> None:
    """The global stream neither changes them nor is needed."""
    one, again, other = (
        torch.cat([p.flatten() for p in small.model(seed=seed).parameters()]) for seed in (1, 1, 2)
    )
    assert torch.equal(one, again)
    assert not torch.equal(one, other)


def test_a_symmetric_decoder_treats_an_image_and_its_transpose_alike() -> None:
    """Each pixel has its mirror image's mean, and so p(x|z) = p(xᵀ|z); others do not."""
    z = torch.randn(2, 5, 3, generator=torch.Generator().manual_seed(0))
    x = torch.rand(5, 1, 6, 6, generator=torch.Generator().manual_seed(1))
    for likelihood in ("bernoulli", "gaussian"):
        shape = {"image_shape": (1, 6, 6), "likelihood": likelihood}
        p = small.model(symmetric=True, **shape).decode(z)
        torch.testing.assert_close(p.mean, p.mean.mT)  # a row and its remainder round apart
        assert torch.allclose(p.log_prob(x), p.log_prob(x.mT), atol=1e-4)
        assert not torch.allclose(small.model(**shape).decode(z).mean, p.mean)
