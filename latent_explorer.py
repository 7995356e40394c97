"""The command ``latent-explorer``: serve the app that is installed beside this module."""

import importlib.util
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent


def main() -> None:
    """Serve the app, or say that another package of the same name hides it."""
    found = importlib.util.find_spec("app")
    places = list(found.submodule_search_locations or [found.origin or ""]) if found else []
    if HERE / "app" not in [Path(place).resolve() for place in places]:
        sys.exit(
            f"error: the package `app` of Latent Explorer ({HERE / 'app'}) is hidden by another "
            f"one ({places[0] if places else 'none was found'}). Install Latent Explorer into a "
            "virtual environment of its own: python -m venv latent-explorer"
        )
    from app.serve import main as serve

    serve()


if __name__ == "__main__":
    main()
