"""Settings that are changed while a model trains, each at the step after which it holds.

They are told in a run's events. A trainer that resumes before such a step makes the change there
again, so a run ends in the same weights however often it was interrupted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from vae_core.config import TrainConfig
from vae_core.errors import ConfigError
from vae_core.learning import STEERABLE


@dataclass(frozen=True)
class Change:
    """After ``step`` finished steps a run goes on with these settings."""

    step: int
    settings: Mapping[str, float]


def merge(changes: Sequence[Change], new: Change) -> tuple[Change, ...]:
    """Return ``changes`` followed by ``new``, which takes the place of later ones of its settings.

    A run that was taken back behind a change and is steered anew does not meet the old one.
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
    """Return the settings that hold after ``step`` steps, or after all changes.

    Raises
    ------
    ConfigError
        If a setting cannot be changed, or not to that value; the sentence names it.
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
    """Write changes as the command line takes them: ``STEP:name=value``."""
    return [
        f"{change.step}:{name}={value:g}"
        for change in changes
        for name, value in change.settings.items()
    ]


def parse(word: str) -> Change:
    """Read ``STEP:name=value``.

    Raises
    ------
    ConfigError
        If it is none.
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
    """Tell a change to people."""
    settings = ", ".join(f"{name} {value:g}" for name, value in change.settings.items())
    return f"{settings} since step {change.step}"
