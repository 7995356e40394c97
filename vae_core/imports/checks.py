"""The check of an import: reconstructions beside originals, and what looks wrong."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from vae_core import pixels
from vae_core.data import Split
from vae_core.imports import measuring
from vae_core.imports.drafts import Draft
from vae_core.models import ImportedVAE

#: Pictures that are compared, and shown.
COMPARED, SHOWN = 500, 8
#: Ratio of two errors from which one is clearly smaller.
CLEARLY = 1.5
#: Spread of codes around that of the prior, 1, beyond which the two differ.
NARROW, WIDE = 0.4, 2.0
#: Darkest to lightest characters of a picture in text.
RAMP = " .:-=+*#%@"
TEXT_WIDTH, TEXT_SHOWN = 24, 3


@dataclass(frozen=True)
class Check:
    """Whether reconstructions are like originals.

    Attributes
    ----------
    originals, reconstructions
        (n, c, h, w) in [0, 1]; of a decoder alone, only what it decodes.
    error, error_of_mean
        Mean squared error of the reconstructions, and of the mean picture; None without pictures.
    sentences, warnings
        What was compared, and what looks wrong.
    """

    originals: Tensor | None
    reconstructions: Tensor
    error: float | None
    error_of_mean: float | None
    sentences: tuple[str, ...]
    warnings: tuple[str, ...]

    @property
    def sheet(self) -> Tensor:
        """Originals above reconstructions, (2 n, c, h, w), or what is decoded."""
        if self.originals is None:
            return self.reconstructions
        return torch.cat([self.originals, self.reconstructions])


def check(draft: Draft, split: Split | None) -> Check:
    """Compare reconstructions with originals, and codes with the prior."""
    model = draft.model
    if split is None:
        return _of_decoder(model)
    some = split.spread(COMPARED)
    labels = some.labels if model.settings.takes_labels else None
    x = pixels.as_unit(some.images)
    error = float(measuring.squared_error(model, some).mean())
    mean = float((x - x.mean(0)).square().mean())
    sentences = [
        f"Mean squared error of reconstructions: {error:.4f} (of the mean picture: {mean:.4f})."
    ]
    warnings = []
    if error > mean:
        warnings.append(
            "Reconstructions are worse than the mean picture: the input range, the output or the "
            "order of the encoder's outputs may be another."
        )
    warnings += _better_range(draft, some, error)
    with torch.inference_mode():
        q = model.encode(x, labels)
        recon = model.decode(q.mu[:SHOWN], None if labels is None else labels[:SHOWN]).mean
    spread = float((q.mu.var(0) + q.logvar.exp().mean(0)).mean().sqrt())
    if model.settings.has_bound:
        sentences.append(f"Spread of the codes: {spread:.2f} (of the prior: 1).")
        if not NARROW < spread < WIDE:
            warnings.append(
                f"The codes have a spread of {spread:.2g} where the prior N(0, I) has 1: samples "
                "of the prior will not look like the data."
            )
    return Check(x[:SHOWN], recon, error, mean, tuple(sentences), tuple(warnings))


def _of_decoder(model: ImportedVAE) -> Check:
    generator = torch.Generator().manual_seed(0)
    with torch.inference_mode():
        images = model.sample(SHOWN, generator=generator)
    spread = float(images.std(0).mean())
    warnings: tuple[str, ...] = ()
    if spread < 1e-3:
        warnings = ("All codes decode to the same picture: the output may be another.",)
    return Check(None, images, None, None, ("Pictures of codes drawn from N(0, I).",), warnings)


def _better_range(draft: Draft, split: Split, error: float) -> list[str]:
    """Say which other input range reconstructs clearly better, if one does."""
    if draft.input_range is None or draft.with_range is None:
        return []
    found = {}
    for low, high in ((0.0, 1.0), (-1.0, 1.0), (0.0, 255.0)):
        if (low, high) != draft.input_range:
            other = draft.with_range((low, high))
            found[low, high] = float(measuring.squared_error(other, split.spread(100)).mean())
    (low, high), least = min(found.items(), key=lambda one: one[1])
    if least * CLEARLY < error:
        return [
            f"With --input-range {low:g},{high:g} reconstructions are closer: a mean squared error "
            f"of {least:.4f} in place of {error:.4f}."
        ]
    return []


def as_text(check: Check) -> str:
    """Draw some originals and reconstructions side by side in characters."""
    rows: list[str] = []
    shown = check.reconstructions[:TEXT_SHOWN]
    pairs = [shown] if check.originals is None else [check.originals[:TEXT_SHOWN], shown]
    for images in pairs:
        drawn = [_drawn(image) for image in images]
        rows += ["   ".join(line) for line in zip(*drawn, strict=True)] + [""]
    return "\n".join(rows)


def _drawn(image: Tensor) -> list[str]:
    grey = image.mean(0, keepdim=True)[None]
    height = max(1, round(TEXT_WIDTH * image.shape[1] / image.shape[2] / 2))
    small = torch.nn.functional.adaptive_avg_pool2d(grey, (height, TEXT_WIDTH))[0, 0]
    steps = np.clip((small.numpy() * len(RAMP)).astype(int), 0, len(RAMP) - 1)
    return ["".join(RAMP[step] for step in line) for line in steps]
