"""Dense layers: the same values from both libraries, and gradients."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from vae_core.learning.kernels.manual_backward import ACTIVATIONS
from vae_core.models import dense as dense_module
from vae_core.models.dense import Dense, dense

#: (batch, inputs, outputs) of a large product, which goes to oneDNN, and of a small one.
SIZES = [(100, 500, 300), (7, 20, 11)]


def operands(batch: int, inputs: int, outputs: int) -> tuple[Tensor, Tensor, Tensor]:
    """Draw images, weights and biases."""
    draw = torch.Generator().manual_seed(batch)
    x = torch.randn(batch, inputs, generator=draw)
    weight = torch.randn(outputs, inputs, generator=draw) / inputs**0.5
    return x, weight, torch.randn(outputs, generator=draw)


@pytest.fixture(params=[True, False], ids=["oneDNN", "without oneDNN"])
def library(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have oneDNN, where this PyTorch has it, and have it not."""
    there = request.param and dense_module._onednn_is_there
    monkeypatch.setattr(dense_module, "_onednn_is_there", there)


@pytest.mark.parametrize("sizes", SIZES, ids=str)
@pytest.mark.usefixtures("library")
def test_it_is_the_product(sizes: tuple[int, int, int]) -> None:
    """Within the rounding of float32, with and without a bias, of weights in either order."""
    x, weight, bias = operands(*sizes)
    expected = (x.double() @ weight.double().T).float()
    torch.testing.assert_close(dense(x, weight), expected, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(dense(x, weight, bias), expected + bias, rtol=1e-4, atol=1e-5)
    turned = weight.T.contiguous().T
    torch.testing.assert_close(dense(x, turned), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", [n for n, one in ACTIVATIONS.items() if one.finish is not None])
@pytest.mark.parametrize("sizes", SIZES, ids=str)
@pytest.mark.usefixtures("library")
def test_it_ends_with_the_activation(sizes: tuple[int, int, int], name: str) -> None:
    """That is the activation itself, applied to the product."""
    x, weight, bias = operands(*sizes)
    known = {
        "tanh": torch.tanh,
        "relu": torch.relu,
        "leaky-relu": lambda a: torch.where(a > 0, a, 0.2 * a),
    }
    expected = known[name](x @ weight.T + bias)
    found = dense(x, weight, bias, ACTIVATIONS[name].finish)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.usefixtures("library")
def test_a_layer_has_gradients_where_they_are_requested() -> None:
    """Those of PyTorch's own layer; without them the value is the same to rounding."""
    x, weight, bias = operands(*SIZES[0])
    layer = Dense(*weight.shape[::-1])
    layer.load_state_dict({"weight": weight, "bias": bias})
    expected = F.linear(x, weight, bias)
    with_gradient = layer(x)
    torch.testing.assert_close(with_gradient, expected)
    with_gradient.sum().backward()
    torch.testing.assert_close(layer.bias.grad, torch.full_like(bias, len(x)))
    with torch.no_grad():
        torch.testing.assert_close(layer(x), expected, rtol=1e-4, atol=1e-5)
        stacked = layer(x.reshape(4, 25, -1))
    torch.testing.assert_close(stacked.flatten(0, 1), expected, rtol=1e-4, atol=1e-5)


def test_a_layer_follows_autocast() -> None:
    """Products have the requested precision without a gradient too."""
    layer = Dense(500, 300)
    with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
        assert layer(torch.ones(100, 500)).dtype == torch.bfloat16
