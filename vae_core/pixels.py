"""Convert uint8 intensities to the input x of a model: the four kinds of pixels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vae_core.errors import ImageError

#: Images converted at once.
CHUNK = 1_000
#: Size of a float64, the largest type that PyTorch has.
DOUBLE_BYTES = 8

Images = Tensor | NDArray[np.generic] | Sequence[Any]


def as_tensor(images: Images) -> Tensor:
    """Return images as a tensor of the type in which they come, whatever their memory's layout.

    Raises
    ------
    ImageError
        If they are not numbers, or not all of one shape.
    """
    if isinstance(images, Tensor):
        return images
    try:
        if not isinstance(images, np.ndarray) and any(isinstance(one, Tensor) for one in images):
            return torch.stack([torch.as_tensor(one) for one in images])
        array = np.asarray(images)
    except (TypeError, ValueError, RuntimeError) as error:
        raise ImageError(
            f"images of type {type(images).__name__} are no array: allowed are NumPy arrays, "
            "torch tensors, and lists of pictures of one size"
        ) from error
    if array.dtype.kind not in "bfiu":
        raise ImageError(f"images of type {array.dtype}: allowed are uint8 and floats in [0, 1]")
    if array.dtype.kind == "f" and array.dtype.itemsize > DOUBLE_BYTES:
        array = array.astype(np.float64)
    array = array.astype(array.dtype.newbyteorder("="), copy=False)
    # PyTorch shares memory, and warns of arrays that may not be written.
    if not array.flags.writeable or any(stride < 0 for stride in array.strides):
        array = array.copy()
    return torch.from_numpy(array)


def shaped(images: Images, image_shape: tuple[int, int, int]) -> Tensor:
    """Return images as (n, c, h, w), of the type in which they come.

    Parameters
    ----------
    images
        (n, c, h, w), or (n, h, w) of one channel.
    image_shape
        The model's (c, h, w).

    Raises
    ------
    ImageError
        If they have another shape.
    """
    tensor = as_tensor(images)
    c, h, w = image_shape
    found = tuple(tensor.shape[1:])
    if tensor.ndim == len(image_shape) + 1 and found == image_shape:
        return tensor
    if c == 1 and found == (h, w):
        return tensor[:, None]
    other = f" or (n, {h}, {w})" if c == 1 else ""
    if tensor.ndim == len(image_shape) + 1 and found == (h, w, c):
        other += "; channels come first: images.transpose(0, 3, 1, 2) in NumPy"
    raise ImageError(f"images of shape {tuple(tensor.shape)}: allowed is (n, {c}, {h}, {w}){other}")


def as_levels(images: Images, image_shape: tuple[int, int, int]) -> Tensor:
    """Return images as uint8 (n, c, h, w), as evaluation and training read them.

    Parameters
    ----------
    images
        uint8, bool, or floats in [0, 1], which are rounded to 256 levels; of a shape that
        :func:`shaped` takes.
    image_shape
        The model's (c, h, w).

    Raises
    ------
    ImageError
        If type, range or shape is another.
    """
    tensor = shaped(images, image_shape)
    if tensor.dtype == torch.uint8:
        return tensor
    return (255 * as_unit(tensor)).round().to(torch.uint8)


def as_input(images: Images, image_shape: tuple[int, int, int]) -> Tensor:
    """Return images as float32 (n, c, h, w) in [0, 1], as a network reads them.

    Raises
    ------
    ImageError
        As :func:`as_levels`.
    """
    return as_unit(shaped(images, image_shape))


def as_unit(images: Images) -> Tensor:
    """Return images of any shape as float32 in [0, 1].

    Raises
    ------
    ImageError
        If they are neither uint8 nor bool nor floats in [0, 1]. The range of images on a GPU is
        not checked, since that would wait for it.
    """
    images = as_tensor(images)
    if images.dtype == torch.uint8:
        return images.float() / 255
    if images.dtype == torch.bool:
        return images.float()
    if not images.is_floating_point():
        raise ImageError(f"images of type {images.dtype}: allowed are uint8 and floats in [0, 1]")
    if images.numel() and images.device.type == "cpu":
        low, high = (bound.item() for bound in images.detach().aminmax())
        if not (low >= 0 and high <= 1):  # also where either is not a number
            raise ImageError(
                f"images with values from {low:.4g} to {high:.4g}: allowed are floats in [0, 1], "
                "or uint8"
            )
    return images.float()


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
