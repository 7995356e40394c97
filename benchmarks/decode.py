"""Decoding in the browser, held against onnxruntime-web and TensorFlow.js, one thread each.

``python -m benchmarks.decode`` decodes one code and 400 codes with the pretrained models, and with
a convolutional decoder of 64 × 64 colour images, in Node and in Chromium. The contestants take
turns in each round; a ratio is taken round by round. It prints tables and writes
``benchmarks/results/decode.json``; ``--render`` writes the tables of ``benchmarks/README.md`` from
it. ``package.json`` names the peers.
"""

from __future__ import annotations

import argparse
import functools
import http.server
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from benchmarks import machine
from benchmarks.timing import Spread, ratios
from tests.browser import serving
from vae_core import model_folder, models
from vae_core.config import ModelConfig
from vae_core.formats import bundles, onnx
from vae_core.models import VAE

HERE = Path(__file__).parent
ROOT = HERE.parent
#: Where the page finds the models.
SERVED = "build"
LARGE = "conv 64 × 64 × 3"
#: Marks around the tables of README.md.
BEGIN, END = "<!-- decode: begin -->", "<!-- decode: end -->"
OURS = "ours"
JAVASCRIPT = "our JavaScript"
PEERS = ("onnxruntime-web", "TensorFlow.js")
COUNTS = ("1", "400")
#: Goals: a picture of ``LARGE`` in milliseconds, and how many times as fast as the JavaScript.
PICTURE, FASTER = 16.0, 5.0
#: The most by which a pixel's mean may differ: bundles have half precision, ONNX files have not.
TOLERANCE = 3e-3


def large_decoder() -> VAE:
    """Make a decoder of 64 × 64 colour images with 32 to 256 channels and random weights."""
    torch.manual_seed(0)
    config = ModelConfig.of(
        image_shape=(3, 64, 64),
        latent_dim=128,
        network="conv",
        hidden=(32, 64, 128, 256),
        activation="silu",
        likelihood="discretised-logistic",
    )
    return models.build(config).eval()


def write_models(folder: Path, names: list[str]) -> dict[str, str]:
    """Write each model's decoder for ours and for the peers; return file names by model."""
    files = {}
    for number, name in enumerate(names):
        model = large_decoder() if name == LARGE else model_folder.load_model(name)
        files[name] = f"model-{number}"
        path = folder / files[name]
        path.with_suffix(".bin").write_bytes(bundles.network_bundle(model, parts=("decoder",)))
        path.with_suffix(".onnx").write_bytes(onnx.decoder(model))
    return files


def in_node(folder: Path, files: list[str]) -> dict[str, Any]:
    """Measure in Node, in time of the processor; each model in a process of its own."""
    node = shutil.which("node")
    if node is None:
        sys.exit("node was not found; install it to measure.")
    figures = {}
    for file in files:
        command = [node, str(HERE / "decode.mjs"), str(folder / file)]
        told = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
        figures[file] = json.loads(told)
        print(f"node, {file}", file=sys.stderr, flush=True)
    version = subprocess.run([node, "--version"], check=True, capture_output=True, text=True)
    return {"figures": figures, "engine": f"Node {version.stdout.strip()}"}


def in_chromium(folder: Path, files: list[str]) -> dict[str, Any]:
    """Measure in Chromium, in time of the processor where Linux tells it, else of the clock.

    Each model has a browser of its own, as a page has that opens one model.
    """
    # Processes of this browser have it in their command lines, and no other Chromium has.
    mark = f"--js-flags=--random-seed={os.getpid()}"
    figures = {}
    version = ""
    for file in files:
        with file_server(ROOT) as address, serving.launched(mark) as browser:
            page = browser.new_page()
            page.goto(f"{address}/benchmarks/decoding/page.html")
            page.wait_for_function("() => 'measured' in window")
            if before := renderers(mark):
                page.evaluate("busy(500)")
                # The one that has just worked is this page's.
                after = {process: milliseconds(process) for process in before}
                process = max(after, key=lambda one: after[one] - before[one])
                page.expose_function("processorTime", functools.partial(milliseconds, process))
            place = f"/{(folder / file).relative_to(ROOT).as_posix()}"
            figures[file] = page.evaluate("(path) => measured(path)", place)
            version = browser.version
        print(f"chromium, {file}", file=sys.stderr, flush=True)
    return {"figures": figures, "engine": f"Chromium {version}"}


