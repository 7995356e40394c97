"""Websockets of rooms, spoken to as a browser does."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
import uvicorn
from starlette.applications import Starlette
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from app.classroom import guesses, routes
from app.classroom.rooms import Rooms, View

Come = Callable[..., ClientConnection]
PATIENCE = 20.0


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Rooms:
    """Return rooms of the test's own."""
    found = Rooms()
    monkeypatch.setattr(routes, "ROOMS", found)
    return found


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Serve the routes under a path, as behind a proxy."""
    app = Starlette(routes=routes.routes("/tools/vae"))
    server = uvicorn.Server(
        uvicorn.Config(app, port=0, log_level="critical", ws="websockets-sansio")
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"ws://127.0.0.1:{port}/tools/vae/explorer/rooms"
    server.should_exit = True
    thread.join(PATIENCE)


def read(socket: ClientConnection) -> dict[str, object]:
    """Return the next message."""
    message: dict[str, object] = json.loads(socket.recv(timeout=PATIENCE))
    return message


def skip_to_end(socket: ClientConnection) -> None:
    """Read messages until the socket is closed."""
    while True:
        socket.recv(timeout=PATIENCE)


def reason(socket: ClientConnection) -> tuple[int, str]:
    """Return why a socket is closed, after what may come before."""
    with pytest.raises(ConnectionClosed) as closed:
        skip_to_end(socket)
    assert closed.value.rcvd is not None
    return closed.value.rcvd.code, closed.value.rcvd.reason


@pytest.fixture
def come(address: str) -> Iterator[Callable[..., ClientConnection]]:
    """Return a function that connects to a room: to follow, or to lead with a token."""
    with ExitStack() as stack:

        def connected(path: str, token: str | None = None) -> ClientConnection:
            where = f"{address}/{path}" + ("" if token is None else "/lead")
            socket = stack.enter_context(connect(where))
            if token is not None:
                socket.send(json.dumps({"token": token}))
            return socket

        yield connected


def test_a_page_follows_and_the_teacher_is_told(held: Rooms, come: Come) -> None:
    """Views reach the page, tasks the teacher; a page that goes is counted no longer."""
    led = held.open()
    teacher = come(led.code, led.token)
    assert read(teacher) == {"following": 0, "done": 0}
    page = come(led.code)
    assert read(page).keys() == {"ticket"}
    held.show(led, View("explore", {"lesson": "kl", "model": "digits-2d"}))
    assert read(page)["page"] == "explore"
    page.send(json.dumps({"done": "kl/1"}))
    while (told := read(teacher)) != {"following": 1, "done": 1}:
        assert told == {"following": 1, "done": 0}
    page.close()
    assert read(teacher) == {"following": 0, "done": 0}


def test_pages_are_told_why_they_are_not_let_in(held: Rooms, come: Come) -> None:
    """An unknown code, a false token, too many wrong codes, a room that ends."""
    led = held.open()
    assert reason(come("BBBBB")) == (4404, "missing")
    assert reason(come(led.code, "false")) == (4403, "denied")
    page = come(led.code)
    ticket = read(page)["ticket"]
    teacher = come(led.code, led.token)
    assert read(teacher)["following"] == 1
    for _ in range(guesses.PER_CALLER.at_once):
        held._guesses.wrong("127.0.0.1")
    assert reason(come(led.code)) == (4429, "limited")
    assert read(come(f"{led.code}?ticket={ticket}")).keys() == {"ticket"}
    held.close(led)
    assert reason(page) == (4410, "ended")
    assert reason(teacher) == (4410, "ended")


@pytest.mark.parametrize("text", ["{", "[]", '{"done": 3}', '{"else": 1}', '"' + "x" * 2000 + '"'])
def test_what_no_page_sends_harms_nobody(held: Rooms, come: Come, text: str) -> None:
    """A strange message ends its own connection at most; others are served."""
    led = held.open()
    stranger, page = come(led.code), come(led.code)
    stranger.send(text)
    held.show(led, View("explore", {}))
    assert read(page).keys() == {"ticket"}
    assert read(page)["page"] == "explore"
