"""The head of every page: styles, heading, link and export buttons."""

import functools
from pathlib import Path

import streamlit as st

from app.components.link import link
from app.resources import exports
from app.resources.opened_model import Opened
from vae_core.formats import html

STYLE = Path(__file__).with_name("page.css")


def style() -> None:
    """Apply the few rules that the theme cannot express."""
    st.html(f"<style>{_rules()}</style>")


@functools.cache
def _rules() -> str:
    return STYLE.read_text(encoding="utf-8")


def copy_link() -> None:
    """Show the button that copies the page's address, which restores all that is shown."""
    link("link")


def export_button(model: Opened) -> None:
    """Offer the model as one HTML file, which is made when it is asked for."""
    flat = model.latent_dim < 2
    st.download_button(
        "Export as one HTML file",
        lambda: exports.standalone_page(model),
        html.file_name(model.card),
        "text/html",
        help="A page needs a plane: this model has one dimension."
        if flat
        else "Map, sliders, manifold and drawing pad in one file: no server, no network.",
        on_click="ignore",
        disabled=flat,
        width="stretch",
    )


def heading(title: str, question: str) -> None:
    """Show a page's title and the question that it answers."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        st.title(title, anchor=False, width="content")
        st.caption(question, width="content")
