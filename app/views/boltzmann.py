"""What a Boltzmann machine has to show: its codes, its reconstructions, its samples.

It has no prior of its codes that could be drawn from and no posterior with a spread of its own
kind, so that pages which rest on these say so in a sentence.
"""

from collections.abc import Callable

import numpy as np
import streamlit as st
import torch

from app import state, words
from app.address import Facts
from app.components import latent_map, picture
from app.components.contract import Pin, Scene
from app.figures import raster
from app.resources import assets, datasets, machines
from app.resources.machines import EncodedSet
from app.resources.opened_model import Floats, OpenedMachine
from app.widgets import downloads, header
from vae_core import images
from vae_core.errors import ImageError
from vae_core.models import boltzmann

SAMPLES, COLUMNS = 32, 8
MAX_MEGABYTES, MAX_PICTURES = 20, 12
SIDE = 112
#: Why a page is not there, and what is instead.
ABSENT = {
    "Manifold": "A manifold of quantiles needs a prior p(z) of the code. A Boltzmann machine has "
    "none that can be written down: its codes are only defined together with its pictures.",
    "Morph": "Paths and sums need a space of codes that is filled between them. Hidden units of a "
    "Boltzmann machine are coins, and half-way between two states there is nothing to decode.",
    "Compare": "Two models are compared here by one z, which a Boltzmann machine has not. For the "
    "study of machines and VAEs, choose a VAE on the left.",
    "Train": "The app trains VAEs: choose one on the left. Boltzmann machines are trained by "
    "`python -m vae_core study boltzmann`.",
}


def settle(machine: OpenedMachine) -> None:
    """Fit the session's state to the machine."""
    found = machines.encoded_set(machine)
    state.settle(
        Facts(
            latent_dim=machine.saved.machine.size,
            projections=("pca",),
            has_id=lambda example: found is not None and example in found.row,
            has_labels=found is not None and found.codes.labels is not None,
        )
    )


def show(page: str, machine: OpenedMachine) -> None:
    """Show a page of a machine, by its title."""
    if page in PAGES:
        PAGES[page](machine)
        return
    what = boltzmann.KINDS[machine.saved.card.kind]
    header.heading(page, f"This model is {what}.")
    st.info(ABSENT[page])


def explore(machine: OpenedMachine) -> None:
    """Show the codes of test pictures on their two principal components."""
    header.heading("Explore", "What do the hidden units make of the test set?")
    found = machines.encoded_set(machine)
    if found is None:
        invite(machine)
        return
    pinned = state.current().pinned_id
    at = scene(machine, found, pinned)
    left, right = st.columns([5, 3], gap="medium")
    with left:
        latent_map.latent_map(
            "machine-map",
            scene=at,
            codes=assets.publish(found.codes_asset),
            sprite=assets.publish(found.images_asset),
            classes=machine.saved.card.classes or found.class_names,
            projection="pca",
            tools=False,
            on_pin=pin,
        )
        st.caption(
            f"Each point is a test picture: the probabilities of the {machine.saved.machine.size} "
            "units of the top layer, in the plane of greatest variance. Empty space is decoded by "
            "taking its point for probabilities, which some places of the plane are not."
        )
    with right, st.container(key="live-picture"):
        picture.picture("picture", scene=at, caption=False, size=336)
    with right:
        if pinned is None:
            st.caption("The mean code of the test set. Click a point to pin its picture.")
        else:
            row = found.row[pinned]
            x = found.images[row].astype(np.float32) / np.float32(255)
            show_result(machine, {f"Example {pinned}": x})


def scene(machine: OpenedMachine, found: EncodedSet, pinned: int | None) -> Scene:
    """Return what panels are given: the pinned example's code, else the mean one."""
    h = found.codes.probabilities
    z = h.mean(0) if pinned is None else h[found.row[pinned]]
    return Scene(
        model_hash=machine.hash,
        decoder=machines.decoder_address(machine),
        z=tuple(z.tolist()),
        z_version=state.version(),
        pinned_id=pinned,
    )


