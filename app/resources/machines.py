"""Boltzmann machines: encoded test sets, decoders and samples."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import streamlit as st
import torch
from numpy.typing import NDArray

from app.figures import raster
from app.resources import assets, datasets
from app.resources.assets import Asset
from app.resources.opened_model import OpenedMachine
from vae_core import boltzmann_metrics
from vae_core.boltzmann_metrics import MachineCodes
from vae_core.errors import LatentExplorerError
from vae_core.formats import bundles
from vae_core.model_folder import SavedMachine


@dataclass(frozen=True)
class EncodedSet:
    """The first test images and their codes, with the bundles of both.

    Attributes
    ----------
    images : uint8 (n, c, h, w)
    codes : MachineCodes
    row : mapping of int to int
        Row of each example's id.
    codes_asset, images_asset : Asset
    """

    images: NDArray[np.uint8]
    codes: MachineCodes
    row: Mapping[int, int]
    codes_asset: Asset
    images_asset: Asset

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the labels 0, 1, …; empty without labels."""
        labels = self.codes.labels
        return () if labels is None else tuple(map(str, range(int(labels.max()) + 1)))


def decoder_address(opened: OpenedMachine) -> str:
    """Return the address of a machine's decoder."""
    return assets.publish(_decoder(opened.hash, opened.saved))


@st.cache_resource(show_spinner=False, max_entries=4)
def _decoder(key: str, _saved: SavedMachine) -> Asset:
    return Asset(bundles.machine_bundle(_saved.machine), "machine.bin")


def encoded_set(opened: OpenedMachine) -> EncodedSet | None:
    """Encode the first test images, or return None if they are missing, damaged or do not fit."""
    name = opened.saved.card.dataset
    if not datasets.is_present(name):
        return None
    try:
        return _encoded_set(opened.hash, name, opened.saved)
    except LatentExplorerError:
        return None


@st.cache_resource(show_spinner="Encoding the test set…", max_entries=4)
def _encoded_set(key: str, dataset: str, _saved: SavedMachine) -> EncodedSet:
    first = datasets.first_test_images(datasets.Reading(dataset))
    codes = boltzmann_metrics.encode(_saved.machine, first)
    return EncodedSet(
        images=first.images.numpy(),
        codes=codes,
        row={int(i): row for row, i in enumerate(first.ids.tolist())},
        codes_asset=Asset(bundles.machine_codes_bundle(codes), "codes.bin"),
        images_asset=Asset(bundles.sprite_bundle(first.ids, first.images), "originals.bin"),
    )


@st.cache_data(show_spinner="Running Gibbs chains…", max_entries=32)
def sample(key: str, _saved: SavedMachine, n: int, seed: int) -> NDArray[np.uint8]:
    """Return the mean images at the ends of Gibbs chains, uint8 (n, c, h, w)."""
    generator = torch.Generator().manual_seed(seed)
    with torch.inference_mode():
        return raster.to_levels(_saved.machine.sample(n, generator=generator).numpy())
