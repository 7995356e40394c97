"""Import the foreign models and compare them with their libraries: ``make bench-foreign``.

Each model in build/foreign is imported from Python and on the command line, told only what cannot
be found. Its bound is compared with that of the independent evaluator (``bound.py``, with networks
and tensors of the library itself) on the same pictures, the error of its reconstructions and its
decoded codes with the library's; its exported page decodes in Chromium. Writes
``benchmarks/results/foreign.json``.
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

import vae_core
from benchmarks import machine
from tests.browser import serving
from vae_core import model_folder
from vae_core.formats import html

MODELS = Path("build/foreign")
RESULTS = Path(__file__).resolve().parents[1] / "results" / "foreign.json"
#: Standard errors by which two estimates of the same bound may differ.
ERRORS = 3.0
#: Errors of pixels and of the mean squared error that count as equal.
PIXEL, MSE = 1e-4, 1e-5


def told(about: dict[str, Any]) -> dict[str, str]:
    """Return what the import is told: what neither names, shapes nor values can tell."""
    stated = {}
    if about["likelihood"] not in (None, "bernoulli"):
        stated["likelihood"] = about["likelihood"]
    if about["output"] == "logits" or about["library"].startswith("diffusers"):
        stated["output"] = about["output"]
    if about["library"].startswith("keras"):  # its outputs are named '247' and '241'
        stated["posterior"] = about["posterior"]
    if about["classes"]:
        stated["classes"] = str(about["classes"])
    return stated


def pictures(folder: Path, about: dict[str, Any], work: Path) -> Path:
    """Write the pictures whose bound is known, with their labels."""
    kept = np.load(folder / "pictures.npz")
    count = about.get("bound", {}).get("pictures", 200)
    path = work / "pictures.npz"
    np.savez(path, images=kept["images"][:count], labels=kept["labels"][:count])
    return path


def from_python(
    files: dict[str, Path], data: Path | None, out: Path, stated: dict[str, str]
) -> None:
    """Import as a script or notebook does."""
    settings: dict[str, Any] = dict(stated)
    if "classes" in settings:
        settings["classes"] = int(settings["classes"])
    vae_core.import_model(
        **{name: str(path) for name, path in files.items()},
        data=None if data is None else str(data),
        out=str(out),
        tsne=False,
        say=lambda text: None,
        **settings,
    )


def from_shell(
    files: dict[str, Path], data: Path | None, out: Path, stated: dict[str, str]
) -> None:
    """Import on the command line."""
    options = {**files, "out": out, **({} if data is None else {"dataset": data}), **stated}
    command = [sys.executable, "-m", "vae_core", "import", "--no-tsne"]
    for name, value in options.items():
        command += [f"--{name.replace('_', '-')}", str(value)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stderr.strip().splitlines()[-1])


#: Decodes in an exported page, ten at a time; the median of a picture's milliseconds.
TIMED = """async () => {
  const { store } = await import("latent-explorer/state/store.js");
  const { decode } = await import("latent-explorer/model/network.js");
  const { network } = store.get();
  const times = [];
  for (let round = 0; round < 40; round++) {
    const z = Float32Array.from({ length: network.latentDim }, (_, i) => Math.sin(i + round));
    const began = performance.now();
    for (let i = 0; i < 10; i++) decode(network, z, network.classes > 0 ? 0 : null);
    times.push((performance.now() - began) / 10);
  }
  return times.slice(10).sort((a, b) => a - b)[15];
}"""


def picture_milliseconds(folder: Path) -> float | None:
    """Return the time in which an exported page, opened from disk in Chromium, decodes a picture.

    None for a model without such a page.
    """
    saved = model_folder.open_folder(folder)
    if saved.card.model.latent_dim < 2:
        return None
    page = folder / "page.html"
    page.write_bytes(html.page(saved))
    with serving.launched() as browser:
        tab = browser.new_page()
        tab.goto(page.resolve().as_uri())
        tab.wait_for_selector("#picture canvas")
        tab.wait_for_function(
            'import("latent-explorer/state/store.js").then(({ store }) => store.get().network)'
        )
        return round(float(tab.evaluate(TIMED)), 3)


WAYS = {"python": from_python, "command line": from_shell}


def compare(folder: Path, about: dict[str, Any], out: Path, data: Path | None) -> dict[str, Any]:
    """Compare an imported model with its library."""
    model, card = vae_core.load_model(out), vae_core.load_card(out)
    reference = np.load(folder / "reference.npz")
    decoded = decoded_by(model, reference)
    expected = pixels_of(reference["decoded"], about)
    found: dict[str, Any] = {"pixels, largest difference": float(np.abs(decoded - expected).max())}
    found["is equal"] = found["pixels, largest difference"] < PIXEL
    if "mse" in about and data is not None:
        found["mse"] = reconstruction_error(model, data, about["classes"] > 0)
        found["mse by the library"] = about["mse"]
        found["is equal"] &= abs(found["mse"] - about["mse"]) < MSE
    if "bound" in about:
        metric, independent = card.metrics["elbo"], about["bound"]
        # Ours has one code a picture; the pictures are the same, so only codes make a difference.
        error = math.hypot(independent["error_of_one"], independent["error"])
        found |= {
            "bound": metric.value,
            "bound by the independent evaluator": independent["elbo"],
            "standard error of the difference": error,
            "is within its error": abs(metric.value - independent["elbo"]) < ERRORS * error,
            "pictures": metric.n,
        }
    return found


@torch.inference_mode()
def decoded_by(model: Any, reference: Any) -> NDArray[Any]:
    """Return means of pixels (n, c, h, w) of the reference's codes."""
    z = torch.from_numpy(reference["z"]).flatten(1)
    y = torch.from_numpy(reference["y"]).argmax(1) if "y" in reference else None
    return np.asarray(model.decode(z, y).mean)


