"""The examples of docs/api/ and of the model folder are run, and name everything that is public."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

import vae_core
from vae_core.cli.main import cli

DOCS = Path(__file__).parents[2] / "docs"
PAGES = [*sorted((DOCS / "api").glob("*.md")), DOCS / "model-folder.md"]
OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def fenced(page: Path, language: str) -> list[tuple[int, str]]:
    """Return the fenced blocks of a language, each with the number of its first line."""
    text = page.read_text(encoding="utf-8")
    pattern = re.compile(rf"^```{language}\n(.*?)^```$", re.MULTILINE | re.DOTALL)
    return [(text.count("\n", 0, match.start(1)), match[1]) for match in pattern.finditer(text)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_examples_of_a_page_print_what_they_say(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One after another, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VAE_RUNS_DIR", str(tmp_path / "runs"))
    parser, names = doctest.DocTestParser(), {"__name__": page.stem}
    runner = doctest.DocTestRunner(optionflags=OPTIONS, verbose=False)
    told: list[str] = []
    for line, text in fenced(page, "python"):
        test = parser.get_doctest(text, names, page.name, str(page), line)
        runner.run(test, out=told.append, clear_globs=False)
        names = test.globs
    assert not runner.failures, "".join(told)


def test_the_commands_of_the_pages_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One after another, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    commands = [
        line.removeprefix("$ python -m vae_core ")
        for page in PAGES
        for _, text in fenced(page, "console")
        for line in text.splitlines()
    ]
    assert commands
    for command in commands:
        done = CliRunner().invoke(cli, command.split())
        assert done.exit_code == 0, f"{command}\n{done.output}"


def test_every_public_name_and_every_command_is_on_a_page() -> None:
    """What can be imported from the package itself, and what the command line has."""
    text = "".join(page.read_text(encoding="utf-8") for page in PAGES)
    assert [name for name in vae_core.__all__ if f"vae_core.{name}" not in text] == []
    hidden = {name for name, command in cli.commands.items() if command.hidden}
    table = "".join(re.findall(r"^\| (`.*?) \|", text, re.MULTILINE))
    assert {name for name in cli.commands if f"`{name}`" not in table} == hidden
