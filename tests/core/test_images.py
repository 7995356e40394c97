"""Any picture → what a model expects: every kind of file, and MNIST's own preparation."""

import io
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import PIL.Image
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from vae_core import images
from vae_core.data import ImageDataset
from vae_core.errors import ImageError

MNIST_SHAPE = (1, 28, 28)
Bytes = images.Bytes


def encoded(picture: PIL.Image.Image, kind: str = "PNG", **settings: object) -> bytes:
    """Return a picture file."""
    stream = io.BytesIO()
    picture.save(stream, kind, **settings)
    return stream.getvalue()


def gradient(height: int = 30, width: int = 40) -> Bytes:
    """Return a grey picture that differs in every direction."""
    rows, columns = np.indices((height, width))
    return (rows * 3 + columns * 2).astype(np.uint8)


def quarters(mode: str = "RGB") -> PIL.Image.Image:
    """Return 40 × 20 pixels: red, green above blue, white."""
    picture = np.zeros((20, 40, 3), dtype=np.uint8)
    picture[:10, :20], picture[:10, 20:] = (255, 0, 0), (0, 255, 0)
    picture[10:, :20], picture[10:, 20:] = (0, 0, 255), (255, 255, 255)
    return PIL.Image.fromarray(picture).convert(mode)


# Reading


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "PPM", "GIF"])
def test_grey_pictures_come_out_exactly(kind: str):
    """Formats without loss give the same values, as (h, w), or grey in three channels."""
    read = images.read_picture(encoded(PIL.Image.fromarray(gradient()), kind))
    assert read.dtype == np.uint8
    assert (read == (gradient() if read.ndim == 2 else gradient()[..., None])).all()


@pytest.mark.parametrize("kind", ["JPEG", "WEBP"])
def test_lossy_pictures_come_out_nearly(kind: str):
    """Formats with loss give nearly the same values."""
    read = images.read_picture(encoded(PIL.Image.fromarray(gradient()), kind, quality=95))
    read = read if read.ndim == 2 else read[..., 0]
    assert np.abs(read.astype(int) - gradient()).mean() < 3


@pytest.mark.parametrize(
    ("mode", "kind"),
    [
        ("RGB", "PNG"),
        ("P", "PNG"),
        ("P", "GIF"),
        ("CMYK", "TIFF"),
        ("CMYK", "JPEG"),
        ("RGBA", "PNG"),
    ],
)
def test_colours_of_every_kind_come_out_right(mode: str, kind: str):
    """Palettes, print colours and opaque alpha all become RGB."""
    read = images.read_picture(encoded(quarters(mode), kind)).astype(int)
    assert read.shape == (20, 40, 3)
    for row, column, colour in [(5, 8, (255, 0, 0)), (5, 32, (0, 255, 0)), (15, 8, (0, 0, 255))]:
        assert np.abs(read[row, column] - colour).max() < 12
    assert read[15, 32].min() > 243


def test_black_and_white_is_grey():
    """One bit a pixel becomes 0 and 255."""
    read = images.read_picture(encoded(PIL.Image.fromarray(gradient() > 100)))
    assert (read == np.where(gradient() > 100, 255, 0)).all()


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_sixteen_bits_become_eight(kind: str):
    """The whole range is scaled, not cut off."""
    wide = gradient().astype(np.uint16) * 257
    read = images.read_picture(encoded(PIL.Image.fromarray(wide), kind))
    assert (read == gradient()).all()


