"""Estimates of log p(x) that do not depend on the encoder's accuracy: Appendix D and AIS.

Both run many chains of Hamiltonian Monte Carlo over codes, and need few latent dimensions. They
return a value and a standard error for each image.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from vae_core import pixels
from vae_core.errors import ConfigError
from vae_core.hmc import hmc
from vae_core.models import VAE, HierarchicalVAE, ImportedVAE
from vae_core.models.distributions import DiagonalGaussian, Prior

#: Codes in one batch of chains.
CODES_AT_ONCE = 2_000
#: Maximum latent dimensions of the estimator of Appendix D, which fits a density to samples ("less
#: than 5", Kingma & Welling 2014).
APPENDIX_D_DIMS = 5
FIRST_STEP_SIZE = 0.1
#: Target acceptance probability of AIS; below that of a sampler, for larger steps.
AIS_ACCEPTANCE = 0.8
#: Change of the pilot chains' log step size for each unit of excess acceptance.
AIS_GAIN = 0.5
#: Steepness of the sigmoidal path from prior to posterior (Wu et al. 2017).
PATH_STEEPNESS = 4.0


@dataclass(frozen=True)
class Marginal:
    """Minus log p(x) of each image and its standard error: (n,), in nats."""

    nll: Tensor
    se: Tensor


@dataclass(frozen=True)
class Target:
    """Target density of the chains of a batch: p(z), or p(z|y), and p(x|z) as functions of z."""

    x: Tensor  # (batch, c, h, w)
    log_prior: Callable[[Tensor], Tensor]  # (chains, batch, d) → (chains, batch)
    log_likelihood: Callable[[Tensor], Tensor]  # with the same shapes
    prior: Prior
    q: DiagonalGaussian  # the encoder's posterior

    def log_joint(self, z: Tensor) -> Tensor:
        """Return log p(x, z)."""
        return self.log_prior(z) + self.log_likelihood(z)


def check(model: VAE, estimator: str) -> None:
    """Check that an estimator supports a model.

    Raises
    ------
    ConfigError
        If the model has two stochastic layers, onnxruntime runs its decoder, or, for Appendix D,
        it has more than ``APPENDIX_D_DIMS`` latent dimensions.
    """
    if isinstance(model, HierarchicalVAE):
        raise ConfigError(
            "Appendix D and AIS need one stochastic layer and this model has two "
            "(first_latent_dim); allowed for it: nll_iw"
        )
    if isinstance(model, ImportedVAE) and model.is_foreign("decoder"):
        raise ConfigError(
            "Appendix D and AIS need gradients of the decoder, which onnxruntime runs; allowed for "
            "this model: nll_iw"
        )
    d = model.config.latent_dim
    if estimator == "appendix-d" and d > APPENDIX_D_DIMS:
        raise ConfigError(
            f"Appendix D's estimator fits a density to samples of z, and latent_dim {d} is "
            f"too many for that; allowed: 1 to {APPENDIX_D_DIMS}"
        )


def nll_appendix_d(
    model: VAE,
    images: Tensor,
    *,
    kind: str,
    seed: int = 0,
    labels: Tensor | None = None,
    chains: int = 25,
    keep: int = 20,
    burn_in: int = 60,
    leapfrog: int = 4,
) -> Marginal:
    """Estimate minus log p(x) as in appendix D of Kingma & Welling (2014).

    (1) Sample p(z|x) by HMC, whose step size is tuned to 90 % acceptance during ``burn_in`` and
    then fixed. (2) Fit a Gaussian q with full covariance. (3) With new samples, average
    1 / p(x) = E[q(z) / (p(z) p(x|z))] in log space.

    Parameters
    ----------
    images
        uint8 (n, c, h, w), read as pixels of ``kind``.
    chains, keep
        Chains for each image, and samples of each chain for the fit, and again for the mean.
    leapfrog
        Leapfrog steps in a transition; 4 in Kingma & Welling (2014).

    Raises
    ------
    ConfigError
        As :func:`check`.
    """
    check(model, "appendix-d")
    generator = torch.Generator().manual_seed(seed)
    nll, errors = [], []
    for target in _targets(model, images, kind, labels, chains, generator):
        with torch.no_grad():
            start = target.q.sample(chains, generator=generator)
        tuned = hmc(
            target.log_joint,
            start,
            steps=burn_in,
            leapfrog=leapfrog,
            step_size=torch.full((len(target.x),), FIRST_STEP_SIZE),
            generator=generator,
        )
        z = hmc(
            target.log_joint,
            tuned.z[-1],
            steps=2 * keep,
            leapfrog=leapfrog,
            step_size=tuned.step_size,
            generator=generator,
            target_acceptance=None,
        ).z  # (2 · keep, chains, batch, d)
        fitted = _fit_gaussian(z[:keep].flatten(0, 1))
        with torch.no_grad():
            new = z[keep:]
            log_joint = torch.stack([target.log_joint(one) for one in new])
            log_q: Tensor = fitted.log_prob(new.double())  # type: ignore[no-untyped-call]
            log_ratio = log_q - log_joint.double()
            per_chain = torch.logsumexp(log_ratio, 0) - math.log(keep)
        # log E[1 / p(x)] is already minus log p(x).
        mean, se = _log_mean(per_chain)
        nll.append(mean)
        errors.append(se)
    return Marginal(nll=torch.cat(nll), se=torch.cat(errors))


def nll_ais(
    model: VAE,
    images: Tensor,
    *,
    kind: str,
    seed: int = 0,
    labels: Tensor | None = None,
    chains: int = 16,
    temperatures: int = 300,
    leapfrog: int = 5,
    pilots: int = 8,
) -> Marginal:
    """Estimate minus log p(x) by annealed importance sampling in z (Neal 2001; Wu et al. 2017).

    The chains go from p(z) to p(z|x) along p(z) p(x|z)^β, with β on a sigmoidal path from 0 to 1
    and one HMC transition at each β. E[w] = p(x) is exact only with fixed step sizes, so they are
    tuned with separate chains, ``pilots``.

    Parameters
    ----------
    images
        uint8 (n, c, h, w), read as pixels of ``kind``.
    chains
        Weights averaged for each image.
    temperatures
        Number of steps of β.

    Raises
    ------
    ConfigError
        As :func:`check`.
    """
    check(model, "ais")
    generator = torch.Generator().manual_seed(seed)
    betas = _path(temperatures)
    nll, errors = [], []
    for target in _targets(model, images, kind, labels, max(chains, pilots), generator):
        sizes = torch.full((temperatures, len(target.x)), FIRST_STEP_SIZE)
        _anneal(target, pilots, betas, sizes, leapfrog, generator, adapt=True)
        log_w = _anneal(target, chains, betas, sizes, leapfrog, generator, adapt=False)
        mean, se = _log_mean(log_w)
        nll.append(-mean)
        errors.append(se)
    return Marginal(nll=torch.cat(nll), se=torch.cat(errors))


#: Estimators by name.
ESTIMATORS: dict[str, Callable[..., Marginal]] = {
    "appendix-d": nll_appendix_d,
    "ais": nll_ais,
}


def _anneal(
    target: Target,
    chains: int,
    betas: Tensor,
    step_sizes: Tensor,
    leapfrog: int,
    generator: torch.Generator,
    *,
    adapt: bool,
) -> Tensor:
    """Return log weights (chains, batch); with ``adapt``, tune ``step_sizes`` (T, batch)."""
    with torch.no_grad():
        draws = [target.prior.sample(len(target.x), generator=generator) for _ in range(chains)]
    z = torch.stack(draws)
    log_w = torch.zeros(z.shape[:-1], dtype=torch.float64)
    for t in range(len(betas) - 1):
        beta = float(betas[t + 1])
        with torch.no_grad():
            log_w += (beta - float(betas[t])) * target.log_likelihood(z).double()

        def log_density(z: Tensor, beta: float = beta) -> Tensor:
            return target.log_prior(z) + beta * target.log_likelihood(z)

        moved = hmc(
            log_density,
            z,
            steps=1,
            leapfrog=leapfrog,
            step_size=step_sizes[t],
            generator=generator,
            target_acceptance=None,
        )
        z = moved.z[-1]
        if adapt and t + 1 < len(step_sizes):
            excess = moved.acceptance.mean(0) - AIS_ACCEPTANCE
            step_sizes[t + 1] = step_sizes[t] * torch.exp(AIS_GAIN * excess)
    return log_w


def _path(temperatures: int) -> Tensor:
    """Return β from 0 to 1, (temperatures + 1,)."""
    steps = torch.linspace(-1, 1, temperatures + 1, dtype=torch.float64)
    low, *_, high = curve = torch.sigmoid(PATH_STEEPNESS * steps)
    path: Tensor = (curve - low) / (high - low)
    return path


def _targets(
    model: VAE,
    images: Tensor,
    kind: str,
    labels: Tensor | None,
    chains: int,
    generator: torch.Generator,
) -> Iterator[Target]:
    images = pixels.as_levels(images, model.config.image_shape)
    size = max(1, CODES_AT_ONCE // chains)
    for first in range(0, len(images), size):
        part = slice(first, first + size)
        x = pixels.view(images[part], kind, generator=generator)
        yield _target(model, x, None if labels is None else labels[part])


def _target(model: VAE, x: Tensor, y: Tensor | None) -> Target:
    with torch.no_grad():
        prior, q = model.prior_given(y), model.encode(x, y)
    return Target(x, prior.log_prob, lambda z: model.decode(z, y).log_prob(x), prior, q)


def _log_mean(log_values: Tensor) -> tuple[Tensor, Tensor]:
    """Return the log of the mean over chains (chains, batch), and its error (delta method)."""
    chains = len(log_values)
    top = log_values.amax(0)
    values = torch.exp(log_values - top)
    mean = values.mean(0)
    se = values.std(0) / math.sqrt(chains) / mean if chains > 1 else torch.full_like(mean, math.nan)
    return top + mean.log(), se


def _fit_gaussian(z: Tensor) -> torch.distributions.MultivariateNormal:
    """Fit a Gaussian for each image of the batch to samples (samples, batch, d)."""
    z = z.double()
    mean = z.mean(0)
    centred = z - mean
    covariance = torch.einsum("sbi,sbj->bij", centred, centred) / (len(z) - 1)
    # Keeps the covariance invertible if no chain moved.
    covariance = covariance + 1e-10 * torch.eye(z.shape[-1], dtype=z.dtype)
    return torch.distributions.MultivariateNormal(mean, covariance)
