"""Print and draw the architecture from the imports: ``python -m docs.architecture [--write]``.

A *room* is a folder of ``app``, ``browser`` or ``vae_core``, or a module that lies in one of them
without a folder. An *arrow* leads from a room to one that it imports. Python imports are found
by ``ast``, those of JavaScript by a regular expression; imports inside functions count, imports
for types alone (``TYPE_CHECKING``, JSDoc) do not.

Without ``--write`` it prints the longest functions and modules, the arrows that run back up, and
the files and lines of each package. With it, it also writes ``docs/architecture.svg`` and the
table of arrows in ``docs/architecture.md``.
"""

from __future__ import annotations

import ast
import re
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGES = ("app", "vae_core", "browser")
LANGUAGES = {".py": "Python", ".js": "JavaScript"}
#: What counts as a line of the product.
COUNTED = (".py", ".js", ".css")
#: The longest function that is allowed, in lines.
LIMITS = {"Python": 80, "JavaScript": 150}
PICTURE = ROOT / "docs" / "architecture.svg"
PAGE = ROOT / "docs" / "architecture.md"
BEGIN, END = "<!-- arrows: begin -->", "<!-- arrows: end -->"

Arrows = dict[str, set[str]]


@dataclass(frozen=True)
class Function:
    """A function of the source, with its length in lines."""

    language: str
    place: str  # path:line
    name: str
    lines: int


def files(package: str, *suffixes: str, root: Path = ROOT) -> list[Path]:
    """List a package's files with one of the suffixes, in order."""
    found = (path for path in (root / package).rglob("*") if path.suffix in suffixes)
    return sorted(path for path in found if "__pycache__" not in path.parts)


def room(path: Path, root: Path = ROOT) -> str:
    """Name the room of a file: ``package/folder``, or ``package/module`` at the package's top."""
    package, first = path.relative_to(root).parts[:2]
    return f"{package}/{first.removesuffix('.py')}"


# Imports


def python_imports(path: Path, root: Path = ROOT) -> set[Path]:
    """Find the files of the packages that a Python file imports."""
    found: set[Path] = set()
    for node in _run_time_nodes(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                found |= _module(alias.name, root)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            for alias in node.names:
                inner = _module(f"{node.module}.{alias.name}", root)
                found |= inner or _module(node.module, root)
    return found - {path}


def _run_time_nodes(tree: ast.AST) -> Iterator[ast.AST]:
    """Walk a syntax tree, leaving out what ``if TYPE_CHECKING`` guards."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        yield node
        yield from _run_time_nodes(node)


def _module(name: str, root: Path) -> set[Path]:
    path = root.joinpath(*name.split("."))
    if name.partition(".")[0] not in PACKAGES:
        return set()
    candidates = (path.with_suffix(".py"), path / "__init__.py")
    return {candidate for candidate in candidates if candidate.is_file()}


_IMPORT = re.compile(
    r"""^\s*(?:import|export)\b[^;"']*["'](\.[^"']+)["']|\bimport\(\s*["'](\.[^"']+)["']\s*\)""",
    re.MULTILINE,
)


def javascript_imports(path: Path) -> set[Path]:
    """Find the files that a JavaScript module imports, at its head or when needed."""
    text = without_comments(path.read_text(encoding="utf-8"))
    targets = (first or second for first, second in _IMPORT.findall(text))
    return {(path.parent / target).resolve() for target in targets}


def arrows(root: Path = ROOT) -> Arrows:
    """Find the rooms that each room imports; rooms without imports are listed too."""
    found: Arrows = {}
    for package in PACKAGES:
        for path in files(package, *LANGUAGES, root=root):
            if path.parent == root / package and path.stem == "__init__":
                continue  # the package itself is no room
            here = room(path, root)
            imports = (
                python_imports(path, root) if path.suffix == ".py" else javascript_imports(path)
            )
            rooms = {room(one, root) for one in imports if not _is_package(one, root)}
            found.setdefault(here, set()).update(rooms - {here})
            if any(_is_package(one, root) for one in imports):
                outside = {one.parent.name for one in imports if _is_package(one, root)}
                found[here] |= outside - {package}
    return found


