"""Boltzmann machines: conditionals by enumeration, reconstruction, model folders."""

from __future__ import annotations

import itertools
import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from bundle_reading import read_bundle
from PIL import Image
from torch import Tensor

import vae_core
from vae_core import boltzmann_metrics, model_folder
from vae_core.cli.main import main as cli
from vae_core.data import ImageDataset, load_dataset
from vae_core.errors import CheckpointError, ConfigError, ImageError
from vae_core.formats import bundles
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
    """The artefact of Zhang & Wu (2020): a target of 1.98 makes the cross-entropy negative."""
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


def test_images_are_read_alike_however_they_are_given(x: Tensor):
    """As levels or floats, NumPy or torch, with or without a channel axis; others are refused."""
    machine = boltzmann.fit(config(epochs=1), x[:200])
    expected = machine.encode(x[:5])
    levels = (255 * x[:5]).round().to(torch.uint8)
    for given in (x[:5].double().numpy(), x[:5, 0], levels, levels.numpy()[:, 0]):
        torch.testing.assert_close(machine.encode(given), expected, atol=5e-3, rtol=5e-3)
    torch.testing.assert_close(machine.reconstruct(levels), machine.decode(machine.encode(levels)))
    with pytest.raises(ImageError, match="values from 0 to"):
        machine.encode(levels.float())
    with pytest.raises(ImageError, match=r"shape \(5, 64\)"):
        machine.reconstruct(x[:5].flatten(1))
    with pytest.raises(ConfigError, match=r"without q\(z\|x\) and p\(x\|z\)"):
        vae_core.encode(machine, levels)  # type: ignore[arg-type]


def test_same_seed_same_machine(x: Tensor):
    """Training is decided by the seed."""
    weights = [boltzmann.fit(config(epochs=1, seed=s), x[:200]).layers[0].weight for s in (3, 3, 4)]
    assert weights[0].equal(weights[1])
    assert not weights[0].equal(weights[2])


def test_a_set_smaller_than_a_batch_is_one_batch(x: Tensor):
    """The dreams that a step is held against are as many as its images.

    So it is the step of batches of that size, and moves no bias by more than the learning rate:
    the difference of two means of units.
    """
    few = x[:7]
    wide, fitting = (
        boltzmann.fit(config(epochs=1, batch_size=size, learning_rate=0.2), few).layers[0]
        for size in (20, 7)
    )
    assert wide.weight.equal(fitting.weight)
    assert wide.visible_bias.equal(fitting.visible_bias)
    assert 0 < wide.visible_bias.abs().max() <= 0.2 + 1e-6
    assert wide.hidden_bias.abs().max() <= 0.2 + 1e-6


def test_a_folder_gives_the_machine_back(x: Tensor, tmp_path: Path):
    """What was saved reconstructs to the bit; the card tells the kind."""
    machine = boltzmann.fit(config("dbn", epochs=1), x[:200])
    model_folder.save_machine(tmp_path, machine, name="belief", dataset="digits")
    card = json.loads((tmp_path / "card.json").read_text())
    assert (card["kind"], card["name"]) == ("dbn", "belief")
    again = vae_core.load_model(tmp_path)
    assert again.config == machine.config
    assert again.reconstruct(x[:7]).equal(machine.reconstruct(x[:7]))


def test_damaged_folders_are_refused(x: Tensor, tmp_path: Path):
    """A missing file, exchanged weights and a card of another size are refused with a sentence."""
    with pytest.raises(CheckpointError, match="neither a folder"):
        model_folder.load_machine(tmp_path)
    machine = boltzmann.fit(config(epochs=1), x[:40])
    model_folder.save_machine(tmp_path, machine, name="one", dataset="digits")
    card = (tmp_path / "card.json").read_text()
    (tmp_path / "card.json").write_text(card.replace("40", "41"))
    with pytest.raises(CheckpointError, match=r"layer.0.weight has shape \(40, 64\)"):
        model_folder.load_machine(tmp_path)
    (tmp_path / "card.json").write_text(card)
    (tmp_path / "model.safetensors").write_bytes(b"12345678 not tensors")
    with pytest.raises(CheckpointError, match="hash of these weights"):
        model_folder.load_machine(tmp_path)
    (tmp_path / "card.json").write_text(
        re.sub(r'"weights_hash": "\w+"', '"weights_hash": ""', card)
    )
    with pytest.raises(CheckpointError, match="not a safetensors file"):
        model_folder.load_machine(tmp_path)


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


