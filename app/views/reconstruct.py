"""The Reconstruct page: what the model makes of a picture of one's own."""

import streamlit as st

from app import parts, reconstructing
from app.reconstructing import Upload
from app.resources import Opened, encode

SOURCES = ("Files", "Camera")


def uploads() -> list[Upload]:
    """Show the ways to give a picture; return what was given."""
    source = st.segmented_control("From", SOURCES, default="Files", key="w-source", required=True)
    if source == "Camera":
        photo = st.camera_input("Photograph a digit", key="w-camera", width=420)
        return [] if photo is None else [Upload("The photograph", photo.getvalue())]
    files = st.file_uploader(
        "Drop pictures here",
        type=list(reconstructing.TYPES),
        accept_multiple_files=True,
        max_upload_size=20,
        key="w-files",
    )
    given = [Upload(file.name, file.getvalue()) for file in files]
    if len(given) > reconstructing.MAX_PICTURES:
        st.info(f"The first {reconstructing.MAX_PICTURES} of {len(given)} pictures are shown.")
    return given[: reconstructing.MAX_PICTURES]


def show(model: Opened, given: list[Upload], seed: int) -> None:
    """Show what the model sees of the pictures, and what it makes of the chosen one."""
    st.subheader("What the model sees", anchor=False)
    switches = reconstructing.options(photograph=parts.is_photograph(model))
    tried = [(upload, reconstructing.prepare(model, upload, switches)) for upload in given]
    pictures = [(upload, prepared) for upload, prepared in tried if prepared is not None]
    if not pictures:
        return
    _, prepared = pictures[reconstructing.choose(pictures, model)]
    reconstructing.show_steps(prepared)
    encoding = encode(model, prepared.image.numpy(), seed=seed)
    st.subheader("What it gives back", anchor=False)
    reconstructing.show_result(model, encoding)
    left, right = st.columns(2, gap="medium")
    with left:
        st.subheader("Nearest neighbours", anchor=False)
        reconstructing.show_neighbours(model, encoding)
    with right:
        st.subheader("Draws from the posterior", anchor=False)
        reconstructing.show_draws(model, encoding, seed)


opened, current = parts.opened()
parts.heading("Reconstruct", "What does the model make of my own picture?")
if pictures := uploads():
    show(opened, pictures, current.seed)
else:
    st.caption(
        "Nothing that you give is kept: it stays in memory for as long as this page shows it."
    )
