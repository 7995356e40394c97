"""The button that hands the open model on as one HTML file."""

from __future__ import annotations

from collections.abc import Callable

from streamlit.testing.v1 import AppTest

from app.resources import exports, library
from vae_core import model_folder
from vae_core.formats import html

Open = Callable[..., AppTest]


def test_sidebar_offers_the_open_model_as_one_file(open_page: Open) -> None:
    """Every page has the button; the file is made when it is asked for."""
    for page in ("explore", "decode"):
        session = open_page(page)
        assert not session.exception
        (button,) = session.sidebar.get("download_button")
        assert button.proto.label == "Export as one HTML file"
        assert not button.proto.disabled


def test_file_is_what_the_command_writes_and_is_made_once() -> None:
    """The bytes are those of ``vae_core export``, kept for the next visitor."""
    opened = library.open_model("digits-2d")
    made = exports.standalone_page(opened)
    assert made == html.page(model_folder.open_folder("digits-2d"))
    assert exports.standalone_page(opened) is made
