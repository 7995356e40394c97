"""Pieces that several pages share: what is open, the panels' scene, galleries, invitations."""

import functools
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from app import figures, resources, state, words
from app.address import State
from app.components import Pin, Scene, labels, link, picture
from app.resources import Floats, Opened
from app.widgets import graphs
from vae_core import images
from vae_core.data import DatasetStatus
from vae_core.errors import DatasetError
from vae_core.formats import html

STYLE = Path(__file__).with_name("page.css")
GALLERY = 60
NEIGHBOURS = 10
_SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


def style() -> None:
    """Apply the few rules that the theme cannot express."""
    st.html(f"<style>{_rules()}</style>")


@functools.cache
def _rules() -> str:
    return STYLE.read_text(encoding="utf-8")


def copy_link() -> None:
    """Show the button that copies the page's address, which restores all that is shown."""
    link("link")


def export_button(model: Opened) -> None:
    """Offer the model as one HTML file, which is made when it is asked for."""
    flat = model.latent_dim < 2
    st.download_button(
        "Export as one HTML file",
        lambda: resources.standalone_page(model),
        html.file_name(model.card),
        "text/html",
        help="A page needs a plane: this model has one dimension."
        if flat
        else "Map, sliders, manifold and drawing pad in one file: no server, no network.",
        on_click="ignore",
        disabled=flat,
        width="stretch",
    )


def opened() -> tuple[Opened, State]:
    """Return the open model and the state, which the navigation has fitted to it."""
    shown = state.current()
    return resources.open_model(shown.model), shown


def heading(title: str, question: str) -> None:
    """Show a page's title and the question that it answers."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        st.title(title, anchor=False, width="content")
        st.caption(question, width="content")


def scene(
    model: Opened,
    shown: State,
    *,
    posterior: tuple[Floats, Floats] | None = None,
    with_encoder: bool = False,
) -> Scene:
    """Return what every panel of the page is given alike; a drawing pad needs the encoder too."""
    z = resources.pinned_z(model, shown.z, shown.pinned_id, shown.y)
    return Scene(
        model_hash=model.hash,
        decoder=resources.decoder_address(model),
        encoder=resources.encoder_address(model) if with_encoder else None,
        z=tuple(z.tolist()),
        z_version=state.version(),
        dims=axes(model, shown),
        pinned_id=shown.pinned_id,
        y=label_given(model, shown),
        seed=shown.seed,
        posterior=None if posterior is None else (posterior[0].tolist(), posterior[1].tolist()),
    )


def axes(model: Opened, shown: State) -> tuple[int, int]:
    """Return the latent plane that is shown: the chosen one, else that of the largest KL."""
    return shown.axes or figures.two_largest(resources.kl_per_dim(model))


def label_given(model: Opened, shown: State) -> int | None:
    """Return the label that the model is given; None for a model that takes none."""
    return resources.pinned_y(model, shown.y, shown.pinned_id)


def take_label(y: int) -> None:
    """Take over the label that was chosen; where nothing is pinned, the prior's mean is its own."""
    shown = state.current()
    pinned = shown.z is not None or shown.pinned_id is not None
    (state.adopt if pinned else state.update)(y=y)


def label_choice(model: Opened, shown: State, *, on_y: Callable[[int], None] = take_label) -> None:
    """Show the choice of the label that the model is given, where it takes one."""
    if model.given_names:
        labels("labels", scene=scene(model, shown), names=model.given_names, on_y=on_y)


def priors(model: Opened) -> list[tuple[list[float], list[float]]] | None:
    """Return mean and standard deviation of each label's prior, or of the one of all labels.

    None for a standard normal.
    """
    kind = model.card.model.prior
    if kind == "standard":
        return None
    labels_of = range(len(model.given_names)) if kind == "label" else [None]
    moments = [resources.prior_moments(model, y) for y in labels_of]
    return [(one.mu.tolist(), one.sigma.tolist()) for one in moments]


def live_picture(model: Opened, shown: State, *, size: int) -> None:
    """Show the picture of the code under the pointer; on a phone it floats in a corner."""
    label_choice(model, shown)
    drawn = graphs.are_data_of(model)
    size = min(size, graphs.LIVE_SIDE) if drawn else size  # room for both on one screen
    with st.container(key="live-picture"):
        picture("picture", scene=scene(model, shown), size=size)
    if drawn:
        graphs.follow(scene(model, shown), size=size)


def pin(chosen: Pin) -> None:
    """Take over what a panel pinned: an example by its id, anything else by its code.

    An example brings its own label; a free code keeps the one that was given.
    """
    if chosen.pinned_id is not None:
        state.adopt(z=None, pinned_id=chosen.pinned_id, y=None)
        return
    shown = state.current()
    y = chosen.y
    if y is None:
        y = label_given(resources.open_model(shown.model), shown)
    state.adopt(z=chosen.z, pinned_id=None, y=y)


