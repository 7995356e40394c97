"""Where a Chromium is: prints its path, or exits with 1 where none is installed."""

from __future__ import annotations

import os
import shutil
import sys

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")


def chromium() -> str | None:
    """Return ``CHROMIUM``, else the first browser on the path, else None."""
    installed = (shutil.which(name) for name in NAMES)
    return os.environ.get("CHROMIUM") or next(filter(None, installed), None)


if __name__ == "__main__":
    path = chromium()
    if path is None:
        sys.exit(1)
    print(path)
