"""The pages of a Boltzmann machine: codes, reconstructions and samples.

It has no prior over codes to sample from, and its posterior has no spread of its own. A page that
needs these shows a sentence instead.
"""

from collections.abc import Callable

import numpy as np
import streamlit as st
import torch

from app import state, words
from app.address import Facts
from app.components.contract import Pin, Scene
from app.components.latent_map import Callbacks, Look, Points, latent_map
from app.components.picture import picture
from app.figures import raster
from app.resources import assets, datasets, machines
from app.resources.machines import EncodedSet
from app.resources.opened_model import Floats, OpenedMachine
from app.widgets import downloads, header, uploads
from vae_core import images
from vae_core.errors import ImageError
from vae_core.models import boltzmann

SAMPLES, COLUMNS = 32, 8
SIDE = 112
#: Why a Boltzmann machine lacks a page.
MISSING_PAGES = {
    "Manifold": "A manifold needs a prior p(z) over codes. A Boltzmann machine defines codes only "
    "together with their images. Choose a VAE on the left.",
    "Morph": "Paths and sums need a continuous latent space. Hidden units of a Boltzmann machine "
    "are binary, and nothing lies between two of their states. Choose a VAE on the left.",
}
#: URL paths of the pages that need no open model: they are shown as with any other.
SHARED = ("train", "compare", "learn")
DEFAULT_REASON = "This page does not support Boltzmann machines. Choose a VAE on the left."


def fit_state(machine: OpenedMachine) -> None:
    """Fit the session's state to the machine."""
    found = machines.encoded_set(machine)
    state.fit_to_model(
        Facts(
            latent_dim=machine.saved.machine.size,
            projections=("pca",),
            has_id=lambda example: found is not None and example in found.row,
            has_labels=found is not None and found.codes.labels is not None,
        )
    )


def show(page: str, machine: OpenedMachine) -> None:
    """Show a page of a machine, by the page's title."""
    if page in PAGES:
        PAGES[page](machine)
        return
    header.heading(page, f"This model is {boltzmann.KINDS[machine.saved.card.kind]}.")
    st.info(MISSING_PAGES.get(page, DEFAULT_REASON))


def explore(machine: OpenedMachine) -> None:
    """Show the codes of test images on their first two principal components."""
    header.heading("Explore", "How do the hidden units represent the test set?")
    found = machines.encoded_set(machine)
    if found is None:
        offer_data(machine)
        return
    pinned = state.current().pinned_id
    scene = build_scene(machine, found, pinned)
    left, right = st.columns([5, 3], gap="medium")
    with left:
        latent_map(
            "machine-map",
            scene=scene,
            points=Points(
                codes=assets.publish(found.codes_asset),
                sprite=assets.publish(found.images_asset),
                classes=machine.saved.card.classes or found.class_names,
            ),
            look=Look(projection="pca", tools=False),
            on=Callbacks(pin=on_pin),
        )
        st.caption(
            f"Each point is a test image, placed by the probabilities of the "
            f"{machine.saved.machine.size} units of the top layer on the plane of greatest "
            "variance. Elsewhere, the point on the plane is decoded as if it were probabilities, "
            "which not every point is."
        )
    with right, st.container(key="live-picture"):
        picture("picture", scene=scene, caption=False, size=336)
    with right:
        if pinned is None:
            st.caption("Showing the mean code of the test set. Click a point to choose its image.")
        else:
            show_results(
                machine, {f"#{pinned}": raster.from_levels(found.images[found.row[pinned]])}
            )


def build_scene(machine: OpenedMachine, found: EncodedSet, pinned: int | None) -> Scene:
    """Return the scene of the pinned example's code, else of the mean code."""
    h = found.codes.probabilities
    z = h.mean(0) if pinned is None else h[found.row[pinned]]
    return Scene(
        model_hash=machine.hash,
        decoder=machines.decoder_address(machine),
        z=tuple(z.tolist()),
        z_version=state.version(),
        pinned_id=pinned,
    )


def on_pin(pin: Pin) -> None:
    """Pin an example; a point between examples is not kept."""
    state.update(z=None, pinned_id=pin.pinned_id)


def reconstruct(machine: OpenedMachine) -> None:
    """Show reconstructions of uploaded images, else of the first test images."""
    header.heading("Reconstruct", "How does the model reconstruct my own image?")
    card, prepared = machine.saved.card, {}
    for upload in uploads.image_files("w-machine-files"):
        try:
            image = images.read_picture(upload.content)
            found = images.prepare(image, card.model.image_shape, dataset=card.dataset)
            prepared[upload.name] = found.image.numpy()
        except ImageError as error:
            st.error(f"{upload.name}: {error}")
    if prepared:
        show_results(machine, prepared)
    elif encoded := machines.encoded_set(machine):
        st.caption("Until then, the first test images:")
        first = zip(encoded.codes.ids[:4].tolist(), encoded.images[:4], strict=True)
        show_results(machine, {f"#{i}": raster.from_levels(levels) for i, levels in first})
    st.caption(uploads.NOT_STORED)


def show_results(machine: OpenedMachine, prepared: dict[str, Floats]) -> None:
    """Show images (c, h, w) in [0, 1] with their reconstructions, errors and cross-entropies."""
    x = torch.from_numpy(np.stack(list(prepared.values())))
    with torch.inference_mode():
        recon = machine.saved.machine.reconstruct(x)
    costs = boltzmann.cross_entropy(x, recon), boltzmann.entropy_floor(x)
    for name, image, decoded, cost, floor in zip(
        prepared, x.numpy(), recon.numpy(), *costs, strict=True
    ):
        with st.container(horizontal=True, gap="small", vertical_alignment="center"):
            st.image(raster.picture(raster.to_levels(image), SIDE), alt=f"{name}, input")
            st.image(raster.picture(raster.to_levels(decoded), SIDE), alt="Reconstruction")
            st.image(raster.difference(image, decoded, SIDE), alt="Error")
        st.caption(
            f"{name}: input, reconstruction, error (orange too bright, blue too dark). "
            f"Cross-entropy {words.number(float(cost))} nats; at least "
            f"{words.number(float(floor))} nats for any reconstruction, the entropy of its grey "
            "pixels."
        )


def decode(machine: OpenedMachine) -> None:
    """Show samples: the ends of Markov chains."""
    header.heading("Decode", "Which images does the model generate?")
    seed = state.current().seed
    samples = machines.sample(machine.hash, machine.saved, SAMPLES, seed)
    st.image(raster.mosaic(samples, COLUMNS, side=84), alt=f"{SAMPLES} samples")
    st.caption(
        f"{SAMPLES} Gibbs chains of {boltzmann.GIBBS_STEPS:,} steps from noise, which sample "
        "hidden units given visible ones and visible units given hidden ones in turn. Unlike the "
        "prior of a VAE, codes cannot be sampled directly; a chain may stay near one kind of image "
        "for long."
    )
    st.button(
        "Sample again", on_click=state.update, kwargs={"seed": seed + 1}, key="w-machine-again"
    )


def offer_data(machine: OpenedMachine) -> None:
    """Say that the dataset is needed, and offer to download it."""
    name = machine.saved.card.dataset
    status = datasets.missing(name)
    if status is None:
        st.info(f"The dataset {datasets.title(name)} is not on this host, or does not fit.")
    else:
        downloads.offer_dataset(status, "The folder of a Boltzmann machine has no codes.")


PAGES: dict[str, Callable[[OpenedMachine], None]] = {
    "Explore": explore,
    "Decode": decode,
    "Reconstruct": reconstruct,
}
