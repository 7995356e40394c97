"""Families of networks: sizes, layouts, receptive fields, initial weights."""

from __future__ import annotations

import pytest
import torch

from vae_core.config import ModelConfig
from vae_core.errors import ConfigError
from vae_core.models import VAE, build, initialise, networks
from vae_core.models.likelihoods import LIKELIHOODS

SHAPES = [(1, 28, 28), (1, 28, 20), (3, 32, 32), (1, 7, 5)]


def generator(seed: int = 0) -> torch.Generator:
    """Return a generator of its own."""
    return torch.Generator().manual_seed(seed)


def model(seed: int = 0, **settings: object) -> VAE:
    """Make an untrained model."""
    config = ModelConfig.of(**{"latent_dim": 3, "hidden": (4, 6)} | settings)
    built = build(config)
    mean_image = torch.full(config.image_shape, 0.3)
    initialise(built, mean_image=mean_image, scheme="default", generator=generator(seed))
    return built.eval().requires_grad_(False)


@pytest.mark.parametrize("network", sorted(networks.FAMILIES))
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("activation", ["tanh", "gated"])
def test_every_family_meets_every_shape(
    network: str, shape: tuple[int, int, int], activation: str
) -> None:
    """Odd sizes, halved and doubled again, come back whole; features are as the config counts."""
    built = model(
        network=network,
        image_shape=shape,
        activation=activation,
        likelihood="discretised-logistic",
    )
    x = torch.rand(2, *shape, generator=generator())
    features = built.encoder(networks.FAMILIES[network].join(x, None))
    assert features.shape == (2, built.config.features)
    inference = built(x, samples=3, generator=generator())
    assert inference.p.mean.shape == (3, 2, *shape)
    assert inference.p.log_prob(x).shape == (3, 2)
    assert torch.isfinite(inference.p.log_prob(x)).all()


@pytest.mark.parametrize("network", sorted(networks.FAMILIES))
def test_a_grid_of_codes_is_decoded_as_its_codes(network: str) -> None:
    """Any leading shape, a single code too."""
    built = model(network=network, image_shape=(1, 7, 5))
    z = torch.randn(2, 3, 3, generator=generator())
    whole = built.decode(z).mean
    assert whole.shape == (2, 3, 1, 7, 5)
    torch.testing.assert_close(whole[1, 2], built.decode(z[1, 2]).mean)


def test_map_sizes_are_those_of_the_convolutions() -> None:
    """28 × 20 → 14 × 10 → 7 × 5 → 4 × 3."""
    config = ModelConfig(image_shape=(1, 28, 20), hidden=(4, 4, 4), network="conv", latent_dim=3)
    assert config.map_sizes == ((28, 20), (14, 10), (7, 5), (4, 3))
    assert config.features == 4 * 4 * 3
    with pytest.raises(ConfigError, match=r"halves the image 6 times.*20 pixels.*at most 5 layers"):
        ModelConfig.of(image_shape=(1, 28, 20), hidden=(9,) * 6, network="conv", latent_dim=3)


def test_gated_units_are_a_product_with_a_sigmoid() -> None:
    """(Wx + b) · σ(Vx + c), W above V in one matrix."""
    layer = networks.mlp((5, 4), "gated")
    x = torch.randn(3, 5)
    weight, bias = layer[0].weight, layer[0].bias
    expected = (x @ weight[:4].T + bias[:4]) * torch.sigmoid(x @ weight[4:].T + bias[4:])
    torch.testing.assert_close(layer(x), expected)


def test_the_decoder_can_have_an_activation_of_its_own() -> None:
    """As the networks of Zhang & Wu (2020): ReLU in, leaky ReLU out."""
    built = model(activation="relu", decoder_activation="leaky-relu", image_shape=(1, 7, 5))
    kinds = [{type(layer).__name__ for layer in part} for part in (built.encoder, built.decoder)]
    assert kinds == [{"Dense", "ReLU"}, {"Dense", "LeakyReLU"}]


def test_convolutions_see_neighbours_only() -> None:
    """One strided layer: a pixel moves the maps around it and no others; an MLP's, all."""
    x = torch.rand(1, 1, 28, 28, generator=generator())
    changed = x.clone()
    changed[..., 10, 20] += 0.5
    moved = {}
    for network in ("conv", "mlp"):
        encoder = model(network=network, hidden=(4,)).encoder
        join = networks.FAMILIES[network].join
        gap = (encoder(join(x, None)) - encoder(join(changed, None))).abs() > 0
        moved[network] = gap.float().mean().item()
    assert 0 < moved["conv"] < 0.01
    assert moved["mlp"] >= 0.5


def test_a_reader_of_rows_knows_those_above() -> None:
    """Units after row r do not depend on the rows below it, and the last row's on all."""
    reader = model(network="rows", image_shape=(1, 7, 5)).encoder[0]
    rows = torch.rand(1, 7, 5, generator=generator())
    changed = rows.clone()
    changed[:, 4] += 1
    gap = (reader(rows) - reader(changed)).abs().amax(-1)[0]
    assert (gap[:4] == 0).all()
    assert (gap[4:] > 0).all()


@pytest.mark.parametrize("likelihood", sorted(LIKELIHOODS))
@pytest.mark.parametrize("network", sorted(networks.FAMILIES))
@pytest.mark.parametrize("scheme", ["default", "paper"])
def test_the_output_starts_near_the_data_mean(network: str, likelihood: str, scheme: str) -> None:
    """Whatever the head, its bias is the mean image's logit and its weights are small."""
    config = ModelConfig.of(
        image_shape=(1, 7, 5), latent_dim=3, hidden=(4,), network=network, likelihood=likelihood
    )
    built = build(config)
    mean_image = torch.linspace(0.05, 0.95, 35).reshape(1, 7, 5)
    initialise(built, mean_image=mean_image, scheme=scheme, generator=generator())
    with torch.no_grad():
        torch.testing.assert_close(built.likelihood.bias[:35], torch.logit(mean_image.flatten()))
        assert (
            not built.likelihood.bias[35:].abs().max() > 0.05
            if len(built.likelihood.bias) > 35
            else True
        )


@pytest.mark.parametrize("network", sorted(networks.FAMILIES))
def test_first_weights_come_from_the_generator(network: str) -> None:
    """The global generator is not used, by recurrent and convolutional networks either."""
    flat = []
    for seed in (1, 1, 2):
        torch.manual_seed(len(flat))
        parameters = model(seed, network=network, image_shape=(1, 7, 5)).parameters()
        flat.append(torch.cat([p.flatten() for p in parameters]))
    assert torch.equal(flat[0], flat[1])
    assert not torch.equal(flat[0], flat[2])
