"""Register the browser component with Streamlit and mount panels."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Mapping
from typing import Any

import streamlit as st
from streamlit.components.v2.get_bidi_component_manager import get_bidi_component_manager
from streamlit.components.v2.manifest_scanner import ComponentConfig, ComponentManifest
from streamlit.components.v2.types import ComponentRenderer

from browser import ROOT

PACKAGE = "latent-explorer-streamlit"
COMPONENT = "panel"
NAME = f"{PACKAGE}.{COMPONENT}"
_registering = threading.Lock()


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
