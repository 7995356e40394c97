"""Boltzmann machines: conditionals by enumeration, reconstruction, and their folder."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import pytest
import torch
from torch import Tensor

from vae_core.data import ImageDataset
from vae_core.errors import CheckpointError, ConfigError
from vae_core.models import boltzmann
from vae_core.models.boltzmann import BoltzmannConfig, Layer

SHAPE = (1, 8, 8)


def generator(seed: int = 0) -> torch.Generator:
    """Return a generator of its own."""
    return torch.Generator().manual_seed(seed)


def tiny_layer(visible: int = 4, hidden: int = 3) -> Layer:
    """Return an RBM small enough to enumerate."""
    g = generator(1)
    return Layer(
        weight=torch.randn(hidden, visible, generator=g, dtype=torch.float64),
        visible_bias=torch.randn(visible, generator=g, dtype=torch.float64),
        hidden_bias=torch.randn(hidden, generator=g, dtype=torch.float64),
    )


def states(n: int) -> Tensor:
    """All binary vectors of length ``n``."""
    return torch.tensor(list(itertools.product([0.0, 1.0], repeat=n)), dtype=torch.float64)


def joint(layer: Layer) -> Tensor:
    """p(v, h) over all states, by enumeration: (2^visible, 2^hidden)."""
    v, h = states(4), states(3)
    energy = v @ layer.weight.T @ h.T + (v @ layer.visible_bias)[:, None] + h @ layer.hidden_bias
    return torch.softmax(energy.flatten(), 0).reshape(energy.shape)


def test_conditionals_are_those_of_the_joint():
    """P(h|v), P(v|h) and the free energy agree with the enumerated distribution."""
    layer, p = tiny_layer(), joint(tiny_layer())
    h_given_v = (p @ states(3)) / p.sum(1, keepdim=True)
    assert torch.allclose(layer.up(states(4)), h_given_v)
    v_given_h = (p.T @ states(4)) / p.sum(0)[:, None]
    assert torch.allclose(layer.down(states(3)), v_given_h)
    assert torch.allclose(torch.softmax(-layer.free_energy(states(4)), 0), p.sum(1))


def test_cross_entropy_has_its_floor_at_the_target():
    """No reconstruction of a grey target does better than the target itself."""
    targets = torch.rand(5, *SHAPE, generator=generator(2), dtype=torch.float64)
    floor = boltzmann.entropy_floor(targets)
    assert torch.allclose(boltzmann.cross_entropy(targets, targets), floor)
    other = (targets + 0.05 * torch.randn(targets.shape, generator=generator(3))).clamp(0.01, 0.99)
    assert (boltzmann.cross_entropy(targets, other) > floor).all()
    expected = torch.nn.functional.binary_cross_entropy(other, targets, reduction="none")
    assert torch.allclose(boltzmann.cross_entropy(targets, other), expected.flatten(1).sum(1))


def test_targets_above_one_fall_below_any_floor():
    """The artefact of seed 004: a target of 1.98 makes the cross-entropy negative."""
    targets = torch.full((1, *SHAPE), 1.98)
    assert boltzmann.cross_entropy(targets, torch.full((1, *SHAPE), 0.999)).item() < 0


def test_binary_targets_have_no_floor():
    """Certain pixels cost nothing, and a saturated wrong one a finite amount."""
    targets = torch.bernoulli(torch.full((2, *SHAPE), 0.5), generator=generator(4))
    assert boltzmann.entropy_floor(targets).tolist() == [0.0, 0.0]
    assert boltzmann.cross_entropy(targets, 1 - targets).isfinite().all()


@pytest.fixture(scope="module")
def x(digits: ImageDataset) -> Tensor:
    """Return grey digits."""
    return digits.train.images.float() / 255


def config(kind: str = "rbm", **settings: object) -> BoltzmannConfig:
    """Describe a machine for digits."""
    hidden = {"rbm": (40,), "dbn": (60, 40)}[kind]
    usual = {"image_shape": SHAPE, "hidden": hidden, "epochs": 6, "batch_size": 20}
    return BoltzmannConfig.of(kind=kind, **usual | settings)


@pytest.mark.parametrize("kind", ["rbm", "dbn"])
def test_machines_learn_to_reconstruct(kind: str, x: Tensor, digits: ImageDataset):
    """On clean test images a machine beats the mean image, and stays above the floor."""
    machine = boltzmann.fit(config(kind, epochs=15, learning_rate=0.2), x)
    test = digits.test.images.float() / 255
    found = boltzmann.cross_entropy(test, machine.reconstruct(test))
    without = boltzmann.cross_entropy(test, x.mean(0).expand_as(test).clamp(0.01, 0.99))
    assert (without - found).mean() > 3
    assert (found >= boltzmann.entropy_floor(test) - 1e-4).all()


def test_one_layer_is_scikit_learns_gibbs_step(x: Tensor):
    """A layer's conditionals are those of the machine that learnt them."""
    from sklearn.neural_network import BernoulliRBM

    machine = boltzmann.fit(config(epochs=1), x[:200])
    (layer,) = machine.layers
    theirs = BernoulliRBM(n_components=40)
    theirs.components_ = layer.weight.numpy()
    theirs.intercept_hidden_ = layer.hidden_bias.numpy()
    theirs.intercept_visible_ = layer.visible_bias.numpy()
    flat = x[:5].flatten(1)
    assert torch.allclose(layer.up(flat), torch.from_numpy(theirs.transform(flat.numpy())))


