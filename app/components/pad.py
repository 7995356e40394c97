"""Panel of the drawing pad."""

import base64
import binascii
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.components import contract, mounting
from app.components.contract import Pin, Scene
from vae_core import images


@dataclass(frozen=True)
class Drawing:
    """A drawing at the model's size, uint8 (h, w), and its code."""

    pixels: NDArray[np.uint8]
    pin: Pin


def pad(
    key: str,
    *,
    scene: Scene,
    image_shape: tuple[int, int, int],
    dataset: str | images.Frame | None = None,
    version: int = 0,
    on_drawing: Callable[[Drawing | None], None] | None = None,
) -> Drawing | None:
    """Show a drawing pad that encodes and reconstructs the drawing while it is drawn.

    Parameters
    ----------
    scene
        Must have the encoder's address.
    image_shape
        (c, h, w) of the model's images.
    dataset
        What the model was trained on, which decides how ink is centred: see `images.frame_of`.
    version
        A new version clears the pad.
    on_drawing
        Called when a stroke ends, or with None when the pad was cleared.

    Raises
    ------
    ValueError
        If the scene lacks the encoder.
    """
    if scene.encoder is None:
        raise ValueError("scene.encoder is None; a drawing pad needs the encoder's address")
    latent_dim = len(scene.z)
    frame = images.frame_of(dataset, image_shape)

    def drawn(value: Any) -> None:
        drawing = read_drawing(value, image_shape, latent_dim)
        if on_drawing is not None and (value is None or drawing is not None):
            on_drawing(drawing)

    sent = mounting.show(
        "pad",
        key,
        {
            **scene.data(with_encoder=True),
            "frame": None if frame is None else vars(frame),
            "drawing_version": version,
        },
        on_change={"drawing": drawn},
    )
    return read_drawing(sent.get("drawing"), image_shape, latent_dim)


def read_drawing(value: Any, image_shape: tuple[int, int, int], latent_dim: int) -> Drawing | None:
    """Validate a drawing that the pad sent; None if it does not fit the model."""
    if not isinstance(value, Mapping) or not isinstance(value.get("pixels"), str):
        return None
    _, height, width = image_shape
    try:
        content = base64.b64decode(value["pixels"], validate=True)
    except (ValueError, binascii.Error):
        return None
    pin = contract.read_pin(value, latent_dim)
    if len(content) != height * width or pin is None:
        return None
    return Drawing(np.frombuffer(content, dtype=np.uint8).reshape(height, width), pin)
