"""Graphs run in PyTorch as the models that they were written from."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from bundle_reading import KINDS, of_kind, read_bundle

from vae_core import model_folder
from vae_core.formats import bundles
from vae_core.graphs import Graph, GraphNetwork
from vae_core.models import VAE


def packed(model: VAE, part: str, size: int) -> GraphNetwork:
    """Return the network of a bundle's part, through the files of a graph."""
    meta, arrays = read_bundle(bundles.network_bundle(model))
    weights = {
        name: torch.from_numpy(values.astype(np.float32))
        for name, values in arrays.items()
        if name.startswith(part)
    }
    layers = meta[part]
    assert isinstance(layers, list)
    graph = Graph(size, tuple(layers), weights)
    return GraphNetwork(Graph.of(graph.to_json(), graph.to_safetensors()))


def assert_same(model: VAE) -> None:
    """Compare a model's decoder and encoder with those of its bundle, in half precision."""
    config = model.config
    generator = torch.Generator().manual_seed(2)
    y = torch.arange(5) % config.classes if config.conditional else None
    z = torch.randn(5, config.latent_dim, generator=generator)
    with torch.inference_mode():
        means = model.decode(z, y).mean
        decoded = packed(model, "decoder", config.latent_dim)(z, y)
        assert (decoded - means.flatten(1)).abs().max() < 3e-3
        q = model.encode(means, y)
        encoded = packed(model, "encoder", config.pixels)(means, y)
        expected = torch.cat([q.mu, q.logvar], dim=1)
        assert (encoded - expected).abs().max() < 3e-3 * (1 + q.mu.abs().max())


@pytest.mark.parametrize("name", model_folder.list_models())
def test_bundles_of_pretrained_models_run_as_the_models(name: str) -> None:
    """Decoder and encoder, to the tolerance of half-precision weights."""
    assert_same(model_folder.load_model(name))


@pytest.mark.parametrize("kind", KINDS)
def test_bundles_of_each_kind_of_model_run_as_the_models(kind: str) -> None:
    """Whatever the model is made of, with labels where it needs them."""
    assert_same(of_kind(kind))
