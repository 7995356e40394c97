"""Metrics in words: what their names mean, which way is better, a value with its error."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Metric:
    """What a metric's name stands for.

    Attributes
    ----------
    title : str
        A short name as people read it.
    better : str
        "higher", "lower", or "" where neither is.
    """

    title: str
    better: str = ""


#: Names as regular expressions; what they capture goes into the title.
_METRICS: dict[str, Metric] = {
    "elbo": Metric("ELBO", "higher"),
    "train_elbo": Metric("ELBO of training images", "higher"),
    "rate": Metric("Rate"),
    "distortion": Metric("Distortion", "lower"),
    r"nll_iw(\d+)": Metric("−log p(x), {}-sample bound", "lower"),
    r"bits_per_dim_iw(\d+)": Metric("Bits per dimension, {}-sample bound", "lower"),
    r"ess_iw(\d+)": Metric("Effective samples of {}", "higher"),
    "nll_appendix_d": Metric("−log p(x), appendix D", "lower"),
    "train_nll_appendix_d": Metric("−log p(x) of training images, appendix D", "lower"),
    "nll_ais": Metric("−log p(x), annealed importance sampling", "lower"),
    "active_units": Metric("Active units"),
    "mmd": Metric("Aggregate posterior against prior (MMD)", "lower"),
    "mmd_p": Metric("p-value of that distance", "higher"),
    "sample_distance": Metric("Samples to their nearest training image"),
    "test_distance": Metric("Test images to their nearest training image"),
    "knn_accuracy": Metric("k-NN accuracy of codes", "higher"),
    r"knn_accuracy_(\w+)": Metric("k-NN accuracy on the {} map", "higher"),
    "probe_accuracy": Metric("Linear probe's accuracy", "higher"),
    "silhouette": Metric("Silhouette of codes", "higher"),
    r"silhouette_(\w+)": Metric("Silhouette on the {} map", "higher"),
    "gap": Metric("Gap to the exact optimum", "lower"),
    "gap_percent": Metric("Gap to the exact optimum, per cent", "lower"),
    "frequency_gap_percent": Metric("Gap of counting edges, per cent", "lower"),
    "optimum": Metric("Exact optimum"),
    "cross_entropy": Metric("Cross-entropy, all clean test images", "lower"),
    "entropy_floor": Metric("Entropy of the targets"),
    "above_floor": Metric("Cross-entropy above the floor", "lower"),
    "report_images_clean": Metric("Cross-entropy, Zhang & Wu's images, clean", "lower"),
    "report_score": Metric("Zhang & Wu's score"),
    "report_score_of_targets": Metric("Zhang & Wu's score of the targets themselves"),
    "report_largest_target": Metric("Zhang & Wu's largest target"),
    "report_targets_above_one": Metric("Zhang & Wu's targets above 1"),
}
_MAPS = {"pca": "PCA", "tsne": "t-SNE"}


def find(name: str) -> Metric:
    """Return what a metric's name stands for; an unknown name stands for itself."""
    for pattern, metric in _METRICS.items():
        if match := re.fullmatch(pattern, name):
            captured = (_number_or_map(part) for part in match.groups())
            return Metric(metric.title.format(*captured), metric.better)
    return Metric(name.replace("_", " ").capitalize())


def title(name: str) -> str:
    """Name a metric as people read it."""
    return find(name).title


def axis(name: str, unit: str) -> str:
    """Say what a metric counts, and which way is better."""
    better = find(name).better
    return unit + (f", {better} is better" if better else "")


def measured(value: float, se: float | None) -> str:
    """Write a value with its standard error, to the error's second digit."""
    if not se or not math.isfinite(se):
        return plain(value)
    digits = max(0, _digits(se, 2))
    return f"{number(value, digits)} ± {se:,.{digits}f}"


def plain(value: float) -> str:
    """Write a value that has no error, with as many digits as it was given, up to five."""
    return f"{value:,.5g}".replace("-", "−")


def number(value: float, digits: int = 1) -> str:
    """Write a number with a real minus sign."""
    return f"{value:,.{digits}f}".replace("-", "−")


def _digits(value: float, significant: int) -> int:
    return significant - 1 - math.floor(math.log10(value))


def _number_or_map(part: str) -> str:
    return f"{int(part):,}" if part.isdecimal() else _MAPS.get(part, part)


_SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


def ordinal(dim: int) -> str:
    """Name a latent dimension, counted from 1."""
    return "z" + str(dim + 1).translate(_SUBSCRIPTS)
