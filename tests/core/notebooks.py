"""Run docs/notebook.ipynb in a kernel of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
NOTEBOOK = ROOT / "docs" / "notebook.ipynb"
#: nbclient's event loop is kept out of the process of the tests.
RUNNER = """
import sys
from pathlib import Path
import nbclient, nbformat
path, folder = sys.argv[1:]
notebook = nbformat.read(path, as_version=4)
nbclient.NotebookClient(notebook, timeout=300, resources={"metadata": {"path": folder}}).execute()
nbformat.write(notebook, Path(folder) / "executed.ipynb")
"""

Cell = dict[str, Any]


def executed(folder: Path) -> list[Cell]:
    """Return the cells of the notebook, executed in a folder."""
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    environment = os.environ | {"PYTHONPATH": path, "OMP_NUM_THREADS": "1"}
    environment |= {"IPYTHONDIR": str(folder / "ipython"), "JUPYTER_RUNTIME_DIR": str(folder)}
    done = subprocess.run(
        [sys.executable, "-c", RUNNER, str(NOTEBOOK), str(folder)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    cells: list[Cell] = json.loads((folder / "executed.ipynb").read_text("utf-8"))["cells"]
    return cells


def shown(cells: list[Cell], call: str, kind: str) -> str:
    """Return what the cell with a call shows, of a MIME type."""
    (cell,) = [cell for cell in cells if call in "".join(cell["source"])]
    (output,) = [one for one in cell["outputs"] if one["output_type"] == "execute_result"]
    return "".join(output["data"][kind])
