"""Record the replay of a training: frames of its latent space at geometrically spaced steps.

``replay.bin`` has frames, each a header (magic, length, CRC-32) and a safetensors blob:

===========  =====================================================================
``codes``    (n, latent_dim) float16, mu of a fixed subset of the test set
``grid``     (side, side, c, h, w) uint8, the manifold of a two-dimensional model
``samples``  (m, c, h, w) uint8, decoded from the same samples of the prior each time
``elbo``     () float32, mean over the images of the codes, one sample of z each
``ids``      (n,) int64, of the codes' images, in the first frame only
``labels``   (n,) int64, in the first frame only, if there are any
===========  =====================================================================

An incomplete last frame is left out by readers and overwritten by the trainer.
"""

from __future__ import annotations

import itertools
import json
import struct
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import safetensors
import safetensors.torch
import torch
from torch import Tensor

from vae_core import evaluation, latents, pixels
from vae_core.config import TrainConfig
from vae_core.data import ImageDataset
from vae_core.learning import static_test_seed
from vae_core.models import VAE

FILE = "replay.bin"
#: Ratio of successive steps, three per octave: 0, 1, 2, 3, 4, 5, 6, 8, 10, …
RATIO = 2 ** (1 / 3)
#: Test images whose codes are recorded, spread evenly over the set.
EXAMPLES = 500
#: Most values in the images of a frame; larger images are fewer.
PICTURE_VALUES = 64_000
GRID, SMALL_GRID, SAMPLES, FEW_SAMPLES = 8, 5, 16, 8
SEED = 0

_HEAD = struct.Struct("<4sII")
_MAGIC = b"LXR1"
_MAX_FRAME = 16 * 2**20


@dataclass(frozen=True)
class Frame:
    """Latent space after ``step`` steps."""

    step: int
    epoch: float
    elbo: float | None  # mean over the images of the codes; None in old files
    codes: Tensor  # float32 (n, latent_dim)
    samples: Tensor  # uint8 (m, c, h, w)
    grid: Tensor | None  # uint8 (side, side, c, h, w), for two latent dimensions


@dataclass(frozen=True)
class Replay:
    """Frames of a run, by step; ``ids`` and ``labels`` (n,) are the same in every frame."""

    ids: Tensor
    labels: Tensor | None
    frames: tuple[Frame, ...]


def is_milestone(step: int) -> bool:
    """Return whether a frame is recorded after this many steps."""
    return step == 0 or step in itertools.takewhile(lambda one: one <= step, _milestones())


def read(folder: Path) -> Replay | None:
    """Read a run's frames; None if there are none.

    Reading ends at a frame that is incomplete, damaged or inconsistent with the first.
    """
    try:
        with (folder / FILE).open("rb") as file:
            found = [(when, tensors) for _, when, tensors in _frames(file)]
    except FileNotFoundError:
        return None
    if not found or "ids" not in found[0][1]:
        return None
    first = found[0][1]
    frames = tuple(
        Frame(
            step=int(when["step"]),
            epoch=when["epoch"],
            elbo=_finite(tensors.get("elbo")),
            codes=tensors["codes"].float(),
            samples=tensors["samples"],
            grid=tensors.get("grid"),
        )
        for when, tensors in itertools.takewhile(lambda one: _fits(one[1], first), found)
    )
    return Replay(ids=first["ids"], labels=first.get("labels"), frames=frames) if frames else None


