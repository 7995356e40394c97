"""Networks of 68 nodes in three structures, simulated: adjacency matrices as images, no file.

The simulation of Zhang & Wu (2020), section 6.1. A structure is a matrix of edge probabilities;
each network draws every edge independently from the matrix of its structure. Since the
probabilities are known, so is the likelihood that no model can beat: :func:`optimum`.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vae_core.data.dataset import ImageDataset, Split
from vae_core.data.source import Source

NODES = 68
#: Graphs whose mean adjacency matrix is a structure's matrix of edge probabilities.
AVERAGED = 100
#: Training networks of a structure, as in the report; and further draws to test on, where the
#: report has none.
TRAIN_EACH, TEST_EACH = 100, 300
#: Of the matrices and of the draws.
SEED = 663


def _sparse(random: np.random.Generator) -> NDArray[np.float64]:
    import networkx

    return 0.8 * _adjacency(networkx.gnm_random_graph(NODES, 400, seed=_seed(random)))


def _small_world(random: np.random.Generator) -> NDArray[np.float64]:
    import networkx

    graphs = (
        networkx.watts_strogatz_graph(NODES, 10, 0.5, seed=_seed(random)) for _ in range(AVERAGED)
    )
    return np.asarray(np.mean([_adjacency(graph) for graph in graphs], axis=0))


def _community(random: np.random.Generator) -> NDArray[np.float64]:
    import networkx

    halves = [NODES // 2, NODES // 2]
    graphs = (
        networkx.random_partition_graph(halves, 0.25, 0.01, seed=_seed(random))
        for _ in range(AVERAGED)
    )
    return np.asarray(np.mean([_adjacency(graph) for graph in graphs], axis=0))


STRUCTURES: dict[str, Callable[[np.random.Generator], NDArray[np.float64]]] = {
    "sparse": _sparse,
    "small world": _small_world,
    "community": _community,
}


@functools.cache
def edge_probabilities() -> Tensor:
    """Probability of each edge in each structure, float64 (3, 68, 68), zero on the diagonal."""
    random = np.random.default_rng(SEED)
    return torch.from_numpy(np.stack([matrix(random) for matrix in STRUCTURES.values()]))


def draw(n: int, *, symmetric: bool, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Draw ``n`` networks, the structures taking turns.

    Parameters
    ----------
    symmetric
        Draw one triangle and mirror it, as an undirected network has it; else both triangles
        are drawn independently, as the report did.

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
    """The best possible negative log-likelihood, in nats per network.

    ``expected`` is that of the simulator: mean entropy of the edges plus log 3 for the structure.
    ``mean`` ± ``se`` is that of given networks, whose likelihoods under the true mixture are in
    ``nll`` (n,): a model that is better than ``expected`` on them may have been lucky with the
    draw, one that is better than ``mean`` beyond the error of the difference is wrong.
    """

    expected: float
    mean: float
    se: float
    nll: Tensor


def optimum(images: Tensor, *, symmetric: bool = False) -> Optimum:
    """Measure networks, uint8 (n, 1, 68, 68), under the mixture that they are drawn from."""
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

    Infinite for a network that no structure can draw. With ``symmetric`` one triangle counts; a
    decoder of independent pixels pays for both.
    """
    edges = (images.flatten(1) > 127).double()
    counted = _counted(symmetric).flatten()
    p = edge_probabilities().flatten(1)
    # −1e9 in place of −∞: an edge that is there where it cannot be, times 0 where it is not.
    log_there, log_not = p.log().clamp(min=-1e9), (1 - p).log().clamp(min=-1e9)
    by_structure = edges @ (log_there * counted).T + (1 - edges) @ (log_not * counted).T
    log_p = torch.logsumexp(by_structure, dim=1) - math.log(len(STRUCTURES))
    return torch.where(log_p > -1e8, -log_p, math.inf)


def load(root: Path, *, symmetric: bool = False) -> ImageDataset:
    """Return 300 networks to train on, as in the report, and 900 further draws to test on.

    Parameters
    ----------
    root
        The data folder, which is not looked at.
    """
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


def _adjacency(graph: object) -> NDArray[np.float64]:
    import networkx

    return np.asarray(networkx.to_numpy_array(graph, nodelist=range(NODES)), dtype=np.float64)


def _seed(random: np.random.Generator) -> int:
    return int(random.integers(2**31))


def _counted(symmetric: bool) -> Tensor:
    every = torch.ones(NODES, NODES, dtype=torch.float64)
    return every.triu(1) if symmetric else every


GRAPHS = Source(
    name="graphs",
    title="Networks of 68 nodes",
    load=load,
    home="https://networkx.org",
    licence="simulated: none is needed",
)
GRAPHS_SYMMETRIC = Source(
    name="graphs-symmetric",
    title="Networks of 68 nodes, undirected",
    load=functools.partial(load, symmetric=True),
    home="https://networkx.org",
    licence="simulated: none is needed",
)
