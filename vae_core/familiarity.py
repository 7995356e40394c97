"""Whether a picture is anything that a model knows.

Several signs are measured on the picture and on the test set that the model's folder holds in
codes: how badly the picture comes back, how much is spent on it, how far real codes are, whether
they agree on a label, and how much ink its reconstruction has. Each sign counts by how far
it lies outside its usual range, all together they make one distance, and the share of the test
set that lies at least as far is a conformal p-value (Vovk et al., 2005; Bates et al., 2023): of
pictures like the test set, at most a share ``DOUBTFUL`` is called doubtful, whatever the model.
No data set and no training is needed: pictures of known codes are their reconstructions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from vae_core import images, objectives

if TYPE_CHECKING:
    from vae_core.model_folder import Codes
    from vae_core.models import VAE

Floats = npt.NDArray[np.float64]

DOUBTFUL = 0.02
"""A picture is doubtful if at most this share of known ones is as unusual."""
NEIGHBOURS = 10
REFERENCES = 2_000
"""So many known codes are compared with all others."""
SAMPLES = 8
"""Samples of z for the rate and distortion of an image."""
CLUTTER = 0.03
"""The share of a photographed note that may stand out as ink does, and be none."""


@dataclass(frozen=True)
class Sign:
    """One thing that tells a known picture from others.

    Attributes
    ----------
    sentence
        What an unusual value means; formatted with ``value``, ``usual``.
    two_sided
        Whether values that are too small are unusual too.
    """

    sentence: str
    two_sided: bool = False


SIGNS = {
    "distortion": Sign("Its distortion is {value:.0f} nats; known pictures stay below {high:.0f}."),
    "rate": Sign(
        "Its rate is {value:.1f} nats; known pictures have {low:.1f} to {high:.1f}.", two_sided=True
    ),
    "distance": Sign(
        "Its nearest real codes are {value:.2f} away; those of known pictures, below {high:.2f}."
    ),
    "disagreement": Sign("Its nearest codes do not agree: {value:.0%} have another label."),
    "ink": Sign(
        "Its reconstruction is {value:.0%} ink; those of known pictures, {low:.0%} to {high:.0%}.",
        two_sided=True,
    ),
    "excess": Sign("It comes back worse than known pictures with as much ink."),
}


@dataclass(frozen=True)
class Familiarity:
    """Whether a picture is anything that a model knows.

    Attributes
    ----------
    score
        The share of known pictures that are at least as unusual, in (0, 1].
    distance
        How far its signs lie outside their usual ranges, in standard deviations; 0 is usual.
    doubtful
        Whether the model's answer should be doubted.
    reasons
        Why, in plain English; empty where it is not doubtful.
    """

    score: float
    distance: float
    doubtful: bool
    reasons: tuple[str, ...]

    @property
    def warning(self) -> str | None:
        """One line that says so, or None."""
        if not self.doubtful:
            return None
        return "This may be nothing that the model knows. " + " ".join(self.reasons)


@dataclass(frozen=True)
class Range:
    """What is usual of a sign: its median, and standard deviations below and above it."""

    middle: float
    below: float
    above: float
    low: float  # the 0.5th and the 99.5th percentile
    high: float


@dataclass(frozen=True)
class Known:
    """What a model knows, from the codes in its folder: see :func:`calibrated`."""

    mu: npt.NDArray[np.float32]  # (n, d)
    labels: npt.NDArray[np.int64] | None  # (n,)
    ranges: dict[str, Range]
    distances: Floats  # of known pictures, ascending
    slope: float | None  # of log distortion over log ink; None where ink is not measured
    dark: bool = False  # whether ink is dark on a light ground


def calibrated(model: VAE, codes: Codes, *, dataset: str | images.Frame | None = None) -> Known:
    """Measure the signs of known pictures, from the codes in the model's folder.

    Takes about a second for 10,000 codes. Of more than ``REFERENCES`` codes, evenly spread ones
    are measured, each against all others.

    Parameters
    ----------
    model, codes
        As opened from a folder.
    dataset
        What it was trained on; signs of ink are for those with a frame, see
        :func:`vae_core.images.frame_of`. Without it there are none.
    """
    mu = codes.mu.numpy()
    rows = np.unique(np.linspace(0, len(mu) - 1, min(REFERENCES, len(mu))).astype(np.int64))
    labels = None
    if codes.labels is not None and not model.config.takes_labels:
        labels = codes.labels.numpy()
    distance, disagreement = _neighbours(mu[rows], mu, labels, own=rows)
    slope = None
    signs: dict[str, Floats] = {
        "distortion": codes.distortion.numpy()[rows].astype(np.float64),
        "distance": distance,
    }
    if model.config.has_bound:
        signs["rate"] = codes.rate.numpy()[rows].astype(np.float64)
    if disagreement is not None:
        signs["disagreement"] = disagreement
    frame = None if dataset is None else images.frame_of(dataset, model.config.image_shape)
    if frame is not None:
        at = torch.from_numpy(rows)
        y = None if codes.labels is None else codes.labels[at]
        signs["ink"] = _ink(model, codes.mu[at], y, dark=frame.dark)
        if signs["distortion"].min() > 0:
            inked = np.log(signs["ink"] + 0.01)
            slope = float(np.polyfit(inked, np.log(signs["distortion"]), 1)[0])
            signs["excess"] = _excess(signs, slope)
    ranges = {name: _range(values) for name, values in signs.items()}
    dark = frame is not None and frame.dark
    return Known(mu, labels, ranges, np.sort(_distances(signs, ranges)), slope, dark)


def judged(
    known: Known,
    model: VAE,
    x: Tensor,
    *,
    y: Tensor | None = None,
    prepared: Sequence[images.Prepared] = (),
) -> list[Familiarity]:
    """Say of each picture whether it is anything that the model knows.

    Parameters
    ----------
    known
        See :func:`calibrated`.
    model
        The same.
    x
        (batch, c, h, w) in [0, 1].
    y
        (batch,), labels, for a model that needs them.
    prepared
        How each was prepared, where it was: several glyphs and clutter are reasons to doubt.
    """
    with torch.inference_mode():
        generator = torch.Generator().manual_seed(0)
        inference = model(x, y=y, samples=SAMPLES, generator=generator)
        bound = objectives.elbo(inference)
    mu = inference.q.mu.numpy()
    distance, disagreement = _neighbours(mu, known.mu, known.labels)
    signs: dict[str, Floats] = {
        "distortion": bound.distortion.numpy().astype(np.float64),
        "distance": distance,
    }
    if "rate" in known.ranges:
        signs["rate"] = bound.rate.numpy().astype(np.float64)
    if disagreement is not None:
        signs["disagreement"] = disagreement
    if "ink" in known.ranges:
        signs["ink"] = _ink(model, inference.q.mu, y, dark=known.dark)
    if known.slope is not None:
        signs["excess"] = _excess(signs, known.slope)
    distances = _distances(signs, known.ranges)
    found = []
    for row, far in enumerate(distances):
        beyond = len(known.distances) - int(np.searchsorted(known.distances, far))
        score = (1 + beyond) / (1 + len(known.distances))
        reasons = _reasons({name: float(values[row]) for name, values in signs.items()}, known)
        certain = _of_preparation(prepared[row]) if prepared else ()
        doubtful = score <= DOUBTFUL or bool(certain)
        found.append(
            Familiarity(score, float(far), doubtful, (*certain, *reasons) if doubtful else ())
        )
    return found


def _neighbours(
    mu: npt.NDArray[np.float32],
    known: npt.NDArray[np.float32],
    labels: npt.NDArray[np.int64] | None,
    *,
    own: npt.NDArray[np.int64] | None = None,
) -> tuple[Floats, Floats | None]:
    """Return the mean distance of the nearest known codes, and how many of them disagree.

    ``own`` names each code's own row among the known ones, which is left out.
    """
    k = min(NEIGHBOURS, len(known) - (own is not None))
    distances, disagreement = [], []
    squares = np.square(known, dtype=np.float64).sum(1)
    for start in range(0, len(mu), 256):
        part = mu[start : start + 256].astype(np.float64)
        squared = np.square(part).sum(1)[:, None] - 2 * part @ known.T + squares
        if own is not None:
            squared[np.arange(len(part)), own[start : start + 256]] = np.inf
        near = np.argpartition(squared, k - 1, axis=1)[:, :k]
        distances.append(np.sqrt(np.clip(np.take_along_axis(squared, near, 1), 0, None)).mean(1))
        if labels is not None:
            votes = np.sort(labels[near], axis=1)
            same = [int(np.unique(row, return_counts=True)[1].max()) for row in votes]
            disagreement.append(1 - np.array(same) / k)
    return np.concatenate(distances), np.concatenate(disagreement) if disagreement else None


def _ink(model: VAE, mu: Tensor, y: Tensor | None, *, dark: bool) -> Floats:
    """Return the share of ink in the reconstruction of each code (n, d): (n,).

    Of known pictures there is nothing else; so that others are measured alike, theirs counts too.
    """
    with torch.inference_mode():
        mean = model.decode(mu, y).mean
    share = np.asarray(mean.mean((1, 2, 3)).numpy(), dtype=np.float64)
    return 1 - share if dark else share


def _excess(signs: dict[str, Floats], slope: float) -> Floats:
    """Return the logarithm of the distortion, less what ink alone explains."""
    distortion = np.log(np.maximum(signs["distortion"], 1e-3))
    return np.asarray(distortion - slope * np.log(signs["ink"] + 0.01))


def _range(values: Floats) -> Range:
    """Measure what is usual of a sign; its tails are stretched where they are long."""
    low, below, middle, above, high = np.percentile(values, (0.5, 5, 50, 95, 99.5))
    least = 1e-3 * max(1.0, abs(float(middle)))
    return Range(
        middle=float(middle),
        below=max(least, float(middle - below) / 1.645, float(middle - low) / 2.576),
        above=max(least, float(above - middle) / 1.645, float(high - middle) / 2.576),
        low=float(low),
        high=float(high),
    )


def _deviation(name: str, values: Floats, usual: Range) -> Floats:
    """Return how many standard deviations a sign lies outside; 0 on the side that is harmless."""
    above = np.clip(values - usual.middle, 0, None) / usual.above
    if not SIGNS[name].two_sided:
        return above
    return np.maximum(above, np.clip(usual.middle - values, 0, None) / usual.below)


def _distances(signs: dict[str, Floats], ranges: dict[str, Range]) -> Floats:
    """Join signs to one distance, (n,)."""
    squares = [np.square(_deviation(name, values, ranges[name])) for name, values in signs.items()]
    return np.asarray(np.sqrt(np.sum(squares, axis=0)))


def _reasons(values: dict[str, float], known: Known) -> tuple[str, ...]:
    """Say what is unusual, the most unusual first; at least one sentence."""
    far = {
        name: float(_deviation(name, np.array([value]), known.ranges[name])[0])
        for name, value in values.items()
    }
    order = sorted(far, key=lambda name: -far[name])
    told = [name for name in order if far[name] > 2.576][:3] or order[:1]
    sentences: list[str] = []
    for name in told:
        usual = known.ranges[name]
        sentences.append(
            SIGNS[name].sentence.format(value=values[name], low=usual.low, high=usual.high)
        )
    return tuple(sentences)


def _of_preparation(prepared: images.Prepared) -> tuple[str, ...]:
    """Say what of a picture's preparation is a reason to doubt."""
    checks: tuple[tuple[bool, Callable[[], str]], ...] = (
        (
            prepared.glyphs > 1,
            lambda: (
                f"The picture holds {prepared.glyphs} glyphs, and the model knows one at a time."
            ),
        ),
        (
            prepared.clutter > CLUTTER,
            lambda: "Much of the picture is neither ink nor empty paper.",
        ),
    )
    return tuple(sentence() for holds, sentence in checks if holds)
