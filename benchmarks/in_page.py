"""Training inside the page: speed, beside TensorFlow.js, and the bound that it reaches.

``make bench-ui`` runs it after its own figures; ``python -m benchmarks.in_page`` runs it alone and
writes ``benchmarks/results/in_page.json``. Epochs of 10,000 images of MNIST are trained on one
thread of Chromium by the project's kernel and by TensorFlow.js on its WASM backend, in turns; times
are those of the processor where Linux tells them. The bound on `digits` is compared with that of
``vae_core.train`` over five seeds. Frames are counted on the Learn page while it trains.
"""

from __future__ import annotations

import argparse
import functools
import json
import os
import statistics
import tempfile
from pathlib import Path
from typing import Any

import vae_core
from benchmarks import decode, machine
from tests.browser import serving
from vae_core.config import ModelConfig, TrainConfig
from vae_core.data import available
from vae_core.evaluation import bounds
from vae_core.formats import bundles

HERE = Path(__file__).parent
ROOT = HERE.parent
APP = ROOT / "app" / "main.py"
PAGE = "benchmarks/training/page.html"
#: Rounds of epochs, of which the fastest counts, and the widths that are trained.
ROUNDS = 3
WIDTHS = (256, 500)
#: The network of the comparison with vae_core, its epochs and seeds.
TEXT, WIDTH, EPOCHS, SEEDS = "digits", 128, 20, 5
#: Seconds that frames are counted for.
COUNTED = 5
COUNT = """async (panel, seconds) => {
  let [shown, frames, going] = [0, 0, true];
  const count = () => { frames += 1; if (going) requestAnimationFrame(count); };
  const observer = new MutationObserver(() => (shown += 1));
  observer.observe(panel, { attributes: true, attributeFilter: ["data-step"] });
  const [begun, first] = [performance.now(), Number(panel.dataset.step)];
  requestAnimationFrame(count);
  await new Promise((resolve) => setTimeout(resolve, 1000 * seconds));
  going = false;
  observer.disconnect();
  const passed = (performance.now() - begun) / 1000;
  return [frames / passed, shown / passed, (Number(panel.dataset.step) - first) / passed];
}"""


def frames(browser: Any, address: str, *, batch: int = 50) -> dict[str, float]:
    """Count frames of the Learn page while it trains on `digits`, and images a second."""
    page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
    page.goto(f"{address}/learn?section=training&training={TEXT}")
    panel = page.locator(".lx-training[data-step]")
    panel.wait_for()
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})
    figures = {}
    for pace, name in (("4 steps a frame", "at 4 steps a frame"), ("as fast as it can", "freely")):
        page.get_by_label("Speed").select_option(pace)
        page.get_by_role("button", name="Play").click()
        page.wait_for_timeout(1500)
        before = _busy(session)
        drawn, shown, steps = panel.evaluate(COUNT, COUNTED)
        each = (_busy(session) - before) / max(1.0, shown * COUNTED)
        page.get_by_role("button", name="Pause").click()
        figures[f"training on digits {name} (frames/s)"] = drawn
        figures[f"training on digits {name}, moments shown (1/s)"] = shown
        figures[f"training on digits {name} (images/s)"] = steps * batch
        figures[f"training on digits {name}, page's own work for a moment (ms)"] = each
    page.context.close()
    return figures


def _busy(session: Any) -> float:
    """Return the milliseconds that a page's main thread has had of the processor."""
    metrics = session.send("Performance.getMetrics")["metrics"]
    return 1000 * next(one["value"] for one in metrics if one["name"] == "TaskDuration")


def has_mnist() -> bool:
    """Whether MNIST is on this machine."""
    return any(status.name == "mnist" and status.present for status in available())


