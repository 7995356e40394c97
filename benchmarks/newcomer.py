"""A newcomer's minute: ``make bench-newcomer``, ``python -m benchmarks.newcomer``.

A zip of 3,000 coloured shapes is dropped into the app in Chromium and Train is pressed; the time
until the first manifold is seen is measured. Then the settings that the app suggested are held
against the defaults of ``vae_core train``, by −ELBO and by the accuracy of k-NN on the codes, with
as many latent dimensions and the same likelihood. Writes ``benchmarks/results/newcomer.json``.
"""

from __future__ import annotations

import argparse
import io
import json
import re
import sys
import tempfile
import time
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from benchmarks import machine
from vae_core import model_folder, publishing, runs
from vae_core.config import TrainConfig
from vae_core.data import load_dataset
from vae_core.learning import Trainer, describe_model

ROOT = Path(__file__).resolve().parents[1]
RESULTS = Path(__file__).resolve().parent / "results" / "newcomer.json"
SHAPES, SIDE, COUNT = ("disc", "square", "triangle"), 64, 3_000
#: Seconds for the whole of it, and pictures a side that are drawn before they are made smaller.
WAIT, DRAWN = 600.0, 4


def shape(draw: np.random.Generator, name: str) -> Image.Image:
    """Draw a shape of any colour, of several sizes, places and tilts, on paper, with grain."""
    ground, ink = draw.integers(225, 256, 3), draw.integers(0, 226, 3)
    while np.abs(ground - ink).sum() < 150:
        ink = draw.integers(0, 226, 3)
    image = Image.new("RGB", (SIDE * DRAWN, SIDE * DRAWN), tuple(map(int, ground)))
    radius = DRAWN * draw.uniform(12, 20)
    middle = DRAWN * (SIDE / 2 + draw.uniform(-6, 6, 2))
    pencil, fill = ImageDraw.Draw(image), tuple(map(int, ink))
    if name == "disc":
        pencil.ellipse([*(middle - radius), *(middle + radius)], fill=fill)
    else:
        corners = {"square": 4, "triangle": 3}[name]
        upright = np.pi / 4 if corners == 4 else -np.pi / 2
        tilt = draw.normal(0, np.radians(10))
        angles = upright + tilt + 2 * np.pi * np.arange(corners) / corners
        around = middle + 1.2 * radius * np.stack([np.cos(angles), np.sin(angles)], 1)
        pencil.polygon([tuple(map(float, one)) for one in around], fill=fill)
    small = np.asarray(image.resize((SIDE, SIDE), Image.Resampling.LANCZOS), dtype=np.float64)
    light = 1 + draw.uniform(-0.2, 0.2) * np.linspace(-1, 1, SIDE)[:, None, None]
    grain = draw.normal(0, draw.uniform(2, 8), small.shape)
    return Image.fromarray((small * light + grain).clip(0, 255).astype(np.uint8))


def zipped(seed: int, count: int = COUNT) -> bytes:
    """Return a zip with a folder for each shape; half of the files are JPEG, half PNG."""
    draw = np.random.default_rng(seed)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for row in range(count):
            name, content = SHAPES[row % 3], io.BytesIO()
            form = "JPEG" if row % 2 else "PNG"
            shape(draw, name).save(content, form, quality=90)
            ending = {"JPEG": "jpg", "PNG": "png"}[form]
            archive.writestr(f"shapes/{name}/{row:04}.{ending}", content.getvalue())
    return packed.getvalue()


def minute(content: bytes, work: Path) -> tuple[dict[str, float], runs.RunConfig, Path]:
    """Drop a zip, press Train, wait for the first manifold and the end; return the times."""
    sys.path.insert(0, str(ROOT / "tests" / "browser"))
    from serving import launched, served  # type: ignore[import-not-found]
    from visitor import GRID, Visitor  # type: ignore[import-not-found]

    path = work / "shapes.zip"
    path.write_bytes(content)
    with served(ROOT / "app" / "main.py", work) as server, launched() as browser:
        page = browser.new_page(viewport={"width": 1280, "height": 1000})
        page.set_default_timeout(1000 * WAIT)
        somebody = Visitor(page, server.address)
        somebody.open("train")
        began = time.monotonic()
        bring(somebody)
        page.locator('[data-testid="stFileUploaderDropzoneInput"]').last.set_input_files(str(path))
        page.get_by_text("3 classes").first.wait_for()
        times = {"what was found is shown": time.monotonic() - began}
        somebody.settle()
        somebody.button("Train").click()
        times["Train is pressed"] = time.monotonic() - began
        # Before, the page shows the manifold of a bundled model.
        page.get_by_text(re.compile(r"Epoch \d+ of")).first.wait_for()
        page.locator(GRID).first.wait_for()
        times["the first manifold is seen"] = time.monotonic() - began
        (run,) = runs.list_runs(server.runs)
        while runs.status(run).state not in ("finished", "failed"):
            time.sleep(0.2)
        times["the training has ended"] = time.monotonic() - began
        return times, runs.read_config(run), run


def bring(somebody: Any) -> None:
    """Choose "Your own data…" among the datasets."""
    page = somebody.page
    page.get_by_role("combobox", name="Dataset").first.click()
    page.get_by_role("option", name="Your own data…").click()
    somebody.settle()


def measured(path: Path, model: dict[str, Any], training: TrainConfig) -> dict[str, float]:
    """Train and measure: −ELBO in nats, the accuracy of k-NN, seconds."""
    dataset = load_dataset(path)
    config = describe_model(dataset, **model)
    trainer = Trainer(config, training, dataset)
    began = time.monotonic()
    for _ in trainer:
        pass
    seconds = time.monotonic() - began
    metrics = publishing.measure(trainer.model.eval(), dataset, training)
    return {
        "negative elbo": -metrics["elbo"].value,
        "se": metrics["elbo"].se or 0.0,
        "knn accuracy": metrics["knn_accuracy"].value,
        "knn se": metrics["knn_accuracy"].se or 0.0,
        "seconds": seconds,
    }


def main() -> None:
    """Measure and record."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.newcomer")
    parser.add_argument("--seed", type=int, default=2026)
    parser.add_argument("--out", type=Path, default=RESULTS)
    given = parser.parse_args()
    content = zipped(given.seed)
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        times, config, run = minute(content, work)
        card = model_folder.load_card(run)
        suggested = {
            "negative elbo": -card.metrics["elbo"].value,
            "se": card.metrics["elbo"].se,
            "knn accuracy": card.metrics["knn_accuracy"].value,
            "knn se": card.metrics["knn_accuracy"].se,
        }
        path = work / "shapes.zip"
        likeness = {
            "latent_dim": config.model.latent_dim,
            "likelihood": config.model.likelihood,
        }
        defaults = measured(path, likeness, TrainConfig(dataset=str(path)))
    found = {
        "machine": machine.describe(),
        "seed": given.seed,
        "seconds": {name: round(value, 1) for name, value in times.items()},
        "suggested": suggested,
        "defaults": defaults,
        "beaten": suggested["negative elbo"] < defaults["negative elbo"]
        and suggested["knn accuracy"] > defaults["knn accuracy"],
    }
    given.out.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n")
    print(json.dumps(found, indent=1, ensure_ascii=False))
    sys.exit(not found["beaten"])


if __name__ == "__main__":
    main()
