"""Metrics against the exact values of a linear-Gaussian model."""

from __future__ import annotations

import math
import subprocess
import sys
from dataclasses import dataclass

import numpy as np
import pytest
import small
import torch
from linear_gaussian import NOISE_LOGVAR, SHAPE, LinearModel
from torch import Tensor

from vae_core import evaluation, objectives, pixels
from vae_core.errors import ConfigError
from vae_core.evaluation import Estimate
from vae_core.models import Inference
from vae_core.models.distributions import DiagonalGaussian


@dataclass(frozen=True)
class LinearGaussian(LinearModel):
    """A linear model with orthogonal columns of W, so that the exact posterior is diagonal.

    ``shift`` and ``widen`` spoil q(z|x): its mean is moved and its log-variance raised by them.
    """

    shift: float = 0.0
    widen: float = 0.0
    latent_dim: int = 2

    @property
    def loadings(self) -> Tensor:  # type: ignore[override]
        """W, (9, 2)."""
        columns, _ = torch.linalg.qr(torch.randn(9, 2, generator=torch.Generator().manual_seed(1)))
        return columns * torch.tensor([0.9, 0.4])

    def encode(self, x: Tensor, y: Tensor | None = None) -> DiagonalGaussian:
        """q(z|x), exact but for ``shift`` and ``widen``."""
        w, noise = self.loadings, math.exp(NOISE_LOGVAR)
        precision = 1 + w.square().sum(0) / noise
        mean = ((x.flatten(1) - 0.5) @ w) / noise / precision
        logvar = (self.widen - precision.log()).expand(len(x), 2)
        return DiagonalGaussian(mean + self.shift, logvar)

    def kl_to_posterior(self, images: Tensor) -> Tensor:
        """KL(q‖p(z|x)) in closed form, (n,)."""
        x = images.float() / 255
        q, exact = self.encode(x), LinearGaussian().encode(x)
        as_normal = [torch.distributions.Normal(d.mu, (0.5 * d.logvar).exp()) for d in (q, exact)]
        return torch.distributions.kl_divergence(*as_normal).sum(-1)


PICTURES = small.images(60, SHAPE)
SPOILT = LinearGaussian(shift=0.1, widen=0.8)


def test_with_the_exact_posterior_every_bound_is_the_likelihood() -> None:
    """No variance is left: one sample gives the exact value of each image, and k samples are k."""
    model = LinearGaussian()
    exact = model.exact_nll(PICTURES)
    for k in (1, 7, 250):
        found = evaluation.nll_iw(model, PICTURES, k=k, kind="grey")
        torch.testing.assert_close(found.nll.double(), exact, atol=2e-4, rtol=1e-4)
        torch.testing.assert_close(found.ess, torch.full((60,), float(k)), rtol=1e-3, atol=0)


def test_importance_sampling_finds_the_exact_likelihood() -> None:
    """With a wrong posterior 2,000 samples come within three standard errors, one does not."""
    exact = SPOILT.exact_nll(PICTURES)
    errors = []
    for k in (1, 2000):
        found = evaluation.nll_iw(SPOILT, PICTURES, k=k, kind="grey", seed=3)
        errors.append(Estimate.of(found.nll.double() - exact))
    assert abs(errors[1].mean) < 3 * errors[1].se
    assert errors[1].se < 0.01
    assert errors[0].mean > 0.1


def test_the_elbo_misses_the_likelihood_by_the_posteriors_kl() -> None:
    """E[−ELBO] + log p(x) = KL(q‖p(z|x)), within four standard errors over 50 seeds."""
    gaps = torch.stack(
        [
            -evaluation.bounds(SPOILT, PICTURES, kind="grey", seed=seed).elbo.double()
            - SPOILT.exact_nll(PICTURES)
            for seed in range(50)
        ]
    )
    per_seed = Estimate.of(gaps.mean(1))
    expected = SPOILT.kl_to_posterior(PICTURES).mean().item()
    assert expected > 0.2, "the contrast: q is wrong"
    assert abs(per_seed.mean - expected) < 4 * per_seed.se


