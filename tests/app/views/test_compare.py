"""The Compare page as a session meets it: studies with and without results, and two models."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import results
import torch
from streamlit.testing.v1 import AppTest

from app import state
from app.address import Selection, State
from app.resources import library, opened_model
from app.views.compare import models
from app.views.compare import studies as study_page
from app.views.compare.models import Pair
from vae_core import model_folder, studies
from vae_core.config import ModelConfig, TrainConfig
from vae_core.model_folder import Codes, Metric, ModelCard
from vae_core.models import VAE

Open = Callable[..., AppTest]


@pytest.fixture
def found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of studies' results, which is empty."""
    monkeypatch.setattr(studies, "RESULTS", tmp_path / "studies")
    return tmp_path / "studies"


def texts(session: AppTest) -> str:
    """Everything that a session reads."""
    parts = (
        session.markdown, session.caption, session.warning, session.error, session.info,
        session.subheader, session.code,
    )  # fmt: skip
    return "\n".join(str(element.value) for part in parts for element in part)


def write_model(
    folder: Path, *, dataset: str = "digits", latent_dim: int = 2, kind: str = "grey", seed: int = 0
) -> None:
    """Write an untrained model whose examples have the ids 0 … 39, in an order of its own."""
    generator = torch.Generator().manual_seed(seed)
    shape = (1, 8, 8) if dataset == "digits" else (1, 28, 28)
    config = ModelConfig(image_shape=shape, latent_dim=latent_dim, hidden=(8,))
    ids = torch.randperm(40, generator=generator)
    codes = Codes(
        ids=ids,
        labels=ids % 10,
        mu=torch.stack([ids / 20.0 - 1] + [torch.zeros(40)] * (latent_dim - 1), dim=1).float(),
        logvar=torch.zeros(40, latent_dim),
        rate=ids.float() + seed,
        distortion=torch.full((40,), 50.0 + seed),
    )
    metrics = {
        name: Metric(value=value, se=0.5, n=40, kind=kind)
        for name, value in {"elbo": -70.0 - 2 * seed, "nll_iw1000": 60.0 + seed}.items()
    }
    card = ModelCard(
        name=folder.name, dataset=dataset, classes=tuple("0123456789"), model=config,
        training=TrainConfig(dataset=dataset, epochs=1), metrics=metrics,
    )  # fmt: skip
    model_folder.save(folder, card=card, model=VAE(config), codes=codes, history=[])


def opened(folder: Path, name: str, **how: object) -> opened_model.Opened:
    """Write a trained model's folder and open it."""
    write_model(folder / "runs" / name, **how)  # type: ignore[arg-type]
    return library.open_model(name)


# Studies


def test_a_study_that_was_not_run_says_how_to_run_it(open_page: Open, found: Path) -> None:
    """Its protocol, what was published, and the command; no empty figure."""
    session = open_page("compare", study="iwae")
    assert not session.exception
    read = texts(session)
    assert "Not run here yet" in read
    assert "python -m vae_core study iwae" in read
    assert "Burda et al. train 3,280 epochs" in read
    assert "1 layer, IWAE, k = 50" in read
    published = session.table[0].value
    assert set(published["Published"]) >= {"86.76", "84.78"}
    assert set(published["Here"]) == {""}


@pytest.mark.parametrize("name", studies.STUDIES)
def test_every_study_opens_without_and_with_a_result(
    open_page: Open, found: Path, name: str
) -> None:
    """None needs a page of its own."""
    assert not open_page("compare", study=name).exception
    results.write(found, name)
    session = open_page("compare", study=name)
    assert not session.exception
    assert not session.error
    assert "Not run here yet" not in texts(session)
    assert session.get("plotly_chart")


