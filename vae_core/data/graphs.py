"""Simulated graphs of 68 nodes in three structures; their adjacency matrices are the images.

The simulation of Zhang & Wu (2020), section 6.1. A structure is a matrix of edge probabilities, and
each edge of a graph is drawn independently. Since the probabilities are known, so is the best
possible likelihood: :func:`optimum`.
"""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vae_core.data.dataset import ImageDataset, Split
from vae_core.data.source import Source
from vae_core.errors import DatasetError

NODES = 68
#: Random graphs whose mean adjacency matrix is a structure's matrix of edge probabilities.
AVERAGED = 100
#: Training graphs of each structure, as in Zhang & Wu (2020), and test graphs, which they lack.
TRAIN_EACH, TEST_EACH = 100, 300
#: Seed of the matrices and of the graphs.
SEED = 663
#: Largest file of a graph, in bytes: a matrix of long numbers has some 100,000.
MAX_BYTES = 2**20


def _sparse(seed: Callable[[], int]) -> NDArray[np.float64]:
    import networkx

    return 0.8 * _mean_adjacency([networkx.gnm_random_graph(NODES, 400, seed=seed())])


def _small_world(seed: Callable[[], int]) -> NDArray[np.float64]:
    import networkx

    build = functools.partial(networkx.watts_strogatz_graph, NODES, 10, 0.5)
    return _mean_adjacency([build(seed=seed()) for _ in range(AVERAGED)])


