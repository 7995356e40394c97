"""Panel of a button that prints the page."""

from app.components import mounting


def print_button(key: str) -> None:
    """Show a button that opens the browser's print dialog."""
    mounting.show("print", key, {})
