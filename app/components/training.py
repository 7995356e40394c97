"""Panel that trains a model in the browser."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from app.components import contract, mounting

#: Longest text of settings that a panel may send.
LONGEST = 1_500


@dataclass(frozen=True)
class TrainingSet:
    """Images to train on.

    Parameters
    ----------
    name, title
        Such as ``"mnist"`` and "MNIST".
    source
        Address of the published ``bundles.training_bundle``; None until it is chosen.
    missing
        Why it cannot be chosen, in a sentence; empty if it can.
    """

    name: str
    title: str
    source: str | None = None
    missing: str = ""


def training(
    key: str,
    *,
    sets: Sequence[TrainingSet],
    settings: str | None = None,
    on_settings: Callable[[str], None] | None = None,
) -> None:
    """Show a training that runs in the browser, with its map, its manifold and its curves.

    Parameters
    ----------
    sets
        The datasets to choose from; visitors may also drop pictures, which stay in the browser.
    settings
        Data and settings of the link, as browser/training/settings.js writes them.
    on_settings
        Called with their text after a change, before the script reruns.
    """
    mounting.show(
        "training",
        key,
        {"sets": [vars(one) for one in sets], "settings": settings},
        on_change={"settings": contract.when_valid(read_settings, on_settings)},
    )


def read_settings(value: Any) -> str | None:
    """Validate a text of settings that the panel sent."""
    return value if isinstance(value, str) and 0 < len(value) <= LONGEST else None
