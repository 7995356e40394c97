"""The list of lessons, and one of them as a worksheet."""

import streamlit as st

from app import state
from app.resources import lessons
from app.views.learn import worksheet
from app.widgets import lesson
from vae_core.lessons import Lesson


def show() -> None:
    """Show the lessons to choose from, or the worksheet that the state names."""
    sheet = state.current().sheet
    if sheet is not None:
        found = lessons.find(sheet)
        if found is not None:
            worksheet.show(found)
            return
        state.notify(f"There is no lesson {sheet!r}. The list below has all.")
        state.update(sheet=None)
        st.rerun()
    catalogue = lessons.catalogue()
    open_to_start = (
        found
        for found in catalogue.lessons.values()
        if not (lessons.missing(found) or lesson.reached(found))
    )
    first = next(open_to_start, None)
    with st.container(key="lessons"):
        for found in catalogue.lessons.values():
            _show_one(found, is_next=found is first)
    for error in catalogue.errors:
        st.error(error)


def _show_one(found: Lesson, *, is_next: bool) -> None:
    """Show a lesson with its length, what it needs, and how far the visitor has come."""
    missing = lessons.missing(found)
    with st.container(border=True, key=f"lesson-{found.name}"):
        st.markdown(f"**{found.title}**  \n{found.about}")
        facts = [found.time, f"{len(found.steps)} steps"]
        if missing:
            facts.append(f"not on this host: {', '.join(missing)}")
        elif reached := lesson.reached(found):
            facts.append(reached)
        st.caption(" · ".join(facts))
        with st.container(horizontal=True):
            st.button(
                "Start",
                on_click=lesson.open_step,
                args=(found.name, 1),
                disabled=bool(missing),
                type="primary" if is_next else "secondary",
                key=f"w-start-{found.name}",
            )
            st.button(
                "Worksheet",
                help="All steps on paper, with room to answer",
                on_click=state.update,
                kwargs={"sheet": found.name},
                key=f"w-sheet-{found.name}",
            )
