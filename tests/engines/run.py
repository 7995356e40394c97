"""Walk the essential paths of the app in Chromium, Firefox and WebKit: `make test-browsers`.

Serves the app, exports a page, makes a picture to upload, and runs ``paths.mjs`` on them. Engines
that are not installed are skipped and named.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image
from sklearn.datasets import load_digits

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(HERE.parent / "browser"))

from serving import served  # noqa: E402

from vae_core import model_folder  # noqa: E402
from vae_core.formats import html  # noqa: E402


def main() -> int:
    """Return the exit status of the walk; 0 where node or its packages are missing."""
    if shutil.which("node") is None or not (HERE / "node_modules").is_dir():
        print("node or the packages of tests/engines are not on this host: skipped")
        return 0
    screen = [] if os.environ.get("DISPLAY") else ["xvfb-run", "--auto-servernum"]
    if screen and shutil.which(screen[0]) is None:
        screen = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        page, picture = folder / "page.html", folder / "seven.png"
        page.write_bytes(html.page(model_folder.open_folder(model_folder.locate("digits-2d"))))
        pixels = (load_digits().images[7] * 15).astype("uint8")
        Image.fromarray(pixels).resize((160, 160)).save(picture)
        with served(ROOT / "app" / "main.py", folder) as server:
            command = ["node", str(HERE / "paths.mjs"), server.address, str(page), str(picture)]
            return subprocess.run([*screen, *command, *sys.argv[1:]]).returncode


if __name__ == "__main__":
    sys.exit(main())
