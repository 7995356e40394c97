"""How long one picture takes in JavaScript, by kind of network.

``python -m benchmarks.decode`` times the browser's decoder and encoder under Node, with random
weights, prints a table and writes it to ``benchmarks/results/decode.json``. Times are of the
processor, so that a busy machine adds little to them.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks import machine
from vae_core import models
from vae_core.config import ModelConfig
from vae_core.formats import bundles

HERE = Path(__file__).parent
COLOUR = {"image_shape": (3, 32, 32), "likelihood": "gaussian"}
KINDS: dict[str, dict[str, Any]] = {
    "mlp 500": {"hidden": (500,)},
    "mlp 512-256-128, SiLU": {"hidden": (512, 256, 128), "activation": "silu"},
    "mlp 300-300, gated": {"hidden": (300, 300), "activation": "gated"},
    "mlp 200-200, two stochastic layers": {"hidden": (200, 200), "first_latent_dim": 100},
    "conv 32-64-128, SiLU": {"network": "conv", "hidden": (32, 64, 128), "activation": "silu"},
    "conv 32-64-128, gated": {"network": "conv", "hidden": (32, 64, 128), "activation": "gated"},
    "conv 32-64-128, SiLU, 32 × 32 × 3": {
        "network": "conv",
        "hidden": (32, 64, 128),
        "activation": "silu",
    }
    | COLOUR,
    "rows 100": {"network": "rows", "hidden": (100,)},
    "rows 256": {"network": "rows", "hidden": (256,)},
}


def main() -> None:
    """Measure, print, record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=HERE / "results" / "decode.json")
    out = parser.parse_args().out
    node = shutil.which("node")
    if node is None:
        sys.exit("node was not found; install it to measure.")
    described = machine.describe()
    figures = {}
    with tempfile.TemporaryDirectory() as folder:
        for kind, settings in KINDS.items():
            model = models.build(ModelConfig.of(latent_dim=10, **settings))
            network = Path(folder) / "network.bin"
            network.write_bytes(bundles.network_bundle(model))
            command = [node, str(HERE / "decode.mjs"), str(network)]
            told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            figures[kind] = json.loads(told)
            times = (f"{name} {value:8.2f}" for name, value in figures[kind].items())
            print(f"{kind:36}", *times)
    version = subprocess.run([node, "--version"], capture_output=True, text=True).stdout.strip()
    out.parent.mkdir(parents=True, exist_ok=True)
    recorded = {"machine": described | {"node": version}, "figures": figures}
    out.write_text(json.dumps(recorded, indent=2, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
