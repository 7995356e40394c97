"""How often digits on photographed paper are read rightly: ``make bench-photographs``.

Draws digits of MNIST's test set as ink on paper, photographs them in twenty ways, each with its
parameters drawn from wide ranges by a seed, and sends every picture through
:func:`vae_core.images.prepare` into ``mnist-20d``. A picture is read rightly when most of the ten
nearest test codes, its own left out, carry its label. Needs the MNIST files (``VAE_DATA_DIR``);
without them it says so and ends. Writes ``benchmarks/results/photographs.json``;
a run that was stopped goes on with the next kind when it is started again.
"""

from __future__ import annotations

import argparse
import io
import multiprocessing
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import PIL.Image
import torch
from scipy import ndimage

from benchmarks import machine, partial
from vae_core import images, ink, latents, load_codes, load_dataset, load_model
from vae_core.data import Split
from vae_core.errors import LatentExplorerError

RESULTS = Path(__file__).resolve().parent / "results" / "photographs.json"
MODEL, NEIGHBOURS = "mnist-20d", 10
#: Parameters were developed on other seeds than those that are recorded.
DEVELOPMENT_SEED, RECORDED_SEED = 1, 2026
PER_KIND = 120
#: The share of each kind that has to be read rightly.
GOALS = {
    "clean": 0.95,
    "smooth": 0.95,
    "textured": 0.95,
    "shadow": 0.94,
    "hardshadow": 0.85,
    "desk": 0.90,
    "ruled": 0.93,
    "ruled_dark": 0.90,
    "offcentre": 0.93,
    "pencil": 0.93,
    "chalk": 0.93,
    "thin": 0.90,
}
#: A kind measured before counts only as long as these are the same.
SOURCES = (ink, images, sys.modules[__name__])
#: Milliseconds for the reduction of a photograph of 12 megapixels, and for it with its decoding.
REDUCED_MS, WHOLE_MS = 50.0, 400.0

Floats = npt.NDArray[np.float32]
Rng = np.random.Generator
#: What draws something over a whole page: (h, w).
Drawn = Callable[[Rng, int, int], Floats]
AROUND = ((1, 0), (1, -1), (0, -1), (-1, -1), (-1, 0), (-1, 1), (0, 1), (1, 1))
INKS = ((20, 20, 24), (35, 45, 110), (30, 60, 150), (120, 25, 30), (20, 80, 50))
PAPERS = ((1.0, 1.0, 1.0), (1.0, 0.98, 0.93), (0.98, 0.99, 1.0))
COLOURED = (
    (1.0, 0.92, 0.55),
    (0.75, 0.95, 0.75),
    (0.75, 0.88, 1.0),
    (1.0, 0.78, 0.84),
    (0.8, 0.72, 0.6),
)
DESKS = ((92, 62, 40), (60, 40, 28), (70, 72, 75), (35, 36, 40), (40, 60, 50), (110, 84, 60))
BOARDS = ((28, 60, 46), (34, 36, 38), (40, 54, 62))


@dataclass
class Scene:
    """What is photographed and how; each kind changes some of it.

    Lengths are shares of the picture's shorter side, brightness is a share of full range.
    """

    height: int
    width: int
    digit: float  # height of the box of 20 pixels
    at: tuple[float, float]  # where its middle lies, as a share of what is free
    turned: float  # degrees
    ink: tuple[float, float, float]
    strength: float  # of the ink: 1 hides the paper
    paper: tuple[float, float, float]
    brightness: float
    grain: float  # standard deviation of the sensor's noise, of 255
    blur: float  # standard deviation of the lens's blur
    quality: int  # of the JPEG
    texture: float = 0.0
    gradient: float = 0.06
    vignette: float = 0.0
    pen: float | None = None  # width of every stroke; None keeps the digit's own
    thickened: float = 0.0
    ruled: Drawn | None = None
    lit: Drawn | None = None
    desk: bool = False
    crumbly: float = 0.0  # how much of the ink the paper's grain leaves out
    motion: float = 0.0
    notes: dict[str, Any] = field(default_factory=dict)


