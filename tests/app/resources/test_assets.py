"""Published bytes: found by their hash, kept by browsers, bounded in memory."""

from __future__ import annotations

import gzip

import numpy as np
import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match

from app.resources import assets
from app.resources.cache import LRUCache


def get(address: str, headers: dict[str, str] | None = None) -> Response:
    """Answer as the server does when a browser asks for an address that panels were given."""
    assert address.startswith(assets.SCHEME)
    sent = [(name.lower().encode(), value.encode()) for name, value in (headers or {}).items()]
    scope = {
        "type": "http",
        "method": "GET",
        "path": "/" + address.removeprefix(assets.SCHEME),
        "headers": sent,
    }
    (route,) = assets.routes()
    match, found = route.matches(scope)
    assert match is Match.FULL
    answer: Response = route.endpoint(Request(scope | found))
    return answer


def test_published_bytes_may_be_kept_for_ever() -> None:
    """The answer is the content itself, immutable."""
    asset = assets.Asset(b"weights", "decoder.bin")
    answer = get(assets.publish(asset))
    assert answer.body == b"weights"
    assert "immutable" in answer.headers["cache-control"]
    assert "max-age=31536000" in answer.headers["cache-control"]


def test_known_bytes_are_not_sent_again() -> None:
    """A browser that asks again by the tag gets no body."""
    address = assets.publish(assets.Asset(b"again", "codes.bin"))
    tag = get(address).headers["etag"]
    answer = get(address, {"If-None-Match": tag})
    assert answer.status_code == 304
    assert answer.body == b""


def test_unknown_hash_is_a_plain_404_that_is_not_kept() -> None:
    """A page that is older than the server gets an error that is not cached."""
    answer = get(f"{assets.SCHEME}{assets.PREFIX}/{'0' * 32}/decoder.bin")
    assert answer.status_code == 404
    assert answer.headers["cache-control"] == "no-store"


def test_equal_bytes_have_one_address() -> None:
    """The address follows the content alone."""
    one, same, other = (assets.Asset(content, "x.bin") for content in (b"a", b"a", b"b"))
    assert one.address == same.address != other.address


def test_what_passes_drives_nothing_else_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """A training's networks, new every few seconds, replace each other alone."""
    small: LRUCache[assets.Asset] = LRUCache(25, size=lambda asset: len(asset.content))
    monkeypatch.setattr(assets, "_TEMPORARY", small)
    stays = assets.publish(assets.Asset(b"a network that is there for good", "decoder.bin"))
    published = [assets.Asset(bytes([n]) * 10, "decoder.bin") for n in range(5)]
    passing = [assets.publish(asset, temporary=True) for asset in published]
    assert [get(address).status_code for address in passing] == [404, 404, 404, 200, 200]
    assert get(stays).status_code == 200


def test_bytes_are_compressed_once_for_all() -> None:
    """Compressible content is sent as gzip if accepted; the server compresses nothing itself."""
    content = b"the same again and " * 500
    address = assets.publish(assets.Asset(content, "frame.bin"))
    answer = get(address, {"Accept-Encoding": "gzip, br"})
    assert answer.headers["content-encoding"] == "gzip"
    assert gzip.decompress(bytes(answer.body)) == content
    assert get(address, {"Accept-Encoding": "gzip"}).body is answer.body
    plain = get(address)
    assert (plain.body, plain.headers["content-encoding"]) == (content, "identity")
    weights = np.random.default_rng(0).bytes(5000)
    answer = get(assets.publish(assets.Asset(weights, "x.bin")), {"Accept-Encoding": "gzip"})
    assert (answer.body, answer.headers["content-encoding"]) == (weights, "identity")
