"""The picture and the walks of docs/architecture.md are those of the code."""

from __future__ import annotations

import ast
import re
import textwrap
from pathlib import Path

import pytest

from docs import architecture

PAGE = architecture.PAGE.read_text(encoding="utf-8")
WALKS = PAGE.partition("## Five walks")[2].partition("## All arrows")[0]
PYTHON = sorted(set(re.findall(r"`((?:app|vae_core)(?:\.\w+)+)`", WALKS)))
JAVASCRIPT = sorted(set(re.findall(r"`(browser/[\w/]+\.js)#(\w+)`", WALKS)))


def test_the_picture_and_the_table_are_drawn_from_the_imports() -> None:
    """Both equal what the command writes; `python -m docs.architecture --write` renews them."""
    of = architecture.arrows()
    assert architecture.PICTURE.read_text(encoding="utf-8") == architecture.picture(of)
    assert architecture.with_table(PAGE, of) == PAGE


def test_no_arrow_runs_back_up() -> None:
    """Rooms import only rooms on lower floors."""
    assert architecture.back_up(architecture.arrows()) == []


@pytest.mark.parametrize("name", PYTHON)
def test_every_python_function_of_the_walks_exists(name: str) -> None:
    """A name of the page is a module, or is defined in the module or package before its dots."""
    parts = name.split(".")
    for length in range(len(parts), 1, -1):
        path = architecture.ROOT.joinpath(*parts[:length])
        home = next(
            (p for p in (path.with_suffix(".py"), path / "__init__.py") if p.is_file()), None
        )
        if home is not None:
            assert _is_defined(ast.parse(home.read_text(encoding="utf-8")), parts[length:])
            return
    pytest.fail(f"{name} lies in no module")


def _is_defined(scope: ast.Module | ast.ClassDef, names: list[str]) -> bool:
    if not names:
        return True
    for node in scope.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name == names[0]:
            return len(names) == 1 or (
                isinstance(node, ast.ClassDef) and _is_defined(node, names[1:])
            )
        targets = [node.target] if isinstance(node, ast.AnnAssign) else []
        if isinstance(node, ast.Assign):
            targets = list(node.targets)
        if any(isinstance(one, ast.Name) and one.id == names[0] for one in targets):
            return len(names) == 1
    return False


@pytest.mark.parametrize(("path", "name"), JAVASCRIPT)
def test_every_javascript_function_of_the_walks_exists(path: str, name: str) -> None:
    """A name of the page is a function, a method or a class of its file."""
    text = architecture.without_comments((architecture.ROOT / path).read_text(encoding="utf-8"))
    defined = rf"(?m)\b(?:function|class)\s+{name}\b|^\s+(?:async\s+)?{name}\([^;]*\)\s*\{{"
    assert re.search(defined, text)


def test_the_walks_name_enough_to_be_followed() -> None:
    """The patterns above find the names; a page without any would pass every other test."""
    assert len(PYTHON) > 40
    assert len(JAVASCRIPT) > 8


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Return the root of a tree with two Python rooms and two JavaScript modules."""
    sources = {
        "app/__init__.py": "",
        "app/top.py": """
            from typing import TYPE_CHECKING
            import vae_core.low
            from app.room import inner
            if TYPE_CHECKING:
                from app import other
            def late():
                from vae_core import low
            """,
        "app/other.py": "",
        "app/room/__init__.py": "",
        "app/room/inner.py": "from app.room import deeper",
        "app/room/deeper.py": "def f(\n    a,\n):\n    return a",
        "vae_core/__init__.py": "",
        "vae_core/low.py": "from browser import ROOT",
        "browser/__init__.py": "",
        "browser/a.js": """
            // import { no } from "./none.js";
            import { b } from "./ui/b.js";
            const later = () => import("./c.js");
            """,
        "browser/c.js": "export const brace = '{';",
        "browser/ui/b.js": """
            /** @returns {import("../c.js").C} */
            export function outer(text) {
              const pattern = /[/{]+/g;
              const said = `}} ${text.map((one) => {
                return `{${one}`;
              })} {`;
              if (said) {
                return 1;
              }
              return { method() {
                return 2 / 1;
              } };
            }
            """,
    }
    for name, source in sources.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(textwrap.dedent(source), encoding="utf-8")
    return tmp_path


def test_arrows_are_found_in_both_languages(tree: Path) -> None:
    """Imports within functions count; imports for types and in comments do not."""
    assert architecture.arrows(tree) == {
        "app/top": {"vae_core/low", "app/room"},
        "app/other": set(),
        "app/room": set(),
        "vae_core/low": {"browser"},
        "browser/a.js": {"browser/ui", "browser/c.js"},
        "browser/c.js": set(),
        "browser/ui": set(),
    }


def test_no_function_is_too_long() -> None:
    """At most 80 lines in Python and 150 in JavaScript, docstrings included."""
    assert architecture.too_long() == []


def test_an_arrow_back_up_is_found() -> None:
    """Every arrow of a circle is told, and no other."""
    of = {"a": {"b"}, "b": {"c", "d"}, "c": {"b"}, "d": set()}
    assert architecture.back_up(of) == [("b", "c"), ("c", "b")]
    assert architecture.direct({"a": {"b", "c"}, "b": {"c"}, "c": set()})["a"] == {"b"}


def test_a_function_that_is_too_long_is_found(tree: Path) -> None:
    """One line above the limit is told with its place."""
    (tree / "app" / "long.py").write_text("def g():\n" + "    pass\n" * 80, encoding="utf-8")
    (tree / "app" / "other.py").write_text("def h():\n" + "    pass\n" * 79, encoding="utf-8")
    (tree / "browser" / "c.js").write_text(
        "export const k = () => {\n" + "  f();\n" * 149 + "};\n", encoding="utf-8"
    )
    found = {(one.name, one.place, one.lines) for one in architecture.too_long(tree)}
    assert found == {("g", "app/long.py:1", 81), ("k", "browser/c.js:1", 151)}


def test_functions_are_measured_in_both_languages(tree: Path) -> None:
    """Braces in strings, templates and regular expressions count for nothing."""
    found = {one.name: (one.language, one.lines) for one in architecture.functions(tree)}
    assert found["f"] == ("Python", 4)
    assert found["outer"] == ("JavaScript", 12)
    assert found["method"] == ("JavaScript", 3)
    assert "if" not in found
