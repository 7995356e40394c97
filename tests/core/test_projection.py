"""Projections: PCA against a singular value decomposition, t-SNE against a random layout."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from vae_core import projection
from vae_core.errors import ConfigError


def blobs(n: int = 30, d: int = 6) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Three clusters of n points each, and which is which."""
    draws = np.random.default_rng(0)
    centres = 4 * np.eye(3, d)
    labels = np.repeat(np.arange(3), n)
    points = centres[labels] + 0.3 * draws.standard_normal((3 * n, d))
    return points.astype(np.float32), labels


def purity(points: NDArray[np.float32], labels: NDArray[np.int64]) -> float:
    """Share of points whose nearest other point has the same label."""
    squared = ((points[:, None] - points[None]) ** 2).sum(-1)
    np.fill_diagonal(squared, np.inf)
    return float((labels[squared.argmin(1)] == labels).mean())


def test_pca_is_the_singular_value_decomposition() -> None:
    """Same plane and same shares of variance; rows are orthonormal."""
    codes, _ = blobs()
    plane = projection.pca(codes)
    centred = codes.astype(float) - codes.astype(float).mean(0)
    _, values, right = np.linalg.svd(centred, full_matrices=False)
    np.testing.assert_allclose(plane.mean, codes.mean(0), atol=1e-5)
    np.testing.assert_allclose(plane.components @ plane.components.T, np.eye(2), atol=1e-5)
    np.testing.assert_allclose(np.abs((plane.components * right[:2]).sum(1)), 1, atol=1e-4)
    np.testing.assert_allclose(plane.explained, (values**2 / (values**2).sum())[:2], rtol=1e-4)


def test_pca_does_not_flip() -> None:
    """Mirrored codes have the same axes: the largest coefficient of each is positive."""
    codes, _ = blobs()
    for plane in (projection.pca(codes), projection.pca(-codes)):
        for component in plane.components:
            assert component[np.abs(component).argmax()] > 0


def test_a_lifted_point_projects_onto_itself() -> None:
    """Every point of the map has a code; lifting a projected code lands nearest on the plane."""
    codes, _ = blobs()
    plane = projection.pca(codes)
    points = np.random.default_rng(1).standard_normal((20, 2)).astype(np.float32)
    np.testing.assert_allclose(plane.project(plane.lift(points)), points, atol=1e-5)

    nearest = plane.lift(plane.project(codes))
    missing = ((codes - nearest) ** 2).sum(1)
    draws = np.random.default_rng(2)
    moved = plane.lift(plane.project(codes) + draws.standard_normal((90, 2)).astype(np.float32))
    assert (missing < ((codes - moved) ** 2).sum(1)).all()


def test_tsne_separates_what_a_random_layout_mixes() -> None:
    """Neighbours on the map share their cluster; in a random layout one in three does.

    The same codes give the same map.
    """
    codes, labels = blobs()
    points = projection.tsne(codes, perplexity=10, threads=1)
    assert points.shape == (90, 2)
    assert points.dtype == np.float32
    assert purity(points, labels) > 0.95
    scattered = np.random.default_rng(0).standard_normal((90, 2)).astype(np.float32)
    assert purity(scattered, labels) < 0.6
    again = projection.tsne(codes, perplexity=10, threads=1)
    np.testing.assert_array_equal(points, again)


def test_tsne_reports_and_can_be_stopped() -> None:
    """Progress counts up to the total; a callback's False ends it with the points so far."""
    codes, _ = blobs(10)
    told: list[tuple[int, int]] = []

    def watch(iteration: int, total: int, divergence: float, points: object) -> bool:
        told.append((iteration, total))
        assert np.isfinite(divergence)
        assert np.shape(points) == (30, 2)
        return True

    whole = projection.tsne(codes, perplexity=5, threads=1, progress=watch)
    assert [iteration for iteration, _ in told] == list(range(50, 751, 50))
    assert {total for _, total in told} == {750}

    def stop(iteration: int, total: int, divergence: float, points: object) -> bool:
        stopped.append(np.array(points))
        return iteration < 150

    stopped: list[NDArray[np.float32]] = []
    early = projection.tsne(codes, perplexity=5, threads=1, progress=stop)
    assert len(stopped) == 3
    np.testing.assert_allclose(early, stopped[-1], atol=1e-6)
    assert not np.allclose(early, whole)


@pytest.mark.parametrize("perplexity", [1.9, 10.0])
def test_perplexity_has_bounds(perplexity: float) -> None:
    """From 2 to a third of the points."""
    codes, _ = blobs(10)
    with pytest.raises(ConfigError, match=r"perplexity .*: allowed are 2 to 9 for 30 points"):
        projection.tsne(codes, perplexity=perplexity)
