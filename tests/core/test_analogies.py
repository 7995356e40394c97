"""Examples of arithmetic on codes."""

from __future__ import annotations

import torch
from torch import Tensor

from vae_core import analogies, latents, model_folder

#: Styles of each class of `plane`, from -1 to 1.
STYLES = 31


def plane() -> tuple[Tensor, Tensor]:
    """Return codes of three classes, 10 apart in the first dimension, by style in the second."""
    style = torch.linspace(-1, 1, STYLES)[torch.randperm(STYLES, generator=torch.manual_seed(0))]
    codes = torch.cat([torch.stack([torch.full_like(style, 10.0 * k), style], 1) for k in range(3)])
    return codes, torch.arange(3).repeat_interleave(STYLES)


def test_an_analogy_changes_the_style_and_keeps_the_class() -> None:
    """A and B are typical of two classes; C is B in the strongest style within reach."""
    codes, labels = plane()
    found = analogies.find(codes, labels, lambda z: z)
    assert found is not None
    a, b, c = found
    assert labels[a] != labels[b] == labels[c]
    assert max(abs(codes[a, 1]), abs(codes[b, 1])) < 1e-6
    assert abs(codes[c, 1]) > 0.9
    result = codes[a] - codes[b] + codes[c]
    assert (codes - result).norm(dim=1).min() < 1e-6


def test_an_analogy_is_of_images_and_not_of_codes() -> None:
    """Where the images of one class change the other way round, another class is found."""
    codes, labels = plane()

    def decode(z: Tensor) -> Tensor:
        return torch.stack([torch.zeros(len(z)), torch.where(z[:, 0] > 15, -1, 1) * z[:, 1]], 1)

    found = analogies.find(codes, labels, decode)
    assert found is not None
    assert 2 not in {int(labels[row]) for row in found}


def test_there_is_no_analogy_where_results_are_far_from_all_codes() -> None:
    """Rather none than one that decodes to nothing that was seen."""
    codes, labels = plane()
    codes[:, 1] *= labels * 50.0 + 1
    codes[labels == 1, 1] += 500
    apart = labels < 2
    assert analogies.find(codes[apart][:40], labels[apart][:40], lambda z: z) is None
    assert analogies.find(codes[:5], labels[:5], lambda z: z) is None


def test_codes_without_classes_have_analogies_too() -> None:
    """Three codes and a result near a fourth."""
    codes, _ = plane()
    found = analogies.find(codes, None, lambda z: z)
    assert found is not None
    assert len(set(found)) == 3


def test_a_bundled_model_has_an_analogy_that_its_neighbours_confirm() -> None:
    """The digits nearest to the result are of A's class."""
    saved = model_folder.open_folder(model_folder.locate("digits-2d"))
    codes, labels = saved.codes.mu, saved.codes.labels
    assert labels is not None
    found = analogies.find(codes, labels, lambda z: latents.decode(saved.model, z))
    assert found is not None
    a, b, c = found
    result = (codes[a] - codes[b] + codes[c]).numpy()
    near, _ = latents.nearest(result, codes.numpy(), 10)
    assert set(labels[near].tolist()) == {int(labels[a])}
    assert labels[a] != labels[b] == labels[c]
