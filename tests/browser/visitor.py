"""A person with a page in a browser, and what they see and do there."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any

Place = tuple[float, float]

#: Seconds that anything may take; on a busy machine.
PATIENCE = 90.0
#: Milliseconds after which whatever a page puts off has happened.
QUIET = 450
DONE = '[data-testid="stApp"][data-test-script-state="notRunning"]'
FAILED = '[data-testid="stException"], .lx-failure:visible'
PICTURE = ".lx-picture canvas"
MAP = ".lx-stage canvas[tabindex]"
#: The layer of the map that holds the points alone.
POINTS = ".lx-stage canvas:nth-child(3)"
#: A map whose points have not come, or travel.
BUSY = ".lx-stage[aria-busy=true]"
GRID = ".lx-manifold-grid canvas"
#: What a model draws as soon as a page is open.
FIRST = {
    "explore": PICTURE,
    "manifold": GRID,
    "decode": PICTURE,
    "reconstruct": POINTS,
    "morph": ".lx-morph canvas",
    "train": f"{GRID}, .lx-replay-map canvas",
}
#: Pages whose path is not their name.
PATHS = {"explore": ""}
#: The range of a canvas's brightness, a number that changes with what it shows, and the time.
LOOK = """canvas => {
  const copy = document.createElement("canvas");
  [copy.width, copy.height] = [canvas.width, canvas.height];
  const context = copy.getContext("2d", { willReadFrequently: true });
  if (copy.width * copy.height > 0) context.drawImage(canvas, 0, 0);
  const { data } = context.getImageData(0, 0, Math.max(copy.width, 1), Math.max(copy.height, 1));
  let [low, high, sum] = [255, 0, 7];
  for (let i = 0; i < data.length; i++) {
    sum = (sum * 31 + data[i] * (i % 7)) % 1000003;
    if (i % 4 === 0) [low, high] = [Math.min(low, data[i]), Math.max(high, data[i])];
  }
  return [high - low, sum, performance.now()];
}"""


class Visitor:
    """A person with a page of their own."""

    def __init__(self, page: Any, address: str = "") -> None:
        self.page = page
        self.address = address
        self.problems: list[str] = []
        self.sent = 0  # messages from the page to its server
        page.set_default_timeout(1000 * PATIENCE)
        page.on("pageerror", lambda error: self.problems.append(str(error)))
        page.on("console", self._note)
        page.on("websocket", lambda socket: socket.on("framesent", self._count))

    def _note(self, message: Any) -> None:
        # A deep link first looks for Streamlit beside the page and logs two harmless 404s.
        harmless = "404" in message.text and "_stcore" in message.location.get("url", "")
        if message.type == "error" and not harmless:
            self.problems.append(f"{message.text} {message.location.get('url', '')}")

    def _count(self, frame: Any) -> None:
        self.sent += 1

    def go(self, path: str, *drawn: str) -> Visitor:
        """Go to an address of the server; wait until all of `drawn` is there and nothing runs."""
        self.page.goto(f"{self.address}/{path}")
        for selector in drawn:
            self.page.wait_for_selector(selector)
        return self.settle()

    def open(self, page: str, query: str = "model=digits-2d") -> Visitor:
        """Go to a page of the app by its own address."""
        return self.go(f"{PATHS.get(page, page)}?{query}", FIRST[page])

    def follow(self, page: str) -> Visitor:
        """Go to another page of the app by its link."""
        self.page.get_by_role("link", name=page.capitalize()).click()
        self.page.get_by_role("heading", name=page.capitalize(), exact=True).wait_for()
        self.page.wait_for_selector(FIRST[page])
        return self.settle()

    def settle(self) -> Visitor:
        """Wait until the script has run, the maps can be clicked and the panels have drawn."""
        self.page.wait_for_selector(DONE)
        self.page.locator(BUSY).first.wait_for(state="detached")
        self.frames()
        return self

    def frames(self, n: int = 4) -> None:
        """Let frames pass: what follows the pointer has been drawn then."""
        wait = "async n => { while (n-- > 0) await new Promise(requestAnimationFrame); }"
        self.page.evaluate(wait, n)

    def quiet(self) -> None:
        """Let pass what the page puts off, to see that there is nothing."""
        self.page.wait_for_timeout(QUIET)

    def eventually(self, true: Callable[[], bool], seconds: float = PATIENCE) -> bool:
        """Wait for something to become true."""
        end = time.monotonic() + seconds
        while not true():
            if time.monotonic() > end:
                return False
            self.page.wait_for_timeout(50)
        return True

    def find(self, selector: str, index: int = 0) -> Any:
        """Return an element."""
        return self.page.locator(selector).nth(index)

    def button(self, name: str) -> Any:
        """Return a button by its words."""
        return self.page.get_by_role("button", name=name, exact=True)

    def look(self, selector: str = PICTURE) -> tuple[int, int, float]:
        """Return a canvas's range of brightness, its content as a number, and the page's age."""
        contrast, content, age = self.find(selector).evaluate(LOOK)
        return int(contrast), int(content), age / 1000

    def drawn_after(self, selector: str, contrast: int) -> float:
        """Wait until a canvas is not blank; return after how many seconds of the page it was."""
        seen = (0, 0, 0.0)

        def is_drawn() -> bool:
            nonlocal seen
            seen = self.look(selector)
            return seen[0] > contrast

        assert self.eventually(is_drawn), f"{selector} is blank"
        return seen[2]

    def picture(self, selector: str = PICTURE) -> int:
        """Return a number that changes with what a canvas shows."""
        return self.look(selector)[1]

    def caption(self) -> str:
        """Return what is written below the decoded picture."""
        return str(self.find(".lx-picture figcaption").inner_text())

    def at(self, selector: str, across: float, down: float, index: int = 0) -> Place:
        """Return a place of an element, in shares of its sides, as a place of the window."""
        box = self.find(selector, index).bounding_box()
        return box["x"] + across * box["width"], box["y"] + down * box["height"]

    def on_map(self, across: float, down: float) -> Place:
        """Return a place of the map as a place of the window."""
        return self.at(MAP, across, down)

    def move(self, across: float, down: float) -> None:
        """Move the mouse to a place of the map."""
        self.page.mouse.move(*self.on_map(across, down), steps=3)

    def drag(self, selector: str, *places: Place) -> None:
        """Press at the first place of an element, go through the others, release at the last."""
        self.page.mouse.move(*self.at(selector, *places[0]))
        self.page.mouse.down()
        for place in places[1:]:
            self.page.mouse.move(*self.at(selector, *place), steps=5)
        self.page.mouse.up()

    def leave(self) -> None:
        """Take the mouse away from everything."""
        self.page.mouse.move(2, 2)
        self.frames()

    def touch(self, selector: str, kind: str, *places: Place) -> None:
        """Send what a touch screen sends."""
        points = [dict(zip("xy", self.at(selector, *at), strict=True)) for at in places]
        self._fingers.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    @cached_property
    def _fingers(self) -> Any:
        return self.page.context.new_cdp_session(self.page)

    def key(self, name: str) -> None:
        """Press a key."""
        self.page.keyboard.press(name)

    def says(self, text: str | re.Pattern[str]) -> bool:
        """Whether a text is on the page."""
        return bool(self.page.get_by_text(text).count())

    def heard(self, check: Callable[[dict[str, Any]], bool] = lambda told: True) -> dict[str, Any]:
        """Wait until the server of a panel's page knows something, and return all it knows."""
        told: dict[str, Any] = {}

        def knows() -> bool:
            told.update(json.loads(self.find('[data-testid="stCode"]').inner_text()))
            return check(told)

        assert self.eventually(knows), f"the server knows only {told}"
        return told

    def run_again(self) -> None:
        """Have the script of a panel's page run again; the mouse stays where it is."""
        runs = self.heard()["runs"]
        self.button("Run again").evaluate("button => button.click()")
        self.heard(lambda told: told["runs"] > runs)
        self.settle()

    def download(self, button: str) -> bytes:
        """Press a button and return the file that it makes."""
        with self.page.expect_download() as waiting:
            self.button(button).click()
        return Path(waiting.value.path()).read_bytes()

    def check(self) -> None:
        """Check that nothing failed: no exception, no failed panel, no console error."""
        failed = self.page.locator(FAILED)
        assert failed.count() == 0, failed.all_inner_texts()
        assert self.problems == []
