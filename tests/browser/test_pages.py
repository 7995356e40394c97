"""Every page of the running app in a real browser, by mouse, keyboard and address."""

from __future__ import annotations

import io
import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import find
import numpy as np
import pytest
from PIL import Image

from vae_core.data import load_dataset

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytestmark = pytest.mark.browser

ROOT = Path(__file__).parents[2]
PAGES = ("explore", "manifold", "decode", "reconstruct", "morph", "train")
#: Panels that show a decoded picture as soon as a page is open.
PICTURES = {
    "explore": ".lx-picture canvas",
    "manifold": ".lx-manifold-grid canvas",
    "decode": ".lx-picture canvas",
    "morph": ".lx-morph canvas",
}
ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
DONE = '[data-testid="stApp"][data-test-script-state="notRunning"]'
SPREAD = """
canvas => {
  const copy = document.createElement("canvas");
  [copy.width, copy.height] = [canvas.width, canvas.height];
  const context = copy.getContext("2d", { willReadFrequently: true });
  context.drawImage(canvas, 0, 0);
  const { data } = context.getImageData(0, 0, copy.width, copy.height);
  let [low, high, sum] = [255, 0, 0];
  for (let i = 0; i < data.length; i += 4) {
    low = Math.min(low, data[i]); high = Math.max(high, data[i]); sum = (sum * 31 + data[i]) % 1e9;
  }
  return [high - low, sum];
}
"""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Serve the app on a free port, with no data and no trainings."""
    if find.chromium() is None:
        pytest.skip("no Chromium is installed; set CHROMIUM to its path")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    folder = tmp_path_factory.mktemp("served")
    environment = os.environ | {
        "VAE_DATA_DIR": str(folder / "data"),
        "VAE_RUNS_DIR": str(folder / "runs"),
        "PYTHONPATH": str(ROOT),
    }
    command = [sys.executable, "-m", "streamlit", "run", str(ROOT / "app" / "main.py")]
    flags = ["--server.port", str(port), "--server.headless", "true"]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            [*command, *flags], cwd=folder, env=environment, stdout=log, stderr=log
        )
        try:
            wait_for(f"http://127.0.0.1:{port}/_stcore/health", server)
            yield f"http://127.0.0.1:{port}"
        finally:
            stop(server)


def stop(server: subprocess.Popen[bytes]) -> None:
    """End a server, by force where it does not listen."""
    server.terminate()
    try:
        server.wait(timeout=15)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


def wait_for(address: str, server: subprocess.Popen[bytes], seconds: float = 180) -> None:
    """Wait until a server answers."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and server.poll() is None:
        try:
            with urllib.request.urlopen(address, timeout=2):
                return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"{address} did not answer within {seconds} s")


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """Start a browser."""
    path = find.chromium()
    if path is None:
        pytest.skip("no Chromium is installed; set CHROMIUM to its path")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