def usual(rng: Rng) -> Scene:
    """Draw a plain scene: a digit near the middle of a page that fills the picture."""
    long = int(rng.choice([480, 640, 720, 900, 1200, 1600]))
    short = round(long / rng.choice([1.0, 1.0, 4 / 3, 1.5, 16 / 9]))
    height, width = (long, short) if rng.random() < 0.5 else (short, long)
    return Scene(
        height=height,
        width=width,
        digit=rng.uniform(0.3, 0.75),
        at=(rng.uniform(0.3, 0.7), rng.uniform(0.3, 0.7)),
        turned=rng.uniform(-4, 4),
        ink=INKS[rng.integers(len(INKS))],
        strength=rng.uniform(0.75, 1.0),
        paper=PAPERS[rng.integers(len(PAPERS))],
        brightness=rng.uniform(0.7, 0.98),
        grain=rng.uniform(0.7, 3.0),
        blur=rng.uniform(0.0005, 0.002),
        quality=int(rng.integers(60, 97)),
    )


# Light, paper and rulings ------------------------------------------------------------------------


def clouds(rng: Rng, height: int, width: int, scale: float) -> Floats:
    """Draw smooth noise of mean 0 and standard deviation 1 (h, w); scale in pixels."""
    rows, columns = (max(2, round(side / scale)) for side in (height, width))
    coarse = rng.standard_normal((rows, columns)).astype(np.float32)
    smooth = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.asarray((smooth - smooth.mean()) / (smooth.std() + 1e-6), dtype=np.float32)


def plane(height: int, width: int, angle: float) -> Floats:
    """Return the distance from the middle along a direction, in shorter sides (h, w)."""
    y, x = np.mgrid[:height, :width].astype(np.float32)
    across = (x - width / 2) * np.cos(angle) + (y - height / 2) * np.sin(angle)
    return np.asarray(across / min(height, width), dtype=np.float32)


def soft_shadow(rng: Rng, height: int, width: int) -> Floats:
    """Draw a broad shadow or a strong gradient of light."""
    depth = rng.uniform(0.25, 0.6)
    ramp = plane(height, width, rng.uniform(0, 2 * np.pi)) + rng.uniform(-0.3, 0.3)
    if rng.random() < 0.5:
        bent = ramp + 0.15 * clouds(rng, height, width, min(height, width) / 2)
        return np.asarray(1 - depth / (1 + np.exp(-bent / rng.uniform(0.06, 0.2))))
    return np.asarray(1 - depth * np.clip(0.5 + ramp, 0, 1))


def hard_shadow(rng: Rng, height: int, width: int) -> Floats:
    """Draw a shadow with a sharp edge across the page; sometimes a strip or a corner."""
    factor, softness = rng.uniform(0.35, 0.75), rng.uniform(0.001, 0.015)
    angle, offset = rng.uniform(0, 2 * np.pi), rng.uniform(-0.25, 0.25)

    def side(angle: float, offset: float) -> Floats:
        across = (plane(height, width, angle) - offset) / softness
        return np.asarray(1 / (1 + np.exp(-np.clip(across, -30, 30))))

    inside = side(angle, offset)
    form = rng.random()
    if form < 0.2:
        other = angle + np.pi + rng.uniform(-0.2, 0.2)
        inside = inside * side(other, -offset - rng.uniform(0.3, 0.6))
    elif form < 0.4:
        inside = inside * side(angle + rng.uniform(1.0, 2.0), rng.uniform(-0.3, 0.2))
    return np.asarray(1 - (1 - factor) * inside)


def lines(rng: Rng, height: int, width: int, *, spacing: float, turned: float) -> Floats:
    """Parallel lines (h, w): 1 on a line; spacing as a share of the shorter side."""
    half = rng.uniform(0.0012, 0.0026)
    across = plane(height, width, np.pi / 2 + turned) + rng.uniform(0, spacing)
    distance = np.abs((across + spacing / 2) % spacing - spacing / 2)
    soft = 0.5 / min(height, width)
    return np.asarray(np.clip((half - distance) / (2 * soft) + 0.5, 0, 1), dtype=np.float32)


