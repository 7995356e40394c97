"""Settings hold however the app is started; flags and the environment override them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

REPORT = """
import json
from streamlit.web import bootstrap
bootstrap.load_config_options(FLAGS)
import app.main
from streamlit import config
names = ("runner.postScriptGC", "browser.gatherUsageStats", "server.fileWatcherType",
         "theme.light.primaryColor", "theme.dark.backgroundColor")
print(json.dumps({name: config.get_option(name) for name in names}))
"""
ROOT = Path(__file__).parents[2]


def started(folder: Path, **flags: str) -> dict[str, object]:
    """Return the settings of an app that is started in `folder` with these flags."""
    answer = subprocess.run(
        [sys.executable, "-c", REPORT.replace("FLAGS", repr(flags))],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    settings: dict[str, object] = json.loads(answer.stdout.splitlines()[-1])
    return settings


@pytest.mark.parametrize("elsewhere", [True, False])
def test_settings_hold_in_any_working_directory(tmp_path: Path, elsewhere: bool) -> None:
    """No collection after each run, no statistics sent, no watcher, the theme in both modes."""
    settings = started(tmp_path if elsewhere else ROOT)
    assert settings["runner.postScriptGC"] is False
    assert settings["browser.gatherUsageStats"] is False
    assert settings["server.fileWatcherType"] == "none"
    assert settings["theme.light.primaryColor"] == "#0f766e"
    assert str(settings["theme.dark.backgroundColor"]).startswith("#0")


def test_a_flag_wins(tmp_path: Path) -> None:
    """Somebody who develops may ask for the watcher, by a flag or an environment variable."""
    settings = started(tmp_path, server_fileWatcherType="poll")
    assert settings["server.fileWatcherType"] == "poll"
    assert settings["runner.postScriptGC"] is False
