"""The script of every run: pages, the controls that all pages share, notices.

It opens the session's state, lets the model picker and the URL settle it, and runs the page.
"""

from pathlib import Path

import streamlit as st

from app import address, state
from app.resources import library, opened_model
from app.views import boltzmann
from app.widgets import header, model_card
from vae_core.errors import CheckpointError, LatentExplorerError

#: File (and address) and title of each page, in the order in which a newcomer meets them.
PAGES = {
    "explore": "Explore",
    "manifold": "Manifold",
    "decode": "Decode",
    "reconstruct": "Reconstruct",
    "morph": "Morph",
    "train": "Train",
    "compare": "Compare",
}
MAX_MODEL_MEGABYTES = 64
ICON = Path(__file__).with_name("icon.svg")


def choose_model(names: list[str]) -> None:
    """Show the model picker with a line about the chosen one, and the way to open another."""
    binding = state.bind("model", also=keep_example)
    st.selectbox("Model", names, format_func=library.title, **binding)
    st.caption(library.describe(state.current().model))
    with st.popover("Open a model", width="stretch"):
        st.markdown("A zipped model folder, as `python -m vae_core train` writes it.")
        zipped = st.file_uploader(
            "Zipped model folder", type="zip", max_upload_size=MAX_MODEL_MEGABYTES, key="w-zip"
        )
        if zipped is not None and zipped.file_id != state.recall("zip"):
            state.remember("zip", zipped.file_id)
            open_file(zipped.getvalue())


def keep_example(name: str) -> dict[str, int | None]:
    """Keep the pinned example in another model of the same data."""
    shown = state.current()
    same = library.dataset_of(name) == library.dataset_of(shown.model)
    return {"pinned_id": shown.pinned_id if same else None}


def open_file(content: bytes) -> None:
    """Open an uploaded model and go to it, or say why not."""
    try:
        opened = library.open_zip(content)
    except LatentExplorerError as error:
        state.notify(f"The file was not opened: {error}")
    else:
        kind = "machine-files" if isinstance(opened, opened_model.OpenedMachine) else "files"
        state.remember(kind, list(dict.fromkeys([*state.recall(kind, []), opened.name])))
        state.update(model=opened.name)
    st.rerun()


def wanted_machine() -> opened_model.OpenedMachine | None:
    """Open the Boltzmann machine that the state names, if it names one that can be."""
    try:
        return library.open_machine(state.current().model)
    except CheckpointError as error:
        state.notify(str(error))
        return None


def settle_model(names: list[str]) -> opened_model.Opened | None:
    """Open the model that the state names, else the first one that can be; None without any."""
    wanted = state.current().model
    for name in dict.fromkeys([wanted, address.DEFAULT_MODEL, *names]):
        try:
            opened = library.open_model(name)
        except CheckpointError as error:
            # nobody asked for the default by name, so its absence alone is no news
            if name in names or (name == wanted and name != address.DEFAULT_MODEL):
                state.notify(str(error))
            continue
        if name != wanted:
            state.update(model=name)
        state.settle(opened.facts)
        return opened
    return None


def show_notices() -> None:
    """Show what was ignored, until it is dismissed."""
    if sentences := state.notices():
        with st.container(horizontal=True, vertical_alignment="center", key="notices"):
            st.warning("\n\n".join(sentences))
            st.button("Dismiss", on_click=state.dismiss_notices, type="tertiary")


def run() -> None:
    """Run the script once."""
    st.set_page_config(page_title="Latent Explorer", page_icon=ICON, layout="wide")
    state.begin()
    pages = [
        st.Page(f"views/{name}/page.py", title=title, url_path=name, default=name == "explore")
        for name, title in PAGES.items()
    ]
    page = st.navigation(pages)
    state.enter(page.url_path)
    header.style()
    names = [*library.model_names(), *state.recall("files", [])]
    others = [*library.machine_names(), *state.recall("machine-files", [])]
    if machine := wanted_machine():
        boltzmann.settle(machine)
        with st.sidebar:
            choose_model(list(dict.fromkeys([*names, *others, machine.name])))
            model_card.button(machine)
            header.copy_link()
        show_notices()
        boltzmann.show(page.title, machine)
        return
    opened = settle_model(names)
    if opened is None:
        show_notices()
        st.error("There is no model here yet. `make pretrained` trains those that belong here.")
        return
    with st.sidebar:
        choose_model(list(dict.fromkeys([*names, *others, opened.name])))
        model_card.button(opened)
        header.copy_link()
        header.export_button(opened)
    show_notices()
    page.run()


run()