def pin_example(example: int) -> None:
    """Pin an example from Python."""
    state.update(z=None, pinned_id=example, y=None)


def gallery(
    model: Opened, ids: Sequence[int] | NDArray[np.int64], *, columns: int
) -> tuple[bytes, str]:
    """Show up to `GALLERY` examples' pictures; return them as a PNG, and what they are."""
    pictures = resources.pictures(model, ids[:GALLERY])
    sheet = figures.to_png(figures.mosaic(pictures.images, columns))
    st.image(sheet, alt=f"{len(pictures.images)} {pictures.kind}")
    return sheet, pictures.kind


def invitation(
    model: Opened, until_then: str = "Its pictures here are reconstructions until it is."
) -> None:
    """Invite to download the model's data where it is not on this machine."""
    status = resources.missing_dataset(model.card.dataset)
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
        resources.download(name, progress)
    except DatasetError as error:
        bar.empty()
        st.error(str(error))
    else:
        st.rerun()


def ordinal(dim: int) -> str:
    """Name a latent dimension, counted from 1."""
    return "z" + str(dim + 1).translate(_SUBSCRIPTS)


def plane_choice(model: Opened) -> None:
    """Show the choice of the two latent dimensions of a plane."""
    dims = range(model.latent_dim)
    across, up = axes(model, state.current())

    def swap_or_set(chosen: int, other: int, old: int, *, first: bool) -> tuple[int, int]:
        kept = old if chosen == other else other  # choosing the other's dimension swaps them
        return (chosen, kept) if first else (kept, chosen)

    st.selectbox(
        "Across", dims, format_func=ordinal, width=110, **state.bind(
            "axes", part="across", shown=lambda _: across,
            taken=lambda chosen: swap_or_set(chosen, up, across, first=True),
        ),
    )  # fmt: skip
    st.selectbox(
        "Up", dims, format_func=ordinal, width=110, **state.bind(
            "axes", part="up", shown=lambda _: up,
            taken=lambda chosen: swap_or_set(chosen, across, up, first=False),
        ),
    )  # fmt: skip


def is_photograph(model: Opened) -> bool:
    """Whether the model's data are photographs, and not ink on a ground."""
    return model.card.dataset not in images.FRAMES


def agreement(model: Opened, example: int, others: NDArray[np.int64]) -> str:
    """Say how many of `others` share the example's label; nothing without labels."""
    own = model.label(example)
    if own is None:
        return ""
    same = sum(model.label(int(other)) == own for other in others)
    return f": {same} of {len(others)} are a {own}"


def neighbours(model: Opened, example: int) -> None:
    """Show an example's neighbours in latent and in pixel space, side by side."""
    st.subheader("Nearest neighbours of the pinned example", anchor=False)
    for column, found in zip(
        st.columns(2), resources.neighbours(model, example, NEIGHBOURS), strict=True
    ):
        with column:
            _, kind = gallery(model, found.ids, columns=NEIGHBOURS)
            same = agreement(model, example, found.ids)
            st.caption(f"In {found.space}, nearest first{same} ({kind})")


def pinned_card(model: Opened, shown: State) -> None:
    """Say what is pinned: an example with its figures, or a code with the nearest example."""
    if shown.pinned_id is None:
        z = resources.pinned_z(model, shown.z, None, shown.y)
        nearest = resources.nearest_codes(model, z, 1)
        example, distance = int(nearest.ids[0]), float(nearest.distances[0])
        where = "The prior's mean is pinned" if shown.z is None else "A free code is pinned"
        st.markdown(f"{where}. The nearest is {named(model, example)}, {distance:.2f} away.")
        st.button("Pin that example", on_click=pin_example, args=(example,))
        return
    row = model.row[shown.pinned_id]
    rate, distortion = float(model.codes.rate[row]), float(model.codes.distortion[row])
    original = resources.pictures(model, [shown.pinned_id])
    st.markdown(f"Pinned: {named(model, shown.pinned_id)}")
    bound = (
        f"rate {words.number(rate)} nats, distortion {words.number(distortion)} nats "
        f"({resources.kind(model)})"
    )
    if graphs.are_data_of(model):
        graphs.pinned(model, shown.pinned_id)
        st.caption(bound)
        return
    left, right = st.columns([1, 2], vertical_alignment="center")
    left.image(figures.picture(original.images[0], 112), alt=original.kind[:-1].capitalize())
    right.markdown(f"{original.kind[:-1].capitalize()}  \n{bound}")


def named(model: Opened, example: int) -> str:
    """Name an example by its id and label."""
    label = model.label(example)
    return f"example {example}" + ("" if label is None else f", a “{label}”")