class Visitor:
    """A person with a browser window of their own."""

    def __init__(self, browser: Any, address: str, **window: Any) -> None:
        self.address = address
        self.context = browser.new_context(**{"viewport": {"width": 1280, "height": 1000}} | window)
        self.page = self.context.new_page()
        self.page.set_default_timeout(60_000)
        self.problems: list[str] = []
        self.page.on("pageerror", lambda error: self.problems.append(str(error)))
        self.page.on("console", self._note)

    def _note(self, message: Any) -> None:
        # A deep link first looks for Streamlit beside the page and logs two harmless 404s.
        harmless = "404" in message.text and "_stcore" in message.location.get("url", "")
        if message.type == "error" and not harmless:
            self.problems.append(f"{message.text} {message.location.get('url', '')}")

    def open(self, page: str = "explore", query: str = "model=digits-2d") -> Visitor:
        """Go to a page by its own address."""
        path = "" if page == "explore" else page
        self.page.goto(f"{self.address}/{path}?{query}")
        return self.settle(page)

    def settle(self, page: str | None = None) -> Visitor:
        """Wait until the script has run and the panels have drawn."""
        if page in PICTURES:
            self.page.wait_for_selector(PICTURES[page])
        self.page.wait_for_selector(DONE)
        self.page.wait_for_timeout(500)
        return self

    def drawn(self, selector: str) -> tuple[int, int]:
        """Return the range of a canvas's brightness, and a number that changes with it."""
        spread, content = self.page.locator(selector).first.evaluate(SPREAD)
        return int(spread), int(content)

    def eventually(self, true: Callable[[], bool], seconds: float = 20) -> bool:
        """Wait for something to become true."""
        end = time.monotonic() + seconds
        while not true():
            if time.monotonic() > end:
                return False
            self.page.wait_for_timeout(100)
        return True

    def on_map(self, across: float, down: float) -> tuple[float, float]:
        """Return a place of the map, in shares of its sides, as a place of the window."""
        box = self.page.locator(".lx-stage canvas[tabindex]").first.bounding_box()
        return box["x"] + across * box["width"], box["y"] + down * box["height"]

    def lasso(self, corners: list[tuple[float, float]]) -> None:
        """Draw a lasso on the map."""
        self.page.get_by_role("button", name="Lasso").click()
        self.page.mouse.move(*self.on_map(*corners[0]))
        self.page.mouse.down()
        for corner in [*corners[1:], corners[0]]:
            self.page.mouse.move(*self.on_map(*corner), steps=5)
        self.page.mouse.up()

    def says(self, text: str | re.Pattern[str]) -> bool:
        """Whether a text is on the page."""
        return bool(self.page.get_by_text(text).count())

    def fine(self) -> bool:
        """Whether nothing failed: no exception, no failed panel, no console error."""
        failed = self.page.locator('[data-testid="stException"], .lx-failure:visible')
        assert failed.count() == 0, failed.all_inner_texts()
        assert self.problems == []
        return True


@pytest.fixture
def visitor(chromium: Any, address: str) -> Iterator[Callable[..., Visitor]]:
    """Return a function that lets somebody in, in a window of their own."""
    visitors: list[Visitor] = []

    def let_in(**window: Any) -> Visitor:
        visitors.append(Visitor(chromium, address, **window))
        return visitors[-1]

    yield let_in
    for each in visitors:
        each.context.close()


@pytest.mark.parametrize("page", PAGES)
def test_every_page_opens_by_its_address(visitor: Callable[..., Visitor], page: str) -> None:
    """It says its name, shows a picture that is not blank, and nothing fails."""
    somebody = visitor()
    began = time.perf_counter()
    somebody.open(page)
    if page in PICTURES:
        assert somebody.eventually(lambda: somebody.drawn(PICTURES[page])[0] > 60)
    print(f"\n{page}: drawn and settled {time.perf_counter() - began:.2f} s after opening it")
    assert somebody.page.get_by_role("heading", name=page.capitalize()).count() == 1
    assert somebody.fine()


def test_the_first_picture_is_there_soon(visitor: Callable[..., Visitor]) -> None:
    """How long a newcomer waits for it is printed."""
    somebody = visitor()
    began = time.perf_counter()
    somebody.page.goto(somebody.address)
    somebody.page.wait_for_selector(".lx-picture.lx-ready")
    assert somebody.eventually(lambda: somebody.drawn(".lx-picture canvas")[0] > 60)
    print(f"\nfirst picture {time.perf_counter() - began:.2f} s after opening the app")


@pytest.mark.parametrize(("page", "scheme"), list(zip(PAGES, ["light", "dark"] * 3, strict=True)))
def test_a_phone_needs_no_sideways_scrolling(
    visitor: Callable[..., Visitor], page: str, scheme: str
) -> None:
    """At 400 px every page fits, and its title is not hidden under the header."""
    somebody = visitor(viewport={"width": 400, "height": 800}, color_scheme=scheme).open(page)
    width = somebody.page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth")
    assert width <= 400
    header = somebody.page.locator('[data-testid="stHeader"]').bounding_box()
    title = somebody.page.get_by_role("heading", name=page.capitalize()).bounding_box()
    assert title["y"] >= header["y"] + header["height"] - 8
    assert somebody.fine()


