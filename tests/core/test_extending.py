"""Each toy of docs/extending.md is added to a copy of the code and used."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import get_args

import extending
import pytest

from vae_core import config, learning, objectives
from vae_core.models import likelihoods, networks, priors

KINDS = ("likelihood", "prior", "network", "objective", "learner", "dataset", "study")
#: What needs Streamlit, or a browser; tests of their own run them.
OF_THE_APP = ("page", "panel")
#: Runs each use in a namespace of its own; prints what went wrong, by kind.
RUNNER = """
import json, sys, traceback
found = {}
for kind, text in json.load(sys.stdin).items():
    try:
        exec(compile(text, kind, "exec"), {"__name__": kind})
        found[kind] = ""
    except Exception:
        found[kind] = traceback.format_exc()
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def errors(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Run all uses in one process on the copy; return what went wrong, by kind."""
    copy = extending.extended_copy(tmp_path_factory.mktemp("extended"))
    uses = {kind: text for kind, text in extending.uses().items() if kind in KINDS}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", RUNNER],
        input=json.dumps(uses),
        capture_output=True,
        text=True,
        cwd=copy,
        env=os.environ | {"PYTHONPATH": str(copy), "OMP_NUM_THREADS": "1"},
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, str] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_a_toy_can_be_added_and_used(kind: str, errors: dict[str, str]) -> None:
    """It is trained, measured and exported, or run, as the page shows."""
    assert errors[kind] == ""


def test_every_kind_has_an_example_that_is_run() -> None:
    """Nine sections, nine uses."""
    assert sorted(extending.uses()) == sorted(KINDS + OF_THE_APP)
    page = extending.PAGE.read_text(encoding="utf-8")
    for kind in KINDS + OF_THE_APP:
        assert f"\n## A{'n' if kind == 'objective' else ''} {kind}\n" in page


def test_no_python_or_javascript_of_the_page_is_left_out() -> None:
    """A fence without a file or a use would be an example that nobody runs."""
    fences = extending.PAGE.read_text(encoding="utf-8").count("\n```") // 2
    assert len(extending.blocks()) == fences


@pytest.mark.parametrize(
    ("names", "table"),
    [
        (config.LikelihoodName, likelihoods.LIKELIHOODS),
        (config.PriorName, priors.PRIORS),
        (config.Network, networks.FAMILIES),
        (config.Activation, networks.ACTIVATIONS),
        (config.Objective, objectives.LOSSES),
        (config.LearnerName, learning.LEARNERS),
    ],
)
def test_the_names_of_settings_are_those_of_the_tables(
    names: object, table: dict[str, object]
) -> None:
    """A name without an implementation, or the other way round, is noticed here."""
    assert set(get_args(names)) == set(table)


def test_a_change_that_does_not_fit_is_refused() -> None:
    """The page goes stale loudly."""
    assert extending.changed("a\nb\nc\n", " a\n-b\n+d\n") == "a\nd\nc\n"
    with pytest.raises(AssertionError, match="not there once"):
        extending.changed("a\nb\nc\n", "-x\n+y\n")
    with pytest.raises(AssertionError, match="not there once"):
        extending.changed("a\na\n", "-a\n+y\n")


def test_the_copy_is_what_is_used(tmp_path: Path) -> None:
    """The toys are in the copy, and the code itself has none of them."""
    copy = extending.extended_copy(tmp_path)
    for name in ("vae_core/data/stripes.py", "browser/panels/distance.js"):
        assert (copy / name).is_file()
        assert not (extending.ROOT / name).exists()
