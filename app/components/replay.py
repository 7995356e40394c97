"""Face of the panel that replays a training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from app.components import mounting


def replay(
    key: str,
    *,
    film: Mapping[str, Any],
    addresses: Sequence[str],
    classes: Sequence[str] = (),
    epochs: int,
    live: bool = False,
) -> None:
    """Show how a latent space came to be: map, manifold and samples, scrubbed through in time.

    Parameters
    ----------
    film
        What ``replay_bundles.describe`` tells.
    addresses
        Of the published ``replay_bundles.frame_bundle`` of each frame.
    classes
        Names of the labels 0, 1, …
    epochs
        Of the whole training.
    live
        Whether the training goes on; the replay follows it where it stands at its end.
    """
    frames = [
        {**told, "source": source} for told, source in zip(film["frames"], addresses, strict=True)
    ]
    data = {**film, "frames": frames, "classes": list(classes), "epochs": epochs, "live": live}
    mounting.show("replay", key, data, on_change={})
