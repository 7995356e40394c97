"""Offer to download a dataset that is missing."""

import streamlit as st

from app.resources import datasets
from app.resources.opened_model import Opened
from vae_core.data import DatasetStatus
from vae_core.errors import DatasetError


def invitation(
    model: Opened, until_then: str = "Its pictures here are reconstructions until it is."
) -> None:
    """Invite to download the model's data where it is not on this machine."""
    status = datasets.missing(model.card.dataset)
    if status is not None:
        download_invitation(status, until_then)


def download_invitation(status: DatasetStatus, until_then: str = "") -> None:
    """Invite to download a dataset."""
    with st.container(border=True, key="invitation"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{status.reason}** {until_then}")
            asked = st.button(
                f"Download it ({status.megabytes} MB)", key="w-download", help=status.home
            )
        if asked:
            _download(status.name)


def _download(name: str) -> None:
    """Download with progress; any other click stops it, and nothing half-done stays."""
    bar = st.progress(0.0, "Connecting…")
    st.button("Stop", key="w-stop-download")

    def progress(done: int, total: int) -> None:
        bar.progress(min(done / total, 1.0) if total else 0.0, f"{done / 1e6:.1f} MB")

    try:
        datasets.download(name, progress)
    except DatasetError as error:
        bar.empty()
        st.error(str(error))
    else:
        st.rerun()
