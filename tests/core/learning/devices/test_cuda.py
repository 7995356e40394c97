"""A GPU's steps: what a graph records is held against the processor's own, here without a card."""

from __future__ import annotations

import contextlib
import random
from pathlib import Path
from typing import Any

import pytest
import running
import small
import torch
from torch import Tensor

from vae_core import learning, model_folder, runs
from vae_core.config import ModelConfig
from vae_core.data import ImageDataset
from vae_core.errors import CheckpointError, ConfigError
from vae_core.learning import DivergedError, Trainer, aevb
from vae_core.learning.devices import cuda
from vae_core.learning.learner import TrainingSet
from vae_core.learning.trainer import DEVICES
from vae_core.models import build

native_bfloat16 = pytest.mark.skipif(
    not learning.native_bfloat16(), reason="this processor has no bfloat16 arithmetic"
)
with_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU here")

#: What can be trained on a GPU: settings of the model, and of its training.
KINDS: list[Any] = [
    pytest.param({}, {}, id="by hand"),
    pytest.param({"activation": "silu"}, {"beta": 3.0, "kl_warmup_epochs": 1.5}, id="warm-up"),
    pytest.param({}, {"pixels": "dynamic", "warmup": 0.2, "decay": "cosine"}, id="dynamic"),
    pytest.param({}, {"pixels": "static", "weight_prior": True}, id="static, weight prior"),
    pytest.param({}, {"pixels": "threshold", "samples": 2}, id="threshold, two samples"),
    pytest.param({}, {"free_bits": 0.1, "adam_epsilon": 1e-3}, id="free bits"),
    pytest.param(
        {"activation": "gated"},
        {"objective": "iwae", "samples": 4, "coarse_epochs": 1, "coarse_samples": 2},
        id="iwae, coarse first",
    ),
    pytest.param({}, {"objective": "dreg", "samples": 3}, id="dreg"),
    pytest.param({"first_latent_dim": 4, "upper_hidden": (6,)}, {}, id="two layers"),
    pytest.param({"network": "conv", "hidden": (3, 4)}, {}, id="conv"),
    pytest.param({"prior": "mixture", "components": 4}, {}, id="mixture"),
    pytest.param({"prior": "vamp", "components": 4}, {}, id="vamp"),
    pytest.param({"likelihood": "gaussian"}, {}, id="gaussian"),
    pytest.param({"likelihood": "continuous-bernoulli"}, {}, id="continuous Bernoulli"),
    pytest.param({"likelihood": "discretised-logistic"}, {}, id="discretised logistic"),
    pytest.param({}, {"precision": "bfloat16"}, id="bfloat16", marks=native_bfloat16),
    pytest.param(
        {"activation": "gated"}, {"precision": "bfloat16"}, id="autocast", marks=native_bfloat16
    ),
]


@pytest.fixture
def unrecorded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let trainings on the processor take a GPU's steps, as they are before a card records them."""
    monkeypatch.setitem(DEVICES, "cpu", cuda.CUDADevice)


def trainer(model: dict[str, Any] | None = None, **settings: Any) -> Trainer:
    """Begin a small training."""
    return Trainer(
        small.model_config(**model or {}), small.train_config(**settings), small.dataset()
    )


def weights(of: Trainer) -> Tensor:
    """All weights in one row."""
    return torch.cat([p.detach().flatten() for p in of.model.parameters()])


def taken(of: Trainer, n: int) -> None:
    """Take some steps of the first epoch."""
    steps = of.steps()
    for _ in range(n):
        next(steps)


