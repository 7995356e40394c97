"""Charts of arrays: histograms, bars, 3-D scatter, training curves."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from app import words
from app.figures.raster import Floats

#: Colours of classes, as on the map (browser/ui/colours.js).
CLASS_COLOURS = (
    "#1e87ff", "#cb844b", "#be2042", "#1da19b", "#9933cb",
    "#875369", "#dc4b12", "#84836c", "#db61cd", "#35759a",
)  # fmt: skip
ACCENT = "#12897f"
#: Letters that have room below bars.
MOST_LETTERS = 40
#: Of what is in no class that has a colour.
GREY = "#7b7b7b"
#: Points of a training curve: about its width in pixels, since it is sent every second.
CURVE_POINTS = 150
#: Rows of the texts of changed settings above a curve, and the height of one in pixels.
MARK_ROWS, MARK_ROW = 2, 13


def class_counts(
    counts: Sequence[int], classes: Sequence[str], *, greys: int = 0
) -> dict[str, Any]:
    """Return bars of the number of selected examples of each class, as an ECharts option.

    ECharts updates bars in place when the selection changes. The last ``greys`` bars are grey.
    Names that have no room are left to the map's legend, and to the pointer.
    """
    colours = [CLASS_COLOURS[i % len(CLASS_COLOURS)] for i in range(len(classes))]
    colours[len(classes) - greys :] = [GREY] * greys
    texts = [f"{count:,}" if count else "" for count in counts]
    bars = _bars(classes, counts, texts, colours, hover="{b}: {c}")
    longest = max(map(len, classes), default=0)
    if longest * len(classes) > MOST_LETTERS:
        bars["xAxis"]["axisLabel"]["show"] = False
    return bars


def label_costs(costs: Sequence[float], names: Sequence[str], chosen: int) -> dict[str, Any]:
    """Return bars of each label's nats above the best, with the chosen label highlighted."""
    colours = [
        ACCENT if label == chosen else "rgba(138,150,148,0.6)" for label in range(len(names))
    ]
    texts = [f"+{cost:.1f}" if cost else "best" for cost in costs]
    costs = [round(cost, 1) for cost in costs]
    return _bars(names, costs, texts, colours, hover="{b}: {c} nats above the best")


def _bars(
    names: Sequence[str],
    values: Sequence[float],
    texts: Sequence[str],
    colours: Sequence[str],
    *,
    hover: str,
) -> dict[str, Any]:
    """Return a bar for each name, with a text above it and without a scale."""
    bars = [
        {
            "value": value,
            "itemStyle": {"color": colour},
            "label": {"show": bool(text), "position": "top", "formatter": text},
        }
        for value, text, colour in zip(values, texts, colours, strict=True)
    ]
    return {
        "animation": False,
        "grid": {"left": 2, "right": 8, "top": 20, "bottom": 4, "containLabel": True},
        "tooltip": {"formatter": hover},
        "xAxis": {
            "type": "category",
            "data": list(names),
            "axisTick": {"show": False},
            "axisLabel": {"interval": 0},
        },
        "yAxis": {"type": "value", "show": False, "axisLabel": {"show": False}},
        "series": [{"type": "bar", "data": bars, "barCategoryGap": "25%"}],
    }


def histogram(values: Floats, *, unit: str, marked: float, bins: int = 60) -> go.Figure:
    """Draw the histogram of `values` without the highest 0.1 %, and a line at `marked`."""
    low, high = float(values.min()), float(np.quantile(values, 0.999))
    counts, edges = np.histogram(values, bins=bins, range=(low, max(high, low + 1)))
    bars = go.Bar(
        x=(edges[1:] + edges[:-1]) / 2, y=counts, marker={"color": ACCENT}, hoverinfo="skip"
    )
    figure = go.Figure(bars)
    figure.update_layout(
        height=130,
        margin={"l": 0, "r": 0, "t": 8, "b": 0},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        showlegend=False,
        bargap=0,
        dragmode=False,
    )
    figure.update_xaxes(title={"text": unit, "font": {"size": 12}})
    figure.update_yaxes(visible=False)
    figure.add_vline(x=marked, line={"width": 3, "color": "#e66101"})
    figure.add_scatter(x=[marked], y=[0], mode="markers", marker={"opacity": 0}, hoverinfo="skip")
    return figure


