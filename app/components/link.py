"""Panel that copies the page's link."""

from app.components import mounting


def link(key: str) -> None:
    """Show a button that copies the page's address."""
    mounting.show("link", key, {})