def epochs(folder: Path) -> dict[str, float]:
    """Time epochs of 10,000 images of MNIST, ours and TensorFlow.js' in turns."""
    bundle = folder / "mnist.bin"
    bundle.write_bytes(bundles.training_bundle(vae_core.load_dataset("mnist")))
    figures = {}
    for width in WIDTHS:
        found = _in_chromium("epochs", bundle, f"mnist_w{width}", ROUNDS)
        best = {name: min(times) / 1000 for name, times in found["times"].items()}
        for name, seconds in best.items():
            figures[f"epoch of 10,000 MNIST, {width} units, {name} (s)"] = seconds
        peer, own = found["times"]["TensorFlow.js"], found["times"]["ours"]
        faster = [theirs / us for theirs, us in zip(peer, own, strict=True)]
        figures[f"epoch, {width} units, times as fast as TensorFlow.js"] = statistics.median(faster)
        for name, loss in found["losses"].items():
            figures[f"−ELBO after {ROUNDS + 1} epochs, {width} units, {name} (nats)"] = loss
    return figures


def compare_bounds(folder: Path, *, seeds: int = SEEDS, count: int = EPOCHS) -> dict[str, Any]:
    """Return the test ELBO on `digits` after the same epochs, of the page and of vae_core."""
    dataset = vae_core.load_dataset("digits")
    bundle = folder / "digits.bin"
    bundle.write_bytes(bundles.training_bundle(dataset, shown=len(dataset.test)))
    page = _in_chromium("bounds", bundle, TEXT, list(range(seeds)), count)
    core = []
    for seed in range(seeds):
        config = ModelConfig(
            image_shape=(1, 8, 8), latent_dim=2, hidden=(WIDTH,), activation="relu"
        )
        training = TrainConfig(
            dataset="digits", epochs=count, batch_size=50, learning_rate=0.005, seed=seed, threads=1
        )
        trained = vae_core.train(config, training, dataset)
        for _ in trained:
            pass
        core.append(float(bounds(trained.model, dataset.test.images, kind="grey").elbo.mean()))
    difference = statistics.mean(page) - statistics.mean(core)
    error = (statistics.variance(page) / seeds + statistics.variance(core) / seeds) ** 0.5
    return {"page": page, "vae_core": core, "difference": difference, "standard error": error}


def _in_chromium(function: str, bundle: Path, *arguments: Any) -> Any:
    """Call a function of the page with a bundle and further arguments, in a browser of its own."""
    mark = f"--js-flags=--random-seed={os.getpid()}"
    with decode.file_server(ROOT) as address, serving.launched(mark) as browser:
        page = browser.new_page()
        page.set_default_timeout(600_000)
        page.goto(f"{address}/{PAGE}")
        page.wait_for_function("() => window.ready")
        if before := decode.renderers(mark):
            page.evaluate("busy(500)")
            # The one that has just worked is this page's.
            after = {process: decode.milliseconds(process) for process in before}
            process = max(after, key=lambda one: after[one] - before[one])
            page.expose_function("processorTime", functools.partial(decode.milliseconds, process))
        place = f"/{bundle.relative_to(ROOT).as_posix()}"
        return page.evaluate(f"([path, ...rest]) => {function}(path, ...rest)", [place, *arguments])


def main() -> None:
    """Measure, print, record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=HERE / "results" / "in_page.json")
    out = parser.parse_args().out
    described = machine.describe()
    (ROOT / "build").mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=ROOT / "build") as name:
        folder = Path(name)
        with serving.served(APP, folder) as server, serving.launched() as browser:
            figures = frames(browser, server.address)
            version = browser.version
        if has_mnist():
            figures |= epochs(folder)
        compared = compare_bounds(folder)
    for key, value in figures.items():
        print(f"{key:70} {value:10.2f}")
    print(json.dumps(compared, indent=2))
    rounded = {key: round(value, 3) for key, value in figures.items()}
    record = {"machine": described | {"chromium": version}, "figures": rounded, "elbo": compared}
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(record, indent=2) + "\n")


if __name__ == "__main__":
    main()
