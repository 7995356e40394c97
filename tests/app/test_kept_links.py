"""Links of before: addresses that commit e39008c wrote, before the code moved to its rooms."""

from __future__ import annotations

import json
import urllib.parse
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from app import address

LINKS: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[1] / "fixtures" / "kept" / "links.json").read_text(encoding="utf-8")
)


@pytest.mark.parametrize("kept", LINKS, ids=[kept["link"][:40] for kept in LINKS])
def test_a_kept_link_restores_the_same_state(kept: dict[str, Any]) -> None:
    """Each parameter is read as it was, all others keep their defaults, and it is written alike."""
    parameters = dict(urllib.parse.parse_qsl(kept["link"]))
    state, notices = address.parse(parameters)
    assert notices == []
    default = asdict(address.State())
    found = {
        address.FIELDS[name].parameter: value
        for name, value in json.loads(json.dumps(asdict(state))).items()
        if name == "model" or value != default[name]
    }
    assert found == kept["state"]
    assert address.to_parameters(state) == parameters


@pytest.mark.parametrize("kept", LINKS[1:3], ids=["code", "example"])
def test_a_kept_link_opens_the_app(kept: dict[str, Any], open_page: Callable[..., AppTest]) -> None:
    """The page is shown without a notice, and the address stays what it was."""
    parameters = dict(urllib.parse.parse_qsl(kept["link"]))
    page = open_page("explore", **parameters)
    assert not page.exception
    assert not page.warning
    shown = {
        name: value if isinstance(value, str) else value[-1]
        for name, value in page.query_params.items()
    }
    assert shown == parameters
