"""Simulated graphs: structures, samples, and the best possible likelihood."""

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
from vae_core.errors import DatasetError


@pytest.fixture(params=["graphs", "graphs-symmetric"])
def dataset(request: pytest.FixtureRequest, tmp_path: Path) -> data.ImageDataset:
    """Return both variants, from an empty data folder."""
    return data.load_dataset(request.param, data_dir=tmp_path)


def test_shapes_and_counts(dataset: data.ImageDataset):
    """300 training graphs of 68 nodes and 900 test graphs, a third of each structure."""
    assert dataset.image_shape == (1, 68, 68)
    assert dataset.classes == ("sparse", "small world", "community")
    for split, each in ((dataset.train, 100), (dataset.test, 300)):
        assert set(split.images.unique().tolist()) == {0, 255}
        assert split.labels is not None
        assert split.labels.bincount().tolist() == [each] * 3
        assert (split.images.diagonal(dim1=2, dim2=3) == 0).all()
    ids = torch.cat([dataset.train.ids, dataset.test.ids])
    assert ids.equal(torch.arange(1200))


def test_triangles_are_mirrored_only_on_request(tmp_path: Path):
    """The default draws both triangles independently; the symmetric one mirrors."""
    both = data.load_dataset("graphs", data_dir=tmp_path).train.images
    mirrored = data.load_dataset("graphs-symmetric", data_dir=tmp_path).train.images
    assert mirrored.equal(mirrored.mT)
    assert (both != both.mT).any((1, 2, 3)).all()


def test_the_draws_are_the_same_each_time(dataset: data.ImageDataset, tmp_path: Path):
    """The simulation returns the graphs that the pretrained model was trained on."""
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
    """The true likelihood is better than the smoothed frequencies of the 300 training graphs."""
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


def test_matrices_read_back_as_graphs(dataset: data.ImageDataset):
    """An adjacency matrix makes the graph that it says, for drawing it."""
    matrix = dataset.train.images[0, 0].numpy() > 0
    graph = networkx.from_numpy_array(matrix, create_using=networkx.DiGraph)
    assert graph.number_of_nodes() == 68
    assert graph.number_of_edges() == matrix.sum()


def as_csv(matrix: np.ndarray, separator: str = ",") -> bytes:
    """Write a matrix one row a line."""
    return "\n".join(separator.join(f"{v:g}" for v in row) for row in matrix).encode()


@pytest.mark.parametrize("separator", [",", ";", "\t", " ", ", "])
def test_a_matrix_is_read_with_any_separator(separator: str):
    """A graph is read as it was written."""
    images, _ = graphs.draw(1, symmetric=False, generator=torch.Generator().manual_seed(2))
    written = as_csv(images[0, 0].numpy() / 255, separator)
    assert torch.equal(graphs.read(written), images[0].float() / 255)


def test_edges_are_read_as_the_matrix_that_they_make():
    """Both directions are set, with the weight, if any; a first line of words is skipped."""
    found = graphs.read(b"source,target,weight\r\n0,1,1\r\n\r\n67,3,0.25\r\n")
    assert found.shape == (1, 68, 68)
    assert found.sum() == 2.5
    assert found[0, 0, 1] == found[0, 1, 0] == 1
    assert found[0, 67, 3] == found[0, 3, 67] == 0.25
    assert graphs.read(b"0 1\n1 2\n").sum() == 4


def test_levels_of_one_size_are_edges():
    """A matrix of 0 and 255 is one of 0 and 1."""
    matrix = np.eye(68) * 255
    assert torch.equal(graphs.read(as_csv(matrix))[0], torch.eye(68))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "mine.csv holds no numbers"),
        (b"\xff\xfe\x00", "mine.csv is not text"),
        (as_csv(np.zeros((67, 68))), "67 rows of 68 columns; a graph of 68 nodes is 68 × 68"),
        (as_csv(np.zeros((3, 10))), "lines of 10 numbers; allowed are 68 lines of 68"),
        (b"0,1\n1,two\n", "line 2: '1 two' where numbers are needed"),
        (b"0,68\n", "joins 0 and 68; nodes are whole numbers from 0 to 67"),
        (b"0,1.5\n", "joins 0 and 1.5; nodes are whole numbers"),
        (b"nan,1\n0,nan\n", "nodes are whole numbers"),
        (b"0,1,3\n1,2,4\n", "weights up to 4; allowed are 0 to 1, or 0 and one other"),
        (b"0,1,-1\n", "negative or not finite"),
        (b"0,1,inf\n", "negative or not finite"),
        (b"0" * 2_000_000, "more than the 1,048,576 bytes"),
    ],
)
def test_what_is_no_network_is_refused_in_a_sentence(content: bytes, says: str):
    """The sentence names the file, what was found, and what is allowed."""
    with pytest.raises(DatasetError) as refused:
        graphs.read(content, "mine.csv")
    assert says in str(refused.value)
    assert "mine.csv" in str(refused.value)


def test_nodes_are_drawn_on_a_circle_in_their_order():
    """Neighbours in the matrix are neighbours, and the two communities are two halves."""
    places = graphs.layout()
    assert places.shape == (68, 2)
    np.testing.assert_allclose(np.linalg.norm(places, axis=1), 1)
    steps = np.linalg.norm(places - np.roll(places, 1, axis=0), axis=1)
    np.testing.assert_allclose(steps, steps[0])
    assert (places[:34, 0] > 0).all()
    assert (places[34:, 0] < 0).all()
