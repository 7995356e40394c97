"""How the browser side feels, in figures: ``make bench-ui``, ``python -m benchmarks.ui``.

Serves ``ui_app.py`` on a free port, drives it with a real pointer in a headless browser, prints a
table and writes it to ``benchmarks/results/ui.json``. Rendering is in software (no GPU).
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page

from benchmarks import machine
from tests.browser import serving

HERE = Path(__file__).resolve().parent
MOVES = 600

#: Notes when a canvas was last drawn, and how often; runs before the page's own scripts.
PROBE = """
window.probe = { moves: [], latencies: [], handled: [], late: 0, frame: 0, draws: {}, frames: [] };
const kind = (canvas) =>
  canvas.closest(".lx-picture") ? "picture"
  : canvas.closest(".lx-stage") ? "map"
  : "other";
for (const name of ["putImageData", "drawImage"]) {
  const original = CanvasRenderingContext2D.prototype[name];
  CanvasRenderingContext2D.prototype[name] = function (...args) {
    const result = original.apply(this, args);
    const which = kind(this.canvas);
    const now = performance.now();
    (probe.draws[which] ??= []).push(now);
    if (which === "picture") {
      probe.firstPicture ??= now;
      if (probe.moves.length) {
        const [move] = probe.moves;
        probe.latencies.push(now - move.made);
        probe.handled.push(now - move.delivered);
        if (probe.frame > move.frame + 1) probe.late += 1;
      }
      probe.moves = [];
    }
    return result;
  };
}
// A move is made at any time, delivered at the start of the next frame, and drawn in that frame.
const noted = (event) =>
  probe.moves.push({
    made: event.timeStamp,
    delivered: performance.now(),
    frame: probe.frame,
  });
addEventListener("pointermove", noted, true);
const frame = (now) => {
  probe.frame += 1;
  probe.frames.push(now);
  requestAnimationFrame(frame);
};
requestAnimationFrame(frame);
"""


def open_page(browser: Browser, address: str) -> Page:
    """Open a page in a fresh profile and wait until its picture is drawn."""
    page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
    page.add_init_script(PROBE)
    page.goto(address)
    page.wait_for_function("window.probe?.firstPicture", timeout=60_000)
    page.wait_for_timeout(1500)
    return page


def percentile(values: list[float], share: float) -> float:
    """Return the value below which ``share`` of the values lie."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def canvas_box(page: Page) -> dict[str, float]:
    """Return where the map's drawing lies."""
    box = page.locator(".lx-stage canvas[tabindex]").bounding_box()
    assert box is not None
    return dict(box)


def pointer_to_picture(page: Page) -> dict[str, float]:
    """Move the pointer ``MOVES`` times, a frame apart, and time each picture."""
    box = canvas_box(page)
    page.evaluate("Object.assign(probe, { latencies: [], handled: [], moves: [], late: 0 })")
    waits = random.Random(0)  # so that moves fall anywhere in a frame
    for move in range(MOVES):
        across, down = 0.2 + 0.6 * ((move * 7) % MOVES) / MOVES, 0.2 + 0.6 * move / MOVES
        page.mouse.move(box["x"] + across * box["width"], box["y"] + down * box["height"])
        page.wait_for_timeout(waits.uniform(10, 30))
    latencies, handled, late = page.evaluate("[probe.latencies, probe.handled, probe.late]")
    return {
        "pointer to picture, waiting for the frame, p50 (ms)": statistics.median(latencies),
        "pointer to picture, waiting for the frame, p95 (ms)": percentile(latencies, 0.95),
        "pointer to picture within the frame, p50 (ms)": statistics.median(handled),
        "pointer to picture within the frame, p95 (ms)": percentile(handled, 0.95),
        "pictures later than their move's frame": late,
        "pictures for 600 moves": len(latencies),
    }


def drag(page: Page, seconds: float, *, pressed: bool) -> dict[str, float]:
    """Move steadily over the map and count what was drawn."""
    box = canvas_box(page)
    middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.move(*middle)
    if pressed:
        page.mouse.down()
    page.evaluate("probe.draws = {}; probe.frames = []")
    started = time.monotonic()
    step = 0
    while time.monotonic() - started < seconds:
        step += 1
        page.mouse.move(middle[0] + 120 * ((step % 90) / 90 - 0.5), middle[1] + (step % 60) - 30)
    elapsed = time.monotonic() - started
    draws, frames = page.evaluate("[probe.draws, probe.frames]")
    if pressed:
        page.mouse.up()
        page.wait_for_timeout(600)
    gaps = [later - sooner for sooner, later in pairwise(frames)]
    which = "map" if pressed else "picture"
    return {"drawn": len(set(draws.get(which, []))) / elapsed, "worst": percentile(gaps, 0.95)}


def socket_frames(page: Page) -> int:
    """Count what the page sends during three seconds of moving."""
    sent: list[Any] = []
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    for direction in ("Sent", "Received"):
        session.on(f"Network.webSocketFrame{direction}", lambda frame: sent.append(frame))
    drag(page, 3.0, pressed=False)
    session.detach()
    return len(sent)


