"""The open lesson, which stands beside every page."""

from collections.abc import Mapping

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from app import parts, state
from app.components import lesson as panel
from app.resources import lessons
from app.resources.opened_model import Opened
from app.widgets import scenes
from vae_core.lessons import Lesson, Step

#: Keys that no step hides: what is wrong, and the lesson itself.
KEPT = ("lesson", "notices", "heading", "following", "class-line", "class-corner", "present")


def open_step(name: str, step: int) -> None:
    """Open a step of a lesson with its page and state; past the last step, the list of lessons."""
    found = lessons.find(name)
    if found is None:
        return
    if step > len(found.steps):
        leave()
        state.update(section="lessons")
        state.remember("go-to", "learn")
        return
    state.replace_all(lessons.state_of(found, step))
    state.remember("go-to", found.steps[step - 1].page)


def leave() -> None:
    """Close the lesson; the page stays as it is."""
    state.update(lesson=None, step=1)


def current() -> tuple[Lesson, Step] | None:
    """Return the open lesson and its step, or None without one."""
    shown = state.current()
    found = None if shown.lesson is None else lessons.find(shown.lesson)
    return None if found is None else (found, found.steps[min(shown.step, len(found.steps)) - 1])


def enter(pages: Mapping[str, StreamlitPage], page: str) -> None:
    """Go to the page of the step that was opened; name a lesson that does not exist.

    A link that names a lesson and no model opens the step as it begins. Any other opens the page
    that it names, with what was shown there.
    """
    shown = state.current()
    if shown.lesson is not None:
        found = lessons.find(shown.lesson)
        if found is None:
            state.notify(f"There is no lesson {shown.lesson!r}. The Learn page lists all.")
            leave()
        elif shown.step > len(found.steps):
            state.notify(f"The lesson has {len(found.steps)} steps; this is the last one.")
            open_step(found.name, len(found.steps))
        elif state.came_without_model():
            open_step(found.name, shown.step)
    target = state.recall("go-to")
    state.remember("go-to", None)
    if target in pages and target != page:
        st.switch_page(pages[target])


def show(page: str, opened: Opened | None) -> None:
    """Show the step's text, task and question, and hide what the step does not need."""
    found = current()
    if found is None:
        return
    lesson, step = found
    number = lesson.steps.index(step) + 1
    with st.container(key="lesson"):
        _heading(lesson, step, number, page)
        st.markdown(lessons.fill(step.text, lessons.state_of(lesson, number).model))
        _panel(lesson, step, number, opened)
    if page == step.page:
        _hide_others(page, step)


def progress(lesson: str, step: int) -> dict[str, int | bool]:
    """Return what the visitor has done in a step: "done" and "answer", where there are any."""
    found: dict[str, int | bool] = state.recall("lessons", {}).get((lesson, step), {})
    return found


def reached(lesson: Lesson) -> str:
    """Say how many of a lesson's tasks the visitor has done; empty before the first."""
    tasks = [number for number, step in enumerate(lesson.steps, 1) if step.task]
    done = sum(bool(progress(lesson.name, number).get("done")) for number in tasks)
    return f"{done} of {len(tasks)} tasks done" if done else ""


def tasks_done() -> list[str]:
    """Return the tasks that the visitor has done, as "lesson/step"."""
    noted: dict[tuple[str, int], dict[str, int | bool]] = state.recall("lessons", {})
    return [f"{name}/{step}" for (name, step), values in noted.items() if values.get("done")]


def _note(lesson: str, step: int, **values: int | bool) -> None:
    noted = dict(state.recall("lessons", {}))
    noted[lesson, step] = {**noted.get((lesson, step), {}), **values}
    state.remember("lessons", noted)


def _heading(lesson: Lesson, step: Step, number: int, page: str) -> None:
    with st.container(horizontal=True, vertical_alignment="center", key="lesson-head"):
        st.caption(lesson.title, width="stretch")
        st.button(
            "Reset",
            help="Show the view that this step began with",
            on_click=open_step,
            args=(lesson.name, number),
            type="tertiary",
            key="w-lesson-reset",
        )
        st.button(
            "Leave",
            help="Close the lesson; the page stays as it is",
            on_click=leave,
            type="tertiary",
            key="w-lesson-leave",
        )
    st.subheader(step.title, anchor=False)
    if page != step.page:
        st.caption("This step is about another page: “Reset” goes there.")


def _panel(lesson: Lesson, step: Step, number: int, opened: Opened | None) -> None:
    noted = progress(lesson.name, number)
    answer = noted.get("answer")
    panel.lesson(
        "lesson-step",
        step=step,
        number=number,
        steps=len(lesson.steps),
        start=None if opened is None else scenes.build(*scenes.current()).z,
        codes=None if opened is None else opened.codes_address,
        classes=() if opened is None else opened.class_names,
        conditions=() if opened is None else opened.condition_names,
        done=bool(noted.get("done")),
        answer=None if answer is None else int(answer),
        on_step=lambda to: open_step(lesson.name, to),
        on_done=lambda: _note(lesson.name, number, done=True),
        on_answer=lambda chosen: _note(lesson.name, number, answer=chosen),
    )


def _hide_others(page: str, step: Step) -> None:
    """Hide all elements of the page outside the parts that the step shows."""
    keys = parts.keys(page, step.show)
    if keys is None:
        return
    shown = ", ".join(f".st-key-{key}" for key in (*keys, *KEPT))
    alert = '[data-testid="stAlert"], [data-testid="stException"]'
    inside = ", ".join(f".st-key-{key} *" for key in (*keys, *KEPT))
    main = '[data-testid="stMainBlockContainer"]'
    element = ':is([data-testid="stElementContainer"], [data-testid="stColumn"], '
    element += '[data-testid="stLayoutWrapper"])'
    rule = f"{main} {element}:not({shown}, {inside}, :has({shown}, {alert})) {{ display: none; }}"
    st.html(f"<style>{rule}</style>")
