"""Parts of every page: style sheet, heading, link and export buttons."""

import functools
from pathlib import Path

import streamlit as st

from app import state
from app.components.welcome import welcome
from app.resources import exports
from app.resources.opened_model import Opened
from vae_core.formats import html

#: Said of a model that a browser cannot decode.
SERVED = (
    "Decoded by the server: this model needs onnxruntime, which browsers lack. Pictures come a "
    "moment later, and it cannot be exported as one HTML file."
)
STYLES = Path(__file__).parent


def apply_style(name: str = "page") -> None:
    """Apply the few rules that Streamlit's theme cannot express."""
    st.html(f"<style>{_rules(name)}</style>")


@functools.cache
def _rules(name: str) -> str:
    return (STYLES / f"{name}.css").read_text(encoding="utf-8")


def export_button(model: Opened) -> None:
    """Show the button that exports the model as one HTML file, made on demand."""
    if model.is_served():
        st.caption(SERVED)
        return
    too_few = model.latent_dim < 2
    st.download_button(
        "Export as one HTML file",
        lambda: exports.standalone_page(model),
        html.file_name(model.card),
        "text/html",
        help="Needs at least 2 latent dimensions; this model has 1."
        if too_few
        else "Map, sliders, manifold and drawing pad in one file that works offline.",
        on_click="ignore",
        disabled=too_few,
        width="stretch",
    )


def heading(title: str, question: str) -> None:
    """Show a page's title and the question that it answers."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium", key="heading"):
        st.title(title, anchor=False, width="content")
        st.caption(question, width="content")
        if title != "Learn" and state.current().lesson is None:
            welcome("welcome")