def _community(seed: Callable[[], int]) -> NDArray[np.float64]:
    import networkx

    halves = [NODES // 2, NODES // 2]
    build = functools.partial(networkx.random_partition_graph, halves, 0.25, 0.01)
    return _mean_adjacency([build(seed=seed()) for _ in range(AVERAGED)])


def _mean_adjacency(graphs: Sequence[object]) -> NDArray[np.float64]:
    import networkx

    matrices = [networkx.to_numpy_array(graph, nodelist=range(NODES)) for graph in graphs]
    return np.asarray(np.mean(matrices, axis=0), dtype=np.float64)


#: Matrix of edge probabilities of each structure, from a function that returns random seeds.
STRUCTURES: dict[str, Callable[[Callable[[], int]], NDArray[np.float64]]] = {
    "sparse": _sparse,
    "small world": _small_world,
    "community": _community,
}


@functools.cache
def edge_probabilities() -> Tensor:
    """Probability of each edge in each structure, float64 (3, 68, 68); the diagonal is zero."""
    random = np.random.default_rng(SEED)
    seed = lambda: int(random.integers(2**31))  # noqa: E731
    return torch.from_numpy(np.stack([matrix(seed) for matrix in STRUCTURES.values()]))


def draw(n: int, *, symmetric: bool, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Draw ``n`` graphs; graph i has structure i mod 3.

    Parameters
    ----------
    symmetric
        Draw one triangle and mirror it, for undirected graphs; else draw both triangles
        independently, as Zhang & Wu (2020) do.

    Returns
    -------
    tuple
        Adjacency matrices, uint8 (n, 1, 68, 68) of 0 and 255; structures, int64 (n,).
    """
    labels = torch.arange(n) % len(STRUCTURES)
    uniform = torch.rand(n, NODES, NODES, generator=generator, dtype=torch.float64)
    edges = uniform < edge_probabilities()[labels]
    if symmetric:
        upper = edges.triu(1)
        edges = upper | upper.mT
    return edges.unsqueeze(1).to(torch.uint8) * 255, labels


@dataclass(frozen=True)
class Optimum:
    """Best possible negative log-likelihood, in nats per graph.

    ``expected`` is the mean over all graphs: the entropy of the edges plus log 3 for the structure.
    ``mean`` ± ``se`` is that of a sample, whose values under the true mixture are in ``nll`` (n,).
    By chance a model may be better than ``expected`` on the sample; one that is significantly
    better than ``mean`` is wrong.
    """

    expected: float
    mean: float
    se: float
    nll: Tensor


def optimum(images: Tensor, *, symmetric: bool = False) -> Optimum:
    """Compute the likelihood of graphs, uint8 (n, 1, 68, 68), under the true mixture."""
    nll = exact_nll(images, symmetric=symmetric)
    p = edge_probabilities()
    entropy = (torch.special.entr(p) + torch.special.entr(1 - p)) * _counted(symmetric)
    return Optimum(
        expected=float(entropy.sum((1, 2)).mean()) + math.log(len(STRUCTURES)),
        mean=float(nll.mean()),
        se=float(nll.std()) / math.sqrt(len(nll)),
        nll=nll,
    )


def exact_nll(images: Tensor, *, symmetric: bool = False) -> Tensor:
    """−log (1/3) Σ over structures of Π over edges p(edge): uint8 (n, 1, 68, 68) → float64 (n,).

    It is infinite for an impossible graph. With ``symmetric`` only one triangle counts, whereas a
    decoder of independent pixels has both.
    """
    edges = (images.flatten(1) > 127).double()
    counted = _counted(symmetric).flatten()
    p = edge_probabilities().flatten(1)
    # −1e9 in place of −∞, which would be NaN times 0 for an edge that is absent.
    log_edge, log_none = p.log().clamp(min=-1e9), (1 - p).log().clamp(min=-1e9)
    by_structure = edges @ (log_edge * counted).T + (1 - edges) @ (log_none * counted).T
    log_p = torch.logsumexp(by_structure, dim=1) - math.log(len(STRUCTURES))
    return torch.where(log_p > -1e8, -log_p, math.inf)


def layout() -> NDArray[np.float64]:
    """Positions of the nodes in a drawing, (68, 2) from -1 to 1.

    They are on a circle, clockwise from the top, in the order of their indices: neighbours of a
    small world are adjacent, and the two communities are the right and the left half.
    """
    turns = (np.arange(NODES) + 0.5) / NODES
    return np.stack([np.sin(2 * np.pi * turns), np.cos(2 * np.pi * turns)], axis=1)


def read(content: bytes, name: str = "The file") -> Tensor:
    """Parse a graph from text: an adjacency matrix, or a list of edges.

    Numbers are separated by commas, semicolons, tabs or spaces, with one row per line; a first
    line of words is ignored. 68 columns are a matrix of weights from 0 to 1, or of 0 and one other
    weight. Two or three columns are the nodes of an undirected edge, 0 to 67, and its weight.

    Returns
    -------
    Tensor
        float32 (1, 68, 68) in [0, 1].

    Raises
    ------
    DatasetError
        If the text has another form; the sentence says which.
    """
    rows = _rows(content, name)
    widths = {len(row) for row in rows}
    if widths == {NODES}:
        if len(rows) != NODES:
            raise DatasetError(
                f"{name} has {len(rows)} rows of {NODES} columns; a graph of {NODES} nodes is "
                f"{NODES} × {NODES}."
            )
        return _weights(np.array(rows), name)
    if widths <= {2, 3}:
        return _edges(rows, name)
    found = ", ".join(str(width) for width in sorted(widths)[:4])
    raise DatasetError(
        f"{name} has lines of {found} numbers; allowed are {NODES} lines of {NODES}, the "
        f"adjacency matrix of {NODES} nodes, or edges: two nodes a line, and a weight."
    )


def _rows(content: bytes, name: str) -> list[list[float]]:
    if len(content) > MAX_BYTES:
        raise DatasetError(f"{name} has more than the {MAX_BYTES:,} bytes that a graph needs.")
    try:
        lines = content.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError:
        raise DatasetError(f"{name} is not text: a CSV file of numbers is needed.") from None
    parts = [re.split(r"[,;\s]+", line.strip().strip(",;")) for line in lines if line.strip()]
    rows = []
    for number, row in enumerate(parts, start=1):
        try:
            rows.append([float(value) for value in row])
        except ValueError:
            if number > 1:
                raise DatasetError(
                    f"{name}, line {number}: {' '.join(row)[:40]!r} where numbers are needed."
                ) from None
    if not rows:
        raise DatasetError(f"{name} holds no numbers.")
    return rows


def _weights(matrix: NDArray[np.float64], name: str) -> Tensor:
    if not np.isfinite(matrix).all() or matrix.min() < 0:
        raise DatasetError(
            f"{name} has weights that are negative or not finite; allowed are 0 to 1."
        )
    if matrix.max() > 1:
        if len(np.unique(matrix)) > 2:
            raise DatasetError(
                f"{name} has weights up to {matrix.max():g}; allowed are 0 to 1, or 0 and one "
                "other."
            )
        matrix = (matrix > 0).astype(np.float64)
    return torch.from_numpy(matrix).float()[None]


def _edges(rows: list[list[float]], name: str) -> Tensor:
    matrix = np.zeros((NODES, NODES))
    for row in rows:
        if not all(node.is_integer() and 0 <= node < NODES for node in row[:2]):
            raise DatasetError(
                f"{name} joins {row[0]:g} and {row[1]:g}; nodes are whole numbers from 0 to "
                f"{NODES - 1}."
            )
        i, j = int(row[0]), int(row[1])
        matrix[i, j] = matrix[j, i] = row[2] if len(row) == 3 else 1.0
    return _weights(matrix, name)


def load(root: Path, *, symmetric: bool = False) -> ImageDataset:
    """Simulate 300 training graphs, as Zhang & Wu (2020) do, and 900 test graphs."""
    n_train, n_test = TRAIN_EACH * len(STRUCTURES), TEST_EACH * len(STRUCTURES)
    generator = torch.Generator().manual_seed(SEED)
    images, labels = draw(n_train + n_test, symmetric=symmetric, generator=generator)
    everything = Split(images=images, labels=labels, ids=torch.arange(len(labels)))
    rows = torch.arange(len(labels))
    source = GRAPHS_SYMMETRIC if symmetric else GRAPHS
    return ImageDataset(
        name=source.name,
        title=source.title,
        train=everything.take(rows[:n_train]),
        test=everything.take(rows[n_train:]),
        classes=tuple(STRUCTURES),
    )


def _counted(symmetric: bool) -> Tensor:
    every = torch.ones(NODES, NODES, dtype=torch.float64)
    return every.triu(1) if symmetric else every


GRAPHS = Source(
    name="graphs",
    title="Graphs of 68 nodes",
    load=load,
    home="https://networkx.org",
    licence="simulated: none is needed",
)
GRAPHS_SYMMETRIC = Source(
    name="graphs-symmetric",
    title="Graphs of 68 nodes, undirected",
    load=functools.partial(load, symmetric=True),
    home="https://networkx.org",
    licence="simulated: none is needed",
)

#: Names of the datasets whose images are adjacency matrices.
NAMES = (GRAPHS.name, GRAPHS_SYMMETRIC.name)