def test_a_result_shows_goals_differences_and_every_figure(open_page: Open, found: Path) -> None:
    """What was met, what was missed and by how much, from the file alone."""
    results.write(found, "iwae", "nll_iw5000")
    session = open_page("compare", study="iwae")
    read = texts(session)
    # Made-up bounds are 100, 99, … nats from the first model on: k = 5 has 99.
    assert "missed by 12 nats: **1 layer, VAE, k = 1**" in read
    assert "missed by 12 nats: **1 layer, IWAE, k = 5**" in read
    assert "met: **1 layer, VAE, k = 1** minus **1 layer, IWAE, k = 5**" in read
    assert "over 40 examples" in read
    table = session.table[1].value
    assert len(table) == len(studies.STUDIES["iwae"].cells)
    assert "99.000 ± 0.095" in set(table["−log p(x), 5,000-sample bound"])
    assert "Seed: 0" in read
    assert "dynamic" in read


def test_goals_of_models_that_are_missing_are_shown(open_page: Open, found: Path) -> None:
    """As not run, of a study that was interrupted and of one that never ran."""
    results.write(found, "latent-size", cells=4)
    read = texts(open_page("compare"))
    assert "not run: **z = 20**: −ELBO, target: ≤ 94" in read
    assert "not run: **z = 200** minus **z = 20**: −ELBO, target: ≤ 2" in read
    read = texts(open_page("compare", study="conditional"))
    assert "not run: **conditional**: −log p(x), 5,000-sample bound, target: ≤ 84.5" in read
    results.write(found, "iwae", "nll_iw5000")
    read = texts(open_page("compare", study="iwae"))
    assert "not judged yet: **1 layer, IWAE, k = 50** minus **1 layer, VAE, k = 1**" in read
    assert "not run" not in read


def test_an_unfinished_result_names_what_is_missing(open_page: Open, found: Path) -> None:
    """What is there is shown."""
    results.write(found, "latent-size", cells=4)
    read = texts(open_page("compare"))
    assert "4 of 6 models are finished. Missing: z = 20; z = 200." in read


def test_a_result_of_an_earlier_declaration_says_so(open_page: Open, found: Path) -> None:
    """A cell that was declared otherwise is not passed off as the study's."""
    results.write(found, "latent-size")
    path = found / "latent-size.json"
    first = studies.STUDIES["latent-size"].cells[0].fingerprint
    path.write_text(path.read_text().replace(first, "0" * 16))
    assert "Made before the study was last changed: z = 2." in texts(open_page("compare"))


def test_a_damaged_result_is_named_and_nothing_fails(open_page: Open, found: Path) -> None:
    """The study is shown as if it had not run."""
    found.mkdir()
    (found / "latent-size.json").write_text("{")
    session = open_page("compare")
    assert not session.exception
    assert "is no result of a study" in session.error[0].value
    assert "Not run here yet" in texts(session)


def test_a_study_or_figure_that_does_not_exist_is_survived(open_page: Open, found: Path) -> None:
    """An unknown study is named in a notice; an unknown figure gives way to the usual one."""
    results.write(found, "latent-size")
    session = open_page("compare", study="nothing", figure="no,such,thing")
    assert not session.exception
    assert "There is no study 'nothing'" in session.warning[0].value
    assert session.selectbox(key="w-study").value == "latent-size"
    assert session.segmented_control(key="w-figure-chart").value == "setting"


def test_the_choice_of_a_figure_is_in_the_link(open_page: Open, found: Path) -> None:
    """Data, kind and metric; another study starts with its own."""
    results.write(found, "learners")
    session = open_page("compare", study="learners")
    assert session.segmented_control(key="w-figure-chart").value == "curves"
    session.segmented_control(key="w-figure-data").set_value("frey-face").run()
    session.segmented_control(key="w-figure-chart").set_value("cells").run()
    assert session.query_params["figure"] == "frey-face,cells,elbo"
    again = open_page("compare", study="learners", figure="frey-face,cells,elbo")
    assert again.segmented_control(key="w-figure-data").value == "frey-face"
    assert again.segmented_control(key="w-figure-chart").value == "cells"
    session.selectbox(key="w-study").set_value("iwae").run()
    assert "figure" not in session.query_params


