"""Estimators of log p(x) against the exact value and against each other."""

from __future__ import annotations

import math
from typing import Any

import linear_gaussian
import pytest
import small
import torch
from linear_gaussian import CorrelatedPCA
from torch import Tensor

from vae_core import evaluation, marginal, model_folder
from vae_core.data import ImageDataset
from vae_core.errors import ConfigError
from vae_core.evaluation import Estimate
from vae_core.models import VAE

MODEL = CorrelatedPCA()
PICTURES = linear_gaussian.pictures(30, MODEL)


def error(nll: torch.Tensor) -> Estimate:
    """Mean distance to the exact value, over images."""
    return Estimate.of(nll.double() - MODEL.exact_nll(PICTURES))


def test_all_three_find_the_exact_likelihood() -> None:
    """Within three standard errors each, with small ones; one importance sample does not."""
    found = {
        "importance": evaluation.nll_iw(MODEL, PICTURES, k=2000, kind="grey").nll,
        "appendix D": marginal.nll_appendix_d(
            MODEL, PICTURES, kind="grey", chains=16, keep=12, burn_in=30
        ).nll,
        "AIS": marginal.nll_ais(
            MODEL, PICTURES, kind="grey", chains=12, temperatures=120, leapfrog=4, pilots=4
        ).nll,
    }
    for name, nll in found.items():
        off = error(nll)
        assert abs(off.mean) < 3 * off.se, name
        assert off.se < 0.06, name
    one = error(evaluation.nll_iw(MODEL, PICTURES, k=1, kind="grey").nll)
    assert one.mean > 3 * one.se


def test_a_short_path_is_a_bound_with_a_wide_error() -> None:
    """AIS over three temperatures errs to one side, and says how unsure it is."""
    settings = {"chains": 12, "leapfrog": 4, "pilots": 4}
    short, long = (
        marginal.nll_ais(MODEL, PICTURES, kind="grey", temperatures=n, **settings)  # type: ignore[arg-type]
        for n in (3, 40)
    )
    assert error(short.nll).mean > 0.1
    assert short.se.mean() > 2 * long.se.mean()


def test_stated_errors_are_the_real_ones() -> None:
    """Distances to the exact value, in units of the stated standard error, spread by about one."""
    found = marginal.nll_appendix_d(MODEL, PICTURES, kind="grey", chains=12, keep=8, burn_in=20)
    scaled = (found.nll - MODEL.exact_nll(PICTURES)) / found.se
    assert 0.5 < scaled.std() < 2


def test_on_a_trained_model_they_agree(digits: ImageDataset) -> None:
    """digits-2d: importance sampling, Appendix D and AIS, pairwise within three standard errors."""
    model = model_folder.load_model("digits-2d")
    images = digits.test.images[:12]
    iw = evaluation.nll_iw(model, images, k=1000, kind="grey").nll.double()
    d = marginal.nll_appendix_d(model, images, kind="grey", chains=16, keep=8, burn_in=25)
    ais = marginal.nll_ais(
        model, images, kind="grey", chains=12, temperatures=80, leapfrog=3, pilots=4
    )
    for name, one, other in (
        ("iw, D", iw, d.nll),
        ("iw, AIS", iw, ais.nll),
        ("D, AIS", d.nll, ais.nll),
    ):
        gap = Estimate.of(one.double() - other.double())
        assert abs(gap.mean) < 3 * gap.se + 0.01, name
        assert gap.se < 0.2, name


def test_appendix_d_refuses_a_large_z() -> None:
    """It says how many dimensions are allowed."""
    model = CorrelatedPCA(latent_dim=6)
    with pytest.raises(ConfigError, match=r"latent_dim 6 .*allowed: 1 to 5"):
        marginal.nll_appendix_d(model, PICTURES, kind="grey", chains=4, keep=2, burn_in=1)


def on_a_grid(model: VAE, images: Tensor, y: Tensor) -> Tensor:
    """Minus log p(x|y) of each image, with z of two dimensions integrated over a grid: (n,)."""
    line = torch.linspace(-6, 6, 121)
    z = torch.cartesian_prod(line, line)
    nll = []
    for image, label in zip(images, y, strict=True):
        given = label.expand(len(z))
        log_joint = model.prior_given(given).log_prob(z) + model.decode(z, given).log_prob(
            image[None] / 255
        )
        nll.append(-torch.logsumexp(log_joint.double(), 0) - 2 * math.log(0.1))
    return torch.stack(nll)


@pytest.mark.parametrize("settings", [{"conditional": True}, {"prior": "label"}])
def test_each_image_is_given_its_label(
    settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Image by image, in several batches, both find the log p(x|y) of a grid, as nll_iw does.

    The contrast: under another label the images are less likely.
    """
    monkeypatch.setattr(marginal, "CODES_AT_ONCE", 64)  # four images at once
    model = small.model(latent_dim=2, hidden=(6,), classes=3, **settings)
    model.likelihood.weight.mul_(3)
    for name, weight in model.p_z.named_parameters():
        weight.copy_({"mu": torch.tensor([[-1.0], [0], [1]]), "logvar": torch.tensor(-0.5)}[name])
    y, generator = torch.arange(10) % 3, torch.Generator().manual_seed(3)
    images = (model.sample(10, generator=generator, y=y) * 255).round().to(torch.uint8)
    exact = on_a_grid(model, images, y)
    assert (on_a_grid(model, images, y.roll(1)) - exact).mean() > 0.8
    iw = evaluation.nll_iw(model, images, k=5000, kind="grey", labels=y).nll
    assert ((iw - exact).abs() < 0.25).all()
    for found in (
        marginal.nll_appendix_d(
            model, images, kind="grey", labels=y, chains=16, keep=12, burn_in=30
        ),
        marginal.nll_ais(
            model, images, kind="grey", labels=y, chains=16, temperatures=40, leapfrog=3, pilots=4
        ),
    ):
        assert ((found.nll - exact).abs() < 5 * found.se + 0.05).all()
        assert found.se.mean() < 0.1
