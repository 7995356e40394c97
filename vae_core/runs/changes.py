"""Changes of settings during a training, each with the step after which it takes effect.

They are recorded in a run's events. A trainer that resumes from an earlier step makes them again
at the same step, so that interruptions do not change the final weights.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from vae_core.config import TrainConfig
from vae_core.errors import ConfigError
from vae_core.learning import STEERABLE


@dataclass(frozen=True)
class Change:
    """Change of settings that takes effect after ``step`` finished steps."""

    step: int
    settings: Mapping[str, float]


def merge(changes: Sequence[Change], new: Change) -> tuple[Change, ...]:
    """Add a change to ``changes`` and drop later changes of the same settings.

    So a run that resumes from an earlier step and is changed there does not get the old values.
    """
    kept = []
    for one in changes:
        if one.step > new.step:
            rest = {name: v for name, v in one.settings.items() if name not in new.settings}
            one = Change(one.step, rest)
        if one.settings:
            kept.append(one)
    return tuple(sorted([*kept, new], key=lambda change: change.step))


def apply(
    training: TrainConfig, changes: Iterable[Change], *, step: int | None = None
) -> TrainConfig:
    """Return the settings after ``step`` steps, or after all changes.

    Raises
    ------
    ConfigError
        If a setting cannot be changed, or not to that value; names it.
    """
    settings: dict[str, float] = {}
    for change in changes:
        if step is None or change.step <= step:
            settings |= change.settings
    unknown = sorted(settings.keys() - set(STEERABLE))
    if unknown:
        raise ConfigError(
            f"{unknown[0]} cannot be changed in a training; allowed are {', '.join(STEERABLE)}"
        )
    return TrainConfig.of(**training.model_dump() | settings) if settings else training


def to_arguments(changes: Iterable[Change]) -> list[str]:
    """Format changes for the command line, as ``STEP:name=value``."""
    return [
        f"{change.step}:{name}={value:g}"
        for change in changes
        for name, value in change.settings.items()
    ]


def parse(word: str) -> Change:
    """Parse a change from ``STEP:name=value``.

    Raises
    ------
    ConfigError
        If the text does not have this form.
    """
    step, _, setting = word.partition(":")
    name, _, value = setting.partition("=")
    try:
        return Change(int(step), {name: float(value)})
    except ValueError as error:
        raise ConfigError(
            f"change {word!r}: expected STEP:name=value, such as 500:learning_rate=1e-4"
        ) from error


def describe(change: Change) -> str:
    """Describe a change in words."""
    settings = ", ".join(f"{name} {value:g}" for name, value in change.settings.items())
    return f"{settings} since step {change.step}"
