"""What the benchmark of decoding makes of its rounds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from benchmarks import decode


def found(javascript: float, *, difference: float = 1e-6) -> dict[str, Any]:
    """Make the figures of three rounds of one model."""
    rounds = {
        "ours": [1.0, 2.0, 1.0],
        "our JavaScript": [javascript, 2 * javascript, javascript],
        "onnxruntime-web": [2.0, 4.0, 3.0],
        "TensorFlow.js": [0.5, 1.0, 0.9],
    }
    one = {
        "peaks": {"simd": 10.0, "relaxed": 20.0},
        "difference": dict.fromkeys(rounds, difference),
        "work": 1e6,
        "1": rounds,
    }
    return {"engine": "Node", "figures": {"model-0": one}}


def test_ratios_are_of_each_round_and_shares_of_the_quickest() -> None:
    """A round in which the host was slow has the same ratio, and no share in the share."""
    told = decode.summarise(found(6.0), {"mnist": "model-0"})["models"]["mnist"]["codes: 1"]
    assert told["times as fast as"]["onnxruntime-web"] == {"median": 2, "low": 2, "high": 3}
    assert told["times as fast as"]["our JavaScript"] == {"median": 6, "low": 6, "high": 6}
    # Two million operations in a millisecond are 2 GFLOP/s, of 20 with relaxed SIMD.
    assert told["share of the peak"] == pytest.approx(0.1)
    assert told["milliseconds"]["ours"]["median"] == 1


def test_missed_goals_are_named() -> None:
    """Being behind a peer, or not five times as fast as the JavaScript, or other images."""
    goals = decode.summarise(found(4.0, difference=0.1), {"mnist": "model-0"})["goals"]
    assert goals["ahead of onnxruntime-web"] == []
    assert goals["ahead of TensorFlow.js"] == ["mnist, 1: 0.5"]
    assert goals["at least 5 times as fast as the JavaScript"] == ["mnist, 1: 4.0"]
    assert len(goals["the same images from all"]) == 4
    assert decode.summarise(found(6.0), {"m": "model-0"})["goals"]["the same images from all"] == []


def test_tables_are_written_between_the_marks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And nothing else of the page changes, also when they are written twice."""
    monkeypatch.setattr(decode, "HERE", tmp_path)
    (tmp_path / "README.md").write_text(f"before\n{decode.BEGIN}\nold\n{decode.END}\nafter\n")
    recorded = {
        "machine": {"processor": "a processor", "load before": 0.1},
        "node": decode.summarise(found(6.0), {"mnist": "model-0"}),
    }
    decode.render(recorded)
    once = (tmp_path / "README.md").read_text()
    assert "| mnist | 1 | 1 | 10% | 2.00× | 0.50× | 6.00× |" in once
    assert "- ahead of TensorFlow.js: missed: mnist, 1: 0.5" in once
    assert once.startswith("before\n")
    assert once.endswith("after\n")
    assert "old" not in once
    decode.render(recorded)
    assert (tmp_path / "README.md").read_text() == once


def test_models_are_written_for_all(tmp_path: Path) -> None:
    """A bundle and an ONNX file of each, also of the decoder that is made for the benchmark."""
    files = decode.write_models(tmp_path, ["digits-2d", decode.LARGE])
    assert list(files) == ["digits-2d", decode.LARGE]
    for name in files.values():
        for ending in (".bin", ".onnx"):
            assert (tmp_path / name).with_suffix(ending).stat().st_size > 1000
