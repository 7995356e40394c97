"""The four kinds of pixels: what changes between minibatches, and what does not."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

import vae_core
from vae_core import evaluation, pixels
from vae_core.data import load_dataset
from vae_core.errors import ImageError


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


def test_images_are_measured_alike_whatever_they_come_as() -> None:
    """Levels, floats, NumPy, without a channel: the same bound, and the same code."""
    model = vae_core.load_model("digits-2d")
    levels = load_dataset("digits").test.images[:20]
    forms = [levels, levels.float() / 255, levels.numpy(), levels[:, 0], (levels / 255).double()]
    nats = [evaluation.nll_iw(model, form, k=3, kind="grey").nll for form in forms]
    for other in nats[1:]:
        torch.testing.assert_close(other, nats[0], rtol=0, atol=0)
    for other in forms[:2]:
        torch.testing.assert_close(model.encode(other).mu, model.encode(levels).mu)
        found = evaluation.posteriors(model, other)
        torch.testing.assert_close(found.mu, model.encode(levels).mu)


@pytest.mark.parametrize(
    ("images", "sentence"),
    [
        (
            torch.full((2, 1, 8, 8), 255.0),
            r"values from 255 to 255: allowed are floats in \[0, 1\]",
        ),
        (torch.full((2, 1, 8, 8), -0.1), "values from -0.1 to -0.1"),
        (torch.full((2, 1, 8, 8), torch.nan), "values from nan to nan"),
        (torch.zeros(2, 1, 8, 8, dtype=torch.int64), "type torch.int64"),
        (torch.zeros(2, 8, 8, 1), r"shape \(2, 8, 8, 1\): allowed is \(n, 1, 8, 8\)"),
        (torch.zeros(2, 64), r"shape \(2, 64\)"),
    ],
)
def test_other_images_are_refused(images: torch.Tensor, sentence: str) -> None:
    """A sentence names what came and what is allowed; nothing is taken for something else."""
    model = vae_core.load_model("digits-2d")
    with pytest.raises(ImageError, match=sentence):
        evaluation.nll_iw(model, images, k=1, kind="grey")
    if images.shape[1:] == (1, 8, 8):
        with pytest.raises(ImageError, match=sentence):
            model.encode(images)


@pytest.mark.mnist
def test_the_bound_of_floats_is_the_true_one() -> None:
    """Floats given to a bound of MNIST were once read as levels, and cost 42 nats."""
    model = vae_core.load_model("mnist-2d")
    test = load_dataset("mnist").test.spread(500).images
    found = evaluation.nll_iw(model, test.float() / 255, k=10, kind="grey").nll.mean()
    assert 120 < found < 136
