"""Panel that replays a training."""

from collections.abc import Mapping, Sequence
from typing import Any

from app.components import mounting


def replay(
    key: str,
    *,
    recording: Mapping[str, Any],
    addresses: Sequence[str],
    classes: Sequence[str] = (),
    epochs: int,
    live: bool = False,
) -> None:
    """Show map, manifold and samples of a training, with a slider over its time.

    Parameters
    ----------
    recording
        What ``replay_bundles.describe`` returns.
    addresses
        Address of each frame's published ``replay_bundles.frame_bundle``.
    classes
        Names of the labels 0, 1, …
    epochs
        Epochs of the whole training.
    live
        Whether the training continues: a replay at its end then follows new frames.
    """
    frames = [
        {**frame, "source": source}
        for frame, source in zip(recording["frames"], addresses, strict=True)
    ]
    data = {**recording, "frames": frames, "classes": list(classes), "epochs": epochs, "live": live}
    mounting.show("replay", key, data)
