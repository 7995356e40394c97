"""Lessons of a site: which ones it can have, and their pages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from vae_core import lessons
from vae_core.lessons import Lesson, Step
from vae_core.model_folder import AnyCard
from vae_core.site import texts

#: The parts of the app's pages that a page of a site shows (browser/site/stage.js).
PARTS: Mapping[str, tuple[str, ...]] = {
    "explore": ("map", "controls", "labels", "picture", "description", "selection", "neighbours"),
    "manifold": ("manifold", "caption", "plane", "labels", "picture", "map"),
    "decode": ("sliders", "map", "labels", "picture", "description", "rate"),
    "reconstruct": ("pad", "labels", "map", "result", "neighbours"),
    "morph": ("morph", "labels", "styles"),
    "learn": (
        "image", "encoder", "noise", "decoder", "terms", "objective", "map", "training",
    ),
}  # fmt: skip
#: A step that shows this shows all parts of its page.
EVERYTHING = "everything"
#: What parts that a site lacks are called.
_WORDS = {
    "chart": "the study's chart",
    "protocol": "the study's protocol",
    "verdicts": "the study's verdicts",
    "studies": "the list of studies",
    "warning": "the warning for drawings that may be no digit",
    "nearest": "the nearest training images",
    "source": "files and the camera",
    "files": "files and the camera",
}
#: The model of a step that names none, as in the app.
DEFAULT_MODEL = "mnist-2d"


def choose(found: Iterable[Lesson], models: Iterable[str]) -> tuple[list[Lesson], dict[str, str]]:
    """Return the lessons whose models a site has, and of the others why they are left out.

    Parameters
    ----------
    found
        Lessons.
    models
        Names of the site's models.

    Returns
    -------
    kept : list of Lesson
        In the order of the app.
    left_out : dict of str to str
        A sentence for each other lesson, by name.
    """
    names = set(models)
    kept, left_out = [], {}
    for lesson in sorted(found, key=lambda one: (one.order, one.title)):
        absent = [name for name in lesson.needs or _models(lesson) if name not in names]
        if absent:
            left_out[lesson.name] = f"needs {', '.join(absent)}"
        elif not any(shown(step) for step in lesson.steps):
            left_out[lesson.name] = "shows nothing that a page without a server can show"
        else:
            kept.append(lesson)
    return kept, left_out


def _models(lesson: Lesson) -> list[str]:
    """Return the models that a lesson's steps show or quote."""
    opened = filter(None, map(model_of, lesson.steps))
    quoted = [model for step in lesson.steps for model, _ in lessons.quantities(step.text) if model]
    return list(dict.fromkeys([*opened, *quoted]))


def shown(step: Step) -> tuple[str, ...]:
    """Return the parts of a step that a site shows."""
    available = PARTS.get(step.page, ())
    section = step.parameters.get("section", "lessons")
    if EVERYTHING in step.show:
        asked: Sequence[str] = available
        if step.page == "learn":
            asked = (
                ["training"] if section == "training" else [p for p in available if p != "training"]
            )
    else:
        asked = step.show
    return tuple(part for part in asked if part in available)


def missing(step: Step) -> str:
    """Say what a site lacks of a step, in a sentence; empty where it lacks nothing."""
    parts = [part for part in step.show if part not in (*shown(step), EVERYTHING)]
    words = list(dict.fromkeys(_WORDS.get(part, part) for part in parts))
    if step.parameters.get("map") == "3d":
        words.append("the map in three dimensions")
    if step.parameters.get("training", "").startswith("mnist"):
        words.append("a training on MNIST")
    if step.parameters.get("with"):
        words.append("the second model")
    if not words and step.page not in PARTS:
        words.append(f"the page {step.page.capitalize()}")
    if not words:
        return ""
    listed = words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
    return f"Only the app shows {listed}: this page has no server."


def model_of(step: Step) -> str | None:
    """Return the model that a step shows; None for a training and for pages that show none."""
    if not shown(step) or set(shown(step)) == {"training"}:
        return None
    return step.parameters.get("model", DEFAULT_MODEL)


def facts(lesson: Lesson) -> list[dict[str, Any]]:
    """Return the steps as browser/site/lesson.js reads them."""
    return [
        {
            "page": step.page,
            "show": list(shown(step)),
            "parameters": dict(step.parameters),
            "model": model_of(step),
            "task": step.task
            and {
                "text": step.task.text,
                "hint": step.task.hint,
                "conditions": [vars(one) for one in step.task.conditions],
            },
            "question": step.question
            and {
                "text": step.question.text,
                "choices": [vars(choice) for choice in step.question.choices],
            },
        }
        for step in lesson.steps
    ]


def main(lesson: Lesson, cards: Mapping[str, AnyCard]) -> str:
    """Return the texts of a lesson as HTML; the one with `data-shown` is on the screen."""
    steps = "\n".join(_step(step, number, cards) for number, step in enumerate(lesson.steps, 1))
    return f"""<div class="lesson">
<section class="lesson-text" aria-label="The lesson">
<header>
<h1>{texts.escape(lesson.title)}<span class="time"> · {texts.escape(lesson.time)}</span></h1>
<button type="button" id="reset" title="Show the view that this step began with">Reset</button>
<p class="on-paper">{texts.escape(lesson.about)}</p>
</header>
<p id="notice" class="notice" role="status">Opening the lesson …</p>
{steps}
<div class="lx"><div id="lesson"></div></div>
</section>
<div class="stage" id="stage"></div>
</div>"""


def _step(step: Step, number: int, cards: Mapping[str, AnyCard]) -> str:
    quoted = lessons.quantities(step.text)
    own = step.parameters.get("model", DEFAULT_MODEL)
    values = {
        one: texts.quantity(cards.get(one[0] or own), one[0] or own, one[1]) for one in quoted
    }
    note = missing(step)
    first = " data-shown" if number == 1 else ""
    return f"""<article id="step-{number}" class="step"{first}>
<h2>{number}. {texts.escape(step.title)}</h2>
{texts.html_of(lessons.fill(step.text, values))}
{f'<p class="note">{texts.escape(note)}</p>' if note else ""}
{_room(step)}
</article>"""


def _room(step: Step) -> str:
    """Return task and question with room to answer, which are seen on paper alone."""
    lines = '<span class="line"></span>' * 3
    parts = []
    if step.task:
        parts.append(f"<p>☐ <b>{texts.escape(step.task.text)}</b></p>{lines}")
    if step.question:
        choices = "".join(f"<li>☐ {texts.escape(one.text)}</li>" for one in step.question.choices)
        parts.append(f"<p><b>{texts.escape(step.question.text)}</b></p><ul>{choices}</ul>")
        parts.append(f"<p>Because</p>{lines}")
    return f'<div class="on-paper room">{"".join(parts)}</div>' if parts else ""
