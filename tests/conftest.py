"""Datasets for the tests, and a visible reason where one is missing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from vae_core.data import ImageDataset

NEEDED = {"mnist": "mnist", "frey": "frey-face", "cifar": "cifar-10"}  # marker → dataset


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test whose dataset is not on this machine, and say so."""
    needed = [name for marker, name in NEEDED.items() if item.get_closest_marker(marker)]
    if not needed:
        return
    from vae_core.data import available

    for status in available():
        if status.name in needed and not status.present:
            pytest.skip(f"{status.reason} Set VAE_DATA_DIR to the folder that holds it.")


@pytest.fixture(scope="session")
def mnist() -> ImageDataset:
    """Return MNIST; for tests marked ``mnist``."""
    return _load("mnist")


@pytest.fixture(scope="session")
def frey() -> ImageDataset:
    """Return Frey Face; for tests marked ``frey``."""
    return _load("frey-face")


@pytest.fixture(scope="session")
def cifar() -> ImageDataset:
    """Return CIFAR-10, complete or an excerpt; for tests marked ``cifar``."""
    return _load("cifar-10")


@pytest.fixture(scope="session")
def digits() -> ImageDataset:
    """Return the bundled 8 × 8 digits."""
    return _load("digits")


def _load(name: str) -> ImageDataset:
    from vae_core.data import load_dataset

    return load_dataset(name)
