"""One browser component, mounted as many panels that share the page's state.

Streamlit finds packaged components by scanning distributions for a file that an editable
installation does not hold; this module registers the same manifest itself, so that the app runs
however it was started.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from streamlit.components.v2.get_bidi_component_manager import get_bidi_component_manager
from streamlit.components.v2.manifest_scanner import ComponentConfig, ComponentManifest
from streamlit.components.v2.types import ComponentRenderer

from browser import ROOT

PACKAGE = "latent-explorer-streamlit"
COMPONENT = "panel"
NAME = f"{PACKAGE}.{COMPONENT}"
_registering = threading.Lock()


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


def show(
    kind: str,
    key: str,
    data: Mapping[str, Any],
    *,
    on_change: Mapping[str, Callable[[Any], None] | None],
) -> Mapping[str, Any]:
    """Mount a panel and return the values that it has sent.

    Parameters
    ----------
    kind
        A name in panel.js's table.
    key
        Identity of this panel; without one its values would be lost when ``data`` changes.
    data
        JSON; heavy things go by address (``app.routes``).
    on_change
        Names of the values that the panel sends, each with a function that is called with the
        new value before the script reruns, or None.
    """

    def callback(name: str, function: Callable[[Any], None] | None) -> Callable[[], None]:
        def changed() -> None:
            state = st.session_state.get(key)
            if function is not None and isinstance(state, Mapping):
                function(state.get(name))

        return changed

    callbacks: dict[str, Any] = {
        f"on_{name}_change": callback(name, f) for name, f in on_change.items()
    }
    # In a list, since Streamlit looks for data frames among a mapping's values, at each rerun.
    sent: Mapping[str, Any] = _renderer()(key=key, data=[{"kind": kind, **data}], **callbacks)
    return sent


def _renderer() -> ComponentRenderer:
    """Make sure that the running server knows the component, and return what mounts it."""
    manager = get_bidi_component_manager()
    with _registering:
        if manager.get_component_asset_root(NAME) is None:
            manifest = ComponentManifest(
                name=PACKAGE,
                version="0",
                components=[ComponentConfig(name=COMPONENT, asset_dir=".")],
            )
            manager.register_from_manifest(manifest, ROOT)
        return _component()


@functools.cache
def _component() -> ComponentRenderer:
    return st.components.v2.component(NAME, js="panel.js", css="panel.css")
