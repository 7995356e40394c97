"""Lessons: Markdown files whose steps name a view, what it shows, and a task or a question.

`docs/lessons.md` describes the format. Independent of the dashboard, which checks the views.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import parse_qsl

from vae_core.errors import LessonError

_PACKAGE = Path(__file__).resolve().parent
#: Folder of the lessons that come with the project: in the installed package, or in a checkout.
LESSONS = next(
    (folder for folder in [_PACKAGE / "lesson_texts"] if folder.is_dir()),
    _PACKAGE.parent / "lessons",
)
#: Names a folder of further lessons.
ENVIRONMENT_VARIABLE = "VAE_LESSONS_DIR"
MAX_BYTES = 200_000
MAX_STEPS = 30
MIN_CHOICES = 2

Operator = Literal["<", "<=", "=", ">=", ">"]

#: What a task's condition may measure, in words. Names that end in a dot take a class or a number.
FACTS: Mapping[str, str] = {
    "votes.": "how many of the ten codes nearest to the shown code are of this class",
    "agreement": "the votes of the class that has most of them",
    "visited": "how many classes have had six votes or more since the step began",
    "distance": "distance from the shown code to the nearest code of the set",
    "norm": "length of the shown code",
    "z.": "this number of the shown code, from 1",
    "moved": "the greatest distance of the shown code from the one that the step began with",
    "pinned": "1 if an example is pinned that was not when the step began, else 0",
    "label.": "1 if the pinned example is of this class, else 0",
    "rate": "rate of the pinned example, in nats",
    "distortion": "distortion of the pinned example, in nats",
    "selected": "how many examples are selected",
    "purity": "percentage of the most frequent class among the selected examples",
    "drawn": "1 if a drawing or an upload is encoded, else 0",
    "reads.": "how many of the ten codes nearest to the drawing's mean are of this class",
    "drawing.agreement": "the most votes that one class has near the drawing's mean",
    "drawing.rate": "KL from the drawing's posterior to a standard normal, in nats",
    "given.": "1 if the decoder is given this label, else 0",
    "labels": "how many labels the decoder has been given since the step began",
    "training.epoch": "finished epochs of the training in the page",
    "training.rate": "rate of the training in the page, in nats",
    "training.distortion": "distortion of the training in the page, in nats",
    "training.elbo": "ELBO of the training in the page, in nats; higher is better",
    "training.beta": "weight of the rate in the training in the page",
    "training.kl": "1 if the training in the page has its KL, 0 if it was removed",
    "training.sampling": "1 if the training in the page samples z, 0 if it takes the mean",
}

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
_TIME = re.compile(r"\d{1,3} minutes?")
_FRONT = ("title", "about", "time", "needs", "order")
_OPTIONAL = ("order", "needs")
_CONDITION = re.compile(r"([a-z]+(?:\.[A-Za-z0-9_-]+)?)\s*(<=|>=|<|>|=)\s*(-?\d+(?:\.\d+)?)")
_CHOICE = re.compile(r"- \((x| )\) (.+?) \| (.+)")
_PLACEHOLDER = re.compile(r"\{\{([^{}]*)\}\}")
_QUANTITY = re.compile(r"(?:([A-Za-z0-9][A-Za-z0-9._-]*):)?([a-z][a-z0-9_]*)")


@dataclass(frozen=True)
class Condition:
    """One comparison of a task: a fact, what it is of (a class or a number), and its bound."""

    fact: str
    of: str | None
    operator: Operator
    value: float


@dataclass(frozen=True)
class Task:
    """What to do in a step, which the page recognises as done when all conditions hold."""

    text: str
    conditions: tuple[Condition, ...]
    hint: str | None
    line: int


@dataclass(frozen=True)
class Choice:
    """An answer of a question, whether it is right, and what is said to who chooses it."""

    text: str
    right: bool
    reply: str


@dataclass(frozen=True)
class Question:
    """A question with its answers."""

    text: str
    choices: tuple[Choice, ...]


@dataclass(frozen=True)
class Step:
    """A step of a lesson.

    Attributes
    ----------
    title, text : str
        The text is Markdown, with formulas between dollar signs.
    page : str
        Name of a page of the app.
    parameters : mapping of str to str
        URL parameters of the page.
    show : tuple of str
        Controls and panels of the page that are shown; all others are hidden.
    task : Task or None
    question : Question or None
    line : int
        Line of the step's heading, from 1; `view_line` and `show_line` likewise.
    """

    title: str
    page: str
    parameters: Mapping[str, str]
    show: tuple[str, ...]
    text: str
    task: Task | None
    question: Question | None
    line: int
    view_line: int
    show_line: int


@dataclass(frozen=True)
class Lesson:
    """A lesson: its name in a link, what its list says of it, and its steps."""

    name: str
    title: str
    about: str
    time: str
    needs: tuple[str, ...]
    order: int
    steps: tuple[Step, ...]
    file: str


class _Lines:
    """The lines of a file, and errors that name one of them."""

    def __init__(self, text: str, file: str) -> None:
        self.lines = text.splitlines()
        self.file = file

    def error(self, line: int, sentence: str) -> LessonError:
        return error_at(self.file, line, sentence)

    def setting(self, line: int) -> tuple[str, str]:
        """Read "name: value" from a line, counted from 1."""
        name, colon, value = self.lines[line - 1].partition(":")
        if not colon or not value.strip():
            shown = self.lines[line - 1].strip()
            raise self.error(line, f"{shown!r} is no setting; write one as “name: value”")
        return name.strip(), value.strip()


def error_at(file: str, line: int, sentence: str) -> LessonError:
    """Return an error of a line of a lesson's file."""
    return LessonError(f"{file}, line {line}: {sentence}.")


