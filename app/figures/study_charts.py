"""Charts of study results, chosen by what varies between the cells of a study.

Cells are drawn against a setting, against training images or time, in the plane of rate and
distortion, or one below the other. `CHARTS` lists these kinds: which metrics each can show and how
it draws them, with published values and the lower bound of the metric.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle
from typing import Any

import plotly.graph_objects as go

from app import words
from app.figures.charts import ACCENT
from vae_core.studies.study import Reference

Json = Mapping[str, Any]

#: A grey visible on the backgrounds of both themes.
GREY = "#7f8c8a"
#: Colour of published values, which have dotted lines and open symbols; no series has it.
PUBLISHED = "#e66101"
#: Colours of series, safe for colour-blind people: `charts.CLASS_COLOURS` without orange.
SERIES = (
    ACCENT, "#1e87ff", "#9933cb", "#be2042", "#84836c", "#db61cd", "#35759a", "#875369",
)  # fmt: skip
SYMBOLS = ("diamond-open", "square-open", "triangle-up-open", "cross-open", "star-open")
DASHES = ("solid", "dash", "dot", "dashdot")
#: Rank of published values in the legend: last.
LAST = 2000
#: Fewest distinct values of an axis, and smallest ratio of a logarithmic one.
AXIS_VALUES, LOGARITHMIC = 3, 15
#: Lower bound of a metric: the metric that holds it (None for zero), and its name.
FLOORS: dict[str, tuple[str | None, str]] = {
    "cross_entropy": ("entropy_floor", "entropy of the targets"),
    "above_floor": (None, "entropy of the targets"),
    "nll_iw1000": ("optimum", "exact optimum"),
    "gap": (None, "exact optimum"),
    "gap_percent": (None, "exact optimum"),
}
#: Columns of a training's history that are not metrics, and the name of the ELBO there.
COUNTERS = ("epoch", "examples", "seconds")
TEST_ELBO = "test_elbo"
AXES = {
    "latent_dim": "Latent dimensions",
    "train_size": "Training images",
    "beta": "β",
    "k": "Samples k in training",
}
AGAINST = {"examples": "Training images seen", "seconds": "Seconds of training"}


@dataclass(frozen=True)
class Results:
    """Cells of one dataset, and the published values.

    Attributes
    ----------
    cells : sequence of dict
        Records of a result file.
    references : sequence of Reference
    """

    cells: Sequence[Json]
    references: Sequence[Reference] = ()

    def metrics(self) -> list[str]:
        """Return the names of all metrics, in order of appearance."""
        return list(dict.fromkeys(name for cell in self.cells for name in cell["metrics"]))

    def having(self, metric: str) -> list[Json]:
        """Return the cells that have a metric."""
        return [cell for cell in self.cells if metric in cell["metrics"]]

    def curves(self) -> list[str]:
        """Return the names of the metrics recorded during training."""
        keys = (key for cell in self.cells for row in cell["history"] for key in row)
        names = ("elbo" if key == TEST_ELBO else key for key in keys if key not in COUNTERS)
        return list(dict.fromkeys(names))

    def published(self, metric: str) -> list[Reference]:
        """Return the references with a metric of one of the cells."""
        names = [cell["name"] for cell in self.cells]
        return [
            reference
            for reference in self.references
            if reference.metric == metric
            and any(point(key, names) is not None for key in reference.values)
        ]


@dataclass(frozen=True)
class Chart:
    """A kind of chart: its title, the metrics that it can show, and how it is drawn."""

    title: str
    metrics: Callable[[Results], list[str]]
    draw: Callable[[Results, str], go.Figure]


def point(key: str, names: Iterable[str]) -> tuple[str, int | None] | None:
    """Return the cell of a published value, and its epoch if any; None for an unknown cell."""
    cell, _, epoch = key.partition(", epoch ")
    return (cell, int(epoch) if epoch else None) if cell in names else None


def varying(cells: Sequence[Json]) -> list[str]:
    """Return the names of the settings that differ between cells, in order of appearance."""
    names = dict.fromkeys(name for cell in cells for name in cell["settings"])
    return [name for name in names if len({str(cell["settings"].get(name)) for cell in cells}) > 1]


def axis_of(cells: Sequence[Json]) -> str | None:
    """Return the numeric setting with enough values in a series for an axis, or None."""
    names = varying(cells)
    for name in names:
        values = [cell["settings"].get(name) for cell in cells]
        if not all(isinstance(v, int | float) and not isinstance(v, bool) for v in values):
            continue
        groups = _grouped(cells, [other for other in names if other != name])
        if max(len(_values_of(members, name)) for members in groups.values()) >= AXIS_VALUES:
            return name
    return None


def setting_text(name: str, value: Any) -> str:
    """Write a setting's value with its name."""
    names = {"latent_dim": "z", "train_size": "N", "stochastic_layers": "layers"}
    word = names.get(name, name.replace("_", " "))
    if isinstance(value, bool):
        return word if value else f"no {word}"
    if isinstance(value, int | float):
        return f"{word} = {value:,}"
    if isinstance(value, list):
        return "–".join(str(part) for part in value)
    return str(value) if value is not None else f"no {word}"


