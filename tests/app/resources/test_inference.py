"""Uploaded images: prepared, encoded and sampled."""

from __future__ import annotations

import inspect
import io

import numpy as np
import pytest
from PIL import Image

from app.resources import examples, inference, opened_model


def test_an_encoding_is_the_posterior_with_its_closed_form_rate(
    digits_2d: opened_model.Opened,
) -> None:
    """The rate is the KL of q(z|x); the distortion is an expectation, so seeds agree closely."""
    example = int(digits_2d.codes.ids[0])
    x = examples.pictures(digits_2d, [example]).images[0].astype(np.float32) / 255
    encoding = inference.encode(digits_2d, x, seed=0)
    np.testing.assert_allclose(encoding.mu, digits_2d.codes.mu[0].numpy(), atol=2e-3)
    assert encoding.rate == pytest.approx(float(digits_2d.codes.rate[0]), abs=1e-3)
    other = inference.encode(digits_2d, x, seed=1)
    assert encoding.distortion == pytest.approx(other.distortion, abs=1.0)
    below = digits_2d.codes.distortion < encoding.distortion
    assert encoding.share_below == pytest.approx(float(below.float().mean()))


def test_draws_come_from_the_posterior(digits_2d: opened_model.Opened) -> None:
    """Their mean and spread are mu and sigma; one seed gives one set of draws."""
    x = np.zeros((1, 8, 8), dtype=np.float32)
    encoding = inference.encode(digits_2d, x, seed=0)
    draws = inference.sample_posterior(encoding, 20_000, seed=0)
    sigma = np.exp(0.5 * encoding.logvar)
    np.testing.assert_allclose(draws.mean(axis=0), encoding.mu, atol=5 * sigma.max() / 141)
    np.testing.assert_allclose(draws.std(axis=0), sigma, rtol=0.05)
    again = inference.sample_posterior(encoding, 20_000, seed=0)
    np.testing.assert_array_equal(draws, again)


def test_steps_of_a_photograph_are_reduced(digits_2d: opened_model.Opened) -> None:
    """Images of the steps are small; the prepared image has the model's size."""
    photograph = np.full((1200, 1600, 3), 240, dtype=np.uint8)
    photograph[300:900, 700:800] = 10
    file = io.BytesIO()
    Image.fromarray(photograph).save(file, "PNG")
    prepare = inspect.unwrap(inference._prepare)  # without the session that keeps it
    (prepared,) = prepare("", digits_2d.card.model.image_shape, "digits", (), file.getvalue())
    assert prepared.image.shape == (1, 8, 8)
    assert prepared.steps[0].name == "The picture"
    assert max(max(step.picture.shape) for step in prepared.steps) <= inference.STEP_SIDE