def _is_package(path: Path, root: Path) -> bool:
    return path.name == "__init__.py" and path.parent.parent == root


# JavaScript as text


def without_comments(text: str) -> str:
    """Blank the comments of a JavaScript source; every line keeps its number."""
    return _blanked(text, comments_only=True)


#: What a regular expression may follow; after anything else a slash divides.
_BEFORE_REGEX = re.compile(r"(?:^|[(,=:\[!&|?{};+\-*%<>~^]|\b(?:return|typeof|case|in|of))\s*$")


def _blanked(text: str, *, comments_only: bool = False) -> str:
    """Blank comments and, unless these are all, strings, templates and regular expressions.

    Code inside a template's ``${…}`` stays, and so do the braces around it.
    """
    out = list(text)
    templates: list[int] = []  # open braces within each ``${`` that is open
    i = 0

    def blank(start: int, end: int, *, is_comment: bool = False) -> None:
        if comments_only and not is_comment:
            return
        for at in range(start, end):
            out[at] = "\n" if text[at] == "\n" else " "

    def template(start: int) -> int:
        """Read on in a template; returns where code begins or goes on."""
        at = start
        while at < len(text) and text[at] != "`":
            if text[at] == "\\":
                at += 1
            elif text.startswith("${", at):
                blank(start, at + 1)
                templates.append(0)
                return at + 1  # at the brace, which stays
            at += 1
        blank(start, at)
        return at + 1

    while i < len(text):
        rest = text[i : i + 2]
        if rest in ("//", "/*"):
            close = "\n" if rest == "//" else "*/"
            end = text.find(close, i + 2)
            end = len(text) if end < 0 else end + (0 if rest == "//" else 2)
            blank(i, end, is_comment=True)
            i = end
        elif text[i] in "\"'":
            end = i + 1
            while end < len(text) and text[end] != text[i]:
                end += 2 if text[end] == "\\" else 1
            blank(i + 1, end)
            i = end + 1
        elif text[i] == "`":
            i = template(i + 1)
        elif text[i] == "/" and _BEFORE_REGEX.search("".join(out[max(0, i - 80) : i])):
            end, in_class = i + 1, False
            while end < len(text) and (text[end] != "/" or in_class):
                in_class = {"[": True, "]": False}.get(text[end], in_class)
                end += 2 if text[end] == "\\" else 1
            blank(i + 1, end)
            i = end + 1
        else:
            if templates and text[i] == "{":
                templates[-1] += 1
            elif templates and text[i] == "}":
                templates[-1] -= 1
                if templates[-1] == 0:
                    templates.pop()
                    i = template(i + 1)
                    continue
            i += 1
    return "".join(out)


_CONTROL = {"if", "for", "while", "switch", "catch", "with", "return"}


def javascript_functions(path: Path, root: Path = ROOT) -> list[Function]:
    """Find the functions of a JavaScript module: declarations, methods, and arrows with a body."""
    text = _blanked(path.read_text(encoding="utf-8"))
    pairs = _brackets(text)
    found = []
    for start, end in sorted(pairs.items()):
        head = text[:start].rstrip()
        if text[start] != "{":
            continue
        if head.endswith("=>"):
            begin = len(head) - 2
            before = head[:begin].rstrip()
            if before.endswith(")"):
                begin = _opening(pairs, len(before) - 1)
            name = re.search(r"([\w$]+)\s*[=:(,]\s*(?:async\s*)?$", text[:begin])
        elif head.endswith(")"):
            begin = _opening(pairs, len(head) - 1)
            name = re.search(r"([\w$#]+)\s*$", text[:begin])
            if name is None or name[1] in _CONTROL:
                continue
        else:
            continue
        line = text.count("\n", 0, begin) + 1
        lines = text.count("\n", begin, end) + 1
        place = f"{path.relative_to(root).as_posix()}:{line}"
        found.append(Function("JavaScript", place, name[1] if name else "(arrow)", lines))
    return found


def _brackets(text: str) -> dict[int, int]:
    """Find where each ``{``, ``(`` and ``[`` is closed."""
    pairs: dict[int, int] = {}
    opened: list[int] = []
    for at, character in enumerate(text):
        if character in "{([":
            opened.append(at)
        elif character in "})]":
            pairs[opened.pop()] = at
    assert not opened, [text[at : at + 40] for at in opened]
    return pairs


