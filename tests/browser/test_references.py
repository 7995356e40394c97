"""The browser's pure functions equal the Python libraries that do the same."""

from __future__ import annotations

import base64
import io
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from scipy.special import ndtri

from vae_core import images
from vae_core.config import ModelConfig
from vae_core.data import ImageDataset
from vae_core.runs import Frame, Replay, replay_bundles

NODE = shutil.which("node")
SCRIPT = Path(__file__).parent / "js" / "reference.mjs"
SHEET = 280

pytestmark = pytest.mark.skipif(NODE is None, reason="node is not installed")

#: Strokes on a sheet of 280 pixels: a seven, a one at the border, a two with a hook, a small comma.
#: (None is symmetric: where the mass lies between two pixels, rounding decides.)
DRAWINGS: list[list[list[tuple[float, float]]]] = [
    [[(70, 60), (140, 52), (205, 60), (150, 170), (120, 240)]],
    [[(14, 14), (15, 200), (19, 260)]],
    [[(80, 90), (110, 50), (170, 60), (180, 110), (80, 220), (200, 225)], [(150, 140), (170, 150)]],
    [[(200.5, 40.25), (208, 50), (203, 66)]],
]


def run(job: str, **inputs: Any) -> Any:
    """Run one of the jobs of reference.mjs."""
    assert NODE is not None
    finished = subprocess.run(
        [NODE, SCRIPT, job], input=json.dumps(inputs).encode(), capture_output=True, check=True
    )
    return json.loads(finished.stdout)


def drawn(strokes: list[list[tuple[float, float]]]) -> NDArray[np.uint8]:
    """Render strokes as the pad does, in whole grey levels."""
    points = [[{"x": x, "y": y} for x, y in stroke] for stroke in strokes]
    ink = run("render", strokes=points, width=SHEET, height=SHEET, radius=13)
    return np.rint(255 * np.reshape(ink, (SHEET, SHEET))).astype(np.uint8)


def centred(
    pictures: NDArray[np.uint8], size: tuple[int, int], frame: images.Frame
) -> NDArray[np.float64]:
    """Run the pad's centring: (n, h, w) → (n, *size)."""
    result = run(
        "centre",
        pictures=(pictures / 255).reshape(len(pictures), -1).tolist(),
        width=pictures.shape[2],
        height=pictures.shape[1],
        size=size,
        frame=vars(frame),
    )
    return np.reshape(result, (len(pictures), *size))


def test_quantiles_equal_scipy() -> None:
    """Quantiles of the normal distribution equal scipy's to 1e-7, far into both tails."""
    probabilities = np.concatenate(
        [np.logspace(-300, -1, 400), np.linspace(0.001, 0.999, 999), 1 - np.logspace(-15, -1, 99)]
    )
    found = np.array(run("quantile", probabilities=probabilities.tolist()))
    np.testing.assert_allclose(found, ndtri(probabilities), atol=1e-7, rtol=1e-12)


@pytest.mark.parametrize(
    ("shape", "dataset"),
    [
        ((1, 28, 28), "mnist"),
        ((1, 28, 28), "fashion-mnist"),
        ((1, 8, 8), "digits"),
        ((1, 20, 36), images.Frame(box=30, by_mass=True, dark=True)),  # as measured in own data
    ],
)
@pytest.mark.parametrize("drawing", range(len(DRAWINGS)))
def test_centring_of_drawings_equals_python(
    drawing: int, shape: tuple[int, int, int], dataset: str | images.Frame
) -> None:
    """What the pad shows the model is what `images.prepare` makes of the same drawing."""
    picture = drawn(DRAWINGS[drawing])
    prepared = images.prepare(picture, shape, dataset=dataset, invert=False)
    frame = images.frame_of(dataset, shape)
    assert frame is not None
    found = centred(picture[None], shape[1:], frame)[0]
    np.testing.assert_allclose(found, prepared.image[0].numpy(), atol=1e-2)


@pytest.mark.mnist
def test_centring_leaves_mnist_as_it_is(mnist: ImageDataset) -> None:
    """Digits that were centred when MNIST was made come back nearly unchanged."""
    digits = mnist.test.images[:200, 0].numpy()
    found = centred(digits, (28, 28), images.FRAMES["mnist"])
    errors = np.abs(found - digits / 255).mean(axis=(1, 2))
    assert np.median(errors) == pytest.approx(0, abs=1e-6)
    assert errors.mean() < 0.02


