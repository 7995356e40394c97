"""The pure parts of the browser side, under node's own test runner."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

NODE = shutil.which("node")
SUITES = sorted((Path(__file__).parent / "js").glob("*.test.mjs"))


@pytest.mark.skipif(NODE is None, reason="node is not installed")
@pytest.mark.parametrize("suite", SUITES, ids=lambda suite: suite.name.removesuffix(".test.mjs"))
def test_suite(suite: Path) -> None:
    """Every test of one module passes; what fails is printed."""
    assert NODE is not None
    done = subprocess.run([NODE, "--test", str(suite)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
