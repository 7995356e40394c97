"""Panel of a page that follows a teacher: the bar, and what the teacher shows."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from app.components import contract, mounting

MAX_PARAMETERS = 64


class Leaving(Enum):
    """Whether the bar offers to come back."""

    FOR_NOW = "for now"
    FOR_GOOD = "for good"


@dataclass(frozen=True)
class Shown:
    """A view of the teacher, as the browser received it.

    Parameters
    ----------
    page
        The page's URL path.
    parameters
        URL parameters.
    count
        The view's number in this tab.
    pinned
        Whether the browser shows the pinned code already.
    """

    page: str
    parameters: Mapping[str, str]
    count: int
    pinned: bool


@dataclass(frozen=True)
class Callbacks:
    """Functions called before the script reruns."""

    view: Callable[[Shown], None]
    leave: Callable[[Leaving], None]
    again: Callable[[], None]


def follow(
    key: str,
    *,
    code: str | None,
    left: str | None,
    socket: str,
    adopted: int | None,
    done: Sequence[str],
    on: Callbacks,
) -> None:
    """Show the bar.

    Parameters
    ----------
    code
        The room that is followed, or None.
    left
        The room that was left last.
    socket
        Address of its websocket.
    adopted
        Number of the view that the session has adopted last.
    done
        Tasks of lessons that the visitor has done, as "lesson/step".
    """
    mounting.show(
        "follow",
        key,
        {"code": code, "left": left, "socket": socket, "adopted": adopted, "done": list(done)},
        on_change={
            "view": contract.when_valid(read_view, on.view),
            "leave": contract.when_valid(_read_leaving, on.leave),
            "again": lambda value: on.again() if value else None,
        },
    )


def read_view(value: Any) -> Shown | None:
    """Validate a view that the browser passed on."""
    if not isinstance(value, Mapping):
        return None
    page, parameters, count = (value.get(name) for name in ("page", "parameters", "count"))
    if not isinstance(page, str) or type(count) is not int or not isinstance(parameters, Mapping):
        return None
    texts = all(isinstance(text, str) for pair in parameters.items() for text in pair)
    if not texts or len(parameters) > MAX_PARAMETERS:
        return None
    return Shown(page, dict(parameters), count, value.get("pinned") is True)


def _read_leaving(value: Any) -> Leaving | None:
    return {one.value: one for one in Leaving}.get(str(value))
