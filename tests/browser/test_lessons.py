"""Lessons in a real browser: every one from its first step to its last, with its tasks done."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from serving import ROOT
from visitor import FAILED, MAP, PICTURE, Visitor
from walking import DONE, READ, Walker, settle

from app.resources import library
from app.resources.lessons import state_of
from vae_core import lessons
from vae_core.data import load_dataset

pytestmark = pytest.mark.browser

SCRIPT = ROOT / "app" / "main.py"
NAMES = sorted(path.stem for path in lessons.LESSONS.glob("*.md"))
#: Codes of mnist-2d among 0s, 1s, 2s, 6s, 7s and 5s.
DENSE = [(0.9, -1.4), (-1.5, 1.0), (-1.3, -1.0), (0.0, -0.7), (1.4, 1.2), (-0.2, 1.6)]

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
    somebody.page.get_by_role("heading", name="Learn", exact=True).wait_for()
    tasks = sum(step.task is not None for step in lesson.steps)
    somebody.page.get_by_text(f"{tasks} of {tasks} tasks done").wait_for()


def tap_classes(somebody: Visitor) -> None:
    """Tap two places of the map to see where its codes are, then places of several classes."""

    def tap(*place: float) -> list[float]:
        somebody.page.touchscreen.tap(*place)
        settle(somebody)
        found: list[float] = somebody.page.evaluate(READ)["z"]
        return found

    places = [somebody.on_map(0.2, 0.25), somebody.on_map(0.8, 0.6)]
    codes = [tap(*place) for place in places]
    for z in DENSE:
        share = [(z[k] - codes[0][k]) / (codes[1][k] - codes[0][k]) for k in (0, 1)]
        tap(*(places[0][k] + share[k] * (places[1][k] - places[0][k]) for k in (0, 1)))


@pytest.mark.parametrize("name", ["latent-space", "handwriting"])
def test_a_lesson_is_walked_by_touch(visitor: Enter, name: str) -> None:
    """At 400 px the sheet leaves the picture free, folds, and tasks are done with a finger."""
    lesson = lessons.read(lessons.LESSONS / f"{name}.md")
    somebody = visitor("phone")
    somebody.page.goto(f"{somebody.address}/?lesson={name}")
    reach(somebody, lesson, 1)
    fits = "document.querySelector('[data-testid=stMain]').scrollWidth <= 400"
    assert somebody.page.evaluate(fits)
    sheet = somebody.page.locator(".st-key-lesson")
    tall = sheet.bounding_box()["height"]
    assert tall <= 0.45 * 800
    somebody.page.get_by_role("button", name="Text").tap()
    assert somebody.eventually(lambda: sheet.bounding_box()["height"] < tall - 60)
    if name == "latent-space":
        picture = somebody.page.locator(PICTURE).bounding_box()
        assert picture["y"] + picture["height"] <= sheet.bounding_box()["y"]
        somebody.find(MAP).scroll_into_view_if_needed()
        tap_classes(somebody)
    else:
        somebody.find(".lx-sheet").scroll_into_view_if_needed()
        somebody.touch(".lx-sheet", "touchStart", (0.5, 0.2))
        for step in range(6):
            somebody.touch(".lx-sheet", "touchMove", (0.5, 0.2 + 0.1 * step))
        somebody.touch(".lx-sheet", "touchEnd")
    somebody.page.locator(DONE).wait_for()
    settle(somebody)
    somebody.page.get_by_role("button", name="Next").tap()
    somebody.page.get_by_role("button", name="Text").tap()
    reach(somebody, lesson, 2)


def test_arrow_keys_step_unless_the_map_takes_them(visitor: Enter) -> None:
    """Right and left lead to the next step and back; on the map they move the code."""
    lesson = lessons.read(lessons.LESSONS / "latent-space.md")
    somebody = visitor()
    somebody.page.goto(f"{somebody.address}/?lesson=latent-space")
    reach(somebody, lesson, 1)
    somebody.key("ArrowRight")
    reach(somebody, lesson, 2)
    somebody.find(MAP).focus()
    somebody.key("ArrowRight")
    assert somebody.eventually(lambda: "z = (0.00, 0.00)" not in somebody.caption())
    somebody.quiet()
    reach(somebody, lesson, 2)
    somebody.page.evaluate("document.activeElement.blur()")
    somebody.key("ArrowLeft")
    reach(somebody, lesson, 1)


def test_the_numbers_of_the_method_are_those_of_the_model(visitor: Enter) -> None:
    """Rate and distortion equal PyTorch's for the drawn z, and follow the pointer."""
    somebody = visitor()
    somebody.page.goto(f"{somebody.address}/learn?section=method&model=digits-2d&id=1242")
    values = somebody.page.locator(".lx-method-value output")
    table = somebody.page.locator(".st-key-method-noise tbody td")
    assert somebody.eventually(lambda: values.count() == 3 and table.count() == 4)
    assert somebody.eventually(lambda: "nats" in values.nth(2).inner_text())
    settle(somebody)

    def read(where: Any, at: int) -> float:
        return float(where.nth(at).inner_text().removesuffix(" nats").replace("−", "-"))

    opened = library.open_model("digits-2d")
    digits = load_dataset("digits").test
    x = digits.images[digits.ids == 1242].float() / 255
    q = opened.model.encode(x)
    z = torch.tensor([[read(table, 1), read(table, 3)]])
    eps = torch.tensor([[read(table, 0), read(table, 2)]])
    torch.testing.assert_close(z, q.mu + torch.exp(0.5 * q.logvar) * eps, rtol=0, atol=5e-3)
    rate, distortion, loss = (read(values, at) for at in range(3))
    assert abs(rate - q.kl_per_dim().sum().item()) < 0.02
    assert abs(distortion + opened.model.decode(z).log_prob(x).item()) < 0.1
    assert abs(loss - rate - distortion) < 0.011
    somebody.move(0.9, 0.9)
    assert somebody.eventually(lambda: abs(read(values, 2) - loss) > 1)


def test_a_newcomer_is_offered_to_learn_once(visitor: Enter) -> None:
    """The first visit of a browser has one line, which leads to a lesson; the next has none."""
    somebody = visitor(alone=True)
    somebody.open("explore")
    offer = somebody.page.get_by_role("link", name="Take the first lesson")
    offer.wait_for()
    somebody.open("explore")
    assert offer.count() == 0
