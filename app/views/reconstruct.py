"""The Reconstruct page: what the model makes of a picture of one's own."""

import streamlit as st

from app import parts, reconstructing
from app.reconstructing import Upload
from app.resources import Encoding, Opened, encode
from app.state import State

SOURCES = ("Draw", "Files", "Camera")


def uploads(source: str) -> list[Upload]:
    """Show a way to give picture files; return what was given."""
    if source == "Camera":
        photo = st.camera_input("Photograph a digit", key="w-camera", width=420)
        return [] if photo is None else [Upload("The photograph", photo.getvalue())]
    files = st.file_uploader(
        "Drop pictures here, or paste one",
        type=list(reconstructing.TYPES),
        accept_multiple_files=True,
        max_upload_size=reconstructing.MAX_MEGABYTES,
        key="w-files",
    )
    given = [Upload(file.name, file.getvalue()) for file in files]
    if len(given) > reconstructing.MAX_PICTURES:
        st.info(f"The first {reconstructing.MAX_PICTURES} of {len(given)} pictures are shown.")
    return given[: reconstructing.MAX_PICTURES]


def prepared(model: Opened, given: list[Upload], shown: State) -> Encoding | None:
    """Show what the model sees of the pictures; encode the chosen one."""
    with st.container(horizontal=True, horizontal_alignment="distribute"):
        st.subheader("What the model sees", anchor=False, width="content")
        switches = reconstructing.options(photograph=parts.is_photograph(model))
    tried = [(upload, reconstructing.prepare(model, upload, switches)) for upload in given]
    pictures = [(upload, result) for upload, result in tried if result is not None]
    if not pictures:
        return None
    _, chosen = pictures[reconstructing.choose(model, pictures)]
    reconstructing.show_steps(chosen)
    return encode(model, chosen.image.numpy(), seed=shown.seed)


def explain(model: Opened, encoding: Encoding, shown: State) -> None:
    """Show the picture's neighbours, and pictures of codes drawn from its posterior."""
    left, right = st.columns(2, gap="medium")
    with left:
        st.subheader("Nearest neighbours", anchor=False)
        reconstructing.show_neighbours(model, encoding)
    with right:
        st.subheader("Draws from the posterior", anchor=False)
        reconstructing.show_draws(model, encoding, shown.seed)


opened, current = parts.opened()
parts.heading("Reconstruct", "What does the model make of my own picture?")
way = st.segmented_control("From", SOURCES, default=SOURCES[0], key="w-source", required=True)
if way == "Draw":
    left, right = st.columns([5, 3], gap="medium")
    with left:
        drawing = reconstructing.draw(opened, current)
    result = None if drawing is None else encode(opened, drawing, seed=current.seed)
    with right:
        reconstructing.show_on_map(opened, current, result)
    if result is not None:
        reconstructing.show_result(opened, result)
        explain(opened, result, current)
elif pictures := uploads(way):
    result = prepared(opened, pictures, current)
    if result is not None:
        left, right = st.columns([5, 3], gap="medium")
        with left:
            st.subheader("What it gives back", anchor=False)
            reconstructing.show_result(opened, result)
        with right:
            reconstructing.show_on_map(opened, current, result)
        explain(opened, result, current)
st.caption("Nothing that you give is kept: it stays in memory for as long as this page shows it.")
