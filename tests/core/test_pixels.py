"""The four kinds of pixel: what changes between visits, and what does not."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from vae_core import pixels


def ramp(n: int = 1) -> Tensor:
    """All 256 intensities, n times: (n, 1, 16, 16)."""
    return torch.arange(256, dtype=torch.uint8).reshape(1, 1, 16, 16).repeat(n, 1, 1, 1)


def visits(images: Tensor, kind: str, *, seed: int = 0, times: int = 2) -> list[Tensor]:
    """See prepared images several times in a row."""
    prepared = pixels.prepare(images, kind, seed=seed)
    generator = torch.Generator().manual_seed(seed)
    return [pixels.view(prepared, kind, generator=generator) for _ in range(times)]


def test_grey_is_the_intensity() -> None:
    """0 to 255 become 0 to 1, at each visit alike."""
    first, second = visits(ramp(), "grey")
    torch.testing.assert_close(first.flatten(), torch.arange(256) / 255)
    assert torch.equal(first, second)


def test_threshold_splits_at_one_half() -> None:
    """127/255 is below one half, 128/255 above."""
    first, second = visits(ramp(), "threshold")
    assert first.flatten().tolist() == [0.0] * 128 + [1.0] * 128
    assert torch.equal(first, second)


def test_static_is_drawn_once() -> None:
    """Binary, the same at each visit, another draw for another seed."""
    first, second = visits(ramp(4), "static")
    assert set(first.unique().tolist()) == {0.0, 1.0}
    assert torch.equal(first, second)
    (other, _) = visits(ramp(4), "static", seed=1)
    assert not torch.equal(first, other)
    assert not torch.equal(first[0], first[1]), "equal images are drawn independently"


def test_dynamic_is_drawn_at_each_visit() -> None:
    """Binary, and no visit is like the one before; the stored images stay grey."""
    images = ramp(4)
    first, second = visits(images, "dynamic")
    assert set(first.unique().tolist()) == {0.0, 1.0}
    assert not torch.equal(first, second)
    assert torch.equal(images, ramp(4))


@pytest.mark.parametrize("kind", ["static", "dynamic"])
def test_draws_have_the_intensity_as_their_mean(kind: str) -> None:
    """Within five standard errors for every intensity; black and white are certain."""
    n = 4000
    mean = visits(ramp(n), kind, times=1)[0].double().mean(0).flatten()
    intensity = torch.arange(256, dtype=torch.float64) / 255
    error = (intensity * (1 - intensity) / n).sqrt()
    assert ((mean - intensity).abs() <= 5 * error).all()
    assert mean[0] == 0
    assert mean[255] == 1
    uncertain = slice(1, 255)
    standardised = ((mean - intensity) / error)[uncertain]
    assert abs(standardised.mean()) < 5 / math.sqrt(254)


def test_a_static_draw_does_not_depend_on_how_many_images_follow() -> None:
    """The first images of a long set are drawn as those of a short one."""
    short = pixels.prepare(ramp(3), "static", seed=2)
    long = pixels.prepare(ramp(6), "static", seed=2)
    assert torch.equal(short, long[:3])


@pytest.mark.parametrize("kind", sorted(pixels.KINDS))
def test_only_static_sets_are_prepared(kind: str) -> None:
    """The other kinds share the memory of the images they were given."""
    images = ramp()
    shared = pixels.prepare(images, kind, seed=0) is images
    assert shared == (kind != "static")


def test_the_mean_image_is_the_mean_of_all() -> None:
    """Over several chunks, the last one short."""
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(256, (2 * pixels.CHUNK + 3, 1, 3, 2), generator=generator)
    found = pixels.mean_image(images.to(torch.uint8))
    torch.testing.assert_close(found, (images.double().mean(0) / 255).float())
