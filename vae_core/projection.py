"""Two-dimensional maps of codes that have more dimensions than a page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vae_core.errors import ConfigError

#: Called with (iteration, total, Kullback–Leibler divergence, points); returning False stops.
TsneProgress = Callable[[int, int, float, NDArray[np.float32]], bool]
TSNE_ITERATIONS = 750
EARLY_EXAGGERATION = 250


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

    def report(iteration: int, divergence: float, embedding: NDArray[np.float64]) -> bool | None:
        # openTSNE counts each of its two phases from 1 and stops on True.
        if progress is None:
            return None
        counted["done"] += every
        points = np.asarray(embedding, dtype=np.float32)
        go_on = progress(min(counted["done"], TSNE_ITERATIONS), TSNE_ITERATIONS, divergence, points)
        return not go_on

    counted = {"done": 0}
    embedding = TSNE(
        perplexity=perplexity,
        initialization="pca",
        early_exaggeration_iter=EARLY_EXAGGERATION,
        n_iter=TSNE_ITERATIONS - EARLY_EXAGGERATION,
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