def pin(chosen: Pin) -> None:
    """Pin an example; a place between them is no code to come back to."""
    state.update(z=None, pinned_id=chosen.pinned_id)


def reconstruct(machine: OpenedMachine) -> None:
    """Show what the machine gives back of pictures of one's own."""
    header.heading("Reconstruct", "What does the machine make of my own picture?")
    files = st.file_uploader(
        "Drop pictures here, or paste one", type=list(images.SUFFIXES), accept_multiple_files=True,
        max_upload_size=MAX_MEGABYTES, key="w-machine-files",
    )  # fmt: skip
    card, seen = machine.saved.card, {}
    for file in files[:MAX_PICTURES]:
        try:
            picture = images.read_picture(file.getvalue())
            prepared = images.prepare(picture, card.model.image_shape, dataset=card.dataset)
            seen[file.name] = prepared.image.numpy()
        except ImageError as error:
            st.error(f"{file.name}: {error}")
    if seen:
        show_result(machine, seen)
    elif found := machines.encoded_set(machine):
        st.caption("Until then: the first pictures of the test set.")
        first = found.images[:4].astype(np.float32) / np.float32(255)
        ids = found.codes.ids[:4].tolist()
        show_result(machine, {f"Example {i}": x for i, x in zip(ids, first, strict=True)})
    st.caption("Nothing that you give is kept: it stays in memory while this page shows it.")


def show_result(machine: OpenedMachine, seen: dict[str, Floats]) -> None:
    """Show pictures (c, h, w) in [0, 1], their reconstructions, errors and costs."""
    x = torch.from_numpy(np.stack(list(seen.values())))
    with torch.inference_mode():
        recon = machine.saved.machine.reconstruct(x)
    costs = boltzmann.cross_entropy(x, recon), boltzmann.entropy_floor(x)
    for name, one, back, cost, floor in zip(seen, x.numpy(), recon.numpy(), *costs, strict=True):
        with st.container(horizontal=True, gap="small", vertical_alignment="center"):
            st.image(raster.picture(raster.to_levels(one), SIDE), alt=f"{name}, as it is seen")
            st.image(raster.picture(raster.to_levels(back), SIDE), alt="Reconstruction")
            st.image(raster.difference(one, back, SIDE), alt="Error")
        st.caption(
            f"{name}: seen, given back, error (orange too bright, blue too dark). Cross-entropy "
            f"{words.number(float(cost))} nats, of which {words.number(float(floor))} are the "
            "entropy of its grey pixels, which no reconstruction avoids."
        )


def decode(machine: OpenedMachine) -> None:
    """Show samples: ends of Markov chains."""
    header.heading("Decode", "What does the machine dream of?")
    seed = state.current().seed
    drawn = machines.sample(machine.hash, machine.saved, SAMPLES, seed)
    st.image(raster.mosaic(drawn, COLUMNS, side=84), alt=f"{SAMPLES} samples")
    st.caption(
        f"{SAMPLES} Gibbs chains of {boltzmann.GIBBS_STEPS:,} steps from noise: hidden units are "
        "drawn given the visible ones, those given the hidden ones, and so on. There is no code to "
        "draw at once, as a VAE's prior gives; a chain may stay in one kind of picture for long."
    )
    st.button("Draw again", on_click=_reseed, args=(seed + 1,), key="w-machine-again")


def _reseed(seed: int) -> None:
    state.update(seed=seed)


def invite(machine: OpenedMachine) -> None:
    """Say that the data is needed, and offer to fetch it."""
    status = datasets.missing(machine.saved.card.dataset)
    if status is None:
        st.info(f"The data {machine.saved.card.dataset!r} is not on this machine, or not its kind.")
    else:
        downloads.download_invitation(status, "A Boltzmann machine's folder holds no codes.")


PAGES: dict[str, Callable[[OpenedMachine], None]] = {
    "Explore": explore,
    "Decode": decode,
    "Reconstruct": reconstruct,
}