def _opening(pairs: Mapping[int, int], closing: int) -> int:
    return next(start for start, end in pairs.items() if end == closing)


def python_functions(path: Path, root: Path = ROOT) -> list[Function]:
    """Find the functions and methods of a Python module, decorators not counted."""
    place = path.relative_to(root).as_posix()
    return [
        Function("Python", f"{place}:{node.lineno}", node.name, node.end_lineno - node.lineno + 1)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno is not None
    ]


_FUNCTIONS: dict[str, Callable[[Path, Path], list[Function]]] = {
    ".py": python_functions,
    ".js": javascript_functions,
}


def functions(root: Path = ROOT) -> list[Function]:
    """Find all functions of the packages, the longest first."""
    found = [
        function
        for package in PACKAGES
        for path in files(package, *LANGUAGES, root=root)
        for function in _FUNCTIONS[path.suffix](path, root)
    ]
    return sorted(found, key=lambda one: (-one.lines, one.place))


def too_long(root: Path = ROOT) -> list[Function]:
    """Find the functions above the limit of their language."""
    return [one for one in functions(root) if one.lines > LIMITS[one.language]]


# Floors


def back_up(of: Arrows) -> list[tuple[str, str]]:
    """Find the arrows that lie on a circle: each of them would have to run back up."""
    reach = {name: _reached(of, name) for name in of}
    return sorted((a, b) for a in of for b in of[a] if b in of and a in reach[b])


def _reached(of: Arrows, start: str) -> set[str]:
    found: set[str] = set()
    waiting = [start]
    while waiting:
        for name in of.get(waiting.pop(), set()):
            if name not in found:
                found.add(name)
                waiting.append(name)
    return found


def floors(of: Arrows) -> dict[str, int]:
    """Give each room the number of its floor: one above the highest that it imports, from 0."""
    known: dict[str, int] = {}

    def floor(name: str) -> int:
        if name not in known:
            known[name] = max((floor(other) + 1 for other in of[name]), default=0)
        return known[name]

    for name in of:
        floor(name)
    return known


def direct(of: Arrows) -> Arrows:
    """Leave out each arrow that follows from two or more others."""
    return {
        name: {
            other
            for other in others
            if not any(other in _reached(of, between) for between in others - {other})
        }
        for name, others in of.items()
    }


def within(of: Arrows, package: str) -> Arrows:
    """Take the rooms of one package, and the arrows among them."""
    inside = {name for name in of if name.startswith(f"{package}/")}
    return {name: of[name] & inside for name in sorted(inside)}


