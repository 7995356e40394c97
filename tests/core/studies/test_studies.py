"""Studies: what they declare, that they go on where they stood, and what they measure."""

from __future__ import annotations

import dataclasses
import json
import math
import re
from pathlib import Path

import numpy as np
import pytest
import small
import torch
from reference import bits_per_value
from torch import Tensor

from vae_core import model_folder, studies
from vae_core.cli import main as command_line
from vae_core.config import READING, ModelConfig, TrainConfig
from vae_core.data import graphs
from vae_core.errors import CheckpointError, ConfigError
from vae_core.learning import Trainer
from vae_core.models import boltzmann as machines
from vae_core.studies import boltzmann, cells, measures, summary
from vae_core.studies.study import Cell, Comparison, Context, Goal, Json, Outcome, Study

NAMES = [
    "latent-size",
    "sample-size",
    "rate-distortion",
    "learners",
    "marginal-likelihood",
    "separation",
    "iwae",
    "conditional",
    "priors",
    "convolution",
    "graphs",
    "boltzmann",
    "iwae-full",
]
SHAPES = {
    "mnist": (1, 28, 28),
    "frey-face": (1, 28, 20),
    "cifar-10": (3, 32, 32),
    "graphs": (1, 68, 68),
}


def generator(seed: int = 0) -> torch.Generator:
    """Return a generator of its own."""
    return torch.Generator().manual_seed(seed)


def counting_cell(name: str, column: Tensor, calls: list[str], *, declared: int = 0) -> Cell:
    """Declare a cell that notes that it ran."""

    def run(context: Context) -> Outcome:
        calls.append(name)
        context.say("at work")
        return cells.outcome({"score": measures.MetricValues(column)}, kind="grey", details={})

    return Cell(name=name, settings={}, declared={"version": declared}, run=run)


def study_of(*parts: Cell, **settings: object) -> Study:
    """Make a study of cells."""
    usual = {"title": "A study", "reproduces": "nothing", "protocol": "none", "kind": "grey"}
    return Study(name="small", cells=parts, **usual | settings)


def test_every_experiment_is_declared():
    """The names are those that the experiments go by."""
    assert sorted(studies.STUDIES) == sorted(NAMES)
    for name in NAMES:
        assert studies.find(name).name == name
    with pytest.raises(ConfigError, match="'latent': allowed are latent-size"):
        studies.find("latent")


@pytest.mark.parametrize("name", NAMES)
def test_declarations_hold_together(name: str):
    """Cells are told apart; references, goals and comparisons name cells that exist."""
    study = studies.find(name)
    known = [cell.name for cell in study.cells]
    assert len(set(known)) == len(known)
    assert len({cell.fingerprint for cell in study.cells}) == len(known)
    assert study.protocol
    assert study.reproduces
    for reference in study.references:
        assert reference.source
        for point in reference.values:
            assert point.split(", epoch ")[0] in known, point
    for goal in study.goals:
        assert goal.cell in known
    for one in study.comparisons:
        assert {one.one, one.other} <= set(known)
    for cell in study.cells:
        if "training" in cell.declared:
            training, model = cell.declared["training"], cell.declared["model"]
            assert tuple(model["image_shape"]) == SHAPES[training["dataset"]]


def test_no_setting_that_came_later_made_results_stale():
    """Trainings that were run still count as run; a new setting in all declarations would end it.

    A cell that was declared anew since is none of that, so not every one has to.
    """
    current = []
    for name, study in studies.STUDIES.items():
        prints = {cell.name: cell.fingerprint for cell in study.cells}
        path = studies.RESULTS / f"{name}.json"
        found = studies.read(path)["cells"] if path.exists() else []
        current += [
            cell["name"]
            for cell in found
            if "training" in cell and cell["fingerprint"] == prints.get(cell["name"])
        ]
    assert len(current) > 10


def test_a_later_setting_counts_where_it_is_chosen():
    """At its usual value it is not declared, since nothing decides the outcome anew."""

    def declared(**settings: object) -> Json:
        training = TrainConfig.of(**settings)
        return cells.trained("one", ModelConfig(), training, settings={}).declared["training"]

    usual = declared()
    assert not usual.keys() & set(cells.LATER)
    assert usual.keys() | set(cells.LATER) | set(READING) == TrainConfig.model_fields.keys()
    assert declared(device="cuda") == usual | {"device": "cuda"}
    assert declared(adam_epsilon=1e-4) == usual | {"adam_epsilon": 1e-4}


