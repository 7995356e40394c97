"""A class at work: ``make bench-load``, ``python -m benchmarks.load``.

Real websocket sessions speak Streamlit's own messages to a real server, as its frontend does: they
open pages, change widgets, pin codes, draw a lasso, and watch a training with the fragments that
ask for themselves as often as the app has told, while two runs train. Whatever address a session
is given it fetches once, as a browser does. Told are p50, p95 and p99 of each action, from the
message to the end of the script's run, failures, and the server's memory, beside the goals.
Writes ``benchmarks/results/load.json``; ends with status 1 where a goal was missed.

A session computes nothing that a browser would (decoding, drawing).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import random
import re
import statistics
import sys
import tempfile
import time
import urllib.request
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import websockets
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ClientState_pb2 import ClientState, ContextInfo
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState, WidgetStates
from websockets.asyncio.client import ClientConnection, connect

from benchmarks import machine
from tests.browser import serving
from vae_core import model_folder, runs
from vae_core.config import ModelConfig, TrainConfig
from vae_core.jobs import processes

RESULTS = Path(__file__).resolve().parent / "results" / "load.json"
MODEL = "mnist-2d"
PAGES = ("explore", "decode", "manifold", "morph", "reconstruct")
#: Those whose first panel pins a code; the others' first one draws or collects.
PINNING = ("", "decode", "manifold")
#: Seconds between two actions of one person; until an answer counts as a failure.
THINKS, PATIENCE = (1.0, 4.0), 30.0
#: Seconds between two looks at the server's memory, and over which sessions arrive.
LOOKS, ARRIVE = 2.0, 10.0
#: Seconds that a training may take to end, on a busy machine.
ENDING = 120.0
TRAININGS = 2
#: Goals: milliseconds within which 95 of 100 actions are answered, and the server's MB, with so
#: many sessions; growth of its memory, in per cent, from a long time's middle third to its last.
P95, MEGABYTES, SESSIONS = 100.0, 700.0, 30
GROWTH, LONG = 3.0, 600.0
#: A kind of action that was taken less often says little of one in twenty.
OFTEN = 40
#: What an address begins with.
ASSET = re.compile(r'"asset:([^"]+)"')


@dataclass
class Measured:
    """What all sessions found."""

    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    fetched: list[float] = field(default_factory=list)  # seconds
    failures: list[str] = field(default_factory=list)
    bytes_received: int = 0


class Session:
    """One browser tab, as far as the server can tell."""

    def __init__(self, address: str, measured: Measured, draw: random.Random) -> None:
        self.address, self.measured, self.draw = address, measured, draw
        self.query = f"model={MODEL}"
        self.page = ""  # its hash; empty for the one that the address names
        self.page_name = ""
        self.pages: dict[str, str] = {}  # hash by address
        self.widgets: dict[str, WidgetState] = {}
        self.panels: dict[str, str] = {}  # id by the panel's key
        self.choices: dict[str, tuple[str, list[str]]] = {}  # key → id and options
        self.fragments: dict[str, float] = {}  # those that ask for themselves, and how often
        self.fetched: set[str] = set()
        self.fetching: set[asyncio.Task[None]] = set()
        self.fields: dict[str, str] = {}  # id of a button or a number by its key
        self.known: dict[str, ForwardMsg] = {}

    async def open(self) -> ClientConnection:
        """Connect as a page does that was just loaded."""
        return await connect(
            self.address.replace("http", "ws", 1) + "/_stcore/stream",
            subprotocols=[websockets.Subprotocol("streamlit")],
            origin=websockets.Origin(self.address),
            max_size=None,
        )

    async def run(
        self, socket: ClientConnection, action: str, *changed: WidgetState, fragment: str = ""
    ) -> None:
        """Ask for a run with these widgets changed, and wait for its end."""
        began = time.perf_counter()
        for widget in changed:
            self.widgets[widget.id] = widget
        state = ClientState(
            query_string=self.query,
            page_script_hash=self.page,
            page_name=self.page_name,
            widget_states=WidgetStates(widgets=self.widgets.values()),
            fragment_id=fragment,
            is_auto_rerun=bool(fragment),
            cached_message_hashes=list(self.known),
            context_info=ContextInfo(
                url=f"{self.address}/{self.page_name}", timezone="UTC", locale="en"
            ),
        )
        await socket.send(BackMsg(rerun_script=state).SerializeToString())
        for widget in changed:  # triggers are told once
            if widget.WhichOneof("value") in ("trigger_value", "json_trigger_value"):
                del self.widgets[widget.id]
        try:
            await asyncio.wait_for(self._finished(socket, action), PATIENCE)
        except TimeoutError:
            self.measured.failures.append(f"{action}: no answer within {PATIENCE:g} s")
        self.measured.seconds[action].append(time.perf_counter() - began)

    async def _finished(self, socket: ClientConnection, action: str) -> None:
        while True:
            content = await socket.recv()
            assert isinstance(content, bytes)
            self.measured.bytes_received += len(content)
            message = ForwardMsg.FromString(content)
            kind = message.WhichOneof("type")
            if kind == "ref_hash":
                message = self.known[message.ref_hash]
                kind = message.WhichOneof("type")
            elif message.metadata.cacheable and message.hash:
                self.known[message.hash] = message
                while len(self.known) > 60:  # a tab forgets what it has not seen for some runs
                    del self.known[next(iter(self.known))]
            if kind == "delta":
                self._take(message.delta, action)
            elif kind == "navigation":
                self.page = message.navigation.page_script_hash
                self.pages = {
                    page.url_pathname: page.page_script_hash
                    for page in message.navigation.app_pages
                }
            elif kind == "page_info_changed":
                self.query = message.page_info_changed.query_string
            elif kind == "auto_rerun":
                told = message.auto_rerun
                self.fragments[told.fragment_id] = told.interval
            elif kind == "stop_auto_rerun":
                for fragment in message.stop_auto_rerun.fragment_ids:
                    self.fragments.pop(fragment, None)
            elif kind == "new_session" and not message.metadata.run.fragment_ids:
                self.fragments.clear()
            elif kind == "script_finished":
                status = message.script_finished
                if status == ForwardMsg.FINISHED_WITH_COMPILE_ERROR:
                    self.measured.failures.append(f"{action}: the script does not compile")
                if status != ForwardMsg.FINISHED_EARLY_FOR_RERUN:  # st.rerun goes on by itself
                    return

    def _take(self, delta: Any, action: str) -> None:
        if delta.WhichOneof("type") != "new_element":
            return
        element = delta.new_element
        kind = element.WhichOneof("type")
        if kind == "exception":
            self.measured.failures.append(f"{action}: {element.exception.message[:200]}")
        elif kind == "alert" and element.alert.format == element.alert.ERROR:
            self.measured.failures.append(f"{action}: {element.alert.body[:200]}")
        elif kind == "bidi_component":
            panel = element.bidi_component
            self.panels[panel.id.rsplit("-", 1)[-1]] = panel.id
            for address in set(ASSET.findall(panel.json)) - self.fetched:
                self.fetched.add(address)
                task = asyncio.create_task(self._fetch(address))
                self.fetching.add(task)
                task.add_done_callback(self.fetching.discard)
        elif kind in ("button", "number_input"):
            field_id = getattr(element, kind).id  # $$ID-hash-key
            self.fields[field_id.split("-", 2)[-1]] = field_id
        elif kind == "button_group":
            group = element.button_group
            options = [option.content for option in group.options]
            self.choices[group.id.rsplit("-", 1)[-1]] = (group.id, options)

    async def _fetch(self, address: str) -> None:
        request = urllib.request.Request(
            f"{self.address}/{address}", headers={"Accept-Encoding": "gzip"}
        )

        def read() -> tuple[int, float]:
            began = time.perf_counter()
            with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
                return len(answer.read()), time.perf_counter() - began

        try:
            received, taken = await asyncio.to_thread(read)
        except OSError as error:
            self.measured.failures.append(f"fetch: {error!r}")
        else:
            self.measured.bytes_received += received
            self.measured.fetched.append(taken)

    # What people do ---------------------------------------------------------------------------

    async def go(self, socket: ClientConnection, name: str) -> None:
        """Change to another page."""
        self.page = self.pages.get(name, self.pages.get("", ""))
        self.page_name = "" if name == "explore" else name
        self.panels, self.choices, self.widgets, self.fragments = {}, {}, {}, {}
        await self.run(socket, f"page {name}")

    async def pin(self, socket: ClientConnection) -> None:
        """Pin a code on a panel: two numbers, as the pointer leaves them."""
        z = [self.draw.gauss(0, 1) for _ in range(2)]
        await self._send(socket, "pin a code", {"pin": {"z": z, "pinned_id": None}}, "z=")

    async def lasso(self, socket: ClientConnection) -> None:
        """Draw a lasso of 40 corners around a random part of the map."""
        x, y, r = self.draw.gauss(0, 1), self.draw.gauss(0, 1), self.draw.uniform(0.2, 1.5)
        turns = [2 * math.pi * k / 40 for k in range(40)]
        polygon = [[x + r * math.cos(t), y + r * math.sin(t)] for t in turns]
        selection = {"projection": "raw", "dims": [0, 1], "polygon": polygon}
        await self._send(socket, "lasso", {"selection": selection}, "select=")

    async def colour(self, socket: ClientConnection) -> None:
        """Choose another colour of the points."""
        found = self.choices.get("colour")
        if found is None:
            return
        widget, options = found
        chosen = WidgetState(id=widget)
        chosen.string_array_value.data.append(self.draw.choice(options))
        await self.run(socket, "change a widget", chosen)

    async def _send(
        self, socket: ClientConnection, action: str, told: dict[str, Any], taken: str
    ) -> None:
        """Send what a panel sends; the address has to tell that the app took it over."""
        panel = self.panels.get("map") or next(iter(self.panels.values()), None)
        if panel is None:
            self.measured.failures.append(f"{action}: {self.page_name or 'explore'} has no panel")
            return
        await self.run(socket, action, WidgetState(id=panel, json_value=json.dumps(told)))
        if taken not in self.query:
            self.measured.failures.append(f"{action}: it was not taken over")

    async def explore(self, until: float) -> None:
        """Walk through the pages."""
        name = self.draw.choice(PAGES)
        self.page_name = "" if name == "explore" else name
        async with await self.open() as socket:
            await self.run(socket, "open the app")
            while time.monotonic() < until:
                await asyncio.sleep(self.draw.uniform(*THINKS))
                actions: list[Callable[[ClientConnection], Awaitable[None]]] = []
                if self.page_name in PINNING:
                    actions += [self.pin]
                if not self.page_name:
                    actions += [self.lasso, self.lasso, self.colour]
                if not actions or self.draw.random() < 0.25:
                    await self.go(socket, self.draw.choice(PAGES))
                else:
                    await self.draw.choice(actions)(socket)

    async def watch(self, run: str, until: float) -> None:
        """Look at a training; each part of the page asks again as often as it was told to."""
        self.query += f"&run={run}"
        self.page_name = "train"
        due: dict[str, float] = {}
        async with await self.open() as socket:
            await self.run(socket, "open a training")
            while time.monotonic() < until:
                now = time.monotonic()
                due = {one: due.get(one, now + every) for one, every in self.fragments.items()}
                if not due:
                    self.measured.failures.append("watch: nothing on the page asks for itself")
                    return
                fragment = min(due, key=due.__getitem__)
                await asyncio.sleep(max(0.0, due[fragment] - now))
                every = self.fragments[fragment]
                due[fragment] += every
                await self.run(socket, f"look again, every {every:g} s", fragment=fragment)

    async def train(self, run: str, until: float, epochs: int, opened: asyncio.Event) -> None:
        """Press *Train* again and again, once a training's page is open, for so many epochs."""
        self.query += f"&run={run}"
        self.page_name = "train"
        async with await self.open() as socket:
            await self.run(socket, "open a training")
            opened.set()
            while time.monotonic() < until:
                length = WidgetState(id=self.fields["train-epochs-digits"], double_value=epochs)
                press = WidgetState(id=self.fields["train-start"], trigger_value=True)
                await self.run(socket, "train", length, press)


