"""What Python and the panels exchange, validated."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

T = TypeVar("T")


def when_valid(
    read: Callable[[Any], T | None], function: Callable[[T], None] | None
) -> Callable[[Any], None]:
    """Call a function with what was read, unless it was not valid."""

    def changed(value: Any) -> None:
        valid = read(value)
        if function is not None and valid is not None:
            function(valid)

    return changed


@dataclass(frozen=True)
class Scene:
    """What every panel of a page is given alike.

    Parameters
    ----------
    model_hash
        Content hash of the model; a new one makes panels start afresh.
    decoder, encoder
        Addresses of the published network bundles (``routes.publish`` of
        ``portable.network_bundle(model, parts=("decoder",))`` and ``("encoder",)``). The encoder
        is needed by the drawing pad alone.
    z
        The pinned code (latent_dim,).
    z_version
        Raised whenever *Python* changes ``z`` (a link, a preset, an upload), never because a
        panel did. Panels take over ``z`` only with a version that they have not seen.
    pinned_id
        The example that ``z`` is the code of, if it is one's.
    dims
        The two latent dimensions of the plane.
    y
        The label given to a conditional model.
    posterior
        mu and logvar (latent_dim,) of an uploaded picture, which maps outline. Maps alone are
        told, so that a page with a map and without an upload takes the outline away.
    side
        Which of a page's models, where it shows two: panels of one side share one state.
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

    def data(self, *, with_encoder: bool = False, outlines: bool = False) -> dict[str, Any]:
        """Return the part of a panel's data that page.js reads."""
        posterior = None
        if self.posterior is not None:
            mu, logvar = self.posterior
            posterior = {"mu": list(mu), "logvar": list(logvar)}
        return {
            "model": {
                "hash": self.model_hash,
                "decoder": self.decoder,
                "encoder": self.encoder if with_encoder else None,
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
    """A code that a person chose: ``z`` (latent_dim,) and the example it belongs to, if any.

    ``y`` is the label that was chosen with it, where one was.
    """

    z: tuple[float, ...]
    pinned_id: int | None
    y: int | None = None


def read_pin(value: Any, latent_dim: int) -> Pin | None:
    """Validate what a panel sent as ``pin``; None where it is not a code of this model."""
    if not isinstance(value, Mapping):
        return None
    z = floats(value.get("z"), (latent_dim,))
    pinned_id = value.get("pinned_id")
    if z is None or not (pinned_id is None or type(pinned_id) is int):
        return None
    y = value.get("y")
    return Pin(z=tuple(z.tolist()), pinned_id=pinned_id, y=y if type(y) is int else None)


def floats(value: Any, shape: tuple[int, ...]) -> NDArray[np.float64] | None:
    """Finite numbers of this shape (-1: any length), or None where ``value`` is not that."""
    try:
        array = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        return None
    fits = array.ndim == len(shape) and all(
        want in (-1, have) for want, have in zip(shape, array.shape, strict=True)
    )
    return array if fits and np.isfinite(array).all() else None