def test_the_whole_schedule_is_burdas():
    """Section 5 of Burda et al. (2016), for each bound, number of samples and layers."""
    full = studies.find("iwae-full")
    assert len(full.cells) == 10
    for cell in full.cells:
        training, model = cell.declared["training"], cell.declared["model"]
        assert (training["epochs"], training["batch_size"]) == (3280, 20)
        assert (training["learning_rate"], training["decay"]) == (1e-3, "passes")
        assert (training["adam_epsilon"], training["device"]) == (1e-4, "cuda")
        assert (training["pixels"], training["init"]) == ("dynamic", "default")
        assert (model["hidden"], model["latent_dim"], model["activation"]) == (
            (200, 200), 50, "tanh",
        )  # fmt: skip
        assert model["first_latent_dim"] in (None, 100)
    for reference in full.references:
        assert reference.values.keys() == {cell.name for cell in full.cells}


def test_a_study_for_a_gpu_ends_in_one_line_without_one(tmp_path: Path, monkeypatch, capsys):
    """Before its data are looked for, and nothing is written."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    out = tmp_path / "result.json"
    words = ["study", "iwae-full", "--out", str(out), "--data-dir", str(tmp_path)]
    with pytest.raises(SystemExit) as end:
        command_line.main(words)
    assert end.value.code == 2
    error = capsys.readouterr().err
    assert error == "error: device 'cuda' is not on this host; allowed here: 'cpu'\n"
    assert not out.exists()


@pytest.mark.parametrize("name", NAMES)
def test_a_quick_run_of_each_study_is_whole(name: str, tmp_path: Path, monkeypatch):
    """With no data folder each study runs through, marked quick, away from the real results."""
    monkeypatch.chdir(tmp_path)
    said: list[str] = []
    result = studies.run(studies.find(name), quick=True, data_dir=tmp_path, say=said.append)
    assert result == studies.read(tmp_path / "build/studies" / f"{name}.json")
    assert result["complete"]
    assert result["quick"]
    assert result["goals"] == []
    assert result["command"] == f"python -m vae_core study {name} --quick"
    assert len(result["cells"]) == len(studies.find(name).cells)
    assert len(result["comparisons"]) == len(studies.find(name).comparisons)
    measured = {key for cell in result["cells"] for key in cell["metrics"]}
    wanted = {goal.metric for goal in studies.find(name).goals}
    wanted |= {reference.metric for reference in studies.find(name).references}
    assert wanted <= measured
    for cell in result["cells"]:
        assert cell["command"].startswith("python -m vae_core ")
        for metric in cell["metrics"].values():
            assert math.isfinite(metric["value"])
            assert metric["kind"]
            assert metric["seed"] is not None
    assert said


def test_an_interrupted_study_goes_on_where_it_stood(tmp_path: Path):
    """What was finished is in the file before the next cell starts, and is not run again."""
    calls: list[str] = []

    def fail(context: Context) -> Outcome:
        raise KeyboardInterrupt

    first = counting_cell("first", torch.ones(3), calls)
    broken = Cell(name="second", settings={}, declared={}, run=fail)
    out = tmp_path / "result.json"
    with pytest.raises(KeyboardInterrupt):
        studies.run(study_of(first, broken), out=out)
    halfway = studies.read(out)
    assert [cell["name"] for cell in halfway["cells"]] == ["first"]
    assert not halfway["complete"]

    mended = counting_cell("second", torch.ones(3), calls)
    result = studies.run(study_of(first, mended), out=out)
    assert calls == ["first", "second"]
    assert result["complete"]
    assert result["cells"][0] == halfway["cells"][0]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["result.json"]


def test_a_cell_declared_anew_is_run_anew(tmp_path: Path):
    """A change of what decides the metrics makes the cell stale, and that cell alone."""
    calls: list[str] = []
    out = tmp_path / "result.json"
    kept = counting_cell("kept", torch.zeros(2), calls)
    studies.run(study_of(kept, counting_cell("changed", torch.zeros(2), calls)), out=out)
    new = counting_cell("changed", torch.ones(2), calls, declared=1)
    result = studies.run(study_of(kept, new), out=out)
    assert calls == ["kept", "changed", "changed"]
    assert result["cells"][1]["metrics"]["score"]["value"] == 1.0


def test_another_result_is_never_written_over(tmp_path: Path):
    """A quick run, another study, or any other file at that path is refused by name."""
    calls: list[str] = []
    out = tmp_path / "result.json"
    study = study_of(counting_cell("one", torch.ones(2), calls))
    studies.run(study, out=out, quick=True)
    with pytest.raises(CheckpointError, match="quick run of 'small'"):
        studies.run(study, out=out)
    with pytest.raises(CheckpointError, match="'small'"):
        studies.run(dataclasses.replace(study, name="other"), out=out, quick=True)
    out.write_text("{}")
    with pytest.raises(CheckpointError, match="no result of a study"):
        studies.run(study, out=out)
    assert calls == ["one"]


def judged(tmp_path: Path, **settings: object) -> Json:
    """Run a study of two cells whose scores differ by exactly one half, but vary by far more."""
    score = 10 * torch.randn(400, generator=generator())
    noise = 0.1 * torch.randn(400, generator=generator(1))
    calls: list[str] = []
    low = counting_cell("low", score, calls)
    high = counting_cell("high", score + 0.5 + noise - noise.mean(), calls)
    return studies.run(study_of(low, high, **settings), out=tmp_path / "result.json")


def test_comparisons_are_paired(tmp_path: Path):
    """Example by example a difference shows that the two means' errors would hide."""
    one = Comparison("high", "low", "score", at_least=0.4, beyond_error=True)
    result = judged(tmp_path, comparisons=(one, Comparison("low", "high", "score", at_least=0.0)))
    found, reverse = result["comparisons"]
    assert found["value"] == pytest.approx(0.5, abs=1e-4)
    assert found["se"] == pytest.approx(0.1 / math.sqrt(400), rel=0.15)
    assert found["significant"]
    assert found["met"]
    assert result["cells"][0]["metrics"]["score"]["se"] > 0.4
    assert not reverse["met"]
    assert reverse["missed_by"] == pytest.approx(0.5, abs=1e-4)


