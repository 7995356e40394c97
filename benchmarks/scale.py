"""How much is measured: a look, the usual, everything."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Scale:
    """Rounds, seeds and sizes of every section."""

    name: str
    rounds: int  # of everything that is timed
    train_size: int | None  # images of the epochs that are compared; None takes all
    share: int  # images of the epochs that take long: convolutions, k = 50
    seeds: int  # of the recipe
    peer_seeds: int  # of each peer, which takes ten times as long
    elbo_seeds: int
    recipe_seeds: int  # of each candidate for the recipe
    epochs: int  # that a peer may take to reach the bound
    nll_images: int
    samples: int  # k of the bound that is evaluated
    map_rounds: int
    map_points: int
    growth_images: tuple[int, ...]
    growth_maps: tuple[int, ...]
    own_images: tuple[int, int]  # pictures of 28 × 28, and of 64 × 64 × 3
    own_rounds: int


QUICK = Scale(
    name="quick",
    rounds=1,
    train_size=1_000,
    share=200,
    seeds=1,
    peer_seeds=1,
    elbo_seeds=2,
    recipe_seeds=1,
    epochs=1,
    nll_images=4,
    samples=500,
    map_rounds=1,
    map_points=500,
    growth_images=(500, 1_000),
    growth_maps=(200, 400),
    own_images=(90_000, 6_000),  # both are kept in a file
    own_rounds=1,
)
USUAL = Scale(
    name="usual",
    rounds=5,
    train_size=None,
    share=2_000,
    seeds=10,
    peer_seeds=5,
    elbo_seeds=5,
    recipe_seeds=2,
    epochs=25,
    nll_images=200,
    samples=5_000,
    map_rounds=5,
    map_points=10_000,
    growth_images=(1_000, 10_000, 100_000, 1_000_000),
    growth_maps=(500, 1_000, 2_000, 4_000),
    own_images=(1_000_000, 100_000),
    own_rounds=3,
)
FULL = Scale(
    name="full",
    rounds=9,
    train_size=None,
    share=10_000,
    seeds=10,
    peer_seeds=10,
    elbo_seeds=10,
    recipe_seeds=3,
    epochs=50,
    nll_images=10_000,
    samples=5_000,
    map_rounds=5,
    map_points=10_000,
    growth_images=(1_000, 3_000, 10_000, 30_000, 100_000, 300_000, 1_000_000),
    growth_maps=(500, 1_000, 2_000, 4_000, 8_000),
    own_images=(1_000_000, 100_000),
    own_rounds=5,
)
