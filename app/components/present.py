"""Panel of a presentation: the way out, and keys that step the lesson."""

from collections.abc import Callable

from app.components import mounting


def present(key: str, *, on_leave: Callable[[], None]) -> None:
    """Show a small button that ends the presentation; Escape does the same."""
    mounting.show(
        "present", key, {}, on_change={"leave": lambda value: on_leave() if value else None}
    )