def test_comparisons_outlive_an_interruption(tmp_path: Path):
    """The values behind them lie beside the result, so that a later run can compare."""
    one = Comparison("high", "low", "score")
    before = judged(tmp_path, comparisons=(one,))
    assert judged(tmp_path, comparisons=(one,)) == before


def test_goals_say_by_how_much_they_are_missed(tmp_path: Path):
    """A met goal misses by nothing; one within three standard errors may be let pass."""
    goals = (
        Goal("low", "score", at_most=100.0),
        Goal("low", "score", at_least=3.0),
        Goal("low", "score", at_least=1.2, within_error=True),
    )
    met, missed, near = judged(tmp_path, goals=goals)["goals"]
    assert (met["met"], met["missed_by"]) == (True, 0.0)
    assert not missed["met"]
    assert missed["missed_by"] == pytest.approx(3.0 - missed["value"])
    assert near["value"] < 1.2
    assert near["met"]


def test_a_summary_tells_what_is_reached_and_what_is_missed(tmp_path: Path):
    """Each goal with its figure, each difference with its error, each study that was not run."""
    goals = (Goal("low", "score", at_most=100.0), Goal("low", "score", at_least=3.0))
    one = Comparison("high", "low", "score", at_least=0.4, beyond_error=True)
    result = judged(tmp_path, goals=goals, comparisons=(one,))
    study = study_of(title="Another", goals=goals, comparisons=(one,))
    met, missed, difference = summary.verdicts(study, result)
    assert met[0] == "low: score ≤ 100"
    assert met[2] == "reached"
    assert missed[2].startswith("missed by ")
    assert difference[0] == "high − low: score ≥ 0.4, by 3 standard errors"
    assert difference[1].startswith("0.5 ± 0.0")
    assert difference[2] == "reached"

    page = summary.markdown({"small": study, "other": study}, {"small": result, "other": None})
    assert "not run here" in page
    assert f"| low: score ≤ 100 | {met[1]} | reached |" in page
    assert "| low: score ≤ 100 |  | not run |" in page


def counted(name: str, count: int) -> Cell:
    """Declare a cell that finds a score of each example and counts something of all of them."""

    def run(context: Context) -> Outcome:
        found = {
            "score": measures.MetricValues(count + torch.linspace(-1, 1, 40)),
            "active_units": measures.MetricValues(torch.tensor([float(count)]), "dimensions", n=40),
        }
        return cells.outcome(found, kind="grey", details={})

    return dataclasses.replace(counting_cell(name, torch.zeros(2), []), run=run)


