"""An exported page as a widget of anywidget, which brings the pinned code back to Python."""

from __future__ import annotations

import functools
import importlib.util
from typing import Any

from browser import ROOT
from vae_core.errors import ConfigError

MISSING = (
    "a widget needs anywidget, which is not installed here: "
    "pip install 'latent-explorer-streamlit[notebook]'"
)
MODULE = ROOT / "standalone" / "widget.js"


def available() -> bool:
    """Whether anywidget is installed."""
    return importlib.util.find_spec("anywidget") is not None


def create(page: bytes, *, title: str, height: int) -> Any:
    """Return a page as a widget with the traits ``z`` and ``y``.

    ``z`` is the pinned code, a list of numbers, and None until a notebook shows the widget; ``y``
    is the label of a conditional model, else None. Both are observable, and setting them pins.

    Raises
    ------
    ConfigError
        If anywidget is not installed.
    """
    if not available():
        raise ConfigError(MISSING)
    return _kind()(page=page.decode(), title=title, height=height)


@functools.cache
def _kind() -> Any:
    import anywidget
    import traitlets

    class PageWidget(anywidget.AnyWidget):  # type: ignore[misc]  # untyped where it is missing
        """Page of a model whose pinned code is ``z``."""

        _esm = MODULE.read_text(encoding="utf-8")
        page = traitlets.Unicode().tag(sync=True)
        title = traitlets.Unicode().tag(sync=True)
        height = traitlets.Int().tag(sync=True)
        z = traitlets.List(traitlets.Float(), default_value=None, allow_none=True).tag(sync=True)
        y = traitlets.Int(default_value=None, allow_none=True).tag(sync=True)

    return PageWidget
