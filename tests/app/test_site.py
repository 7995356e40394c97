"""What a site without a server shares with the app: parts of pages, quoted numbers, the icon."""

from __future__ import annotations

from pathlib import Path

import browser
from app import parts
from app.address import DEFAULT_MODEL
from app.resources import lessons as app_lessons
from vae_core import lessons, model_folder
from vae_core.site import lessons as site_lessons
from vae_core.site import texts

ROOT = Path(__file__).parents[2]


def test_a_site_shows_parts_of_the_apps_pages() -> None:
    """The same pages and names, so that a lesson is written once."""
    for page, shown in site_lessons.PARTS.items():
        assert set(shown) <= parts.PARTS[page].keys(), page
    assert site_lessons.EVERYTHING == parts.EVERYTHING
    assert site_lessons.DEFAULT_MODEL == DEFAULT_MODEL
    assert (browser.ROOT / "site/icon.svg").read_bytes() == (ROOT / "app/icon.svg").read_bytes()


def test_a_site_quotes_the_numbers_of_the_app() -> None:
    """Each quantity of each lesson reads the same."""
    seen = 0
    for path in lessons.files().values():
        for step in lessons.read(path).steps:
            own = step.parameters.get("model", DEFAULT_MODEL)
            for model, name in lessons.quantities(step.text):
                card = model_folder.load_card(model or own)
                inner = name if model is None else f"{model}:{name}"
                quoted = app_lessons.fill(f"{{{{{inner}}}}}", own)
                assert texts.quantity(card, model or own, name) == quoted
                seen += 1
    assert seen > 10