@pytest.mark.parametrize("page", ["explore", "decode"])
def test_on_a_phone_the_picture_stays_in_sight(visitor: Callable[..., Visitor], page: str) -> None:
    """Whoever moves a slider or a finger on the map sees what it does."""
    somebody = visitor(viewport={"width": 400, "height": 800}).open(page)
    for scrolled in (0, 300):
        somebody.page.mouse.wheel(0, scrolled)
        somebody.page.wait_for_timeout(300)
        box = somebody.page.locator(".lx-picture canvas").bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 400
        assert box["y"] >= 0
        assert box["y"] + box["height"] <= 800


def test_a_slider_changes_the_picture_while_it_moves(visitor: Callable[..., Visitor]) -> None:
    """The picture follows before anything is let go, and the address after it."""
    somebody = visitor().open("decode")
    slider = somebody.page.locator(".lx-dim input[type=range]").first
    box = slider.bounding_box()
    before, url = somebody.drawn(".lx-picture canvas"), somebody.page.url
    middle = box["y"] + box["height"] / 2
    somebody.page.mouse.move(box["x"] + box["width"] / 2, middle)
    somebody.page.mouse.down()
    somebody.page.mouse.move(box["x"] + 0.8 * box["width"], middle, steps=8)
    assert somebody.eventually(lambda: somebody.drawn(".lx-picture canvas") != before, 5)
    assert somebody.page.url == url
    somebody.page.mouse.up()
    assert somebody.eventually(lambda: "z=" in somebody.page.url)
    assert somebody.fine()


def test_a_slider_moves_by_keys(visitor: Callable[..., Visitor]) -> None:
    """Arrow keys change the picture, and the code goes into the address."""
    somebody = visitor().open("decode")
    before = somebody.drawn(".lx-picture canvas")
    somebody.page.locator(".lx-dim input[type=range]").first.focus()
    for _ in range(8):
        somebody.page.keyboard.press("ArrowRight")
    assert somebody.eventually(lambda: somebody.drawn(".lx-picture canvas") != before, 5)
    assert somebody.eventually(lambda: "z=" in somebody.page.url)


def test_a_lasso_counts_what_lies_inside_and_its_link_restores_it(
    visitor: Callable[..., Visitor],
) -> None:
    """Map and page count alike; the address opens the same selection for somebody else."""
    somebody = visitor().open("explore")
    somebody.lasso([(0.3, 0.3), (0.7, 0.25), (0.75, 0.7), (0.35, 0.75)])
    assert somebody.eventually(lambda: somebody.says(re.compile(r"\d+ of 360 selected")))
    somebody.settle()
    counted = somebody.page.get_by_text(re.compile(r"\d+ of 360 selected")).first.inner_text()
    count = counted.split()[0]
    assert int(count) > 0
    status = somebody.page.locator(".lx-status").inner_text()
    assert status.split()[0] == count
    assert "select=" in somebody.page.url
    other = visitor()
    other.page.goto(somebody.page.url)
    other.settle("explore")
    assert other.eventually(lambda: other.says(counted))
    assert other.page.locator(".lx-status").inner_text().split()[0] == count
    somebody.page.get_by_role("button", name="Clear selection").click()
    assert somebody.eventually(lambda: "select=" not in somebody.page.url)
    assert somebody.fine()
    assert other.fine()


def test_a_click_pins_and_going_back_takes_it_back(visitor: Callable[..., Visitor]) -> None:
    """Pins are in the address; the browser's back button restores what was before."""
    somebody = visitor().open("explore")
    start = somebody.page.url
    somebody.page.mouse.click(*somebody.on_map(0.3, 0.2))
    assert somebody.eventually(lambda: somebody.page.url != start)
    first = somebody.page.url
    somebody.settle()
    pinned = somebody.drawn(".lx-picture canvas")
    somebody.page.mouse.click(*somebody.on_map(0.7, 0.7))
    assert somebody.eventually(lambda: somebody.page.url != first)
    somebody.page.mouse.move(5, 5)
    somebody.settle()
    assert somebody.drawn(".lx-picture canvas") != pinned
    somebody.page.go_back()
    assert somebody.eventually(lambda: somebody.drawn(".lx-picture canvas") == pinned)
    assert somebody.page.url == first
    assert somebody.fine()


