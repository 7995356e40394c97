"""A class: the room that a page leads, the bar of a page that follows, and presentations."""

import contextlib
import ipaddress
import socket
import threading
from collections.abc import Iterator
from typing import Any, Literal
from urllib.parse import urlsplit

import segno
import streamlit as st
from streamlit import config

from app import state
from app.address import State
from app.classroom import routes
from app.classroom.rooms import ROOMS, Led, RoomError, View
from app.components import classroom, follow, present
from app.resources import assets
from app.resources.opened_model import Opened
from app.widgets import header, lesson, scenes, selection

ENDED = (
    "Class {} has ended: nobody led it for 15 minutes or did anything in it for two hours, or the "
    "server was restarted. Open a new room under Class."
)
#: Parameters of the pinned code, which panels show without the script.
PIN = ("z", "pinned_id", "y")
#: What restores a map, without the versions that a page counts for itself.
LOOKS = ("camera", "selection", "selection_version", "filter", "search")
#: Scripts of followers that run at once; seconds that one waits for a turn.
AT_ONCE, LONGEST_TURN = 2, 1.0
_TURNS = threading.BoundedSemaphore(AT_ONCE)


# The teacher --------------------------------------------------------------------------------------


def led() -> Led | None:
    """Return the room that this session leads; say so if it has ended."""
    found: Led | None = state.recall("led")
    if found is not None and not ROOMS.leads(found):
        state.remember("led", None)
        state.notify(ENDED.format(found.code))
        return None
    return found


def publish(page: str, opened: Opened | None = None) -> None:
    """Show the page to those who follow, if this session leads a room.

    Parameters
    ----------
    page
        The page's URL path.
    opened
        The open model, unless it is a Boltzmann machine.
    """
    room = led()
    if room is None:
        return
    pin = None
    if opened is not None:
        _, shown = scenes.current()
        pin = {
            "model": opened.hash,
            "z": [float(f"{value:.6g}") for value in scenes.pinned_z(opened, shown).tolist()],
            "pinned_id": shown.pinned_id,
            "y": scenes.pinned_y(opened, shown),
            "look": _look(opened, shown) if page == "explore" else None,
        }
    ROOMS.show(room, View(page, state.parameters(shared=True), pin))


def _look(opened: Opened, shown: State) -> dict[str, Any] | None:
    """Return how the map is drawn: what of its data the state decides; None for the 3-D scatter."""
    projection = shown.projection or opened.facts.projections[0]
    if projection == "3d":
        return None
    restored = selection.restored(shown).data()
    return {
        "projection": selection.RAW if projection == "axes" else projection,
        "dims": list(scenes.axes(opened, shown)),
        "colour": shown.colour,
        "manifold": shown.backdrop,
        **{name: restored[name] for name in LOOKS},
    }


def sidebar(path: str) -> None:
    """Show the class in the sidebar, unless lesson or presentation hide that.

    Parameters
    ----------
    path
        The page's URL path, as the browser has it at the end of its address.
    """
    if _form() == "sidebar":
        _show(path)


def line(path: str) -> None:
    """Show the class in a line of the page where there is no sidebar."""
    leads = led() is not None
    if _form() == "sidebar" or (state.current().follow is not None and not leads):
        return
    with st.container(key="class-line" if leads else "class-corner"):
        _show(path)


def _form() -> Literal["sidebar", "line", "presented"]:
    shown = state.current()
    if shown.present:
        return "presented"
    return "sidebar" if shown.lesson is None else "line"


def _show(path: str) -> None:
    room, shown = led(), None
    if room is not None:
        link = follow_link(st.context.url or "", path, room.code)
        qr = segno.make_qr(link, error="m").svg_data_uri(scale=8, dark="#000", light="#fff")
        where = f"{assets.SCHEME}{routes.PREFIX}/{room.code}/lead"
        shown = classroom.Room(room, link, qr, where, warning(link))
    classroom.classroom(
        "classroom",
        room=shown,
        follows=state.current().follow is not None,
        has_task=state.current().lesson is not None,
        form=_form(),
        on=classroom.Callbacks(
            open=_open, end=_end, lost=lambda: None, resume=_resume, join=_join, present=_present
        ),
    )


