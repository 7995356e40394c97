"""Panels of the method: the live numbers of one image on its way through the model."""

from collections.abc import Sequence

from app.components import mounting
from app.components.contract import Scene
from vae_core.method import Part


def method(
    key: str,
    part: Part,
    *,
    scene: Scene,
    codes: str,
    sprite: str | None,
    classes: Sequence[str],
    has_pixel_terms: bool,
    average: str | None = None,
) -> None:
    """Show the numbers of one step, for the pinned image or the one under the pointer.

    Parameters
    ----------
    part
        The step.
    scene
        With the encoder, which the browser runs on the original image.
    codes, sprite
        Addresses of the encoded set and of the original images. Without originals, mu and logvar
        are those of the set, and there is no distortion.
    has_pixel_terms
        Whether −log p(x|z) follows from the pixels' means, as that of a Bernoulli likelihood does.
    average
        The model's −ELBO over the test set, in words.
    """
    mounting.show(
        "method",
        key,
        {
            **scene.data(with_encoder=sprite is not None),
            "part": part,
            "codes": codes,
            "sprite": sprite,
            "classes": list(classes),
            "has_pixel_terms": has_pixel_terms,
            "average": average,
        },
    )
