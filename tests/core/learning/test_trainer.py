"""Training: reproducible to the bit, resumable to the bit, and it learns."""

from __future__ import annotations

import math
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import reference
import small
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from vae_core import learning, objectives, runs
from vae_core.config import TrainConfig
from vae_core.data import ImageDataset
from vae_core.errors import CheckpointError, ConfigError
from vae_core.learning import DivergedError, EpochRecord, Trainer, schedules

native_bfloat16 = pytest.mark.skipif(
    not learning.native_bfloat16(), reason="this processor has no bfloat16 arithmetic"
)
KINDS = [
    pytest.param({}, id="adam"),
    pytest.param({"optimizer": "adagrad", "learning_rate": 0.05, "init": "paper"}, id="adagrad"),
    pytest.param({"pixels": "dynamic", "samples": 2}, id="dynamic"),
    pytest.param({"pixels": "static", "train_size": 40}, id="static subset"),
    pytest.param({"pixels": "threshold", "beta": 2.0, "kl_warmup_epochs": 1.5}, id="threshold"),
    pytest.param({"decay": "cosine", "warmup": 0.1}, id="scheduled"),
    pytest.param({"objective": "iwae", "samples": 3, "coarse_epochs": 1}, id="coarse first"),
    pytest.param({"encoder_shift": 1, "test_pixels": "dynamic"}, id="moved copies"),
    pytest.param({"precision": "bfloat16"}, id="bfloat16", marks=native_bfloat16),
]


def trainer(dataset: ImageDataset | None = None, **settings: Any) -> Trainer:
    """Begin a small training."""
    return Trainer(small.model_config(), small.train_config(**settings), dataset or small.dataset())


def weights(of: Trainer) -> Tensor:
    """All weights in one row."""
    return torch.cat([p.detach().flatten() for p in of.model.parameters()])


def plain(records: list[EpochRecord]) -> list[dict[str, Any]]:
    """Leave out the time that records took."""
    return [{k: v for k, v in record.as_dict().items() if k != "seconds"} for record in records]


@pytest.mark.parametrize("settings", KINDS)
def test_same_seed_same_weights_to_the_bit(settings: dict[str, Any]) -> None:
    """Whatever the global stream of random numbers did; another seed gives other weights."""
    torch.manual_seed(1)
    one = trainer(**settings)
    first = plain(list(one))
    torch.manual_seed(2)
    again = trainer(**settings)
    assert plain(list(again)) == first
    assert torch.equal(weights(one), weights(again))
    other = trainer(**settings, seed=1)
    list(other)
    assert not torch.equal(weights(one), weights(other))


@pytest.mark.parametrize("settings", KINDS)
def test_interrupted_and_resumed_is_uninterrupted(settings: dict[str, Any], tmp_path: Path) -> None:
    """Stopped at three random steps, each time through a file and a new process' worth of state.

    Weights, records and the number of steps end up identical.
    """
    whole = trainer(**settings)
    expected = plain(list(whole))
    stops = sorted(random.sample(range(1, whole.progress.step), 3))
    records = []
    current = trainer(**settings)
    while not current.finished:
        for step in current.steps():
            if stops and step.step == stops[0]:
                stops.pop(0)
                break
        else:
            records.append(current.finish_epoch())
            continue
        runs.write_checkpoint(tmp_path, *current.state())
        del current
        restored = runs.read_checkpoint(tmp_path)
        assert restored is not None
        current = trainer(**settings)
        current.load_state(*restored)
    assert torch.equal(weights(current), weights(whole))
    assert plain(records) == expected


def test_a_resume_without_the_moments_would_show(tmp_path: Path) -> None:
    """The contrast: weights alone do not continue the same training."""
    whole = trainer()
    list(whole)
    half = trainer()
    for _ in half.steps():
        pass
    half.finish_epoch()
    tensors, progress = half.state()
    bare = {k: v for k, v in tensors.items() if not k.startswith("optimizer.")}
    resumed = trainer()
    resumed.load_state(bare, progress)
    list(resumed)
    assert not torch.equal(weights(resumed), weights(whole))


def test_leaving_the_loop_and_going_on_changes_nothing() -> None:
    """The training stands between two steps whenever the loop is left."""
    whole = trainer()
    list(whole)
    left = trainer()
    for step in left.steps():
        if step.step == 2:
            break
    list(left)
    assert torch.equal(weights(left), weights(whole))


