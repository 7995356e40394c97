"""What one waits for: imports, the server, the first picture; and what the idle server holds."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks import machine, table, timing
from benchmarks.scale import Scale
from benchmarks.sections import Found
from benchmarks.table import Row
from benchmarks.timing import Say
from benchmarks.worker import ROOT
from tests.browser import serving

TITLE = "Start-up"
#: What must not be loaded until it is needed.
LATE = ("streamlit", "plotly", "sklearn", "scipy")
IMPORT = """
import time; began = time.perf_counter()
import {module}
seconds = time.perf_counter() - began
import json, sys
print(json.dumps([seconds, sorted({{name.partition(".")[0] for name in sys.modules}})]))
"""
#: What is imported, and what each row calls it.
MODULES = {
    "vae_core": "import vae_core",
    "vae_core.learning, vae_core.data": "import of what a training needs, torch included",
    "app.main": "import of the app, torch and Streamlit included",
}
MAIN = ROOT / "app" / "main.py"
PICTURE = "?model=digits-2d"
#: Runs before the page's own scripts: notes when the decoded picture is first drawn.
FIRST_PICTURE = """
for (const name of ["putImageData", "drawImage"]) {
  const original = CanvasRenderingContext2D.prototype[name];
  CanvasRenderingContext2D.prototype[name] = function (...args) {
    const result = original.apply(this, args);
    if (this.canvas.closest(".lx-picture")) window.firstPicture ??= performance.now();
    return result;
  };
}
"""


def measure(scale: Scale, threads: int, say: Say) -> Found:
    """Import in fresh interpreters, start fresh servers, open the page in fresh profiles."""
    loaded: dict[str, list[str]] = {}

    def imported(module: str) -> float:
        seconds, names = _import(module)
        loaded[module] = names
        return seconds

    found = timing.interleave(
        {module: lambda module=module: imported(module) for module in MODULES},  # type: ignore[misc]
        scale.rounds,
        say,
    )
    early = [name for name in LATE if name in loaded["vae_core"]]
    rows = [
        table.row("`import vae_core`", found["vae_core"], "s", table.below(1.5)),
        Row(
            "of streamlit, plotly, sklearn and scipy, loaded by `import vae_core`",
            len(early),
            "",
            goal=table.at_most(0),
            note=", ".join(early),
        ),
    ]
    rows += [table.row(MODULES[name], found[name], "s") for name in list(MODULES)[1:]]
    served = _served(scale, say)
    found |= {name: spread for name, (spread, _) in served.items()}
    rows += [table.row(name, spread, unit) for name, (spread, unit) in served.items()]
    if not any("picture" in name for name in served):
        rows.append(Row("first picture", None, note="no Chromium here"))
    return Found(rows, found)


def _import(module: str) -> tuple[float, list[str]]:
    done = subprocess.run(
        [sys.executable, "-c", IMPORT.format(module=module)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    seconds, names = json.loads(done.stdout.splitlines()[-1])
    return seconds, names


def _served(scale: Scale, say: Say) -> dict[str, tuple[timing.Spread, str]]:
    """Serve the app again and again; a browser opens it each time if there is one."""
    ready = "server ready to answer"
    idle, picture = "memory of the idle server", "first picture, from opening the page"
    units = {ready: "s", idle: "MB", picture: "s"}
    found: dict[str, list[float]] = {}
    for turn in range(scale.rounds):
        with tempfile.TemporaryDirectory() as folder:
            began = time.perf_counter()
            with serving.served(MAIN, Path(folder)) as server:
                found.setdefault(ready, []).append(time.perf_counter() - began)
                time.sleep(2)
                held = machine.memory(machine.find_server(server.address))
                found.setdefault(idle, []).append(held)
                if serving.find_chromium() is not None:
                    with serving.launched() as browser:
                        seconds = _first_picture(browser, server.address)
                    found.setdefault(picture, []).append(seconds)
        said = ", ".join(f"{name} {values[-1]:.3g}" for name, values in found.items())
        say(f"server {turn + 1} of {scale.rounds}: {said}")
    return {name: (timing.Spread(tuple(values)), units[name]) for name, values in found.items()}


def _first_picture(browser: Any, address: str) -> float:
    page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
    page.add_init_script(FIRST_PICTURE)
    page.goto(f"{address}/{PICTURE}")
    page.wait_for_function("window.firstPicture", timeout=1000 * serving.STARTING)
    return float(page.evaluate("window.firstPicture")) / 1000
