"""The Reconstruct page: what the model makes of a picture of one's own."""

import streamlit as st

from app.address import State
from app.resources.inference import Encoding, encode
from app.resources.opened_model import Floats, Opened
from app.views.reconstruct import upload
from app.views.reconstruct.upload import Upload
from app.widgets import gallery, graphs, header, scenes
from vae_core import images

SOURCES = ("Draw", "Files", "Camera")
NETWORK_SOURCES = ("Simulate", "File")


def uploads(source: str) -> list[Upload]:
    """Show a way to give picture files; return what was given."""
    if source == "Camera":
        photo = st.camera_input("Photograph a digit", key="w-camera", width=420)
        return [] if photo is None else [Upload("The photograph", photo.getvalue())]
    files = st.file_uploader(
        "Drop pictures here, or paste one",
        type=list(images.SUFFIXES),
        accept_multiple_files=True,
        max_upload_size=upload.MAX_MEGABYTES,
        key="w-files",
    )
    given = [Upload(file.name, file.getvalue()) for file in files]
    if len(given) > upload.MAX_PICTURES:
        st.info(f"The first {upload.MAX_PICTURES} of {len(given)} pictures are shown.")
    return given[: upload.MAX_PICTURES]


def prepared(model: Opened, given: list[Upload], shown: State) -> Encoding | None:
    """Show what the model sees of the pictures; encode the chosen one."""
    with st.container(horizontal=True, horizontal_alignment="distribute"):
        st.subheader("What the model sees", anchor=False, width="content")
        switches = upload.options(photograph=gallery.is_photograph(model))
    tried = [(one, upload.prepare(model, one, switches)) for one in given]
    pictures = [(one, result) for one, result in tried if result is not None]
    if not pictures:
        return None
    _, chosen = pictures[upload.choose(model, pictures)]
    upload.show_steps(chosen)
    return encoded(model, chosen.image.numpy(), shown)


def encoded(model: Opened, x: Floats, shown: State) -> Encoding:
    """Encode a picture, with the label that the model is given where it takes one."""
    y = upload.settle_label(model, x, shown)
    scenes.label_choice(model, shown)
    return encode(model, x, seed=shown.seed, y=y)


def explain(model: Opened, encoding: Encoding, shown: State) -> None:
    """Show the picture's neighbours, and pictures of codes drawn from its posterior."""
    left, right = st.columns(2, gap="medium")
    with left:
        st.subheader("Nearest neighbours", anchor=False)
        upload.show_neighbours(model, encoding)
    with right:
        st.subheader("Draws from the posterior", anchor=False)
        upload.show_draws(model, encoding, shown.seed)


def report(model: Opened, result: Encoding | None, shown: State) -> None:
    """Show what the model gives back of what it was given, and where that lies on the map."""
    if result is None:
        return
    left, right = st.columns([5, 3], gap="medium")
    with left:
        st.subheader("What it gives back", anchor=False)
        upload.show_result(model, result)
    with right:
        upload.show_on_map(model, shown, result)
    explain(model, result, shown)


opened, current = scenes.opened()
of_networks = graphs.are_data_of(opened)
thing = "network" if of_networks else "picture"
sources = NETWORK_SOURCES if of_networks else SOURCES
key = "w-network-source" if of_networks else "w-source"
header.heading("Reconstruct", f"What does the model make of my own {thing}?")
way = st.segmented_control("From", sources, default=sources[0], key=key, required=True)
if of_networks:
    network = graphs.simulated(opened) if way == "Simulate" else graphs.given()
    if network is not None:
        report(opened, encoded(opened, network, current), current)
elif way == "Draw":
    left, right = st.columns([5, 3], gap="medium")
    with left:
        scenes.label_choice(opened, current)
        drawing = upload.draw(opened, current)
    result = None
    if drawing is not None:
        y = scenes.label_given(opened, current)
        result = encode(opened, drawing, seed=current.seed, y=y)
    with right:
        upload.show_on_map(opened, current, result)
    if result is not None:
        upload.show_result(opened, result)
        explain(opened, result, current)
elif pictures := uploads(way):
    report(opened, prepared(opened, pictures, current), current)
st.caption("Nothing that you give is kept: it stays in memory for as long as this page shows it.")