@pytest.mark.parametrize(("model", "settings"), KINDS)
def test_gradients_are_those_of_the_processor(
    model: dict[str, Any], settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the same weights and noise, Adam's moments and the weights agree after one step."""
    usual = trainer(model, **settings)
    taken(usual, 1)
    monkeypatch.setitem(DEVICES, "cpu", cuda.CUDADevice)
    ours = trainer(model, **settings)
    assert isinstance(ours.device, cuda.CUDADevice)
    taken(ours, 1)
    (expected, _), (found, _) = usual.state(), ours.state()
    assert found.keys() == expected.keys()
    for name, value in found.items():
        scale = float(expected[name].abs().max())
        torch.testing.assert_close(
            value, expected[name], rtol=1e-4, atol=1e-5 * scale + 1e-12, msg=name
        )


@pytest.mark.parametrize(("model", "settings"), KINDS)
def test_the_whole_training_is_that_of_the_processor(
    model: dict[str, Any], settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Epoch by epoch the metrics agree: schedules, short minibatches and noise go alike."""
    usual = list(trainer(model, **settings))
    monkeypatch.setitem(DEVICES, "cpu", cuda.CUDADevice)
    for ours, theirs in zip(trainer(model, **settings), usual, strict=True):
        assert (ours.epoch, ours.step) == (theirs.epoch, theirs.step)
        for part in ("train", "test"):
            one, other = vars(getattr(ours, part)), vars(getattr(theirs, part))
            assert one == pytest.approx(other, abs=5e-3, rel=1e-3)


@pytest.mark.parametrize(("model", "settings"), KINDS)
def test_interrupted_and_resumed_is_uninterrupted(
    model: dict[str, Any], settings: dict[str, Any], tmp_path: Path, unrecorded: None
) -> None:
    """To the bit: weights, moments and the noise's generator are in the checkpoint."""
    whole = trainer(model, **settings)
    expected = [record.test for record in whole]
    stop = random.randrange(1, whole.progress.step)
    half, records = trainer(model, **settings), []
    while half.progress.step < stop:
        for step in half.steps():
            if step.step == stop:
                break
        else:
            records.append(half.finish_epoch().test)
    runs.write_checkpoint(tmp_path, *half.state())
    restored = runs.read_checkpoint(tmp_path)
    assert restored is not None
    resumed = trainer(model, **settings)
    resumed.load_state(*restored)
    records += [record.test for record in resumed]
    assert torch.equal(weights(resumed), weights(whole))
    assert records == expected


def test_a_rehearsal_leaves_no_trace(unrecorded: None) -> None:
    """Weights, moments and noise are what they were, in the middle of a training too."""
    one = trainer(pixels="dynamic")
    device = one.device
    assert isinstance(device, cuda.CUDADevice)
    for before_it in range(2):
        taken(one, before_it)
        before, _ = one.state()
        places = {name: value.data_ptr() for name, value in device._tensors().items()}
        rows, learnt = torch.arange(12), []

        def run(rows: Tensor = rows, learnt: list[Tensor] = learnt) -> Tensor:
            found = device.run_step(rows, 1)
            learnt.append(device.device_model.posterior.bias.detach().clone())
            return found

        device.learning_rate.fill_(0.1)
        device.warm_up(run)
        assert len(learnt) == cuda.WARMUP_STEPS
        assert not torch.equal(learnt[-1], before["model.posterior.bias"])
        after, _ = one.state()
        assert all(torch.equal(after[name], value) for name, value in before.items())
        assert places == {name: value.data_ptr() for name, value in device._tensors().items()}


def test_what_a_graph_reads_and_writes_stays_at_its_place(unrecorded: None) -> None:
    """A training and a resume change no address, and each kind of minibatch is recorded once."""
    one = trainer(objective="iwae", samples=3, coarse_epochs=1, pixels="dynamic")
    device = one.device
    assert isinstance(device, cuda.CUDADevice)

    def addresses() -> dict[str, int]:
        numbers = {"lr": device.learning_rate, "beta": device.beta, "images": device.images}
        return {name: value.data_ptr() for name, value in (device._tensors() | numbers).items()}

    before = addresses()
    list(one)
    one.load_state(*one.state())
    assert addresses() == before
    assert sorted(device._captured_steps) == [(2, 1), (2, 3), (12, 1), (12, 3)]


class NoGenerator:
    """In place of a generator on a device that has none."""

    def __init__(self, place: torch.device) -> None:
        assert place.type == "meta"

    def manual_seed(self, seed: int) -> None:
        """Return none, which stands for the device's own."""


@pytest.mark.parametrize(("model", "settings"), KINDS)
def test_a_step_stays_on_its_device_and_reads_no_value(
    model: dict[str, Any], settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As capture demands: on a device without values, which does not mix with the processor."""
    updated: list[Tensor] = []

    def adam(*tensors: list[Tensor], lr: Tensor, **_: object) -> None:
        assert lr is device.learning_rate
        updated.extend(one for kind in tensors for one in kind)

    monkeypatch.setattr(torch, "_fused_adam_", adam)  # which that device has not
    monkeypatch.setattr(cuda.torch, "Generator", NoGenerator)
    monkeypatch.setattr(aevb, "autocast", lambda config: contextlib.nullcontext())
    config = small.model_config(**model)
    how = small.train_config(**settings).model_copy(update={"device": "meta"})
    images = torch.zeros(20, *config.image_shape, dtype=torch.uint8)
    device = cuda.CUDADevice(build(config), how, TrainingSet(images, None, seed=0))
    found = device.run_step(torch.zeros(12, dtype=torch.int64, device="meta"), how.samples)
    assert (found.device.type, found.shape) == ("meta", (2,))
    state = device._tensors().values()
    assert {value.device.type for value in (*state, *updated)} == {"meta"}
    weights = sum(p.numel() for p in device.device_model.parameters())
    # Beside the numbers of steps: values, gradients and two moments.
    assert sum(one.numel() for one in updated if one.dim()) == 4 * weights
    with pytest.raises(RuntimeError, match="meta"):
        found.tolist()


def test_figures_are_read_late_and_are_the_same(
    monkeypatch: pytest.MonkeyPatch, unrecorded: None
) -> None:
    """Also those of a step whose record is asked after others, and where few are read at once."""
    monkeypatch.setattr(cuda.CUDADevice, "ahead", 1)
    expected = [step.train for step in trainer().steps()]
    monkeypatch.setattr(cuda.CUDADevice, "ahead", 100)
    one = trainer()
    steps = one.steps()
    first, second = next(steps), next(steps)
    assert one.progress.examples == 0  # nobody has asked
    assert second.train == expected[1]
    assert first.train == expected[0]
    assert one.progress.examples == 24
    assert [step.train for step in [first, second, *steps]] == expected
    monkeypatch.setattr(cuda.CUDADevice, "ahead", 2)
    few = trainer()
    assert [step.train for step in list(few.steps())] == expected
    assert few.finish_epoch().train == one.finish_epoch().train


def test_the_model_is_the_last_steps_whenever_it_is_looked_at(unrecorded: None) -> None:
    """Its own weights are behind, until somebody asks for it."""
    one = trainer()
    before = weights(one)
    steps = one.steps()
    for _ in range(3):
        next(steps)
        behind = one._model.posterior.bias.detach().clone()
        assert not torch.equal(behind, one.device.device_model.posterior.bias)  # type: ignore[attr-defined]
        assert torch.equal(one.model.posterior.bias, one.device.device_model.posterior.bias)  # type: ignore[attr-defined]
    assert not torch.equal(weights(one), before)


def test_a_state_that_does_not_fit_is_refused(unrecorded: None) -> None:
    """Other shapes, or moments of another rule, give one clear sentence."""
    one = trainer()
    taken(one, 1)
    tensors, progress = one.state()
    with pytest.raises(CheckpointError, match="another training"):
        trainer({"hidden": (9, 7)}).load_state(tensors, progress)
    other = tensors | {"optimizer.0.sum": tensors["optimizer.0.exp_avg"]}
    with pytest.raises(CheckpointError, match=r"another training: optimizer\.0\.sum"):
        trainer().load_state(other, progress)


def test_divergence_is_reported_with_its_step(unrecorded: None) -> None:
    """It is noticed when metrics are read, and no such state is saved before."""
    one = trainer()
    steps = one.steps()
    next(steps)
    assert one.is_sound
    with torch.no_grad():
        one.device.device_model.posterior.bias[0] = float("inf")  # type: ignore[attr-defined]
    next(steps)
    assert not one.is_sound
    again = trainer()
    steps = again.steps()
    next(steps)
    with torch.no_grad():
        again.device.device_model.posterior.bias[0] = float("inf")  # type: ignore[attr-defined]
    next(steps)
    with pytest.raises(DivergedError, match=r"at step 2: try a learning_rate below 0\.01"):
        list(steps)


def test_a_changed_setting_holds_from_its_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """Steered between two steps, the training goes on as the processor's does."""

    def steered() -> Trainer:
        one = trainer()
        taken(one, 2)
        one.adjust(one.config.model_copy(update={"learning_rate": 1e-3, "beta": 4.0}))
        list(one)
        return one

    usual = steered()
    monkeypatch.setitem(DEVICES, "cpu", cuda.CUDADevice)
    torch.testing.assert_close(weights(steered()), weights(usual), rtol=1e-3, atol=1e-4)


def test_a_run_is_recorded_as_any_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, unrecorded: None
) -> None:
    """Checkpoints, replay and model folder are whole; the card says which ways it took."""
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda place: "a card")
    folder = running.run(tmp_path / "run")
    card = model_folder.load_card(folder)
    assert card.paths == {"gradient": "by hand", "steps": "as CUDA graphs of a card"}
    replay = runs.read_replay(folder)
    assert replay is not None
    assert replay.frames[-1].step == 45
    assert not torch.equal(replay.frames[0].codes, replay.frames[-1].codes)


@pytest.mark.parametrize(
    ("model", "settings", "named"),
    [
        ({}, {"learner": "mcem"}, "learner 'mcem' .*'cuda'; allowed: 'aevb'"),
        ({}, {"learner": "wake-sleep"}, "learner 'wake-sleep' .*'cuda'; allowed: 'aevb'"),
        ({}, {"optimizer": "adagrad"}, "optimizer 'adagrad' .*'cuda'; allowed: 'adam'"),
        ({}, {"encoder_shift": 1}, "encoder_shift 1 .*'cuda'; allowed: 0"),
        ({"network": "rows"}, {}, "network 'rows' .*'cuda'; allowed: 'mlp', 'conv'"),
        ({"conditional": True, "classes": 2}, {}, "conditional True .*'cuda'; allowed: False"),
        ({"prior": "label", "classes": 2}, {}, "prior 'label' .*'cuda'; allowed: 'standard'"),
    ],
)
def test_what_a_gpu_is_not_programmed_for_is_refused_by_name(
    model: dict[str, Any], settings: dict[str, Any], named: str
) -> None:
    """With what is allowed, on machines without one too."""
    of, how = small.model_config(**model), small.train_config(**settings)
    learning.check_method(of, how)
    with pytest.raises(ConfigError, match=named):
        learning.check_method(of, how.model_copy(update={"device": "cuda"}))


# With a card


def on_card(digits: ImageDataset, device: str = "cuda", **settings: Any) -> Trainer:
    """Begin a training on the bundled digits."""
    usual = {"dataset": "digits", "batch_size": 100, "epochs": 20, "learning_rate": 5e-3}
    model = ModelConfig(image_shape=(1, 8, 8), hidden=(64,), latent_dim=4)
    return Trainer(model, small.train_config(**usual | settings, device=device), digits)


@with_gpu
@pytest.mark.parametrize("settings", [{}, {"objective": "iwae", "samples": 5}], ids=str)
def test_a_replayed_graph_takes_the_recorded_steps(
    settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch, digits: ImageDataset
) -> None:
    """From the same seed, with a graph and without, minibatch by minibatch."""
    replayed = [step.train for step in on_card(digits, **settings).steps()]
    monkeypatch.setattr(cuda.CUDADevice, "_captured", lambda self, run: run)
    launched = [step.train for step in on_card(digits, **settings).steps()]
    for one, other in zip(replayed, launched, strict=True):
        assert one.elbo == pytest.approx(other.elbo, rel=1e-3)


@with_gpu
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_the_bound_does_not_suffer_on_a_card(precision: str, digits: ImageDataset) -> None:
    """Twenty epochs end where the processor's do, within 0.3 nats."""
    ours = list(on_card(digits, precision=precision))[-1].test.elbo
    assert ours == pytest.approx(list(on_card(digits, "cpu"))[-1].test.elbo, abs=0.3)


@with_gpu
@pytest.mark.parametrize("network", ["mlp", "conv"])
def test_a_resume_on_a_card_is_exact(network: str, digits: ImageDataset) -> None:
    """To the bit, the noise's generator included, though the graphs are captured anew."""
    model = small.model_config(image_shape=(1, 8, 8), network=network)
    how = small.train_config(dataset="digits", batch_size=100, pixels="dynamic", device="cuda")
    whole, half, resumed = (Trainer(model, how, digits) for _ in range(3))
    list(whole)
    taken(half, 7)
    resumed.load_state(*half.state())
    list(resumed)
    assert torch.equal(weights(resumed), weights(whole))
