"""Bytes that browsers fetch once: weights, codes and pictures, addressed by their content.

An address holds the hash of what it delivers, so an answer may be kept for ever: a rerun, a page
switch or a reload costs nothing. Whatever is published is public to everyone who can open the app
and knows its hash; no picture that a person uploads goes through here.
"""

from __future__ import annotations

import functools
import hashlib
import threading
from collections import OrderedDict
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

PREFIX = "explorer"
#: What panels replace by the server's root, which only the browser knows.
SCHEME = "asset:"
#: Published bytes kept in memory; beyond it the longest unused go, and come back when published.
MAX_BYTES = 128 * 2**20


@dataclass(frozen=True)
class Asset:
    """Bytes with a name that tells people what they are."""

    content: bytes
    name: str
    media_type: str = "application/octet-stream"

    @functools.cached_property
    def digest(self) -> str:
        """Hash of the content."""
        return hashlib.sha256(self.content).hexdigest()[:32]

    @property
    def address(self) -> str:
        """Where browsers find it, relative to the server's root."""
        return f"{SCHEME}{PREFIX}/{self.digest}/{self.name}"


class Shelf:
    """Published assets, the longest unused dropped when they exceed ``max_bytes``."""

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self._max_bytes = max_bytes
        self._assets: OrderedDict[str, Asset] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def publish(self, asset: Asset) -> str:
        """Make ``asset`` available and return its address; again and again costs nothing."""
        with self._lock:
            if asset.digest not in self._assets:
                self._assets[asset.digest] = asset
                self._bytes += len(asset.content)
            self._assets.move_to_end(asset.digest)
            while self._bytes > self._max_bytes and len(self._assets) > 1:
                _, dropped = self._assets.popitem(last=False)
                self._bytes -= len(dropped.content)
        return asset.address

    def get(self, digest: str) -> Asset | None:
        """Return the asset with this hash, or None."""
        with self._lock:
            return self._assets.get(digest)


_SHELF = Shelf()
publish = _SHELF.publish


def _deliver(request: Request) -> Response:
    digest = request.path_params["digest"]
    asset = _SHELF.get(digest)
    if asset is None:
        return PlainTextResponse(
            "This is no longer kept here; reload the page.", 404, {"Cache-Control": "no-store"}
        )
    headers = {"Cache-Control": "public, max-age=31536000, immutable", "ETag": f'"{digest}"'}
    if request.headers.get("if-none-match") == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    return Response(asset.content, media_type=asset.media_type, headers=headers)


#: For ``st.App(script, routes=ROUTES)``.
ROUTES = [Route(f"/{PREFIX}/{{digest}}/{{name}}", _deliver, methods=["GET"])]
