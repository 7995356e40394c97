"""The lessons: read once for each version of their files, and checked against the app."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from app import address, parts, words
from app.address import State
from app.resources import library
from vae_core import lessons
from vae_core.errors import LatentExplorerError, LessonError
from vae_core.lessons import Lesson, Step

#: Parameters that a step's view cannot set, since the lesson does.
_OWN = ("lesson", "step", "sheet")


@dataclass(frozen=True)
class Catalogue:
    """The lessons by name in the order of their list, and what is wrong with other files."""

    lessons: Mapping[str, Lesson]
    errors: tuple[str, ...]


def catalogue() -> Catalogue:
    """Return all lessons; a file that breaks a rule is an error with its line, not a lesson."""
    files = lessons.files().values()
    return _catalogue(tuple((path, path.stat().st_mtime_ns) for path in files if path.exists()))


@st.cache_resource(show_spinner=False, max_entries=4)
def _catalogue(files: tuple[tuple[Path, int], ...]) -> Catalogue:
    found, errors = [], []
    for path, _ in files:
        try:
            lesson = lessons.read(path)
            check(lesson)
        except LessonError as error:
            errors.append(str(error))
        else:
            found.append(lesson)
    found.sort(key=lambda one: (one.order, one.title))
    return Catalogue({one.name: one for one in found}, tuple(errors))


def find(name: str) -> Lesson | None:
    """Return a lesson by its name in a link, or None without one."""
    return catalogue().lessons.get(name)


def check(lesson: Lesson) -> None:
    """Check the views, panels and quantities of a lesson's steps.

    Raises
    ------
    LessonError
        If a page, parameter, panel or quantity does not exist; the sentence names the line.
    """
    for step in lesson.steps:
        if step.page not in parts.PARTS:
            allowed = ", ".join(parts.PARTS)
            raise _error(lesson, step.view_line, f"no page {step.page!r}; pages: {allowed}")
        allowed_names = {one.parameter for one in address.FIELDS.values()} - set(_OWN)
        for name in step.parameters:
            if name not in allowed_names:
                known = ", ".join(sorted(allowed_names))
                raise _error(lesson, step.view_line, f"no parameter {name!r}; known: {known}")
        _, notices = address.parse(step.parameters)
        if notices:
            raise _error(lesson, step.view_line, notices[0].rstrip("."))
        if unknown := parts.unknown(step.page, step.show):
            known = ", ".join([*parts.PARTS[step.page], parts.EVERYTHING])
            raise _error(
                lesson, step.show_line, f"{step.page} has no {unknown[0]!r}; it has {known}"
            )
        for model in models(step):
            if lesson.needs and model not in lesson.needs:
                sentence = f"the step opens {model!r}, which “needs” does not name"
                raise _error(lesson, step.view_line, sentence)


def _error(lesson: Lesson, line: int, sentence: str) -> LessonError:
    return lessons.error_at(lesson.file, line, sentence)


def state_of(lesson: Lesson, step: int) -> State:
    """Return the state of the app in a step, counted from 1."""
    parsed, _ = address.parse(
        {**lesson.steps[step - 1].parameters, "lesson": lesson.name, "step": str(step)}
    )
    return parsed


def models(step: Step) -> list[str]:
    """Return the models that a step opens or quotes."""
    shown, _ = address.parse(step.parameters)
    quoted = [model for model, _ in lessons.quantities(step.text) if model]
    second = [shown.other] if shown.other else []
    return list(dict.fromkeys([shown.model, *second, *quoted]))


def missing(lesson: Lesson) -> list[str]:
    """Return the models that a lesson needs and this host does not have."""
    return [name for name in lesson.needs if not _exists(name)]


def _exists(name: str) -> bool:
    try:
        library.card(name)
    except LatentExplorerError:
        return False
    return True


def fill(text: str, model: str) -> str:
    """Return a text with its quantities filled in from the models' cards."""
    quoted = lessons.quantities(text)
    return lessons.fill(text, {one: _quantity(one[0] or model, one[1]) for one in quoted})


def _quantity(model: str, name: str) -> str:
    try:
        card = library.card(model)
    except LatentExplorerError:
        return f"(no model {model})"
    if name == "latent_dim":
        return str(card.model.latent_dim)
    metric = card.metrics.get(name)
    if metric is None:
        return f"({model} has no {name})"
    shown = words.find(name).sign * metric.value
    if metric.unit == "share":
        return f"{shown:.0%}"
    digits = 0 if float(shown).is_integer() else 1
    nats = " nats" if metric.unit == "nats" else ""
    return f"{words.number(shown, digits)}{nats}"


def quoted_names(steps: Iterable[Step]) -> list[tuple[str, str]]:
    """Return the models and metrics that the texts of some steps quote."""
    return [
        (model or address.parse(step.parameters)[0].model, name)
        for step in steps
        for model, name in lessons.quantities(step.text)
    ]
