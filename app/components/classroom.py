"""Panel of the sidebar's class: open a room, follow one, and the room that the page leads."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from app.classroom.rooms import Led
from app.components import contract, mounting


@dataclass(frozen=True)
class Room:
    """The room that the page leads.

    Parameters
    ----------
    led
        Its code, and the teacher's token.
    link
        Opens the app and follows the room.
    qr
        Data address of the link's QR code.
    socket
        Address of the teacher's websocket.
    warning
        A sentence if the link does not work for others.
    """

    led: Led
    link: str
    qr: str
    socket: str
    warning: str | None = None

    def data(self) -> dict[str, Any]:
        """Return what the panel reads."""
        shown = {name: value for name, value in vars(self).items() if name != "led"}
        return {**vars(self.led), **shown}


@dataclass(frozen=True)
class Callbacks:
    """Functions called before the script reruns."""

    open: Callable[[], None]
    end: Callable[[], None]
    lost: Callable[[], None]
    resume: Callable[[Led], None]
    join: Callable[[str], None]
    present: Callable[[], None]


def classroom(
    key: str,
    *,
    room: Room | None,
    follows: bool,
    has_task: bool,
    form: Literal["sidebar", "line", "presented"],
    on: Callbacks,
) -> None:
    """Show the class.

    Parameters
    ----------
    room
        The room that the page leads, if any.
    follows
        Whether the page follows a room; it does not lead again then.
    has_task
        Whether a lesson is open, so that tasks are counted.
    form
        Stacked for the sidebar, in one line, or in the line of a presentation, without controls.
    """

    def pressed(function: Callable[[], None]) -> Callable[[Any], None]:
        return lambda value: function() if value else None

    mounting.show(
        "classroom",
        key,
        {
            "room": None if room is None else room.data(),
            "follows": follows,
            "task": has_task,
            "form": form,
        },
        on_change={
            "open": pressed(on.open),
            "end": pressed(on.end),
            "lost": pressed(on.lost),
            "present": pressed(on.present),
            "resume": contract.when_valid(read_led, on.resume),
            "join": contract.when_valid(
                lambda value: value if type(value) is str else None, on.join
            ),
        },
    )


def read_led(value: Any) -> Led | None:
    """Validate the room that a tab has kept."""
    if not isinstance(value, Mapping):
        return None
    code, token = value.get("code"), value.get("token")
    return Led(code, token) if isinstance(code, str) and isinstance(token, str) else None
