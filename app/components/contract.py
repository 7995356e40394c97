"""Types exchanged with the browser panels, and validation of what they send."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

T = TypeVar("T")
#: Mean and standard deviation (latent_dim,) of a prior.
Prior = tuple[Sequence[float], Sequence[float]]


@dataclass(frozen=True)
class Scene:
    """Model and state that all panels of a page share.

    Parameters
    ----------
    model_hash
        Content hash of the model; panels start afresh when it changes.
    decoder, encoder
        Addresses of the published decoder and encoder (``bundles.network_bundle``). Only the
        drawing pad needs the encoder.
    z
        The pinned code (latent_dim,).
    z_version
        Raised whenever *Python* changes ``z`` (a link, a preset, an upload), not when a panel
        does. A panel accepts ``z`` only with a version that is new to it.
    pinned_id
        Id of the example that ``z`` is the code of, if any.
    dims
        The two latent dimensions of the plane.
    y
        The label that a conditional model is given.
    posterior
        mu and logvar (latent_dim,) of an uploaded image, outlined on maps.
    side
        Which model of a page of two; panels of one side share one state.
    server
        Address at which the server runs what a browser cannot; None for most models.
    """

    model_hash: str
    decoder: str
    z: tuple[float, ...]
    z_version: int
    dims: tuple[int, int] = (0, 1)
    pinned_id: int | None = None
    encoder: str | None = None
    seed: int = 0
    y: int | None = None
    posterior: tuple[Sequence[float], Sequence[float]] | None = None
    side: str | None = None
    server: str | None = None

    def data(self, *, with_encoder: bool = False, outlines: bool = False) -> dict[str, Any]:
        """Return the part of a panel's data that page.js reads.

        Only a map passes ``outlines``: a page without an upload then removes the outline.
        """
        posterior = None
        if self.posterior is not None:
            mu, logvar = self.posterior
            posterior = {"mu": list(mu), "logvar": list(logvar)}
        return {
            "model": {
                "hash": self.model_hash,
                "decoder": self.decoder,
                "encoder": self.encoder if with_encoder else None,
                **({} if self.server is None else {"server": self.server}),
            },
            "z": list(self.z),
            "z_version": self.z_version,
            "pinned_id": self.pinned_id,
            "dims": list(self.dims),
            "seed": self.seed,
            "y": self.y,
            "side": self.side,
            **({"posterior": posterior} if outlines else {}),
        }


@dataclass(frozen=True)
class Pin:
    """A pinned code (latent_dim,), with the id of its example and the chosen label, if any."""

    z: tuple[float, ...]
    pinned_id: int | None
    y: int | None = None


def when_valid(
    read: Callable[[Any], T | None], function: Callable[[T], None] | None
) -> Callable[[Any], None]:
    """Return a callback that reads a sent value and passes it to a function if it is valid."""

    def changed(value: Any) -> None:
        valid = read(value)
        if function is not None and valid is not None:
            function(valid)

    return changed


def pinned(latent_dim: int, on_pin: Callable[[Pin], None] | None) -> Callable[[Any], None]:
    """Return the callback for a value sent as ``pin``."""
    return when_valid(lambda value: read_pin(value, latent_dim), on_pin)


def read_pin(value: Any, latent_dim: int) -> Pin | None:
    """Validate a value sent as ``pin``; None if it is not a code of this model."""
    if not isinstance(value, Mapping):
        return None
    z = floats(value.get("z"), (latent_dim,))
    pinned_id = value.get("pinned_id")
    if z is None or not (pinned_id is None or type(pinned_id) is int):
        return None
    y = value.get("y")
    return Pin(z=tuple(z.tolist()), pinned_id=pinned_id, y=y if type(y) is int else None)


def floats(value: Any, shape: tuple[int, ...]) -> NDArray[np.float64] | None:
    """Return finite numbers of this shape (-1: any length), or None if ``value`` differs."""
    try:
        array = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        return None
    fits = array.ndim == len(shape) and all(
        want in (-1, have) for want, have in zip(shape, array.shape, strict=True)
    )
    return array if fits and np.isfinite(array).all() else None
