"""Open models: addresses and codes."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from app.resources import examples, library, opened_model
from vae_core import model_folder


def test_a_file_with_known_weights_keeps_its_own_codes(no_data: Path) -> None:
    """Caches of a bundled model never hold the codes of an uploaded one."""
    original = library.open_model("digits-2d")
    theirs = library.open_zip(model_folder.zip_folder("digits-2d"))
    moved = dataclasses.replace(theirs.codes, mu=theirs.codes.mu + 1)
    theirs = dataclasses.replace(theirs, saved=dataclasses.replace(theirs.saved, codes=moved))
    assert theirs.codes_address != original.codes_address
    assert theirs.decoder_address == original.decoder_address


def test_addresses_name_their_content(digits_2d: opened_model.Opened) -> None:
    """A decoder has one address; another model has another."""
    address = digits_2d.decoder_address
    assert address == digits_2d.decoder_address
    assert address != digits_2d.encoder_address
    assert examples.sprite_address(digits_2d) is not None
