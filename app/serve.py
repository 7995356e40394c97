"""Serve the app: `python -m app.serve --port 8501`, what `make run` calls."""

import argparse
import socket
import sys
from pathlib import Path

from streamlit.web import cli

MAIN = Path(__file__).with_name("main.py")


def is_free(port: int) -> bool:
    """Whether a server can listen on a port of this machine."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("", port))
        except OSError:
            return False
    return True


def main() -> None:
    """Start Streamlit, or say in one line why not."""
    parser = argparse.ArgumentParser(prog="python -m app.serve", description="Serve the app.")
    parser.add_argument("--port", type=int, default=8501)
    port = parser.parse_args().port
    if not 1 <= port <= 65_535:
        sys.exit(f"error: port {port}: allowed are 1 to 65535")
    if not is_free(port):
        sys.exit(
            f"error: port {port} is in use. Take another one: make run PORT={port + 1}, "
            f"or python -m app.serve --port {port + 1}"
        )
    sys.argv = ["streamlit", "run", str(MAIN), "--server.port", str(port)]
    cli.main()


if __name__ == "__main__":
    main()
