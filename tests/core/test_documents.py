"""The documents point to what exists, and cite their sources by their authors."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = ("docs", "benchmarks", "app", "browser", "vae_core", "tests")
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("benchmarks/*.md")])
SOURCES = sorted(
    path
    for folder in FOLDERS
    for suffix in ("py", "js", "mjs", "css", "html", "md")
    for path in (ROOT / folder).rglob(f"*.{suffix}")
    if path != Path(__file__)
)
_FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[[^\]]*\]\((?!https?://|#)([^)#\s]+)(?:#([^)\s]+))?\)")


def anchors(page: Path) -> set[str]:
    """Return the names by which a page's headings are linked to."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_between_documents_lead_somewhere(page: Path) -> None:
    """Files exist, and so do the headings that are linked to."""
    prose = _FENCE.sub("", page.read_text(encoding="utf-8"))
    for target, heading in _LINK.findall(prose):
        path = (page.parent / target).resolve()
        assert path.exists(), target
        assert not heading or heading in anchors(path), f"{target}#{heading}"


def test_sources_are_cited_by_their_authors() -> None:
    """No sentence speaks of seeds by number, or of a set of documents by their count."""
    unnamed = re.compile(r"\bseed 00\d|\bseed documents|\bfive documents|\bthe documents'", re.I)
    found = [
        f"{path.relative_to(ROOT)}: {match[0]}"
        for path in [*PAGES, *SOURCES]
        for match in unnamed.finditer(path.read_text(encoding="utf-8"))
    ]
    assert found == []
