"""Offer to download missing datasets."""

import streamlit as st

from app import words
from app.resources import datasets
from app.resources.opened_model import Opened
from vae_core.data import DatasetStatus
from vae_core.errors import DatasetError


def offer(
    model: Opened, note: str = "Until then, reconstructions are shown instead of original images."
) -> None:
    """Offer to download the model's dataset if it is not on this host."""
    status = datasets.missing(model.card.dataset)
    if status is not None:
        offer_dataset(status, note)


def offer_dataset(status: DatasetStatus, note: str = "") -> None:
    """Offer to download a dataset."""
    with st.container(border=True, key="invitation"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{status.reason}** {note}")
            pressed = st.button(
                f"Download ({status.megabytes} MB)", key="w-download", help=status.home
            )
        if pressed:
            _download(status.name)


def _download(name: str) -> None:
    """Download with a progress bar; any click stops it, and no partial file remains."""
    bar = st.progress(0.0, "Connecting…")
    st.button("Stop", key="w-stop-download")

    def progress(done: int, total: int) -> None:
        bar.progress(min(done / total, 1.0) if total else 0.0, f"{done / 1e6:.1f} MB")

    try:
        datasets.download(name, progress)
    except DatasetError as error:
        bar.empty()
        st.error(words.without_paths(error))
    else:
        st.rerun()
