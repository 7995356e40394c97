"""What README.md says is what the project's own commands say today."""

from __future__ import annotations

from pathlib import Path

import pytest
from sklearn.datasets import load_digits

from vae_core import model_folder
from vae_core.api import notebooks
from vae_core.formats import tables
from vae_core.studies import STUDIES, summary

README = Path(__file__).parents[2] / "README.md"


def test_the_table_of_models_is_the_cards() -> None:
    """The figures in README.md are those that `models --markdown` prints."""
    cards = [model_folder.load_card(name) for name in model_folder.list_models()]
    assert tables.cards_markdown(cards) in README.read_text(encoding="utf-8")


def test_readme_names_every_model() -> None:
    """No folder in pretrained/ is left out."""
    text = README.read_text(encoding="utf-8")
    assert all(f"`{name}`" in text for name in model_folder.list_models())


def test_the_example_in_python_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With arrays of digits, as in a notebook."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(notebooks, "running", lambda: True)
    text = README.read_text(encoding="utf-8")
    example = text.partition("```python\n")[2].partition("```")[0]
    digits = load_digits()
    names = {
        "images": digits.images[:400] / 16,
        "labels": digits.target[:400],
        "codes": digits.data[:400],
    }
    exec(compile(example, "README.md", "exec"), names)
    assert (tmp_path / "my-model" / "card.json").is_file()


def test_the_page_of_studies_is_the_results() -> None:
    """docs/studies.md holds what `studies --markdown` prints, each goal and its figure included."""
    text = (README.parent / "docs/studies.md").read_text(encoding="utf-8")
    printed = summary.markdown(STUDIES, summary.read_results(STUDIES))
    assert printed in text
