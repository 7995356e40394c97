"""Convert uint8 intensities to the input x of a model: the four kinds of pixels."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

#: Images converted at once.
CHUNK = 1_000


def grey(images: Tensor, generator: torch.Generator) -> Tensor:
    """Intensities in [0, 1]."""
    return images / 255


def bernoulli_draw(images: Tensor, generator: torch.Generator) -> Tensor:
    """Binary pixels, each 1 with a probability equal to its intensity."""
    uniform = torch.rand(images.shape, generator=generator, device=images.device)
    return (uniform < images / 255).float()


def threshold(images: Tensor, generator: torch.Generator) -> Tensor:
    """Binary pixels, 1 where the intensity is above one half."""
    return (images > 127).float()


#: Conversion of a batch of uint8 images (batch, c, h, w), by kind. Static images were drawn once
#: by :func:`prepare`, and are then read unchanged.
KINDS: dict[str, Callable[[Tensor, torch.Generator], Tensor]] = {
    "grey": grey,
    "dynamic": bernoulli_draw,
    "static": grey,
    "threshold": threshold,
}


def prepare(images: Tensor, kind: str, *, seed: int) -> Tensor:
    """Convert the images of a run once, before training.

    Parameters
    ----------
    images
        uint8 (n, c, h, w).
    kind
        "static" draws each pixel once; for other kinds ``images`` are returned unchanged.
    """
    if kind != "static":
        return images
    generator = torch.Generator().manual_seed(seed)
    drawn = torch.empty_like(images)
    for start in range(0, len(images), CHUNK):
        part = slice(start, start + CHUNK)
        drawn[part] = bernoulli_draw(images[part], generator).mul_(255).to(torch.uint8)
    return drawn


def mean_image(images: Tensor) -> Tensor:
    """Mean intensity in [0, 1] of each pixel: uint8 (n, c, h, w) → (c, h, w)."""
    total = torch.zeros(images.shape[1:], dtype=torch.int64)
    for part in torch.split(images, CHUNK):
        total += part.sum(0)
    return (total.double() / (255 * len(images))).float()


def view(images: Tensor, kind: str, *, generator: torch.Generator) -> Tensor:
    """Return x (batch, c, h, w) in [0, 1] of a minibatch of prepared uint8 images."""
    return KINDS[kind](images, generator)
