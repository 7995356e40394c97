"""What importing costs, and what the packages may know of each other."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

import vae_core

PACKAGE = Path(vae_core.__file__).parent
HEAVY = {
    "torch", "numpy", "scipy", "sklearn", "openTSNE", "streamlit", "plotly", "pydantic", "PIL",
    "cv2",
}  # fmt: skip


def loaded_by(statement: str) -> set[str]:
    """Top-level modules that a fresh interpreter has loaded after a statement."""
    program = f"{statement}\nimport json, sys\nprint(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    return {name.partition(".")[0] for name in json.loads(done.stdout.splitlines()[-1])}


def test_importing_the_package_loads_nothing_heavy() -> None:
    """Names are loaded when they are first used."""
    assert not loaded_by("import vae_core") & HEAVY


def test_importing_the_package_loads_no_other_module_of_it() -> None:
    """Not even to list its names."""
    program = (
        "import sys; before = set(sys.modules); import importlib, typing; import vae_core; "
        "names = dir(vae_core); print([n for n in set(sys.modules) - before if 'vae' in n], names)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=300
    )
    loaded, _, names = done.stdout.partition("] ")
    assert loaded == "['vae_core'"
    assert set(vae_core.__all__) <= set(ast.literal_eval(names))


def test_the_names_are_sorted_and_complete() -> None:
    """What can be imported is what is promised."""
    assert sorted(vae_core.__all__) == sorted(vae_core._HOMES)
    assert len(set(vae_core.__all__)) == len(vae_core.__all__)


def test_the_command_line_starts_without_torch() -> None:
    """So ``--help`` answers at once."""
    assert not loaded_by("import vae_core.__main__") & (HEAVY - {"pydantic"})


def test_models_and_data_load_without_the_dashboard_or_the_maps() -> None:
    """Loading a model needs neither scikit-learn nor a plotting library."""
    loaded = loaded_by("import vae_core; vae_core.load_model; vae_core.load_dataset")
    assert "torch" in loaded
    assert not loaded & {"streamlit", "plotly", "sklearn", "openTSNE", "matplotlib", "cv2"}


@pytest.mark.parametrize("name", vae_core.__all__)
def test_every_public_name_exists(name: str) -> None:
    """What the package promises can be used."""
    assert callable(getattr(vae_core, name))


def test_an_unknown_name_is_an_attribute_error() -> None:
    """As for any module."""
    with pytest.raises(AttributeError, match="no attribute 'treasure'"):
        vae_core.treasure  # noqa: B018


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: path.name)
def test_nothing_is_pickled_or_evaluated(path: Path) -> None:
    """No module unpickles, saves with torch, or runs text as code."""
    forbidden_modules = {"pickle", "dill", "joblib", "cloudpickle", "marshal", "shelve"}
    forbidden_calls = {"eval", "exec", "torch.load", "torch.save", "pickle.load", "np.load"}
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            assert not {alias.name.partition(".")[0] for alias in node.names} & forbidden_modules
        elif isinstance(node, ast.ImportFrom):
            assert (node.module or "").partition(".")[0] not in forbidden_modules
        elif isinstance(node, ast.Call):
            assert ast.unparse(node.func) not in forbidden_calls
