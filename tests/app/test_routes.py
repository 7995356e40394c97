"""Published bytes: found by their hash, kept by browsers, bounded in memory."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match

from app import routes


def get(address: str, headers: dict[str, str] | None = None) -> Response:
    """Answer as the server does when a browser asks for an address that panels were given."""
    assert address.startswith(routes.SCHEME)
    sent = [(name.lower().encode(), value.encode()) for name, value in (headers or {}).items()]
    scope = {
        "type": "http",
        "method": "GET",
        "path": "/" + address.removeprefix(routes.SCHEME),
        "headers": sent,
    }
    (route,) = routes.ROUTES
    match, found = route.matches(scope)
    assert match is Match.FULL
    answer: Response = route.endpoint(Request(scope | found))
    return answer


def test_published_bytes_may_be_kept_for_ever() -> None:
    """The answer is the content itself, immutable."""
    asset = routes.Asset(b"weights", "decoder.bin")
    answer = get(routes.publish(asset))
    assert answer.body == b"weights"
    assert "immutable" in answer.headers["cache-control"]
    assert "max-age=31536000" in answer.headers["cache-control"]


def test_known_bytes_are_not_sent_again() -> None:
    """A browser that asks again by the tag gets no body."""
    address = routes.publish(routes.Asset(b"again", "codes.bin"))
    tag = get(address).headers["etag"]
    answer = get(address, {"If-None-Match": tag})
    assert answer.status_code == 304
    assert answer.body == b""


def test_unknown_hash_is_a_plain_404_that_is_not_kept() -> None:
    """A page that is older than the server is told so, and may ask again."""
    answer = get(f"{routes.SCHEME}{routes.PREFIX}/{'0' * 32}/decoder.bin")
    assert answer.status_code == 404
    assert answer.headers["cache-control"] == "no-store"


def test_equal_bytes_have_one_address() -> None:
    """The address follows the content alone."""
    one, same, other = (routes.Asset(content, "x.bin") for content in (b"a", b"a", b"b"))
    assert one.address == same.address != other.address


def test_shelf_drops_the_longest_unused() -> None:
    """Memory stays bounded, and what is published again stays."""
    shelf = routes.Shelf(max_bytes=25)
    assets = [routes.Asset(bytes([n]) * 10, "x.bin") for n in range(3)]
    shelf.publish(assets[0])
    shelf.publish(assets[1])
    shelf.publish(assets[0])
    shelf.publish(assets[2])
    assert shelf.get(assets[1].digest) is None
    assert shelf.get(assets[0].digest) == assets[0]
    assert shelf.get(assets[2].digest) == assets[2]


def test_shelf_keeps_the_last_however_large() -> None:
    """A set larger than the shelf is still delivered."""
    shelf = routes.Shelf(max_bytes=5)
    large = routes.Asset(b"0123456789", "x.bin")
    shelf.publish(large)
    assert shelf.get(large.digest) == large
