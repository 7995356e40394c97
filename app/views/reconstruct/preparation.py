"""Prepare uploaded images as the training data was, and choose one of them."""

import itertools
from collections.abc import Container

import numpy as np
import streamlit as st

from app.address import State
from app.figures import raster
from app.resources import examples, inference
from app.resources.opened_model import Floats, Opened
from app.widgets import gallery, scenes
from app.widgets.uploads import Upload
from vae_core.errors import ImageError
from vae_core.images import Prepared

INVERT = {"automatic": None, "yes": True, "no": False}


def choose_image(model: Opened, files: list[Upload], shown: State) -> Prepared | None:
    """Show what the model sees of the files, each glyph by itself; return the chosen one."""
    with st.container(horizontal=True, horizontal_alignment="distribute"):
        st.subheader("What the model sees", anchor=False, width="content")
        switches = options(photograph=gallery.is_photograph(model))
    prepared: dict[str, Prepared] = {}
    for file in files:
        try:
            glyphs = inference.prepare(model, file.content, **switches)
        except ImageError as error:
            st.error(f"{file.name}: {error}")
            continue
        if len(glyphs) > 1:
            st.info(f"{file.name}: {len(glyphs)} glyphs were found. Choose one below.")
        for number, one in enumerate(glyphs, start=1):
            part = f", glyph {number}" if len(glyphs) > 1 else ""
            prepared[_unique(f"{file.name}{part}", prepared)] = one
    if not prepared:
        return None
    chosen = choose(model, list(prepared), list(prepared.values()), shown)
    with st.container(horizontal=True, key="steps"):
        for step in chosen.steps:
            with st.container(width=inference.STEP_SIDE, gap="xxsmall"):
                st.image(step.picture, alt=step.name)
                st.caption(step.name, help=step.sentence or None)
    return chosen


def _unique(name: str, taken: Container[str]) -> str:
    """Return a name, numbered if another file has it too."""
    numbered = (name if n == 1 else f"{name} ({n})" for n in itertools.count(1))
    return next(one for one in numbered if one not in taken)


def options(*, photograph: bool) -> dict[str, bool | None]:
    """Show the preprocessing options; return them as arguments of `vae_core.images.prepare`."""
    with st.popover("Preprocessing options"):
        invert = st.segmented_control(
            "Invert colours", list(INVERT), default="automatic", key="w-invert", required=True,
            format_func=str.capitalize,
        )  # fmt: skip
        chosen = {"invert": INVERT[invert]}
        if not photograph:
            chosen["page"] = st.toggle("Cut out the page", True, key="w-page")
            chosen["clean"] = st.toggle("Remove background", True, key="w-clean")
            chosen["lines"] = st.toggle("Remove printed lines", True, key="w-lines")
            chosen["strokes"] = st.toggle("Adjust stroke width", True, key="w-strokes")
        chosen["crop"] = st.toggle("Crop", True, key="w-crop")
        if not photograph:
            chosen["centre"] = st.toggle("Centre by mass", True, key="w-centre")
    return chosen


def choose(model: Opened, names: list[str], prepared: list[Prepared], shown: State) -> Prepared:
    """Show all images with their reconstructions, and return the chosen one."""
    if len(prepared) == 1:
        return prepared[0]
    images = np.stack([one.image.numpy() for one in prepared])
    reconstructions = examples.reconstruct(model, images, _best_labels(model, images, shown))
    st.image(
        raster.mosaic(
            np.concatenate([raster.to_levels(images), reconstructions]), len(prepared), side=72
        ),
        alt="Top: what the model sees of each image. Bottom: their reconstructions",
    )
    chosen = st.pills(
        "Show", range(len(names)), default=0, format_func=names.__getitem__,
        required=True, key="w-picture",
    )  # fmt: skip
    return prepared[int(chosen)]


def _best_labels(model: Opened, images: Floats, shown: State) -> list[int] | None:
    if not model.condition_names:
        return None
    found = (inference.best_label(model, x, seed=shown.seed) for x in images)
    current = scenes.pinned_y(model, shown) or 0
    return [current if best is None else best for best in found]
