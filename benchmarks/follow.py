"""A class that follows: ``make bench-follow``, ``python -m benchmarks.follow``.

A teacher's session opens a room on a real server and acts: pins, draws a lasso, colours, opens
pages and a model, steps a lesson. Sixty followers hold the websockets that a browser holds, one of
the room and one of Streamlit, and do what ``browser/panels/follow.js`` does with each view. Told
are, from the teacher's message on, when a follower's browser has the view (a pin, a selection and a
colour are then shown) and when its script has run with it (which everything else waits for).
Sessions that do not follow must receive nothing. At last codes are guessed as fast as the server
answers. Writes ``benchmarks/results/follow.json``; ends with status 1 where a goal was missed.

A session computes nothing that a browser would (decoding, drawing).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import re
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from streamlit.components.v2.bidi_component.main import _make_trigger_id
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from app.classroom import guesses, rooms
from benchmarks import machine
from benchmarks.load import PATIENCE, Measured, Session, summary
from tests.browser import serving

RESULTS = Path(__file__).resolve().parent / "results" / "follow.json"
#: Milliseconds after a pin until the script runs, as in the browser.
SOON, SPREAD = (
    int(re.findall(rf"const {name} = (\d+);", text)[0])
    for text in [(serving.ROOT / "browser/panels/follow.js").read_text(encoding="utf-8")]
    for name in ("SOON", "SPREAD")
)
#: Parameters of the pinned code, as in browser/classroom/views.js.
PINNED = {"z", "id", "y"}
#: Milliseconds within which 95 of 100 followers are with the teacher; the number of those.
P95, FOLLOWERS = 1000.0, 60
BYSTANDERS = 5
#: Seconds between two actions; that codes are guessed.
THINKS, GUESSING = 1.5, 20.0
#: Pins of a teacher in a hurry, and seconds between them.
HASTE, HURRY = 10, 0.15
LESSON = "latent-space"
#: What panels show without the server; texts beside them follow with the script.
AT_ONCE = ("pin", "select", "colour")


class Page(Session):
    """A session that also knows what its panels were given."""

    def __init__(self, address: str, measured: Measured, draw: random.Random, query: str) -> None:
        super().__init__(address, measured, draw)
        self.query = query
        self.given: dict[str, Any] = {}  # a panel's data by its key
        self.received = 0
        self.elements: dict[str, Any] = {}

    def _take(self, delta: Any, action: str) -> None:
        super()._take(delta, action)
        element = delta.new_element
        kind = element.WhichOneof("type")
        if kind == "bidi_component":
            panel = element.bidi_component
            self.given[panel.id.rsplit("-", 1)[-1]] = json.loads(panel.json)[0]
            self.panels[json.loads(panel.json)[0]["kind"]] = panel.id
        elif kind == "selectbox":
            self.elements[element.selectbox.id.split("-", 2)[-1]] = element.selectbox

    async def _fetch(self, address: str) -> None:
        if "/rooms/" not in address:  # a websocket, which `Follower` opens
            await super()._fetch(address)

    async def trigger(self, socket: ClientConnection, panel: str, event: str, value: Any) -> None:
        """Send what a panel sends once."""
        message = WidgetState(
            id=_make_trigger_id(self.panels[panel], "events"),
            json_trigger_value=json.dumps([{"event": event, "value": value}]),
        )
        await self.run(socket, event, message)

    def shown(self) -> tuple[str, dict[str, str]]:
        """Return the page's hash and the parameters of the address, without the room."""
        parameters = dict(parse_qsl(self.query))
        parameters.pop("follow", None)
        return self.page, parameters


