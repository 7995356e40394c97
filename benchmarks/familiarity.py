"""How well known pictures are told from others: ``make bench-familiarity``.

Measures the area under the ROC curve of ``vae_core.familiarity`` for ``mnist-20d``: MNIST's test
digits, as they are and photographed, against landscapes, letters, noise, scribbles, two digits in
one picture, and Fashion-MNIST and CIFAR-10 where they are on this machine. What is known is
calibrated on the codes of even rows and measured on digits of odd ones. Needs the MNIST files
(``VAE_DATA_DIR``); without them it says so and ends. Writes
``benchmarks/results/familiarity.json``; a run that was stopped goes on when it is started again.
"""

from __future__ import annotations

import argparse
import dataclasses
import functools
import io
import itertools
import string
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import PIL.Image
import PIL.ImageDraw
import PIL.ImageFont
import torch
from scipy import ndimage

from benchmarks import machine, partial, photographs
from benchmarks.photographs import clouds
from vae_core import familiarity, images, ink, load_card, load_codes, load_dataset, load_model
from vae_core.data import Split
from vae_core.errors import LatentExplorerError

RESULTS = Path(__file__).resolve().parent / "results" / "familiarity.json"
MODEL, SEED, COUNT = "mnist-20d", 2027, 200
#: Letters that no digit looks like.
LETTERS = [one for one in string.ascii_letters if one not in "OoIilSsZzBbgqDGTtYyjJL"]
FONTS = ("DejaVuSans", "DejaVuSerif", "DejaVuSansMono", "LiberationSans-Regular", "")

Bytes = npt.NDArray[np.uint8]
Rng = np.random.Generator


def landscape(rng: Rng, test: Split) -> bytes:
    """Draw hills under a sky, with trees or waves, as a JPEG."""
    del test
    height, width = (int(rng.integers(400, 900)) for _ in range(2))
    y = np.arange(height)[:, None] / height
    sky = np.array([rng.uniform(90, 200), rng.uniform(130, 220), rng.uniform(180, 255)])
    fade = np.array([rng.uniform(180, 255)] * 2 + [rng.uniform(150, 255)])
    picture = (sky * (1 - y[..., None]) + fade * y[..., None]) * np.ones((height, width, 1))
    picture += rng.uniform(5, 25) * clouds(rng, height, width, height / 4)[..., None]
    horizon = rng.uniform(0.35, 0.7)
    for layer in range(int(rng.integers(1, 5))):
        ridge = horizon + 0.1 * layer + 0.08 * clouds(rng, 2, width, width / rng.uniform(2, 8))[0]
        ground = y > ridge[None, :]
        colour = rng.uniform(20, 150, 3) * (0.6, 1.0, 0.5)
        texture = 1 + 0.3 * clouds(rng, height, width, rng.uniform(2, 20))[..., None]
        picture = np.where(ground[..., None], colour * texture, picture)
    for _ in range(int(rng.integers(0, 12))):  # trees, houses
        left, top = rng.uniform(0, width), rng.uniform(horizon, 0.9) * height
        w, h = rng.uniform(0.01, 0.08) * width, rng.uniform(0.05, 0.3) * height
        rows = slice(max(0, int(top - h)), int(top))
        picture[rows, int(left) : int(left + w)] = rng.uniform(10, 200, 3)
    return _jpeg(picture + rng.normal(0, 4, picture.shape), rng)


def letter(rng: Rng, test: Split) -> bytes:
    """Set a letter in one of several fonts, large, in ink on paper."""
    del test
    name = FONTS[rng.integers(len(FONTS))]
    size = int(rng.integers(150, 300))
    try:
        font: Any = PIL.ImageFont.truetype(name + ".ttf", size)
    except OSError:
        font = PIL.ImageFont.load_default(size)
    sheet = PIL.Image.new("L", (400, 400), 0)
    text = LETTERS[rng.integers(len(LETTERS))]
    PIL.ImageDraw.Draw(sheet).text((200, 200), text, fill=255, font=font, anchor="mm")
    return _on_paper(np.asarray(sheet.rotate(rng.uniform(-6, 6))) / 255, rng)


def noise(rng: Rng, test: Split) -> bytes:
    """Draw noise, fine or in blotches."""
    del test
    side = int(rng.choice([28, 64, 200]))
    field = rng.standard_normal((side, side))
    if rng.random() < 0.5:
        field = ndimage.gaussian_filter(field, side / rng.uniform(10, 60))
    levels = 128 + rng.uniform(40, 90) * (field - field.mean()) / field.std()
    stream = io.BytesIO()
    PIL.Image.fromarray(np.clip(levels, 0, 255).astype(np.uint8)).save(stream, "PNG")
    return stream.getvalue()


