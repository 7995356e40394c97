"""Show charts, with the texts of their axes in a colour that is legible in the session's theme."""

from collections.abc import Mapping
from typing import Any

import plotly.graph_objects as go
import streamlit as st

#: Of the axes' texts in each theme: at least 4.5 to 1 on its ground, where Streamlit's has 3.7.
TEXT = {"light": "#55605e", "dark": "#c3cbc9"}
AXES = ("xAxis", "yAxis")


def text_colour() -> str:
    """Return the colour of the axes' texts in the session's theme."""
    return TEXT["dark" if st.context.theme.type == "dark" else "light"]


def show_plotly(figure: go.Figure, *, key: str, **options: Any) -> None:
    """Show a Plotly figure; options are those of ``st.plotly_chart``."""
    colour = text_colour()
    axis = {"tickfont": {"color": colour}, "title": {"font": {"color": colour}}}
    figure.update_xaxes(axis).update_yaxes(axis)
    figure.update_scenes(dict.fromkeys(("xaxis", "yaxis", "zaxis"), axis))
    # Without the mode bar, which covers a legend under a pointer and for good after a touch.
    st.plotly_chart(figure, key=key, config={"displayModeBar": False}, **options)


def show_echarts(option: Mapping[str, Any], *, key: str, height: int, alt: str) -> None:
    """Show a chart by an ECharts option."""
    colour = text_colour()
    coloured = dict(option)
    for name in AXES:
        axis = option[name]
        coloured[name] = {
            **axis,
            "axisLabel": {**axis.get("axisLabel", {}), "color": colour},
            "nameTextStyle": {"color": colour},
        }
    st.echarts_chart(coloured, key=key, height=height, alt=alt)
