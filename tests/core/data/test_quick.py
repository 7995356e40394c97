"""Plain PNG and JPEG files are decoded as Pillow decodes them, and others are left to it."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import PIL.Image
import pytest

from vae_core import images
from vae_core.data import quick

RANDOM = np.random.default_rng(4)


def saved(shape: tuple[int, ...], form: str, **how: Any) -> bytes:
    """Return a picture of soft noise as a file."""
    coarse = RANDOM.integers(0, 256, (8, 8, *shape[2:]), dtype=np.uint8)
    stream = io.BytesIO()
    PIL.Image.fromarray(coarse).resize(shape[1::-1]).save(stream, form, **how)
    return stream.getvalue()


@pytest.mark.parametrize("shape", [(28, 28), (33, 47, 3), (1, 300), (64, 1, 3)])
@pytest.mark.parametrize(
    ("form", "how"),
    [("PNG", {}), ("PNG", {"dpi": (72, 72)})]
    + [
        ("JPEG", {"quality": quality, "subsampling": subsampling, "progressive": progressive})
        for quality in (40, 90)
        for subsampling in (0, 2)
        for progressive in (False, True)
    ],
)
def test_the_pixels_are_pillows(shape: tuple[int, ...], form: str, how: dict[str, Any]):
    """Of any size, quality, subsampling and order; the headers agree too."""
    content = saved(shape, form, **how)
    found = quick.decode(content)
    with PIL.Image.open(io.BytesIO(content)) as image:
        expected = np.asarray(image)
    assert found is not None
    assert np.abs(found.astype(int) - expected).max() <= 1
    assert quick.header(content) == images.picture_header(content)


def turned() -> bytes:
    """Return a JPEG that is to be turned."""
    exif = PIL.Image.Exif()
    exif[0x0112] = 6
    return saved((20, 30, 3), "JPEG", exif=exif)


def others() -> dict[str, bytes]:
    """Return files that Pillow alone decodes."""
    png, jpeg = saved((20, 20), "PNG"), saved((20, 20, 3), "JPEG")
    broken = bytearray(png)
    broken[len(png) // 2] ^= 255
    return {
        "turned": turned(),
        "transparent": saved((20, 20, 4), "PNG"),
        "one transparent level": saved((20, 20), "PNG", transparency=3),
        "comment that may hold EXIF": saved((20, 20), "PNG", pnginfo=noted()),
        "CMYK": converted("CMYK", "JPEG"),
        "16 bits": deep(),
        "palette": converted("P", "PNG"),
        "large": saved((1200, 4), "PNG"),
        "cut PNG": png[:-20],
        "cut JPEG": jpeg[:-20],
        "broken": bytes(broken),
        "BMP": saved((20, 20), "BMP"),
        "head alone": png[:33],
        "empty": b"",
    }


def noted() -> Any:
    """Return a text for a PNG file."""
    import PIL.PngImagePlugin

    note = PIL.PngImagePlugin.PngInfo()
    note.add_text("Raw profile type exif", "x")
    return note


def converted(mode: str, form: str) -> bytes:
    """Return a picture in another mode."""
    stream = io.BytesIO()
    PIL.Image.fromarray(RANDOM.integers(0, 256, (20, 20, 3), dtype=np.uint8)).convert(mode).save(
        stream, form
    )
    return stream.getvalue()


def deep() -> bytes:
    """Return a PNG of 16 bits."""
    stream = io.BytesIO()
    PIL.Image.fromarray(RANDOM.integers(0, 65536, (20, 20), dtype=np.uint16)).save(stream, "PNG")
    return stream.getvalue()


@pytest.mark.parametrize("name", others())
def test_others_are_left_to_pillow(name: str):
    """Whatever could be shown in another way than it is stored, and what is damaged."""
    assert quick.decode(others()[name]) is None