class Recorder:
    """Writer of a run's frames, for its trainer.

    Parameters
    ----------
    folder
        Existing folder of the run.
    """

    def __init__(self, folder: Path, dataset: ImageDataset, training: TrainConfig) -> None:
        self.path = folder / FILE
        test = dataset.test
        n = min(EXAMPLES, len(test))
        rows = torch.arange(n) * len(test) // n
        self.kind = training.tested_on
        # Binarised as a whole set, as in training, so that these are the same images.
        prepared = pixels.prepare(test.images, self.kind, seed=static_test_seed(training.seed))
        self.images = prepared[rows]
        self.ids = test.ids[rows]
        self.labels = None if test.labels is None else test.labels[rows]
        self.end = 0
        self.last = -1

    def resume(self, step: int) -> None:
        """Remove the frames after ``step``, from which the training resumes."""
        self.end, self.last = 0, -1
        with self.path.open("ab+") as file:
            file.seek(0)
            for end, when, _ in _frames(file):
                if when["step"] > step:
                    break
                self.end, self.last = end, int(when["step"])
            file.truncate(self.end)

    def is_due(self, step: int, *, always: bool = False) -> bool:
        """Return whether to record a frame after ``step`` steps."""
        return step > self.last and (always or is_milestone(step))

    @torch.inference_mode()
    def snapshot(self, model: VAE) -> dict[str, Tensor]:
        """Return a frame of the model, without using the random streams of the training."""
        config = model.config
        labels = self.labels if config.takes_labels else None
        encoded = evaluation.encode(model, self.images, kind=self.kind, labels=labels)
        is_small = config.pixels * (GRID**2 + SAMPLES) <= PICTURE_VALUES
        elbo = -(encoded.rate + encoded.distortion).mean()
        tensors = {"codes": encoded.mu.to(torch.float16), "elbo": elbo}
        generator = torch.Generator().manual_seed(SEED)
        samples = model.sample(SAMPLES if is_small else FEW_SAMPLES, generator=generator)
        tensors["samples"] = _bytes(samples)
        if config.latent_dim == 2 and not config.takes_labels:
            side = GRID if is_small else SMALL_GRID
            codes = latents.grid(side, dims=(0, 1), at=torch.zeros(2))
            tensors["grid"] = _bytes(latents.decode(model, codes))
        return tensors

    def append(self, step: int, epoch: float, tensors: dict[str, Tensor]) -> None:
        """Write a frame after the last complete one."""
        if self.end == 0:
            tensors = {**tensors, "ids": self.ids}
            if self.labels is not None:
                tensors["labels"] = self.labels
        metadata = {"frame": json.dumps({"step": step, "epoch": epoch})}
        blob = safetensors.torch.save(
            {name: tensor.contiguous() for name, tensor in tensors.items()}, metadata=metadata
        )
        with self.path.open("rb+") as file:
            file.seek(self.end)
            file.truncate()
            file.write(_HEAD.pack(_MAGIC, len(blob), zlib.crc32(blob)) + blob)
        self.end += _HEAD.size + len(blob)
        self.last = step


def _milestones() -> Iterator[int]:
    return (round(RATIO**power) for power in itertools.count())


def _frames(file: BinaryIO) -> Iterator[tuple[int, dict[str, float], dict[str, Tensor]]]:
    """Yield the end of each complete frame in the file, its step and epoch, and its tensors."""
    end = file.tell()
    while True:
        head = file.read(_HEAD.size)
        if len(head) < _HEAD.size:
            return
        magic, length, checksum = _HEAD.unpack(head)
        if magic != _MAGIC or length > _MAX_FRAME:
            return
        blob = file.read(length)
        if len(blob) < length or zlib.crc32(blob) != checksum:
            return
        end += _HEAD.size + length
        try:
            frame = _when(blob), safetensors.torch.load(blob)
        except (safetensors.SafetensorError, ValueError, KeyError, TypeError, struct.error):
            return
        yield end, *frame


def _when(blob: bytes) -> dict[str, float]:
    size = struct.unpack("<Q", blob[:8])[0]
    frame = json.loads(json.loads(blob[8 : 8 + size])["__metadata__"]["frame"])
    return {"step": float(frame["step"]), "epoch": float(frame["epoch"])}


def _fits(tensors: Mapping[str, Tensor], first: Mapping[str, Tensor]) -> bool:
    """Return whether a frame has the images, shapes and types of the first, and finite codes."""
    kinds = {"codes": (torch.float16, 2), "samples": (torch.uint8, 4), "grid": (torch.uint8, 5)}
    shown = tensors.keys() & kinds.keys()
    n = first["ids"].shape
    return (
        {"codes", "samples"} <= shown == first.keys() & kinds.keys()
        and all((tensors[name].dtype, tensors[name].ndim) == kinds[name] for name in shown)
        and all(tensors[name].shape == first[name].shape for name in shown)
        and n == tensors["codes"].shape[:1] == first.get("labels", first["ids"]).shape
        and bool(tensors["codes"].isfinite().all())
    )


def _finite(value: Tensor | None) -> float | None:
    return None if value is None or not value.isfinite().all() else float(value.mean())


def _bytes(pictures: Tensor) -> Tensor:
    return pictures.clamp(0, 1).mul(255).round().to(torch.uint8)
