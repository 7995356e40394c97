"""A model that was trained inside the page opens on every page."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from app.resources import library
from vae_core.data import load_dataset
from vae_core.formats import bundles

NODE = shutil.which("node")
SCRIPT = Path(__file__).parents[2] / "browser" / "js" / "training.mjs"


@pytest.mark.skipif(NODE is None, reason="node is not installed")
def test_its_folder_opens_on_every_page(open_page: Callable[..., AppTest], tmp_path: Path) -> None:
    """With three latent dimensions, which have no projection, and a Gaussian decoder."""
    bundle = tmp_path / "digits.bin"
    bundle.write_bytes(bundles.training_bundle(load_dataset("digits"), train=100, shown=60))
    question = {"bundle": str(bundle), "folder": "digits_d3_w8_gaussian_nokl_r0.02", "epochs": 2}
    assert NODE is not None
    told = subprocess.run(
        [NODE, str(SCRIPT)], input=json.dumps(question), check=True, capture_output=True, text=True
    ).stdout
    opened = library.open_zip(base64.b64decode(json.loads(told)))
    for name in ("explore", "manifold", "decode", "reconstruct", "morph"):
        page = open_page(name, model=opened.hash)
        assert not page.exception
        assert [one.value for one in page.warning] == []
        assert "3 latent dimensions" in " ".join(caption.value for caption in page.caption)