@pytest.mark.parametrize("palette", ["grey", "colour"])
def test_gif_is_read_by_pillow(palette: str) -> None:
    """An animation comes back frame by frame, with its size, time and endless loop."""
    rng = np.random.default_rng(0)
    frames = [
        np.zeros((40, 30), np.uint8),
        rng.integers(0, 252, (40, 30), np.uint8),
        np.add.outer(np.arange(40), np.arange(30)).astype(np.uint8),
    ]
    frames.append(frames[1])
    content = run(
        "gif",
        width=30,
        height=40,
        delay=70,
        palette=palette,
        frames=[frame.ravel().tolist() for frame in frames],
    )
    colours = np.repeat(np.arange(256)[:, None], 3, axis=1)
    if palette == "colour":
        index = np.arange(252)
        levels = [index // 42 * 51, np.floor(index // 6 % 7 * 42.5 + 0.5), index % 6 * 51]
        colours = np.stack(levels, axis=1)
    with Image.open(io.BytesIO(base64.b64decode(content))) as gif:
        assert (gif.size, gif.info["loop"]) == ((30, 40), 0)
        for position, frame in enumerate(frames):
            gif.seek(position)
            assert gif.info["duration"] == 70
            np.testing.assert_array_equal(np.asarray(gif.convert("RGB")), colours[frame])
        with pytest.raises(EOFError):
            gif.seek(len(frames))


def test_print_png_states_its_resolution() -> None:
    """A PNG with the resolution put in is read by Pillow: 300 dpi, the same pixels."""
    pixels = np.random.default_rng(0).integers(0, 255, (9, 7, 3), np.uint8)
    plain = io.BytesIO()
    Image.fromarray(pixels).save(plain, "png")
    content = run("resolution", png=base64.b64encode(plain.getvalue()).decode(), dpi=300)
    with Image.open(io.BytesIO(base64.b64decode(content))) as png:
        assert png.info["dpi"] == pytest.approx((300, 300), abs=0.01)
        np.testing.assert_array_equal(np.asarray(png), pixels)


@pytest.fixture
def replay() -> Replay:
    """Make three frames of random codes and of pictures in three colours."""
    generator = torch.Generator().manual_seed(0)

    def pictures(*sides: int) -> torch.Tensor:
        return torch.randint(256, (*sides, 3, 5, 4), generator=generator, dtype=torch.uint8)

    def frame(step: int) -> Frame:
        codes = torch.randn(7, 2, generator=generator).half().float()
        return Frame(step, step / 4, -100.5, codes, samples=pictures(4), grid=pictures(2, 2))

    return Replay(torch.arange(7), torch.arange(7) % 3, tuple(map(frame, (0, 1, 8))))


def assert_same(read: dict[str, Any], frame: Frame, *, within: float = 0) -> None:
    """Compare a frame as the browser read it with what was kept."""
    assert frame.grid is not None
    assert read["shape"] == [3, 5, 4]
    np.testing.assert_array_equal(read["codes"], frame.codes.flatten())
    for name, kept in (("samples", frame.samples), ("grid", frame.grid)):
        apart = np.abs(np.array(read[name]) - kept.flatten().numpy().astype(int))
        assert apart.max() <= within


def test_a_frame_is_read_as_it_was_kept(replay: Replay) -> None:
    """Codes in half precision, pictures byte by byte."""
    for frame in replay.frames:
        content = base64.b64encode(replay_bundles.frame_bundle(frame)).decode()
        assert_same(run("frame", bundle=content), frame)


@pytest.mark.parametrize(("levels", "within"), [(256, 0), (16, 8.5)])
def test_a_small_replay_is_read_frame_by_frame(
    replay: Replay, levels: int, within: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Differences add up to the frames again, within half a grey level."""
    monkeypatch.setattr(replay_bundles, "LEVELS", (levels,))
    config = ModelConfig(image_shape=(3, 5, 4), latent_dim=2, likelihood="gaussian")
    content = base64.b64encode(replay_bundles.small_bundle(replay, config)).decode()
    read = run("replay", bundle=content)
    assert read["description"] == replay_bundles.describe(replay, config)
    for found, frame in zip(read["frames"], replay.frames, strict=True):
        assert_same(found, frame, within=within)
