"""Publish bytes that browsers fetch once and cache: weights, codes and images.

An address holds the hash of the content, so responses are immutable and a rerun, a page switch or
a reload fetches nothing again. Published bytes are public to everyone who can open the app and
knows their hash. Images uploaded to be reconstructed are never published; the pictures of a model
that was opened from files are, as its codes are.
"""

import functools
import gzip
import hashlib
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from app.resources.cache import LRUCache

PREFIX = "explorer"
#: Stands for the server's root, which only the browser knows; panels replace it.
SCHEME = "asset:"
#: Published bytes in memory, of permanent and of temporary assets.
MAX_BYTES, MAX_TEMPORARY_BYTES = 128 * 2**20, 32 * 2**20
#: Content that gzip does not reduce below this share, such as weights, is sent uncompressed.
WORTH_COMPRESSING = 0.8


@dataclass(frozen=True)
class Asset:
    """Bytes with a file name and a media type."""

    content: bytes
    name: str
    media_type: str = "application/octet-stream"

    @functools.cached_property
    def digest(self) -> str:
        """Hash of the content."""
        return hashlib.sha256(self.content).hexdigest()[:32]

    @functools.cached_property
    def compressed(self) -> bytes | None:
        """The gzipped content, or None if that saves little."""
        found = gzip.compress(self.content, compresslevel=1, mtime=0)
        return found if len(found) < WORTH_COMPRESSING * len(self.content) else None

    @property
    def address(self) -> str:
        """Address relative to the server's root."""
        return f"{SCHEME}{PREFIX}/{self.digest}/{self.name}"


#: Two caches, so that assets replaced every few seconds do not evict permanent ones.
_PERMANENT: LRUCache[Asset] = LRUCache(MAX_BYTES, size=lambda asset: len(asset.content))
_TEMPORARY: LRUCache[Asset] = LRUCache(MAX_TEMPORARY_BYTES, size=lambda asset: len(asset.content))


def publish(asset: Asset, *, temporary: bool = False) -> str:
    """Make an asset available and return its address; publishing it again is cheap.

    Parameters
    ----------
    temporary
        Whether another asset replaces it within seconds, as those of a model in training.
    """
    (_TEMPORARY if temporary else _PERMANENT).put(asset.digest, asset)
    return asset.address


def _respond(request: Request) -> Response:
    digest = request.path_params["digest"]
    asset = _PERMANENT.get(digest) or _TEMPORARY.get(digest)
    if asset is None:
        return PlainTextResponse(
            "This file is no longer in memory. Reload the page.", 404, {"Cache-Control": "no-store"}
        )
    headers = {"Cache-Control": "public, max-age=31536000, immutable", "ETag": f'"{digest}"'}
    if request.headers.get("if-none-match") == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    accepts = "gzip" in request.headers.get("accept-encoding", "")
    body = asset.compressed if accepts else None
    # "identity" keeps the server's own compression from running for every request.
    headers |= {"Content-Encoding": "gzip" if body else "identity", "Vary": "Accept-Encoding"}
    return Response(body or asset.content, media_type=asset.media_type, headers=headers)


def routes(base_path: str = "") -> list[Route]:
    """Return what ``st.App(script, routes=…)`` serves, under the path that the app is served at."""
    path = f"{base_path}/{PREFIX}/{{digest:str}}/{{name}}"
    return [Route(path, _respond, methods=["GET"])]
