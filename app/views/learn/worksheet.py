"""A lesson on paper: texts, pictures and room to answer."""

from collections.abc import Sequence

import numpy as np
import streamlit as st
import torch
from scipy.stats import norm

from app import state
from app.address import State
from app.components.printing import print_button
from app.figures import raster
from app.resources import examples, lessons, library
from app.resources.opened_model import Ids, Opened
from app.widgets import scenes, selection
from vae_core.lessons import Lesson, Question, Step, Task

#: Side of the manifold in cells, and of a picture in pixels.
CELLS, SIDE, MAP_SIDE = 12, 196, 800
#: Lines to write on, for a task and for a question's reason.
LINES = 3


def show(lesson: Lesson) -> None:
    """Show all steps of a lesson, ready to be printed."""
    with st.container(horizontal=True, vertical_alignment="center", key="sheet-head"):
        print_button("print")
        st.button("All lessons", on_click=state.update, kwargs={"sheet": None}, type="tertiary")
    with st.container(key="sheet"):
        st.header(lesson.title, anchor=False)
        st.caption(f"{lesson.about} {lesson.time}.")
        st.html('<p class="sheet-name">Name: <span></span> Date: <span></span></p>')
        for number, step in enumerate(lesson.steps, 1):
            with st.container(key=f"sheet-step-{number}"):
                _show_step(lesson, step, number)


def _show_step(lesson: Lesson, step: Step, number: int) -> None:
    shown = lessons.state_of(lesson, number)
    st.subheader(f"{number}. {step.title}", anchor=False)
    picture = picture_of(step, shown)
    left, right = st.columns([3, 1] if picture else [1, 0.001], gap="medium")
    with left:
        st.markdown(lessons.fill(step.text, shown.model))
        if step.task:
            _show_task(step.task)
        if step.question:
            _show_question(step.question)
    if picture:
        with right:
            st.image(picture[0], alt=picture[1], caption=picture[1])


def _show_task(task: Task) -> None:
    st.markdown(f"☐ **{task.text}**")
    _room(LINES)


def _show_question(question: Question) -> None:
    choices = "".join(f"  \n☐ {choice.text}" for choice in question.choices)
    st.markdown(f"**{question.text}**{choices}")
    _room(LINES - 1, "Because")


def _room(lines: int, word: str = "") -> None:
    """Leave lines to write on."""
    st.html(f'<div class="sheet-room"><i>{word}</i>{"<hr>" * lines}</div>')


def picture_of(step: Step, shown: State) -> tuple[bytes, str] | None:
    """Return the picture of a step with its description, or None where a step has none."""
    if step.page in ("train", "compare", "learn"):
        return None
    opened = library.open_model(shown.model)
    if step.page == "manifold" and opened.latent_dim == 2:
        return raster.to_png(_manifold(opened)), f"The manifold of {opened.name}"
    if step.page in ("explore", "decode") and shown.z is None and shown.pinned_id is None:
        projection = shown.projection or opened.facts.projections[0]
        labels = opened.codes.labels
        if labels is not None and projection != "3d":
            return _map(opened, labels.numpy(), projection), f"The map of {opened.name}"
    z = torch.from_numpy(scenes.pinned_z(opened, shown))[None]
    image = examples.decode(opened, z, scenes.pinned_y(opened, shown))[0]
    return raster.to_png(raster.picture(image, SIDE)), "The decoded image"


def _manifold(opened: Opened) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    quantiles = norm.ppf((np.arange(CELLS) + 0.5) / CELLS)
    rows: Sequence[tuple[float, float]] = [
        (float(x), float(y)) for y in quantiles[::-1] for x in quantiles
    ]
    images = examples.decode(opened, torch.tensor(rows, dtype=torch.float32))
    return raster.mosaic(images, CELLS)


def _map(opened: Opened, labels: Ids, projection: str) -> bytes:
    plane = projection if projection != "axes" else "axes-1-2"
    places = selection.coordinates(opened, plane)
    return raster.to_png(raster.scatter(places, labels, opened.class_names, MAP_SIDE))