@dataclass(frozen=True)
class Colours:
    """What colours examples: classes by their positions, or numbers.

    Attributes
    ----------
    title
        Name of the column, with its unit.
    values
        (n,): positions in `classes`, or numbers, NaN where there is none.
    classes
        Names; empty for numbers. The last `greys` of them are grey.
    """

    title: str
    values: NDArray[Any]
    classes: Sequence[str] = ()
    greys: int = 0


def scatter_3d(
    codes: Floats,
    *,
    ids: NDArray[np.int64],
    colours: Colours,
    pinned: Floats | None = None,
) -> go.Figure:
    """Draw codes (n, 3) in space, coloured by class, with a legend, or by a number.

    Parameters
    ----------
    pinned : float32 (3,), optional
        A code to mark.
    """
    figure = go.Figure()
    values = colours.values
    style: dict[str, object]
    if colours.classes:
        coloured = len(colours.classes) - colours.greys
        for index, name in enumerate(colours.classes):
            chosen = values == index
            hue = CLASS_COLOURS[index % len(CLASS_COLOURS)] if index < coloured else GREY
            figure.add_trace(_cloud(codes[chosen], ids[chosen], name, {"color": hue}))
    else:
        known = ~np.isnan(values)
        bar = {"title": {"text": colours.title}, "thickness": 10, "len": 0.6}
        style = {"color": values[known], "colorscale": "Cividis", "colorbar": bar}
        drawn = _cloud(codes[known], ids[known], colours.title, style)
        figure.add_trace(drawn.update(showlegend=False))
        if not known.all():
            figure.add_trace(_cloud(codes[~known], ids[~known], "missing", {"color": GREY}))
    if pinned is not None:
        cross = go.Scatter3d(
            x=pinned[:1], y=pinned[1:2], z=pinned[2:3], mode="markers", name="selected",
            marker={"size": 7, "symbol": "cross", "color": "#e66101"}, hovertemplate="selected z",
        )  # fmt: skip
        figure.add_trace(cross)
    axis = {"backgroundcolor": "rgba(0,0,0,0)", "gridcolor": "rgba(128,128,128,0.25)"}
    figure.update_layout(
        height=620,
        margin={"l": 0, "r": 0, "t": 0, "b": 0},
        paper_bgcolor="rgba(0,0,0,0)",
        uirevision="kept",  # keeps the rotation across reruns
        legend={"itemsizing": "constant", "orientation": "h", "y": 1.02, "x": 0},
        scene={
            "camera": {"eye": {"x": 1.25, "y": 1.25, "z": 0.85}},
            **{
                f"{name}axis": {**axis, "title": {"text": title}}
                for name, title in zip("xyz", ("z₁", "z₂", "z₃"), strict=True)
            },
        },
    )
    return figure


def _cloud(
    points: Floats, ids: NDArray[np.int64], name: str, style: Mapping[str, object]
) -> go.Scatter3d:
    return go.Scatter3d(
        x=points[:, 0],
        y=points[:, 1],
        z=points[:, 2],
        mode="markers",
        name=name,
        customdata=ids,
        marker={"size": 2.5, "opacity": 0.75, **style},
        hovertemplate=f"{name} · id %{{customdata}}<br>%{{x:.2f}}, %{{y:.2f}}, %{{z:.2f}}"
        "<extra></extra>",
    )


