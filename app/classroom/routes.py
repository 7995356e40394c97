"""Websockets of rooms: one for each page that follows, and one for the teacher's.

A page that follows is sent each view, and reports tasks that are done; the teacher's page is sent
the counts. What is sent is always the latest: a slow browser skips what it has missed. Streamlit's
server pings every websocket, so a page that has gone is noticed.
"""

import asyncio
import contextlib
import json
from collections.abc import Callable
from typing import Any

from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from app.classroom.rooms import ROOMS, Follower, Led, RefusedError, Room

PREFIX = "explorer/rooms"
#: Codes that a socket is closed with, by what the page says.
CLOSED = {"missing": 4404, "ended": 4410, "full": 4409, "limited": 4429, "denied": 4403}
#: Seconds between two looks whether the room has ended, and between two messages of counts.
LOOK, PAUSE = 20.0, 0.25
#: Seconds in which the teacher's page has to show its token.
PATIENCE = 10.0
MAX_MESSAGE, MAX_MESSAGES = 1024, 1000


async def _close(socket: WebSocket, reason: str) -> None:
    if socket.application_state != WebSocketState.DISCONNECTED:
        with contextlib.suppress(RuntimeError, WebSocketDisconnect):
            await socket.close(CLOSED[reason], reason)


def _caller(socket: WebSocket) -> str:
    return socket.client.host if socket.client is not None else "unknown"


def _waker() -> tuple[asyncio.Event, Callable[[], None]]:
    """Return an event, and a function that sets it from any thread."""
    event, loop = asyncio.Event(), asyncio.get_running_loop()

    def wake() -> None:
        with contextlib.suppress(RuntimeError):  # the server has stopped
            loop.call_soon_threadsafe(event.set)

    return event, wake


async def _receive(socket: WebSocket, take: Callable[[Any], None]) -> None:
    """Take messages, until the page has gone or sends what no page sends."""
    with contextlib.suppress(WebSocketDisconnect, ValueError, KeyError, TypeError):
        for _ in range(MAX_MESSAGES):
            text = await socket.receive_text()
            if len(text) > MAX_MESSAGE:
                return
            take(json.loads(text))


async def _stay(
    socket: WebSocket,
    event: asyncio.Event,
    room: Room,
    send: Callable[[], Any],
    take: Callable[[Any], None],
) -> None:
    """Send what is new and take what comes, until the page has gone or the room has ended."""
    receiving = asyncio.create_task(_receive(socket, take))
    try:
        while not receiving.done():
            event.clear()
            if room.ended:
                await _close(socket, "ended")
                return
            await send()
            waiting = asyncio.create_task(event.wait())
            await asyncio.wait(
                {receiving, waiting}, timeout=LOOK, return_when=asyncio.FIRST_COMPLETED
            )
            waiting.cancel()
            ROOMS.expire()
    except (WebSocketDisconnect, RuntimeError):  # gone while it was sent to
        pass
    finally:
        receiving.cancel()


async def follow(socket: WebSocket) -> None:
    """Let a page follow a room."""
    await socket.accept()
    event, wake = _waker()
    try:
        follower: Follower = ROOMS.join(
            socket.path_params["code"],
            _caller(socket),
            wake,
            ticket=socket.query_params.get("ticket", ""),
        )
    except RefusedError as refused:
        await _close(socket, refused.reason)
        return

    async def send() -> None:
        if (text := ROOMS.news(follower)) is not None:
            await socket.send_text(text)

    def take(message: Any) -> None:
        if isinstance(done := message["done"], str):
            ROOMS.report(follower, done)

    try:
        await socket.send_text(json.dumps({"ticket": follower.room.ticket}))
        await _stay(socket, event, follower.room, send, take)
    except (WebSocketDisconnect, RuntimeError):
        pass
    finally:
        ROOMS.leave(follower)


async def lead(socket: WebSocket) -> None:
    """Tell the teacher's page how many follow."""
    await socket.accept()
    event, wake = _waker()
    try:
        message = await asyncio.wait_for(socket.receive_json(), PATIENCE)
        led = Led(socket.path_params["code"], str(message["token"]))
    except (TimeoutError, WebSocketDisconnect, ValueError, KeyError, TypeError):
        await _close(socket, "denied")
        return
    room = ROOMS.attend(led, wake)
    if room is None:
        await _close(socket, "denied")
        return
    told = None

    async def send() -> None:
        nonlocal told
        counts = room.counts()
        if counts != told:
            told = counts
            await socket.send_json({"following": counts.following, "done": counts.done})
            await asyncio.sleep(PAUSE)

    try:
        await _stay(socket, event, room, send, lambda message: None)
    finally:
        ROOMS.depart(room, wake)


def routes(base_path: str = "") -> list[WebSocketRoute]:
    """Return the routes of ``st.App``, under the path that the app is served at."""
    path = f"{base_path}/{PREFIX}/{{code:str}}"
    return [WebSocketRoute(path, follow), WebSocketRoute(f"{path}/lead", lead)]
