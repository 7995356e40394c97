"""A replay as a browser is given it: what is told, and how small it gets."""

from __future__ import annotations

import gzip
import json
from typing import Any

import numpy as np
import pytest
import torch
from bundle_reading import read_bundle
from small import model_config

from vae_core.runs import Frame, Replay, replay_bundles


def replay(
    latent_dim: int, *, n: int = 30, frames: int = 4, labelled: bool = True, grid: bool = False
) -> Replay:
    """Make codes that spread, along the first two dimensions most, with some noise for pictures."""
    generator = torch.Generator().manual_seed(latent_dim)
    shape = torch.tensor([5.0, 2.0, *[0.5] * latent_dim])[:latent_dim]
    codes = torch.randn(n, latent_dim, generator=generator) * shape + 1

    def pictures(*sides: int) -> torch.Tensor:
        return torch.randint(256, (*sides, 1, 5, 4), generator=generator, dtype=torch.uint8)

    made = [
        Frame(
            step=2**i,
            epoch=2**i / 10,
            elbo=-100.0 + i,
            codes=(codes * (i + 1) / frames).half().float(),
            samples=pictures(3),
            grid=pictures(2, 2) if grid else None,
        )
        for i in range(frames)
    ]
    return Replay(torch.arange(n), torch.arange(n) % 2 if labelled else None, tuple(made))


def test_all_output_is_json() -> None:
    """Step, epoch and ELBO of each frame, labels once, axes."""
    told = replay_bundles.describe(replay(2), model_config(latent_dim=2))
    assert json.loads(json.dumps(told)) == told
    assert told["frames"][1] == {"step": 2, "epoch": 0.2, "elbo": -99.0}
    assert told["labels"] == [0, 1] * 15
    assert told["axes"] == ["z₁", "z₂"]
    assert told["plane"] is None
    assert replay_bundles.describe(replay(2, labelled=False), model_config())["labels"] is None


@pytest.mark.parametrize(
    ("settings", "prior"),
    [({}, [0.0, 0.0]), ({"prior": "mixture"}, None), ({"prior": "label", "classes": 2}, None)],
)
def test_a_standard_prior_has_a_place(settings: dict[str, Any], prior: list[float] | None) -> None:
    """Only it is drawn as circles."""
    assert (
        replay_bundles.describe(replay(2), model_config(latent_dim=2, **settings))["prior"] == prior
    )


def test_more_dimensions_lie_in_the_last_frames_principal_plane() -> None:
    """One plane for all frames; the prior's mean lies where the origin falls on it."""
    one = replay(6)
    told = replay_bundles.describe(one, model_config(latent_dim=6))
    mean = np.array(told["plane"]["mean"])
    components = np.reshape(told["plane"]["components"], (2, 6))
    last = one.frames[-1].codes.numpy()
    np.testing.assert_allclose(mean, last.mean(0), atol=1e-5)
    variances = ((last - mean) @ components.T).var(0)
    assert variances.sum() > 0.9 * last.var(0).sum()
    np.testing.assert_allclose(told["prior"], -components @ mean, atol=1e-5)
    assert told["axes"] == list(replay_bundles.PCA_AXES)


def test_one_dimension_has_a_row_for_each_label() -> None:
    """The first label's row lies on top; there is no second axis."""
    told = replay_bundles.describe(replay(1), model_config(latent_dim=1))
    heights = np.array(told["heights"])
    assert heights[::2].min() > heights[1::2].max()
    assert told["axes"] == ["z₁", None]
    assert told["prior"] is None


def test_a_small_film_holds_places_on_the_map() -> None:
    """Codes of many dimensions travel as the two that are shown."""
    one = replay(6)
    meta, arrays = read_bundle(replay_bundles.small_bundle(one, model_config(latent_dim=6)))
    told = replay_bundles.describe(one, model_config(latent_dim=6))
    assert meta == told | {"plane": None, "levels": 256}
    assert arrays["codes"].shape == (4, 30, 2)
    components = np.reshape(told["plane"]["components"], (2, 6))
    expected = (one.frames[1].codes.numpy() - told["plane"]["mean"]) @ components.T
    np.testing.assert_allclose(arrays["codes"][1], expected, atol=1e-2)
    assert "grid" not in arrays


def test_a_large_film_has_fewer_grey_levels(monkeypatch: pytest.MonkeyPatch) -> None:
    """As many as stay below the limit; the fewest where none do."""
    one = replay(2, frames=20, grid=True)
    config = model_config(latent_dim=2)
    sizes = {}
    for levels in replay_bundles.LEVELS:
        monkeypatch.setattr(replay_bundles, "SMALL", 0)
        monkeypatch.setattr(replay_bundles, "LEVELS", (levels,))
        sizes[levels] = len(gzip.compress(replay_bundles.small_bundle(one, config), mtime=0))
    monkeypatch.undo()
    assert sizes[16] < sizes[32] < sizes[64] < sizes[256]
    for limit, levels in ((sizes[256], 256), (sizes[32], 32), (0, 16)):
        monkeypatch.setattr(replay_bundles, "SMALL", limit)
        meta, _ = read_bundle(replay_bundles.small_bundle(one, config))
        assert meta["levels"] == levels