def test_counts_are_compared_without_an_error(tmp_path: Path):
    """A difference of two counts is exact: it has no standard error and is beyond any."""
    asked = tuple(
        Comparison("many", "few", "active_units", at_least=n, beyond_error=True) for n in (1.0, 4.0)
    )
    study = study_of(counted("many", 17), counted("few", 14), comparisons=asked)
    result = studies.run(study, out=tmp_path / "result.json")
    met, missed = result["comparisons"]
    assert (met["value"], met["se"], met["n"], met["met"]) == (3.0, None, 40, True)
    assert (missed["met"], missed["missed_by"]) == (False, 1.0)
    assert summary.verdicts(study, result)[0] == (
        "many − few: active_units ≥ 1, by 3 standard errors", "3.00", "reached",
    )  # fmt: skip


def test_the_page_of_studies_tells_notes_and_every_metric(tmp_path: Path):
    """A column for each metric, a row for each cell, with errors where there are any."""
    study = study_of(counted("many", 17), counted("few", 14), notes=("Mind the gap.", "Do not."))
    page = summary.markdown({"small": study}, {"small": studies.run(study, out=tmp_path / "r")})
    assert "\n| | score | active_units |\n" in page
    assert re.search(r"^\| many \| 17\.00 ± 0\.0\d+ \| 17\.00 \|$", page, re.MULTILINE)
    assert re.search(r"^\| few \| 14\.00 ± 0\.0\d+ \| 14\.00 \|$", page, re.MULTILINE)
    assert page.endswith("- Mind the gap.\n- Do not.")
    assert "2 of 2 cells" in page


def test_a_study_without_results_says_so(tmp_path: Path):
    """A goal or comparison stays, whose cell is missing; so does one declared after the run."""
    out, column = tmp_path / "result.json", torch.arange(4.0)
    parts = [counting_cell(name, column, []) for name in ("one", "other")]
    goals = (Goal("one", "score", at_least=1.0), Goal("other", "score", at_least=1.0))
    compared = (Comparison("one", "other", "score", at_most=0.0),)
    study = study_of(*parts, goals=goals, comparisons=compared)

    def told(result: Json | None) -> list[tuple[str, str]]:
        return [(found, verdict) for _, found, verdict in summary.verdicts(study, result)]

    assert told(None) == [("", "not run")] * 3
    part = studies.run(study, out=out, only=["one"])
    assert told(part) == [("1.50", "reached"), ("", "not run"), ("", "not run")]
    assert [line[0] for line in summary.verdicts(study, part)][1:] == [
        "other: score ≥ 1",
        "one − other: score ≤ 0",
    ]
    other_way = (Comparison("other", "one", "score"),)
    earlier = studies.run(dataclasses.replace(study, comparisons=other_way), out=out)
    assert told(earlier)[1:] == [("1.50", "reached"), ("", "not judged yet")]
    assert told(studies.run(study, out=out))[2] == ("0 ± 0", "reached")
    emptied = studies.read(out) | {"cells": part["cells"]}
    assert told(emptied) == told(part), "a cell that was there is no more"
    quick = studies.run(study, out=tmp_path / "quick.json", quick=True)
    assert told(quick) == [("0 ± 0", "reached")]


def test_separation_of_known_points():
    """Classes far apart score 1; the same points with labels at random score by chance."""
    rows = np.arange(300) % 3
    noise = torch.randn(300, 2, generator=generator()).numpy()
    points = (noise + 100 * rows[:, None]).astype(np.float32)
    correct, silhouette = measures.separation(points, rows)
    assert correct.mean() == 1
    assert silhouette.mean() > 0.95
    shuffled = rows[torch.randperm(300, generator=generator(1)).numpy()]
    correct, silhouette = measures.separation(points, shuffled)
    assert correct.mean() < 0.5
    assert abs(silhouette.mean()) < 0.1


def test_a_point_is_no_neighbour_of_its_own():
    """A lone point among another class is judged by the others."""
    points = np.array([[0.0], [0.1], [0.2], [0.15]], dtype=np.float32)
    correct, _ = measures.separation(points, np.array([0, 0, 0, 1]))
    assert correct.tolist() == [1, 1, 1, 0]


def test_bits_per_dimension_of_a_study_are_those_of_the_levels():
    """Of each third test image, in colour: minus log2 of its levels' probabilities, a mean."""
    dataset = small.dataset(shape=(3, 5, 4))
    model = small.blind(image_shape=(3, 5, 4), likelihood="discretised-logistic")
    subject = measures.Trained(model, dataset, small.train_config(), quick=False)
    found = measures.Importance(k=7, every=3)(subject)["bits_per_dim_iw7"]
    p = model.decode(torch.zeros(3))
    bits = bits_per_value(
        dataset.test.images[::3].flatten(1).double().numpy(),
        p.mu.double().numpy(),
        p.log_scale.double().numpy(),
    )
    np.testing.assert_allclose(found.values, bits, rtol=1e-4)
    assert (found.unit, found.samples) == ("bits", 7)
    grey = measures.Trained(small.model(), small.dataset(), small.train_config(), quick=False)
    assert measures.Importance(k=7)(grey).keys() == {"nll_iw7", "ess_iw7"}


