"""The command `latent-explorer`: what it refuses, and what the Dockerfile gives it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from app import serve
from vae_core import model_folder

ROOT = Path(__file__).parents[2]


def run(*arguments: str, path: str = str(ROOT)) -> subprocess.CompletedProcess[str]:
    """Run the command to its end, with the packages found on `path`."""
    return subprocess.run(
        [sys.executable, "-m", "latent_explorer", *arguments],
        env=os.environ | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
        cwd="/",
        timeout=120,
    )


def test_another_package_of_the_name_is_named(tmp_path: Path) -> None:
    """The error names its path, and suggests a virtual environment."""
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "__init__.py").touch()
    answer = run(path=f"{tmp_path}{os.pathsep}{ROOT}")
    assert answer.returncode == 1
    assert str(tmp_path / "app") in answer.stderr
    assert "virtual environment" in answer.stderr
    assert "Traceback" not in answer.stderr


def test_a_folder_that_holds_no_model_is_refused(tmp_path: Path) -> None:
    """Before anything is served, in one line."""
    answer = run("--model", str(tmp_path))
    assert answer.returncode == 1
    assert answer.stderr.startswith(f"error: --model {tmp_path}: ")
    assert len(answer.stderr.splitlines()) == 1


@pytest.mark.parametrize("port", ["0", "70000"])
def test_ports_are_bounded(port: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sentence names the value and what is allowed."""
    monkeypatch.setattr(sys, "argv", ["latent-explorer", "--port", port])
    with pytest.raises(SystemExit, match=f"port {port}: allowed are 1 to 65535"):
        serve.main()


def test_the_default_is_this_host_alone() -> None:
    """Others are let in by --host only."""
    assert serve.options().parse_args([]).host == "127.0.0.1"


def test_a_user_without_a_home_gets_a_temporary_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where it lies is printed, with the variables that name other places."""

    def no_home() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", no_home)
    monkeypatch.setattr(serve.tempfile, "mkdtemp", lambda prefix: str(tmp_path))
    monkeypatch.setenv("HOME", "")
    serve.ensure_home()
    assert os.environ["HOME"] == str(tmp_path)
    assert re.search(r"VAE_RUNS_DIR.*VAE_DATA_DIR", capsys.readouterr().out)


def test_the_container_starts_the_command_and_checks_its_health() -> None:
    """What the Dockerfile copies exists, and what it runs is understood."""
    lines = (ROOT / "Dockerfile").read_text().splitlines()
    (command,) = [json.loads(line[4:]) for line in lines if line.startswith("CMD ")]
    assert command[0] == "latent-explorer"
    given = serve.options().parse_args(command[1:])
    assert given.host == "0.0.0.0"
    (health,) = [line for line in lines if line.startswith("HEALTHCHECK")]
    assert f":{given.port}/_stcore/health" in health
    assert f"EXPOSE {given.port}" in lines
    copied = [line.split()[1] for line in lines if re.match(r"COPY (?!--from)", line)]
    assert copied == ["requirements.txt", "."]
    assert all((ROOT / name).exists() for name in copied)
    assert re.search(r"^torch==", (ROOT / "requirements.txt").read_text(), re.MULTILINE)


def test_a_given_model_is_listed_and_linked(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Its folder's name is its name in the address."""
    from app import MODEL_VARIABLE
    from app.resources import library

    folder = tmp_path / "my model"
    folder.mkdir()
    for file in (model_folder.PRETRAINED / "digits-2d").iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    monkeypatch.setenv(MODEL_VARIABLE, str(folder))
    library._folders.clear()
    try:
        assert "my model" in library.model_names()
        assert library.link() == "?model=my+model"
        assert library.open_model("my model").latent_dim == 2
    finally:
        monkeypatch.delenv(MODEL_VARIABLE)
        library._folders.clear()