def thinned(epochs: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
    """Return at most `CURVE_POINTS` records, evenly spread from the first to the last."""
    if len(epochs) <= CURVE_POINTS:
        return epochs
    return [epochs[i] for i in np.linspace(0, len(epochs) - 1, CURVE_POINTS).round().astype(int)]


def training_curve(
    epochs: Sequence[Mapping[str, Any]],
    steps: Sequence[Mapping[str, Any]],
    part: str,
    *,
    marks: Sequence[tuple[int, str]] = (),
) -> dict[str, Any]:
    """Return a curve of the test and training set by epoch, as an ECharts option.

    Parameters
    ----------
    epochs, steps
        Records of a run's events.
    part : str
        "elbo", drawn as −ELBO, "rate" or "distortion".
    marks
        Steps after which settings were changed, each with a text: thin vertical lines.
    """
    series = _curves(epochs, steps, part, marks)
    values = [y for one in series for _, y in one["data"]]
    below_zero = bool(values) and max(values) < 0
    if below_zero:  # ECharts writes hyphens: the sizes are drawn downwards, with a true minus
        for one in series:
            one["data"] = [[x, -y] for x, y in one["data"]]
    minus = "−" if below_zero else ""
    rows = min(len([text for _, text in marks if text]), MARK_ROWS)
    top = 38 + MARK_ROW * rows
    return {
        "animation": False,
        "color": [ACCENT, "#e07b39", "#8a9694"],
        "title": {"text": f"{words.title(part)}, nats", "textStyle": {"fontSize": 13}, "left": 0},
        "legend": {
            "right": 0,
            "top": 2,
            "left": "auto",
            "show": part == "elbo",
            "itemWidth": 18,
            "itemGap": 8,
            "padding": 0,
            "data": [one["name"] for one in series if one["data"]],
        },
        "grid": {
            "left": 8,
            "right": 12,
            "top": top,
            "bottom": 22,
            "containLabel": True,
        },
        "tooltip": {"trigger": "axis", "valueFormatter": f"{minus}%.2f"},
        "xAxis": {
            "type": "value",
            "min": 0,
            "minInterval": 1,
            "splitLine": {"show": False},
            "name": "Epoch",
            "nameLocation": "middle",
            "nameGap": 24,
        },
        "yAxis": {
            "type": "value",
            "scale": True,
            "splitNumber": 4,
            "inverse": below_zero,
            "axisLabel": {"formatter": f"{minus}{{value}}"},
        },
        "series": series,
    }


def _curves(
    epochs: Sequence[Mapping[str, Any]],
    steps: Sequence[Mapping[str, Any]],
    part: str,
    marks: Sequence[tuple[int, str]],
) -> list[dict[str, Any]]:
    """Return the series of :func:`training_curve`: test, training, first minibatches, marks."""
    shown = thinned(epochs)
    sign = words.find(part).sign
    test = [[e["epoch"], sign * round(e["test"][part], 3)] for e in shown]
    train = [[e["epoch"], sign * round(e["train"][part], 3)] for e in shown]
    if epochs:
        per_epoch = epochs[-1]["step"] / epochs[-1]["epoch"]
    else:
        per_epoch = max((s["step"] / s["epoch"] for s in steps), default=1.0)
    series = [_line("test", test), _line("training", train, type="dashed", width=1.5)]
    if len(epochs) <= 2:
        recent = [s for s in steps if not epochs or s["epoch"] <= 2]
        first = [
            [round(s["step"] / per_epoch, 3), sign * round(s["train"][part], 2)] for s in recent[1:]
        ]
        if first:
            series.append(_line("minibatch", first, width=1, opacity=0.5))
    if marks:
        end = max([x for one in series for x, _ in one["data"]], default=0.0)
        series.append(_marks([(step / per_epoch, text) for step, text in marks], end=end))
    return series


def _line(name: str, data: list[list[float]], **style: Any) -> dict[str, Any]:
    return {
        "name": name,
        "type": "line",
        "data": data,
        "showSymbol": len(data) == 1,
        "symbolSize": 5,
        "lineStyle": {"width": 2, **style},
    }


def _marks(places: Sequence[tuple[float, str]], *, end: float) -> dict[str, Any]:
    """Return vertical lines at x with a text, as a separate series, since others may be empty.

    The text stands above the curves, level, and reaches from its line to the middle. Neighbours
    stand in rows by turns.
    """
    label = {"show": True, "position": "end", "rotate": 0, "fontSize": 11}
    return {
        "name": "changed",
        "type": "line",
        "data": [],
        "markLine": {
            "symbol": "none",
            "silent": True,
            "lineStyle": {"width": 1, "type": "solid", "color": "#8a9694"},
            "data": [
                {
                    "xAxis": round(x, 3),
                    "label": {
                        **label,
                        "formatter": text,
                        "distance": 4 + MARK_ROW * (i % MARK_ROWS),
                        "align": "right" if x > end / 2 else "left",
                    },
                }
                for i, (x, text) in enumerate(places)
            ],
        },
    }