def test_a_csv_holds_each_metric_of_each_cell(found: Path) -> None:
    """One a line, with error, number and kind."""
    result = results.write(found, "graphs", "gap_percent")
    lines = study_page.to_csv(result["cells"]).decode().splitlines()
    rows = list(csv.DictReader(lines))
    assert len(rows) == 2 * len(result["cells"])
    assert rows[1]["metric"] == "gap_percent"
    assert float(rows[1]["se"]) == result["cells"][0]["metrics"]["gap_percent"]["se"]


# Two models


def test_two_models_of_one_size_are_linked_by_the_code(
    open_page: Open, found: Path, tmp_path: Path
) -> None:
    """The link restores both models and what links them."""
    write_model(tmp_path / "runs" / "mine")
    session = open_page("compare", **{"with": "mine"})
    assert not session.exception
    assert not session.warning
    assert session.segmented_control(key="w-linked").value == "z"
    session.segmented_control(key="w-linked").set_value("example").run()
    assert session.query_params["linked"] == "example"
    assert session.query_params["with"] == "mine"
    session.segmented_control(key="w-other-mode").set_value("studies").run()
    assert "with" not in session.query_params
    session.segmented_control(key="w-other-mode").set_value("models").run()
    assert session.query_params["with"] == "mine"


def test_models_of_two_sizes_are_linked_by_the_example(
    open_page: Open, found: Path, tmp_path: Path
) -> None:
    """Without a choice that could not be kept, whatever the link says."""
    write_model(tmp_path / "runs" / "mine", latent_dim=3)
    session = open_page("compare", linked="z", **{"with": "mine"})
    assert not session.exception
    assert "w-linked" not in [control.key for control in session.segmented_control]
    assert "Same example:" in texts(session)


def test_models_of_two_data_sets_share_no_example(
    open_page: Open, found: Path, tmp_path: Path
) -> None:
    """The page says what cannot be linked, and holds no figures against each other."""
    write_model(tmp_path / "runs" / "mine", dataset="mnist", latent_dim=3)
    session = open_page("compare", **{"with": "mine"})
    assert not session.exception
    read = texts(session)
    assert "These models cannot be linked" in read
    assert "no selection is shared" in read
    rows = session.table[0].value
    compared = rows[rows["B: mine"] != "not measured"]["Difference (B − A)"]
    assert set(compared) <= {"not comparable: different data", ""}


@pytest.mark.parametrize("other", ["nobody", "digits-2d"])
def test_a_second_model_that_cannot_be_is_named(
    open_page: Open, found: Path, tmp_path: Path, other: str
) -> None:
    """Another one takes its place, with a notice."""
    write_model(tmp_path / "runs" / "mine")
    session = open_page("compare", **{"with": other})
    assert not session.exception
    assert session.warning
    assert session.selectbox(key="w-other-name").value == "mine"


def test_opening_the_second_model_puts_the_first_beside_it(
    open_page: Open, found: Path, tmp_path: Path
) -> None:
    """By the picker or by the button, with the pinned example."""
    for name in ("mine", "yours"):
        write_model(tmp_path / "runs" / name)
    session = open_page("compare", model="yours", id="7", **{"with": "mine"})
    [button] = [button for button in session.button if button.label == "Swap"]
    button.click().run()
    assert session.query_params["model"] == "mine"
    assert session.query_params["with"] == "yours"
    assert session.query_params["id"] == "7"
    session.selectbox(key="w-model").set_value("yours").run()
    assert session.query_params["with"] == "mine"
    assert not session.exception


