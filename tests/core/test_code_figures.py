"""Metrics of codes and samples: MMD, linear probe, neighbours, collapse."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from vae_core import evaluation


def normal(n: int, d: int = 3, *, seed: int) -> torch.Tensor:
    """Draw from N(0, I)."""
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed))


def test_mmd_is_the_u_statistic() -> None:
    """Computed pair by pair with the median heuristic's kernel."""
    one, other = normal(7, seed=0).double(), normal(5, seed=1).double() + 1
    found = evaluation.mmd(one, other, permutations=3)
    pooled = torch.cat([one, other])
    squares = [
        float((pooled[i] - pooled[j]).square().sum())
        for i in range(12)
        for j in range(12)
        if i != j
    ]
    width = float(torch.tensor(squares).double().median())

    def mean_kernel(a: torch.Tensor, b: torch.Tensor, *, same: bool) -> float:
        values = [
            float(torch.exp(-(a[i] - b[j]).square().sum() / width))
            for i in range(len(a))
            for j in range(len(b))
            if not (same and i == j)
        ]
        return float(np.mean(values))

    expected = (
        mean_kernel(one, one, same=True)
        + mean_kernel(other, other, same=True)
        - 2 * mean_kernel(one, other, same=False)
    )
    assert found.mmd2 == pytest.approx(expected, abs=1e-6)


def test_mmd_is_nought_for_one_distribution_and_sees_another() -> None:
    """Over 30 pairs its mean is zero within four errors and p-values are spread; a shift shows."""
    same = [
        evaluation.mmd(normal(60, seed=s), normal(60, seed=s + 500), permutations=100)
        for s in range(30)
    ]
    values = torch.tensor([one.mmd2 for one in same])
    assert abs(values.mean()) < 4 * values.std() / 30**0.5
    assert (values < 0).any(), "unbiased, so sometimes negative"
    p = torch.tensor([one.p_value for one in same])
    assert 0.3 < p.mean() < 0.7
    shifted = evaluation.mmd(normal(60, seed=1), normal(60, seed=2) + 0.7, permutations=100)
    assert shifted.p_value < 0.02
    narrow = evaluation.mmd(normal(60, seed=1), 0.5 * normal(60, seed=2), permutations=100)
    assert narrow.p_value < 0.05


def test_the_linear_probe_finds_half_spaces_only() -> None:
    """Labels by the sign of a coordinate are found, those of a ring are not."""
    rng = np.random.default_rng(0)
    train, test = (rng.standard_normal((n, 2)).astype(np.float32) for n in (400, 300))
    for rule, low, high in (
        (lambda z: z[:, 0] > 0, 0.95, 1.0),
        (lambda z: (z**2).sum(1) > 1.4, 0.3, 0.7),
    ):
        found = evaluation.linear_probe(train, rule(train).astype(np.int64), test)
        assert low <= (found == rule(test)).mean() <= high


def test_nearest_images_are_those_of_brute_force() -> None:
    """Rows and distances, over several chunks, a copy at distance zero."""
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (6000, 1, 2, 2), generator=generator).to(torch.uint8)
    queries = torch.rand(4, 1, 2, 2, generator=generator)
    queries[0] = images[5900].float() / 255
    found = evaluation.nearest_images(queries, images, k=3)
    flat = images.flatten(1).double() / 255
    for query, rows, distances in zip(queries, found.rows, found.distances, strict=True):
        all_distances = (flat - query.flatten().double()).norm(dim=1)
        expected = all_distances.topk(3, largest=False).values
        torch.testing.assert_close(distances.double(), expected, atol=1e-5, rtol=1e-4)
        torch.testing.assert_close(all_distances[rows], expected, atol=1e-5, rtol=1e-4)
    assert found.distances[0, 0] == 0
    assert found.rows[0, 0] == 5900
    norms = evaluation.squared_norms(images)
    assert torch.equal(
        evaluation.nearest_images(queries, images, k=3, norms=norms).rows, found.rows
    )
    few = evaluation.nearest_images(queries, images[:2], k=3)
    assert few.rows.sort(1).values.tolist() == [[0, 1]] * 4, "there are no more than two"


def test_collapse_is_reported_in_a_sentence() -> None:
    """None, some, one or all dimensions: what is collapsed has neither spread nor KL."""
    alive = normal(50, 4, seed=0)
    kl = torch.full((4,), 1.0)
    assert evaluation.collapse_warning(alive, kl) is None
    dead = alive * torch.tensor([1, 0, 0, 1])
    assert evaluation.collapse_warning(dead, kl) is None, "KL without spread is no collapse"
    some = evaluation.collapse_warning(dead, kl * torch.tensor([1, 0, 0, 1]))
    assert some is not None
    assert "2 of 4 latent dimensions are unused" in some
    every = evaluation.collapse_warning(alive * 0, kl * 0)
    assert every is not None
    assert "all 4" in every