def test_a_state_of_another_training_is_refused() -> None:
    """Other shapes, other names or no tensors at all give one clear sentence."""
    tensors, progress = trainer().state()
    other = Trainer(small.model_config(hidden=(9, 7)), small.train_config(), small.dataset())
    with pytest.raises(CheckpointError, match="another training"):
        other.load_state(tensors, progress)
    with pytest.raises(CheckpointError, match="another training"):
        trainer().load_state(tensors, {**progress, "minutes": 3})
    with pytest.raises(CheckpointError, match="another training"):
        trainer().load_state({}, progress)


def test_it_learns(digits: ImageDataset) -> None:
    """Four epochs end over 1.5 nats of test ELBO above those with a hundredth of the step size."""
    config = small.model_config(image_shape=(1, 8, 8), hidden=(64,), latent_dim=4)
    ends = []
    for rate in (1e-2, 1e-4):
        settings = small.train_config(dataset="digits", epochs=4, batch_size=50, learning_rate=rate)
        ends.append(list(Trainer(config, settings, digits))[-1].test.elbo)
    assert ends[0] - ends[1] > 1.5


def test_a_larger_beta_costs_rate() -> None:
    """With beta = 20 the codes carry less than with beta = 0.1; distortion pays for it."""
    lean, rich = (list(trainer(beta=beta, epochs=15))[-1].test for beta in (20.0, 0.1))
    assert lean.rate < 0.5 * rich.rate
    assert lean.distortion > rich.distortion


def test_the_first_step_follows_the_references_gradient() -> None:
    """Adagrad's first step is that of a second implementation's gradient, and so is its memory.

    A step of g / (|g| + eps) shows the sign; the sum of squares that Adagrad keeps shows the scale:
    a sum over pixels, a mean over the batch and an average over L samples.
    """
    built = trainer(optimizer="adagrad", samples=3, batch_size=50, train_size=50)
    before = {name: p.detach().clone() for name, p in built.model.state_dict().items()}
    noise = torch.Generator()
    noise.set_state(built.state()[0]["noise"].clone())
    eps = torch.randn(3, 50, 3, generator=noise)
    next(iter(built.steps()))
    # The first epoch's order is the trainer's own affair: the gradient is summed over the batch,
    # but each image meets its own noise.
    order = built._order(0)
    x = small.dataset().train.images[order].flatten(1).double() / 255
    gradients = reference.differentiate(
        {name: value.double().numpy() for name, value in before.items()},
        x.numpy(),
        eps.double().numpy(),
        activation="tanh",
        likelihood="bernoulli",
    ).gradients
    for name, value in built.model.state_dict().items():
        g = gradients[name]
        expected = before[name].numpy() - 1e-2 * g / (np.abs(g) + 1e-10)
        clear = np.abs(g) > 1e-4 * np.abs(g).max()  # elsewhere rounding decides the sign
        np.testing.assert_allclose(value.numpy()[clear], expected[clear], atol=1e-5, err_msg=name)
    state = built.state()[0]
    for index, (name, _) in enumerate(built.model.named_parameters()):
        squares = gradients[name] ** 2
        np.testing.assert_allclose(
            state[f"optimizer.{index}.sum"],
            squares,
            rtol=0,
            atol=1e-4 * squares.max(),
            err_msg=name,
        )


def test_records_are_means_over_examples() -> None:
    """Train metrics weigh the short last minibatch by its size; numbers count from 1."""
    running = trainer()
    steps = list(running.steps())
    record = running.finish_epoch()
    assert [step.step for step in steps] == [1, 2, 3, 4, 5]
    assert {step.epoch for step in steps} == {1}
    sizes = [12, 12, 12, 12, 2]
    rate = sum(size * step.train.rate for size, step in zip(sizes, steps, strict=True)) / 50
    assert record.train.rate == pytest.approx(rate)
    assert record.train.elbo == pytest.approx(-(record.train.rate + record.train.distortion))
    assert (record.epoch, record.step) == (1, 5)
    assert record.seconds > 0
    assert [r.epoch for r in running] == [2, 3]


