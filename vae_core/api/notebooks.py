"""Whether Python runs in a notebook."""

from __future__ import annotations

import sys


def running() -> bool:
    """Return whether output is shown in a cell: of Jupyter, VS Code, Colab or marimo."""
    marimo = sys.modules.get("marimo")
    if marimo is not None and marimo.running_in_notebook():
        return True
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    return shell is not None and hasattr(shell, "kernel")