@pytest.mark.parametrize("scale", [1.0, 1 / 255, 1000.0])
def test_floating_point_pictures_keep_their_contrast(scale: float):
    """Values in [0, 1] are intensities; a wider range is scaled by its extremes."""
    values = gradient().astype(np.float32) * np.float32(scale)
    read = images.read_picture(encoded(PIL.Image.fromarray(values), "TIFF")).astype(float)
    assert np.corrcoef(read.ravel(), gradient().ravel())[0, 1] > 0.999
    assert read.max() >= gradient().max() - 1


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (np.linspace(100, 150, 1200, dtype=np.float32), (100, 150)),
        (np.full(1200, 128, np.float32), (128, 128)),
        (np.full(1200, 128, np.int32), (128, 128)),
        (np.full(1200, 0.5, np.float32), (128, 128)),
        (np.full(1200, 1e6, np.float32), (0, 0)),
        (np.linspace(0, 300, 1200).astype(np.int32), (0, 75)),
        (np.linspace(0, 1023, 1200).astype(np.uint16), (0, 255)),
        (np.linspace(0, 4095, 1200).astype(np.uint16), (0, 255)),
        (np.linspace(-1, 1, 1200, dtype=np.float32), (0, 255)),
        (np.array([np.nan, np.inf, 0.2] * 400, np.float32), (0, 51)),
    ],
    ids=[
        "float 100 to 150", "float 128", "int 128", "float 0.5", "float 1e6", "int 0 to 300",
        "10 bits in 16", "12 bits in 16", "float -1 to 1", "no numbers",
    ],
)  # fmt: skip
def test_a_kind_of_values_has_one_range(values: np.ndarray, expected: tuple[int, int]):
    """It is that of the type or of a camera's bits, so that a narrow range is not stretched."""
    read = images.read_picture(encoded(PIL.Image.fromarray(values.reshape(30, 40)), "TIFF"))
    assert (int(read.min()), int(read.max())) == expected


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize(
    ("orientation", "red_at"),
    [(1, (0, 0)), (2, (0, -1)), (3, (-1, -1)), (4, (-1, 0)), (5, (0, 0)), (6, (0, -1)),
     (7, (-1, -1)), (8, (-1, 0))],
)  # fmt: skip
def test_photographs_stand_upright(kind: str, orientation: int, red_at: tuple[int, int]):
    """All eight EXIF orientations are undone, in the picture and in its size."""
    exif = PIL.Image.Exif()
    exif[0x0112] = orientation
    content = encoded(quarters(), kind, exif=exif)
    read = images.read_picture(content)
    assert read.shape == ((40, 20, 3) if orientation >= 5 else (20, 40, 3))
    assert images.picture_size(content) == read.shape[:2]
    row, column = (2 if at == 0 else -3 for at in red_at)
    assert np.abs(read[row, column].astype(int) - (255, 0, 0)).max() < 40


@pytest.mark.parametrize("paint", [0, 90, 160, 255])
def test_a_drawing_on_transparent_ground_survives(paint: int):
    """Strokes of any brightness on nothing stand out, whatever colour the nothing has."""
    alpha = np.zeros((40, 40), dtype=np.uint8)
    alpha[10:30, 18:22] = 255
    for hidden in (0, 255, paint):
        colour = np.where(alpha > 0, paint, hidden).astype(np.uint8)
        rgba = np.stack([colour, colour, colour, alpha], axis=-1)
        read = images.read_picture(encoded(PIL.Image.fromarray(rgba)))
        ink, ground = int(read[20, 20, 0]), int(read[2, 2, 0])
        assert ink == paint
        assert ground == (0 if paint == 255 else 255)
        seen = images.prepare(read, MNIST_SHAPE).image
        assert seen[0, 14, 14] > 0.9
        assert seen[0, 14, 2] == 0


def test_transparent_palette_entries_become_white():
    """A GIF's transparent colour is no colour."""
    picture = PIL.Image.fromarray(np.array([[0, 1], [1, 0]], dtype=np.uint8))
    picture.putpalette([10, 20, 30, 200, 0, 0])
    read = images.read_picture(encoded(picture, "GIF", transparency=1))
    assert read[0, 0].tolist() == [10, 20, 30]
    assert read[0, 1].tolist() == [255, 255, 255]


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "TIFF"])
def test_of_an_animation_the_first_frame_is_read(kind: str):
    """A moving picture is a picture."""
    frames = [PIL.Image.fromarray(np.full((9, 9), value, np.uint8)) for value in (40, 200, 90)]
    content = encoded(frames[0], kind, save_all=True, append_images=frames[1:], lossless=True)
    read = images.read_picture(content)
    assert read.shape[:2] == (9, 9)
    assert (read == 40).all()


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_large_pictures_are_reduced(kind: str):
    """At most 1,024 a side, with the proportions and the content kept."""
    large = PIL.Image.fromarray(gradient()).resize((4000, 3000), PIL.Image.Resampling.BILINEAR)
    read = images.read_picture(encoded(large, kind))
    assert read.shape == (768, 1024)
    assert images.picture_size(encoded(large, kind)) == (3000, 4000)
    small = np.asarray(PIL.Image.fromarray(read).resize((40, 30))).astype(int)
    assert np.abs(small - gradient()).mean() < 3


def test_a_path_is_read_like_bytes(tmp_path: Path):
    """The file's name stands in the sentences."""
    path = tmp_path / "three.png"
    path.write_bytes(encoded(PIL.Image.fromarray(gradient())))
    assert (images.read_picture(path) == gradient()).all()
    path.write_bytes(b"")
    with pytest.raises(ImageError, match=r"three\.png is empty"):
        images.read_picture(path)
    with pytest.raises(ImageError, match=r"none\.png cannot be read"):
        images.read_picture(tmp_path / "none.png")
    with pytest.raises(ImageError, match="cannot be read"):
        images.read_picture(tmp_path)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "empty: it has 0 bytes"),
        (b"hello, world", "not a picture"),
        (b"%PDF-1.7 ...", "not a picture"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not a picture"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n", "not a picture"),
        (b"\x89PNG\r\n\x1a\n", "not a picture|damaged"),
        (bytes(21 * 2**20), "has 21 MB; pictures of at most 20 MB"),
    ],
)
def test_what_is_no_picture_is_refused(content: bytes, sentence: str):
    """Each with one plain sentence."""
    for read in (images.read_picture, images.picture_size):
        with pytest.raises(ImageError, match=sentence) as caught:
            read(content)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP"])
