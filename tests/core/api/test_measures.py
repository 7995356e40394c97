"""Metrics of a model, each with its standard error, and the codes of whole datasets."""

from __future__ import annotations

import math

import pytest
import torch
from small import blind, dataset, images, model, train_config

import vae_core
from vae_core import evaluation, model_folder
from vae_core.api import measures
from vae_core.errors import ConfigError
from vae_core.learning import Trainer


def test_metrics_of_a_bundled_model_are_those_of_its_card() -> None:
    """Also of pixels that are drawn: its name or folder says which they are."""
    card = vae_core.load_card("digits-2d")
    found = vae_core.evaluate("digits-2d", importance_samples=0)
    for name in ("elbo", "rate", "distortion", "active_units"):
        assert found[name].value == pytest.approx(card.metrics[name].value, abs=1e-4)
        assert found[name].se is not None
        assert (found[name].n, found[name].kind) == (360, "grey")
    assert found.kl_per_dim == pytest.approx(card.kl_per_dim, abs=1e-4)


def test_codes_of_a_bundled_model_are_those_of_its_folder() -> None:
    """To the half precision in which they are stored."""
    codes, stored = vae_core.encode("digits-2d"), vae_core.load_codes("digits-2d")
    torch.testing.assert_close(codes.mu, stored.mu, atol=2e-3, rtol=1e-3)
    torch.testing.assert_close(codes.rate, stored.rate, atol=1e-3, rtol=1e-3)
    assert torch.equal(codes.ids, stored.ids)
    assert codes.labels is not None
    assert stored.labels is not None
    assert torch.equal(codes.labels, stored.labels)


@pytest.mark.parametrize("kind", ["static", "dynamic", "threshold"])
def test_pixels_are_those_of_the_training(kind: str) -> None:
    """As the trainer tests itself; a static draw is the same one."""
    trainer = Trainer(model().config, train_config(pixels=kind, epochs=1), dataset())
    (record,) = list(trainer)
    found = vae_core.evaluate(trainer, importance_samples=0)
    assert found["elbo"].kind == kind
    tolerance = 1e-6 if kind != "dynamic" else 0.2
    assert found["elbo"].value == pytest.approx(record.test.elbo, abs=20 * tolerance, rel=0.05)
    assert vae_core.evaluate(trainer, pixels="grey")["elbo"].kind == "grey"


def test_bounds_of_a_blind_model_are_its_likelihood() -> None:
    """Its rate is 0, and every bound is log p(x), whatever the samples; no unit is active."""
    found = vae_core.evaluate(blind(), images(30), importance_samples=7)
    assert found["rate"].value == pytest.approx(0, abs=1e-6)
    assert found["nll_iw7"].value == pytest.approx(-found["elbo"].value, rel=1e-5)
    assert found["ess_iw7"].value == pytest.approx(7, rel=1e-4)
    assert (found["active_units"].value, found["active_units"].se) == (0, 0)


def test_discrete_pixels_have_bits_too() -> None:
    """Nats over pixels and log 2."""
    vae = model(likelihood="discretised-logistic")
    found = vae_core.evaluate(vae, images(10), importance_samples=2)
    expected = -found["elbo"].value / (20 * math.log(2))
    assert found["bits_per_dim"].value == pytest.approx(expected)
    assert found["bits_per_dim_iw2"].unit == "bits"
    with pytest.raises(ConfigError, match="pixels 'static' are binary and need likelihood"):
        vae_core.evaluate(vae, images(10), pixels="static")


def test_error_of_active_units_is_that_of_resamples() -> None:
    """Held against a bootstrap that copies rows, where variances are near the threshold."""
    generator = torch.Generator().manual_seed(0)
    mu = 3 + torch.randn(200, 60, generator=generator) * math.sqrt(evaluation.ACTIVE_VARIANCE)
    counts = []
    for _ in range(400):
        rows = torch.randint(200, (200,), generator=generator)
        counts.append(float(evaluation.active_units(mu[rows]).sum()))
    expected = float(torch.tensor(counts).std())
    found = measures.active_units_error(mu)
    assert found == pytest.approx(expected, rel=0.2)
    assert expected > 1
    assert measures.active_units_error(mu[:1]) is None


def test_results_are_shown_as_tables() -> None:
    """As text, and as HTML in a notebook."""
    found = vae_core.evaluate(model(), images(10), importance_samples=3)
    lines = repr(found).splitlines()
    assert len(lines) == len(found) == len(found.metrics)
    assert lines[0].startswith("elbo          −")
    assert lines[3].endswith("grey pixels, n = 10, 3 samples of z")
    assert found._repr_html_().count("<tr>") == len(found)
    assert "?" in repr(vae_core.evaluate(model(), images(1), importance_samples=0))


def test_a_limit_takes_evenly_spread_images() -> None:
    """Not the first ones, which may be the easier ones."""
    found = vae_core.evaluate("digits-2d", limit=20, importance_samples=0)
    test = vae_core.load_dataset("digits").test.spread(20)
    assert found["elbo"].n == 20
    again = vae_core.evaluate("digits-2d", test, importance_samples=0)
    assert again["elbo"].value == pytest.approx(found["elbo"].value)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"importance_samples": -1}, "importance_samples -1"),
        ({"limit": 1}, "limit 1"),
        ({"pixels": "gray"}, "pixels 'gray': allowed are grey, dynamic, static, threshold"),
        ({"split": "validation"}, "split 'validation'"),
    ],
)
def test_settings_are_refused_by_a_sentence(settings: dict[str, object], sentence: str) -> None:
    """With the value and what is allowed."""
    with pytest.raises(ConfigError, match=sentence):
        vae_core.evaluate("digits-2d", **settings)  # type: ignore[arg-type]


def test_a_conditional_model_is_measured_under_the_labels() -> None:
    """Of the dataset, or those that are given."""
    trainer = Trainer(model(conditional=True, classes=2).config, train_config(epochs=1), dataset())
    list(trainer)
    test = dataset().test
    found = vae_core.evaluate(trainer, importance_samples=2)
    again = vae_core.evaluate(trainer, test.images, labels=test.labels, importance_samples=2)
    assert again["nll_iw2"].value == pytest.approx(found["nll_iw2"].value)
    codes = vae_core.encode(trainer, dataset(), split="train")
    assert codes.mu.shape == (50, 3)
    assert isinstance(codes, model_folder.Codes)
