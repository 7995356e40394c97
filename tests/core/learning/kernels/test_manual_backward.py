"""The gradient written out by hand: autograd's own, and training does not suffer from it."""

from __future__ import annotations

from typing import Any

import pytest
import small
import torch
from torch import Tensor

from vae_core import learning, objectives
from vae_core.config import ModelConfig, TrainConfig
from vae_core.data import ImageDataset
from vae_core.learning import Trainer
from vae_core.learning.kernels import manual_backward
from vae_core.models import VAE, build

native_bfloat16 = pytest.mark.skipif(
    not learning.native_bfloat16(), reason="this processor has no bfloat16 arithmetic"
)


def by_autograd(model: VAE, x: Tensor, beta: float) -> objectives.Loss:
    """Set each weight's ``grad`` by automatic differentiation."""
    inference = model(x, generator=torch.Generator().manual_seed(5))
    loss = objectives.elbo_loss(inference, beta=beta)
    model.zero_grad()
    loss.value.mean().backward()  # type: ignore[no-untyped-call]
    return loss


def gradients(model: VAE) -> dict[str, Tensor]:
    """Gradients by name, out of the way of the next ones."""
    found = {name: p.grad for name, p in model.named_parameters()}
    assert all(g is not None for g in found.values())
    return {name: g.clone() for name, g in found.items() if g is not None}


def written_out(
    model: VAE, x: Tensor, beta: float, dtype: torch.dtype
) -> manual_backward.ManualLoss:
    """Set each weight's ``grad`` by the chain rule."""
    generator = torch.Generator().manual_seed(5)
    one = manual_backward.ManualLoss(
        manual_backward.Layers(model, dtype), x, beta=beta, generator=generator
    )
    one.backward()
    return one


def made(**settings: Any) -> tuple[VAE, Tensor]:
    """Make a model whose log-variances reach both of their bounds, and a batch of images."""
    model = small.model(**settings).requires_grad_()
    with torch.no_grad():
        model.posterior.weight.mul_(6)
    x = torch.rand(9, *model.config.image_shape, generator=torch.Generator().manual_seed(1))
    return model, x


@pytest.mark.parametrize("beta", [0.0, 1.0, 4.0])
@pytest.mark.parametrize(
    "settings",
    [
        {"activation": "tanh"},
        {"activation": "relu", "hidden": (11,)},
        {"activation": "silu", "hidden": (11, 9, 7)},
        {"activation": "relu", "decoder_activation": "leaky-relu"},
        {"activation": "tanh", "image_shape": (1, 60, 60), "hidden": (400,)},  # large products
    ],
    ids=str,
)
def test_the_gradient_is_autograds(settings: dict[str, Any], beta: float) -> None:
    """So are loss, rate and distortion, for each activation and any depth."""
    model, x = made(**settings)
    loss = by_autograd(model, x, beta)
    expected = gradients(model)
    one = written_out(model, x, beta, torch.float32)
    for name, gradient in gradients(model).items():
        scale = float(expected[name].abs().max())
        torch.testing.assert_close(
            gradient, expected[name], rtol=1e-4, atol=1e-5 * scale + 1e-9, msg=name
        )
    assert one.metrics.rate == pytest.approx(loss.bound.rate.mean().item(), rel=1e-5)
    assert one.metrics.distortion == pytest.approx(loss.bound.distortion.mean().item(), rel=1e-5)
    assert one.item() == pytest.approx(loss.value.mean().item(), rel=1e-5)


@native_bfloat16
def test_products_in_bfloat16_point_the_same_way() -> None:
    """Their gradient leaves that of float32 by a few per cent of its length, no more."""
    model, x = made(activation="silu")
    by_autograd(model, x, 1.0)
    expected = torch.cat([g.flatten() for g in gradients(model).values()])
    written_out(model, x, 1.0, torch.bfloat16)
    found = torch.cat([g.flatten() for g in gradients(model).values()])
    assert 0 < (found - expected).norm() < 0.05 * expected.norm()


@pytest.mark.parametrize(
    ("model", "training"),
    [
        ({"network": "rows"}, {}),
        ({"likelihood": "gaussian"}, {}),
        ({"prior": "vamp"}, {}),
        ({"activation": "gated"}, {}),
        ({"decoder_activation": "gated"}, {}),
        ({"conditional": True, "classes": 3}, {}),
        ({"symmetric": True, "image_shape": (1, 5, 5)}, {}),
        ({"first_latent_dim": 4}, {}),
        ({}, {"samples": 2}),
        ({}, {"objective": "iwae"}),
        ({}, {"free_bits": 0.1}),
        ({}, {"coarse_epochs": 1, "coarse_samples": 2}),
        ({}, {"learner": "wake-sleep"}),
    ],
    ids=str,
)
def test_it_knows_what_it_does_not_know(model: dict[str, Any], training: dict[str, Any]) -> None:
    """Any other model or objective is left to autograd."""
    config: ModelConfig = small.model_config(**model)
    settings: TrainConfig = small.train_config(**training)
    assert not manual_backward.fits(build(config), settings)
    assert manual_backward.fits(small.model(), small.train_config())


@pytest.mark.parametrize("settings", [{}, {"encoder_shift": 1}], ids=str)
def test_a_training_by_hand_is_the_same_training(
    settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch, digits: ImageDataset
) -> None:
    """From the same seed, both ways of differentiating lead to the same test ELBO."""
    model = small.model_config(image_shape=(1, 8, 8), hidden=(32,), latent_dim=4)
    training = small.train_config(dataset="digits", epochs=2, batch_size=100, **settings)
    one = Trainer(model, training, digits)
    assert one.device.learner.layers is not None  # type: ignore[attr-defined]
    monkeypatch.setattr(manual_backward, "fits", lambda model, config: False)
    other = Trainer(model, training, digits)
    assert other.device.learner.layers is None  # type: ignore[attr-defined]
    for left, right in zip(one, other, strict=True):
        assert left.test.elbo == pytest.approx(right.test.elbo, abs=2e-3)
        assert left.train.rate == pytest.approx(right.train.rate, abs=2e-3)


def test_weights_are_views_of_the_array() -> None:
    """What is written to the one is read from the other, gradients too."""
    of, _ = made()
    before = {name: value.clone() for name, value in of.state_dict().items()}
    flat = manual_backward.FlatParameters(list(of.parameters()))
    assert all(torch.equal(value, before[name]) for name, value in of.state_dict().items())
    flat.values.fill_(2.0)
    flat.gradients.fill_(3.0)
    assert all((weight == 2).all() and (weight.grad == 3).all() for weight in of.parameters())
    of.load_state_dict(before)
    assert torch.equal(flat.values, torch.cat([value.flatten() for value in before.values()]))


@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_arrays_are_copied_weight_by_weight(device: str) -> None:
    """Whatever is copied, all of it is, once; nothing is where the two are one."""
    of, _ = made()
    flat = manual_backward.FlatParameters(list(of.to(device).parameters()))
    assert flat.copies(flat.values, flat.values) == []
    other = torch.zeros_like(flat.values, dtype=torch.bfloat16)
    copies = flat.copies(other, flat.values)
    assert [to.shape for to, _ in copies] == [weight.shape for weight in of.parameters()]
    if device == "cpu":
        for to, one in copies:
            to.copy_(one)
        assert torch.equal(other, flat.values.bfloat16())