def test_bounds_tighten_with_more_samples() -> None:
    """−ELBO > nll_iw1 ≈ −ELBO > nll_iw10 > nll_iw100 > the exact value, on average over images."""
    exact = SPOILT.exact_nll(PICTURES).mean().item()
    at = {
        k: float(
            np.mean(
                [
                    evaluation.nll_iw(SPOILT, PICTURES, k=k, kind="grey", seed=s).nll.mean()
                    for s in range(5)
                ]
            )
        )
        for k in (1, 3, 10, 100)
    }
    assert at[1] > at[3] + 0.02 > at[10] + 0.03 > at[100] + 0.03
    assert at[100] > exact - 0.02
    encoded = evaluation.encode(SPOILT, PICTURES, kind="grey")
    assert (encoded.rate + encoded.distortion).mean().item() > at[3]


def test_bounds_keep_their_order_for_a_network() -> None:
    """An untrained VAE: more samples, tighter bound."""
    model = small.model()
    pictures = small.images(100)
    at = [
        evaluation.nll_iw(model, pictures, k=k, kind="grey").nll.mean().item() for k in (1, 10, 100)
    ]
    assert at[0] > at[1] > at[2]


@pytest.mark.parametrize("kind", ["grey", "dynamic"])
def test_streaming_is_one_logsumexp(kind: str) -> None:
    """Taking k = 250 in chunks equals the bound of the same draws held at once."""
    model, pictures = small.model(), small.images(7)
    found = evaluation.nll_iw(model, pictures, k=250, kind=kind, seed=5)

    generator = torch.Generator().manual_seed(5)
    x = pixels.view(pictures, kind, generator=generator)
    q = model.encode(x)
    z = torch.cat([q.sample(n, generator=generator) for n in (100, 100, 50)])
    log_w = objectives.log_weights(
        Inference(x=x, q=q, z=z, p=model.decode(z), prior=model.prior)
    ).double()
    torch.testing.assert_close(found.nll.double(), -objectives.iwae(log_w), rtol=1e-6, atol=1e-5)
    w = log_w.softmax(0)
    torch.testing.assert_close(found.ess.double(), 1 / w.square().sum(0), rtol=1e-4, atol=0)
    assert ((found.ess >= 1) & (found.ess <= 250)).all()


def test_chunk_size_changes_the_noise_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Other chunks, other draws, the same estimate within three standard errors."""
    whole = evaluation.nll_iw(SPOILT, PICTURES, k=500, kind="grey").nll
    monkeypatch.setattr(evaluation, "CODES_AT_ONCE", 300)
    parts = evaluation.nll_iw(SPOILT, PICTURES, k=500, kind="grey").nll
    gap = Estimate.of(parts - whole)
    assert abs(gap.mean) < 3 * gap.se
    assert gap.se < 0.02


def test_weights_far_below_one_do_not_underflow() -> None:
    """Log weights near −2,000 nats, whose exponentials are zero, still give finite figures."""
    model = small.model(image_shape=(1, 60, 60))
    pictures = small.images(3, (1, 60, 60))
    found = evaluation.nll_iw(model, pictures, k=120, kind="grey")
    assert (found.nll > 1000).all()
    assert torch.isfinite(found.nll).all()
    assert torch.isfinite(found.ess).all()


def test_memory_does_not_grow_with_the_samples() -> None:
    """Taking k = 5000 on 10 pictures of MNIST's size costs less than 40 MB above k = 100.

    Held at once, the 50,000 decoded pictures would take 157 MB.
    """
    program = """
import resource, torch
torch.set_num_threads(1)
from vae_core import evaluation
from vae_core.config import ModelConfig
from vae_core.models import VAE
model = VAE(ModelConfig(latent_dim=2, hidden=(32,))).requires_grad_(False)
images = torch.randint(0, 256, (10, 1, 28, 28), dtype=torch.uint8)
peaks = []
for k in (100, 5000):
    evaluation.nll_iw(model, images, k=k, kind="grey")
    peaks.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
print(peaks[1] - peaks[0])
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=300
    )
    kilobytes = int(done.stdout)
    if sys.platform == "darwin":
        kilobytes //= 1024
    assert kilobytes < 40_000