@torch.inference_mode()
def reconstruction_error(model: Any, data: Path, conditional: bool) -> float:
    """Return the mean squared error of reconstructions from means."""
    kept = np.load(data)
    x = torch.from_numpy(kept["images"]).float() / 255
    y = torch.from_numpy(kept["labels"]) if conditional else None
    return float((model.reconstruct(x, y) - x).square().mean())


def pixels_of(output: NDArray[Any], about: dict[str, Any]) -> NDArray[Any]:
    """Return a decoder's output as means (n, c, h, w) in [0, 1]."""
    c, h, w = about["image_shape"]
    channels_last = output.shape[1:] == (h, w, c) and c != h
    y = output.transpose(0, 3, 1, 2) if channels_last else output.reshape(-1, c, h, w)
    if about["output"] == "logits":
        return np.asarray(1 / (1 + np.exp(-y)))
    return np.clip((y + 1) / 2, 0, 1) if about["output"] == "[-1,1]" else y


def measure(folder: Path, exporter: str, way: str) -> dict[str, Any]:
    """Import a model in one way, and compare it."""
    about = json.loads((folder / "about.json").read_text())
    paths = {name: folder / exporter / f"{name}.onnx" for name in ("encoder", "decoder")}
    files = {name: path for name, path in paths.items() if path.exists()}
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as work:
        data = pictures(folder, about, Path(work)) if "encoder" in files else None
        stated = told(about)
        try:
            WAYS[way](files, data, Path(work) / "model", stated)
        except Exception as error:  # what fails is a result
            return {"fault": f"{type(error).__name__}: {error}"[:500]}
        seconds = time.monotonic() - began
        found = compare(folder, about, Path(work) / "model", data)
        found["milliseconds of a picture"] = picture_milliseconds(Path(work) / "model")
    return {"told": stated, "seconds": round(seconds, 1), **found}


def main() -> None:
    """Import, compare, print and record."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.foreign.run")
    parser.add_argument("--models", type=Path, default=MODELS, help="made by make foreign-models")
    parser.add_argument("--out", type=Path, default=RESULTS)
    given = parser.parse_args()
    results: dict[str, Any] = {}
    for folder in sorted(path.parent for path in given.models.glob("*/about.json")):
        about = json.loads((folder / "about.json").read_text())
        results[folder.name] = {"library": about["library"]}
        for way, exporter in zip(WAYS, (about["exporters"] * 2)[: len(WAYS)], strict=True):
            found = measure(folder, exporter, way)
            results[folder.name][f"{way}, {exporter}"] = found
            print(folder.name, way, exporter, json.dumps(found), flush=True)
    record = {"machine": machine.describe(), "models": results}
    given.out.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n")
    ways = [
        found for model in results.values() for found in model.values() if found != model["library"]
    ]
    is_well = all(
        found.get("is equal") and found.get("is within its error", True) for found in ways
    )
    sys.exit(not (results and is_well))


if __name__ == "__main__":
    main()
