"""The script that Streamlit runs: load the state, open the model, show the sidebar and the page."""

from collections.abc import Mapping
from pathlib import Path

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from app import address, state
from app.components.link import link
from app.resources import library, opened_model
from app.views import boltzmann
from app.widgets import classroom, header, imports, lesson, model_card
from vae_core.errors import CheckpointError, LatentExplorerError

#: Title of each page by its folder and URL path, in the order of the menu.
PAGES = {
    "explore": "Explore",
    "manifold": "Manifold",
    "decode": "Decode",
    "reconstruct": "Reconstruct",
    "morph": "Morph",
    "train": "Train",
    "compare": "Compare",
    "learn": "Learn",
}
MAX_MODEL_MEGABYTES = 64
ICON, LOGO = (Path(__file__).with_name(name) for name in ("icon.svg", "logo.svg"))


def model_picker(names: list[str]) -> None:
    """Show the choice of the model, its description, and the upload of a model folder."""
    binding = state.bind("model", also=keep_example)
    titles = library.titles(names)
    st.selectbox("Model", names, format_func=lambda name: titles.get(name, name), **binding)
    st.caption(library.describe(state.current().model))
    with st.popover("Open a model", width="stretch"):
        st.markdown("A zipped model folder, as written by `python -m vae_core train`.")
        zipped = st.file_uploader(
            "Zipped model folder", type="zip", max_upload_size=MAX_MODEL_MEGABYTES, key="w-zip"
        )
        if zipped is not None and zipped.file_id != state.recall("zip"):
            state.remember("zip", zipped.file_id)
            open_file(zipped.getvalue())
        if st.button("Model made elsewhere (ONNX)…", width="stretch", key="w-import"):
            imports.dialog(open_file)


def keep_example(name: str) -> dict[str, int | None]:
    """Return the pinned example for another model: the same one if the data is the same."""
    shown = state.current()
    same = library.dataset_of(name) == library.dataset_of(shown.model)
    return {"pinned_id": shown.pinned_id if same else None}


def open_file(content: bytes) -> None:
    """Open an uploaded model and show it, or add a notice with the reason why not."""
    try:
        opened = library.open_zip(content)
    except LatentExplorerError as error:
        state.notify(f"The file was not opened: {error}")
    else:
        kind = "machine-files" if isinstance(opened, opened_model.OpenedMachine) else "files"
        state.remember(kind, list(dict.fromkeys([*state.recall(kind, []), opened.name])))
        state.update(model=opened.name)
    st.rerun()


def open_machine() -> opened_model.OpenedMachine | None:
    """Open the Boltzmann machine that the state names, or return None if it is not one."""
    try:
        return library.open_machine(state.current().model)
    except CheckpointError as error:
        state.notify(str(error))
        return None


def open_model(names: list[str]) -> opened_model.Opened | None:
    """Open the model that the state names, else the first that can be opened, else None."""
    wanted = state.current().model
    for name in dict.fromkeys([wanted, address.DEFAULT_MODEL, *names]):
        try:
            opened = library.open_model(name)
        except CheckpointError as error:
            # No notice if the default is missing and was not requested.
            if name in names or (name == wanted and name != address.DEFAULT_MODEL):
                state.notify(str(error))
            continue
        if name != wanted:
            for parameter in state.lost_codes():
                state.notify(
                    f"{parameter} in the address was ignored: it belongs to the model {wanted!r}."
                )
            state.update(model=name)
        state.fit_to_model(opened.facts)
        return opened
    return None


def show_notices() -> None:
    """Show the notices, until they are dismissed."""
    if sentences := state.notices():
        with st.container(horizontal=True, vertical_alignment="center", key="notices"):
            st.warning("\n\n".join(sentences))
            st.button("Dismiss", on_click=state.dismiss_notices, type="tertiary")


def run() -> None:
    """Run the script once."""
    st.set_page_config(page_title="Latent Explorer", page_icon=ICON, layout="wide")
    st.logo(LOGO, size="large", icon_image=ICON)
    state.load()
    pages = {
        name: st.Page(
            f"views/{name}/page.py", title=title, url_path=name, default=name == "explore"
        )
        for name, title in PAGES.items()
    }
    page = st.navigation(list(pages.values()))
    with classroom.turn():
        show(page, pages)


def show(page: StreamlitPage, pages: Mapping[str, StreamlitPage]) -> None:
    """Show the sidebar and a page, or go to another page."""
    name = page.url_path or "explore"
    state.enter_page(page.url_path)
    lesson.enter(pages, name)
    header.apply_style()
    names = [*library.model_names(), *state.recall("files", [])]
    others = [*library.machine_names(), *state.recall("machine-files", [])]
    if machine := open_machine():
        boltzmann.fit_state(machine)
        classroom.publish(name)
        with st.sidebar:
            model_picker(list(dict.fromkeys([*names, *others, machine.name])))
            model_card.button(machine)
            link("link")
            classroom.sidebar(page.url_path)
        classroom.stage()
        classroom.line(page.url_path)
        classroom.bar()
        show_notices()
        lesson.show(name, None)
        if page.url_path in boltzmann.SHARED:
            page.run()
        else:
            boltzmann.show(page.title, machine)
        return
    opened = open_model(names)
    if opened is None:
        show_notices()
        st.error("There are no models yet. `make pretrained` trains the bundled ones.")
        return
    classroom.publish(name, opened)
    with st.sidebar:
        model_picker(list(dict.fromkeys([*names, *others, opened.name])))
        model_card.button(opened)
        link("link")
        classroom.sidebar(page.url_path)
        header.export_button(opened)
    classroom.stage()
    classroom.line(page.url_path)
    classroom.bar()
    show_notices()
    lesson.show(name, opened)
    page.run()


run()