def between(of: Arrows) -> Arrows:
    """Find which package imports which."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for name, others in of.items():
        home = name.partition("/")[0]
        found[home] |= {other.partition("/")[0] for other in others} - {home}
    return dict(found)


# The picture

_BOX, _GAP, _FLOOR, _MARGIN, _LETTER = 26, 26, 62, 20, 7.2
_STYLE = """
text { font: 13px system-ui, sans-serif; text-anchor: middle; fill: #24292f }
.title { font-weight: 600; font-size: 15px; text-anchor: start }
.room { fill: #ffffff; stroke: #57606a } .package { fill: #f6f8fa; stroke: #d0d7de }
path { fill: none; stroke: #8c959f } .between { stroke: #0969da; stroke-width: 2.5 }
.head { fill: #8c959f; stroke: none } .between-head { fill: #0969da; stroke: none }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3 } .room { fill: #0d1117; stroke: #8b949e }
.package { fill: #161b22; stroke: #30363d } path { stroke: #6e7681 } .head { fill: #6e7681 }
.between { stroke: #58a6ff } .between-head { fill: #58a6ff }
}"""


@dataclass(frozen=True)
class Box:
    """A rectangle of the picture."""

    x: float
    y: float
    width: float
    height: float

    @property
    def middle(self) -> float:
        """The x of its centre."""
        return self.x + self.width / 2


def picture(of: Arrows) -> str:
    """Draw the rooms on their floors: app above browser on the left, vae_core on the right.

    Within a package the arrows are those of :func:`direct`; between packages one stands for all.
    """
    plans = {package: _plan(within(of, package)) for package in PACKAGES}
    left = max(plans["app"].width, plans["browser"].width)
    space = 60.0
    at = {
        "app": (_MARGIN, _MARGIN),
        "browser": (_MARGIN, _MARGIN + plans["app"].height + space),
        "vae_core": (_MARGIN + left + space, _MARGIN),
    }
    frames = {
        package: Box(*at[package], left if package != "vae_core" else plan.width, plan.height)
        for package, plan in plans.items()
    }
    width = frames["vae_core"].x + frames["vae_core"].width + _MARGIN
    height = max(frame.y + frame.height for frame in frames.values()) + _MARGIN
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" '
        f'width="{width:.0f}" height="{height:.0f}" role="img">',
        "<title>Rooms of app, browser and vae_core, and what imports what</title>",
        f"<style>{_STYLE}</style>",
        _marker("arrow", "head"),
        _marker("wide", "between-head"),
    ]
    for package in PACKAGES:
        parts += _drawn(package, frames[package], plans[package], direct(within(of, package)))
    parts += _drawn_between(between(of), frames)
    return "\n".join([*parts, "</svg>"]) + "\n"


@dataclass(frozen=True)
class _Plan:
    width: float
    height: float
    rooms: Mapping[str, Box]


def _plan(of: Arrows) -> _Plan:
    """Place the rooms of a package, the highest floor first."""
    rows: defaultdict[int, list[str]] = defaultdict(list)
    for name, floor in sorted(floors(of).items()):
        rows[floor].append(name)
    sizes = {name: 20 + _LETTER * len(_label(name)) for name in of}
    widths = {
        floor: sum(sizes[name] for name in row) + _GAP * (len(row) - 1)
        for floor, row in rows.items()
    }
    width = max(widths.values()) + 2 * _MARGIN
    top = max(rows)
    placed: dict[str, Box] = {}
    for floor in range(top, -1, -1):
        callers = {
            name: [placed[other].middle for other in sorted(placed) if name in of[other]]
            for name in rows[floor]
        }
        order = sorted(
            rows[floor],
            key=lambda name: (
                sum(callers[name]) / len(callers[name]) if callers[name] else 0,
                name,
            ),
        )
        spread = (width - 2 * _MARGIN - widths[floor]) / (len(order) + 1)
        x = _MARGIN + spread
        for name in order:
            placed[name] = Box(x, 40 + (top - floor) * _FLOOR, sizes[name], _BOX)
            x += sizes[name] + _GAP + spread
    return _Plan(width, 40 + top * _FLOOR + _BOX + _MARGIN, placed)


def _label(name: str) -> str:
    return name.partition("/")[2]


def _drawn(package: str, frame: Box, plan: _Plan, shown: Arrows) -> list[str]:
    shift = (frame.width - plan.width) / 2
    rooms = {
        name: Box(frame.x + shift + box.x, frame.y + box.y, box.width, box.height)
        for name, box in plan.rooms.items()
    }
    parts = [
        f'<rect class="package" {_rectangle(frame)} rx="8"/>',
        f'<text class="title" x="{frame.x + 12:.0f}" y="{frame.y + 24:.0f}">{package}</text>',
    ]
    for name in sorted(shown):
        for other in sorted(shown[name]):
            start, end = rooms[name], rooms[other]
            y1, y2 = start.y + start.height, end.y - 5
            bend = min(40, (y2 - y1) / 2)
            parts.append(
                f'<path d="M{start.middle:.1f} {y1:.1f}C{start.middle:.1f} {y1 + bend:.1f} '
                f'{end.middle:.1f} {y2 - bend:.1f} {end.middle:.1f} {y2:.1f}" '
                'marker-end="url(#arrow)"/>'
            )
    for name, box in sorted(rooms.items()):
        parts.append(f'<rect class="room" {_rectangle(box)} rx="5"/>')
        parts.append(
            f'<text x="{box.middle:.1f}" y="{box.y + 17.5:.1f}">{escape(_label(name))}</text>'
        )
    return parts


def _drawn_between(of: Arrows, frames: Mapping[str, Box]) -> list[str]:
    """Draw an arrow from package to package, across the space between their frames."""
    ways = {
        ("app", "vae_core"): lambda a, b: ((a.x + a.width, a.y + 60), (b.x - 8, a.y + 60)),
        ("app", "browser"): lambda a, b: ((a.middle, a.y + a.height), (a.middle, b.y - 8)),
        ("vae_core", "browser"): lambda a, b: ((a.x, b.y + 60), (b.x + b.width + 8, b.y + 60)),
    }
    parts = []
    for package, others in sorted(of.items()):
        for other in sorted(others):
            (x1, y1), (x2, y2) = ways[package, other](frames[package], frames[other])
            parts.append(
                f'<path class="between" d="M{x1:.1f} {y1:.1f}L{x2:.1f} {y2:.1f}" '
                'marker-end="url(#wide)"/>'
            )
    return parts


def _marker(name: str, style: str) -> str:
    return (
        f'<marker id="{name}" markerUnits="userSpaceOnUse" markerWidth="10" markerHeight="10" '
        f'refX="5" refY="5" orient="auto"><path class="{style}" d="M1 1L9 5L1 9Z"/></marker>'
    )


def _rectangle(box: Box) -> str:
    return f'x="{box.x:.1f}" y="{box.y:.1f}" width="{box.width:.1f}" height="{box.height:.1f}"'


# The page and the printed summary


def table(of: Arrows) -> str:
    """Write the arrows as a Markdown table, a row for each room."""
    count = sum(map(len, of.values()))
    lines = [
        f"{len(of)} rooms, {count} arrows, {len(back_up(of))} of them back up.",
        "",
        "| room | imports |",
        "|---|---|",
    ]
    for name in sorted(of):
        lines.append(f"| `{name}` | {', '.join(f'`{other}`' for other in sorted(of[name]))} |")
    return "\n".join(line.rstrip() for line in lines)


def with_table(page: str, of: Arrows) -> str:
    """Replace what is between the two marks of a page by the table."""
    before, rest = page.split(BEGIN)
    after = rest.split(END)[1]
    return f"{before}{BEGIN}\n{table(of)}\n{END}{after}"


def summary(root: Path = ROOT) -> str:
    """Say what is longest, which arrows run back up, and how large each package is."""
    all_functions = functions(root)
    modules = [
        (len(path.read_text(encoding="utf-8").splitlines()), path)
        for package in PACKAGES
        for path in files(package, *LANGUAGES, root=root)
    ]
    lines = []
    for suffix, language in LANGUAGES.items():
        longest = next(one for one in all_functions if one.language == language)
        size, path = max((size, path) for size, path in modules if path.suffix == suffix)
        lines += [
            f"longest function, {language}: {longest.lines} lines, {longest.name} "
            f"({longest.place}); allowed: {LIMITS[language]}",
            f"longest module, {language}: {size} lines, {path.relative_to(root).as_posix()}",
        ]
    of = arrows(root)
    up = back_up(of)
    lines.append(f"arrows that run back up: {len(up)} of {sum(map(len, of.values()))}")
    lines += [f"  {start} -> {end}" for start, end in up]
    total_files = total_lines = 0
    for package in PACKAGES:
        found = files(package, *COUNTED, root=root)
        size = sum(len(path.read_text(encoding="utf-8").splitlines()) for path in found)
        total_files, total_lines = total_files + len(found), total_lines + size
        lines.append(f"{package}: {len(found)} files, {size:,} lines")
    lines.append(f"together: {total_files} files, {total_lines:,} lines of .py, .js and .css")
    return "\n".join(lines)


def main(arguments: list[str]) -> None:
    """Print the summary; with ``--write`` bring the picture and the table up to date."""
    print(summary())
    if "--write" in arguments:
        of = arrows()
        PICTURE.write_text(picture(of), encoding="utf-8")
        PAGE.write_text(with_table(PAGE.read_text(encoding="utf-8"), of), encoding="utf-8")
        print(f"wrote {PICTURE.relative_to(ROOT)} and the table of {PAGE.relative_to(ROOT)}")


if __name__ == "__main__":
    main(sys.argv[1:])
