"""Arrays become charts without losing or moving anything."""

from __future__ import annotations

import re

import numpy as np

from app.figures import charts
from browser import ROOT

JAVASCRIPT = ROOT / "ui" / "colours.js"


def test_class_colours_are_the_maps() -> None:
    """A class has one colour in the browser's panels and in the server's figures."""
    table = re.search(r"const CLASSES = \[(.*?)\]", JAVASCRIPT.read_text(), re.DOTALL)
    assert table is not None
    assert tuple(re.findall(r'"(#\w{6})"', table[1])) == charts.CLASS_COLOURS


def test_class_counts_show_every_class() -> None:
    """A class of which nothing is selected keeps its place, so bars do not move."""
    figure = charts.class_counts([3, 0, 1], ["a", "b", "c"])
    assert figure["xAxis"]["data"] == ["a", "b", "c"]
    (bars,) = figure["series"]
    assert [bar["value"] for bar in bars["data"]] == [3, 0, 1]
    assert [bar["label"]["formatter"] for bar in bars["data"]] == ["3", "", "1"]
    assert [bar["label"]["show"] for bar in bars["data"]] == [True, False, True]


def test_counts_of_categories_without_a_colour_are_grey() -> None:
    """The last bars; names without room below them are not written over each other."""
    figure = charts.class_counts([3, 1, 2], ["a long name", "2 others", "missing"], greys=2)
    (bars,) = figure["series"]
    colours = [bar["itemStyle"]["color"] for bar in bars["data"]]
    assert colours == [charts.CLASS_COLOURS[0], charts.GREY, charts.GREY]
    assert "show" not in figure["xAxis"]["axisLabel"]
    crowded = charts.class_counts([1] * 12, [f"region {i:02}" for i in range(12)])
    assert crowded["xAxis"]["axisLabel"]["show"] is False


def test_a_cloud_keys_its_points_by_id() -> None:
    """Each class is a trace of its own points with their ids, and all points are there once."""
    codes = np.random.default_rng(0).standard_normal((30, 3), dtype=np.float32)
    ids, labels = np.arange(100, 130), np.arange(30) % 3
    figure = charts.scatter_3d(
        codes, ids=ids, colours=charts.Colours("Label", labels, ("a", "b", "c")),
        pinned=np.zeros(3, dtype=np.float32),
    )  # fmt: skip
    *classes, pinned = figure.data
    assert [trace.name for trace in classes] == ["a", "b", "c"]
    assert pinned.name == "selected"
    seen = {}
    for trace in classes:
        points = np.stack([trace.x, trace.y, trace.z], axis=1)
        seen |= {int(i): point for i, point in zip(trace.customdata, points, strict=True)}
    np.testing.assert_array_equal(np.stack([seen[i] for i in ids]), codes)


def test_a_cloud_coloured_by_a_figure_has_a_scale_with_its_unit() -> None:
    """One trace, its values as colours, nats on the scale."""
    codes = np.zeros((4, 3), dtype=np.float32)
    rate = np.array([1, 2, 3, 4], dtype=np.float32)
    (trace,) = charts.scatter_3d(
        codes, ids=np.arange(4), colours=charts.Colours("rate (nats)", rate)
    ).data
    np.testing.assert_array_equal(trace.marker.color, rate)
    assert trace.marker.colorbar.title.text == "rate (nats)"


def test_a_histogram_counts_all_but_the_largest_and_reaches_the_marked_one() -> None:
    """An upload far beyond the test set is still in the picture."""
    values = np.linspace(50, 150, 2000, dtype=np.float32)
    figure = charts.histogram(values, unit="distortion (nats, grey)", marked=400.0)
    bars, reach = figure.data
    assert 1990 <= sum(bars.y) <= 2000
    assert list(reach.x) == [400.0]
    constant = charts.histogram(np.ones(5, dtype=np.float32), unit="nats", marked=1.0)
    assert sum(constant.data[0].y) == 5


