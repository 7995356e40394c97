"""Face of the panel that copies the page's link."""

from __future__ import annotations

from app.components import panel


def link(key: str) -> None:
    """Show a button that copies the page's address."""
    panel.show("link", key, {}, on_change={})
