"""``python -m vae_core``."""

from vae_core.cli.main import main

if __name__ == "__main__":
    main()