class Follower:
    """One that follows, in a browser's place."""

    def __init__(self, page: Page, socket: ClientConnection, room: ClientConnection) -> None:
        self.page, self.socket, self.room = page, socket, room
        self.views: list[dict[str, Any]] = []
        self.has: list[float] = []  # when each view came
        self.ran: dict[int, float] = {}  # when the script had run with it
        self.news = asyncio.Event()

    async def listen(self) -> None:
        """Take views as they come."""
        async for text in self.room:
            message = json.loads(text)
            if "ticket" not in message:
                self.views.append(message)
                self.has.append(time.perf_counter())
                self.news.set()

    async def catch_up(self) -> None:
        """Have the script run with the latest view."""
        adopted = 0
        while True:
            await self.news.wait()
            self.news.clear()
            while adopted < len(self.views):
                pinned = adopted > 0 and moves_pin_only(self.views[adopted - 1], self.views[-1])
                if pinned:
                    await asyncio.sleep((SOON + SPREAD * self.page.draw.random()) / 1000)
                now = len(self.views)
                view = {name: self.views[now - 1][name] for name in ("page", "parameters")}
                await self.page.trigger(
                    self.socket, "follow", "view", view | {"count": now, "pinned": pinned}
                )
                ran = time.perf_counter()
                for index in range(adopted, now):
                    self.ran[index] = ran
                adopted = now


def moves_pin_only(before: dict[str, Any], view: dict[str, Any]) -> bool:
    """Whether two views differ in the pinned code alone."""
    old, new = before["parameters"], view["parameters"]
    names = {*old, *new} - PINNED
    return before["page"] == view["page"] and all(old.get(n) == new.get(n) for n in names)


class Class:
    """A teacher, followers, and sessions that do not follow."""

    def __init__(self, server: serving.Server, count: int, seed: int) -> None:
        self.server, self.count, self.seed = server, count, seed
        self.measured = Measured()
        self.followers: list[Follower] = []
        self.seen = 0  # messages to those who do not follow
        #: Milliseconds by action: to the view, to the script's end.
        self.view: dict[str, list[float]] = defaultdict(list)
        self.script: dict[str, list[float]] = defaultdict(list)
        self.stack = AsyncExitStack()
        self.tasks: list[asyncio.Task[None]] = []

    def page(self, name: str, query: str) -> Page:
        """Return a session that opens an address."""
        draw = random.Random(f"{self.seed} {name}")
        return Page(self.server.address, self.measured, draw, query)

    async def enter(self, name: str, query: str) -> tuple[Page, ClientConnection]:
        """Open a page."""
        page = self.page(name, query)
        socket = await self.stack.enter_async_context(await page.open())
        await page.run(socket, "open the app")
        return page, socket

    def room_address(self, code: str) -> str:
        """Return a room's websocket."""
        return f"{self.server.address.replace('http', 'ws', 1)}/explorer/rooms/{code}"

    async def join(self, number: int, code: str) -> None:
        """Let one follow."""
        page, socket = await self.enter(f"follower {number}", f"follow={code}")
        room = await self.stack.enter_async_context(connect(self.room_address(code)))
        follower = Follower(page, socket, room)
        self.followers.append(follower)
        self.tasks += [asyncio.create_task(part()) for part in (follower.listen, follower.catch_up)]

    async def stand_by(self, number: int) -> None:
        """Let one in who does not follow, and count what comes after the page is open."""
        _, socket = await self.enter(f"bystander {number}", "model=mnist-2d")

        async def count() -> None:
            async for _ in socket:
                self.seen += 1

        self.tasks.append(asyncio.create_task(count()))

    async def act(
        self, name: str, action: Callable[[], Awaitable[None]], *, views: int = 1
    ) -> None:
        """Act, and measure until all are with the teacher."""
        before = [len(one.views) for one in self.followers]
        began = time.perf_counter()
        await action()
        wanted = [number + views - 1 for number in before]
        deadline = time.perf_counter() + PATIENCE
        for follower, index in zip(self.followers, wanted, strict=True):
            while index not in follower.ran and time.perf_counter() < deadline:
                await asyncio.sleep(0.02)
            if index not in follower.ran:
                self.measured.failures.append(f"{name}: not followed within {PATIENCE:g} s")
                continue
            self.view[name].append(follower.has[index] - began)
            self.script[name].append(follower.ran[index] - began)
        await asyncio.sleep(THINKS)

    def check(self, name: str, teacher: Page) -> None:
        """Note followers that do not show what the teacher shows."""
        wrong = sum(one.page.shown() != teacher.shown() for one in self.followers)
        if wrong:
            self.measured.failures.append(f"{name}: {wrong} followers show something else")


