"""The optimiser: PyTorch's own rules, whole and in parts."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
import small
import torch
from torch import Tensor

from vae_core.learning import optimizers
from vae_core.learning.optimizers import ARRAYS_PER_KERNEL, Optimizer
from vae_core.models import VAE

SIZE = 50
RULES = [{"optimizer": "adam", "adam_epsilon": 1e-4}, {"optimizer": "adagrad"}]


def model() -> VAE:
    """Make a model to be trained."""
    return small.model().requires_grad_()


def moved(of: VAE, optimizer: Any, *, in_place: bool = False, steps: int = 3) -> list[Tensor]:
    """Take steps along gradients of a seed; returns the weights."""
    draw = torch.Generator().manual_seed(9)
    for _ in range(steps):
        for weight in of.parameters():
            gradient = torch.randn(weight.shape, generator=draw)
            if in_place:
                assert weight.grad is not None
                weight.grad.copy_(gradient)
            else:
                weight.grad = gradient
        optimizer.step(*([1e-2] if isinstance(optimizer, Optimizer) else []))
    return [weight.detach().clone() for weight in of.parameters()]


@pytest.mark.parametrize("weight_prior", [False, True])
@pytest.mark.parametrize("settings", RULES, ids=str)
def test_a_step_is_pytorchs(settings: dict[str, Any], weight_prior: bool) -> None:
    """Of its Adam and its Adagrad; a prior on θ is a decay of the generative weights alone."""
    config = small.train_config(**settings, weight_prior=weight_prior)
    of = model()
    found = moved(of, Optimizer(of, config, SIZE))

    of = model()
    encoder = [*of.encoder.parameters(), *of.posterior.parameters()]
    decoder = [*of.decoder.parameters(), *of.likelihood.parameters()]
    groups = [
        {"params": encoder},
        {"params": decoder, "weight_decay": 1 / SIZE if weight_prior else 0.0},
    ]
    if settings["optimizer"] == "adam":
        theirs: torch.optim.Optimizer = torch.optim.Adam(groups, lr=1e-2, eps=1e-4)
    else:
        theirs = torch.optim.Adagrad(groups, lr=1e-2)
    for one, other in zip(found, moved(of, theirs), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("weight_prior", [False, True])
@pytest.mark.parametrize("settings", RULES, ids=str)
def test_gradients_may_be_written_in_place(settings: dict[str, Any], weight_prior: bool) -> None:
    """They stay where they lie; another goes on from the moments, to the bit."""
    config = small.train_config(**settings, weight_prior=weight_prior)
    of = model()
    usual = Optimizer(of, config, SIZE)
    assert len(usual.groups) == 1 + weight_prior
    expected = moved(of, usual)
    other = model()
    places = [torch.zeros_like(weight) for weight in other.parameters()]
    for weight, place in zip(other.parameters(), places, strict=True):
        weight.grad = place
    ours = Optimizer(other, config, SIZE, in_place=True)
    assert all(map(torch.equal, moved(other, ours, in_place=True), expected))
    ours.zero_grad()
    assert all(w.grad is place for w, place in zip(other.parameters(), places, strict=True))
    kept = {name: value.clone() for name, value in usual.moments().items()}
    assert {name: value.tolist() for name, value in ours.moments().items()} == {
        name: value.tolist() for name, value in kept.items()
    }
    fresh = Optimizer(other, config, SIZE)
    fresh.load(kept)
    assert all(torch.equal(value, kept[name]) for name, value in fresh.moments().items())


@pytest.mark.parametrize("settings", RULES, ids=str)
def test_parts_move_as_the_whole_would(
    settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """To the bit; no kernel of a GPU is given more than it takes at once, and all as many."""
    config = small.train_config(**settings)
    of = small.model(image_shape=(1, 40, 40), hidden=(60, 30)).requires_grad_()
    expected = moved(of, Optimizer(of, config, SIZE))
    of, seen = small.model(image_shape=(1, 40, 40), hidden=(60, 30)).requires_grad_(), []
    optimizer = Optimizer(of, config, SIZE)
    move = optimizer.rule.move

    def in_parts(*arrays: list[Tensor], **how: Any) -> None:
        dealt = optimizers.split_for_kernels(list(arrays))
        seen.append([len(kind) for kinds in dealt for kind in kinds])
        assert max(one.numel() for kinds in dealt for one in kinds[0]) < 3_000
        for kinds in dealt:
            move(*kinds, **how)

    monkeypatch.setattr(optimizer, "rule", dataclasses.replace(optimizer.rule, move=in_parts))
    assert all(map(torch.equal, moved(of, optimizer), expected))
    assert max(seen[0]) - min(seen[0]) <= 1
    assert ARRAYS_PER_KERNEL / 2 < max(seen[0]) <= ARRAYS_PER_KERNEL


def test_a_weight_without_a_gradient_stays() -> None:
    """So do its moments, and the number of its steps."""
    of = model()
    optimizer = Optimizer(of, small.train_config(), SIZE)
    first, *others = of.parameters()
    before = first.detach().clone()
    for weight in others:
        weight.grad = torch.ones_like(weight)
    optimizer.step(1e-2)
    assert torch.equal(first, before)
    assert optimizer.moments()["0.step"] == 0
    assert optimizer.moments()["1.step"] == 1
    optimizer.zero_grad()
    assert all(weight.grad is None for weight in of.parameters())
    optimizer.step(1e-2)  # nothing to do


def test_moments_of_another_training_are_refused() -> None:
    """By name; weights that have none of their own have never moved."""
    optimizer = Optimizer(model(), small.train_config(), SIZE)
    with pytest.raises(ValueError, match=r"optimizer\.0\.sum does not fit"):
        optimizer.load({"0.sum": torch.zeros(11, 20)})
    with pytest.raises(ValueError, match=r"optimizer\.0\.exp_avg does not fit"):
        optimizer.load({"0.exp_avg": torch.zeros(3)})
    optimizer.load({"0.exp_avg": torch.ones(11, 20)})
    assert optimizer.moments()["0.exp_avg"].sum() == 220
    optimizer.load({})
    assert optimizer.moments()["0.exp_avg"].sum() == 0
