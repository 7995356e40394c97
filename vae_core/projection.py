"""Two-dimensional maps of codes that have more dimensions than a page."""

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
    """How a t-SNE map is led downhill: iterations, those exaggerated, momenta, and the grid.

    ``interval`` is the width of the squares between which repulsion is interpolated.
    """

    iterations: int = 750
    exaggerated: int = 250
    early_momentum: float = 0.8
    momentum: float = 0.8
    interval: float = 1.0


#: The usual one, and that of ``MANY`` points, whose repulsion is interpolated. Many points spread
#: for long in one direction, which a high momentum does in half the iterations (few points it
#: throws about); the kernel is wider than squares of 2, which cost a quarter of those of 1.
USUAL = Descent()
FAR = Descent(iterations=500, exaggerated=150, early_momentum=0.5, momentum=0.95, interval=2.0)
MANY = 10_000


def descent(n: int) -> Descent:
    """Return the way downhill that suits ``n`` points."""
    return FAR if n >= MANY else USUAL


@dataclass(frozen=True)
class Pca:
    """The plane of greatest variance; linear, so every point on it has a code.

    ``components`` is (2, d) with orthonormal rows, ``mean`` (d,), ``explained`` the two shares
    of the total variance.
    """

    mean: NDArray[np.float32]
    components: NDArray[np.float32]
    explained: NDArray[np.float32]

    def project(self, codes: NDArray[np.float32]) -> NDArray[np.float32]:
        """Codes (n, d) → points (n, 2)."""
        return np.asarray((codes - self.mean) @ self.components.T, dtype=np.float32)

    def lift(self, points: NDArray[np.float32]) -> NDArray[np.float32]:
        """Points (n, 2) → the codes (n, d) on the plane through the mean."""
        return np.asarray(points @ self.components + self.mean, dtype=np.float32)


def pca(codes: NDArray[np.float32]) -> Pca:
    """Fit the first two principal components of codes (n, d), d ≥ 2.

    Each component points where its largest coefficient is positive (scikit-learn sees to it), so
    maps do not flip between machines.
    """
    from sklearn.decomposition import PCA

    fitted = PCA(n_components=2, svd_solver="full").fit(codes)
    return Pca(
        mean=fitted.mean_.astype(np.float32),
        components=fitted.components_.astype(np.float32),
        explained=fitted.explained_variance_ratio_.astype(np.float32),
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
    """Embed codes (n, d) in the plane by t-SNE (van der Maaten & Hinton 2008), openTSNE's.

    Starts from the principal components, so the same codes give the same picture.

    Parameters
    ----------
    perplexity
        Effective number of neighbours, from 2 up to a third of the points.
    progress
        Called every ``every`` iterations; returning False stops with the points so far.
    """
    check_perplexity(perplexity, len(codes))
    from openTSNE import TSNE

    way = descent(len(codes))
    total = way.iterations

    def report(iteration: int, divergence: float, embedding: NDArray[np.float64]) -> bool | None:
        # openTSNE counts each of its two phases from 1 and stops on True.
        if progress is None:
            return None
        counted["done"] += every
        points = np.asarray(embedding, dtype=np.float32)
        return not progress(min(counted["done"], total), total, divergence, points)

    counted = {"done": 0}
    embedding = TSNE(
        perplexity=perplexity,
        initialization="pca",
        early_exaggeration_iter=way.exaggerated,
        n_iter=total - way.exaggerated,
        initial_momentum=way.early_momentum,
        final_momentum=way.momentum,
        ints_in_interval=way.interval,
        negative_gradient_method="fft" if len(codes) >= MANY else "bh",
        random_state=seed,
        n_jobs=threads,
        callbacks=report,
        callbacks_every_iters=every,
    ).fit(codes)
    return np.asarray(embedding, dtype=np.float32)


def check_perplexity(perplexity: float, n: int) -> None:
    """Refuse a perplexity that ``n`` points cannot have."""
    if not 2 <= perplexity <= (n - 1) / 3:
        raise ConfigError(
            f"perplexity {perplexity:g}: allowed are 2 to {(n - 1) // 3} for {n} points"
        )