def parse(text: str, name: str, *, file: str | None = None) -> Lesson:
    """Read a lesson.

    Parameters
    ----------
    text : str
        Content of the file.
    name : str
        Name of the lesson in a link: the file's name without ``.md``.
    file : str, optional
        What errors call the file; by default the name with ``.md``.

    Raises
    ------
    LessonError
        If the text breaks a rule of the format; the sentence names the line.
    """
    source = _Lines(text, file or f"{name}.md")
    if not _NAME.fullmatch(name):
        raise source.error(1, f"a lesson's name is of a–z, 0–9 and hyphens, not {name!r}")
    front, end = _read_front(source)
    if not _TIME.fullmatch(front["time"][0]):
        raise source.error(front["time"][1], "time is written like “10 minutes”")
    order, order_line = front.get("order", ("1000", 1))
    if not order.isdecimal():
        raise source.error(order_line, f"order is a whole number, not {order!r}")
    headings = [i + 1 for i in range(end, len(source.lines)) if source.lines[i].startswith("## ")]
    before = [i + 1 for i in range(end, (headings or [len(source.lines) + 1])[0] - 1)]
    for line in before:
        if source.lines[line - 1].strip():
            raise source.error(line, "text before the first step; a step begins with “## Title”")
    if not 1 <= len(headings) <= MAX_STEPS:
        raise source.error(end, f"a lesson has 1 to {MAX_STEPS} steps, this one {len(headings)}")
    ends = [*(line - 1 for line in headings[1:]), len(source.lines)]
    steps = tuple(_read_step(source, a, b) for a, b in zip(headings, ends, strict=True))
    return Lesson(
        name=name,
        title=front["title"][0],
        about=front["about"][0],
        time=front["time"][0],
        needs=_listed(front.get("needs", ("", 1))[0]),
        order=int(order),
        steps=steps,
        file=source.file,
    )


def _listed(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _read_front(source: _Lines) -> tuple[dict[str, tuple[str, int]], int]:
    """Read the settings between the two lines "---", with their lines; return the last line."""
    if not source.lines or source.lines[0].strip() != "---":
        raise source.error(1, "a lesson begins with a line “---” and its settings")
    found: dict[str, tuple[str, int]] = {}
    for line in range(2, len(source.lines) + 1):
        if source.lines[line - 1].strip() == "---":
            for name in _FRONT:
                if name not in found and name not in _OPTIONAL:
                    raise source.error(line, f"the setting {name!r} is missing")
            return found, line
        name, value = source.setting(line)
        if name not in _FRONT:
            raise source.error(line, f"unknown setting {name!r}; allowed: {', '.join(_FRONT)}")
        if name in found:
            raise source.error(line, f"the setting {name!r} is there twice")
        found[name] = (value, line)
    raise source.error(len(source.lines), "the settings end with a line “---”, which is missing")


def _read_step(source: _Lines, first: int, last: int) -> Step:
    """Read the step between two lines, the first of which is its heading."""
    settings: dict[str, tuple[str, int]] = {}
    line = first + 1
    while line <= last and source.lines[line - 1].strip():
        name, value = source.setting(line)
        if name not in ("view", "show"):
            raise source.error(line, f"unknown setting {name!r}; allowed: view, show")
        settings[name] = (value, line)
        line += 1
    for name in ("view", "show"):
        if name not in settings:
            raise source.error(first, f"the step has no line “{name}: …” below its heading")
    page, parameters = _read_view(source, *settings["view"])
    text: list[str] = []
    task, question = None, None
    while line <= last:
        if source.lines[line - 1].startswith("task:"):
            if task:
                raise source.error(line, "a step has one task at most")
            task, line = _read_task(source, line, last)
        elif source.lines[line - 1].startswith("question:"):
            if question:
                raise source.error(line, "a step has one question at most")
            question, line = _read_question(source, line, last)
        else:
            if (task or question) and source.lines[line - 1].strip():
                raise source.error(line, "text after the task or the question of a step")
            _check_line(source, line)
            text.append(source.lines[line - 1])
            line += 1
    body = "\n".join(text).strip()
    if not body:
        raise source.error(first, "the step has no text")
    return Step(
        title=source.lines[first - 1][3:].strip(),
        page=page,
        parameters=parameters,
        show=_listed(settings["show"][0]),
        text=body,
        task=task,
        question=question,
        line=first,
        view_line=settings["view"][1],
        show_line=settings["show"][1],
    )


def _check_line(source: _Lines, line: int) -> None:
    text = source.lines[line - 1]
    if re.match(r"(done|hint|view|show):", text):
        raise source.error(line, f"{text.split(':')[0]!r} stands in the text of the step")
    if re.match(r"#+ ", text):
        raise source.error(line, "the text of a step has no headings but its own, “## Title”")
    for inner in _PLACEHOLDER.findall(text):
        if not _QUANTITY.fullmatch(inner):
            raise source.error(
                line, f"{{{{{inner}}}}} is no quantity, such as {{{{mnist-2d:rate}}}}"
            )


def _read_view(source: _Lines, text: str, line: int) -> tuple[str, dict[str, str]]:
    page, _, query = text.partition("?")
    try:
        pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query))
    except ValueError:
        raise source.error(line, f"{query!r} are no URL parameters, such as z=1,0&n=20") from None
    if len(dict(pairs)) < len(pairs):
        raise source.error(line, "a parameter of the view is there twice")
    return page, dict(pairs)


