"""The server: `streamlit run app/main.py`.

Settings come from `.streamlit/config.toml` beside the packages, whatever the working directory is;
a flag or an environment variable still wins. Heavy bytes (weights, codes, sprites) go over routes
of the app's own, so that a browser keeps them.
"""

import gc
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

from app.resources import assets, library
from vae_core.errors import LatentExplorerError

CONFIG_FILE = Path(__file__).parents[1] / ".streamlit" / "config.toml"
NAVIGATION = Path(__file__).with_name("navigation.py")


def flatten(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield a TOML table's settings as (`"section.option"`, value)."""
    for name, value in table.items():
        if isinstance(value, Mapping):
            yield from flatten(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value


def apply_settings(file: Path = CONFIG_FILE) -> None:
    """Set every option of `file` that nobody has set otherwise."""
    defined = config.get_config_options()
    for option, value in flatten(tomllib.loads(file.read_text(encoding="utf-8"))):
        if defined[option].where_defined == ConfigOption.DEFAULT_DEFINITION:
            config.set_option(option, value, where_defined=str(file))


def keep_uploads_in_memory() -> None:
    """Let no upload, of any allowed size, be spooled to a temporary file while it arrives."""
    most: int = config.get_option("server.maxUploadSize") * 2**20
    MultiPartParser.spool_max_size = most + 2**20  # its frame included


def say(error: Exception) -> bool:
    """Show what a person gave and cannot be used as its sentence; leave faults as they are."""
    if isinstance(error, LatentExplorerError):
        st.error(str(error))
    return isinstance(error, LatentExplorerError)


@asynccontextmanager
async def ready(_: st.App) -> AsyncIterator[None]:
    """Load what the first visitor will ask for before the server answers."""
    # Each message to a browser gives the interpreter away and waits for it again, behind every
    # other session that computes: 5 ms by default, and a run of the script sends forty messages.
    sys.setswitchinterval(5e-4)
    library.preload()
    gc.collect()
    gc.freeze()  # imports and preloaded models are never garbage: no later collection visits them
    yield


async def first_page(request: Request) -> RedirectResponse:
    """Lead from Explore's own name to where Streamlit serves an app's first page."""
    query = f"?{request.url.query}" if request.url.query else ""
    return RedirectResponse(f"./{query}")


apply_settings()
keep_uploads_in_memory()
torch.set_num_threads(1)  # one thread for each of many sessions beats many threads for one

app = st.App(
    NAVIGATION,
    routes=[*assets.ROUTES, Route("/explore", first_page)],
    lifespan=ready,
    on_script_error=say,
)