async def teach(lesson: Class, rounds: int) -> dict[str, Any]:
    """Let a teacher act before a class, and return what was measured."""
    teacher, socket = await lesson.enter("teacher", "model=mnist-2d")
    process = machine.find_server(lesson.server.address)
    await teacher.trigger(socket, "classroom", "open", True)
    room = teacher.given["classroom"]["room"]
    for number in range(BYSTANDERS):
        await lesson.stand_by(number)
    memory = machine.memory(process)
    for start in range(0, lesson.count, 10):
        here = range(start, min(start + 10, lesson.count))
        await asyncio.gather(*(lesson.join(number, room["code"]) for number in here))
    while any(0 not in one.ran for one in lesson.followers):
        await asyncio.sleep(0.05)
    own = await lesson.stack.enter_async_context(
        connect(f"{lesson.room_address(room['code'])}/lead")
    )
    await own.send(json.dumps({"token": room["token"]}))
    counted = json.loads(await own.recv())["following"]
    worked, lesson.seen = machine.worked(process), 0

    async def open_model() -> None:
        box = teacher.elements["w-model"]
        other = next(one for one in box.options if one.startswith("digits-2d"))
        await teacher.run(socket, "open a model", WidgetState(id=box.id, string_value=other))

    for _ in range(rounds):
        await lesson.act("pin", lambda: teacher.pin(socket))
        await lesson.act("select", lambda: teacher.lasso(socket))
        await lesson.act("colour", lambda: colour(teacher, socket))
        for name in ("decode", "manifold", "explore"):
            await lesson.act("open a page", lambda name=name: teacher.go(socket, name))  # type: ignore[misc]
            lesson.check(name, teacher)
    await lesson.act("open a model", open_model)
    lesson.check("open a model", teacher)

    async def hurry() -> None:
        for _ in range(HASTE):
            await teacher.pin(socket)
            await asyncio.sleep(HURRY)

    began = time.perf_counter()
    sizes = [len(one.views) for one in lesson.followers]
    await hurry()
    ended = time.perf_counter()
    while any(len(one.views) - 1 not in one.ran for one in lesson.followers):
        await asyncio.sleep(0.02)
    in_haste = {
        "pins": HASTE,
        "seconds": round(ended - began, 2),
        "views a follower received": summary_of(
            [len(one.views) - size for one, size in zip(lesson.followers, sizes, strict=True)]
        ),
        "milliseconds until the last is shown": summary(
            [max(0.0, one.has[-1] - ended) for one in lesson.followers]
        ),
        "milliseconds until the script has run": summary(
            [one.ran[len(one.views) - 1] - ended for one in lesson.followers]
        ),
    }
    lesson.check("in haste", teacher)

    # A reload of the teacher's page leads on, here with a lesson.
    again, second = await lesson.enter("teacher again", f"lesson={LESSON}")
    await lesson.act(
        "resume", lambda: again.trigger(second, "classroom", "resume", {**room}), views=1
    )
    for step in (2, 1, 2):
        await lesson.act("step", lambda step=step: again.trigger(second, "lesson", "step", step))  # type: ignore[misc]
        lesson.check("step", again)
    worked = machine.worked(process) - worked
    grown = machine.memory(process) - memory
    for task in lesson.tasks:
        task.cancel()
    await asyncio.gather(*lesson.tasks, return_exceptions=True)
    found = {
        "followers": lesson.count,
        "counted by the teacher's page": counted,
        "milliseconds to a follower's browser": table(lesson.view),
        "milliseconds to the end of its script's run": table(lesson.script),
        "in haste": in_haste,
        "messages to those who do not follow": lesson.seen,
        "server's work, s": round(worked, 2),
        "server's memory, MB a follower": round(grown / lesson.count, 2),
        "failures": len(lesson.measured.failures),
        "kinds of failures": sorted(set(lesson.measured.failures))[:10],
    }
    found["guessing"] = await guess(lesson, room["code"])
    await lesson.stack.aclose()
    return found


