"""The server: `streamlit run app/main.py`.

Settings come from `.streamlit/config.toml` beside this file, however the app is started; a flag or
an environment variable wins over it. Weights, codes and sprites go over routes of the app, so that
a browser keeps them.
"""

import gc
import logging
import sys
import tomllib
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import streamlit as st
import torch
from starlette.formparsers import MultiPartParser
from starlette.requests import Request
from starlette.responses import RedirectResponse
from starlette.routing import Route
from streamlit import config
from streamlit.config_option import ConfigOption

HERE = Path(__file__).resolve().parent
# `streamlit run` puts this file's folder on the path, and not the one that the packages lie in.
if str(HERE.parent) not in sys.path:
    sys.path.append(str(HERE.parent))

# Streamlit warns of each cache that is declared before its server runs, as all of them are.
logging.getLogger("streamlit.runtime.caching.cache_data_api").addFilter(
    lambda record: "No runtime found" not in record.getMessage()
)

from app.resources import assets, library  # noqa: E402
from vae_core.errors import LatentExplorerError  # noqa: E402

NAVIGATION = HERE / "navigation.py"
#: Addresses to listen on that this host's browser knows as localhost.
THIS_HOST = (None, "127.0.0.1", "0.0.0.0", "::", "::1")
CONFIG_FILE = HERE / ".streamlit" / "config.toml"


def flatten(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield a TOML table's settings as (`"section.option"`, value)."""
    for name, value in table.items():
        if isinstance(value, Mapping):
            yield from flatten(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value


def apply_settings(file: Path = CONFIG_FILE) -> None:
    """Set every option of `file` that was not set otherwise."""
    defined = config.get_config_options()
    for option, value in flatten(tomllib.loads(file.read_text(encoding="utf-8"))):
        if defined[option].where_defined == ConfigOption.DEFAULT_DEFINITION:
            config.set_option(option, value, where_defined=str(file))


def keep_uploads_in_memory() -> None:
    """Let no upload, of any allowed size, be spooled to a temporary file while it arrives."""
    most: int = config.get_option("server.maxUploadSize") * 2**20
    MultiPartParser.spool_max_size = most + 2**20  # its frame included


def show_error(error: Exception) -> bool:
    """Show an error of the user's input as its sentence; leave faults to Streamlit."""
    if isinstance(error, LatentExplorerError):
        st.error(str(error))
    return isinstance(error, LatentExplorerError)


def base_path() -> str:
    """Return the path that the app is served under: empty, or with a slash in front alone."""
    path = config.get_option("server.baseUrlPath").strip("/")
    return f"/{path}" if path else ""


def address() -> str:
    """Return the address at which this host's browser finds the app."""
    host = config.get_option("server.address")
    host = "localhost" if host in THIS_HOST else host
    return f"http://{host}:{config.get_option('server.port')}{base_path()}/{library.link()}"


@asynccontextmanager
async def ready(_: st.App) -> AsyncIterator[None]:
    """Load what the first visitor will need before the server answers."""
    # Each message to a browser gives the interpreter away and waits for it again, behind every
    # other session that computes: 5 ms by default, and a run of the script sends forty messages.
    sys.setswitchinterval(5e-4)
    library.preload()
    gc.collect()
    gc.freeze()  # imports and preloaded models are never garbage: no later collection visits them
    print(f"Latent Explorer: see inside a variational autoencoder.\nOpen {address()}", flush=True)
    print("Stop with Ctrl+C.", flush=True)
    yield


async def first_page(request: Request) -> RedirectResponse:
    """Redirect from Explore's own name to where Streamlit serves an app's first page."""
    query = f"?{request.url.query}" if request.url.query else ""
    return RedirectResponse(f"./{query}")


apply_settings()
keep_uploads_in_memory()
torch.set_num_threads(1)  # one thread for each of many sessions beats many threads for one

#: What `st.App` takes beside the script.
OPTIONS: dict[str, Any] = {
    "routes": [*assets.routes(base_path()), Route(f"{base_path()}/explore", first_page)],
    "lifespan": ready,
    "on_script_error": show_error,
}
app = st.App(NAVIGATION, **OPTIONS)
