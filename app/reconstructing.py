"""A person's own picture, as the model sees it, codes it and gives it back."""

from collections import Counter
from dataclasses import dataclass

import numpy as np
import streamlit as st

from app import figures, parts, resources, state
from app.resources import Encoding, Opened
from vae_core.errors import ImageError
from vae_core.images import Prepared

TYPES = ("png", "jpg", "jpeg", "gif", "bmp", "webp", "tif", "tiff")
MAX_PICTURES = 24
DRAWS = 16
NEIGHBOURS = 10
#: A distortion above this share of the test set's is called unlike the training data.
UNUSUAL = 0.99
INVERT = {"automatic": None, "exchange": True, "leave": False}


@dataclass(frozen=True)
class Upload:
    """A picture file that somebody gave, in memory only."""

    name: str
    content: bytes


def options(photograph: bool) -> dict[str, bool | None]:
    """Show the preparation's switches; return them as `vae_core.images.prepare` has them."""
    with st.popover("Change what is done to it"):
        invert = st.segmented_control(
            "Light and dark", list(INVERT), default="automatic", key="w-invert", required=True
        )
        chosen = {"invert": INVERT[invert]}
        if not photograph:
            chosen["clean"] = st.toggle("Remove lighting and noise", True, key="w-clean")
        chosen["crop"] = st.toggle("Crop", True, key="w-crop")
        if not photograph:
            chosen["centre"] = st.toggle("Centre by mass", True, key="w-centre")
    return chosen


def show_steps(prepared: Prepared) -> None:
    """Show what was done to the picture, step by step."""
    with st.container(horizontal=True, key="steps"):
        for number, step in enumerate(prepared.steps, 1):
            with st.container(width=132):
                st.image(figures.thumbnail(step.picture, 128), alt=step.name)
                st.caption(f"{number}. {step.name}")


def show_result(model: Opened, encoding: Encoding) -> None:
    """Show input, reconstruction and error with the bound's parts."""
    shown = {
        "What the model sees": figures.picture(figures.to_levels(encoding.x), 224),
        "Reconstruction": figures.picture(figures.to_levels(encoding.reconstruction), 224),
        "Error: orange too bright, blue too dark": figures.difference(
            encoding.x, encoding.reconstruction, 224
        ),
    }
    columns = st.columns([2, 2, 2, 3], gap="medium")
    for column, (name, picture) in zip(columns, shown.items(), strict=False):
        column.image(picture, alt=name)
        column.caption(name)
    with columns[-1], st.container(horizontal=True):
        kind = resources.kind(model)
        st.metric("rate (nats)", f"{encoding.rate:.1f}")
        st.metric(f"distortion (nats, {kind})", f"{encoding.distortion:.1f}")
        st.metric(f"−ELBO (nats, {kind})", f"{encoding.rate + encoding.distortion:.1f}")
    if encoding.share_below > UNUSUAL:
        st.warning(
            f"This picture is unlike the training data: its distortion is above that of "
            f"{encoding.share_below:.1%} of the test set. Read the rest with care."
        )


def show_neighbours(model: Opened, encoding: Encoding) -> None:
    """Show the nearest codes of the test set, and what they say the picture is."""
    found = resources.nearest_codes(model, encoding.mu, NEIGHBOURS)
    labels = Counter(model.label(int(example)) for example in found.ids)
    label, votes = labels.most_common(1)[0]
    if label is not None:
        st.markdown(f"Its neighbours say: **{label}** ({votes} of {NEIGHBOURS})")
    parts.gallery(model, found.ids, columns=NEIGHBOURS // 2)
    st.caption("The nearest codes of the test set, nearest first")


def show_draws(model: Opened, encoding: Encoding, seed: int) -> None:
    """Show pictures of codes drawn from the posterior."""
    draws = resources.posterior_draws(model, encoding, DRAWS, seed=seed)
    sheet = figures.mosaic(resources.decoded(model, draws), DRAWS // 2)
    st.image(sheet, alt=f"{DRAWS} pictures of codes drawn from q(z|x)")
    st.caption(f"{DRAWS} codes drawn from q(z|x), decoded: what the model finds equally likely")
    st.button("Draw again", on_click=lambda: _reseed(seed + 1), key="w-draw-again")


def _reseed(seed: int) -> None:
    state.update(seed=seed)


def prepare(model: Opened, upload: Upload, switches: dict[str, bool | None]) -> Prepared | None:
    """Prepare an upload; say in a sentence why it cannot be."""
    try:
        return resources.prepared(model, upload.content, **switches)
    except ImageError as error:
        st.error(f"{upload.name}: {error}")
        return None


def choose(pictures: list[tuple[Upload, Prepared]], model: Opened) -> int:
    """Show all pictures with their reconstructions, and let one be chosen."""
    if len(pictures) == 1:
        return 0
    x = np.stack([figures.to_levels(prepared.image.numpy()) for _, prepared in pictures])
    recon = resources.reconstructions(model, np.stack([p.image.numpy() for _, p in pictures]))
    st.image(
        figures.mosaic(np.concatenate([x, recon]), len(pictures), side=72),
        alt="Above what the model sees of each picture, below its reconstructions",
    )
    names = [upload.name for upload, _ in pictures]
    chosen = st.pills(
        "Look at", range(len(names)), default=0, format_func=names.__getitem__,
        required=True, key="w-picture",
    )  # fmt: skip
    return int(chosen)
