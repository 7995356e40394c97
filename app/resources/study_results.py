"""Results of the studies."""

from pathlib import Path
from typing import Any

import streamlit as st

from vae_core import studies

# Studies


def study_path(name: str) -> Path:
    """Return where the result of a study lies, if there is one."""
    return studies.RESULTS / f"{name}.json"


def study_result(name: str) -> dict[str, Any] | None:
    """Read the result of a study; None where it was not run.

    Raises
    ------
    CheckpointError
        If the file is no result.
    """
    path = study_path(name)
    try:
        version = path.stat().st_mtime_ns
    except FileNotFoundError:
        return None
    return _study_result(path, version)


@st.cache_resource(show_spinner=False, max_entries=32)
def _study_result(path: Path, version: int) -> dict[str, Any]:
    return studies.read(path)
