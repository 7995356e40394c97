"""Images of examples: keyed by id, and shown for what they are."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from app.resources import examples, library, opened_model
from vae_core import data


def test_pictures_follow_their_ids_not_their_rows(
    digits_2d: opened_model.Opened, shuffled_digits: opened_model.Opened
) -> None:
    """Originals, labels and codes of an id are the same in whatever order the set lies."""
    ids = digits_2d.codes.ids[[3, 200, 77]].tolist()
    split = data.load_dataset("digits").test
    rows = [split.ids.tolist().index(i) for i in ids]
    for opened in (digits_2d, shuffled_digits):
        shown = examples.pictures(opened, ids)
        assert shown.kind == examples.ORIGINAL
        np.testing.assert_array_equal(shown.images, split.images[rows].numpy())
        labels = [opened.label(i) for i in ids]
        assert labels == [str(int(split.labels[row])) for row in rows]


def test_without_the_data_pictures_are_reconstructions_and_say_so(
    digits_2d: opened_model.Opened,
) -> None:
    """A dataset that is not here, or of another shape, gives decoded means."""
    card = digits_2d.card.model_copy(update={"dataset": "mnist"})
    elsewhere = dataclasses.replace(
        digits_2d, saved=dataclasses.replace(digits_2d.saved, card=card)
    )
    ids = digits_2d.codes.ids[:4].tolist()
    shown = examples.pictures(elsewhere, ids)
    mean = digits_2d.model.decode(digits_2d.codes.mu[:4]).mean
    assert shown.kind == examples.RECONSTRUCTION
    assert np.abs(shown.images / 255 - mean.numpy()).max() <= 0.5 / 255 + 1e-6


def test_neighbours_are_those_of_brute_force(digits_2d: opened_model.Opened) -> None:
    """In both spaces, nearest first, without the example itself."""
    example = int(digits_2d.codes.ids[10])
    latent, pixel = examples.neighbours(digits_2d, example, 5)
    everyone = digits_2d.codes.ids.tolist()
    flat = examples.pictures(digits_2d, everyone).images.reshape(len(everyone), -1) / 255.0
    for found, points in ((latent, digits_2d.codes.mu.numpy()), (pixel, flat)):
        distances = np.linalg.norm(points - points[10], axis=1)
        distances[10] = np.inf
        np.testing.assert_allclose(found.distances, np.sort(distances)[:5], rtol=1e-4)
        assert example not in found.ids
        np.testing.assert_allclose(distances[digits_2d.rows(found.ids)], found.distances, rtol=1e-4)


def test_neighbours_are_decoded_once(
    digits_2d: opened_model.Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the data all pictures are decoded for the first example alone."""
    decode, counts = examples.decode, []

    def counted(opened: opened_model.Opened, z: torch.Tensor, y: None = None) -> np.ndarray:
        counts.append(len(z))
        return decode(opened, z, y)

    monkeypatch.setattr(examples, "originals", lambda opened: None)
    monkeypatch.setattr(examples, "decode", counted)
    found = [examples.neighbours(digits_2d, int(i), 5) for i in digits_2d.codes.ids[:3]]
    assert counts == [len(digits_2d.codes.ids)]
    assert len({tuple(pixel.ids) for _, pixel in found}) == 3


def test_a_typical_example_lies_nearest_to_its_class() -> None:
    """No example of the class is nearer to the mean of the class's codes."""
    opened = library.open_model("digits-2d")
    labels, mu = opened.codes.labels, opened.codes.mu
    assert labels is not None
    for label in range(10):
        row = examples.typical(opened, label)
        assert int(labels[row]) == label
        distances = (mu[labels == label] - mu[labels == label].mean(0)).norm(dim=1)
        own = (mu[row] - mu[labels == label].mean(0)).norm()
        assert float(own) == pytest.approx(float(distances.min()))