def release_to_server(page: Page) -> float:
    """Median time from a click to the server's answer on the page, in milliseconds."""
    box = canvas_box(page)
    times = []
    for click in range(9):
        page.evaluate(
            """() => {
              const code = document.querySelector('[data-testid="stCode"]');
              const before = code.textContent;
              window.answered = null;
              addEventListener("pointerup", () => { window.released = performance.now(); },
                { once: true, capture: true });
              const look = () => {
                const now = document.querySelector('[data-testid="stCode"]')?.textContent;
                if (now && now !== before) window.answered = performance.now() - window.released;
                else requestAnimationFrame(look);
              };
              look();
            }"""
        )
        page.mouse.click(box["x"] + 150 + 31 * click, box["y"] + 140 + 17 * click)
        page.wait_for_function("window.answered !== null")
        times.append(page.evaluate("window.answered"))
        page.wait_for_timeout(700)
    return statistics.median(times)


#: Grids by what they show: the app's address.
GRIDS = {
    "20 × 20": "side=20",
    "30 × 30": "side=30",
    "20 × 20 of cifar-conv": "side=20&d=128&model=cifar-conv",
}


#: Changes a grid's side by one; returns the milliseconds until its last picture is drawn.
REDRAWN = """async (side) => {
  const draws = probe.draws.other;
  draws.length = 0;
  const began = performance.now();
  side.value = Number(side.value) + (side.value % 2 ? 1 : -1);
  side.dispatchEvent(new Event("input", { bubbles: true }));
  await new Promise((resolve) => setTimeout(resolve, 1000));
  return draws.at(-1) - began;
}"""


def grid_times(browser: Browser, address: str) -> dict[str, float]:
    """Milliseconds from the first to the last drawing of a grid, and of its longest frame.

    Of an open page's grid, also from a change of its side to the last drawing: the median of nine.
    """
    page = open_page(browser, address)
    page.wait_for_selector(".lx-manifold[aria-busy=false]", timeout=60_000)
    page.wait_for_timeout(1500)
    draws, frames = page.evaluate("[[...probe.draws.other], probe.frames]")
    slider = page.locator(".lx-manifold input[type=range]").first
    redrawn = statistics.median(slider.evaluate(REDRAWN) for _ in range(9))
    page.context.close()
    during = [at for at in frames if draws[0] - 20 <= at <= draws[-1] + 40]
    longest = max(later - sooner for sooner, later in pairwise(during))
    return {"ms": draws[-1] - draws[0], "longest": longest, "redrawn": redrawn}


def first_picture(browser: Browser, address: str) -> dict[str, float]:
    """Measure what a first visit costs on a running server."""
    page = open_page(browser, f"{address}/?n=10000")
    sizes = page.evaluate(
        """() => {
          const all = performance.getEntriesByType("resource");
          const early = all.filter((entry) => entry.responseEnd <= probe.firstPicture);
          const sum = (list) => list.reduce((total, entry) => total + entry.transferSize, 0);
          const ours = (entry) => /explorer\\/|bidi-components/.test(entry.name);
          return [sum(early.filter(ours)), sum(early), probe.firstPicture];
        }"""
    )
    page.context.close()
    return {
        "bytes to first picture, ours (kB)": sizes[0] / 1000,
        "bytes to first picture, Streamlit's too (kB)": sizes[1] / 1000,
        "opening a page to first picture (ms)": sizes[2],
    }


def measure(browser: Browser, address: str) -> dict[str, float]:
    """Run everything, one after another."""
    figures = first_picture(browser, address)
    page = open_page(browser, f"{address}/?n=10000")
    figures |= pointer_to_picture(page)
    figures["socket frames in 3 s of moving"] = socket_frames(page)
    figures["release to the server's answer, p50 (ms)"] = release_to_server(page)
    page.context.close()
    for n in (10_000, 70_000):
        page = open_page(browser, f"{address}/?n={n}")
        for what, pressed in (("panning", True), ("moving z", False)):
            result = drag(page, 3.0, pressed=pressed)
            figures[f"{n:,} points, {what} (frames/s)"] = result["drawn"]
            figures[f"{n:,} points, {what}, frame p95 (ms)"] = result["worst"]
        page.context.close()
    for grid, query in GRIDS.items():
        times = grid_times(browser, f"{address}/?{query}")
        figures[f"grid of {grid}, page opened (ms)"] = times["ms"]
        figures[f"grid of {grid}, side changed (ms)"] = times["redrawn"]
        figures[f"grid of {grid}, longest frame (ms)"] = times["longest"]
    return figures


def main() -> None:
    """Measure, print, record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=HERE / "results" / "ui.json")
    out = parser.parse_args().out
    described = machine.describe()
    if serving.find_chromium() is None:
        sys.exit("No Chromium was found; install one or set CHROMIUM to its path.")
    with (
        tempfile.TemporaryDirectory() as folder,
        serving.served(HERE / "ui_app.py", Path(folder)) as server,
        serving.launched() as browser,
    ):
        figures = measure(browser, server.address)
        version = browser.version
    for name, value in figures.items():
        print(f"{name:50} {value:10.1f}")
    out.parent.mkdir(parents=True, exist_ok=True)
    rounded = {name: round(value, 2) for name, value in figures.items()}
    out.write_text(
        json.dumps({"machine": described | {"chromium": version}, "figures": rounded}, indent=2)
        + "\n"
    )


if __name__ == "__main__":
    main()
