"""Model folders and runs of before: what commit e39008c wrote, before the code moved to its rooms.

``tests/fixtures/kept`` holds the zip of a tiny model, a run that was left after two of four epochs,
and what that commit read in them (``expected.json``). The model learnt from bars made of random
numbers, the run from the bundled digits.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import small
import torch

from vae_core import model_folder, runs

KEPT = Path(__file__).parents[1] / "fixtures" / "kept"
EXPECTED: dict[str, Any] = json.loads((KEPT / "expected.json").read_text(encoding="utf-8"))
#: Another processor may round differently.
ROUNDING = 1e-4


def test_a_kept_model_opens_with_the_same_values() -> None:
    """Weights, codes and figures are those that were saved, and pictures those decoded then."""
    saved = model_folder.open_zip((KEPT / "model.zip").read_bytes())
    assert saved.card.name == EXPECTED["name"]
    assert saved.card.weights_hash == EXPECTED["hash"]
    figures = {name: metric.value for name, metric in saved.card.metrics.items()}
    assert figures == pytest.approx(EXPECTED["metrics"], rel=1e-6)
    assert saved.codes.mu.tolist() == [pytest.approx(code) for code in EXPECTED["codes_mu"]]
    with torch.no_grad():
        decoded = saved.model.decode(torch.tensor(EXPECTED["z"])).mean.flatten(1)
        again = saved.model.encode(small.dataset().test.images.float() / 255).mu
    torch.testing.assert_close(decoded, torch.tensor(EXPECTED["decoded"]), atol=1e-5, rtol=1e-4)
    # Codes lie on the disk in half precision.
    torch.testing.assert_close(again, saved.codes.mu, atol=2e-3, rtol=2e-3)


def test_a_kept_model_is_written_again_byte_for_byte(tmp_path: Path) -> None:
    """Card, weights and codes that are read and saved are the bytes that they were."""
    (tmp_path / "kept.zip").write_bytes((KEPT / "model.zip").read_bytes())
    shutil.unpack_archive(tmp_path / "kept.zip", tmp_path)
    before = {path.name: path.read_bytes() for path in (tmp_path / "kept").iterdir()}
    saved = model_folder.open_folder(tmp_path / "kept")
    model_folder.save(
        tmp_path / "again",
        card=saved.card,
        model=saved.model,
        codes=saved.codes,
        history=model_folder.load_history(tmp_path / "kept"),
    )
    assert {path.name: path.read_bytes() for path in (tmp_path / "again").iterdir()} == before


def test_a_kept_run_goes_on_to_the_same_end(tmp_path: Path) -> None:
    """Its status is read, it resumes from its checkpoint, and ends where it would have then."""
    folder = tmp_path / "run"
    shutil.copytree(KEPT / "run", folder)
    found = runs.status(folder)
    assert (found.state, found.epoch, found.step) == ("paused", 2, 16)
    assert runs.execute(folder) == "finished"
    told = [dict(epoch) for epoch in runs.status(folder).epochs]
    assert [epoch["epoch"] for epoch in told] == [1, 2, 3, 4]
    for epoch, expected in zip(told, EXPECTED["epochs"], strict=True):
        for figures in ("train", "test"):
            assert epoch[figures] == pytest.approx(expected[figures], rel=ROUNDING)
    assert model_folder.load_card(folder).model == runs.read_config(folder).model