def test_a_pin_is_kept_over_a_page_switch_and_a_reload(visitor: Callable[..., Visitor]) -> None:
    """One state, many views: the same picture on another page, and after a reload."""
    somebody = visitor().open("explore")
    somebody.page.mouse.click(*somebody.on_map(0.3, 0.25))
    assert somebody.eventually(lambda: re.search("[?&](z|id)=", somebody.page.url) is not None)
    somebody.page.mouse.move(5, 5)
    somebody.settle()
    pinned, query = somebody.drawn(".lx-picture canvas"), somebody.page.url.split("?")[1]
    somebody.page.get_by_role("link", name="Decode").click()
    assert somebody.eventually(lambda: f"/decode?{query}" in somebody.page.url)
    somebody.settle("decode")
    assert somebody.eventually(lambda: somebody.drawn(".lx-picture canvas") == pinned)
    somebody.page.reload()
    somebody.settle("decode")
    assert somebody.eventually(lambda: somebody.drawn(".lx-picture canvas") == pinned)
    assert query in somebody.page.url
    assert somebody.fine()


def test_two_people_do_not_see_each_others_pins(visitor: Callable[..., Visitor]) -> None:
    """A pin of one session leaves the other one where it was."""
    first, second = visitor().open("explore"), visitor().open("explore")
    before, url = second.drawn(".lx-picture canvas"), second.page.url
    first.page.mouse.click(*first.on_map(0.3, 0.2))
    assert first.eventually(lambda: first.page.url != url)
    second.page.get_by_text("Rate", exact=True).click()
    assert second.eventually(lambda: "colour=rate" in second.page.url)
    assert second.drawn(".lx-picture canvas") == before
    assert "z=" not in second.page.url
    assert "id=" not in second.page.url


def test_the_copied_link_is_the_address(visitor: Callable[..., Visitor]) -> None:
    """It opens the same view elsewhere."""
    somebody = visitor(permissions=["clipboard-read", "clipboard-write"]).open("manifold")
    somebody.page.get_by_role("button", name="Copy link").click()
    assert somebody.eventually(lambda: somebody.says("Copied"))
    copied = somebody.page.evaluate("navigator.clipboard.readText()")
    assert copied == somebody.page.url
    assert "model=digits-2d" in copied


def test_a_bad_address_is_named(visitor: Callable[..., Visitor]) -> None:
    """The page stands, the notice names the value, and dismissing it makes it go."""
    somebody = visitor().open("explore", "model=digits-2d&n=999&z=abc")
    assert somebody.says(re.compile("n = '999'"))
    assert somebody.says(re.compile("z = 'abc'"))
    somebody.page.get_by_role("button", name="Dismiss").click()
    assert somebody.eventually(lambda: not somebody.says(re.compile("was ignored")))
    assert somebody.fine()


def photograph(digit: int) -> tuple[bytes, str]:
    """Return a photo of a digit: dark ink, off centre, on unevenly lit paper."""
    split = load_dataset("digits").test
    row = int((split.labels == digit).nonzero()[3])
    ink = Image.fromarray(split.images[row, 0].numpy()).resize((160, 160), Image.Resampling.BICUBIC)
    paper = np.linspace(170, 235, 400)[None, :] * np.linspace(0.9, 1, 300)[:, None]
    paper[40:200, 180:340] *= 1 - 0.75 * np.asarray(ink) / 255
    noisy = paper + np.random.default_rng(0).normal(0, 3, paper.shape)
    file = io.BytesIO()
    Image.fromarray(noisy.clip(0, 255).astype(np.uint8)).save(file, "JPEG", quality=92)
    return file.getvalue(), str(digit)


