"""Own data: dropped, looked at, and shaped before it is trained on."""

from pathlib import Path

import streamlit as st

from app import state, words
from app.figures import raster
from app.resources import datasets
from vae_core import runs
from vae_core.data import own, served
from vae_core.errors import LatentExplorerError

#: The option that brings data, and its title.
BRING, TITLE = "your-own-data", "Your own data…"
SIDES = (8, 16, 28, 32, 48, 64, 96, 128, 256)
SENTENCE = (
    "A zip of pictures with a folder for each class, pictures, or a .npy, .npz, CSV, Parquet or "
    "IDX file. It is kept on this host beside the trainings, and deleted a day after the last "
    "training that needs it."
)


def bring() -> None:
    """Show the upload of own data; what was dropped is chosen at once."""
    if not runs.limits().training:
        st.info("Training is turned off on this server, and so is bringing data.")
        return
    files = st.file_uploader(
        "Drop your data here",
        accept_multiple_files=True,
        max_upload_size=min(st.get_option("server.maxUploadSize"), own.most_megabytes()),
        help="Several files belong together: pictures, or an IDX file with its labels.",
        key="train-own-files",
    )
    st.caption(SENTENCE)
    name = _choose_on_server()
    try:
        if files:
            kept = datasets.keep({one.name: one.getvalue() for one in files}, state.owner())
        elif name is not None:
            kept = datasets.choose_on_server(name, state.owner())
        else:
            return
    except LatentExplorerError as error:
        st.error(words.without_paths(error))
        return
    state.remember("brought", str(kept.folder))
    st.rerun()


def _choose_on_server() -> str | None:
    """Show the choice of data that lies on the server, where its operator offers it."""
    if not served.is_offered():
        return None
    names = datasets.on_server()
    if not names:
        st.caption("This server offers its data folder too, and nothing that can be read is there.")
        return None
    return st.selectbox(
        "Or choose from this server",
        names,
        index=None,
        placeholder=f"{len(names):,} in its data folder" if len(names) > 1 else "Choose",
        help="It stays where it is; nothing is copied.",
        key="train-own-server",
    )


def show(name: str) -> bool:
    """Show what own data holds and what can be chosen; return whether it can be read."""
    kept = own.read(Path(name))
    try:
        found = datasets.survey(name)
    except LatentExplorerError as error:
        st.error(datasets.without_path(str(error), name))
        if kept is not None:
            _forget(kept)
        return False
    channels, height, width = found.image_shape
    st.image(raster.mosaic(found.pictures.numpy(), columns=6), width="stretch")
    colour = "grey" if channels == 1 else "colour"
    labels = f" · {len(found.classes)} classes" if found.classes else ""
    st.caption(f"{found.found:,} pictures · {height} × {width}, {colour}{labels}")
    for note in found.notes:
        st.caption(f":material/info: {datasets.without_path(note, name)}")
    with st.expander("What was found, size and colour"):
        st.caption(" ".join(found.sentences))
        if kept is not None:
            _shape(kept, found.image_shape)
            _forget(kept)
    return True


def _shape(kept: own.Kept, image_shape: tuple[int, int, int]) -> None:
    """Show the choice of size and colour, which makes another dataset of the same files."""
    channels, height, width = image_shape
    tag = datasets.tag(str(kept.folder))
    side = st.selectbox(
        "Longer side, pixels",
        sorted({*SIDES, max(height, width)}),
        index=sorted({*SIDES, max(height, width)}).index(max(height, width)),
        key=f"train-side-{tag}",
        help="Fewer pixels train faster; up to 256.",
    )
    grey = st.selectbox(
        "Channels",
        (1, 3),
        index=(1, 3).index(channels),
        format_func={1: "grey", 3: "colour"}.__getitem__,
        key=f"train-channels-{tag}",
    )
    scale = side / max(height, width)
    shape = (grey, max(1, round(height * scale)), max(1, round(width * scale)))
    turned = st.checkbox(
        "Exchange rows and columns",
        value=kept.said.transpose,
        key=f"train-transpose-{tag}",
        help="EMNIST's files need it.",
    )
    choices = {"transpose": turned} | ({} if shape == image_shape else {"image_shape": shape})
    try:
        chosen = datasets.choose(kept, **choices)
    except LatentExplorerError as error:
        st.error(words.without_paths(error))
        return
    if chosen.folder != kept.folder:
        state.remember("brought", str(chosen.folder))
        st.rerun()


def _forget(kept: own.Kept) -> None:
    if st.button("Forget this data", type="tertiary", key="train-forget-data"):
        try:
            datasets.forget(kept)
        except LatentExplorerError as error:
            st.error(f"Not done: {error}.")
            return
        st.rerun()
