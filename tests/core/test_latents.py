"""Grids, traversals, interpolation, neighbours and selections against other implementations."""

from __future__ import annotations

import numpy as np
import pytest
import small
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import norm

from vae_core import latents
from vae_core.errors import ConfigError


@pytest.mark.parametrize("n", [1, 5, 20, 30])
def test_quantiles_are_scipys(n: int) -> None:
    """Φ⁻¹ at the middles of n equal shares: ascending, and symmetric about zero."""
    found = latents.quantiles(n)
    np.testing.assert_allclose(found, norm.ppf((np.arange(n) + 0.5) / n), atol=1e-6)
    torch.testing.assert_close(found, -found.flip(0), atol=1e-6, rtol=0)


def test_the_grid_is_the_unit_square_through_the_quantiles() -> None:
    """The first dimension grows to the right, the second upwards; the others stay."""
    at = torch.tensor([9.0, 8.0, 7.0, 6.0])
    codes = latents.grid(6, dims=(2, 0), at=at)
    steps = norm.ppf((np.arange(6) + 0.5) / 6)
    assert codes.shape == (6, 6, 4)
    for row in range(6):
        for column in range(6):
            expected = [steps[5 - row], 8.0, steps[column], 6.0]
            np.testing.assert_allclose(codes[row, column], expected, atol=1e-6)
    assert at.tolist() == [9, 8, 7, 6]


@pytest.mark.parametrize("n", [4, 31])
def test_grid_sides_have_bounds(n: int) -> None:
    """5 to 30 are allowed, and both are."""
    at = torch.zeros(2)
    with pytest.raises(ConfigError, match=f"grid side {n}: allowed are 5 to 30"):
        latents.grid(n, dims=(0, 1), at=at)
    assert latents.grid(5, dims=(0, 1), at=at).shape == (5, 5, 2)
    assert latents.grid(30, dims=(0, 1), at=at).shape == (30, 30, 2)


@pytest.mark.parametrize("dims", [(0, 0), (0, 3), (-1, 1)])
def test_planes_that_do_not_exist_are_refused(dims: tuple[int, int]) -> None:
    """Two different dimensions of the latent space are needed."""
    with pytest.raises(ConfigError, match=r"plane .* from 0 to 2"):
        latents.grid(5, dims=dims, at=torch.zeros(3))


def test_decoding_gives_mean_images() -> None:
    """Any leading shape of codes; equal to the model's own mean."""
    model = small.model()
    codes = torch.randn(2, 5, 3)
    found = latents.decode(model, codes)
    assert found.shape == (2, 5, *small.SHAPE)
    torch.testing.assert_close(found[1, 2], model.decode(codes[1, 2]).mean)


def test_a_traversal_moves_one_dimension() -> None:
    """The others, and the code itself, stay."""
    z = torch.tensor([1.0, 2.0, 3.0])
    codes = latents.traverse(z, 1, [-1, 0, 5])
    assert codes.tolist() == [[1, -1, 3], [1, 0, 3], [1, 5, 3]]
    assert z.tolist() == [1, 2, 3]


@pytest.mark.parametrize("path", ["linear", "spherical"])
def test_paths_include_their_ends(path: str) -> None:
    """The first and the last code are the given ones."""
    start, end = torch.tensor([1.0, 2.0, 0.5]), torch.tensor([-2.0, 0.3, 1.0])
    codes = latents.interpolate(start, end, 7, path=path)  # type: ignore[arg-type]
    assert codes.shape == (7, 3)
    torch.testing.assert_close(codes[0], start)
    torch.testing.assert_close(codes[-1], end)


def test_a_linear_path_has_even_steps() -> None:
    """All differences are one."""
    codes = latents.interpolate(torch.tensor([0.0, 4.0]), torch.tensor([8.0, 0.0]), 5)
    assert codes.tolist() == [[0, 4], [2, 3], [4, 2], [6, 1], [8, 0]]


def test_a_spherical_path_turns_evenly() -> None:
    """Equal angles between neighbours, in the plane of both ends; lengths change linearly.

    A straight path, the contrast, passes nearer to the origin.
    """
    start, end = torch.tensor([3.0, 0.0, 0.0]), torch.tensor([0.0, 1.0, 0.0])
    codes = latents.interpolate(start, end, 10, path="spherical")
    torch.testing.assert_close(codes.norm(dim=1), torch.linspace(3, 1, 10))
    angles = torch.atan2(codes[:, 1], codes[:, 0])
    torch.testing.assert_close(angles, torch.linspace(0, torch.pi / 2, 10))
    straight = latents.interpolate(start, end, 10)
    assert straight.norm(dim=1).min() < 0.97


