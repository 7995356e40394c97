"""Results of studies become figures by what varies in them, with all that was published."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import plotly.graph_objects as go
import pytest
import results

from app.figures import study_charts
from app.figures.study_charts import CHARTS, Results
from app.views.compare import studies
from vae_core.studies import STUDIES


def made(folder: Path, name: str, *extra: str) -> Results:
    """Return a made-up result of a study as figures take it: of its first data set."""
    result = results.write(folder, name, *extra)
    cells = next(iter(studies.by_dataset(result["cells"]).values()))
    return Results(cells, STUDIES[name].references)


def titles(of: Results) -> list[str]:
    """Names of the charts that suit."""
    return [name for name, chart in CHARTS.items() if chart.metrics(of)]


def named(figure: go.Figure, name: str) -> Any:
    """Return a trace by its name."""
    return next(trace for trace in figure.data if trace.name == name)


def test_a_number_that_varies_is_an_axis_and_categories_are_not(tmp_path: Path) -> None:
    """Latent sizes are an axis; k of other objectives and networks is not; nor are priors."""
    assert "setting" in titles(made(tmp_path, "latent-size"))
    assert "setting" in titles(made(tmp_path, "learners"))
    for name in ("iwae", "priors", "separation", "boltzmann"):
        assert "setting" not in titles(made(tmp_path, name))


@pytest.mark.parametrize(
    ("name", "chart"),
    [
        ("latent-size", "setting"),
        ("sample-size", "curves"),
        ("learners", "curves"),
        ("marginal-likelihood", "curves"),
        ("iwae", "cells"),
    ],
)
def test_each_study_is_first_shown_as_it_was_published(
    tmp_path: Path, name: str, chart: str
) -> None:
    """Curves where the document has curves, else by what varies."""
    assert study_charts.default_chart(name, made(tmp_path, name), "elbo") == chart


@pytest.mark.parametrize("name", STUDIES)
def test_every_study_is_drawn_in_every_way_that_suits_it(tmp_path: Path, name: str) -> None:
    """No kind of figure fails on any study, and each shows all cells with standard errors."""
    of = made(tmp_path, name, *{reference.metric for reference in STUDIES[name].references})
    for chart in titles(of):
        for metric in CHARTS[chart].metrics(of):
            figure = study_charts.draw(of, chart, metric)
            assert figure.data
            if chart == "cells":
                trace = figure.data[0]
                assert list(trace.y) == [cell["name"] for cell in of.cells]
                errors = [cell["metrics"][metric]["se"] for cell in of.cells]
                assert list(trace.error_x.array) == pytest.approx(errors)


def test_published_values_lie_at_their_cells(tmp_path: Path) -> None:
    """By name, and those from memory say so."""
    figure = study_charts.draw(made(tmp_path, "latent-size"), "setting", "elbo")
    after = named(figure, "Zhang & Wu (2020) after 100 epochs")
    assert dict(zip(after.x, after.y, strict=True)) == {3: 131.8, 10: 102.6, 20: 99.7}
    assert named(figure, "AEVB, one hidden layer, plateaus (from memory)")


def test_a_published_epoch_lies_where_as_many_images_were_seen(tmp_path: Path) -> None:
    """Epoch 5 of 1,000 images is 5,000 images; there is no such place in time."""
    of = made(tmp_path, "sample-size")
    points = named(study_charts.draw(of, "curves", "elbo"), "Zhang & Wu (2020), N = 1,000")
    assert dict(zip(points.x, points.y, strict=True))[5000] == 205
    drawn = study_charts.draw(of, "time", "elbo")
    assert "Zhang & Wu (2020), N = 1,000" not in [trace.name for trace in drawn.data]


def test_published_lines_do_not_join_different_series(tmp_path: Path) -> None:
    """What was published on AEVB stays apart from wake-sleep, data sets from each other."""
    groups = studies.by_dataset(results.write(tmp_path, "learners")["cells"])
    assert list(groups) == ["mnist", "frey-face"]
    of = Results(groups["mnist"], STUDIES["learners"].references)
    drawn = study_charts.draw(of, "setting", "elbo").data
    assert [trace.name for trace in drawn] == [
        "aevb",
        "wake-sleep",
        "AEVB, plateaus (from memory), aevb",
    ]


def test_the_floor_is_a_line_where_a_metric_has_one(tmp_path: Path) -> None:
    """Entropy of the targets below the cross-entropy, at the level that was measured."""
    of = made(tmp_path, "boltzmann", "cross_entropy", "entropy_floor")
    figure = study_charts.draw(of, "cells", "cross_entropy")
    levels = [cell["metrics"]["entropy_floor"]["value"] for cell in of.cells]
    assert figure.layout.shapes[0].x0 == pytest.approx(sum(levels) / len(levels))
    assert figure.layout.annotations[0].text == "entropy of the targets"
    assert not study_charts.draw(of, "cells", "elbo").layout.shapes


def test_cells_over_beta_are_a_rate_distortion_curve() -> None:
    """In order of their rate, each with its β."""

    def cell(beta: float, rate: float) -> dict[str, Any]:
        metric = {"se": 0.1, "n": 5, "unit": "nats"}
        return {
            "name": f"β = {beta}",
            "settings": {"beta": beta},
            "history": [],
            "metrics": {
                "rate": {"value": rate, **metric},
                "distortion": {"value": 100 - rate, **metric},
            },
        }

    of = Results([cell(4.0, 5.0), cell(0.1, 60.0), cell(1.0, 20.0)])
    assert study_charts.default_chart("rate-distortion", of, "rate") == "plane"
    figure = study_charts.draw(of, "plane", "rate")
    trace = figure.data[0]
    assert list(trace.x) == [5.0, 20.0, 60.0]
    assert list(trace.y) == [95.0, 80.0, 40.0]
    assert list(trace.text) == ["β = 4", "β = 1", "β = 0.1"]
    low, high = figure.layout.xaxis.range
    assert low < 5.0
    assert (high - 60.0) / (high - low) > 0.15  # room for the text of the last point
    assert trace.cliponaxis is False