async def colour(teacher: Page, socket: ClientConnection) -> None:
    """Choose another colour than the present one."""
    widget, options = teacher.choices["colour"]
    now = dict(parse_qsl(teacher.query)).get("colour", "label")
    other = next(option for option in options if option.lower() != now)
    chosen = WidgetState(id=widget)
    chosen.string_array_value.data.append(other)
    await teacher.run(socket, "colour", chosen)


async def guess(lesson: Class, code: str) -> dict[str, Any]:
    """Guess codes for a while, and try the right one at the end."""
    draw = random.Random(lesson.seed)
    reasons: dict[int, int] = defaultdict(int)
    until = time.monotonic() + GUESSING

    async def one(code: str) -> None:
        async with connect(lesson.room_address(code)) as socket:
            try:
                await socket.recv()
                reasons[0] += 1
            except ConnectionClosed as closed:
                reasons[closed.rcvd.code if closed.rcvd is not None else 1006] += 1

    while time.monotonic() < until:
        codes = ("".join(draw.choices(rooms.LETTERS, k=rooms.LENGTH)) for _ in range(10))
        await asyncio.gather(*(one(code) for code in codes))
    tried = dict(reasons)
    await one(code)
    an_hour = guesses.PER_CALLER.at_once + 3600 / guesses.PER_CALLER.seconds
    return {
        "seconds": GUESSING,
        "tries": sum(tried.values()),
        "answered that there is no such room": tried.get(4404, 0),
        "refused": tried.get(4429, 0),
        "found": tried.get(0, 0),
        "the right code, thereafter": "refused" if reasons[4429] > tried.get(4429, 0) else "let in",
        "codes": len(rooms.LETTERS) ** rooms.LENGTH,
        "chance an hour, one address and one room": an_hour / len(rooms.LETTERS) ** rooms.LENGTH,
    }


def table(seconds: dict[str, list[float]]) -> dict[str, dict[str, float]]:
    """Return percentiles of each action, and of all."""
    every = [value for values in seconds.values() for value in values]
    return {"all": summary(every)} | {name: summary(v) for name, v in seconds.items()}


def summary_of(counts: list[int]) -> dict[str, int]:
    """Return the least and the greatest of some counts."""
    return {"least": min(counts), "most": max(counts)}


def goals(found: dict[str, Any]) -> list[dict[str, Any]]:
    """Set what was found beside its goals."""
    scripts = found["milliseconds to the end of its script's run"]
    views = found["milliseconds to a follower's browser"]
    at_once = [(name, views[name]["p95"]) for name in AT_ONCE]
    wanted = [(f"p95 of “{name}”, to the browser, ms", found, P95) for name, found in at_once]
    wanted += [
        (f"p95 of “{name}”, to the end of the script's run, ms", one["p95"], P95)
        for name, one in scripts.items()
        if name not in ("all", "resume", *AT_ONCE)
    ]
    wanted += [
        ("messages to those who do not follow", found["messages to those who do not follow"], 0),
        ("failures", found["failures"], 0),
        ("rooms found by guessing", found["guessing"]["found"], 0),
    ]
    return [
        {"goal": name, "found": value, "at most": most, "met": value <= most}
        for name, value, most in wanted
    ]


def main() -> None:
    """Measure, print and record."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.follow")
    parser.add_argument("--followers", type=int, default=FOLLOWERS)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=RESULTS)
    given = parser.parse_args()
    described = machine.describe()
    with tempfile.TemporaryDirectory() as folder:
        script = serving.ROOT / "app" / "main.py"
        with serving.served(script, Path(folder)) as server:
            found = asyncio.run(teach(Class(server, given.followers, given.seed), given.rounds))
    result = {"machine": described, "seed": given.seed, **found, "goals": goals(found)}
    given.out.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result, indent=1))
    sys.exit(not all(goal["met"] for goal in result["goals"]))


if __name__ == "__main__":
    main()
