"""Create the server app: `streamlit run app/main.py`.

Settings come from `.streamlit/config.toml` beside this file, however the app is started; flags and
environment variables override them. Weights, codes and sprites are served by separate routes, so
that browsers cache them.
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

from app import words  # noqa: E402
from app.classroom import routes as classroom  # noqa: E402
from app.resources import assets, library, serving  # noqa: E402
from vae_core.errors import LatentExplorerError  # noqa: E402

NAVIGATION = HERE / "navigation.py"
#: Addresses to listen on that this host's browser knows as localhost.
THIS_HOST = (None, "127.0.0.1", "0.0.0.0", "::", "::1")
CONFIG_FILE = HERE / ".streamlit" / "config.toml"


def flatten(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the settings of a TOML table as (`"section.option"`, value)."""
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
    """Keep uploads of any allowed size in memory instead of temporary files."""
    most: int = config.get_option("server.maxUploadSize") * 2**20
    MultiPartParser.spool_max_size = most + 2**20  # with the multipart frame


def show_error(error: Exception) -> bool:
    """Show an error of the user's input as its sentence; leave faults to Streamlit."""
    if isinstance(error, LatentExplorerError):
        st.error(words.without_paths(error))
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
async def lifespan(_: st.App) -> AsyncIterator[None]:
    """Load the default model before the server accepts sessions."""
    # Each message to a browser releases the interpreter and then waits for other sessions, 5 ms
    # each by default. A script run sends about forty messages.
    sys.setswitchinterval(5e-4)
    library.preload()
    gc.collect()
    gc.freeze()  # later collections skip imports and preloaded models
    print(f"Latent Explorer: see inside a variational autoencoder.\nOpen {address()}", flush=True)
    print("Stop with Ctrl+C.", flush=True)
    yield


async def first_page(request: Request) -> RedirectResponse:
    """Redirect /explore to the root, where Streamlit serves the default page."""
    query = f"?{request.url.query}" if request.url.query else ""
    return RedirectResponse(f"./{query}")


apply_settings()
keep_uploads_in_memory()
torch.set_num_threads(1)  # faster for many sessions than several threads for one

#: What `st.App` takes beside the script.
OPTIONS: dict[str, Any] = {
    "routes": [
        *assets.routes(base_path()),
        *classroom.routes(base_path()),
        *serving.routes(base_path()),
        Route(f"{base_path()}/explore", first_page),
    ],
    "lifespan": lifespan,
    "on_script_error": show_error,
}
app = st.App(NAVIGATION, **OPTIONS)
