"""Decoded pictures: reconstructions, samples, paths, traversals and grids."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from small import images, model

import vae_core
from vae_core import latents
from vae_core.errors import ConfigError
from vae_core.models.distributions import GaussianMixture


def picture(png: bytes) -> np.ndarray[Any, np.dtype[Any]]:
    """Read a PNG."""
    return np.asarray(Image.open(io.BytesIO(png)))


def test_reconstructions_are_decoded_means() -> None:
    """In batches, of any number of images."""
    vae, x = model(), images(1_203)
    found = vae_core.reconstruct(vae, x)
    torch.testing.assert_close(found.images, vae.reconstruct(x), atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(found.codes, vae.encode(x).mu, atol=1e-5, rtol=1e-5)
    assert len(found) == 1_203


def test_samples_are_drawn_from_the_prior() -> None:
    """By a seed or a generator the same again, without them by PyTorch's own."""
    vae = model()
    first = vae_core.sample(vae, 3, seed=5)
    again = vae_core.sample(vae, 3, generator=torch.Generator().manual_seed(5))
    assert torch.equal(first.codes, again.codes)
    expected = vae.sample(3, generator=torch.Generator().manual_seed(5))
    torch.testing.assert_close(first.images, expected)
    others = [vae_core.sample(vae, 3).codes for _ in range(2)]
    assert not torch.equal(*others)
    torch.manual_seed(1)
    steered = vae_core.sample(vae, 3).codes
    torch.manual_seed(1)
    assert torch.equal(vae_core.sample(vae, 3).codes, steered)


def test_samples_cycle_through_labels() -> None:
    """Unless one is chosen."""
    vae = model(conditional=True, classes=3)
    found = vae_core.sample(vae, 6, seed=0)
    expected = vae.decode(found.codes, torch.arange(6) % 3).mean
    torch.testing.assert_close(found.images, expected)
    chosen = vae_core.sample(vae, 6, seed=0, label=2)
    torch.testing.assert_close(chosen.images, vae.decode(found.codes, torch.full((6,), 2)).mean)


@pytest.mark.parametrize("path", ["linear", "spherical"])
def test_a_path_is_that_of_latents(path: Any) -> None:
    """With both ends, decoded."""
    vae = model()
    start, end = torch.tensor([1.0, 0.0, 0.5]), torch.tensor([-0.2, 1.0, 0.0])
    found = vae_core.interpolate(vae, start, end, steps=5, path=path)
    assert torch.equal(found.codes, latents.interpolate(start, end, 5, path=path))
    torch.testing.assert_close(found.images, vae.decode(found.codes).mean)


def test_a_traversal_moves_one_dimension() -> None:
    """Of one dimension it has a row, of several a row for each."""
    vae = model()
    one = vae_core.traverse(vae, [1.0, 2.0, 3.0], dims=1, values=[-1.0, 4.0])
    assert one.codes.tolist() == [[1.0, -1.0, 3.0], [1.0, 4.0, 3.0]]
    every = vae_core.traverse(vae)
    assert every.images.shape == (3, 9, 1, 5, 4)
    assert every.codes[2, :, 2].tolist() == [-3.0, -2.25, -1.5, -0.75, 0.0, 0.75, 1.5, 2.25, 3.0]
    assert float(every.codes[2, :, :2].abs().max()) == 0


def test_a_grid_is_at_quantiles_of_the_prior() -> None:
    """Of N(0, 1) as in latents; of a mixture by its mean and standard deviation."""
    plain = vae_core.manifold_grid(model(), 6, dims=(2, 0), at=[0.0, 9.0, 0.0])
    assert torch.equal(plain.codes, latents.grid(6, dims=(2, 0), at=torch.tensor([0.0, 9.0, 0.0])))
    mixed = model(prior="mixture", components=4)
    grid = vae_core.manifold_grid(mixed, 5)
    prior = mixed.prior_given(None)
    assert isinstance(prior, GaussianMixture)
    draws = prior.sample(200_000, generator=torch.Generator().manual_seed(0))
    expected = draws.mean(0)[0] + draws.std(0)[0] * latents.quantiles(5)
    torch.testing.assert_close(grid.codes[0, :, 0], expected, atol=0.02, rtol=0.02)


def test_a_grid_of_one_dimension_runs_line_by_line() -> None:
    """From the lowest quantile to the highest."""
    grid = vae_core.manifold_grid(model(latent_dim=1), 5)
    assert torch.equal(grid.codes.flatten(), latents.quantiles(25))
    assert grid.images.shape == (5, 5, 1, 5, 4)


def test_a_grid_of_a_label_prior_is_that_labels() -> None:
    """Its mean is the home of what is held, too."""
    vae = model(prior="label", classes=2)
    with torch.no_grad():
        vae.p_z.mu.copy_(torch.tensor([[0.0, 0.0, 0.0], [4.0, 5.0, 6.0]]))
    grid = vae_core.manifold_grid(vae, 5, label=1)
    assert grid.codes[2, 2].tolist() == pytest.approx([4.0, 5.0, 6.0])


def test_pictures_are_shown_as_one() -> None:
    """A row of codes is a row of pictures, enlarged to be seen."""
    grid = vae_core.manifold_grid(model(), 5)
    sheet = picture(grid.png(scale=1))
    assert sheet.shape == (5 * (5 + 2) - 2, 5 * (4 + 2) - 2)
    corner = grid.images[0, 4, 0].mul(255).round().byte().numpy()
    assert np.array_equal(sheet[:5, -4:], corner)
    assert picture(grid._repr_png_()).shape[0] == 10 * sheet.shape[0]
    assert repr(grid) == "Decoded(codes (5, 5, 3), images (5, 5, 1, 5, 4))"
    assert picture(vae_core.sample(model(), 7, seed=0).png(columns=7, scale=1)).shape == (5, 40)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda vae: vae_core.sample(vae, 0), "n 0: allowed are 1 to"),
        (lambda vae: vae_core.sample(vae, seed=1, generator=torch.Generator()), "one of both"),
        (lambda vae: vae_core.interpolate(vae, [0.0] * 3, [1.0] * 3, steps=1), "steps 1"),
        (lambda vae: vae_core.interpolate(vae, [0.0] * 3, [1.0] * 3, path="arc"), "path 'arc'"),
        (lambda vae: vae_core.traverse(vae, dims=3), "dims 3: allowed are 0 to 2"),
        (lambda vae: vae_core.traverse(vae, dims=[]), "one or more of each"),
        (lambda vae: vae_core.traverse(vae, values=[0.0] * 50_000), "allowed are 100,000"),
        (lambda vae: vae_core.manifold_grid(vae, 31), "n 31: allowed are 5 to 30"),
        (lambda vae: vae_core.manifold_grid(vae, dims=(1, 1)), "two different dimensions"),
    ],
)
def test_settings_are_refused_by_a_sentence(call: Any, sentence: str) -> None:
    """With the value and what is allowed."""
    with pytest.raises(ConfigError, match=sentence):
        call(model())


def test_pictures_of_two_channels_have_no_png() -> None:
    """A sentence says so."""
    vae = model(image_shape=(2, 5, 4), likelihood="gaussian")
    with pytest.raises(ConfigError, match="pictures of 2 channels"):
        vae_core.sample(vae, 2).png()
