"""Read the results of studies."""

from pathlib import Path
from typing import Any

import streamlit as st

from vae_core import studies


def path(name: str) -> Path:
    """Return the path of a study's result, whether it exists or not."""
    return studies.RESULTS / f"{name}.json"


def read(name: str) -> dict[str, Any] | None:
    """Read the result of a study, or return None if it has none.

    Raises
    ------
    CheckpointError
        If the file is not a result.
    """
    try:
        version = path(name).stat().st_mtime_ns
    except FileNotFoundError:
        return None
    return _read(path(name), version)


@st.cache_resource(show_spinner=False, max_entries=32)
def _read(file: Path, version: int) -> dict[str, Any]:
    return studies.read(file)
