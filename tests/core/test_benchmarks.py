"""The measurements themselves: NumPy's gradients, statistics, products, maps, tables."""

from __future__ import annotations

import argparse
import json
import math
import os
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import reference
import small
import torch
from sklearn.manifold import TSNE
from sklearn.metrics import roc_auc_score
from torch.utils.flop_counter import FlopCounterMode

from benchmarks import (
    bench,
    familiarity,
    formats,
    kill,
    load,
    machine,
    photographs,
    table,
    tasks,
    timing,
)
from benchmarks.peers import numpy_vae, plain, textbook
from benchmarks.sections import Found, maps, recipe
from benchmarks.timing import Spread
from vae_core import images, models
from vae_core.config import ModelConfig, TrainConfig
from vae_core.data import Split
from vae_core.errors import DatasetMissingError

WAYS_TO_SUM = {"summed": reference.summed, "per-sample": reference.per_sample}


def contestant(module: Any, **options: Any) -> Any:
    """Make a peer with a small network on small images."""
    config = small.model_config(hidden=(11,), activation="tanh")
    return module.Contestant(config, small.train_config(), small.dataset(), **options)


@pytest.mark.parametrize("gradient", WAYS_TO_SUM)
def test_numpys_gradients_are_autograds(gradient: str) -> None:
    """In float32 as the benchmark trains, and whichever way a minibatch is summed."""
    peer = contestant(numpy_vae, gradient=gradient)
    x = peer.x[:12]
    eps = np.random.default_rng(0).standard_normal((1, 12, 3), dtype=np.float32)
    found = reference.differentiate(
        peer.arrays,
        x,
        eps,
        activation="tanh",
        likelihood="bernoulli",
        weight_gradient=WAYS_TO_SUM[gradient],
    )
    network = textbook.Network(peer.model)
    network.load_state_dict(peer.weights())
    raw = network.posterior(network.encoder(torch.from_numpy(x)))
    mu, logvar = models.vae.gaussian_of(raw).mu, models.vae.gaussian_of(raw).logvar
    z = mu + torch.exp(0.5 * logvar) * torch.from_numpy(eps[0])
    logits = network.likelihood(network.decoder(z))
    loss = textbook.loss_function(logits, torch.from_numpy(x), mu, logvar) / len(x)
    loss.backward()
    assert found.rate + found.distortion == pytest.approx(loss.item(), rel=1e-5)
    for name, weights in network.named_parameters():
        assert found.gradients[name].dtype == np.float32
        torch.testing.assert_close(
            torch.from_numpy(found.gradients[name]), weights.grad, atol=1e-5, rtol=1e-4
        )


