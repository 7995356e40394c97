"""Small models of other libraries (``benchmarks/foreign``) are imported as what they are."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.foreign import run

FOLDER = Path(__file__).parents[2] / "fixtures" / "foreign"
EXPORTS = [
    (path.parent, exporter)
    for path in sorted(FOLDER.glob("*/about.json"))
    for exporter in json.loads(path.read_text())["exporters"]
    if exporter != "half"  # its errors are those of half precision
]


@pytest.mark.parametrize(("folder", "exporter"), EXPORTS, ids=lambda one: getattr(one, "name", one))
def test_a_foreign_model_is_imported_as_what_it_is(folder: Path, exporter: str) -> None:
    """Codes, reconstructions and bound equal the library's, told only what cannot be found."""
    found = run.measure(folder, exporter, "python")
    assert "fault" not in found
    assert found["is equal"]
    about = json.loads((folder / "about.json").read_text())
    assert ("bound" in about) == ("is within its error" in found)
    assert found.get("is within its error", True)


def test_a_foreign_model_is_imported_on_the_command_line() -> None:
    """The command gives what the function gives."""
    shell, script = (run.measure(FOLDER / "pytorch-vae", "legacy", way) for way in run.WAYS)
    assert {**shell, "seconds": 0} == {**script, "seconds": 0}


def test_what_cannot_be_found_must_be_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keras names outputs by numbers: without a word on them, the import is refused or right."""
    monkeypatch.setattr(run, "told", lambda about: {})
    found = run.measure(FOLDER / "keras", "keras", "python")
    assert "--posterior" in found.get("fault", "") or found["is within its error"]