@pytest.mark.parametrize("kind", ["grey", "static"])
def test_training_images_of_a_study_are_those_trained_on(kind: str):
    """With the labels that the trainer gives them; of the test set all, as it was tested on."""
    dataset = small.dataset()
    training = small.train_config(train_size=17, pixels=kind, seed=5)
    trainer = Trainer(small.model_config(prior="label", classes=2), training, dataset)
    subject = measures.Trained(trainer.model, dataset, training, quick=False)
    images = subject.images("train")
    assert images.equal(trainer._train)
    assert subject.labels(images, "train").equal(trainer._labels)
    assert subject.images("train", limit=9).equal(trainer._train[:9])
    assert subject.images().equal(trainer._test)
    assert subject.labels(subject.images()).equal(dataset.test.labels)


@pytest.mark.parametrize("symmetric", [False, True])
def test_the_gap_of_networks_is_to_the_exact_optimum(symmetric: bool, tmp_path: Path):
    """Of a model that ignores its codes, whose bound is a sum over edges, network by network.

    The optimum counts one triangle where draws are mirrored; the model pays for both.
    """
    dataset = graphs.load(tmp_path, symmetric=symmetric)
    dataset = dataclasses.replace(dataset, test=dataset.test.first(12))
    model = small.blind(image_shape=(1, 68, 68), hidden=(4,))
    subject = measures.Trained(model, dataset, small.train_config(), quick=False)
    found = measures.GraphGap(k=3)(subject)

    edges = dataset.test.images.flatten(1).numpy() > 0
    q = 1 / (1 + np.exp(-model.likelihood.bias.double().numpy()))
    nll = -np.where(edges, np.log(q), np.log(1 - q)).sum(1)
    pairs = np.triu_indices(68, 1) if symmetric else np.nonzero(~np.eye(68, dtype=bool))
    drawn = edges.reshape(-1, 68, 68)[:, *pairs]
    p = graphs.edge_probabilities().numpy()[:, *pairs]
    with np.errstate(divide="ignore", invalid="ignore"):
        log_p = np.where(drawn[:, None], np.log(p), np.log(1 - p)).sum(2)
        entropy = -np.nan_to_num(p * np.log(p)) - np.nan_to_num((1 - p) * np.log(1 - p))
    best = math.log(3) - np.logaddexp.reduce(log_p, axis=1)
    expected = entropy.sum(1).mean() + math.log(3)

    np.testing.assert_allclose(found["optimum"].values, best, rtol=1e-6)
    np.testing.assert_allclose(found["gap"].values, nll - best, rtol=1e-5)
    np.testing.assert_allclose(
        found["gap_percent"].values, 100 * (nll - best) / expected, rtol=1e-5
    )
    assert found["gap"].samples == found["gap_percent"].samples == 3


def test_frequencies_of_the_structures_miss_the_optimum_by_little(tmp_path: Path):
    """Counting edges costs more than nothing and less than 3 % on further draws."""
    dataset = graphs.load(tmp_path)
    images = dataset.test.images[:300]
    best = graphs.optimum(images)
    gap = measures._frequency_nll(dataset.train, images) - best.nll
    assert 0.005 * best.expected < gap.mean() < 0.03 * best.expected


def test_a_model_that_comes_with_the_project_is_a_cell(tmp_path: Path):
    """It is measured, not trained again, and its card, history and command are what is told."""
    cell = cells.pretrained("digits", "digits-2d", measures.bound, settings={})
    (found,) = studies.run(study_of(cell), out=tmp_path / "result.json")["cells"]
    card, history = model_folder.load_card("digits-2d"), model_folder.load_history("digits-2d")
    assert found["command"] == card.command
    assert found["weights"] == card.weights_hash
    assert found["metrics"]["elbo"]["value"] == pytest.approx(card.metrics["elbo"].value, abs=1e-3)
    assert found["history"][-1]["test_elbo"] == history[-1]["test"]["elbo"]
    assert found["history"][-1]["examples"] == 1437 * card.training.epochs
    assert found["train_seconds"] == pytest.approx(sum(r["seconds"] for r in history), abs=0.01)


