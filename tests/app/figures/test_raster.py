"""Arrays become pictures without losing or moving anything."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from app.figures import raster


def test_a_mosaic_holds_each_image_in_its_place() -> None:
    """Row by row, pixels repeated without smoothing, gaps transparent."""
    images = np.arange(5 * 4, dtype=np.uint8).reshape(5, 1, 2, 2) * 12
    sheet = raster.mosaic(images, 3, side=8)
    assert sheet.shape == (8 + 2 + 8, 3 * 8 + 2 * 2, 4)
    for index, image in enumerate(images):
        top, left = index // 3 * 10, index % 3 * 10
        tile = sheet[top : top + 8, left : left + 8]
        np.testing.assert_array_equal(tile[..., 0], image[0].repeat(4, 0).repeat(4, 1))
        assert (tile[..., 3] == 255).all()
    assert (sheet[:, 8:10, 3] == 0).all()
    assert (sheet[10:, 20:, 3] == 0).all()  # the place of the sixth is empty


def test_a_colour_mosaic_keeps_its_channels() -> None:
    """Red stays red."""
    red = np.zeros((1, 3, 4, 4), dtype=np.uint8)
    red[:, 0] = 200
    assert raster.mosaic(red, 1)[0, 0].tolist() == [200, 0, 0, 255]


def test_a_mosaic_of_nothing_is_refused() -> None:
    """An empty selection has its own sentence; an empty picture is a mistake."""
    with pytest.raises(ValueError, match="at least one"):
        raster.mosaic(np.empty((0, 1, 2, 2), dtype=np.uint8), 3)


def test_a_difference_says_where_and_which_way() -> None:
    """Brighter is orange, darker blue, equal transparent; opacity grows with the difference."""
    before = np.full((1, 1, 4), 0.5, dtype=np.float32)
    after = np.array([[[0.5, 0.9, 0.1, 0.6]]], dtype=np.float32)
    same, brighter, darker, little = raster.difference(before, after, side=4)[0]
    assert same[3] == 0
    assert tuple(brighter[:3]) == raster.BRIGHTER
    assert tuple(darker[:3]) == raster.DARKER
    assert 0 < little[3] < brighter[3]


def test_a_png_comes_back_to_the_pixel() -> None:
    """What is downloaded is what is shown, at print resolution."""
    sheet = raster.mosaic(np.arange(16, dtype=np.uint8).reshape(1, 1, 4, 4), 1)
    with Image.open(io.BytesIO(raster.to_png(sheet))) as image:
        np.testing.assert_array_equal(np.asarray(image.convert("RGBA")), sheet)
        assert image.info["dpi"] == pytest.approx((300, 300), abs=0.1)


@pytest.mark.parametrize("shape", [(4, 4), (300, 200), (200, 300, 3), (1000, 3)])
def test_a_thumbnail_fits(shape: tuple[int, ...]) -> None:
    """Large pictures are reduced, small ones enlarged by whole factors, up to the side."""
    small = raster.thumbnail(np.full(shape, 9, dtype=np.uint8), 112)
    assert max(small.shape[:2]) <= 112
    assert min(small.shape[:2]) >= 1
    assert (small == 9).all()


@pytest.mark.parametrize(("channels", "mode"), [(1, "LA"), (3, "RGBA")])
def test_a_picture_without_colour_takes_no_colours(channels: int, mode: str) -> None:
    """Pixels and gaps come back as they were, in either mode."""
    images = np.random.default_rng(0).integers(0, 256, (5, channels, 8, 8), dtype=np.uint8)
    sheet = raster.mosaic(images, 3)
    with Image.open(io.BytesIO(raster.to_png(sheet))) as image:
        assert image.mode == mode
        np.testing.assert_array_equal(np.asarray(image.convert("RGBA")), sheet)
