"""One browser for all tests, one server for each script, and people who visit it."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import serving
from serving import Server
from visitor import Visitor

WINDOWS: dict[str, dict[str, Any]] = {
    "desktop": {"viewport": {"width": 1280, "height": 1000}},
    "phone": {"viewport": {"width": 400, "height": 800}, "has_touch": True},
}
#: Files that wait for most of their time, so that they begin first and others run beside them.
WAITING = ("test_training.py",)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the tests first that mostly wait, in the order in which they came."""
    items.sort(key=lambda item: item.path.name not in WAITING)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print what tests have measured."""
    for report in terminalreporter.getreports("passed"):
        for name, value in report.user_properties:
            terminalreporter.write_line(f"{name}: {value}")


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Start a browser, or skip and say so."""
    pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if serving.find_chromium() is None:
        pytest.skip("no Chromium is installed; set CHROMIUM to its path")
    with serving.launched("--process-per-site") as browser:
        yield browser


@pytest.fixture(scope="session")
def servers(
    browser: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[Path], Server]]:
    """Return a function that serves a script; modules of the same script share its server."""
    started: dict[Path, Server] = {}
    with contextlib.ExitStack() as stack:

        def serve(script: Path) -> Server:
            if script not in started:
                folder = tmp_path_factory.mktemp("served")
                started[script] = stack.enter_context(serving.served(script, folder))
            return started[script]

        yield serve


@pytest.fixture(scope="module")
def server(servers: Callable[[Path], Server], request: pytest.FixtureRequest) -> Iterator[Server]:
    """Serve the module's ``SCRIPT``, with no data and no trainings."""
    server = servers(request.module.SCRIPT)
    yield server
    for folder in (server.data, server.runs):
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def profiles(browser: Any) -> dict[str, Any]:
    """Return profiles that visitors share, so that a server's files are fetched once."""
    return {name: browser.new_context(**window) for name, window in WINDOWS.items()}


@pytest.fixture
def visitor(browser: Any, profiles: dict[str, Any], server: Server) -> Iterator[Callable[..., Any]]:
    """Return a function that lets somebody in; nothing may fail for any of them.

    It takes the name of the window, and ``alone`` for a profile that nobody else has, with
    further settings of it.
    """
    visitors: list[Visitor] = []
    own: list[Any] = []

    def let_in(window: str = "desktop", *, alone: bool = False, **settings: Any) -> Visitor:
        profile = profiles[window]
        if alone:
            profile = browser.new_context(**WINDOWS[window], **settings)
            own.append(profile)
        elif not profile.pages:  # one that stays open keeps the process in which all pages run
            profile.new_page().goto(f"{server.address}/_stcore/health")
        visitors.append(Visitor(profile.new_page(), server.address))
        return visitors[-1]

    yield let_in
    try:
        for each in visitors:
            each.check()
    finally:
        for each in visitors:
            each.page.close()
        for profile in own:
            profile.close()