# The server ---------------------------------------------------------------------------------------


async def look(process: int, until: float, found: list[float]) -> None:
    """Note the server's memory again and again."""
    while time.monotonic() < until:
        found.append(machine.memory(process))
        await asyncio.sleep(LOOKS)


def train(root: Path) -> list[Path]:
    """Start trainings that last longer than the measurement, with epochs of about a second."""
    folders = []
    for number in range(TRAININGS):
        config = runs.RunConfig(
            name=f"class {number}",
            model=ModelConfig(image_shape=(1, 8, 8), latent_dim=2, hidden=(512, 512)),
            training=TrainConfig(
                dataset="digits", epochs=100_000, batch_size=5, threads=1, seed=number
            ),
            owner=f"owner {number}",
        )
        folders.append(runs.submit(root, config))
    return folders


async def attend(
    server: serving.Server, sessions: int, seconds: float, folders: list[Path], seed: int
) -> dict[str, Any]:
    """Let so many sessions work for so many seconds."""
    measured = Measured()
    process = machine.find_server(server.address)
    before, worked = machine.memory(process), machine.worked(process)
    until = time.monotonic() + ARRIVE + seconds
    looks: list[float] = []

    async def one(number: int) -> None:
        draw = random.Random(f"{seed} {number}")
        await asyncio.sleep(draw.uniform(0, ARRIVE))
        session = Session(server.address, measured, draw)
        try:
            if number % 3 == 2 and folders:
                await session.watch(folders[number % len(folders)].name, until)
            else:
                await session.explore(until)
        except (OSError, websockets.WebSocketException) as error:
            measured.failures.append(f"connection: {error!r}")

    await asyncio.gather(look(process, until, looks), *(one(n) for n in range(sessions)))
    worked = machine.worked(process) - worked
    await asyncio.sleep(1.0)
    third = max(1, len(looks) // 3)
    early, late = (
        statistics.fmean(looks[third : 2 * third] or looks),
        statistics.fmean(looks[-third:]),
    )
    every = [taken for values in measured.seconds.values() for taken in values]
    found = {
        "sessions": sessions,
        "seconds": seconds,
        "actions": len(every),
        "failures": len(measured.failures),
        "kinds of failures": sorted(set(measured.failures))[:10],
        "milliseconds": {"all": summary(every)}
        | {name: summary(values) for name, values in sorted(measured.seconds.items())},
        "milliseconds of a fetch": summary(measured.fetched),
        # Says the same on a busy machine, where all that is waited for takes longer.
        "server's work, ms an action": round(1000 * worked / max(1, len(every)), 2),
        "server MB": {
            "before": round(before, 1),
            "most": round(max(looks), 1),
            "per session": round((max(looks) - before) / sessions, 2),
            "middle third": round(early, 1),
            "last third": round(late, 1),
        },
        "received MB": round(measured.bytes_received / 2**20, 1),
    }
    return found | {"goals": goals(found)}


def goals(found: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Set what was found beside the goals that a class of its size and length has."""
    held = found["server MB"]
    wanted = [("failures", found["failures"], 0.0)]
    if found["sessions"] <= SESSIONS:
        often = {name: one for name, one in found["milliseconds"].items() if one["n"] >= OFTEN}
        wanted += [(f"p95 of {name}, ms", one["p95"], P95) for name, one in often.items()]
        wanted.append(("server, MB", held["most"], MEGABYTES))
    if found["seconds"] >= LONG:
        grown = 100 * (held["last third"] / held["middle third"] - 1)
        wanted.append(("memory, middle third to last third, %", round(grown, 2), GROWTH))
    return [
        {"goal": name, "found": value, "at most": most, "met": value <= most}
        for name, value, most in wanted
    ]


def summary(seconds: list[float]) -> dict[str, float]:
    """Return percentiles in milliseconds."""
    ordered = sorted(seconds)

    def percentile(share: float) -> float:
        return round(1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))], 1)

    return {"n": len(ordered)} | {
        f"p{round(100 * share)}": percentile(share) for share in (0.5, 0.95, 0.99) if ordered
    }


def measure(sessions: int, seconds: float, seed: int) -> dict[str, Any]:
    """Serve, train, and let a class in."""
    with tempfile.TemporaryDirectory() as folder:
        script = serving.ROOT / "app" / "main.py"
        with serving.served(script, Path(folder)) as server:
            folders = train(server.runs)
            try:
                asyncio.run(attend(server, 1, 5.0, folders, seed))  # what is loaded once
                found = asyncio.run(attend(server, sessions, seconds, folders, seed))
                found["trainings"] = [runs.status(one).state for one in folders]
                return found
            finally:
                for one in folders:
                    end(one)


def end(folder: Path) -> None:
    """End a training and wait until its process has left."""
    deadline = time.monotonic() + ENDING
    while processes.has_worker(folder):
        processes.request(folder, "leave", worker=())
        if time.monotonic() > deadline:
            raise TimeoutError(f"{folder.name} does not end")
        time.sleep(0.5)


def main() -> None:
    """Measure, print and record."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.load")
    parser.add_argument("--classes", nargs="+", default=["30x120", "100x120", "30x600"])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=RESULTS)
    given = parser.parse_args()
    assert MODEL in model_folder.list_models()
    described = machine.describe()
    found = []
    for wanted in given.classes:
        sessions, seconds = wanted.split("x")
        found.append(measure(int(sessions), float(seconds), given.seed))
        result = {"machine": described, "seed": given.seed, "classes": found}
        given.out.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(found, indent=1))
    missed = 0
    for one in found:
        for goal in one["goals"]:
            missed += not goal["met"]
            said = "met" if goal["met"] else "MISSED"
            told = f"{goal['goal']}: {goal['found']:g}, at most {goal['at most']:g}: {said}"
            print(f"{one['sessions']} sessions, {one['seconds']:g} s: {told}")
    sys.exit(missed > 0)


if __name__ == "__main__":
    main()