def renderers(mark: str) -> dict[Path, float]:
    """Return the processes of a Chromium's pages, with the milliseconds that each has had."""
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_text()
            if "--type=renderer" in command and mark in command:
                found[process] = milliseconds(process)
        except OSError:  # it has ended meanwhile
            continue
    return found


def milliseconds(process: Path) -> float:
    """Return what the main thread of a process has had of the processor so far."""
    return int((process / "schedstat").read_text().split()[0]) / 1e6


class _Quiet(http.server.SimpleHTTPRequestHandler):
    """Files, as modules where they are modules, for a page that may read a fine clock."""

    extensions_map = {  # noqa: RUF012
        **http.server.SimpleHTTPRequestHandler.extensions_map,
        ".mjs": "text/javascript",
        ".wasm": "application/wasm",
    }

    def end_headers(self) -> None:
        # A page that is isolated may read a clock of 5 µs.
        self.send_header("Cross-Origin-Opener-Policy", "same-origin")
        self.send_header("Cross-Origin-Embedder-Policy", "require-corp")
        super().end_headers()

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def file_server(root: Path) -> Iterator[str]:
    """Serve a folder for as long as the block runs."""
    handler = functools.partial(_Quiet, directory=str(root))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def summarise(found: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """Turn the rounds of each contestant into medians, ratios to ours, and shares of the peak."""
    # The host is quicker at some times than at others: the best of all counts.
    peaks = {
        name: max(one["peaks"][name] for one in found["figures"].values())
        for name in ("simd", "relaxed")
    }
    peak = peaks["relaxed"] or peaks["simd"]
    summary: dict[str, Any] = {
        "engine": found["engine"],
        "peak of one thread (GFLOP/s)": peaks,
        "models": {},
    }
    for name, file in names.items():
        figures = found["figures"][file]
        told: dict[str, Any] = {"largest difference": figures["difference"]}
        told["multiplications (millions)"] = round(figures["work"] / 1e6, 2)
        for count in (one for one in COUNTS if one in figures):
            rounds = {who: Spread(tuple(values)) for who, values in figures[count].items()}
            least = rounds[OURS].low
            share = 2 * figures["work"] * int(count) / (least * 1e6) / peak
            told[f"codes: {count}"] = {
                "milliseconds": {who: _told(spread) for who, spread in rounds.items()},
                "times as fast as": {
                    who: _told(ratios(spread, rounds[OURS]))
                    for who, spread in rounds.items()
                    if who != OURS
                },
                "share of the peak": round(share, 3),
            }
        summary["models"][name] = told
    summary["goals"] = _goals(summary["models"])
    return summary


def _told(spread: Spread) -> dict[str, float]:
    return {
        "median": float(f"{spread.median:.4g}"),
        "low": float(f"{spread.low:.4g}"),
        "high": float(f"{spread.high:.4g}"),
    }


def _goals(told: Mapping[str, Any]) -> dict[str, Any]:
    """Compare medians with the goals; those that were missed are named."""
    ratio = {
        (name, count, who): one[f"codes: {count}"]["times as fast as"][who]["median"]
        for name, one in told.items()
        for count in COUNTS
        if f"codes: {count}" in one
        for who in (*PEERS, JAVASCRIPT)
    }
    goals: dict[str, Any] = {
        f"ahead of {who}": [
            f"{n}, {c}: {r}" for (n, c, w), r in ratio.items() if w == who and r < 1
        ]
        for who in PEERS
    }
    goals[f"at least {FASTER:g} times as fast as the JavaScript"] = [
        f"{n}, {c}: {r}" for (n, c, w), r in ratio.items() if w == JAVASCRIPT and r < FASTER
    ]
    goals["the same images from all"] = [
        f"{name}, {who}: {difference}"
        for name, one in told.items()
        for who, difference in one["largest difference"].items()
        if not difference < TOLERANCE
    ]
    if LARGE in told:
        picture = told[LARGE]["codes: 1"]["milliseconds"][OURS]["median"]
        missed = [] if picture < PICTURE else [f"{picture} ms"]
        goals[f"a picture of {LARGE} in less than {PICTURE:g} ms"] = missed
    return goals


def table(summary: Mapping[str, Any]) -> str:
    """Return a table in Markdown: milliseconds of ours, and how many times as long others take."""
    peaks = summary["peak of one thread (GFLOP/s)"]
    peak = ", ".join(f"{rate:.0f} GFLOP/s {name}" for name, rate in peaks.items() if rate)
    others = (*PEERS, JAVASCRIPT)
    lines = [
        f"{summary['engine']}, one thread; its peak: {peak}",
        "",
        f"| model | codes | ours (ms) | share of the peak | {' | '.join(others)} |",
        f"|---|--:|--:|--:|{'--:|' * len(others)}",
    ]
    for name, told in summary["models"].items():
        for count in (one for one in COUNTS if f"codes: {one}" in told):
            one = told[f"codes: {count}"]
            ours = one["milliseconds"][OURS]["median"]
            times = " | ".join(f"{one['times as fast as'][who]['median']:.2f}×" for who in others)
            share = f"{one['share of the peak']:.0%}"
            lines.append(f"| {name} | {count} | {ours:.4g} | {share} | {times} |")
    lines.append("")
    for goal, missed in summary["goals"].items():
        lines.append(f"- {goal}: {'missed: ' + '; '.join(missed) if missed else 'reached'}")
    return "\n".join(lines)


def render(recorded: Mapping[str, Any]) -> None:
    """Write the tables between the marks of README.md."""
    readme = HERE / "README.md"
    before, rest = readme.read_text().split(BEGIN)
    _, after = rest.split(END)
    tables = "\n\n".join(table(recorded[way]) for way in WAYS if way in recorded)
    host = recorded["machine"]
    told = f"{host['processor']}, load before {host['load before']}. Medians; ratios of each round."
    readme.write_text(f"{before}{BEGIN}\n{told}\n\n{tables}\n{END}{after}")


def main() -> None:
    """Measure, print, record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=HERE / "results" / "decode.json")
    parser.add_argument("--models", nargs="*", default=[*model_folder.list_models(), LARGE])
    parser.add_argument("--only", choices=WAYS)
    parser.add_argument("--render", action="store_true", help="write the tables of README.md")
    options = parser.parse_args()
    if options.render:
        render(json.loads(options.out.read_text()))
        return
    if not (HERE / "node_modules").exists():
        sys.exit("The peers are missing: run npm ci in benchmarks/.")
    described = machine.describe()
    options.out.parent.mkdir(parents=True, exist_ok=True)
    (ROOT / SERVED).mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=ROOT / SERVED) as folder:
        files = write_models(Path(folder), options.models)
        recorded: dict[str, Any] = {"machine": described | {"peers": _peers()}}
        for way in WAYS if options.only is None else (options.only,):
            found = WAYS[way](Path(folder), list(files.values()))
            recorded[way] = summarise(found, files)
            print(table(recorded[way]), flush=True)
            options.out.write_text(json.dumps(recorded, indent=2, ensure_ascii=False) + "\n")


#: Where it is measured.
WAYS = {"node": in_node, "chromium": in_chromium}


def _peers() -> dict[str, str]:
    packages: dict[str, str] = json.loads((HERE / "package.json").read_text())["dependencies"]
    return packages


if __name__ == "__main__":
    main()
