"""Panel that offers the Learn page to a newcomer, once."""

from app.components import mounting


def welcome(key: str) -> None:
    """Show one line with links to the Learn page on a browser's first visit, else nothing."""
    mounting.show("welcome", key, {})