def scribble(rng: Rng, test: Split) -> bytes:
    """Draw a long smooth line that crosses itself many times."""
    del test
    count = int(rng.integers(12, 40))
    points = ndimage.gaussian_filter1d(
        rng.uniform(-1, 1, (count * 20, 2)), rng.uniform(6, 12), axis=0
    )
    points = 200 + 130 * points / np.abs(points).max()
    sheet = PIL.Image.new("L", (400, 400), 0)
    pen = PIL.ImageDraw.Draw(sheet)
    pen.line([tuple(point) for point in points], fill=255, width=int(rng.integers(5, 18)))
    return _on_paper(np.asarray(sheet) / 255, rng)


def two_digits(rng: Rng, test: Split) -> bytes:
    """Draw two digits side by side on one sheet, apart or touching."""
    rows = rng.integers(len(test.images), size=2)
    scene = dataclasses.replace(photographs.usual(rng), pen=None)
    first, second = (
        photographs.inked(rng, test.images[row, 0].numpy(), 280, scene) for row in rows
    )
    sheet = np.zeros((400, 560), dtype=np.float32)
    sheet[60:340, 20:300] = first
    left = int(rng.integers(200, 260))
    sheet[60:340, left : left + 280] = np.maximum(sheet[60:340, left : left + 280], second)
    return _on_paper(sheet, rng)


def _jpeg(picture: npt.NDArray[np.floating[Any]], rng: Rng) -> bytes:
    stream = io.BytesIO()
    levels = np.clip(picture, 0, 255).astype(np.uint8)
    PIL.Image.fromarray(levels).save(stream, "JPEG", quality=int(rng.integers(60, 96)))
    return stream.getvalue()


def _on_paper(ink: npt.NDArray[np.floating[Any]], rng: Rng) -> bytes:
    paper = rng.uniform(180, 245) * (1 + 0.1 * photographs.plane(*ink.shape, rng.uniform(0, 6)))
    picture = paper * (1 - 0.85 * ink) + rng.normal(0, rng.uniform(0.7, 4), ink.shape)
    return _jpeg(picture, rng)


def stored(name: str) -> Callable[[Rng, Split], bytes] | None:
    """Return what draws pictures of a dataset at hand, enlarged tenfold; None without it."""
    try:
        split = load_dataset(name).test
    except LatentExplorerError:
        return None

    def drawn(rng: Rng, test: Split) -> bytes:
        del test
        pixels = split.images[int(rng.integers(len(split.images)))].permute(1, 2, 0).numpy()
        picture = PIL.Image.fromarray(pixels.squeeze())
        stream = io.BytesIO()
        picture.resize((280, 280), PIL.Image.Resampling.BICUBIC).save(stream, "PNG")
        return stream.getvalue()

    return drawn


UNKNOWN: dict[str, Callable[[Rng, Split], bytes]] = {
    "landscapes": landscape,
    "letters": letter,
    "noise": noise,
    "scribbles": scribble,
    "two digits": two_digits,
}


@dataclasses.dataclass(frozen=True)
class Judged:
    """Pictures of one kind: how unusual each is, and whether it is doubted."""

    distances: npt.NDArray[np.float64]
    doubtful: npt.NDArray[np.bool_]
    refused: int = 0

    def to_json(self) -> dict[str, Any]:
        """Return this as what JSON holds."""
        return {
            "distances": self.distances.tolist(),
            "doubtful": self.doubtful.tolist(),
            "refused": self.refused,
        }

    @classmethod
    def from_json(cls, kept: dict[str, Any]) -> Judged:
        """Return what :meth:`to_json` was called on."""
        return cls(np.array(kept["distances"]), np.array(kept["doubtful"]), kept["refused"])

    def facts(self) -> dict[str, Any]:
        """Return how often a warning is given, with its standard error."""
        n = len(self.doubtful) + self.refused
        share = (float(self.doubtful.sum()) + self.refused) / n
        return {
            "n": n,
            "refused": self.refused,
            "warned": share,
            "warned, se": float(np.sqrt(share * (1 - share) / n)),
        }


def area(known: npt.NDArray[np.float64], other: npt.NDArray[np.float64]) -> tuple[float, float]:
    """Return the area under the ROC curve, and its standard error (DeLong et al., 1988)."""
    wins = (other[:, None] > known[None, :]) + 0.5 * (other[:, None] == known[None, :])
    variance = wins.mean(1).var(ddof=1) / len(other) + wins.mean(0).var(ddof=1) / len(known)
    return float(wins.mean()), float(np.sqrt(variance))


