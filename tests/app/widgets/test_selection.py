"""Selections: what a drawn outline becomes, and what is exported of it."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
import pytest

from app import address, state
from app.address import Selection
from app.components import latent_map
from app.resources import library
from app.resources.opened_model import Opened
from app.widgets import selection


@pytest.mark.parametrize("n", [1, 59, 60, 61, 1000])
def test_a_gallery_is_spread_over_the_selection(n: int) -> None:
    """At most sixty, each once, in order, from the first to the last."""
    ids = np.arange(n, dtype=np.int64) * 7
    shown = selection.spread(ids, 60)
    assert len(shown) == min(n, 60)
    assert (np.diff(shown) > 0).all()
    assert (shown[0], shown[-1]) == (ids[0], ids[-1])


def test_the_csv_holds_ids_labels_and_codes(no_data: Path) -> None:
    """One line for each selected id, in its order, with mean and spread of each dimension."""
    opened = library.open_model("digits-2d")
    ids = opened.codes.ids.numpy()[[7, 3, 90]]
    rows = list(csv.DictReader(io.StringIO(selection.to_csv(opened, ids).decode())))
    assert list(rows[0]) == ["id", "label", "mu_1", "mu_2", "sigma_1", "sigma_2"]
    assert [int(row["id"]) for row in rows] == ids.tolist()
    for row, place in zip(rows, (7, 3, 90), strict=True):
        assert row["label"] == str(int(opened.codes.labels[place]))
        mu = [float(row["mu_1"]), float(row["mu_2"])]
        sigma = [float(row["sigma_1"]), float(row["sigma_2"])]
        np.testing.assert_allclose(mu, opened.codes.mu[place], rtol=1e-4)
        np.testing.assert_allclose(sigma, (0.5 * opened.codes.logvar[place]).exp(), rtol=1e-4)


def test_a_selection_holds_the_ids_inside(digits_2d: Opened, shuffled_digits: Opened) -> None:
    """The same ids in whatever order the set lies."""
    square = Selection("axes-1-2", ((-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0)))
    inside = digits_2d.codes.ids[(digits_2d.codes.mu.abs() < 1).all(dim=1)].tolist()
    assert 0 < len(inside) < len(digits_2d.codes.ids)
    assert sorted(selection.selected(digits_2d, square).tolist()) == sorted(inside)
    assert sorted(selection.selected(shuffled_digits, square).tolist()) == sorted(inside)


@pytest.mark.parametrize(
    ("projection", "dims", "plane"),
    [("raw", (0, 1), "axes-1-2"), ("raw", (7, 3), "axes-8-4"), ("pca", (0, 1), "pca")],
)
def test_an_outline_is_kept_with_its_plane(
    monkeypatch: pytest.MonkeyPatch, projection: str, dims: tuple[int, int], plane: str
) -> None:
    """A polygon drawn on the map is restored on the map."""
    kept: list[Selection | None] = []
    monkeypatch.setattr(
        state, "update_from_panel", lambda **changes: kept.append(changes["selection"])
    )
    polygon = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0))
    store = selection.callbacks().selection
    assert store is not None
    store(latent_map.Selection(polygon, projection, dims))  # type: ignore[arg-type]
    store(None)
    assert kept == [Selection(plane, polygon), None]
    restored = selection.restored(address.State(selection=kept[0])).selection
    assert restored is not None
    assert (restored.projection, restored.polygon) == (projection, polygon)
    if projection == "raw":
        assert restored.dims == dims
