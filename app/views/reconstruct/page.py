"""Reconstruct: how the model reconstructs an image of the person's own."""

import streamlit as st

from app.address import State
from app.resources.inference import Encoding, encode
from app.resources.opened_model import Floats, Opened
from app.views.reconstruct import preparation, result
from app.widgets import graphs, header, scenes, uploads
from app.widgets.uploads import Upload
from vae_core.images import Prepared

IMAGE_SOURCES = ("Draw", "Files", "Camera")
GRAPH_SOURCES = ("Simulate", "File")
NO_ENCODER = (
    "This model has no encoder: it decodes codes, and finds none for an image. Choose another "
    "model on the left, or look at its codes on the other pages."
)


def image_files(source: str) -> list[Upload]:
    """Show the camera or the upload of image files; return the files."""
    if source == "Camera":
        photo = st.camera_input("Photograph a digit", key="w-camera", width=420)
        return [] if photo is None else [Upload("The photograph", photo.getvalue())]
    return uploads.image_files("w-files")


def encode_image(model: Opened, x: Floats, shown: State) -> Encoding:
    """Encode an image, with the best label for a conditional model."""
    y = result.choose_label(model, x, shown)
    scenes.label_choice(model, shown)
    return encode(model, x, seed=shown.seed, y=y)


def show_encoded(
    model: Opened, x: Floats, shown: State, *, prepared: Prepared | None = None
) -> None:
    """Encode an image and show its reconstruction beside its place on the map."""
    encoding = encode_image(model, x, shown)
    with st.container(key="part-warning"):
        result.warn(model, encoding, prepared)
    left, right = st.columns([5, 3], gap="medium")
    with left, st.container(key="part-result"):
        st.subheader("Reconstruction", anchor=False)
        result.show(model, encoding)
    with right:
        result.show_on_map(model, shown, encoding)
    with st.container(key="part-samples"):
        result.show_neighbours_and_samples(model, encoding, shown.seed)


def show_drawing(model: Opened, shown: State) -> None:
    """Show the drawing pad and the result of the drawing."""
    left, right = st.columns([5, 3], gap="medium")
    with left:
        scenes.label_choice(model, shown)
        drawing = result.draw(model, shown)
    encoding = None
    if drawing is not None:
        y = scenes.pinned_y(model, shown)
        encoding = encode(model, drawing, seed=shown.seed, y=y)
    with right:
        result.show_on_map(model, shown, encoding)
    if encoding is not None:
        with st.container(key="part-warning"):
            result.warn(model, encoding)
        with st.container(key="part-result"):
            result.show(model, encoding, drawn=True)
        with st.container(key="part-samples"):
            result.show_neighbours_and_samples(model, encoding, shown.seed)


opened, current = scenes.current()
of_graphs = graphs.are_data_of(opened)
thing, sources = ("graph", GRAPH_SOURCES) if of_graphs else ("image", IMAGE_SOURCES)
header.heading("Reconstruct", f"How does the model reconstruct my own {thing}?")
if not opened.has_encoder:
    st.info(NO_ENCODER)
    st.stop()
# A drawing means nothing to a model of photographs.
first, key = (0, "w-source") if of_graphs or result.can_draw(opened) else (1, "w-photo-source")
source = st.segmented_control(
    "From",
    sources,
    default=sources[first],
    key="w-graph-source" if of_graphs else key,
    required=True,
)
if of_graphs:
    matrix = graphs.simulate(opened) if source == "Simulate" else graphs.upload()
    if matrix is not None:
        show_encoded(opened, matrix, current)
elif source == "Draw":
    show_drawing(opened, current)
elif files := image_files(source):
    chosen = preparation.choose_image(opened, files, current)
    if chosen is not None:
        show_encoded(opened, chosen.image.numpy(), current, prepared=chosen)
st.caption(uploads.NOT_STORED)
