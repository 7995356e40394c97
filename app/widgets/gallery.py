"""Galleries of examples, and how examples and classes are named."""

from collections.abc import Sequence

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from app.figures import raster
from app.resources import examples
from app.resources.opened_model import Opened
from vae_core import images

GALLERY = 60
NEIGHBOURS = 10


def show(
    model: Opened, ids: Sequence[int] | NDArray[np.int64], *, columns: int
) -> tuple[bytes, str]:
    """Show up to `GALLERY` examples; return them as a PNG, and what kind of images they are."""
    pictures = examples.pictures(model, ids[:GALLERY])
    sheet = raster.to_png(raster.mosaic(pictures.images, columns))
    st.image(sheet, alt=f"{len(pictures.images)} {pictures.kind}")
    return sheet, pictures.kind


def show_neighbours(model: Opened, example: int) -> None:
    """Show an example's neighbours in latent and in pixel space, side by side."""
    st.subheader(f"Nearest neighbours of {name_of(model, example)}", anchor=False)
    for column, found in zip(
        st.columns(2), examples.neighbours(model, example, NEIGHBOURS), strict=True
    ):
        with column:
            _, kind = show(model, found.ids, columns=NEIGHBOURS)
            label = model.label(example)
            same = ""
            if label is not None:
                votes = sum(model.label(int(other)) == label for other in found.ids)
                same = f": {share_of_class(votes, len(found.ids), label)}"
            st.caption(f"In {found.space}, nearest first{same} ({kind})")


def is_photograph(model: Opened) -> bool:
    """Whether the model's images are photographs, not ink on a plain background."""
    return images.frame_of(model.card.prepared_as, model.card.model.image_shape) is None


def name_of(model: Opened, example: int) -> str:
    """Return an example's id and class: "#6045, a 3"."""
    label = model.label(example)
    if label is None:
        return f"#{example}"
    if label.isdecimal():
        article = "an" if label in ("8", "11", "18") else "a"
        return f"#{example}, {article} {label}"
    return f"#{example}, {label}"


def share_of_class(count: int, total: int, label: str) -> str:
    """Say how many of some examples are of a class: "10 of 10 are 7s"."""
    return f"{count} of {total} are " + (f"{label}s" if label.isdecimal() else f"“{label}”")
