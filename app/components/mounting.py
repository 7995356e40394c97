"""Register the browser component with Streamlit and mount panels."""

import functools
import threading
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import streamlit as st
from streamlit.components.v2.get_bidi_component_manager import get_bidi_component_manager
from streamlit.components.v2.manifest_scanner import ComponentConfig, ComponentManifest
from streamlit.components.v2.types import ComponentRenderer

from browser import ROOT

PACKAGE = "latent-explorer-streamlit"
COMPONENT = "panel"
NAME = f"{PACKAGE}.{COMPONENT}"
_registration = threading.Lock()

Listeners = Mapping[str, Callable[[Any], None] | None]
NO_LISTENERS: Listeners = MappingProxyType({})


def show(
    kind: str, key: str, data: Mapping[str, Any], *, on_change: Listeners = NO_LISTENERS
) -> Mapping[str, Any]:
    """Mount a panel and return the values that it has sent.

    Parameters
    ----------
    kind
        A name in panel.js's table.
    key
        Identity of the panel; without one its values are lost when ``data`` changes.
    data
        JSON. Large data is passed by address (``app.resources.assets``).
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
    # A list, since Streamlit searches the values of a mapping for data frames at each rerun.
    sent: Mapping[str, Any] = _renderer()(key=key, data=[{"kind": kind, **data}], **callbacks)
    return sent


def _renderer() -> ComponentRenderer:
    """Register the component with the running server if needed, and return its renderer."""
    manager = get_bidi_component_manager()
    with _registration:
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
