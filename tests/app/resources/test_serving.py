"""Models that browsers cannot run: codes in, pixels out, bounded in every way."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import served
import torch
from starlette.applications import Starlette

from app.resources import assets, serving
from app.resources.opened_model import Opened
from vae_core import model_folder
from vae_core.graphs import foreign
from vae_core.imports import import_model


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
    """Return an open model of which both networks need onnxruntime."""
    folder = tmp_path_factory.mktemp("served")
    encoder, decoder, pictures = served.write(folder, recurrent_encoder=True)
    import_model(
        encoder, decoder, data=pictures, out=folder / "m", tsne=False, say=lambda text: None
    )
    yield Opened("served", "served-hash", model_folder.open_folder(folder / "m"))
    foreign.close()


def ask(address: str, body: bytes, query: str = "") -> tuple[int, bytes]:
    """Send a request as a browser does; return status and content."""
    sent: list[dict[str, Any]] = []
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/" + address.removeprefix(assets.SCHEME),
        "query_string": query.encode(),
        "headers": [],
        "root_path": "",
        "http_version": "1.1",
        "scheme": "http",
        "server": ("localhost", 80),
    }

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(Starlette(routes=serving.routes())(scope, receive, send))
    return sent[0]["status"], b"".join(one.get("body", b"") for one in sent[1:])


def test_codes_become_pixels_and_pictures_become_codes(opened: Opened) -> None:
    """As the model itself computes them."""
    address = opened.server_address
    assert address is not None
    z = np.array([[0.5, -1], [0, 0]], "<f4")
    status, content = ask(f"{address}/decode", z.tobytes())
    assert status == 200
    expected = opened.model.decode(torch.from_numpy(z)).mean.flatten(1).numpy()
    assert np.array_equal(np.frombuffer(content, "<f4").reshape(2, -1), expected)
    x = np.full((1, 64), 0.25, "<f4")
    status, content = ask(f"{address}/encode", x.tobytes())
    q = opened.model.encode(torch.from_numpy(x).reshape(1, 1, 8, 8))
    assert np.array_equal(np.frombuffer(content, "<f4"), torch.cat([q.mu, q.logvar], 1)[0].numpy())


def test_what_is_no_request_is_refused_by_a_sentence(opened: Opened) -> None:
    """Too many codes, halves of one, numbers that are none, and models that are not here."""
    address = f"{opened.server_address}/decode"
    many = np.zeros((serving.MOST + 1, 2), "<f4").tobytes()
    for body, sentence in (
        (many, "more than 64 rows of 2 numbers"),
        (b"123", "3 bytes is no rows"),
        (b"", "0 bytes is no rows"),
        (np.array([np.nan, 0], "<f4").tobytes(), "not finite"),
    ):
        status, content = ask(address, body)
        assert (status, sentence in content.decode()) == (422, True)
    status, content = ask(f"{assets.SCHEME}{serving.PREFIX}/nobody/decode", b"")
    assert (status, content.decode()) == (404, serving.GONE)


def test_a_busy_server_asks_to_come_again(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    """Few requests are here at once."""
    monkeypatch.setattr(serving, "MOST_REQUESTS", 0)
    status, _ = ask(f"{opened.server_address}/decode", np.zeros(2, "<f4").tobytes())
    assert status == 503


def test_what_the_model_cannot_compute_is_a_sentence(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Too much time ends its process, and not the server."""
    body = np.zeros(2, "<f4").tobytes()
    assert ask(f"{opened.server_address}/decode", body)[0] == 200
    served.freeze(monkeypatch)
    status, content = ask(f"{opened.server_address}/decode", body)
    assert (status, content.decode()) == (422, "onnxruntime took longer than the 0 seconds allowed")
    monkeypatch.undo()
    assert ask(f"{opened.server_address}/decode", body)[0] == 200


def test_a_model_that_browsers_run_is_not_served(tmp_path: Path) -> None:
    """It has no such address."""
    usual = Opened("digits-2d", "digits", model_folder.open_folder("digits-2d"))
    assert usual.server_address is None
    assert not usual.is_served()
