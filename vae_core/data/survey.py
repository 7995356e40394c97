"""What an own dataset holds, counted once it is prepared: for a person to look at."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from vae_core.data import framing, preparing
from vae_core.data.choices import NOTHING_SAID, Choices
from vae_core.data.preparing import Loaded, Progress
from vae_core.images import Frame

SHOWN = 12


@dataclass(frozen=True)
class Survey:
    """What was found, and what is made of it.

    Attributes
    ----------
    title, form
        Name of the dataset and its format: "a folder of pictures".
    found
        Number of pictures, those that cannot be read included.
    sizes
        How many have each (c, h, w), the most common first.
    image_shape
        (c, h, w) that all are brought to.
    counts
        Training, test and validation pictures.
    classes
        Number of pictures of each class, by its name.
    columns
        Names of further columns.
    duplicates
        Pictures that are, once prepared, the same as an earlier one.
    constant
        Pictures of a single value: blank ones.
    notes
        Sentences about what was guessed, chosen and left out.
    pictures
        A dozen, spread over all: uint8 (n, c, h, w).
    frame
        How strokes on a ground, as of handwriting, are placed; None for other pictures.
    """

    title: str
    form: str
    found: int
    sizes: dict[tuple[int, int, int], int]
    image_shape: tuple[int, int, int]
    counts: tuple[int, int, int]
    classes: dict[str, int]
    columns: tuple[str, ...]
    duplicates: int
    constant: int
    notes: tuple[str, ...]
    pictures: Tensor
    frame: Frame | None

    @property
    def is_ink(self) -> bool:
        """Whether most of the pictures are strokes on a ground, as handwriting is."""
        return self.frame is not None

    @property
    def sentences(self) -> tuple[str, ...]:
        """Return the survey as sentences, without those of ``notes``."""
        channels, height, width = self.image_shape
        train, test, validation = self.counts
        colour = "grey" if channels == 1 else "colour"
        parts = f"{train:,} to train on, {test:,} to test on"
        parts += f", {validation:,} to validate on" if validation else ""
        said = [f"{self.title} is {self.form} with {self.found:,} pictures."]
        said.append(f"They become {height} × {width} pixels in {colour}: {parts}.")
        if self.classes:
            most = sorted(self.classes.items(), key=lambda item: -item[1])
            listed = ", ".join(f"{name} ({count:,})" for name, count in most[:10])
            more = f" and {len(most) - 10} more" if len(most) > 10 else ""
            said.append(f"{len(most)} classes: {listed}{more}.")
        if self.columns:
            said.append(f"Columns: {', '.join(self.columns)}.")
        if self.duplicates:
            said.append(f"{self.duplicates:,} pictures are the same as an earlier one.")
        if self.constant:
            said.append(f"{self.constant:,} pictures are blank: a single value.")
        if self.frame is not None:
            ink = "dark ink on a light ground" if self.frame.dark else "light ink on a dark ground"
            middle = "its centre of mass" if self.frame.by_mass else "the middle of its box"
            said.append(
                f"Most pictures are {ink}, {self.frame.box} pixels long, placed by {middle}: what "
                "is drawn or uploaded is made like them."
            )
        return tuple(said)


def survey(
    path: Path,
    said: Choices = NOTHING_SAID,
    *,
    limit: int | None = None,
    progress: Progress | None = None,
) -> Survey:
    """Prepare a dataset and count what it holds; parameters are those of ``load_dataset``.

    Raises
    ------
    DatasetError
        If it cannot be read.
    """
    return describe(preparing.load(path, said, limit=limit, progress=progress))


def describe(loaded: Loaded) -> Survey:
    """Count what a prepared dataset holds."""
    dataset, findings = loaded.dataset, loaded.findings
    parts = [dataset.train, dataset.test, *([dataset.validation] if dataset.validation else [])]
    labels = [part.labels for part in parts if part.labels is not None]
    counted = Counter(torch.cat(labels).tolist()) if labels else Counter()
    usable = np.ones(len(findings.hashes), dtype=bool)
    usable[list(findings.damaged)] = False
    hashes = np.asarray(findings.hashes)[usable]
    train = dataset.train.images
    shown = torch.linspace(0, len(train) - 1, min(SHOWN, len(train))).long()
    validation = len(dataset.validation) if dataset.validation else 0
    return Survey(
        title=dataset.title,
        form=loaded.collection.form,
        found=len(loaded.collection),
        sizes=dict(loaded.plan.sizes.most_common()),
        image_shape=dataset.image_shape,
        counts=(len(dataset.train), len(dataset.test), validation),
        classes={name: counted[row] for row, name in enumerate(dataset.classes)},
        columns=tuple(dataset.train.columns),
        duplicates=len(hashes) - len(np.unique(hashes)),
        constant=int(np.asarray(findings.constant)[usable].sum()),
        notes=dataset.notes,
        pictures=train[shown],
        frame=framing.measure(dataset),
    )
