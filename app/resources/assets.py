"""Bytes that browsers fetch once: weights, codes and pictures, addressed by their content.

An address holds the hash of what it delivers, so an answer may be kept for ever: a rerun, a page
switch or a reload costs nothing. Whatever is published is public to everyone who can open the app
and knows its hash; no picture that a person uploads goes through here.
"""

from __future__ import annotations

import functools
import gzip
import hashlib
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from app.resources.cache import LRUCache

PREFIX = "explorer"
#: What panels replace by the server's root, which only the browser knows.
SCHEME = "asset:"
#: Published bytes kept in memory; beyond it the longest unused go, and come back when published.
MAX_BYTES, MAX_PASSING_BYTES = 128 * 2**20, 32 * 2**20
#: What is not smaller than this share when compressed, such as weights, travels as it is.
WORTH_COMPRESSING = 0.8


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

    @functools.cached_property
    def compressed(self) -> bytes | None:
        """The content as gzip has it, made once; None where that saves little."""
        found = gzip.compress(self.content, compresslevel=1, mtime=0)
        return found if len(found) < WORTH_COMPRESSING * len(self.content) else None

    @property
    def address(self) -> str:
        """Where browsers find it, relative to the server's root."""
        return f"{SCHEME}{PREFIX}/{self.digest}/{self.name}"


#: What stays as it is, and what is new every few seconds: the one does not drive out the other.
_PUBLISHED: LRUCache[Asset] = LRUCache(MAX_BYTES, size=lambda asset: len(asset.content))
_PASSING: LRUCache[Asset] = LRUCache(MAX_PASSING_BYTES, size=lambda asset: len(asset.content))


def publish(asset: Asset, *, passing: bool = False) -> str:
    """Make an asset available and return its address; again and again costs nothing.

    Parameters
    ----------
    passing
        Whether another one takes its place soon, as of a model in training.
    """
    (_PASSING if passing else _PUBLISHED).put(asset.digest, asset)
    return asset.address


def _deliver(request: Request) -> Response:
    digest = request.path_params["digest"]
    asset = _PUBLISHED.get(digest) or _PASSING.get(digest)
    if asset is None:
        return PlainTextResponse(
            "This is no longer kept here; reload the page.", 404, {"Cache-Control": "no-store"}
        )
    headers = {"Cache-Control": "public, max-age=31536000, immutable", "ETag": f'"{digest}"'}
    if request.headers.get("if-none-match") == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    accepts = "gzip" in request.headers.get("accept-encoding", "")
    body = asset.compressed if accepts else None
    # Said even of what is not compressed: the server would compress it again for everyone.
    headers |= {"Content-Encoding": "gzip" if body else "identity", "Vary": "Accept-Encoding"}
    return Response(body or asset.content, media_type=asset.media_type, headers=headers)


#: For ``st.App(script, routes=ROUTES)``.
ROUTES = [Route(f"/{PREFIX}/{{digest}}/{{name}}", _deliver, methods=["GET"])]