def test_single_cells_are_run_by_name(tmp_path: Path):
    """The others stay for another time; a name that is not there is told with those that are."""
    calls: list[str] = []
    study = study_of(*(counting_cell(name, torch.ones(2), calls) for name in ("one", "other")))
    result = studies.run(study, out=tmp_path / "result.json", only=["other"])
    assert calls == ["other"]
    assert not result["complete"]
    with pytest.raises(ConfigError, match="cell 'third': small has one; other"):
        studies.run(study, out=tmp_path / "result.json", only=["third"])


def test_processes_share_a_study(tmp_path: Path, monkeypatch):
    """A cell that another process is at work on is left to it; what it wrote meanwhile stays."""
    monkeypatch.chdir(tmp_path)
    calls: list[str] = []
    out = tmp_path / "result.json"
    one = counting_cell("one", torch.ones(2), calls)
    other = counting_cell("other", torch.ones(2), calls, declared=1)

    def run(context: Context) -> Outcome:
        studies.run(study_of(taken, other), out=out)  # as a second process would
        return one.run(context)

    taken = dataclasses.replace(one, run=run)
    result = studies.run(study_of(taken, other), out=out)
    assert calls == ["other", "one"]
    assert [cell["name"] for cell in result["cells"]] == ["one", "other"]
    assert result["complete"]


def test_corruption_is_the_reports():
    """100 images: the last keeps 50.5 % of its pixels and is divided by it, up to 1.98."""
    images = torch.ones(100, 1, 40, 40)
    found = boltzmann.corrupted(images, generator=generator())
    assert found.max().item() == pytest.approx(200 / 101)
    assert found[0].equal(images[0])
    kept = (found[-1] > 0).float().mean().item()
    assert kept == pytest.approx(101 / 200, abs=4 * math.sqrt(0.25 / 1600))
    assert found.mean().item() == pytest.approx(1.0, abs=0.01)


def test_the_reports_score_is_a_cross_entropy_of_clean_targets_only():
    """On targets in [0, 1] it is one; corrupted targets score far below a perfect image."""
    targets = torch.rand(20, 1, 8, 8, generator=generator())
    mean = torch.rand(20, 1, 8, 8, generator=generator(1)).clamp(0.01, 0.99)
    clean = boltzmann.report_score(targets, mean)
    assert torch.allclose(clean.float(), machines.cross_entropy(targets, mean), rtol=1e-4)
    assert (clean.float() >= machines.entropy_floor(targets)).all()

    binary = torch.bernoulli(targets, generator=generator(2))
    worse = boltzmann.corrupted(binary, generator=generator(3))
    artefact = boltzmann.report_score(worse, worse.clamp(0, 1))
    assert artefact[1:].max() < 0  # the first image is not corrupted
    assert machines.cross_entropy(binary, binary).max() == 0


def test_the_command_writes_and_prints_the_result(tmp_path: Path, capsys):
    """With --json one object is printed, the one that the file holds."""
    out = tmp_path / "graphs.json"
    command_line.main(["study", "graphs", "--quick", "--out", str(out), "--json"])
    printed = json.loads(capsys.readouterr().out)
    assert printed == studies.read(out)


def test_the_command_tells_what_was_asked_and_found(tmp_path: Path, monkeypatch, capsys):
    """Counts without an error, goals of cells that were not run as not run; a quick run nothing."""
    compared = Comparison("many", "few", "active_units", at_least=4.0)
    few, many = counted("few", 14), counted("many", 17)
    study = study_of(many, few, comparisons=(compared,), goals=(Goal("few", "score", at_most=9),))
    monkeypatch.setitem(studies.STUDIES, "small", study)
    out = ["--out", str(tmp_path / "small.json")]
    command_line.main(["study", "small", *out, "--cell", "many"])
    assert "few: score ≤ 9:  not run" in capsys.readouterr().out
    command_line.main(["study", "small", *out])
    said = capsys.readouterr().out
    assert "many − few: active_units ≥ 4: 3.00 missed by 1.00" in said
    assert "not run" not in said
    command_line.main(["study", "small", "--quick", "--out", str(tmp_path / "quick.json")])
    assert "≥" not in capsys.readouterr().out


def test_an_unknown_study_ends_in_one_line(capsys):
    """Exit status 2, the name, and what is allowed; no traceback."""
    with pytest.raises(SystemExit) as end:
        command_line.main(["study", "nothing"])
    assert end.value.code == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "'nothing'" in error
    assert "latent-size" in error