def test_every_image_is_visited_once_an_epoch_in_a_new_order() -> None:
    """The data order is a permutation that changes with the epoch and with the seed."""
    one, other = trainer(), trainer(seed=1)
    orders = [one._order(0), one._order(1), other._order(0)]
    for order in orders:
        assert order.sort().values.tolist() == list(range(50))
    assert not torch.equal(orders[0], orders[1])
    assert not torch.equal(orders[0], orders[2])


def test_a_subset_is_drawn_by_seed() -> None:
    """N = 20 trains on 20 images, others for another seed, in two batches."""
    some, others = trainer(train_size=20), trainer(train_size=20, seed=1)
    assert some.batches == 2
    assert len(some._train) == 20
    assert not torch.equal(some._train, others._train)


@pytest.mark.parametrize(
    ("model", "training", "named"),
    [
        ({"image_shape": (1, 28, 28)}, {}, r"image_shape \(1, 28, 28\).*bars, \(1, 5, 4\)"),
        ({"likelihood": "gaussian"}, {"pixels": "dynamic"}, "pixels 'dynamic'.*'gaussian'"),
        ({"likelihood": "gaussian"}, {"pixels": "threshold"}, "pixels 'threshold'"),
        ({}, {"batch_size": 51}, "batch_size 51 is above the 50"),
        ({}, {"batch_size": 21, "train_size": 20}, "batch_size 21 is above the 20"),
        ({}, {"train_size": 51}, "train_size 51 is above the 50 training images of bars"),
    ],
)
def test_misfits_are_refused_by_name(
    model: dict[str, Any], training: dict[str, Any], named: str
) -> None:
    """Settings that do not fit the data or each other, before anything is trained."""
    with pytest.raises(ConfigError, match=named):
        Trainer(small.model_config(**model), small.train_config(**training), small.dataset())


def test_bfloat16_is_refused_where_it_is_not_native(monkeypatch: pytest.MonkeyPatch) -> None:
    """Emulated bfloat16 would be slower than float32, so it is not offered."""
    monkeypatch.setattr(torch.cpu, "get_capabilities", dict)
    with pytest.raises(ConfigError, match=r"precision 'bfloat16'.*'float32'"):
        trainer(precision="bfloat16")


def test_a_device_that_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """By name, with what this machine has, before anything else is looked at."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert learning.devices() == ("cpu",)
    with pytest.raises(ConfigError, match=r"'cuda' is not on this host; .*here: 'cpu'$"):
        trainer(device="cuda", batch_size=51)


def test_a_gpu_too_may_lack_bfloat16(monkeypatch: pytest.MonkeyPatch) -> None:
    """What its products are made of is its own affair, not the processor's."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    for is_native in (True, False):
        monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda **_: is_native)  # noqa: B023
        assert learning.native_bfloat16("cuda") is is_native
    settings = small.train_config(device="cuda", precision="bfloat16")
    with pytest.raises(ConfigError, match=r"'bfloat16' is not native to this GPU.*'float32'"):
        learning.check_fit(small.model_config(), settings, small.dataset())


def test_adams_epsilon_is_the_settings() -> None:
    """A large one turns the first step from the gradient's sign to the gradient itself."""
    moved = {}
    for epsilon in (1e-8, 1.0):
        running = trainer(adam_epsilon=epsilon)
        before = weights(running)
        next(iter(running.steps()))
        moved[epsilon] = (weights(running) - before).abs()
    assert moved[1e-8].median() > 0.99e-2
    assert moved[1.0].median() < 0.2e-2