def _read_task(source: _Lines, line: int, last: int) -> tuple[Task, int]:
    first, settings = line, {}
    while line <= last and source.lines[line - 1].strip():
        name, value = source.setting(line)
        if name not in ("task", "done", "hint") or name in settings:
            raise source.error(line, "a task has the lines “task:”, “done:” and, if any, “hint:”")
        settings[name] = (value, line)
        line += 1
    if "done" not in settings:
        raise source.error(first, "the task has no line “done: …” with its conditions")
    conditions = tuple(
        _read_condition(source, part.strip(), settings["done"][1])
        for part in settings["done"][0].split(" and ")
    )
    hint = settings["hint"][0] if "hint" in settings else None
    return Task(settings["task"][0], conditions, hint, first), line


def _read_condition(source: _Lines, text: str, line: int) -> Condition:
    match = _CONDITION.fullmatch(text)
    if match is None:
        raise source.error(line, f"{text!r} is no condition, such as rate < 5 or votes.4 >= 3")
    name, operator, value = match.groups()
    fact, _, of = name.partition(".")
    if name in FACTS:
        return Condition(name, None, operator, float(value))  # type: ignore[arg-type]
    if of and f"{fact}." in FACTS:
        return Condition(f"{fact}.", of, operator, float(value))  # type: ignore[arg-type]
    known = ", ".join(f"{one}…" if one.endswith(".") else one for one in FACTS)
    raise source.error(line, f"unknown fact {name!r}; known: {known}")


def _read_question(source: _Lines, line: int, last: int) -> tuple[Question, int]:
    first, (_, text) = line, source.setting(line)
    choices = []
    line += 1
    while line <= last and source.lines[line - 1].strip():
        match = _CHOICE.fullmatch(source.lines[line - 1].strip())
        if match is None:
            raise source.error(line, "an answer is “- ( ) text | reply”, the right one “- (x) …”")
        choices.append(Choice(match[2].strip(), match[1] == "x", match[3].strip()))
        line += 1
    if len(choices) < MIN_CHOICES or sum(choice.right for choice in choices) != 1:
        raise source.error(first, "a question has at least two answers, of which one is right")
    return Question(text, tuple(choices)), line


def quantities(text: str) -> list[tuple[str | None, str]]:
    """Return the quantities that a text quotes as ``{{model:metric}}`` or ``{{metric}}``.

    Returns
    -------
    list of (str or None, str)
        The model, None for the one of the step, and the metric's name in its card.
    """
    matches = (_QUANTITY.fullmatch(inner) for inner in _PLACEHOLDER.findall(text))
    return [(match[1], match[2]) for match in matches if match]


def fill(text: str, values: Mapping[tuple[str | None, str], str]) -> str:
    """Return a text with its quantities replaced by their values."""

    def value(match: re.Match[str]) -> str:
        found = _QUANTITY.fullmatch(match[1])
        return values[found[1], found[2]] if found else match[0]

    return _PLACEHOLDER.sub(value, text)


def folders() -> tuple[Path, ...]:
    """Return the folders of lessons: the project's, and the one of ``VAE_LESSONS_DIR``."""
    own = os.environ.get(ENVIRONMENT_VARIABLE)
    return (LESSONS, *([Path(own).expanduser()] if own else []))


def files() -> dict[str, Path]:
    """Return the lessons' files by name; one of the own folder replaces one of the same name."""
    return {
        path.stem: path
        for folder in folders()
        if folder.is_dir()
        for path in sorted(folder.glob("*.md"))
        if path.stem != "README"
    }


def read(path: Path) -> Lesson:
    """Read a lesson's file.

    Raises
    ------
    LessonError
        If the file cannot be read or breaks a rule; the sentence names the file and the line.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise error_at(path.name, 1, f"a lesson has at most {MAX_BYTES:,} bytes")
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise error_at(path.name, 1, f"the file cannot be read: {error}") from error
    return parse(text, path.stem, file=path.name)