def series_of(cell: Json, names: Iterable[str]) -> str:
    """Name a cell's series by the settings that distinguish series."""
    return ", ".join(setting_text(name, cell["settings"].get(name)) for name in names)


def default_chart(name: str, results: Results, metric: str) -> str:
    """Return the kind of chart that a study is first shown as."""
    fitting = [chart for chart, kind in CHARTS.items() if metric in kind.metrics(results)]
    preferred = FIRST.get(name)
    return preferred if preferred in fitting else fitting[0]


def draw(results: Results, chart: str, metric: str) -> go.Figure:
    """Draw results as one of `CHARTS`."""
    figure = CHARTS[chart].draw(results, metric)
    entries = sum(trace.showlegend is not False for trace in figure.data)
    figure.update_layout(
        height=(figure.layout.height or 420) + 20 * entries,
        margin={"l": 0, "r": 12, "t": 24, "b": 0},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        dragmode=False,
        hovermode="closest",
        legend={"orientation": "h", "y": 0, "yanchor": "bottom", "x": 0, "yref": "container"},
    )
    figure.update_xaxes(gridcolor="rgba(128,128,128,0.2)", zeroline=False, automargin=True)
    figure.update_yaxes(gridcolor="rgba(128,128,128,0.2)", zeroline=False, automargin=True)
    return figure


def _by_setting(results: Results, metric: str) -> go.Figure:
    cells = results.having(metric)
    axis, sign = axis_of(cells), words.find(metric).sign
    assert axis is not None, "a chart is drawn only of results that suit it"
    others = [name for name in varying(cells) if name != axis]
    figure = go.Figure()
    for index, (name, members) in enumerate(_grouped(cells, others).items()):
        members = sorted(members, key=lambda cell: cell["settings"][axis])
        figure.add_scatter(
            x=[cell["settings"][axis] for cell in members],
            name=name or "measured here",
            **_values(members, metric),
            mode="lines+markers",
            marker={"size": 8, "color": _colour(index)},
            line={"width": 2, "color": _colour(index)},
        )
    for symbol, reference in zip(cycle(SYMBOLS), results.published(metric), strict=False):
        published = [cell for cell in cells if cell["name"] in reference.values]
        for name, members in _grouped(published, others).items():
            members = sorted(members, key=lambda cell: cell["settings"][axis])
            figure.add_scatter(
                x=[cell["settings"][axis] for cell in members],
                y=[sign * reference.values[cell["name"]] for cell in members],
                name=", ".join(filter(None, [_named(reference), name])),
                mode="lines+markers",
                marker={"size": 9, "symbol": symbol, "color": PUBLISHED},
                line={"width": 1.5, "dash": "dot", "color": PUBLISHED},
                hovertemplate="%{fullData.name}<br>%{y}<extra></extra>",
                legendrank=LAST,
            )
    values = sorted({cell["settings"][axis] for cell in cells})
    figure.update_xaxes(
        title={"text": AXES.get(axis, axis.replace("_", " ").capitalize())},
        tickvals=values,
        ticktext=[f"{value:,}" for value in values],
        **_scale(values),
    )
    _floor(figure, cells, metric, across=False)
    return figure