def follow_link(url: str, path: str, code: str) -> str:
    """Return the address that follows a room, from that of a page."""
    parts = urlsplit(url or "http://localhost")
    root = parts.path.rstrip("/")
    if path and root.endswith(f"/{path}"):
        root = root[: -len(path) - 1]
    return f"{parts.scheme}://{parts.netloc}{root}/?follow={code}"


def warning(link: str) -> str | None:
    """Return a sentence if a link opens on this computer alone."""
    host = urlsplit(link).hostname or ""
    if host != "localhost" and not host.startswith("127.") and host != "::1":
        return None
    if config.get_option("server.address") in (None, "", "0.0.0.0", "::"):
        parts = urlsplit(link)
        port = f":{parts.port}" if parts.port else ""
        return (
            "Others cannot open localhost. Open this page at "
            f"{parts.scheme}://{network_address()}{port} first."
        )
    return (
        "Others cannot open localhost. Start the app with --host 0.0.0.0, and open this page at "
        "this computer's own address."
    )


def network_address() -> str:
    """Return the address of this computer in its network, else words for it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # sends nothing: it only chooses a way out
            found: str = probe.getsockname()[0]
        except OSError:
            return "this computer's address"
    return "this computer's address" if ipaddress.ip_address(found).is_loopback else found


def _open() -> None:
    _end()  # a session leads one room
    try:
        state.remember("led", ROOMS.open())
    except RoomError as error:
        state.notify(str(error))
        return
    state.remember("left", None)
    state.update(follow=None)


def _end() -> None:
    if (room := state.recall("led")) is not None:
        ROOMS.close(room)
        state.remember("led", None)


def _resume(room: Led) -> None:
    state.remember("led", room)  # `led` says so if it has ended
    state.update(follow=None)


# Those who follow ---------------------------------------------------------------------------------


@contextlib.contextmanager
def turn() -> Iterator[None]:
    """Wait for a turn if the page follows a room.

    A class that follows runs its scripts all at once. They would hold up each other at the lock of
    Streamlit's settings, which every message to a browser takes: a few at a time are done sooner.
    """
    taken = state.current().follow is not None and _TURNS.acquire(timeout=LONGEST_TURN)
    try:
        yield
    finally:
        if taken:
            _TURNS.release()


def bar() -> None:
    """Show the bar of a page that follows a room, or has left one."""
    code, left = state.current().follow, state.recall("left")
    if code is None and left is None:
        return
    with st.container(key="following"):
        follow.follow(
            "follow",
            code=code,
            left=left,
            socket=f"{assets.SCHEME}{routes.PREFIX}/{code or left}",
            adopted=state.recall("adopted"),
            done=lesson.tasks_done(),
            on=follow.Callbacks(view=_adopt, leave=_leave, again=lambda: _join(left or "")),
        )


def _adopt(view: follow.Shown) -> None:
    if state.current().follow is None:
        return  # left in the meantime
    state.remember("adopted", view.count)
    state.remember("go-to", view.page)
    state.adopt(view.parameters, shown_already=PIN if view.pinned else ())


def _join(code: str) -> None:
    if not state.follow(code):
        state.notify(f"A class has a code of five letters, not {code[:40]!r}.")
        return
    state.remember("left", None)
    state.remember("adopted", None)


def _leave(how: follow.Leaving) -> None:
    state.remember("left", state.current().follow if how is follow.Leaving.FOR_NOW else None)
    state.update(follow=None)


# Presentations ------------------------------------------------------------------------------------


def stage() -> None:
    """Enlarge the page and hide its menus, if it is presented."""
    if state.current().present:
        header.apply_style("present")
        present.present("present", on_leave=lambda: state.update(present=False))


def _present() -> None:
    state.update(present=True)