def test_a_truncated_picture_is_refused(kind: str):
    """Half a picture is damage, not a picture with a grey half."""
    noise = np.random.default_rng(0).integers(0, 256, (60, 60), dtype=np.uint8)
    content = encoded(PIL.Image.fromarray(noise), kind)
    with pytest.raises(ImageError, match=r"not a picture|damaged"):
        images.read_picture(content[: len(content) // 2])


@pytest.mark.parametrize(("side", "mode"), [(10_000, "L"), (10_000, "1"), (16_000, "1")])
def test_ten_thousand_by_ten_thousand_is_refused_undecoded(side: int, mode: str):
    """A picture of few bytes and far too many pixels gets a sentence, not memory."""
    content = encoded(PIL.Image.new(mode, (side, side)))
    for read in (images.read_picture, images.picture_size):
        with pytest.raises(ImageError, match=r"at most \d+ million"):
            read(content)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="Memory is read from /proc.")
def test_the_largest_pictures_take_under_400_mb(tmp_path: Path):
    """Memory, measured in a process of its own, for the most costly kind at its limit."""
    path = tmp_path / "large"
    path.write_bytes(encoded(PIL.Image.new("RGBA", (6_300, 6_300)), compress_level=1))
    code = """
import pathlib, re, sys
from vae_core import images
import PIL.Image

def peak():
    status = pathlib.Path("/proc/self/status").read_text()
    return int(re.search("VmHWM:[^0-9]*([0-9]+) kB", status)[1])

before = peak()
shape = images.read_picture(pathlib.Path(sys.argv[1])).shape
print((peak() - before) // 1024, *shape)
"""
    result = subprocess.run(
        [sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True
    )
    megabytes, *shape = map(int, result.stdout.split())
    assert shape == [1024, 1024, 3]
    assert megabytes < 400


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(["PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP"]), st.data())
def test_damage_never_crashes(kind: str, draw: st.DataObject):
    """A file with changed bytes is read or refused, with nothing but an ImageError."""
    content = bytearray(encoded(quarters(), kind))
    for _ in range(draw.draw(st.integers(1, 4))):
        content[draw.draw(st.integers(0, len(content) - 1))] = draw.draw(st.integers(0, 255))
    try:
        read = images.read_picture(bytes(content))
    except ImageError:
        return
    assert read.dtype == np.uint8
    assert max(read.shape[:2]) <= images.MAX_SIDE


# Preparing


def handwriting(height: int = 200, width: int = 300, weight: int = 14) -> images.Floats:
    """Return a 7 drawn in the left upper part of a sheet: 1 is ink."""
    import PIL.ImageDraw

    sheet = PIL.Image.new("L", (width, height))
    pen = PIL.ImageDraw.Draw(sheet)
    pen.line([(40, 40), (110, 40), (70, 140)], fill=255, width=weight, joint="curve")
    return np.asarray(sheet) / 255.0


def photographed(ink: images.Floats, seed: int = 0, *, dark: bool = True) -> Bytes:
    """Return ink as a photograph shows it: uneven light, a grey ground, noise."""
    rows, columns = np.meshgrid(*(np.linspace(0, 1, side) for side in ink.shape), indexing="ij")
    light = 0.55 + 0.25 * columns - 0.15 * rows**2 + 0.05 * rows * columns
    picture = light * (1 - 0.85 * ink) if dark else 0.05 + 0.15 * columns + 0.7 * ink
    picture = picture + np.random.default_rng(seed).normal(0, 0.03, ink.shape)
    return images.to_bytes(picture)


def enlarged(digit: Bytes, seed: int) -> images.Floats:
    """Return a digit ten times as large, anywhere on a sheet of 400 × 300."""
    rng = np.random.default_rng(seed)
    sheet = np.zeros((300, 400))
    top, left = rng.integers(0, 21), rng.integers(0, 121)
    sheet[top : top + 280, left : left + 280] = np.kron(digit / 255, np.ones((10, 10)))
    return sheet


def difference(prepared: images.Prepared, original: torch.Tensor) -> float:
    """Return the mean absolute error against a uint8 original."""
    return (prepared.image - original.float() / 255).abs().mean().item()


@pytest.mark.mnist
@pytest.mark.parametrize("inverted", [False, True])
def test_mnist_comes_back_as_it_was(mnist: ImageDataset, inverted: bool):
    """Preparing what was prepared changes nothing, also when light and dark are exchanged."""
    for original in mnist.test.images[:300]:
        picture = 255 - original[0].numpy() if inverted else original[0].numpy()
        prepared = images.prepare(picture, MNIST_SHAPE)
        assert prepared.inverted == inverted
        assert difference(prepared, original) < 0.005


@pytest.mark.mnist
@pytest.mark.parametrize("dark", [False, True])
def test_mnist_comes_back_from_a_photograph(mnist: ImageDataset, dark: bool):
    """Ten times as large, off centre, on an unevenly lit and noisy ground: nearly the same.

    MNIST moves by whole pixels to the centre of mass, rounded; a few digits lie so close to the
    rounding's edge that the noise decides, and come back moved by one pixel.
    """
    errors = []
    for seed, original in enumerate(mnist.test.images[:60]):
        picture = photographed(enlarged(original[0].numpy(), seed), seed, dark=dark)
        prepared = images.prepare(picture, MNIST_SHAPE)
        assert prepared.inverted == dark
        errors.append(difference(prepared, original))
    assert np.mean(errors) < 0.01
    assert np.mean(np.array(errors) < 0.02) >= 0.9


def test_a_photograph_of_a_note_becomes_a_digit():
    """The ground is black, strokes are white, the box is 20 and the mass is in the middle."""
    prepared = images.prepare(photographed(handwriting()), MNIST_SHAPE)
    seen = prepared.image[0].double()
    assert prepared.inverted
    assert prepared.image.shape == MNIST_SHAPE
    assert prepared.image.dtype == torch.float32
    assert seen.max() > 0.95
    assert (seen == 0).float().mean() > 0.6
    rows, columns = torch.nonzero(seen > 0.3, as_tuple=True)
    assert 19 <= 1 + max(rows.max() - rows.min(), columns.max() - columns.min()) <= 20
    for axis in (0, 1):
        mean = (seen.sum(1 - axis) * torch.arange(28)).sum() / seen.sum()
        assert 13.5 <= mean < 14.5


def test_a_large_picture_gives_what_a_small_one_gives():
    """Ink is looked for at a moderate size: four times as many pixels make no difference."""
    small = images.to_bytes(handwriting())
    large = np.kron(small, np.ones((4, 4), dtype=np.uint8))
    seen, same = (images.prepare(picture, MNIST_SHAPE).image for picture in (small, large))
    assert (seen - same).abs().mean() < 0.01


def test_dust_is_not_ink():
    """Specks far from the digit do not stretch its box."""
    ink = handwriting()
    clean = images.prepare(photographed(ink), MNIST_SHAPE).image
    ink[180:183, 280:283] = 1
    assert (images.prepare(photographed(ink), MNIST_SHAPE).image - clean).abs().mean() < 0.01


def test_steps_are_named_and_shown_in_order():
    """The first is the picture, the last is what the model sees."""
    picture = np.repeat(photographed(handwriting())[..., None], 3, axis=2)
    prepared = images.prepare(picture, MNIST_SHAPE)
    assert [step.name for step in prepared.steps] == [
        "The picture",
        "Grey",
        "Light on dark",
        "Background removed",
        "Cropped to the ink",
        "Fitted in 20 × 20",
        "Centred by mass",
    ]
    assert (prepared.steps[0].picture == picture).all()
    assert (prepared.steps[-1].picture == images.to_bytes(prepared.image[0].double().numpy())).all()
    assert max(prepared.steps[-2].picture.shape) == 20
    assert all(step.picture.dtype == np.uint8 for step in prepared.steps)
    assert all(step.sentence.endswith(".") for step in prepared.steps[1:])


def test_each_step_can_be_switched_off():
    """With every step off, a picture of the right size is only scaled to [0, 1]."""
    picture = gradient(28, 28)
    off = images.prepare(picture, MNIST_SHAPE, invert=False, clean=False, crop=False, centre=False)
    assert np.abs(off.image[0].numpy() - picture / 255).max() < 1e-6
    on = images.prepare(picture, MNIST_SHAPE, invert=True, clean=False, crop=False, centre=False)
    assert (on.image + off.image - 1).abs().max() < 1e-6
    assert on.inverted
    assert not off.inverted


def test_without_cropping_the_sheet_is_what_is_seen():
    """A digit in the corner stays in the corner, and a wide sheet gets margins."""
    seen = images.prepare(photographed(handwriting()), MNIST_SHAPE, crop=False, centre=False)
    columns = torch.nonzero(seen.image[0] > 0.3)[:, 1]
    assert columns.max() < 14
    assert seen.image[0, :4].max() == seen.image[0, -4:].max() == 0


def test_without_centring_by_mass_the_box_is_centred():
    """The margins differ by at most a pixel."""
    seen = images.prepare(images.to_bytes(handwriting()), MNIST_SHAPE, centre=False).image[0]
    rows, columns = torch.nonzero(seen, as_tuple=True)
    for places in (rows, columns):
        assert abs(int(places.min()) - (27 - int(places.max()))) <= 1


@pytest.mark.parametrize("value", [0, 130, 255])
def test_a_blank_picture_is_refused(value: int):
    """Black, grey or white, and black uncleaned."""
    with pytest.raises(ImageError, match="no ink"):
        images.prepare(np.full((50, 60), value, dtype=np.uint8), MNIST_SHAPE)
    with pytest.raises(ImageError, match="no ink"):
        images.prepare(np.zeros((50, 60), dtype=np.uint8), MNIST_SHAPE, clean=False)


@pytest.mark.parametrize("seed", range(5))
def test_an_empty_sheet_is_refused(seed: int):
    """Uneven light and noise are no ink."""
    with pytest.raises(ImageError, match="no ink"):
        images.prepare(photographed(np.zeros((300, 400)), seed), MNIST_SHAPE)


@pytest.mark.parametrize(
    "picture",
    [np.zeros((3, 4)), np.zeros((0, 4), np.uint8), np.zeros((4, 4, 4), np.uint8)],
    ids=["floats", "empty", "four channels"],
)
def test_what_is_no_picture_array_is_refused(picture: np.ndarray):
    """The sentence says what it is and what is expected."""
    with pytest.raises(ImageError, match=r"expected uint8 of shape \(h, w\) or \(h, w, 3\)"):
        images.prepare(picture, MNIST_SHAPE)


@settings(max_examples=100, deadline=None)
@given(
    st.integers(1, 40),
    st.integers(1, 40),
    st.sampled_from([(1, 28, 28), (1, 8, 8), (1, 28, 20), (3, 32, 32), (1, 5, 9)]),
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.integers(0, 2**32 - 1),
)
def test_any_picture_is_prepared_or_refused(
    height: int,
    width: int,
    shape: tuple[int, int, int],
    clean: bool,
    crop: bool,
    colour: bool,
    seed: int,
):
    """The result always has the model's shape and lies in [0, 1]."""
    sides = (height, width, 3) if colour else (height, width)
    picture = np.random.default_rng(seed).integers(0, 256, sides, dtype=np.uint8)
    try:
        prepared = images.prepare(picture, shape, clean=clean, crop=crop)
    except ImageError:
        return
    assert prepared.image.shape == shape
    assert 0 <= prepared.image.min() <= prepared.image.max() <= 1


def test_digits_fill_their_eight_pixels(digits: ImageDataset):
    """Most of scikit-learn's digits come back as they were, from the same or ten times the size."""
    for factor in (1, 10):
        errors = []
        for original in digits.test.images[:100]:
            picture = np.kron(original[0].numpy(), np.ones((factor, factor), dtype=np.uint8))
            errors.append(difference(images.prepare(picture, (1, 8, 8)), original))
        assert np.median(errors) < 0.005


def test_photographs_are_cropped_around_their_middle_and_reduced():
    """Proportions are kept; colour stays where the model has colour."""
    picture = np.zeros((100, 300, 3), dtype=np.uint8)
    picture[:, 100:200] = (255, 128, 0)
    prepared = images.prepare(picture, (3, 32, 32))
    assert (prepared.image - torch.tensor([1, 128 / 255, 0])[:, None, None]).abs().max() < 1e-6
    assert [step.name for step in prepared.steps] == [
        "The picture",
        "Cropped to 32 : 32",
        "Fitted in 32 × 32",
    ]
    grey = images.prepare(picture, (1, 28, 20))
    assert grey.image.shape == (1, 28, 20)
    assert (grey.image - (0.299 * 255 + 0.587 * 128) / 255).abs().max() < 1e-6
    whole = images.prepare(picture, (3, 32, 32), crop=False)
    assert whole.image[:, 16, 16].tolist() == pytest.approx([1, 128 / 255, 0])
    assert whole.image[:, 16, 2].max() == whole.image[:, 2, 16].max() == 0


def test_grey_pictures_fill_every_channel_of_a_colour_model():
    """Grey is the same red, green and blue."""
    seen = images.prepare(gradient(32, 32), (3, 32, 32)).image
    assert (seen - torch.from_numpy(gradient(32, 32)) / 255).abs().max() < 1e-6
    exchanged = images.prepare(gradient(32, 32), (3, 32, 32), invert=True)
    assert exchanged.inverted
    assert (exchanged.image + seen - 1).abs().max() < 1e-6


@pytest.mark.frey
def test_faces_come_back_as_they_were(frey: ImageDataset):
    """A face in its own size, or enlarged, is not touched; it is no ink to be inverted."""
    for original in frey.test.images[:20]:
        for factor in (1, 5):
            picture = np.kron(original[0].numpy(), np.ones((factor, factor), dtype=np.uint8))
            assert difference(images.prepare(picture, (1, 28, 20)), original) < 1e-6


def test_the_dataset_decides_where_the_shape_does_not():
    """Photographs of 28 × 28 are no ink, and clothes fill all of their 28 pixels."""
    picture = images.to_bytes(handwriting())
    clothes = images.prepare(picture, MNIST_SHAPE, dataset="fashion-mnist").image[0]
    assert clothes[0].max() > 0.3
    assert clothes[-1].max() > 0.3
    other = images.prepare(gradient(28, 28), MNIST_SHAPE, dataset="my-photographs").image[0]
    assert (other - torch.from_numpy(gradient(28, 28)) / 255).abs().max() < 1e-6


# Steps


@given(st.integers(1, 20), st.integers(1, 20), st.integers(1, 20), st.integers(1, 20))
def test_resampling_keeps_the_mean_and_the_range(h: int, w: int, new_h: int, new_w: int):
    """Each new pixel is a mean of old ones, and all old ones count alike."""
    values = np.random.default_rng(0).random((h, w))
    resized = images.resample(values, new_h, new_w)
    assert resized.shape == (new_h, new_w)
    assert resized.mean() == pytest.approx(values.mean())
    assert values.min() - 1e-9 <= resized.min() <= resized.max() <= values.max() + 1e-9
    if (h, w) == (new_h, new_w):
        assert (resized == values).all()


def test_resampling_agrees_with_an_independent_implementation():
    """The mean of blocks, of the pixels themselves or of ten times as many."""
    values = np.random.default_rng(0).random((24, 36))
    blocks = values.reshape(8, 3, 12, 3).mean(axis=(1, 3))
    assert images.resample(values, 8, 12) == pytest.approx(blocks)
    fine = np.kron(values, np.ones((10, 10)))  # 240 × 360
    exact = fine.reshape(5, 48, 9, 40).mean(axis=(1, 3))
    assert images.resample(values, 5, 9) == pytest.approx(exact)


def test_otsu_separates_two_groups():
    """Ten dark values among a thousand light ones are told apart."""
    rng = np.random.default_rng(0)
    values = np.concatenate([rng.normal(0.2, 0.02, 1000), rng.normal(0.8, 0.02, 300)])
    assert 0.3 < images.otsu(values) < 0.7


def test_the_ground_is_found_under_ink():
    """A quadratic surface, with a quarter of it under ink, comes out to a hundredth."""
    rows, columns = np.meshgrid(np.linspace(0, 1, 90), np.linspace(0, 1, 120), indexing="ij")
    light = 0.8 - 0.3 * rows + 0.1 * columns**2
    sheet = light.copy()
    sheet[20:70, 20:80] = 0.1
    assert np.abs(images.background(sheet) - light).max() < 0.01


# Photographs of paper, made here: each differs in one way from a drawing of the same digit


def drawn(weight: int = 34) -> images.Floats:
    """Return a 7 in the middle of a sheet of 480 × 480: 1 is ink."""
    import PIL.ImageDraw

    sheet = PIL.Image.new("L", (480, 480))
    pen = PIL.ImageDraw.Draw(sheet)
    pen.line([(165, 130), (310, 125), (235, 350)], fill=255, width=weight, joint="curve")
    return np.asarray(sheet) / 255.0


def on_paper(
    ink: images.Floats, *, paper: npt.ArrayLike = 0.9, grain: float = 1.5, seed: int = 0
) -> Bytes:
    """Return ink on paper of any brightness, with a sensor's noise of so many levels."""
    noise = np.random.default_rng(seed).normal(0, grain / 255, ink.shape)
    return images.to_bytes(np.asarray(paper) * (1 - 0.85 * ink) + noise)


def unlike_drawing(picture: Bytes, **switches: Any) -> float:
    """Return how much a picture's preparation differs from that of the drawing."""
    drawing = images.prepare(images.to_bytes(drawn()), MNIST_SHAPE).image
    return (images.prepare(picture, MNIST_SHAPE, **switches).image - drawing).abs().mean().item()


def names(prepared: images.Prepared) -> list[str]:
    """Return what was done."""
    return [step.name for step in prepared.steps]


def half_plane(angle: float, offset: float = 0.0) -> np.ndarray:
    """Return where a straight edge through the sheet has its shadow: (480, 480), true or false."""
    y, x = np.mgrid[:480, :480] - 240
    return np.asarray(x * np.cos(angle) + y * np.sin(angle) > offset)


@pytest.mark.parametrize("grain", [0.0, 0.7, 1.5, 3.0])
def test_smooth_paper_is_paper(grain: float):
    """An even scan comes out as the drawing does, whether its grain is fine or none is seen."""
    assert unlike_drawing(on_paper(drawn(), grain=grain)) < 0.01


@pytest.mark.parametrize("darkest", [0.6, 0.8])
def test_an_overexposed_photograph_is_no_drawing(darkest: float):
    """Most of its paper has one exact value, white; the rest, near the ink, is shaded."""
    y, x = np.mgrid[:480, :480]
    light = darkest + np.hypot(x, y - 240) / 300
    picture = on_paper(np.roll(drawn(), -60, axis=1), paper=np.minimum(light, 1.2), grain=3)
    assert np.mean(picture == 255) > 0.5
    assert not images.is_drawing(picture)
    assert unlike_drawing(picture) < 0.015


@pytest.mark.parametrize("weight", [150, 190])
def test_strokes_broader_than_the_ground_s_window_have_no_holes(weight: int):
    """A felt pen's, that fill the sheet."""
    ink = drawn(weight)
    drawing = images.prepare(images.to_bytes(ink), MNIST_SHAPE).image
    prepared = images.prepare(on_paper(ink), MNIST_SHAPE, strokes=False)
    assert prepared.inverted
    assert (prepared.image - drawing).abs().mean() < 0.02


def test_the_light_of_a_lamp_is_no_ink():
    """It is brighter than its surroundings, but broader than strokes, and soft."""
    y, x = np.mgrid[:480, :480]
    lamp = 0.4 + 0.6 * np.exp(-((x - 250) ** 2 + (y - 230) ** 2) / (2 * 140**2))
    picture = on_paper(0.4 * drawn(), paper=0.9 * lamp)
    assert images.prepare(picture, MNIST_SHAPE).inverted
    assert unlike_drawing(picture) < 0.02


@pytest.mark.parametrize("dark", [False, True])
def test_the_bars_of_a_screenshot_are_no_ink(dark: bool):
    """Above and below the drawing, with the time and a handle in them."""
    screen = drawn()
    screen[:30] = screen[-30:] = 0.06
    screen[8:20, 20:70] = screen[8:20, 410:460] = 0.9 * (np.arange(50) % 10 < 6)
    screen[-18:-12, 130:350] = 0.9
    picture = images.to_bytes(0.07 + 0.88 * screen if dark else 1 - screen)
    assert unlike_drawing(picture) < 0.02


@pytest.mark.parametrize("quality", [50, 80, 95])
def test_a_drawing_kept_as_jpeg_is_cropped_to_its_ink(quality: int):
    """The ripples around its strokes are no ink."""
    content = encoded(PIL.Image.fromarray(images.to_bytes(1 - drawn())), "JPEG", quality=quality)
    assert unlike_drawing(images.read_picture(content)) < 0.01


@pytest.mark.parametrize("angle", [0.4, 1.9, 3.6, 5.5])
@pytest.mark.parametrize("factor", [0.45, 0.7])
def test_a_shadow_with_a_sharp_edge_is_no_ink(angle: float, factor: float):
    """Across the digit, from any side."""
    light = np.where(half_plane(angle, 10), factor, 1.0)
    assert unlike_drawing(on_paper(drawn(), paper=0.9 * light)) < 0.02


def test_the_shadow_of_an_arm_is_no_ink():
    """A strip from edge to edge, hardly broader than strokes, behind the digit."""
    strip = half_plane(0.3, -30) & ~half_plane(0.3, 60)
    assert unlike_drawing(on_paper(drawn(), paper=0.9 * np.where(strip, 0.6, 1.0))) < 0.02


@pytest.mark.parametrize("turned", [-8, 3])
def test_a_page_on_a_desk_is_found_and_straightened(turned: float):
    """The desk around it, turned and seen from aside, is left out."""
    page = PIL.Image.fromarray(on_paper(drawn()))
    desk = np.random.default_rng(1).normal(60, 8, (700, 900)).clip(0, 255).astype(np.uint8)
    photo = PIL.Image.fromarray(desk)
    mask = PIL.Image.new("L", page.size, 255).rotate(turned, expand=True)
    photo.paste(page.rotate(turned, PIL.Image.Resampling.BICUBIC, expand=True), (190, 70), mask)
    prepared = images.prepare(np.asarray(photo), MNIST_SHAPE)
    assert "Page straightened" in names(prepared)
    assert unlike_drawing(np.asarray(photo)) < 0.03
    assert "Page straightened" not in names(
        images.prepare(np.asarray(photo), MNIST_SHAPE, page=False)
    )


@pytest.mark.parametrize(("size", "down"), [(260, 60), (330, 131)])
def test_a_page_is_found_that_is_small_or_has_ink_on_its_edge(size: int, down: int):
    """A note on a large desk, and a stroke that runs over the paper's end."""
    page = on_paper(np.roll(drawn(), down, axis=0))
    if down > 100:
        page[-60:, 190:260] = 20
    desk = np.random.default_rng(1).normal(60, 8, (600, 760)).clip(0, 255).astype(np.uint8)
    photo = PIL.Image.fromarray(desk)
    photo.paste(PIL.Image.fromarray(page).resize((size, size)), (300, 150))
    assert "Page straightened" in names(images.prepare(np.asarray(photo), MNIST_SHAPE))


@pytest.mark.parametrize("contrast", [0.15, 0.35, 0.6])
@pytest.mark.parametrize("squared", [False, True])
def test_printed_lines_are_removed(contrast: float, squared: bool):
    """Ruled and squared paper, slightly turned, faint or dark; ink that crosses lines stays."""
    y, x = np.mgrid[:480, :480]
    printed = ((y + 0.03 * x + 12) % 60 < 3) | (squared & ((x - 0.03 * y + 25) % 60 < 3))
    picture = on_paper(drawn(), paper=0.9 * np.where(printed, 1 - contrast, 1.0))
    prepared = images.prepare(picture, MNIST_SHAPE)
    (step,) = (one for one in prepared.steps if one.name == "Printed lines removed")
    assert "straight lines" in step.sentence
    assert unlike_drawing(picture) < 0.02


def test_a_stroke_is_no_printed_line():
    """A 1 as tall as the sheet allows stays."""
    ink = np.zeros((480, 480))
    ink[40:440, 225:250] = 1
    prepared = images.prepare(on_paper(ink), MNIST_SHAPE)
    assert "Printed lines removed" not in names(prepared)
    assert (prepared.image[0].sum(1) > 0.5).sum() == 20


@pytest.mark.parametrize(
    ("weight", "done"), [(4, "Strokes thickened"), (34, None), (90, "Strokes thinned")]
)
def test_strokes_come_out_in_a_usual_width(weight: int, done: str | None):
    """A thin pen's are made as wide as the thinnest of the data, and reach full strength."""
    picture = on_paper(drawn(weight))
    prepared = images.prepare(picture, MNIST_SHAPE)
    assert [name for name in names(prepared) if "Strokes" in name] == ([done] if done else [])
    assert prepared.image.max() > 0.95
    off = images.prepare(picture, MNIST_SHAPE, strokes=False)
    assert not any("Strokes" in name for name in names(off))
    low, high = images.FRAMES["mnist"].strokes or (0, 0)
    length = 31  # of the strokes' middles; ink is length times width
    assert 0.8 * low < prepared.image.sum() / length < 1.2 * high


@pytest.mark.parametrize("photo", [False, True])
def test_glyphs_are_separated(photo: bool):
    """Two digits side by side count as two, from left to right, and each can be had alone."""
    both = np.concatenate([drawn(), np.roll(drawn()[:, ::-1], -60, axis=1)], axis=1)
    picture = on_paper(both) if photo else images.to_bytes(both)
    prepared = images.prepare(picture, MNIST_SHAPE)
    assert prepared.glyphs == 2
    first, second = (images.prepare(picture, MNIST_SHAPE, glyph=one) for one in (0, 1))
    assert unlike_drawing(picture, glyph=0) < 0.01
    assert "Glyph 2 of 2" in names(second)
    assert (first.image - second.image).abs().mean() > 0.05
    each = images.prepare_each(picture, MNIST_SHAPE)
    assert [
        (one.image == alone.image).all() for one, alone in zip(each, (first, second), strict=True)
    ]
    with pytest.raises(ImageError, match="glyph 2: the picture holds 2"):
        images.prepare(picture, MNIST_SHAPE, glyph=2)


def test_a_digit_in_two_pieces_is_one_glyph():
    """The bar of a 5, lifted off, is near enough."""
    ink = drawn()
    ink[180:192] = 0
    assert images.prepare(on_paper(ink), MNIST_SHAPE).glyphs == 1
    assert images.prepare(on_paper(drawn()), MNIST_SHAPE, glyph=0).glyphs == 1
    assert len(images.prepare_each(on_paper(ink), MNIST_SHAPE)) == 1


def test_chalk_on_a_board_is_light_on_dark():
    """Nothing is exchanged, and the rest is as on paper."""
    board = images.to_bytes(
        0.2 + 0.6 * drawn() + np.random.default_rng(0).normal(0, 0.02, (480, 480))
    )
    prepared = images.prepare(board, MNIST_SHAPE)
    assert not prepared.inverted
    assert unlike_drawing(board) < 0.015