def test_encoding_in_batches_is_encoding_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches are an affair of memory: parameters and rate do not depend on them."""
    model, pictures = small.model(), small.images(25)
    whole = evaluation.encode(model, pictures, kind="grey")
    monkeypatch.setattr(evaluation, "BATCH", 7)
    parts = evaluation.encode(model, pictures, kind="grey")
    torch.testing.assert_close(parts.mu, whole.mu)
    torch.testing.assert_close(parts.logvar, whole.logvar)
    torch.testing.assert_close(parts.rate, whole.rate)
    assert parts.distortion.shape == whole.distortion.shape == (25,)


def test_posteriors_are_those_of_an_encoding(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same parameters, in batches, without a decoder."""
    model, pictures = small.model(), small.images(25)
    whole = evaluation.encode(model, pictures, kind="grey")
    monkeypatch.setattr(evaluation, "BATCH", 7)
    monkeypatch.setattr(type(model), "decode", None)
    q = evaluation.posteriors(model, pictures)
    torch.testing.assert_close(q.mu, whole.mu)
    torch.testing.assert_close(q.logvar, whole.logvar)


def test_estimates_are_reproducible_by_seed() -> None:
    """Same seed, same figures; another seed, others."""
    model, pictures = small.model(), small.images(10)
    for measure in (
        lambda seed: evaluation.encode(model, pictures, kind="dynamic", seed=seed).distortion,
        lambda seed: evaluation.nll_iw(model, pictures, k=3, kind="dynamic", seed=seed).nll,
    ):
        assert torch.equal(measure(1), measure(1))
        assert not torch.equal(measure(1), measure(2))


def test_an_estimate_has_the_standard_error_of_its_mean() -> None:
    """As NumPy computes it, in float64; one value has none."""
    values = torch.randn(50) + 1e4
    found = Estimate.of(values)
    doubles = values.double().numpy()
    assert found.mean == pytest.approx(doubles.mean(), rel=1e-12)
    assert found.se == pytest.approx(doubles.std(ddof=1) / math.sqrt(50), rel=1e-9)
    assert math.isnan(Estimate.of(torch.ones(1)).se)


def test_kl_per_dimension_sums_to_the_rate() -> None:
    """(d,), the mean over images of each dimension's share."""
    encoded = evaluation.encode(small.model(), small.images(30), kind="grey")
    shares = evaluation.kl_per_dim(encoded.mu, encoded.logvar)
    assert shares.shape == (3,)
    assert shares.sum().item() == pytest.approx(encoded.rate.mean().item(), rel=1e-5)


def test_active_units_vary_with_the_data() -> None:
    """A posterior mean that hardly moves over the data makes an inactive unit."""
    spread = torch.tensor([1.0, 0.2, 0.05, 0.0])
    mu = spread * torch.randn(2000, 4, generator=torch.Generator().manual_seed(0)) + 5
    assert evaluation.active_units(mu).tolist() == [True, True, False, False]


def test_knn_is_a_vote_of_the_nearest() -> None:
    """As counted by brute force; with fewer codes than neighbours all of them vote."""
    draws = np.random.default_rng(0)
    train = draws.standard_normal((80, 3)).astype(np.float32)
    labels = draws.integers(0, 4, 80)
    test = draws.standard_normal((25, 3)).astype(np.float32)
    found = evaluation.knn_labels(train, labels, test, k=7)
    for code, label in zip(test, found, strict=True):
        nearest = np.argsort(((train - code) ** 2).sum(1))[:7]
        votes = np.bincount(labels[nearest], minlength=4)
        assert votes[label] == votes.max()
    few = evaluation.knn_labels(train[:3], np.array([1, 1, 2]), test)
    assert few.tolist() == [1] * 25


def test_a_bound_of_many_samples_encodes_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many chunks its samples come in."""
    model = small.model()
    images = torch.randint(256, (4, *small.SHAPE), generator=torch.Generator()).to(torch.uint8)
    seen: list[int] = []
    encode = model.encode
    monkeypatch.setattr(model, "encode", lambda x, y=None: (seen.append(len(x)), encode(x, y))[1])
    evaluation.nll_iw(model, images, k=350, kind="grey")
    assert seen == [4]


@pytest.mark.parametrize("k", [0, -3])
def test_a_bound_of_no_samples_is_refused(k: int) -> None:
    """By name, with what is allowed."""
    with pytest.raises(ConfigError, match=rf"k {k}: .*1 sample or more"):
        evaluation.nll_iw(SPOILT, PICTURES, k=k, kind="grey")