def test_changes_are_marked_in_the_curves() -> None:
    """A thin line where the step lies among the epochs, with what was changed."""
    figure = {"elbo": -100.0, "rate": 5.0, "distortion": 95.0}
    epochs = [{"epoch": e, "step": 8 * e, "test": figure, "train": figure} for e in (1, 2, 3)]
    chart = charts.training_curve(epochs, [], "elbo", marks=[(12, "β 2")])
    (mark,) = chart["series"][-1]["markLine"]["data"]
    assert (mark["xAxis"], mark["label"]["formatter"]) == (1.5, "β 2")
    assert chart["legend"]["data"] == ["test", "training"]


def test_the_chart_of_a_training_can_be_read() -> None:
    """Legend beside the title, level texts above the curves, a named axis."""
    figure = {"elbo": -100.0, "rate": 5.0, "distortion": 95.0}
    epochs = [{"epoch": e, "step": 8 * e, "test": figure, "train": figure} for e in (1, 2)]
    chart = charts.training_curve(epochs, [], "elbo", marks=[(4, "β 20"), (16, "β 1")])
    assert (chart["title"]["left"], chart["legend"]["right"]) == (0, 0)
    assert chart["legend"]["left"] == "auto"
    assert chart["xAxis"]["name"] == "Epoch"
    early, late = (mark["label"] for mark in chart["series"][-1]["markLine"]["data"])
    assert (early["position"], early["rotate"]) == ("end", 0)
    assert (early["align"], late["align"]) == ("left", "right")
    assert late["distance"] - early["distance"] >= late["fontSize"]
    assert chart["grid"]["top"] > charts.training_curve(epochs, [], "elbo")["grid"]["top"]


def test_values_below_zero_have_a_true_minus() -> None:
    """A density's −ELBO: its size is drawn downwards, and labels and hover say −."""
    epochs = [
        {"epoch": e, "step": e, "test": {"elbo": value}, "train": {"elbo": value}}
        for e, value in ((1, 300.0), (2, 400.0))
    ]
    chart = charts.training_curve(epochs, [], "elbo")
    assert chart["series"][0]["data"] == [[1, 300.0], [2, 400.0]]
    assert chart["yAxis"]["inverse"] is True
    assert chart["yAxis"]["axisLabel"]["formatter"] == "−{value}"
    assert chart["tooltip"]["valueFormatter"] == "−%.2f"
    positive = [{"epoch": 1, "step": 1, "test": {"elbo": -3.0}, "train": {"elbo": -3.0}}]
    above = charts.training_curve(positive, [], "elbo")
    assert (above["yAxis"]["inverse"], above["tooltip"]["valueFormatter"]) == (False, "%.2f")


def test_a_long_curve_is_thinned() -> None:
    """Evenly, from the first epoch to the last: it is sent to every watcher each second."""
    figure = {"elbo": -100.0, "rate": 5.0, "distortion": 95.0}
    epochs = [{"epoch": e, "step": e, "test": figure, "train": figure} for e in range(1, 5001)]
    chart = charts.training_curve(epochs, [], "elbo")
    drawn = [epoch for epoch, _ in chart["series"][0]["data"]]
    assert len(drawn) == len(set(drawn)) == charts.CURVE_POINTS
    assert (drawn[0], drawn[-1]) == (1, 5000)


def test_curves_begin_with_minibatches_and_go_on_with_epochs() -> None:
    """Before there are three epochs the minibatches are drawn too; later they are not."""
    figure = {"elbo": -100.0, "rate": 5.0, "distortion": 95.0}
    steps = [{"step": s, "epoch": 1, "train": figure} for s in range(1, 9)]
    epochs = [{"epoch": e, "step": 8 * e, "test": figure, "train": figure} for e in (1, 2, 3)]
    early = charts.training_curve(epochs[:1], steps, "elbo")
    late = charts.training_curve(epochs, steps, "elbo")
    assert [line["name"] for line in early["series"]] == ["test", "training", "minibatch"]
    assert [line["name"] for line in late["series"]] == ["test", "training"]
    assert late["series"][0]["data"] == [[1, 100.0], [2, 100.0], [3, 100.0]]
