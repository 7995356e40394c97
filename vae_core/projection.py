"""Two-dimensional projections of codes: PCA and t-SNE."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vae_core.errors import ConfigError

#: Called with (iteration, total, Kullback–Leibler divergence, points); returning False stops.
TsneProgress = Callable[[int, int, float, NDArray[np.float32]], bool]


@dataclass(frozen=True)
class Descent:
    """Settings of the gradient descent of t-SNE.

    ``exaggerated`` is the number of iterations with early exaggeration, and ``interval`` the width
    of the grid cells between which the repulsive forces are interpolated.
    """

    iterations: int = 750
    exaggerated: int = 250
    early_momentum: float = 0.8
    momentum: float = 0.8
    interval: float = 1.0


FEW_POINTS = Descent()
#: Many points move in one direction for long, for which a high momentum needs half the iterations
#: (with few points it is unstable). Their kernel is wider than cells of 2, which cost a quarter of
#: those of 1.
MANY_POINTS = Descent(
    iterations=500, exaggerated=150, early_momentum=0.5, momentum=0.95, interval=2.0
)
#: Number of points from which ``MANY_POINTS`` and interpolated repulsive forces are used.
MANY = 10_000


def descent(n: int) -> Descent:
    """Return the settings for ``n`` points."""
    return MANY_POINTS if n >= MANY else FEW_POINTS


@dataclass(frozen=True)
class Pca:
    """Principal plane of codes, from which each point can be mapped back to a code.

    ``mean`` is (d,), ``components`` (2, d) with orthonormal rows, ``explained`` (2,) the shares of
    the total variance.
    """

    mean: NDArray[np.float32]
    components: NDArray[np.float32]
    explained: NDArray[np.float32]

    def project(self, codes: NDArray[np.float32]) -> NDArray[np.float32]:
        """Project codes (n, d) to points (n, 2)."""
        return np.asarray((codes - self.mean) @ self.components.T, dtype=np.float32)

    def lift(self, points: NDArray[np.float32]) -> NDArray[np.float32]:
        """Map points (n, 2) to codes (n, d) on the plane through the mean."""
        return np.asarray(points @ self.components + self.mean, dtype=np.float32)


def pca(codes: NDArray[np.float32]) -> Pca:
    """Fit the first two principal components of codes (n, d), d ≥ 2.

    The largest coefficient of each component is positive, so that the signs are the same on all
    hosts; scikit-learn ensures it.
    """
    from sklearn.decomposition import PCA

    with np.errstate(invalid="ignore"):  # shares of a variance of 0, of equal codes
        fitted = PCA(n_components=2, svd_solver="full").fit(codes)
    return Pca(
        mean=fitted.mean_.astype(np.float32),
        components=fitted.components_.astype(np.float32),
        explained=np.nan_to_num(fitted.explained_variance_ratio_).astype(np.float32),
    )


def tsne(
    codes: NDArray[np.float32],
    *,
    perplexity: float = 30.0,
    seed: int = 0,
    threads: int = 1,
    progress: TsneProgress | None = None,
    every: int = 50,
) -> NDArray[np.float32]:
    """Project codes (n, d) to (n, 2) by t-SNE (van der Maaten & Hinton 2008; openTSNE).

    It starts from the principal components and is deterministic.

    Parameters
    ----------
    perplexity
        Effective number of neighbours, from 2 to a third of the points.
    progress
        Called after every ``every`` iterations; if it returns False, the current points are
        returned.

    Raises
    ------
    ConfigError
        If the perplexity is not allowed, or all codes are equal.
    """
    check_perplexity(perplexity, len(codes))
    if (codes == codes[0]).all():
        raise ConfigError("all codes are equal (posterior collapse): t-SNE has nothing to arrange")
    from openTSNE import TSNE

    settings = descent(len(codes))
    total = settings.iterations

    def report(iteration: int, divergence: float, embedding: NDArray[np.float64]) -> bool | None:
        # openTSNE counts each of its two phases from 1, and stops if the result is True.
        if progress is None:
            return None
        counted["done"] += every
        points = np.asarray(embedding, dtype=np.float32)
        return not progress(min(counted["done"], total), total, divergence, points)

    counted = {"done": 0}
    embedding = TSNE(
        perplexity=perplexity,
        initialization="pca",
        early_exaggeration_iter=settings.exaggerated,
        n_iter=total - settings.exaggerated,
        initial_momentum=settings.early_momentum,
        final_momentum=settings.momentum,
        ints_in_interval=settings.interval,
        negative_gradient_method="fft" if len(codes) >= MANY else "bh",
        random_state=seed,
        n_jobs=threads,
        callbacks=report,
        callbacks_every_iters=every,
    ).fit(codes)
    return np.asarray(embedding, dtype=np.float32)


def check_perplexity(perplexity: float, n: int) -> None:
    """Raise ConfigError for a perplexity that is not allowed for ``n`` points."""
    if not 2 <= perplexity <= (n - 1) / 3:
        raise ConfigError(
            f"perplexity {perplexity:g}: allowed are 2 to {(n - 1) // 3} for {n} points"
        )
