"""t-SNE of a model's codes, against scikit-learn's, with its neighbours."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks import table, timing
from benchmarks.scale import Scale
from benchmarks.sections import Found
from benchmarks.table import Row
from benchmarks.timing import Say
from vae_core import model_folder, projection

TITLE = "t-SNE of 10,000 codes of 20 dimensions, neighbours included"
MODEL = "mnist-20d-paper"
PERPLEXITY = 30.0
#: Points compared with all others at once.
ROWS = 500

Points = NDArray[np.float64]


def measure(scale: Scale, threads: int, say: Say) -> Found:
    """Embed the same codes in turn, then hold both maps to one measure."""
    codes = model_folder.load_codes(MODEL).mu.numpy()[: scale.map_points]
    maps: dict[str, NDArray[Any]] = {}

    def ours() -> float:
        began = time.perf_counter()
        maps["ours"] = projection.tsne(codes, perplexity=PERPLEXITY, threads=threads)
        return time.perf_counter() - began

    def theirs() -> float:
        from sklearn.manifold import TSNE

        began = time.perf_counter()
        peer = TSNE(perplexity=PERPLEXITY, init="pca", n_jobs=threads, random_state=0)
        maps["scikit-learn"] = peer.fit_transform(codes)
        return time.perf_counter() - began

    found = timing.interleave(
        {"ours": ours, "scikit-learn": theirs}, scale.map_rounds, say, warm_up=False
    )
    p = affinities(codes.astype(np.float64), PERPLEXITY)
    divergence = {name: kl_divergence(p, points) for name, points in maps.items()}
    speed = timing.ratios(found["scikit-learn"], found["ours"])
    rows = [
        table.row(
            f"t-SNE of {len(codes):,} × {codes.shape[1]}, against scikit-learn",
            speed,
            "×",
            table.at_least(2),
        ),
        Row(
            "its Kullback–Leibler divergence, above scikit-learn's",
            100 * (divergence["ours"] / divergence["scikit-learn"] - 1),
            "%",
            goal=table.at_most(2),
            note=f"{divergence['ours']:.4f} and {divergence['scikit-learn']:.4f} nats, exact",
        ),
    ]
    rows += [table.row(f"{name}, seconds", spread, "s") for name, spread in found.items()]
    return Found(rows, found)


def affinities(codes: Points, perplexity: float) -> Any:
    """Return the joint probabilities of t-SNE, a sparse symmetric matrix that sums to one.

    van der Maaten & Hinton (2008), equation (1) and section 3.1, over the 3 · perplexity nearest
    neighbours (van der Maaten 2014, section 4.1): what both implementations match.

    Parameters
    ----------
    codes
        (n, d).
    """
    from scipy.sparse import csr_matrix
    from sklearn.neighbors import NearestNeighbors

    n = len(codes)
    k = min(n - 1, int(3 * perplexity))
    distances, rows = NearestNeighbors(n_neighbors=k).fit(codes).kneighbors()
    squared = distances**2
    low, high, precision = np.zeros(n), np.full(n, np.inf), np.ones(n)
    for _ in range(100):
        p = np.exp(-precision[:, None] * (squared - squared[:, :1]))
        p /= p.sum(1, keepdims=True)
        entropy = -(p * np.log(np.maximum(p, 1e-300))).sum(1)
        is_wide = entropy > np.log(perplexity)
        low, high = np.where(is_wide, precision, low), np.where(is_wide, high, precision)
        precision = np.where(np.isinf(high), 2 * precision, (low + high) / 2)
    matrix = csr_matrix((p.ravel(), rows.ravel(), np.arange(0, n * k + 1, k)), shape=(n, n))
    return ((matrix + matrix.T) / (2 * n)).tocoo()


def kl_divergence(p: Any, points: NDArray[Any]) -> float:
    """Return KL(P‖Q) of a map (n, 2) in nats, its normaliser summed over all pairs."""
    points = points.astype(np.float64)
    parts = np.array_split(points, -(-len(points) // ROWS))
    total = sum(float(_kernel(part[:, None] - points[None]).sum()) for part in parts)
    total -= len(points)  # no point is its own neighbour
    held = p.data > 0  # 0 · log 0 is 0
    weights, near = p.data[held], _kernel(points[p.row[held]] - points[p.col[held]])
    return float((weights * (np.log(weights) - np.log(near / total))).sum())


def _kernel(differences: Points) -> Points:
    kernel: Points = 1 / (1 + np.square(differences).sum(-1))
    return kernel