def test_same_seed_same_machine(x: Tensor):
    """Training is decided by the seed."""
    weights = [boltzmann.fit(config(epochs=1, seed=s), x[:200]).layers[0].weight for s in (3, 3, 4)]
    assert weights[0].equal(weights[1])
    assert not weights[0].equal(weights[2])


def test_a_folder_gives_the_machine_back(x: Tensor, tmp_path: Path):
    """What was saved reconstructs to the bit; the card tells the kind."""
    machine = boltzmann.fit(config("dbn", epochs=1), x[:200])
    boltzmann.save(tmp_path, machine, name="belief", dataset="digits")
    card = json.loads((tmp_path / "card.json").read_text())
    assert (card["kind"], card["name"]) == ("dbn", "belief")
    again = boltzmann.load(tmp_path)
    assert again.config == machine.config
    assert again.reconstruct(x[:7]).equal(machine.reconstruct(x[:7]))


def test_damaged_folders_are_refused(x: Tensor, tmp_path: Path):
    """A missing file, swapped weights and a card of another size are told in a sentence."""
    with pytest.raises(CheckpointError, match="holds no machine"):
        boltzmann.load(tmp_path)
    machine = boltzmann.fit(config(epochs=1), x[:40])
    boltzmann.save(tmp_path, machine, name="one", dataset="digits")
    card = (tmp_path / "card.json").read_text()
    (tmp_path / "card.json").write_text(card.replace("40", "41"))
    with pytest.raises(CheckpointError, match=r"layer.0.weight has shape \(40, 64\)"):
        boltzmann.load(tmp_path)
    (tmp_path / "card.json").write_text(card)
    (tmp_path / "model.safetensors").write_bytes(b"12345678 not tensors")
    with pytest.raises(CheckpointError, match="holds no machine"):
        boltzmann.load(tmp_path)


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"kind": "rbm", "hidden": (5, 5)}, "hidden"),
        ({"kind": "dbn", "hidden": (5,)}, "hidden"),
        ({"kind": "rbm", "image_shape": (3, 8, 8)}, "image_shape"),
    ],
)
def test_bad_machines_are_refused(settings: dict[str, object], named: str):
    """Layers that do not make the kind, and colour, are refused by name."""
    with pytest.raises(ConfigError, match=named):
        BoltzmannConfig.of(**settings)


def test_images_of_another_shape_are_refused():
    """The sentence names both shapes."""
    with pytest.raises(ConfigError, match=r"\(1, 28, 28\)"):
        boltzmann.fit(BoltzmannConfig(), torch.zeros(3, *SHAPE))