def test_numpys_adam_is_pytorchs() -> None:
    """Five steps lead to the same weights."""
    draw = np.random.default_rng(0)
    start = draw.standard_normal((3, 4), dtype=np.float32)
    ours, theirs = start.copy(), torch.nn.Parameter(torch.from_numpy(start.copy()))
    adam = numpy_vae.Adam({"weights": ours}, 0.05)
    peer = torch.optim.Adam([theirs], lr=0.05)
    for _ in range(5):
        gradient = draw.standard_normal((3, 4), dtype=np.float32)
        adam.step({"weights": gradient})
        theirs.grad = torch.from_numpy(gradient)
        peer.step()
    torch.testing.assert_close(torch.from_numpy(ours), theirs.detach(), atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("module", [numpy_vae, plain, textbook], ids=lambda m: m.__name__)
def test_a_peer_learns_and_its_network_is_one_of_ours(module: Any) -> None:
    """Its weights go into a model of the package, which costs less after ten epochs."""
    peer = contestant(module)

    def cost() -> float:
        network = models.build(small.model_config(hidden=(11,), activation="tanh"))
        network.load_state_dict(peer.weights())
        x = small.dataset().train.images.float() / 255
        with torch.no_grad():
            inference = network(x, generator=torch.Generator().manual_seed(0))
            negative = -inference.p.log_prob(x).mean() + inference.q.kl_per_dim().sum(1).mean()
        return float(negative)

    before = cost()
    assert all(peer.epoch() > 0 for _ in range(10))
    assert cost() < before - 0.1


def test_the_textbooks_tensor_is_the_picture() -> None:
    """ToTensor, written again: grey levels in [0, 1], channel first."""
    images = small.images(3)
    tensor, label = textbook.Pictures(images)[1]
    assert torch.equal(tensor, images[1].float() / 255)
    assert (tensor.dtype, label) == (torch.float32, 0)


def test_what_is_compared_is_measured_in_turn() -> None:
    """A B A B; a first round warms and does not count."""
    clock, order = count(1), []

    def measured(name: str) -> float:
        order.append(name)
        return float(next(clock))

    both = {name: lambda name=name: measured(name) for name in "ab"}
    found = timing.interleave(both, 2, lambda told: None)
    assert "".join(order) == "ababab"
    assert found == {"a": Spread((3.0, 5.0)), "b": Spread((4.0, 6.0))}


def test_ratios_are_computed_round_by_round() -> None:
    """A machine that slows down for both changes no ratio."""
    peer, ours = Spread((4.0, 8.0, 40.0)), Spread((2.0, 4.0, 20.0))
    ratio = timing.ratios(peer, ours)
    assert (ratio.low, ratio.median, ratio.high) == (2, 2, 2)
    assert peer.median == 8
    assert peer.inverse(80).values == (20, 10, 2)
    assert Spread((1.0, 3.0)).se == pytest.approx(1.0)
    assert math.isnan(Spread((1.0,)).se)


def test_exponents_and_gaps_of_known_numbers() -> None:
    """A power law has its exponent; two means differ by what they differ."""
    sizes = (10, 100, 1_000)
    assert timing.exponent(sizes, [3 * n**1.5 for n in sizes]) == pytest.approx(1.5)
    difference, se = timing.gap(Spread((3.0, 5.0)), Spread((1.0, 1.0)))
    assert (difference, se) == pytest.approx((3.0, 1.0))


@pytest.mark.parametrize("batch", [1, 7])
def test_the_flops_of_a_step_are_those_that_pytorch_counts(batch: int) -> None:
    """Forward and backward products of every layer, and none for the images' own gradient."""
    network = textbook.Network(ModelConfig(latent_dim=20, hidden=(500,)))
    x = torch.rand(batch, 1, 28, 28)
    with FlopCounterMode(display=False) as counted:
        logits, mu, logvar = network(x)
        textbook.loss_function(logits, x, mu, logvar).backward()
    products = machine.training_products(((784, 500, 40), (20, 500, 784)), batch)
    assert machine.flops(products) == counted.get_total_flops()


def test_a_process_names_its_own_peak() -> None:
    """Memory that was held once stays in the peak."""
    before = machine.peak_memory()
    held = bytearray(64 * 2**20)
    held[::4096] = b"1" * len(held[::4096])
    assert machine.peak_memory() >= before
    del held
    assert machine.peak_memory() >= machine.memory(os.getpid()) - 1


def test_divergence_of_a_map_is_scikit_learns() -> None:
    """The one measure of both maps agrees with the one that scikit-learn reports."""
    draw = np.random.default_rng(0)
    codes = np.concatenate([draw.normal(m, 1, (60, 5)) for m in (-4, 0, 4)])
    peer = TSNE(perplexity=15, init="pca", random_state=0, method="exact")
    points = peer.fit_transform(codes.astype(np.float32))
    p = maps.affinities(codes, 15)
    assert p.sum() == pytest.approx(1)
    assert maps.kl_divergence(p, points) == pytest.approx(peer.kl_divergence_, rel=0.03)
    assert maps.kl_divergence(p, draw.normal(size=points.shape)) > 2 * peer.kl_divergence_


@pytest.mark.parametrize(
    ("goal", "figure", "reached"),
    [
        (table.at_least(2.5), 2.5, True),
        (table.at_least(2.5), 2.4, False),
        (table.at_most(1.05), 1.06, False),
        (table.below(300), 300, False),
        (table.below(300), 299, True),
        (table.at_least(8), math.nan, False),
        (None, 1.0, None),
    ],
)
def test_a_goal_is_reached_or_missed_by_its_figure(
    goal: table.Goal | None, figure: float, reached: bool | None
) -> None:
    """Nobody types in a verdict; a stored one is computed anew."""
    row = table.Row("work", figure, "×", goal=goal)
    assert row.reached is reached
    stored = row.as_dict()
    assert stored["reached"] is reached
    assert table.Row.of(stored | {"reached": "typed in"}).reached is reached


def test_rows_that_decide_come_first() -> None:
    """The table holds figure, spread, goal and verdict; a row without a figure says why."""
    rows = [
        table.row("seconds", Spread((1.234, 1.0, 2.0)), "s"),
        table.row("epoch", Spread((2.0, 2.2, 2.1)), "×", table.at_least(2.5)),
        table.Row("on the GPU", None, "s", goal=table.at_most(0.1), note="no GPU here"),
    ]
    assert table.markdown(rows).splitlines()[2:] == [
        "| epoch | 2.10× | 2.00 – 2.20 | ≥ 2.5× | **missed** |",
        "| on the GPU (no GPU here) | — |  | ≤ 0.1 s | not measured |",
        "| seconds | 1.23 s | 1.00 – 2.00 |  |  |",
    ]


@pytest.mark.parametrize("here", [False, True])
def test_the_gpus_section_is_measured_where_there_is_one(
    here: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Elsewhere whoever asks for it is told which others there are."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: here)
    assert ("gpu" in bench.sections()) == here
    if here:
        assert bench.chosen("gpu,maps") == ("maps", "gpu")
        return
    with pytest.raises(argparse.ArgumentTypeError, match="no GPU; allowed here are training"):
        bench.chosen("gpu,maps")


def test_parts_of_a_section_are_joined() -> None:
    """Rows in their order, rounds by name, and the one plot."""
    one = Found([table.Row("a", 1.0)], {"a": Spread((1.0,))})
    other = Found([table.Row("b", 2.0)], {"b": Spread((2.0,))}, plot="b.svg")
    assert one + other == Found(
        [*one.rows, *other.rows], {"a": Spread((1.0,)), "b": Spread((2.0,))}, plot="b.svg"
    )


def test_a_table_replaces_what_lies_between_its_markers(tmp_path: Path) -> None:
    """Twice is as good as once, and the rest of the page stays."""
    record = {
        "date": "2026-11-20",
        "machine": machine.describe(),
        "threads": 2,
        "paths": machine.paths(),
        "versions": {"torch": "2.13.0"},
        "sections": {
            "maps": {
                "title": "Maps",
                "load before": 0.1,
                "plot": "maps.svg",
                "rows": [table.Row("t-SNE", 2.5, "×", goal=table.at_least(2)).as_dict()],
            }
        },
    }
    page = tmp_path / "README.md"
    page.write_text(f"before\n{table.BEGIN}\nold\n{table.END}\nafter\n")
    on_a_card = record | {"machine": record["machine"] | {"GPU": "a card"}, "sections": {}}
    table.render([record, on_a_card], page)
    once = page.read_text()
    table.render([record, on_a_card], page)
    assert page.read_text() == once
    assert "| t-SNE | 2.50× |  | ≥ 2× | reached |" in once
    assert "](results/maps.svg)" in once
    assert once.startswith("before\n")
    assert once.endswith("\nafter\n")
    assert "old" not in once
    assert once.count("Measured on 2026-11-20") == 2
    assert " GB, a card; kernels" in once
    page.write_text("no markers")
    with pytest.raises(ValueError, match="bench: begin"):
        table.render([record], page)


def test_a_record_holds_plain_json() -> None:
    """A bound that was never reached took no number of seconds."""
    kept = bench.finite({"rounds": [1.0, math.inf], "note": "x", "figure": math.nan})
    assert json.loads(json.dumps(kept, allow_nan=False)) == {
        "rounds": [1.0, None],
        "note": "x",
        "figure": None,
    }


def test_what_is_held_out_is_not_trained_on() -> None:
    """The recipe is chosen on the last training images; the test set is not looked at."""
    whole, split = tasks.dataset("digits"), tasks.validation("digits", 100)
    assert (len(split.train), len(split.test)) == (len(whole.train) - 100, 100)
    assert torch.equal(torch.cat([split.train.ids, split.test.ids]), whole.train.ids)
    assert torch.equal(split.test.images, whole.train.images[-100:])


def test_candidates_are_settings_that_there_are() -> None:
    """Each is a model and a training; the first one is the recipe as it stands."""
    assert recipe.CANDIDATES[0] == {}
    names = {recipe._name(one) for one in recipe.CANDIDATES}
    assert len(names) == len(recipe.CANDIDATES)
    for candidate in recipe.CANDIDATES:
        told = recipe.settings(candidate, seed=1, threads=1)
        model, training = ModelConfig.of(**told["model"]), TrainConfig.of(**told["training"])
        given = model.model_dump() | training.model_dump()
        assert given | candidate == given


def test_sections_and_threads_that_are_not_there_are_refused() -> None:
    """By name, with what is there, before anything is measured."""
    assert bench.chosen("maps,training") == ("training", "maps")
    with pytest.raises(Exception, match="section 'speed': allowed are training, recipe, quality"):
        bench.chosen("maps,speed")
    for text in ("0", "-1", "many", str(machine.usable_cores() + 1)):
        with pytest.raises(Exception, match=f"threads '{text}': allowed are 1 to"):
            bench.threads(text)


def test_each_host_has_its_own_records(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The newest of each is shown, the machine without a name first; other files are none."""
    monkeypatch.setattr(bench, "HERE", tmp_path)
    (tmp_path / "results").mkdir()
    names = ["2026-11-02", "2026-11-09", "2026-11-03-gpu", "2026-11-01-gpu", "2026-11-01-amx"]
    for name in [*names, "load", "2026-11-30-A!"]:
        (tmp_path / "results" / f"{name}.json").write_text(json.dumps(name))
    assert bench.newest() == ["2026-11-09", "2026-11-01-amx", "2026-11-03-gpu"]
    assert bench.machines_name("amx2") == "amx2"
    with pytest.raises(argparse.ArgumentTypeError, match=r"name '\.\./a': allowed are small"):
        bench.machines_name("../a")
    for path in (tmp_path / "results").iterdir():
        path.unlink()
    with pytest.raises(SystemExit, match="no record yet"):
        bench.newest()


def test_the_tables_on_the_page_are_those_of_the_newest_record(tmp_path: Path) -> None:
    """No figure of ``benchmarks/README.md`` was typed in."""
    if not list((bench.HERE / "results").glob("????-??-??.json")):
        pytest.skip("no record yet")
    page = tmp_path / "README.md"
    page.write_text(bench.README.read_text(encoding="utf-8"), encoding="utf-8")
    table.render(bench.newest(), page)
    assert page.read_text(encoding="utf-8") == bench.README.read_text(encoding="utf-8")


def classed(sessions: int, seconds: float, *, p95: float, most: float, last: float) -> Any:
    """Return what a load of so many sessions found."""
    kinds = {"all": {"n": 900, "p95": p95}, "lasso": {"n": 100, "p95": 80.0}}
    return {
        "sessions": sessions,
        "seconds": seconds,
        "failures": 0,
        "milliseconds": kinds | {"open the app": {"n": 20, "p95": 300.0}},
        "server MB": {"most": most, "middle third": 500.0, "last third": last},
    }


def test_a_load_is_held_against_the_goals_of_its_size() -> None:
    """Speed and memory with thirty, growth over ten minutes, failures always; each met or not."""
    thirty = load.goals(classed(30, 600.0, p95=99.0, most=701.0, last=512.0))
    assert {one["goal"]: one["met"] for one in thirty} == {
        "failures": True,
        "p95 of all, ms": True,
        "p95 of lasso, ms": True,
        "server, MB": False,
        "memory, middle third to last third, %": True,
    }
    grown = load.goals(classed(30, 600.0, p95=101.0, most=600.0, last=516.0))
    assert [one["goal"] for one in grown if not one["met"]] == [
        "p95 of all, ms",
        "memory, middle third to last third, %",
    ]
    hundred = load.goals(classed(100, 120.0, p95=900.0, most=900.0, last=900.0))
    assert [(one["goal"], one["met"]) for one in hundred] == [("failures", True)]


def test_a_kill_that_lost_anything_fails() -> None:
    """Other weights, an unreadable file, a lost run, another end, and nothing killed at all."""
    well: dict[str, Any] = {"seconds": 1.0, "unreadable": [], "end": "finished", "lost": []}
    well["same weights"] = True
    assert kill.is_well(kill.summary({"trainer": [well], "server": [well, well]}))
    for wrong in (
        {"same weights": False},
        {"unreadable": ["card.json: torn"]},
        {"end": "failed"},
        {"end": "lost"},
        {"lost": ["digits-2"]},
    ):
        assert not kill.is_well(kill.summary({"trainer": [well, well | wrong]})), wrong
    assert not kill.is_well(kill.summary({}))
    assert not kill.is_well(kill.summary({"trainer": [well], "server": []}))


def test_the_comparison_of_formats_names_what_differs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing differs from a second writing; a changed line and a missing file are named."""
    monkeypatch.setattr(formats.model_folder, "list_models", lambda: ["digits-2d"])
    before, after = tmp_path / "before", tmp_path / "after"
    hashes = formats.write(before)
    assert formats.write(after) == hashes
    assert list(formats.differences(before, after)) == []

    table = after / "digits-2d" / "codes.csv"
    table.write_bytes(table.read_bytes().replace(b"mu_1", b"mu1", 1))
    changed = {**hashes, "digits-2d/codes.csv": "changed"}
    del changed["digits-2d/model.zip"]
    (after / formats.HASHES).write_text(json.dumps(changed))
    first, second = formats.differences(before, after)
    assert first == "digits-2d/codes.csv: 1 of 361 parts differ: line 1"
    assert second == f"digits-2d/model.zip: only in {before}"


def test_a_page_is_compared_by_its_modules(tmp_path: Path) -> None:
    """A module that moved is the same part; one whose text changed is named."""
    page = (
        '<html><script id="facts">{}</script><script type="importmap">{"imports":'
        '{"latent-explorer/NAME/a.js":"data:text/javascript;charset=utf-8,'
        'import %%22latent-explorer/NAME/b.js%%22"}}</script></html>'
    ).replace("%%", "%")
    for name in ("old", "new/deeper"):
        (tmp_path / f"{name[:3]}.html").write_text(page.replace("NAME", name))
    assert formats.parts(tmp_path / "old.html") == formats.parts(tmp_path / "new.html")
    assert formats.parts(tmp_path / "old.html")["module a.js"] == b'import "b.js"'


def digits_of_strokes() -> Split:
    """Draw three pictures like MNIST's: a bar, a cross and a ring."""
    x = np.zeros((3, 1, 28, 28), dtype=np.uint8)
    x[0, 0, 4:24, 12:16] = 255
    x[1, 0, 4:24, 12:15] = x[1, 0, 12:15, 4:24] = 255
    x[2, 0, 6:22, 6:22] = 255
    x[2, 0, 9:19, 9:19] = 0
    return Split(torch.from_numpy(x), torch.arange(3), torch.arange(3))


@pytest.mark.parametrize("kind", [kind for kind in photographs.KINDS if kind != "large"])
def test_photographs_depend_on_the_seed_alone(kind: str) -> None:
    """The same seed draws the same file, another seed another; each is a picture of its size."""
    test = digits_of_strokes()
    (first, again, other) = (photographs.sample(kind, test, seed, 1) for seed in (3, 3, 4))
    assert first == again
    assert first != other
    picture = images.read_picture(first[0][1])
    assert min(picture.shape[:2]) >= 200
    assert picture.std() > 1


def test_a_skeleton_is_one_pixel_wide() -> None:
    """A bar becomes a line along its middle."""
    bar = np.zeros((30, 60), dtype=bool)
    bar[10:19, 5:55] = True
    thin = photographs.skeleton(bar)
    assert (thin.sum(0) <= 1).all()
    assert 40 <= thin.sum() <= 50
    assert set(np.flatnonzero(thin[:, 20:40].any(1))) <= {13, 14, 15}


@pytest.mark.parametrize("module", [photographs, familiarity])
def test_without_mnist_photographs_are_skipped_with_a_sentence(
    module: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It says what is missing, and is no failure."""

    def missing(name: str) -> None:
        raise DatasetMissingError(f"{name} is missing", name=name, megabytes=1, url="")

    monkeypatch.setattr(module, "load_dataset", missing)
    monkeypatch.setattr("sys.argv", ["bench"])
    with pytest.raises(SystemExit) as ended:
        module.main()
    assert ended.value.code == 0
    assert "mnist is missing" in capsys.readouterr().out


def test_the_area_under_the_curve_is_scikit_learns() -> None:
    """With ties; its error is that of many repetitions."""
    rng = np.random.default_rng(0)

    def drawn() -> tuple[np.ndarray, np.ndarray]:
        return rng.normal(0, 1, 80).round(1), rng.normal(1, 1.5, 60).round(1)

    known, other = drawn()
    truth = np.repeat([0, 1], [len(known), len(other)])
    found, error = familiarity.area(known, other)
    assert found == pytest.approx(roc_auc_score(truth, np.concatenate([known, other])))
    repeated = [familiarity.area(*drawn())[0] for _ in range(300)]
    assert error == pytest.approx(np.std(repeated), rel=0.35)


@pytest.mark.parametrize("kind", familiarity.UNKNOWN)
def test_what_no_model_of_digits_knows_can_be_read(kind: str) -> None:
    """Each is a picture file, and the seed alone decides it."""
    draw, test = familiarity.UNKNOWN[kind], digits_of_strokes()
    first, again = (draw(np.random.default_rng(5), test) for _ in range(2))
    assert first == again
    assert images.read_picture(first).std() > 5
