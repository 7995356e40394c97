"""One browser for all tests, one server for each module, and people who visit it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
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


@pytest.fixture(scope="module")
def server(
    browser: Any, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """Serve the module's ``SCRIPT``, with no data and no trainings."""
    with serving.served(request.module.SCRIPT, tmp_path_factory.mktemp("served")) as server:
        yield server


@pytest.fixture(scope="module")
def profiles(browser: Any, server: Server) -> Iterator[dict[str, Any]]:
    """Return profiles that visitors share, so that files are fetched and compiled once.

    A page that stays open in each keeps the process alive in which its pages run.
    """
    profiles = {name: browser.new_context(**window) for name, window in WINDOWS.items()}
    for profile in profiles.values():
        profile.new_page().goto(f"{server.address}/_stcore/health")
    yield profiles
    for profile in profiles.values():
        profile.close()


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
