"""The toy panel of docs/extending.md is added to a copy of the app and shown in a browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import extending
import pytest
import serving
from serving import Server

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def server(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Serve a copy of the app with every toy in it."""
    copy = extending.extended_copy(tmp_path_factory.mktemp("extended"))
    folder: Path = tmp_path_factory.mktemp("served")
    with serving.served(copy / "app" / "main.py", folder, root=copy) as server:
        yield server


def test_a_panel_can_be_added_and_shown(browser: Any, server: Server) -> None:
    """Its module is fetched by the line in the table, and reads the page's store."""
    page = browser.new_page()
    try:
        exec(extending.uses()["panel"], {"page": page, "address": server.address})
    finally:
        page.close()