def test_a_selection_on_either_map_is_one_of_examples(no_data: Path, tmp_path: Path) -> None:
    """The same ids whichever model's map it was drawn on, though their rows differ."""
    first, second = opened(tmp_path, "a", seed=1), opened(tmp_path, "b", seed=2)
    assert not torch.equal(first.codes.ids, second.codes.ids)
    both = Pair(first, second)
    # Codes run along z1 with the id: this square holds the ids 10 … 29.
    square = Selection("axes-1-2", ((-0.51, -1), (0.49, -1), (0.49, 1), (-0.51, 1)))
    for shown in (State(selection=square), State(other_selection=square)):
        drawn = models.selected(both, shown)
        assert drawn is not None
        assert sorted(drawn[0].tolist()) == list(range(10, 30))
        home = first if shown.selection else second
        assert drawn[1] is home


def test_differences_are_paired_by_example(no_data: Path, tmp_path: Path) -> None:
    """Rates that differ by exactly one nat have no error, though each varies by many."""
    both = Pair(opened(tmp_path, "a", seed=1), opened(tmp_path, "b", seed=2))
    row = models.paired_row(both, "rate", both.ids)
    assert row["Difference (B − A)"] == "1 nats, paired"
    assert row["A: a"] == "20.5 ± 1.8 nats"
    assert models.difference(both, "nll_iw1000") == "1.00 ± 0.71 nats"


def test_figures_of_two_kinds_are_not_subtracted(no_data: Path, tmp_path: Path) -> None:
    """Grey and binarised pixels have no common scale, and the table says so."""
    first = opened(tmp_path, "a", kind="grey")
    second = opened(tmp_path, "b", kind="dynamic", seed=1)
    both = Pair(first, second)
    assert models.difference(both, "elbo") == "not comparable: grey and dynamic pixels"
    assert not models.comparable_kinds(both)


def test_bounds_of_other_likelihoods_and_p_values_are_not_subtracted(
    open_page: Open, no_data: Path
) -> None:
    """A model that is given the label bounds log p(x|y): neither for all nor for a selection."""
    both = Pair(library.open_model("mnist-conv"), library.open_model("mnist-conditional"))
    reason = "not comparable: bounds of log p(x) and log p(x|y)"
    common = both.first.card.metrics.keys() & both.second.card.metrics.keys()
    bounds = [name for name in common if both.first.card.metrics[name].unit in ("nats", "bits")]
    assert {"elbo", "rate", "distortion"} <= set(bounds)
    assert {models.difference(both, name) for name in bounds} == {reason}
    assert models.difference(both, "mmd_p") == "not comparable: p-values of two tests"
    assert "not comparable" not in models.difference(both, "active_units")
    session = open_page(
        "compare",
        model="mnist-conv",
        **{"with": "mnist-conditional", "select": "pca:-1,-1;1,-1;1,1;-1,1"},
    )
    tables = [table.value for table in session.table]
    assert len(tables) == 2
    assert set(tables[1]["Difference (B − A)"]) == {reason}


def test_ids_of_two_data_sets_are_not_the_same_examples(no_data: Path, tmp_path: Path) -> None:
    """Both have an example 3; they have nothing to do with each other."""
    both = Pair(opened(tmp_path, "a"), opened(tmp_path, "b", dataset="mnist"))
    assert not both.shared
    assert both.links == ("z",)
    assert np.array_equal(Pair(both.first, both.first).ids, np.arange(40))


def test_the_second_model_shows_the_code_or_the_example(
    no_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Linked by code it decodes the first model's; linked by example, its own of the same."""
    monkeypatch.setattr(state, "recall", lambda name, default=None: default)
    both = Pair(opened(tmp_path, "a", seed=1), opened(tmp_path, "b", seed=2))
    shown = State(model="a", pinned_id=30)
    by_code = models.second_state(both, shown, "z")
    assert by_code.pinned_id is None
    assert by_code.z == pytest.approx((0.5, 0.0))
    by_example = models.second_state(both, shown, "example")
    assert (by_example.z, by_example.pinned_id) == (None, 30)
