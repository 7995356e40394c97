"""Titles of metrics, and numbers and durations as pages write them."""

import math
import re
from dataclasses import dataclass

#: An absolute path, but for its last part; and where kept data lies.
_FOLDERS = re.compile(r"(?<![\w.:/])/(?:[^\s/'\"`]+/)+(?=[^\s/])")
_KEPT = re.compile(r"[^\s'\"`]*/\.data/[0-9a-f]{24}(/files/)?")


def without_paths(sentence: object) -> str:
    """Return a sentence for visitors: of each path of this host it has only the last part."""
    named = _KEPT.sub(lambda found: "" if found[1] else "the data", str(sentence))
    return _FOLDERS.sub("", named)


@dataclass(frozen=True)
class Metric:
    """How pages show a metric.

    Attributes
    ----------
    title : str
    better : str
        "higher", "lower" or "".
    sign : int
        Factor of shown values: −1 for an ELBO, which pages show as −ELBO.
    """

    title: str
    better: str = ""
    sign: int = 1


#: Names as regular expressions, whose groups are inserted into the title.
_METRICS: dict[str, Metric] = {
    "elbo": Metric("−ELBO", "lower", sign=-1),
    "train_elbo": Metric("−ELBO of training images", "lower", sign=-1),
    "rate": Metric("Rate"),
    "distortion": Metric("Distortion", "lower"),
    r"nll_iw(\d+)": Metric("−log p(x), {}-sample bound", "lower"),
    r"bits_per_dim_iw(\d+)": Metric("Bits per dimension, {}-sample bound", "lower"),
    r"ess_iw(\d+)": Metric("Effective samples of {}", "higher"),
    "nll_appendix_d": Metric("−log p(x), appendix D", "lower"),
    "train_nll_appendix_d": Metric("−log p(x) of training images, appendix D", "lower"),
    "nll_ais": Metric("−log p(x), annealed importance sampling", "lower"),
    "active_units": Metric("Active units"),
    "mmd": Metric("MMD²(q(z), p(z))", "lower"),
    "mmd_p": Metric("p-value of MMD²", "higher"),
    "sample_distance": Metric("Distance of samples to the nearest training image"),
    "test_distance": Metric("Distance of test images to the nearest training image"),
    "knn_accuracy": Metric("k-NN accuracy of codes", "higher"),
    r"knn_accuracy_(\w+)": Metric("k-NN accuracy on the {} map", "higher"),
    "probe_accuracy": Metric("Linear probe accuracy", "higher"),
    "silhouette": Metric("Silhouette of codes", "higher"),
    r"silhouette_(\w+)": Metric("Silhouette on the {} map", "higher"),
    "gap": Metric("Gap to the exact optimum", "lower"),
    "gap_percent": Metric("Gap to the exact optimum (%)", "lower"),
    "frequency_gap_percent": Metric("Gap of edge frequencies (%)", "lower"),
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
#: Units that the title of their metric already says.
_SILENT_UNITS = ("squared MMD", "p-value", "")
_MAPS = {"pca": "PCA", "tsne": "t-SNE"}


def find(name: str) -> Metric:
    """Return the metric of this name; an unknown name becomes the title."""
    for pattern, metric in _METRICS.items():
        if match := re.fullmatch(pattern, name):
            captured = (_number_or_map(part) for part in match.groups())
            return Metric(metric.title.format(*captured), metric.better, metric.sign)
    return Metric(name.replace("_", " ").capitalize())


def title(name: str) -> str:
    """Return the title of a metric."""
    return find(name).title


def axis(name: str, unit: str) -> str:
    """Return an axis title: the unit of a metric, and which way is better."""
    better = find(name).better
    return unit + (f", {better} is better" if better else "")


def quantity(
    name: str, value: float, se: float | None, unit: str, *, difference: bool = False
) -> str:
    """Format a value of a metric, or a difference of two, with its error and unit."""
    metric = find(name)
    if unit == "share":
        value, se = 100 * value, None if se is None else 100 * se
        unit = "percentage points" if difference else "%"
    text = with_error(metric.sign * value, se)
    return text if unit in _SILENT_UNITS else f"{text} {unit}"


def with_error(value: float, se: float | None) -> str:
    """Format a value with its standard error, to the error's second digit."""
    if not se or not math.isfinite(se):
        return significant(value)
    digits = max(0, _digits(se, 2))
    return f"{number(value, digits)} ± {se:,.{digits}f}"


def significant(value: float) -> str:
    """Format a value without an error, with up to five digits."""
    return f"{value:,.5g}".replace("-", "−")


def number(value: float, digits: int = 1) -> str:
    """Format a number with a true minus sign."""
    return f"{value:,.{digits}f}".replace("-", "−")


def duration(seconds: float) -> str:
    """Format a duration: seconds, minutes, or hours and minutes."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    if minutes < 90:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def sentence(message: str) -> str:
    """Format a message as a sentence: a capital letter first, a full stop last."""
    return f"{message[:1].upper()}{message[1:].removesuffix('.')}."


def _digits(value: float, significant: int) -> int:
    return significant - 1 - math.floor(math.log10(value))


def _number_or_map(part: str) -> str:
    return f"{int(part):,}" if part.isdecimal() else _MAPS.get(part, part)


_SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


def dimension(dim: int) -> str:
    """Return the symbol of a latent dimension, counted from 1."""
    return "z" + str(dim + 1).translate(_SUBSCRIPTS)


def dimensions(count: int) -> str:
    """Say how many latent dimensions there are: "2 latent dimensions"."""
    return f"{count} latent dimension{'' if count == 1 else 's'}"
