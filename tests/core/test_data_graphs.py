"""Simulated networks: the three structures, their draws, and the likelihood none can beat."""

from __future__ import annotations

import itertools
import math
from pathlib import Path

import networkx
import numpy as np
import pytest
import torch

from vae_core import data
from vae_core.data import graphs


@pytest.fixture(params=["graphs", "graphs-symmetric"])
def dataset(request: pytest.FixtureRequest, tmp_path: Path) -> data.ImageDataset:
    """Return both variants, from an empty data folder."""
    return data.load_dataset(request.param, data_dir=tmp_path)


def test_shapes_and_counts(dataset: data.ImageDataset):
    """300 networks of 68 nodes to train on, 900 to test on, a third of each structure."""
    assert dataset.image_shape == (1, 68, 68)
    assert dataset.classes == ("sparse", "small world", "community")
    for split, each in ((dataset.train, 100), (dataset.test, 300)):
        assert set(split.images.unique().tolist()) == {0, 255}
        assert split.labels is not None
        assert split.labels.bincount().tolist() == [each] * 3
        assert (split.images.diagonal(dim1=2, dim2=3) == 0).all()
    ids = torch.cat([dataset.train.ids, dataset.test.ids])
    assert ids.equal(torch.arange(1200))


def test_triangles_are_mirrored_only_where_asked(tmp_path: Path):
    """The default draws both triangles independently; the symmetric one mirrors."""
    both = data.load_dataset("graphs", data_dir=tmp_path).train.images
    mirrored = data.load_dataset("graphs-symmetric", data_dir=tmp_path).train.images
    assert mirrored.equal(mirrored.mT)
    assert (both != both.mT).any((1, 2, 3)).all()


def test_the_draws_are_the_same_each_time(dataset: data.ImageDataset, tmp_path: Path):
    """A model in the repository meets the networks that it was trained on."""
    again = data.load_dataset(dataset.name, data_dir=tmp_path)
    assert again.train.images.equal(dataset.train.images)
    assert again.test.images.equal(dataset.test.images)


def test_edge_probabilities_are_those_of_the_structures():
    """Sparse: 0.8 on 400 edges; the others: means of 100 graphs with the right densities."""
    sparse, small_world, community = graphs.edge_probabilities()
    assert sparse.unique().tolist() == [0.0, 0.8]
    assert (sparse > 0).sum() == 800
    # Watts and Strogatz keep n · k / 2 edges; k/2 neighbours on each side stay with 1 − p.
    assert small_world.sum().item() == pytest.approx(68 * 10)
    ring = torch.stack([small_world.diagonal(step) for step in (1,)])
    assert ring.mean().item() == pytest.approx(0.5, abs=0.1)
    assert (small_world * 100 - (small_world * 100).round()).abs().max() < 1e-9
    within = community[:34, :34].sum() / (34 * 33)
    across = community[:34, 34:].mean()
    assert within.item() == pytest.approx(0.25, abs=0.01)
    assert across.item() == pytest.approx(0.01, abs=0.002)
    assert all(p.equal(p.mT) for p in (sparse, small_world, community))


def test_observed_edges_follow_their_structure():
    """The mean of many draws is the probability, to its standard error; edges do not vary else."""
    images, labels = graphs.draw(3000, symmetric=False, generator=torch.Generator().manual_seed(1))
    for structure, p in enumerate(graphs.edge_probabilities()):
        edges = (images[labels == structure, 0] > 0).double()
        error = (p * (1 - p) / len(edges)).sqrt()
        z = (edges.mean(0) - p)[error > 0] / error[error > 0]
        assert z.square().mean().item() == pytest.approx(1.0, abs=0.15)
        assert (edges.mean(0)[error == 0] == p[error == 0]).all()


@pytest.mark.parametrize("symmetric", [False, True])
def test_exact_likelihood_by_hand(symmetric: bool):
    """It is the mean over structures of a product over edges, taken pair by pair."""
    images, _ = graphs.draw(6, symmetric=symmetric, generator=torch.Generator().manual_seed(2))
    found = graphs.exact_nll(images, symmetric=symmetric)
    for image, nll in zip(images[:, 0].numpy() > 0, found, strict=True):
        terms = []
        for p in graphs.edge_probabilities().numpy():
            pairs = (
                (i, j)
                for i, j in itertools.product(range(68), repeat=2)
                if (i < j if symmetric else i != j)
            )
            drawn = [p[pair] if image[pair] else 1 - p[pair] for pair in pairs]
            terms.append(sum(math.log(value) if value else -math.inf for value in drawn))
        expected = -float(np.logaddexp.reduce(terms)) + math.log(3)
        assert nll.item() == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("symmetric", [False, True])
def test_the_optimum_is_the_entropy(symmetric: bool):
    """The mean likelihood of many draws is entropy + log 3, to its standard error."""
    images, _ = graphs.draw(1500, symmetric=symmetric, generator=torch.Generator().manual_seed(3))
    best = graphs.optimum(images, symmetric=symmetric)
    # Between structures the likelihood differs by far more than within: compare by stratum.
    per_structure = best.nll.reshape(-1, 3)
    error = float(per_structure.std(0).square().sum().sqrt()) / 3 / math.sqrt(len(per_structure))
    assert error < best.se
    assert abs(best.mean - best.expected) < 4 * error


def test_no_other_probabilities_do_better():
    """The truth beats what the 300 training networks suggest: their own frequencies, smoothed."""
    train, labels = graphs.draw(300, symmetric=False, generator=torch.Generator().manual_seed(4))
    test, _ = graphs.draw(300, symmetric=False, generator=torch.Generator().manual_seed(5))
    counts = torch.stack([(train[labels == s, 0] > 0).double().sum(0) for s in range(3)])
    p = ((counts + 0.5) / 101).flatten(1)
    edges = (test.flatten(1) > 0).double()
    log_p = torch.logsumexp(edges @ p.log().T + (1 - edges) @ (1 - p).log().T, 1) - math.log(3)
    assert (-log_p - graphs.exact_nll(test)).mean() > 1


def test_an_impossible_network_has_no_likelihood():
    """A node joined to itself is drawn by no structure."""
    images, _ = graphs.draw(1, symmetric=False, generator=torch.Generator().manual_seed(6))
    images[0, 0, 5, 5] = 255
    assert graphs.exact_nll(images).item() == math.inf


def test_matrices_read_back_as_networks(dataset: data.ImageDataset):
    """An adjacency matrix makes the graph that it says, for drawing it."""
    matrix = dataset.train.images[0, 0].numpy() > 0
    graph = networkx.from_numpy_array(matrix, create_using=networkx.DiGraph)
    assert graph.number_of_nodes() == 68
    assert graph.number_of_edges() == matrix.sum()
