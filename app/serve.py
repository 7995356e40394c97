"""Serve the app: `latent-explorer`, `python -m app.serve`, and what `make run` calls."""

import argparse
import os
import socket
import sys
import tempfile
from pathlib import Path

from streamlit.web import cli

from app import MODEL_VARIABLE
from vae_core import model_folder
from vae_core.errors import LatentExplorerError

MAIN = Path(__file__).with_name("main.py")


def is_free(host: str, port: int) -> bool:
    """Whether a server can listen on a port of a host's address."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def options() -> argparse.ArgumentParser:
    """Declare the command line."""
    parser = argparse.ArgumentParser(prog="latent-explorer", description="Serve Latent Explorer.")
    parser.add_argument("--port", type=int, default=8501, help="default: 8501")
    parser.add_argument(
        "--host", default="127.0.0.1", help="address to listen on; 0.0.0.0 for every network"
    )
    parser.add_argument("--base-path", default="", help="path to serve under, as tools/vae")
    parser.add_argument("--model", type=Path, metavar="DIR", help="model folder to open")
    parser.add_argument("--open", action="store_true", help="open the page in a browser")
    return parser


def ensure_home() -> None:
    """Give a user without a home folder a temporary one, which Streamlit and trainings need."""
    try:
        Path.home()
    except RuntimeError:
        os.environ["HOME"] = tempfile.mkdtemp(prefix="latent-explorer-")
        print(
            f"This user has no home folder: trainings and downloads go to {os.environ['HOME']} "
            "unless VAE_RUNS_DIR and VAE_DATA_DIR name other folders."
        )


def main() -> None:
    """Start Streamlit, or exit with one line that says why not."""
    arguments = options().parse_args()
    ensure_home()
    if not 1 <= arguments.port <= 65_535:
        sys.exit(f"error: port {arguments.port}: allowed are 1 to 65535")
    host, port = arguments.host, arguments.port
    if not is_free(host, port):
        sys.exit(
            f"error: port {port} of {host} is in use or not this host's. Take another one: "
            f"make run PORT={port + 1}, or latent-explorer --port {port + 1}"
        )
    if arguments.model is not None:
        try:
            model_folder.load_card(arguments.model)
        except LatentExplorerError as error:
            sys.exit(f"error: --model {arguments.model}: {error}")
        os.environ[MODEL_VARIABLE] = str(arguments.model.resolve())
    flags = {
        "server.address": host,
        "server.port": port,
        "server.baseUrlPath": arguments.base_path.strip("/"),
        "server.headless": str(not arguments.open).lower(),
    }
    sys.argv = ["streamlit", "run", str(MAIN)]
    sys.argv += [part for name, value in flags.items() for part in (f"--{name}", str(value))]
    cli.main()


if __name__ == "__main__":
    main()