@pytest.mark.parametrize(
    ("start", "end"),
    [([1.0, 0.0], [2.0, 0.0]), ([1.0, 0.0], [-1.0, 0.0]), ([0.0, 0.0], [1.0, 1.0])],
    ids=["parallel", "opposite", "from the origin"],
)
def test_where_no_great_circle_is_defined_the_path_is_straight(
    start: list[float], end: list[float]
) -> None:
    """Nothing divides by zero."""
    a, b = torch.tensor(start), torch.tensor(end)
    expected = latents.interpolate(a, b, 5)
    assert torch.equal(latents.interpolate(a, b, 5, path="spherical"), expected)


@given(seed=st.integers(0, 10_000), n=st.integers(1, 60), k=st.integers(1, 80))
def test_neighbours_are_those_of_brute_force(seed: int, n: int, k: int) -> None:
    """Same rows in ascending distance; never more than there are points."""
    draws = np.random.default_rng(seed)
    points = draws.standard_normal((n, 4)).astype(np.float32)
    query = draws.standard_normal(4).astype(np.float32)
    rows, distances = latents.nearest(query, points, k)
    exact = np.sqrt(((points.astype(float) - query) ** 2).sum(1))
    expected = np.argsort(exact, kind="stable")[:k]
    assert rows.tolist() == expected.tolist()
    np.testing.assert_allclose(distances, exact[expected], rtol=1e-5)


def test_tiny_distances_far_from_the_origin_are_kept() -> None:
    """|a − b|² is not expanded into squares that cancel."""
    points = np.array([[4096.0, 0.0], [4096.001, 0.0]], dtype=np.float32)
    rows, distances = latents.nearest(points[1], points, 2)
    assert rows.tolist() == [1, 0]
    assert distances[1] == pytest.approx(float(points[1, 0]) - 4096.0)


def crossings_below(point: NDArray[np.float32], polygon: NDArray[np.float32]) -> int:
    """Count the edges under a point by a vertical ray, in float64."""
    x, y = point.astype(float)
    count = 0
    for (x0, y0), (x1, y1) in zip(
        polygon.astype(float), np.roll(polygon, -1, axis=0).astype(float), strict=True
    ):
        if min(x0, x1) < x <= max(x0, x1):
            height = y0 + (x - x0) / (x1 - x0) * (y1 - y0)
            count += height < y
    return count


@given(seed=st.integers(0, 10_000), corners=st.integers(3, 12))
def test_a_lasso_holds_what_the_even_odd_rule_says(seed: int, corners: int) -> None:
    """For any polygon, crossing itself or not: an upright ray counts like the level one."""
    draws = np.random.default_rng(seed)
    polygon = draws.standard_normal((corners, 2)).astype(np.float32)
    points = draws.standard_normal((50, 2)).astype(np.float32)
    found = latents.inside_polygon(points, polygon)
    expected = [crossings_below(point, polygon) % 2 == 1 for point in points]
    assert found.tolist() == expected


def test_a_square_lasso() -> None:
    """Inside, outside, and in the hole that a doubled-back path leaves."""
    square = np.array([[0, 0], [2, 0], [2, 2], [0, 2]], dtype=np.float32)
    points = np.array([[1, 1], [3, 1], [1, -1], [-1, 1], [1, 3]], dtype=np.float32)
    assert latents.inside_polygon(points, square).tolist() == [True] + [False] * 4
    twice = np.concatenate([square, square])
    assert not latents.inside_polygon(points, twice).any()


def test_codes_on_a_line_have_a_row_for_each_label() -> None:
    """Places run along the code; rows lie apart, the first on top; ids spread evenly in them."""
    n = 300
    mu = np.random.default_rng(0).standard_normal((n, 1)).astype(np.float32)
    ids, labels = np.arange(n) + 17, np.arange(n) % 3
    places = latents.along_line(mu, ids, labels)
    np.testing.assert_array_equal(places[:, 0], mu[:, 0])
    spans = [
        (places[labels == label, 1].min(), places[labels == label, 1].max()) for label in range(3)
    ]
    assert spans[0][0] > spans[1][1] > spans[1][0] > spans[2][1]
    gaps = np.diff(np.sort(places[labels == 1, 1]))
    assert gaps.max() < 4 * gaps.mean()
    order = np.random.default_rng(1).permutation(n)
    np.testing.assert_array_equal(
        latents.along_line(mu[order], ids[order], labels[order]), places[order]
    )
    assert latents.along_line(mu, ids, None)[:, 1].std() > 0.5