def ruling(contrast: tuple[float, float], squared: bool = False) -> Drawn:
    """Return what draws the lines of a page, as the share of light that they take, (h, w)."""

    def drawn(rng: Rng, height: int, width: int) -> Floats:
        turned = np.deg2rad(rng.uniform(-3, 3))
        strength = rng.uniform(*contrast)
        spacing = rng.uniform(0.05, 0.12) if squared else rng.uniform(0.08, 0.18)
        page = strength * lines(rng, height, width, spacing=spacing, turned=turned)
        if squared:
            upright = lines(rng, height, width, spacing=spacing, turned=turned + np.pi / 2)
            page = np.maximum(page, strength * upright)
        elif rng.random() < 0.5:
            margin = plane(height, width, turned) + rng.uniform(0.3, 0.4)
            page = np.maximum(page, strength * (np.abs(margin) < rng.uniform(0.0012, 0.0025)))
        return np.asarray(page, dtype=np.float32)

    return drawn


# Ink ---------------------------------------------------------------------------------------------


def skeleton(mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Thin a mask to lines one pixel wide (Zhang and Suen, 1984)."""
    thin = np.pad(mask, 1)
    while True:
        before = thin.copy()
        for first in (True, False):
            around = [np.roll(thin, shift, (0, 1)) for shift in AROUND]
            count = np.sum(around, axis=0)
            turns = sum(
                ~one & other for one, other in zip(around, around[1:] + around[:1], strict=True)
            )
            north, east, south, west = around[::2]
            ends = (
                ~(north & east & south) & ~(east & south & west)
                if first
                else ~(north & east & west) & ~(north & south & west)
            )
            thin = thin & ~((count >= 2) & (count <= 6) & (turns == 1) & ends)
        if (thin == before).all():
            return thin[1:-1, 1:-1]


def inked(rng: Rng, digit: npt.NDArray[np.uint8], side: int, scene: Scene) -> Floats:
    """Enlarge a digit of 28 × 28 to smooth ink (side, side) in [0, 1]."""
    fine = 12
    large = ndimage.zoom(digit.astype(np.float32) / 255, fine, order=3)
    large = ndimage.gaussian_filter(large, fine / 4)
    mask = large > rng.uniform(0.35, 0.5)
    if not mask.any():
        mask = large > large.max() / 2
    signed = ndimage.distance_transform_edt(mask) - ndimage.distance_transform_edt(~mask)
    pixel = fine * 28 / side  # of the result, in fine pixels
    if scene.pen is not None:
        # Where lines meet, the pen's middle lies in the middle of the stroke.
        signed = scene.pen * 20 * fine / 2 - ndimage.distance_transform_edt(~skeleton(mask))
    signed = signed + scene.thickened * 20 * fine / 2
    signed = signed + 0.12 * fine * clouds(rng, *signed.shape, scale=fine * 1.5)
    soft = np.clip(signed / max(pixel, 1.0) + 0.5, 0, 1).astype(np.float32)
    shrinking = cv2.INTER_AREA if side < soft.shape[0] else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(soft, (side, side), interpolation=shrinking))


def placed(rng: Rng, digit: npt.NDArray[np.uint8], scene: Scene, height: int, width: int) -> Floats:
    """Lay a digit on a page (h, w): where there is ink, and how much."""
    short = min(height, width)
    side = max(28, round(scene.digit * short * 28 / 20))
    ink = inked(rng, digit, side, scene)
    top, left = (
        share * (length - side * 20 / 28) - side * 4 / 28
        for share, length in zip(scene.at, (height, width), strict=True)
    )
    middle = (side / 2, side / 2)
    matrix = cv2.getRotationMatrix2D(middle, scene.turned, 1.0)
    matrix[:, 2] += (left, top)
    page = cv2.warpAffine(ink, matrix, (width, height), flags=cv2.INTER_LINEAR)
    if scene.crumbly:
        grain = clouds(rng, height, width, max(1.5, short / 400))
        page = page * np.clip(1 - scene.crumbly * (0.5 + 0.5 * grain), 0, 1)
    return np.asarray(page)


# The photograph ----------------------------------------------------------------------------------


def page_of(rng: Rng, digit: npt.NDArray[np.uint8], scene: Scene) -> Floats:
    """Return a written page before light falls on it, (h, w, 3) in [0, 1]."""
    height, width = scene.height, scene.width
    ground = np.ones((height, width, 1), dtype=np.float32)
    if scene.texture:
        fine = clouds(rng, height, width, rng.uniform(1.5, 4)) + clouds(rng, height, width, 12)
        ground += scene.texture * 0.6 * fine[..., None]
    page = ground * scene.brightness * np.array(scene.paper, dtype=np.float32)
    if scene.ruled is not None:
        tint = np.array([(1.0, 0.9, 0.75), (0.9, 0.9, 0.9)][rng.integers(2)], dtype=np.float32)
        page = page * (1 - scene.ruled(rng, height, width)[..., None] * tint)
    ink = scene.strength * placed(rng, digit, scene, height, width)[..., None]
    written = page * (1 - ink) + ink * np.array(scene.ink, dtype=np.float32) / 255
    return np.asarray(written, dtype=np.float32)


def on_desk(rng: Rng, page: Floats, height: int, width: int) -> Floats:
    """Lay a page on a darker desk, turned and seen from aside, (h, w, 3)."""
    fibres = clouds(rng, height, max(2, width // 20), 3)[:, :1]
    grain = clouds(rng, height, width, 40) + fibres
    desk = np.array(DESKS[rng.integers(len(DESKS))], dtype=np.float32) / 255
    desk = desk * rng.uniform(0.6, 1.2) * (1 + rng.uniform(0.02, 0.12) * grain[..., None])
    short = min(height, width)
    margins = rng.uniform(0.06, 0.2, 4) * short
    corners = np.array(
        [
            [margins[3], margins[0]],
            [width - margins[1], margins[0]],
            [width - margins[1], height - margins[2]],
            [margins[3], height - margins[2]],
        ]
    )
    middle = corners.mean(0)
    angle = np.deg2rad(rng.uniform(-10, 10))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    corners = (corners - middle) @ turn.T * 0.95 + middle + rng.uniform(-0.03, 0.03, (4, 2)) * short
    full = np.array([[0, 0], [page.shape[1], 0], page.shape[1::-1], [0, page.shape[0]]])
    matrix = cv2.getPerspectiveTransform(full.astype(np.float32), corners.astype(np.float32))
    seen = cv2.warpPerspective(page, matrix, (width, height), flags=cv2.INTER_AREA)
    mask = cv2.warpPerspective(np.ones(page.shape[:2], np.float32), matrix, (width, height))
    if rng.random() < 0.5:  # the page's own shadow
        shift = rng.uniform(-0.015, 0.015, 2) * short
        moved = cv2.warpAffine(
            mask, np.array([[1, 0, shift[0]], [0, 1, shift[1]]]), (width, height)
        )
        shade = cv2.GaussianBlur(moved, (0, 0), 0.01 * short)
        desk = desk * (1 - 0.5 * shade[..., None])
    return np.asarray(desk * (1 - mask[..., None]) + seen * mask[..., None], dtype=np.float32)


def sensor_noise(rng: Rng, height: int, width: int) -> Floats:
    """Draw noise of standard deviation 1, mostly of brightness, (h, w, 3); repeated if large."""
    tile = rng.standard_normal((min(height, 1024), min(width, 1024), 4), dtype=np.float32)
    tile = 0.9 * tile[..., :1] + 0.45 * tile[..., 1:]
    repeats = (-(-height // tile.shape[0]), -(-width // tile.shape[1]), 1)
    return np.asarray(np.tile(tile, repeats)[:height, :width])


def photographed(rng: Rng, digit: npt.NDArray[np.uint8], scene: Scene) -> bytes:
    """Photograph a digit: light, lens, sensor, JPEG."""
    height, width = scene.height, scene.width
    short = min(height, width)
    picture = page_of(rng, digit, scene)
    if scene.desk:
        picture = on_desk(rng, picture, height, width)
    light = 1 + scene.gradient * plane(height, width, rng.uniform(0, 2 * np.pi))
    if scene.vignette:
        y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
        light = light * (1 - scene.vignette * ((x * x + y * y) / 2) ** rng.uniform(0.8, 1.6))
    if scene.lit is not None:
        light = light * scene.lit(rng, height, width)
    picture = picture * light[..., None].astype(np.float32)
    picture = cv2.GaussianBlur(picture, (0, 0), max(0.3, scene.blur * short))
    if scene.motion:
        length = max(2, round(scene.motion * short))
        kernel = np.zeros((length, length), np.float32)
        angle = rng.uniform(0, np.pi)
        reach = (length - 1) / 2 * np.array([np.cos(angle), np.sin(angle)])
        ends = ((length - 1) / 2 + reach, (length - 1) / 2 - reach)
        cv2.line(kernel, *(tuple(np.rint(end).astype(int).tolist()) for end in ends), 1.0)
        picture = cv2.filter2D(picture, -1, kernel / kernel.sum(), borderType=cv2.BORDER_REFLECT)
    picture += scene.grain / 255 * sensor_noise(rng, height, width)
    levels = cv2.convertScaleAbs(np.maximum(picture, 0), alpha=255)
    stream = io.BytesIO()
    PIL.Image.fromarray(levels).save(stream, "JPEG", quality=scene.quality)
    return stream.getvalue()


def board(rng: Rng, scene: Scene) -> None:
    """Chalk on a board."""
    scene.paper = tuple(value / 255 for value in BOARDS[rng.integers(len(BOARDS))])
    scene.brightness = rng.uniform(0.7, 1.4)
    level = rng.uniform(170, 250)
    scene.ink = (level, level, level * rng.uniform(0.8, 1))
    scene.strength, scene.crumbly = rng.uniform(0.6, 0.95), rng.uniform(0.1, 0.45)
    scene.texture = rng.uniform(0.02, 0.12)
    scene.grain = rng.uniform(1, 6)


def _set(**ranges: Any) -> Callable[[Rng, Scene], None]:
    """Return what sets a scene's attributes: pairs of numbers are ranges to draw from."""

    def change(rng: Rng, scene: Scene) -> None:
        for name, value in ranges.items():
            if isinstance(value, tuple):
                whole = isinstance(value[0], int)
                value = int(rng.integers(*value)) if whole else float(rng.uniform(*value))
            setattr(scene, name, value)

    return change


def _clean(rng: Rng, scene: Scene) -> None:
    scene.gradient, scene.blur = 0.0, rng.uniform(0.0003, 0.001)
    scene.quality = int(rng.integers(80, 97))


def _smooth(rng: Rng, scene: Scene) -> None:
    scene.grain, scene.blur = rng.uniform(0.0, 1.0), rng.uniform(0.0003, 0.002)


def _offcentre(rng: Rng, scene: Scene) -> None:
    scene.digit = rng.uniform(0.12, 0.3)
    scene.at = (rng.uniform(0.03, 0.97), rng.uniform(0.03, 0.97))
    scene.texture = rng.uniform(0, 0.02)


def _pencil(rng: Rng, scene: Scene) -> None:
    level = rng.uniform(60, 110)
    scene.ink = (level, level, level)
    scene.strength, scene.crumbly = rng.uniform(0.3, 0.7), rng.uniform(0.1, 0.35)
    scene.texture, scene.gradient = rng.uniform(0, 0.02), rng.uniform(0, 0.3)
    scene.pen = rng.uniform(0.06, 0.14)


def _coloured(rng: Rng, scene: Scene) -> None:
    scene.paper = COLOURED[rng.integers(len(COLOURED))]
    scene.texture = rng.uniform(0, 0.02)


def _large(rng: Rng, scene: Scene) -> None:
    height, width = [(1200, 1600), (2448, 3264), (4000, 3000), (3000, 4000)][rng.integers(4)]
    scene.height, scene.width = height, width
    scene.texture, scene.gradient = rng.uniform(0, 0.02), rng.uniform(0, 0.3)
    scene.grain = rng.uniform(1, 8)


def _blurred(rng: Rng, scene: Scene) -> None:
    if rng.random() < 0.5:
        scene.motion = rng.uniform(0.006, 0.02)
    else:
        scene.blur = rng.uniform(0.003, 0.01)
    scene.gradient = rng.uniform(0, 0.2)


def _desk(rng: Rng, scene: Scene) -> None:
    scene.desk, scene.texture = True, rng.uniform(0, 0.02)
    scene.gradient = rng.uniform(0, 0.3)


#: How each kind changes the usual scene.
KINDS: dict[str, Callable[[Rng, Scene], None]] = {
    "clean": _clean,
    "smooth": _smooth,
    "textured": _set(texture=(0.01, 0.04), gradient=(0.0, 0.2)),
    "shadow": _set(lit=soft_shadow, texture=(0.0, 0.02)),
    "hardshadow": _set(lit=hard_shadow, texture=(0.0, 0.02)),
    "desk": _desk,
    "ruled": _set(ruled=ruling((0.08, 0.35)), texture=(0.0, 0.02), gradient=(0.0, 0.3)),
    "ruled_dark": _set(ruled=ruling((0.35, 0.6)), texture=(0.0, 0.02), gradient=(0.0, 0.3)),
    "squared": _set(ruled=ruling((0.08, 0.45), squared=True), texture=(0.0, 0.02)),
    "offcentre": _offcentre,
    "pencil": _pencil,
    "chalk": board,
    "thin": _set(pen=(0.02, 0.06), texture=(0.0, 0.02), gradient=(0.0, 0.2)),
    "felt": _set(thickened=(0.03, 0.09), texture=(0.0, 0.02), gradient=(0.0, 0.2)),
    "coloured": _coloured,
    "vignette": _set(vignette=(0.2, 0.6), texture=(0.0, 0.02)),
    "blurred": _blurred,
    "jpeg": _set(quality=(8, 40), gradient=(0.0, 0.2)),
    "noisy": _set(grain=(4.0, 14.0), gradient=(0.0, 0.3)),
    "large": _large,
}


def sample(kind: str, test: Split, seed: int, count: int) -> list[tuple[int, bytes]]:
    """Draw photographs of one kind: rows of the test set with the files made of them."""
    made = []
    for place in range(count):
        rng = np.random.default_rng([seed, list(KINDS).index(kind), place])
        row = int(rng.integers(len(test.images)))
        scene = usual(rng)
        KINDS[kind](rng, scene)
        made.append((row, photographed(rng, test.images[row, 0].numpy(), scene)))
    return made


# The judge ---------------------------------------------------------------------------------------


class Reader:
    """Reads pictures by the labels of the nearest codes of the test set."""

    def __init__(self) -> None:
        self.model = load_model(MODEL)
        self.codes = load_codes(MODEL)
        self.mu = self.codes.mu.numpy()

    def label(self, image: torch.Tensor, row: int) -> int:
        """Return the label of most of the nearest codes; the digit's own code is left out."""
        with torch.inference_mode():
            mu = self.model.encode(image[None]).mu[0].numpy()
        rows, _ = latents.nearest(mu, self.mu, NEIGHBOURS + 1)
        assert self.codes.labels is not None
        near = [int(self.codes.labels[one]) for one in rows if one != row][:NEIGHBOURS]
        return max(near, key=lambda label: (near.count(label), -near.index(label)))


def one_thread() -> None:
    """Compute in one thread: several processes draw and read side by side."""
    cv2.setNumThreads(1)
    torch.set_num_threads(1)


def read(reader: Reader, content: bytes, row: int) -> int | None:
    """Return the label that a picture is read as, or None where no ink is found."""
    shape = reader.model.config.image_shape
    try:
        prepared = images.prepare(images.read_picture(content), shape, dataset="mnist")
    except LatentExplorerError:
        return None
    return reader.label(prepared.image, row)


def measured(kind: str, seed: int, count: int) -> dict[str, Any]:
    """Return how many photographs of a kind are read rightly, with its standard error."""
    one_thread()
    reader, test = Reader(), load_dataset("mnist").test
    assert test.labels is not None
    right, refused = 0, 0
    for row, content in sample(kind, test, seed, count):
        found = read(reader, content, row)
        right += found == int(test.labels[row])
        refused += found is None
    share = right / count
    error = float(np.sqrt(share * (1 - share) / count))
    return {"n": count, "right": share, "se": error, "refused": refused, "goal": GOALS.get(kind)}


def untouched(reader: Reader, test: Split, seed: int, count: int) -> dict[str, Any]:
    """Return how many digits are read rightly without having been photographed."""
    assert test.labels is not None
    rows = np.random.default_rng([seed, 99]).choice(len(test.images), count, replace=False)
    read_as = [reader.label(test.images[row].float() / 255, row) for row in rows]
    hits = np.array(read_as) == test.labels.numpy()[rows]
    share = float(np.mean(hits))
    return {"n": count, "right": share, "se": float(np.sqrt(share * (1 - share) / count))}


def timed(test: Split, seed: int, count: int = 7) -> dict[str, Any]:
    """Return what photographs of 12 megapixels take, medians, in milliseconds of the processor."""
    rng = np.random.default_rng([seed, 98])
    decoding, preparing = [], []
    for _ in range(count + 1):
        scene = usual(rng)
        _large(rng, scene)
        scene.height, scene.width = 3000, 4000
        row = int(rng.integers(len(test.images)))
        content = photographed(rng, test.images[row, 0].numpy(), scene)
        start = time.process_time()
        picture = images.read_picture(content)
        middle = time.process_time()
        images.prepare(picture, (1, 28, 28), dataset="mnist")
        decoding.append(1000 * (middle - start))
        preparing.append(1000 * (time.process_time() - middle))
    # The first loads the libraries.
    whole = np.add(decoding, preparing)[1:]
    return {
        "prepare (ms)": round(float(np.median(preparing[1:])), 1),
        "prepare, goal (ms)": REDUCED_MS,
        "decode and prepare (ms)": round(float(np.median(whole)), 1),
        "decode and prepare, goal (ms)": WHOLE_MS,
        "first, libraries loaded (ms)": round(decoding[0] + preparing[0], 1),
    }


def main() -> None:
    """Draw, read, print, record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=RESULTS)
    parser.add_argument("--seed", type=int, default=RECORDED_SEED)
    parser.add_argument("--count", type=int, default=PER_KIND, help="photographs of each kind")
    parser.add_argument("--kind", choices=list(KINDS), action="append", help="this kind alone")
    parser.add_argument("--workers", type=int, default=2, help="processes that draw and read")
    parser.add_argument("--save", type=Path, help="keep the photographs in this folder")
    wanted = parser.parse_args()
    try:
        test = load_dataset("mnist").test
    except LatentExplorerError as error:
        print(f"MNIST's test digits are needed to draw photographs, so none were drawn. {error}")
        sys.exit(0)
    if wanted.save is not None:
        save(wanted.save, wanted.kind or list(KINDS), test, wanted.seed, wanted.count)
        return
    one_thread()
    kinds = wanted.kind or list(KINDS)
    described = machine.describe()
    header = {
        "seed": wanted.seed,
        "count": wanted.count,
        "kinds": kinds,
        "sources": partial.digest(SOURCES),
    }
    kept = partial.Partial(wanted.out, header)

    def show(kind: str) -> None:
        found = kept.results[kind]
        goal = "" if found.get("goal") is None else f"  goal {found['goal']:.0%}"
        missed = "  missed" if goal and found["right"] < found["goal"] else ""
        print(f"{kind:12} {found['right']:6.1%} ± {found['se']:.1%}{goal}{missed}", flush=True)

    kept.measured("untouched", lambda: untouched(Reader(), test, wanted.seed, 2000))
    show("untouched")
    with ProcessPoolExecutor(wanted.workers, multiprocessing.get_context("spawn")) as pool:
        jobs = {
            pool.submit(measured, kind, wanted.seed, wanted.count): kind
            for kind in kinds
            if kind not in kept.results
        }
        for job in as_completed(jobs):
            kept.keep(jobs[job], job.result())
            show(jobs[job])
    times = kept.measured("times", lambda: timed(test, wanted.seed))
    print(*(f"{name}: {value}" for name, value in times.items()), sep="\n")
    if wanted.kind:
        kept.path.unlink()
        return
    figures = {name: kept.results[name] for name in ("untouched", *kinds)}
    kept.finished(
        {
            "machine": described,
            "versions": machine.versions() | {"opencv": cv2.__version__},
            "model": MODEL,
            "seed": wanted.seed,
            "figures": figures,
            "times": times,
        }
    )


def save(folder: Path, kinds: list[str], test: Split, seed: int, count: int) -> None:
    """Keep photographs as files named KIND-NUMBER-ROW_LABEL.jpg, to be looked at."""
    assert test.labels is not None
    folder.mkdir(parents=True, exist_ok=True)
    for kind in kinds:
        for place, (row, content) in enumerate(sample(kind, test, seed, count)):
            name = f"{kind}-{place:03}-{row:05}_{int(test.labels[row])}.jpg"
            (folder / name).write_bytes(content)


if __name__ == "__main__":
    main()
