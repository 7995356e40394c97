"""The Learn page."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from app import address, parts
from app.resources import library
from app.resources.lessons import catalogue, check, missing, quoted_names, state_of
from app.views.learn import method
from vae_core import lessons


@pytest.mark.parametrize("section", address.SECTIONS)
def test_each_section_of_the_learn_page_opens_by_its_address(
    open_page: Callable[..., AppTest], section: str
) -> None:
    """The three sections open without an exception or a notice, and show what they are about."""
    page = open_page("learn", model="digits-2d", section=section)
    assert not page.exception
    assert not page.warning
    assert page.title[0].value == "Learn"
    assert page.get({"lessons": "button", "method": "latex", "training": "bidi_component"}[section])
    assert page.button_group[0].value == section


ROOT = Path(__file__).parents[3]
APP = ROOT / "app"
LESSONS = sorted(path.stem for path in lessons.LESSONS.glob("*.md"))


def test_there_are_lessons_without_errors() -> None:
    """Each file in lessons/ is a lesson whose views, panels and quantities exist."""
    found = catalogue()
    assert found.errors == ()
    assert sorted(found.lessons) == LESSONS
    for lesson in found.lessons.values():
        check(lesson)
        assert missing(lesson) == []
        assert 5 <= int(lesson.time.split()[0]) <= 15
        for model, name in quoted_names(lesson.steps):
            assert name == "latent_dim" or name in library.card(model).metrics, (lesson.name, name)


def test_every_step_of_every_lesson_fits_its_model() -> None:
    """The state that a step opens has no value that its model ignores, and its link restores it."""
    for lesson in catalogue().lessons.values():
        for number, step in enumerate(lesson.steps, 1):
            shown = state_of(lesson, number)
            facts = library.open_model(shown.model).facts
            assert address.fit(shown, facts) == (shown, []), (lesson.name, step.title)
            assert address.parse(address.to_parameters(shown)) == (shown, [])


def parameters(page: AppTest) -> dict[str, str]:
    """Return the address that a page wrote."""
    return {
        name: value if isinstance(value, str) else value[-1]
        for name, value in page.query_params.items()
    }


def test_a_link_opens_a_step_as_it_begins(no_data: Path) -> None:
    """Without a model in the address, the step's page and state are opened, and its text shown."""
    lesson = lessons.read(lessons.LESSONS / "latent-space.md")
    page = AppTest.from_file(str(APP / "navigation.py"), default_timeout=30)
    page.query_params.update({"lesson": lesson.name, "step": "2"})
    page.run()
    assert not page.exception
    assert not page.warning
    assert lesson.steps[1].title in [one.value for one in page.subheader]
    assert page.title[0].value == "Explore"
    assert parameters(page) == address.to_parameters(state_of(lesson, 2))


def test_a_link_with_a_model_opens_what_was_shown(open_page: Callable[..., AppTest]) -> None:
    """A copied link restores the point that was pinned in a step, not the step's beginning."""
    page = open_page("explore", lesson="latent-space", model="mnist-2d", z="1,-1")
    assert not page.exception
    assert parameters(page)["z"] == "1,-1"
    first = lessons.read(lessons.LESSONS / "latent-space.md").steps[0]
    assert first.title in [one.value for one in page.subheader]
    page.button(key="w-lesson-reset").click().run()
    assert "z" not in parameters(page)
    page.button(key="w-lesson-leave").click().run()
    assert "lesson" not in parameters(page)


def test_a_lesson_that_does_not_exist_is_told(open_page: Callable[..., AppTest]) -> None:
    """Its name is in a notice, and the page is as without it; a step too far is the last."""
    page = open_page("explore", lesson="nothing")
    assert "There is no lesson 'nothing'" in page.warning[0].value
    assert "lesson" not in parameters(page)
    page = open_page("explore", lesson="latent-space", step="99")
    assert "this is the last one" in page.warning[0].value


def test_a_teachers_lesson_is_listed_and_its_errors_are_told_by_line(
    open_page: Callable[..., AppTest], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A further folder adds lessons; a view, panel or parameter that does not exist has a line."""
    monkeypatch.setenv(lessons.ENVIRONMENT_VARIABLE, str(tmp_path))
    text = (lessons.LESSONS / "latent-space.md").read_text(encoding="utf-8")
    (tmp_path / "mine.md").write_text(text.replace("What is", "My own:"), encoding="utf-8")
    for name, old, new in [
        ("page", "view: explore?model=mnist-2d", "view: explorer"),
        ("parameter", "view: explore?model=mnist-2d", "view: explore?zoom=2"),
        ("value", "view: explore?model=mnist-2d", "view: explore?colour=red"),
        ("panel", "show: map, picture", "show: map, photo"),
        ("model", "needs: mnist-2d", "needs: digits-2d"),
    ]:
        (tmp_path / f"{name}.md").write_text(text.replace(old, new, 1), encoding="utf-8")
    page = open_page("learn", model="digits-2d")
    assert not page.exception
    assert any("My own: a latent space?" in one.value for one in page.markdown)
    told = " ".join(one.value for one in page.error)
    line = 1 + text[: text.index("view:")].count("\n")
    for name, at, says in [
        ("page", line, "no page 'explorer'"),
        ("parameter", line, "no parameter 'zoom'"),
        ("value", line, "Allowed: label, rate"),
        ("panel", line + 1, "explore has no 'photo'"),
        ("model", line, "'mnist-2d', which “needs” does not name"),
    ]:
        assert f"{name}.md, line {at}: " in told
        assert says in told


def test_a_worksheet_has_every_step_with_room_to_answer(open_page: Callable[..., AppTest]) -> None:
    """All texts, tasks and choices are there, and no reply that would tell the answer."""
    lesson = lessons.read(lessons.LESSONS / "latent-space.md")
    page = open_page("learn", sheet=lesson.name)
    assert not page.exception
    said = " ".join(one.value for one in [*page.markdown, *page.subheader])
    for number, step in enumerate(lesson.steps, 1):
        assert f"{number}. {step.title}" in said
        assert step.task is None or step.task.text in said
        for choice in step.question.choices if step.question else ():
            assert choice.text in said
            assert choice.reply not in said


def test_the_method_shows_the_code_that_runs(open_page: Callable[..., AppTest]) -> None:
    """Each step quotes lines of vae_core as they are in its files; each has its formula."""
    page = open_page("learn", section="method")
    assert not page.exception
    assert len(page.latex) == len(method.STEPS) == 6
    shown = [one.value for one in page.code]
    assert len(shown) == sum(len(step.code) for step in method.STEPS)
    source = (ROOT / "vae_core/models/distributions.py").read_text(encoding="utf-8")
    line = "return self.mu + torch.exp(0.5 * self.logvar) * eps"
    assert line in source
    assert any(line in code for code in shown)


def test_the_example_of_the_documentation_is_a_lesson() -> None:
    """docs/lessons.md shows a lesson that opens, and names every panel, page and fact."""
    text = (ROOT / "docs/lessons.md").read_text(encoding="utf-8")
    found = re.search(r"```markdown lesson=(\w+)\n(.*?)```", text, re.DOTALL)
    assert found
    lesson = lessons.parse(found[2], found[1])
    check(lesson)
    assert [step.page for step in lesson.steps] == ["explore", "explore"]
    named = set(re.findall(r"`([a-z0-9.]+)`", text))
    for page, panels in parts.PARTS.items():
        assert {page, *panels} <= named
    for fact in lessons.FACTS:
        named_like = [name for name in named if name.startswith(fact)]
        assert named_like if fact.endswith(".") else fact in named, fact