class Judge:
    """Prepares pictures and says whether the model knows them."""

    def __init__(self) -> None:
        self.model, codes = load_model(MODEL), load_codes(MODEL)
        self.dataset = load_card(MODEL).dataset
        columns = ("ids", "mu", "logvar", "rate", "distortion", "labels")
        even = {name: getattr(codes, name)[::2] for name in columns}
        self.known = familiarity.calibrated(self.model, type(codes)(**even), dataset=self.dataset)

    def pictures(self, contents: Iterator[bytes]) -> Judged:
        """Judge picture files; what holds no ink is refused, which is a warning as well."""
        prepared, refused = [], 0
        for content in contents:
            try:
                picture = images.read_picture(content)
                shape = self.model.config.image_shape
                prepared.append(images.prepare(picture, shape, dataset=self.dataset))
            except LatentExplorerError:
                refused += 1
        x = torch.stack([one.image for one in prepared])
        found = familiarity.judged(self.known, self.model, x, prepared=prepared)
        return self._joined(found, refused)

    def photographs(self, kind: str, test: Split, count: int) -> Judged:
        """Judge photographs of digits."""
        return self.pictures(content for _, content in photographs.sample(kind, test, SEED, count))

    def digits(self, x: torch.Tensor) -> Judged:
        """Judge pictures that need no preparation."""
        return self._joined(familiarity.judged(self.known, self.model, x), 0)

    def _joined(self, found: list[familiarity.Familiarity], refused: int) -> Judged:
        # What is certainly nothing known comes after all that is only unusual.
        certain = np.array([one.doubtful and one.score > familiarity.DOUBTFUL for one in found])
        distances = np.array([one.distance for one in found]) + 1e3 * certain
        distances = np.concatenate([distances, np.full(refused, np.inf)])
        return Judged(distances, np.array([one.doubtful for one in found]), refused)


def measured(judge: Judge, test: Split, count: int, kept: partial.Partial) -> dict[str, Any]:
    """Judge known pictures and all others; return areas and how often a warning is given."""
    odd = 1 + 2 * np.random.default_rng(SEED).choice(len(test.images) // 2, count * 5, False)

    def once(name: str, judge: Callable[[], Judged]) -> Judged:
        return Judged.from_json(kept.measured(name, lambda: judge().to_json()))

    known = {
        "test digits": once(
            "test digits",
            lambda: judge.digits(test.images[torch.from_numpy(odd)].float() / 255),
        )
    }
    for kind in ("clean", "textured", "shadow", "desk", "ruled", "pencil", "thin"):
        name = f"photographs, {kind}"
        known[name] = once(name, functools.partial(judge.photographs, kind, test, count // 4))
    kinds = dict(UNKNOWN)
    for name in ("fashion-mnist", "cifar-10"):
        if (drawn := stored(name)) is not None:
            kinds[name] = drawn
    others = {}
    for number, (kind, drawn) in enumerate(kinds.items()):
        rng = np.random.default_rng([SEED, number])
        made = (draw(rng, test) for draw in itertools.repeat(drawn, count))
        others[kind] = once(kind, functools.partial(judge.pictures, made))
    photos = np.concatenate([one.distances for name, one in known.items() if "photo" in name])
    areas = {}
    for kind, other in others.items():
        digits, of_photos = (
            area(one, other.distances) for one in (known["test digits"].distances, photos)
        )
        areas[kind] = {
            "against test digits": digits[0],
            "against test digits, se": digits[1],
            "against photographs": of_photos[0],
            "against photographs, se": of_photos[1],
        } | other.facts()
    return {"known": {name: one.facts() for name, one in known.items()}, "unknown": areas}


def main() -> None:
    """Judge, print, record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=RESULTS)
    parser.add_argument("--count", type=int, default=COUNT, help="pictures of each kind")
    wanted = parser.parse_args()
    try:
        test = load_dataset("mnist").test
    except LatentExplorerError as error:
        print(f"MNIST's test digits are needed, so nothing was measured. {error}")
        sys.exit(0)
    photographs.one_thread()
    sources = partial.digest((ink, images, familiarity, photographs, sys.modules[__name__]))
    header = {"seed": SEED, "count": wanted.count, "sources": sources}
    kept = partial.Partial(wanted.out, header)
    figures = measured(Judge(), test, wanted.count, kept)
    for name, facts in figures["known"].items():
        print(f"{name:24} warned {facts['warned']:6.1%} ± {facts['warned, se']:.1%}")
    for name, facts in figures["unknown"].items():
        print(
            f"{name:24} warned {facts['warned']:6.1%}, area {facts['against test digits']:.3f} ± "
            f"{facts['against test digits, se']:.3f}, against photographs "
            f"{facts['against photographs']:.3f} ± {facts['against photographs, se']:.3f}"
        )
    kept.finished(
        {
            "machine": machine.describe(),
            "versions": machine.versions(),
            "model": MODEL,
            "seed": SEED,
            "figures": figures,
        }
    )


if __name__ == "__main__":
    main()