def test_a_photographed_digit_is_classified_by_its_neighbours(
    visitor: Callable[..., Visitor],
) -> None:
    """Inverted, cropped and centred as the data were, it lies among its own kind."""
    somebody = visitor().open("reconstruct")
    somebody.page.get_by_text("Files", exact=True).click()
    content, label = photograph(0)
    somebody.page.set_input_files(
        '[data-testid="stMain"] [data-testid="stFileUploaderDropzoneInput"]',
        {"name": "photo.jpg", "mimeType": "image/jpeg", "buffer": content},
    )
    assert somebody.eventually(lambda: somebody.says(re.compile("Its neighbours say")))
    verdict = somebody.page.get_by_text(re.compile("Its neighbours say")).inner_text()
    assert f"say: {label} (" in verdict
    assert somebody.says("Light on dark")
    assert somebody.fine()


def test_a_drawing_is_encoded_and_explained(visitor: Callable[..., Visitor]) -> None:
    """On release the server's parts follow: rate, distortion, neighbours."""
    somebody = visitor().open("reconstruct")
    sheet = somebody.page.locator(".lx-sheet").first
    sheet.wait_for()
    box = sheet.bounding_box()
    somebody.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 0.2 * box["height"])
    somebody.page.mouse.down()
    somebody.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 0.8 * box["height"], steps=12)
    somebody.page.mouse.up()
    assert somebody.eventually(lambda: somebody.says(re.compile("Its neighbours say")))
    labels = somebody.page.locator('[data-testid="stMetricLabel"]')
    assert somebody.eventually(lambda: labels.count() == 3)
    assert labels.all_inner_texts()[1] == "distortion (nats, grey)"
    assert somebody.eventually(lambda: "z=" in somebody.page.url)
    assert somebody.fine()


@pytest.mark.parametrize(
    ("name", "content"),
    [("text.png", b"no picture"), ("empty.png", b""), ("torn.jpg", photograph(1)[0][:800])],
)
def test_a_file_that_is_no_picture_is_a_sentence(
    visitor: Callable[..., Visitor], name: str, content: bytes
) -> None:
    """The session lives: the page goes on with the next file."""
    somebody = visitor().open("reconstruct")
    somebody.page.get_by_text("Files", exact=True).click()
    field = '[data-testid="stMain"] [data-testid="stFileUploaderDropzoneInput"]'
    somebody.page.set_input_files(field, {"name": name, "mimeType": "image/png", "buffer": content})
    assert somebody.eventually(lambda: somebody.says(re.compile(f"^{name}: ")))
    good = {"name": "photo.jpg", "mimeType": "image/jpeg", "buffer": photograph(0)[0]}
    somebody.page.set_input_files(field, good)
    assert somebody.eventually(lambda: somebody.says(re.compile("Its neighbours say")))
    assert somebody.fine()


def test_a_cell_of_the_manifold_pins_its_code(visitor: Callable[..., Visitor]) -> None:
    """The grid is one picture; the cell that is clicked becomes the pinned code."""
    somebody = visitor().open("manifold")
    box = somebody.page.locator(".lx-manifold-grid canvas").first.bounding_box()
    somebody.page.mouse.click(box["x"] + 0.9 * box["width"], box["y"] + 0.1 * box["height"])
    assert somebody.eventually(lambda: "z=" in somebody.page.url)
    code = re.search(r"z=([^&]+)", somebody.page.url)
    assert code is not None
    across, up = (float(value) for value in code[1].replace("%2C", ",").split(","))
    assert across > 0.8
    assert up > 0.8
    assert somebody.fine()


def test_another_model_opens_from_the_picker(visitor: Callable[..., Visitor]) -> None:
    """A zipped folder becomes a model of this session, on the same page."""
    from vae_core import checkpoints

    somebody = visitor().open("explore")
    somebody.page.get_by_role("button", name="Open a model").click()
    packed = checkpoints.zip_folder("digits-2d")
    somebody.page.locator('[data-testid="stFileUploaderDropzoneInput"]').set_input_files(
        {"name": "mine.zip", "mimeType": "application/zip", "buffer": packed}
    )
    assert somebody.eventually(lambda: "model=file-" in somebody.page.url)
    somebody.settle("explore")
    assert somebody.eventually(lambda: somebody.drawn(".lx-picture canvas")[0] > 60)
    assert somebody.fine()
