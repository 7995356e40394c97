"""Run models that a browser cannot: codes and pictures in, pixels and codes out.

A page sends one request at a time, in which its newest code replaces those that still waited. Few
requests run at once on a host; a few more wait, and others are asked to come again. onnxruntime
runs in processes of its own, bounded in time and memory (`vae_core.graphs.foreign`).
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Literal

import numpy as np
import torch
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from app.resources.assets import SCHEME
from app.resources.cache import LRUCache
from vae_core.errors import LatentExplorerError
from vae_core.models import VAE

PREFIX = "explorer-run"
Part = Literal["decode", "encode"]
#: Models in memory, in bytes of all their weights; most have no more here than in the library.
MAX_BYTES = 256 * 2**20
#: Most codes, or pictures, of a request.
MOST = 64
#: Requests that run at once, and those that may be here at all.
AT_ONCE, MOST_REQUESTS = 2, 16
BUSY = "The server is decoding for others. It is asked again in a moment."
GONE = "This model is no longer in the server's memory. Reload the page."

_models: LRUCache[VAE] = LRUCache(
    MAX_BYTES, size=lambda model: sum(one.nbytes for one in model.state_dict().values())
)
_threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="served-model")
_requests: set[Request] = set()


def publish(key: str, model: VAE) -> str:
    """Let browsers ask for what a model computes; return the address, to which a part is added."""
    _models.put(key, model)
    return f"{SCHEME}{PREFIX}/{key}"


async def _respond(request: Request) -> Response:
    model = _models.get(request.path_params["key"])
    part: Part = "decode" if request.url.path.endswith("/decode") else "encode"
    if model is None:
        return _refused(GONE, 404)
    if len(_requests) >= MOST_REQUESTS:
        return _refused(BUSY, 503)
    _requests.add(request)
    try:
        values = await _values(request, _width(model, part))
        y = _label(request, model)
        loop = asyncio.get_running_loop()
        content = await loop.run_in_executor(_threads, compute, model, part, values, y)
    except LatentExplorerError as error:
        return _refused(str(error), 422)
    finally:
        _requests.discard(request)
    return Response(content, headers={"Cache-Control": "no-store", "Content-Encoding": "identity"})


def _refused(sentence: str, status: int) -> Response:
    return PlainTextResponse(sentence, status, {"Cache-Control": "no-store"})


def _width(model: VAE, part: Part) -> int:
    return model.config.latent_dim if part == "decode" else model.config.pixels


async def _values(request: Request, width: int) -> torch.Tensor:
    """Read the body: float32 (n, width), little-endian and finite.

    Raises
    ------
    LatentExplorerError
        If it is anything else.
    """
    most = 4 * MOST * width
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > most:
            raise LatentExplorerError(f"more than {MOST} rows of {width} numbers in a request")
    if not body or len(body) % (4 * width):
        raise LatentExplorerError(f"a request of {len(body)} bytes is no rows of {width} numbers")
    values = np.frombuffer(bytes(body), "<f4").reshape(-1, width)
    if not np.isfinite(values).all():
        raise LatentExplorerError("a request has numbers that are not finite")
    return torch.from_numpy(values.copy())


def _label(request: Request, model: VAE) -> int | None:
    if not model.config.takes_labels:
        return None
    text = request.query_params.get("y", "0")
    if not (text.isdecimal() and int(text) < model.config.classes):
        raise LatentExplorerError(f"label {text[:20]}: allowed are 0 to {model.config.classes - 1}")
    return int(text)


@torch.inference_mode()
def compute(model: VAE, part: Part, values: torch.Tensor, y: int | None) -> bytes:
    """Return pixel means (n, c · h · w) of codes, or mu and logvar of pictures, as float32."""
    labels = None if y is None else torch.full((len(values),), y)
    if part == "decode":
        result = model.decode(values, labels).mean.flatten(1)
    else:
        q = model.encode(values.clamp(0, 1).reshape(-1, *model.config.image_shape), labels)
        result = torch.cat([q.mu, q.logvar], dim=1)
    return result.numpy().astype("<f4").tobytes()


def routes(base_path: str = "") -> list[Route]:
    """Return what `st.App(script, routes=…)` serves, under the path that the app is served at."""
    return [
        Route(f"{base_path}/{PREFIX}/{{key:str}}/{part}", _respond, methods=["POST"])
        for part in ("decode", "encode")
    ]