def _curves(against: str) -> Callable[[Results, str], go.Figure]:
    def drawn(results: Results, metric: str) -> go.Figure:
        key, sign = TEST_ELBO if metric == "elbo" else metric, words.find(metric).sign
        cells = [cell for cell in results.cells if any(key in row for row in cell["history"])]
        names = varying(cells)
        # Of several settings, the one of fewest values is shown by dashes, the others by colour.
        dashed = min(names[1:], key=lambda name: len(_values_of(cells, name)), default=None)
        coloured = [name for name in names if name != dashed]
        figure = go.Figure()
        colours = list(_grouped(cells, coloured))
        dashes = list(_grouped(cells, [dashed] if dashed else []))
        for cell in cells:
            rows = [row for row in cell["history"] if key in row]
            colour = _colour(colours.index(series_of(cell, coloured)))
            dash = DASHES[dashes.index(series_of(cell, [dashed] if dashed else [])) % len(DASHES)]
            figure.add_scatter(
                x=[row[against] for row in rows],
                y=[sign * row[key] for row in rows],
                name=series_of(cell, names) or cell["name"],
                mode="lines+markers" if len(rows) < 12 else "lines",
                line={"width": 2, "color": colour, "dash": dash},
                marker={"size": 6},
                hovertemplate="%{fullData.name}<br>%{x:,.4~s}: %{y:.2f}<extra></extra>",
            )
            _published_of(figure, results, cell, metric, against, colour)
        figure.update_xaxes(title={"text": AGAINST[against]}, type="log", exponentformat="SI")
        _floor(figure, results.having(metric), metric, across=False)
        return figure

    return drawn


def _published_of(
    figure: go.Figure, results: Results, cell: Json, metric: str, against: str, colour: str
) -> None:
    """Draw the published values of one cell: a level, or a point if they name an epoch."""
    rows = cell["history"]
    size = rows[-1]["examples"] / rows[-1]["epoch"]
    sign = words.find(metric).sign
    for reference in results.published(metric):
        found = [
            (point(key, [cell["name"]]), sign * value) for key, value in reference.values.items()
        ]
        points = [(at[1], value) for at, value in found if at is not None]
        levels = [value for epoch, value in points if epoch is None]
        places = [(size * epoch, value) for epoch, value in points if epoch is not None]
        # The time of a published epoch is unknown.
        places = places if against == "examples" else []
        for value in levels:
            figure.add_scatter(
                x=[rows[0][against], rows[-1][against]],
                y=[value, value],
                mode="lines",
                line={"width": 1.5, "dash": "dot", "color": colour},
                name=_named(reference),
                legendgroup=reference.series,
                showlegend=not _in_legend(figure, reference),
                hovertemplate=f"{_named(reference)}<br>{cell['name']}: %{{y}}<extra></extra>",
                legendrank=LAST,
            )
        if places:
            figure.add_scatter(
                x=[x for x, _ in places],
                y=[y for _, y in places],
                mode="markers",
                marker={"size": 10, "symbol": SYMBOLS[0], "color": PUBLISHED},
                name=_named(reference),
                hovertemplate="%{fullData.name}<br>%{x:,.4~s}: %{y}<extra></extra>",
                legendrank=LAST,
            )


def _by_cell(results: Results, metric: str) -> go.Figure:
    cells = results.having(metric)
    names = [cell["name"] for cell in cells]
    figure = go.Figure()
    figure.add_scatter(
        y=names,
        name="measured here",
        mode="markers",
        marker={"size": 11, "color": ACCENT},
        **_values(cells, metric, horizontal=True),
    )
    for symbol, reference in zip(cycle(SYMBOLS), results.published(metric), strict=False):
        sign = words.find(metric).sign
        known = {key: sign * value for key, value in reference.values.items() if key in names}
        if known:
            figure.add_scatter(
                x=list(known.values()),
                y=list(known),
                name=_named(reference),
                mode="markers",
                marker={"size": 11, "symbol": symbol, "color": PUBLISHED, "line": {"width": 2}},
                hovertemplate="%{fullData.name}<br>%{y}: %{x}<extra></extra>",
                legendrank=LAST,
            )
    _floor(figure, cells, metric, across=True)
    figure.update_yaxes(
        type="category", categoryorder="array", categoryarray=names, autorange="reversed"
    )
    return figure.update_layout(height=80 + 44 * len(cells))


