"""Lessons in a real browser: every one from its first step to its last, with its tasks done."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from serving import ROOT
from visitor import FAILED, Visitor
from walking import DONE, Walker, settle

from app.resources import library
from app.resources.lessons import state_of
from vae_core import lessons

pytestmark = pytest.mark.browser

SCRIPT = ROOT / "app" / "main.py"
NAMES = sorted(path.stem for path in lessons.LESSONS.glob("*.md"))

Enter = Callable[..., Visitor]


def reach(somebody: Visitor, lesson: lessons.Lesson, number: int) -> None:
    """Wait until a step is there with its text, and everything that it shows has been drawn."""
    somebody.page.get_by_text(f"{number} of {len(lesson.steps)}", exact=True).wait_for()
    title = lesson.steps[number - 1].title
    somebody.page.get_by_role("heading", name=title, exact=True).first.wait_for()
    settle(somebody)
    assert not somebody.page.locator(FAILED).count()


@pytest.mark.parametrize("name", NAMES)
def test_a_lesson_is_walked_from_the_first_step_to_the_last(visitor: Enter, name: str) -> None:
    """Each task is open at first, and ticked when it was done; the right answer is told to be."""
    lesson = lessons.read(lessons.LESSONS / f"{name}.md")
    somebody = visitor()
    somebody.page.goto(f"{somebody.address}/?lesson={name}")
    for number, step in enumerate(lesson.steps, 1):
        reach(somebody, lesson, number)
        if step.task:
            assert not somebody.page.locator(DONE).count(), (number, "is done before it began")
            shown = state_of(lesson, number)
            Walker(somebody, library.open_model(shown.model), step, shown).do()
        if step.question:
            right = next(choice for choice in step.question.choices if choice.right)
            question = somebody.page.get_by_role("group", name=step.question.text)
            question.get_by_role("button", name=right.text, exact=True).click()
            somebody.page.get_by_text(f"✓ {right.reply}", exact=True).wait_for()
        settle(somebody)
        last = number == len(lesson.steps)
        somebody.button("Finish" if last else "Next").click()
    somebody.page.get_by_role("heading", name="Lessons", exact=True).wait_for()
    tasks = sum(step.task is not None for step in lesson.steps)
    somebody.page.get_by_text(f"{tasks} of {tasks} tasks done").wait_for()
