"""The toy page of docs/extending.md is added to a copy of the app and shown."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import extending


def test_a_page_can_be_added_and_shown(tmp_path: Path) -> None:
    """One folder and one line are enough for the navigation, the scene and a panel."""
    copy = extending.extended_copy(tmp_path)
    done = subprocess.run(
        [sys.executable, "-c", extending.uses()["page"]],
        capture_output=True,
        text=True,
        cwd=copy,
        env=os.environ | {"PYTHONPATH": str(copy), "VAE_RUNS_DIR": str(tmp_path / "runs")},
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-3000:]
