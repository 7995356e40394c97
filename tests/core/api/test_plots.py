"""Plotly figures of codes and grids."""

from __future__ import annotations

import base64
import io
from typing import Any

import numpy as np
import pytest
from PIL import Image
from small import images, model

import vae_core
from vae_core.errors import ConfigError


def test_codes_of_a_model_folder_are_drawn_by_class() -> None:
    """A trace for each class, at the codes, under their ids."""
    figure = vae_core.plot_latent("digits-2d")
    codes = vae_core.load_codes("digits-2d")
    assert codes.labels is not None
    assert [trace.name for trace in figure.data] == list(map(str, range(10)))
    threes = codes.labels == 3
    assert np.array_equal(figure.data[3].x, codes.mu[threes, 0].numpy())
    assert np.array_equal(figure.data[3].customdata, codes.ids[threes].numpy())
    assert figure.layout.xaxis.title.text == "z1"
    assert figure.to_json()


@pytest.mark.parametrize(
    ("projection", "axis"), [(None, "1st component"), ("raw", "z3"), ("tsne", "")]
)
def test_projections_are_found_or_computed(projection: Any, axis: str) -> None:
    """PCA by default above two dimensions."""
    codes = vae_core.encode(model(), images(30))
    figure = vae_core.plot_latent(codes, projection=projection, dims=(2, 0))
    assert figure.layout.xaxis.title.text == axis
    assert len(figure.data[0].x) == 30
    if projection == "raw":
        assert np.array_equal(figure.data[0].y, codes.mu[:, 0].numpy())


def test_colours_can_be_metrics() -> None:
    """With a scale in nats; a model of one dimension has a line."""
    vae = model(latent_dim=1)
    figure = vae_core.plot_latent(vae, images(20), colour="rate")
    assert figure.data[0].marker.colorbar.title.text == "rate, nats"
    found = vae_core.encode(vae, images(20))
    np.testing.assert_allclose(figure.data[0].marker.color, found.rate.numpy(), rtol=1e-5)


def test_names_of_classes_come_from_the_data() -> None:
    """Or from the caller."""
    data = vae_core.dataset(images(30), ["a", "b", "c"] * 10)
    figure = vae_core.plot_latent(model(), data, split="train")
    assert [trace.name for trace in figure.data] == ["a", "b", "c"]
    named = vae_core.plot_latent(model(), data, split="train", classes=("x", "y", "z"))
    assert [trace.name for trace in named.data] == ["x", "y", "z"]


def test_a_grid_has_its_codes_on_the_axes() -> None:
    """The picture is that of the grid."""
    figure = vae_core.plot_manifold("digits-2d", 6)
    png = base64.b64decode(figure.data[0].source.partition(",")[2])
    grid = vae_core.manifold_grid("digits-2d", 6)
    assert np.array_equal(
        np.asarray(Image.open(io.BytesIO(png))),
        np.asarray(Image.open(io.BytesIO(grid.png(scale=4, gap=0)))),
    )
    assert figure.layout.xaxis.ticktext[0] == f"{grid.codes[0, 0, 0]:.2f}".replace("-", "−")
    first, second = figure.layout.xaxis.tickvals[:2]
    assert (first, second) == (16, 16 + 4 * 8)
    assert vae_core.plot_manifold(model(latent_dim=1), 5).layout.xaxis.title.text


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"colour": "class"}, "colour 'class': allowed are label, rate, distortion"),
        ({"projection": "umap"}, "projection 'umap': allowed are None, raw, pca, tsne"),
        ({"dims": (0, 2)}, "two different dimensions from 0 to 1"),
    ],
)
def test_settings_are_refused_by_a_sentence(settings: dict[str, Any], sentence: str) -> None:
    """With the value and what is allowed."""
    with pytest.raises(ConfigError, match=sentence):
        vae_core.plot_latent("digits-2d", **settings)


def test_codes_take_no_data() -> None:
    """They are of their own images."""
    with pytest.raises(ConfigError, match="data go with a model"):
        vae_core.plot_latent(vae_core.load_codes("digits-2d"), images(3))