def test_the_paths_that_a_training_takes_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The gradient's, and what PyTorch chooses by this processor's features."""
    kernels = torch.backends.cpu.get_cpu_capability()
    assert trainer().device.paths() == {"gradient": "by hand", "kernels": kernels}
    assert trainer(samples=2).device.paths()["gradient"] == "by autograd"
    assert trainer(learner="wake-sleep").device.paths()["gradient"] == "by autograd"
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": True})
    assert trainer(precision="bfloat16").device.paths()["bfloat16 products"] == "avx512_bf16"


def test_divergence_is_reported() -> None:
    """A loss that is no number ends the training with a sentence, the weights untouched by it."""
    running = trainer()
    next(iter(running.steps()))
    with torch.no_grad():
        running.model.posterior.bias[0] = math.inf
    with pytest.raises(DivergedError, match=r"at step 2: try a learning_rate below 0\.01"):
        next(iter(running.steps()))


@given(
    total=st.integers(1, 5000),
    warmup=st.floats(0, 0.99),
    decay=st.sampled_from(sorted(schedules.DECAYS)),
)
def test_the_learning_rate_stays_between_zero_and_its_peak(
    total: int, warmup: float, decay: str
) -> None:
    """For any length it climbs, never overshoots, and then never rises."""
    config = TrainConfig.of(warmup=warmup, decay=decay)
    stages = range(0, total, max(1, total // 100))
    rates = [schedules.learning_rate(step, total, config) for step in stages]
    assert all(0 < rate <= 1 for rate in rates)
    top = rates.index(max(rates))
    assert rates[: top + 1] == sorted(rates[: top + 1])
    assert rates[top:] == sorted(rates[top:], reverse=True)


def test_the_first_epochs_may_take_fewer_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two epochs of three codes for each image, then one of five; a resume keeps count."""
    kept = trainer(objective="iwae", samples=5, coarse_epochs=2, coarse_samples=3)
    drawn: list[int] = []
    forward = kept.model.forward

    def noted(*args: Any, samples: int = 1, **keywords: Any) -> Any:
        if torch.is_grad_enabled():  # not the evaluation after each epoch
            drawn.append(samples)
        return forward(*args, samples=samples, **keywords)

    monkeypatch.setattr(kept.model, "forward", noted)
    list(kept)
    assert drawn == [3] * 10 + [5] * 5


def test_schedules_have_their_shapes() -> None:
    """Linear climb, then cosine or linear fall; the KL weight climbs over its epochs."""
    cosine = TrainConfig.of(warmup=0.1, decay="cosine")
    assert schedules.learning_rate(4, 100, cosine) == pytest.approx(0.5)
    assert schedules.learning_rate(55, 100, cosine) == pytest.approx(0.5)
    linear = TrainConfig.of(decay="linear")
    assert schedules.learning_rate(75, 100, linear) == pytest.approx(0.25)
    warm = TrainConfig.of(kl_warmup_epochs=4)
    assert [schedules.kl_weight(e, warm) for e in (0, 1, 4, 9)] == [0, 0.25, 1, 1]
    assert schedules.kl_weight(0, TrainConfig()) == 1


@pytest.mark.parametrize("batches", [1, 7, 3000])
def test_burdas_passes_begin_where_they_should(batches: int) -> None:
    """Pass i of eight takes 3^i epochs at 10^(−i/7) of the first rate, to the step."""
    config = TrainConfig.of(decay="passes", epochs=3280)
    begin = 0
    for i in range(8):
        end = begin + 3**i * batches
        for step in (begin, end - 1):
            rate = schedules.learning_rate(step, 3280 * batches, config)
            assert rate == pytest.approx(10 ** (-i / 7))
        begin = end
    assert begin == 3280 * batches


def test_a_stage_is_what_the_schedules_say() -> None:
    """Of the step after so many others, numbered from 1."""
    config = TrainConfig.of(
        epochs=4, decay="linear", learning_rate=0.1, beta=2.0, kl_warmup_epochs=2,
        objective="iwae", samples=5, coarse_epochs=1, coarse_samples=3,
    )  # fmt: skip
    first, later = (schedules.stage(done, 10, config) for done in (5, 10))
    assert (first.number, first.samples, later.samples) == (6, 3, 5)
    assert (first.beta, later.beta) == (0.5, 1.0)
    assert (first.learning_rate, later.learning_rate) == pytest.approx((0.0875, 0.075))


def test_training_reports_the_bound_itself() -> None:
    """Metrics are not weighted by beta: the first minibatch's equal the objective's."""
    running = trainer(beta=7.0, batch_size=50)
    tensors, progress = running.state()
    before = {name: value.clone() for name, value in tensors.items()}
    step = next(iter(running.steps()))
    fresh = trainer(beta=7.0, batch_size=50)
    fresh.load_state(before, progress)
    x = small.dataset().train.images[fresh._order(0)].float() / 255
    noise = torch.Generator()
    noise.set_state(before["noise"])
    bound = objectives.elbo(fresh.model(x, generator=noise))
    assert step.train.rate == pytest.approx(bound.rate.mean().item(), rel=1e-5)
    assert step.train.elbo == pytest.approx(bound.elbo.mean().item(), rel=1e-5)
