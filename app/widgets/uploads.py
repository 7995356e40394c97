"""Upload image files, kept in memory only."""

from dataclasses import dataclass

import streamlit as st

from vae_core import images

MAX_IMAGES = 24
NOT_STORED = "Your images are never stored: they stay in memory while this page shows them."


@dataclass(frozen=True)
class Upload:
    """An uploaded image file."""

    name: str
    content: bytes


def image_files(key: str) -> list[Upload]:
    """Show the upload of image files and return the first `MAX_IMAGES`."""
    files = st.file_uploader(
        "Drop images here, or paste one",
        type=list(images.SUFFIXES),
        accept_multiple_files=True,
        max_upload_size=images.MAX_BYTES // 2**20,
        key=key,
    )
    if len(files) > MAX_IMAGES:
        st.info(f"Showing the first {MAX_IMAGES} of {len(files)} images.")
    return [Upload(file.name, file.getvalue()) for file in files[:MAX_IMAGES]]
