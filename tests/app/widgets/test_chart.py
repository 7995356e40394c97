"""Axes of charts are legible in both themes."""

from __future__ import annotations

import tomllib
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import streamlit as st

from app.figures import charts
from app.main import CONFIG_FILE
from app.widgets import chart

#: Least contrast of text by WCAG 2.2 AA.
LEGIBLE = 4.5


def luminance(colour: str) -> float:
    """Return the relative luminance of "#rrggbb"."""
    levels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in levels]
    return float(np.dot((0.2126, 0.7152, 0.0722), linear))


def contrast(first: str, second: str) -> float:
    """Return the contrast of two colours."""
    low, high = sorted((luminance(first), luminance(second)))
    return (high + 0.05) / (low + 0.05)


@pytest.fixture(params=["light", "dark"])
def theme(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the theme of the session."""
    context = SimpleNamespace(theme=SimpleNamespace(type=request.param))
    monkeypatch.setattr(st, "context", context)
    return str(request.param)


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Return the list that takes the charts that are shown."""
    found: list[Any] = []
    for name in ("plotly_chart", "echarts_chart"):
        monkeypatch.setattr(st, name, lambda figure, **options: found.append(figure))
    return found


def test_axes_have_a_contrast_of_4_5(theme: str, shown: list[Any]) -> None:
    """Those of Plotly, in the plane and in space, and those of ECharts."""
    ground = tomllib.loads(CONFIG_FILE.read_text())["theme"][theme]["backgroundColor"]
    plane = charts.histogram(np.arange(9, dtype=np.float32), unit="nats", marked=1.0)
    space = charts.scatter_3d(
        np.zeros((3, 3), dtype=np.float32),
        ids=np.arange(3),
        colours=charts.Colours("Label", np.zeros(3, dtype=np.int64), ["a"]),
    )
    chart.show_plotly(plane, key="plane")
    chart.show_plotly(space, key="space")
    chart.show_echarts(charts.class_counts([1, 2], ["a", "b"]), key="bars", height=1, alt="Bars")
    scene = shown[1].layout.scene
    axes = [shown[0].layout.xaxis, scene.xaxis, scene.yaxis, scene.zaxis]
    colours = {axis.tickfont.color for axis in axes} | {axis.title.font.color for axis in axes}
    colours |= {shown[2][name]["axisLabel"]["color"] for name in chart.AXES}
    assert colours == {chart.TEXT[theme]}
    assert contrast(chart.TEXT[theme], ground) >= LEGIBLE


def test_an_option_keeps_what_it_says_of_its_axes(theme: str, shown: list[Any]) -> None:
    """The colour is added; the option itself is not changed."""
    option = charts.class_counts([1, 2], ["a", "b"])
    chart.show_echarts(option, key="bars", height=1, alt="Bars")
    assert shown[0]["xAxis"]["axisLabel"]["interval"] == 0
    assert "color" not in option["xAxis"]["axisLabel"]