def _rate_distortion(results: Results, _metric: str) -> go.Figure:
    cells = [cell for cell in results.having("rate") if "distortion" in cell["metrics"]]
    others = [name for name in varying(cells) if name != "beta"]
    figure = go.Figure()
    for index, (name, members) in enumerate(_grouped(cells, others).items()):
        members = sorted(members, key=lambda cell: cell["metrics"]["rate"]["value"])
        distortion = _values(members, "distortion")
        rate = _values(members, "rate", horizontal=True)
        figure.add_scatter(
            **{key: rate[key] for key in ("x", "error_x")},
            **{key: distortion[key] for key in ("y", "error_y")},
            text=[f"β = {cell['settings']['beta']:g}" for cell in members],
            textposition="top right",
            name=name or "measured here",
            mode="lines+markers+text",
            marker={"size": 9, "color": _colour(index)},
            line={"width": 2, "color": _colour(index)},
            cliponaxis=False,
            hovertemplate="%{text}<br>rate %{x:.2f}, distortion %{y:.2f}<extra></extra>",
        )
    rates = [cell["metrics"]["rate"]["value"] for cell in cells]
    width = (max(rates) - min(rates)) or 1.0
    # The text of the last point stands to its right.
    span = [min(rates) - 0.06 * width, max(rates) + 0.2 * width]
    figure.update_xaxes(title={"text": "Rate, nats"}, range=span)
    figure.update_yaxes(title={"text": "Distortion, nats"})
    return figure


def _values(cells: Sequence[Json], metric: str, *, horizontal: bool = False) -> dict[str, Any]:
    """Return values with standard errors along one axis, for a scatter."""
    axis = "x" if horizontal else "y"
    found = [cell["metrics"][metric] for cell in cells]
    sign = words.find(metric).sign
    return {
        axis: [sign * one["value"] for one in found],
        f"error_{axis}": {
            "type": "data",
            "array": [one["se"] or 0.0 for one in found],
            "thickness": 1.5,
            "width": 5,
        },
        "customdata": [
            [cell["name"], words.with_error(sign * one["value"], one["se"])]
            for cell, one in zip(cells, found, strict=True)
        ],
        "hovertemplate": "%{customdata[0]}<br>%{customdata[1]}<extra></extra>",
    }


def _floor(figure: go.Figure, cells: Sequence[Json], metric: str, *, across: bool) -> None:
    """Draw the lower bound of a metric; a vertical line if the metric is horizontal."""
    source, label = FLOORS.get(metric, (None, ""))
    values = [cell["metrics"][source]["value"] for cell in cells if source in cell["metrics"]]
    if not label or (source is not None and not values):
        return
    level = sum(values) / len(values) if source is not None else 0.0
    line = figure.add_vline if across else figure.add_hline
    line(
        level,
        line={"width": 2, "color": GREY, "dash": "longdash"},
        annotation={"text": label, "font": {"color": GREY}}
        | ({"y": 1, "yanchor": "bottom"} if across else {}),
        annotation_position="top right" if across else "top left",
    )


def _grouped(cells: Sequence[Json], names: Sequence[str]) -> dict[str, list[Json]]:
    groups: dict[str, list[Json]] = {}
    for cell in cells:
        groups.setdefault(series_of(cell, names), []).append(cell)
    return groups


def _values_of(cells: Sequence[Json], name: str) -> set[str]:
    return {str(cell["settings"].get(name)) for cell in cells}


def _in_legend(figure: go.Figure, reference: Reference) -> bool:
    return any(trace.legendgroup == reference.series for trace in figure.data)


def _named(reference: Reference) -> str:
    return reference.series + (" (from memory)" if reference.from_memory else "")


def _scale(values: Sequence[float]) -> dict[str, Any]:
    wide = min(values) > 0 and max(values) / min(values) >= LOGARITHMIC
    return {"type": "log", "minor": {"ticks": ""}} if wide else {"type": "linear"}


def _colour(index: int) -> str:
    return SERIES[index % len(SERIES)]


def _along_axis(results: Results) -> list[str]:
    return [name for name in results.metrics() if axis_of(results.having(name)) is not None]


def _in_plane(results: Results) -> list[str]:
    there = {"rate", "distortion"} <= set(results.metrics()) and "beta" in varying(results.cells)
    return results.metrics() if there else []


#: By their names in the URL.
CHARTS: dict[str, Chart] = {
    "plane": Chart("Rate–distortion", _in_plane, _rate_distortion),
    "setting": Chart("By setting", _along_axis, _by_setting),
    "cells": Chart("By model", Results.metrics, _by_cell),
    "curves": Chart("By training images", Results.curves, _curves("examples")),
    "time": Chart("By training time", Results.curves, _curves("seconds")),
}
#: First chart of studies whose published figure shows training curves.
FIRST = {"learners": "curves", "sample-size": "curves", "marginal-likelihood": "curves"}
