"""Encode the pictures of an import and measure the model on them."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable

import torch
from torch import Tensor

from vae_core import evaluation, pixels, publishing
from vae_core.config import TrainConfig
from vae_core.data import ImageDataset, Split
from vae_core.evaluation import Encoded, Estimate
from vae_core.model_folder import Codes, Metric
from vae_core.models import ImportedVAE
from vae_core.models.likelihoods import metric_kind

Say = Callable[[str], None]

#: Codes of a decoder alone, which are drawn from its prior.
DRAWN = 2_000
SEED = publishing.EVALUATION_SEED


@dataclasses.dataclass(frozen=True)
class Measured:
    """Codes, metrics and KL of each latent dimension; no KL without a bound."""

    codes: Codes
    metrics: dict[str, Metric]
    kl_per_dim: tuple[float, ...] = ()
    warnings: tuple[str, ...] = ()


def measure(
    model: ImportedVAE,
    dataset: ImageDataset | None,
    *,
    importance_samples: int = 0,
    tsne: bool = True,
    threads: int = 1,
    say: Say = lambda stage: None,
) -> Measured:
    """Encode the test set, map its codes, and measure what the model has.

    Parameters
    ----------
    dataset
        None for a decoder alone, whose codes are drawn from N(0, I).
    importance_samples
        k of a metric ``nll_iw{k}``; 0 leaves it out.
    tsne
        Whether to compute the t-SNE map, which is slow.
    """
    config = model.settings
    if dataset is None:
        say("drawing codes")
        encoded, split = drawn(model)
        codes = publishing.map_codes(encoded, split, tsne=tsne, threads=threads, say=say)
        return Measured(codes, {})
    training = TrainConfig(dataset=dataset.name, test_pixels=config.pixels_kind)
    say(f"encoding {len(dataset.test):,} pictures")
    encoded = publishing.encode_test(model, dataset, training, seed=SEED)
    _, notes = publishing.columns_of(dataset.test, dataset.classes)
    if not config.has_bound:
        encoded = dataclasses.replace(encoded, rate=torch.full_like(encoded.rate, math.nan))
        metrics = _of_auto_encoder(model, encoded)
        codes = publishing.map_codes(
            encoded, dataset.test, classes=dataset.classes, tsne=tsne, threads=threads, say=say
        )
        return Measured(codes, metrics, warnings=notes)
    metrics = publishing.measure(
        model, dataset, training, encoded=encoded, importance_samples=importance_samples,
        importance_limit=1000, say=say,
    )  # fmt: skip
    codes = publishing.map_codes(
        encoded, dataset.test, classes=dataset.classes, tsne=tsne, threads=threads, say=say
    )
    kl = publishing.kl_per_dim(model, dataset, encoded)
    warning = evaluation.collapse_warning(encoded.mu, kl)
    return Measured(
        codes,
        metrics,
        tuple(round(float(one), 5) for one in kl),
        notes if warning is None else (*notes, warning),
    )


def drawn(model: ImportedVAE, n: int = DRAWN, *, seed: int = SEED) -> tuple[Encoded, Split]:
    """Draw codes from N(0, I), which have neither rate nor distortion; labels take turns."""
    config = model.settings
    z = torch.randn(n, config.latent_dim, generator=torch.Generator().manual_seed(seed))
    nothing = torch.full((n,), math.nan)
    from vae_core.models.imported import POINT_LOGVAR

    encoded = Encoded(z, torch.full_like(z, POINT_LOGVAR), nothing, nothing)
    labels = torch.arange(n) % config.classes if config.classes else None
    images = torch.zeros(1, dtype=torch.uint8).expand(n, *config.image_shape)
    return encoded, Split(images=images, labels=labels, ids=torch.arange(n))


def _of_auto_encoder(model: ImportedVAE, encoded: Encoded) -> dict[str, Metric]:
    kind = metric_kind(model.settings.likelihood, model.settings.pixels_kind)
    distortion = Estimate.of(encoded.distortion)
    return {
        "distortion": Metric(
            value=distortion.mean,
            se=distortion.se if math.isfinite(distortion.se) else None,
            n=len(encoded.mu),
            kind=kind,
            seed=SEED,
        )
    }


def squared_error(model: ImportedVAE, split: Split) -> Tensor:
    """Return the mean squared error of the reconstruction of each picture, (n,)."""
    labels = split.labels if model.settings.takes_labels else None
    errors = []
    with torch.inference_mode():
        for start in range(0, len(split), evaluation.BATCH):
            part = slice(start, start + evaluation.BATCH)
            x = pixels.as_unit(split.images[part])
            recon = model.reconstruct(x, None if labels is None else labels[part])
            errors.append((recon - x).square().flatten(1).mean(1))
    return torch.cat(errors)
