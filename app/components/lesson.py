"""Panel of a lesson's step: task, question, progress, back and next."""

from collections.abc import Callable
from typing import Any

from app.components import contract, mounting
from vae_core.lessons import Step


def lesson(
    key: str,
    *,
    step: Step,
    number: int,
    steps: int,
    start: tuple[float, ...] | None,
    codes: str | None,
    classes: tuple[str, ...] = (),
    conditions: tuple[str, ...] = (),
    done: bool = False,
    answer: int | None = None,
    on_step: Callable[[int], None],
    on_done: Callable[[], None],
    on_answer: Callable[[int], None],
) -> None:
    """Show the task and the question of a step, with the way to the next one.

    Parameters
    ----------
    number, steps
        The step, from 1, and how many there are.
    start
        The pinned code of the open model, which a new step begins with; None without one.
    codes
        Address of the encoded set of the open model, which tasks look at; None without one.
    classes, conditions
        Names of the labels of the set, and of those that the decoder takes.
    done, answer
        Whether the task is done, and the number of the chosen answer, from 0.
    on_step
        Called with the step to go to; one past the last ends the lesson.
    """
    task, question = step.task, step.question
    mounting.show(
        "lesson",
        key,
        {
            "number": number,
            "steps": steps,
            "line": step.line,
            "start": None if start is None else list(start),
            "codes": codes,
            "classes": list(classes),
            "conditions": list(conditions),
            "task": task
            and {
                "text": task.text,
                "hint": task.hint,
                "conditions": [vars(condition) for condition in task.conditions],
            },
            "question": question
            and {
                "text": question.text,
                "choices": [vars(choice) for choice in question.choices],
            },
            "done": done,
            "answer": answer,
        },
        on_change={
            "step": contract.when_valid(lambda value: read_step(value, steps), on_step),
            "done": lambda value: on_done() if value is not None else None,
            "answer": contract.when_valid(
                lambda value: read_answer(value, len(question.choices) if question else 0),
                on_answer,
            ),
        },
    )


def read_step(value: Any, steps: int) -> int | None:
    """Validate a step that the panel sent; one past the last is the lesson's end."""
    return value if type(value) is int and 1 <= value <= steps + 1 else None


def read_answer(value: Any, choices: int) -> int | None:
    """Validate an answer that the panel sent."""
    return value if type(value) is int and 0 <= value < choices else None
