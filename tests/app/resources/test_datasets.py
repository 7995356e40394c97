"""Datasets: what is kept of them in memory."""

from __future__ import annotations

from pathlib import Path

from app.resources import datasets


def test_live_pictures_do_not_hold_their_dataset(no_data: Path) -> None:
    """Some pictures are kept, and not the memory of all of them."""
    images = datasets.first_test_images(datasets.Reading("digits")).images
    assert images.untyped_storage().nbytes() == images.nbytes
