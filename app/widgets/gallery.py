"""Galleries of examples: selections, neighbours, and how an example is named."""

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


def gallery(
    model: Opened, ids: Sequence[int] | NDArray[np.int64], *, columns: int
) -> tuple[bytes, str]:
    """Show up to `GALLERY` examples' pictures; return them as a PNG, and what they are."""
    pictures = examples.pictures(model, ids[:GALLERY])
    sheet = raster.to_png(raster.mosaic(pictures.images, columns))
    st.image(sheet, alt=f"{len(pictures.images)} {pictures.kind}")
    return sheet, pictures.kind


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
        st.columns(2), examples.neighbours(model, example, NEIGHBOURS), strict=True
    ):
        with column:
            _, kind = gallery(model, found.ids, columns=NEIGHBOURS)
            same = agreement(model, example, found.ids)
            st.caption(f"In {found.space}, nearest first{same} ({kind})")


def named(model: Opened, example: int) -> str:
    """Name an example by its id and label."""
    label = model.label(example)
    return f"example {example}" + ("" if label is None else f", a “{label}”")
