"""Boltzmann machines: encoded sets, decoders and samples."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import streamlit as st
import torch
from numpy.typing import NDArray

from app.resources import assets, datasets
from app.resources.assets import Asset
from app.resources.opened_model import OpenedMachine
from vae_core import boltzmann_metrics
from vae_core.boltzmann_metrics import MachineCodes
from vae_core.errors import LatentExplorerError
from vae_core.formats import bundles
from vae_core.model_folder import SavedMachine


@dataclass(frozen=True)
class MachineSet:
    """The test pictures that a machine is shown on, their codes, and where a browser finds both.

    Attributes
    ----------
    row : mapping of int to int
        Row of each example's id.
    """

    images: NDArray[np.uint8]
    codes: MachineCodes
    row: Mapping[int, int]
    bundle: Asset
    sheet: Asset

    @property
    def address(self) -> str:
        """Of the codes."""
        return assets.publish(self.bundle)

    @property
    def sprite(self) -> str:
        """Of the pictures."""
        return assets.publish(self.sheet)


def machine_decoder_address(opened: OpenedMachine) -> str:
    """Return the address of a machine's way from codes to pictures."""
    return assets.publish(_machine_network(opened.hash, opened.saved))


@st.cache_resource(show_spinner=False, max_entries=4)
def _machine_network(key: str, _saved: SavedMachine) -> Asset:
    return Asset(bundles.machine_bundle(_saved.machine), "machine.bin")


def machine_set(opened: OpenedMachine) -> MachineSet | None:
    """Encode test pictures by a machine; None where they are not at hand, or of another shape."""
    name = opened.saved.card.dataset
    if not any(status.name == name and status.present for status in datasets.datasets()):
        return None
    try:
        found = _machine_set(opened.hash, name, opened.saved)
    except LatentExplorerError:  # a damaged file, or pictures of another shape
        return None
    return found


@st.cache_resource(show_spinner="Encoding the test set…", max_entries=4)
def _machine_set(key: str, dataset: str, _saved: SavedMachine) -> MachineSet:
    first = datasets.first_pictures(dataset)
    codes = boltzmann_metrics.encode(_saved.machine, first)
    sprite = bundles.sprite_bundle(first.ids, first.images)
    return MachineSet(
        images=first.images.numpy(),
        codes=codes,
        row={int(i): row for row, i in enumerate(first.ids.tolist())},
        bundle=Asset(bundles.machine_codes_bundle(codes), "codes.bin"),
        sheet=Asset(sprite, "originals.bin"),
    )


@st.cache_data(show_spinner="Running the chains…", max_entries=32)
def machine_samples(key: str, _saved: SavedMachine, n: int, seed: int) -> NDArray[np.uint8]:
    """Mean pictures at the ends of Gibbs chains, uint8 (n, c, h, w)."""
    generator = torch.Generator().manual_seed(seed)
    with torch.inference_mode():
        drawn = _saved.machine.sample(n, generator=generator)
    levels: NDArray[np.uint8] = drawn.mul(255).round().to(torch.uint8).numpy()
    return levels