@pytest.fixture(scope="module")
def folders(x: Tensor, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return the folders of a trained RBM and a trained DBN."""
    found = {}
    for kind in ("rbm", "dbn"):
        machine = boltzmann.fit(config(kind, epochs=4), x)
        found[kind] = tmp_path_factory.mktemp(kind)
        model_folder.save_machine(found[kind], machine, name=f"my-{kind}", dataset="digits")
    return found


@pytest.mark.parametrize("kind", ["rbm", "dbn"])
def test_load_model_opens_a_machine(folders: dict[str, Path], x: Tensor, kind: str):
    """By the same name as any other model; going up and down again is what it reconstructs."""
    machine = vae_core.load_model(folders[kind])
    assert isinstance(machine, boltzmann.Boltzmann)
    h = machine.encode(x[:5])
    assert h.shape == (5, machine.size)
    assert ((h > 0) & (h < 1)).all()
    assert machine.decode(h).equal(machine.reconstruct(x[:5]))
    assert machine.decode(h[None]).shape == (1, 5, *SHAPE)


def test_what_needs_a_vae_refuses_a_machine_in_a_sentence(folders: dict[str, Path]):
    """The sentence says what it is and what it lacks."""
    for read in (model_folder.load_model, model_folder.load_card, model_folder.open_folder):
        with pytest.raises(CheckpointError, match="holds a deep belief net: it has no density"):
            read(folders["dbn"])


def test_a_chain_of_gibbs_steps_has_the_machine_s_own_distribution():
    """Of a machine small enough to sum over: the shares of its states, and of one that is not."""
    generator = torch.Generator().manual_seed(1)
    layer = boltzmann.Layer(
        weight=torch.randn(3, 2, generator=generator),
        visible_bias=torch.tensor([0.7, -1.2]),
        hidden_bias=torch.randn(3, generator=generator),
    )
    machine = boltzmann.Boltzmann(BoltzmannConfig(image_shape=(1, 1, 2), hidden=(3,)), (layer,))
    states = torch.tensor([[0.0, 0], [0, 1], [1, 0], [1, 1]])
    exact = torch.softmax(-layer.free_energy(states), 0)
    n = 20_000
    means = machine.sample(n, steps=30, generator=generator).flatten(1)
    # A mean is given by hidden units: its states are those of one more draw.
    drawn = torch.bernoulli(means, generator=generator)
    found = torch.stack([(drawn == state).all(1).float().mean() for state in states])
    error = (exact * (1 - exact) / n).sqrt()
    assert ((found - exact).abs() < 4 * error).all(), (found, exact)
    assert (exact - 0.25).abs().max() > 0.1


def test_a_machine_is_measured_by_what_its_reconstructions_cost(folders: dict[str, Path]):
    """On clean grey test images, with the floor; its codes tell digits apart; no bound."""
    data = load_dataset("digits")
    machine = vae_core.load_model(folders["rbm"])
    metrics = boltzmann_metrics.measure(machine, data)
    assert set(metrics) == {
        "cross_entropy", "entropy_floor", "above_floor", "knn_accuracy", "probe_accuracy",
    }  # fmt: skip
    test = data.test.images.float() / 255
    cost = boltzmann.cross_entropy(test, machine.reconstruct(test))
    assert metrics["cross_entropy"].value == pytest.approx(float(cost.mean()), rel=1e-5)
    parts = metrics["above_floor"].value + metrics["entropy_floor"].value
    assert parts == pytest.approx(metrics["cross_entropy"].value, rel=1e-6)
    assert metrics["knn_accuracy"].value > 0.7
    assert metrics["cross_entropy"].se > 0


def test_the_bundles_hold_what_the_browser_needs(folders: dict[str, Path]):
    """The way down replays the decoder; the plane of the map leads back to codes."""
    machine = vae_core.load_model(folders["dbn"])
    meta, arrays = read_bundle(bundles.machine_bundle(machine))
    h = machine.encode(load_dataset("digits").test.images[:4].float() / 255)
    values = h.numpy()
    for layer in meta["decoder"]:
        if layer["op"] == "linear":
            weight, bias = arrays[layer["weight"]], arrays[layer["bias"]]
            values = values @ weight.astype(np.float32).T + bias.astype(np.float32)
        else:
            values = 1 / (1 + np.exp(-values))
        assert values.shape == (4, layer["size"])
    np.testing.assert_allclose(values, machine.decode(h).flatten(1).numpy(), atol=3e-3)

    encoded = boltzmann_metrics.encode(machine, load_dataset("digits").test)
    meta, arrays = read_bundle(bundles.machine_codes_bundle(encoded))
    assert meta["latent_dim"] == machine.size
    assert "rate" not in arrays
    p = encoded.probabilities.numpy()
    np.testing.assert_allclose(arrays["sigma"], np.sqrt(p * (1 - p)), atol=2e-3)
    back = arrays["projection.pca"] @ arrays["pca_components"] + arrays["pca_mean"]
    assert np.square(back - p).sum() < np.square(p.mean(0) - p).sum()


def png_size(file: Path) -> tuple[int, int]:
    """(width, height) of a picture."""
    with Image.open(file) as picture:
        return picture.size


@pytest.mark.parametrize("kind", ["rbm", "dbn"])
def test_the_command_line_takes_a_machine(
    folders: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str
):
    """Evaluate, encode, sample and reconstruct do what they say."""
    folder, out = str(folders[kind]), tmp_path / "out"
    picture = tmp_path / "one.png"
    paper = np.full((40, 40), 240, dtype=np.uint8)
    paper[6:34, 18:23] = 15
    Image.fromarray(paper).save(picture)
    cli(["evaluate", folder, "--limit", "50", "--json"])
    told = json.loads(capsys.readouterr().out)
    assert told["metrics"]["cross_entropy"]["n"] == 50
    cli(["encode", folder, "--out", str(out)])
    rows = out.read_text().splitlines()
    assert len(rows) == 361
    assert rows[0].startswith("id,label,mu_1,")
    cli(["sample", folder, "--n", "4", "--out", str(out)])
    assert png_size(out) == (18, 18)
    cli(["reconstruct", folder, str(picture), "--out", str(out)])
    assert "cross entropy" in capsys.readouterr().out
    assert png_size(out) == (8, 18)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("evaluate", "--importance-samples", "5"), "--importance-samples 5: my-rbm is a restr"),
        (("evaluate", "--pixels", "dynamic"), "--pixels dynamic: my-rbm is a restricted Bol"),
        (("evaluate", "--estimator", "ais"), "--estimator ais: my-rbm"),
        (("evaluate", "--dataset", "graphs"), "this machine needs images of (1, 8, 8)"),
        (("sample", "--label", "3", "--out", "x.png"), "--label 3: my-rbm takes no labels"),
        (("export", "--format", "html", "--out", "x.html"), "no density q(z|x), no prior p(z)"),
    ],
)
def test_what_a_machine_lacks_is_refused(
    folders: dict[str, Path],
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    says: str,
):
    """In one sentence on stderr, with exit status 2."""
    command, *options = arguments
    with pytest.raises(SystemExit) as ended:
        cli([command, str(folders["rbm"]), *options])
    assert ended.value.code == 2
    heard = capsys.readouterr().err
    assert says in heard
    assert heard.count("\n") == 1


def test_models_lists_a_machine_among_the_others(
    folders: dict[str, Path],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    """In words and for machines; the table of README.md keeps to VAEs."""
    monkeypatch.setattr(model_folder, "list_models", lambda: ["digits-2d", folders["dbn"]])
    told = {}
    for options in [(), ("--json",), ("--markdown",)]:
        cli(["models", *options])
        told[options] = capsys.readouterr().out
    assert re.search(r"^my-dbn +digits +a deep belief net, ", told[()], re.MULTILINE)
    assert "digits-2d" in told[()]
    rows = json.loads(told["--json",])["models"]
    assert [(row["name"], bool(row["metrics"])) for row in rows] == [
        ("digits-2d", True),
        ("my-dbn", False),
    ]
    assert "my-dbn" not in told["--markdown",]
