"""The format of lessons, and its errors by line."""

from __future__ import annotations

from pathlib import Path

import pytest

from vae_core import lessons
from vae_core.errors import LessonError

LESSON = """---
title: A title
about: One sentence.
time: 5 minutes
needs: mnist-2d, mnist-20d
---

## First
view: explore?model=mnist-2d&z=1,-2
show: map, picture

A rate of {{rate}}, and of {{mnist-20d:rate}} with 20 dimensions.

task: Find one.
done: votes.4 >= 3 and rate < 5.5
hint: Left.

question: Which?
- ( ) This | No.
- (x) That | Yes: it is.

## Second
view: decode
show: everything

Text.
"""


def test_a_lesson_is_read() -> None:
    """Front matter, views, texts, tasks and questions arrive as they are written."""
    lesson = lessons.parse(LESSON, "a-lesson")
    assert (lesson.name, lesson.title, lesson.time) == ("a-lesson", "A title", "5 minutes")
    assert lesson.needs == ("mnist-2d", "mnist-20d")
    first, second = lesson.steps
    assert (first.title, first.page, first.show) == ("First", "explore", ("map", "picture"))
    assert first.parameters == {"model": "mnist-2d", "z": "1,-2"}
    assert first.task is not None
    assert first.task.hint == "Left."
    assert first.task.conditions == (
        lessons.Condition("votes.", "4", ">=", 3.0),
        lessons.Condition("rate", None, "<", 5.5),
    )
    assert first.question is not None
    assert [choice.right for choice in first.question.choices] == [False, True]
    assert first.question.choices[1].reply == "Yes: it is."
    assert (second.page, second.parameters, second.task) == ("decode", {}, None)
    values = {(None, "rate"): "7 nats", ("mnist-20d", "rate"): "23 nats"}
    assert lessons.quantities(first.text) == list(values)
    assert lessons.fill(first.text, values).startswith("A rate of 7 nats, and of 23 nats with")


@pytest.mark.parametrize(
    ("old", "new", "line", "says"),
    [
        ("---\ntitle", "title", 1, "begins with"),
        ("title: A title", "titel: A title", 2, "unknown setting 'titel'"),
        ("about: One sentence.", "about:", 3, "name: value"),
        ("time: 5 minutes", "time: soon", 4, "10 minutes"),
        ("needs: mnist-2d, mnist-20d", "title: again", 5, "twice"),
        ("about: One sentence.\n", "", 5, "'about' is missing"),
        ("\n## First", "Lost words\n## First", 7, "before the first step"),
        ("show: map, picture\n", "", 8, "show: …"),
        ("z=1,-2", "z", 9, "URL parameters"),
        ("show: map, picture", "sow: map", 10, "unknown setting 'sow'"),
        ("{{rate}}", "{{the rate}}", 12, "no quantity"),
        ("done: votes.4 >= 3 and rate < 5.5\n", "", 14, "done: …"),
        ("rate < 5.5", "rate is 5", 15, "'rate is 5' is no condition"),
        ("votes.4", "vote.4", 15, "unknown fact 'vote.4'"),
        ("- (x) That | Yes: it is.", "- (x) That", 20, "- ( ) text | reply"),
        ("(x)", "( )", 18, "one is right"),
        ("Text.\n", "\n", 22, "no text"),
        ("Text.", "### Text", 26, "headings"),
        ("hint: Left.\n", "hint: Left.\n\nMore.\n", 18, "after the task"),
    ],
)
def test_an_error_names_its_line(old: str, new: str, line: int, says: str) -> None:
    """Whatever breaks a rule is told with file, line and what is allowed."""
    assert LESSON.count(old) >= 1
    with pytest.raises(LessonError, match=rf"^a-lesson\.md, line {line}: ") as error:
        lessons.parse(LESSON.replace(old, new, 1), "a-lesson")
    assert says in str(error.value)


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    """Bytes that are no text, and a name that no link can hold, are errors and no faults."""
    (tmp_path / "odd.md").write_bytes(b"\xff\xfe")
    with pytest.raises(LessonError, match="cannot be read"):
        lessons.read(tmp_path / "odd.md")
    with pytest.raises(LessonError, match="a lesson's name is of"):
        lessons.parse(LESSON, "A Lesson")


def test_a_folder_of_ones_own_adds_and_replaces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """VAE_LESSONS_DIR adds its lessons to the project's; a README there is no lesson."""
    before = lessons.files()
    assert "latent-space" in before
    for name in ("mine.md", "latent-space.md", "README.md"):
        (tmp_path / name).write_text(LESSON, encoding="utf-8")
    monkeypatch.setenv(lessons.ENVIRONMENT_VARIABLE, str(tmp_path))
    after = lessons.files()
    assert after.keys() - before.keys() == {"mine"}
    assert after["latent-space"].parent == tmp_path
