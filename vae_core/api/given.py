"""What callers give: models, data and codes, and what they become."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import torch
from torch import Tensor

from vae_core import model_folder, pixels
from vae_core.config import Pixels, TrainConfig
from vae_core.data import ImageDataset, Split, load_dataset
from vae_core.errors import (
    ConfigError,
    DatasetError,
    DatasetMissingError,
    ImageError,
    LatentExplorerError,
)
from vae_core.learning import Trainer, static_test_seed, static_train_seed
from vae_core.model_folder import ImportedCard, Saved
from vae_core.models import VAE
from vae_core.models.boltzmann import KINDS, Boltzmann
from vae_core.models.vae import Labels
from vae_core.pixels import Images

#: A model in memory, a training, an open model folder, or the name or path of one.
Model = VAE | Trainer | Saved | str | Path
#: A dataset, some of its examples, images, or a dataset's name or path.
Data = ImageDataset | Split | Images | str | Path
#: A latent code (latent_dim,), or a picture (c, h, w) or (h, w), whose code is the posterior mean.
Place = Images
SplitName = Literal["train", "test"]


@dataclass(frozen=True)
class Given:
    """A model with what is known of it.

    Attributes
    ----------
    training
        Settings by which it is measured; None for a model in memory.
    classes
        Names of its labels; empty without any.
    dataset
        Its dataset, or the name of it; None for a model in memory.
    """

    model: VAE
    training: TrainConfig | None = None
    classes: tuple[str, ...] = ()
    dataset: ImageDataset | str | None = None
    saved: Saved | None = None

    @property
    def seed(self) -> int:
        """Seed of its training."""
        return 0 if self.training is None else self.training.seed

    def pixels(self, chosen: str | None) -> Pixels:
        """Return a kind of pixels, or the one that the model was tested on; "grey" if unknown.

        Raises
        ------
        ConfigError
            If it is unknown, or does not go with the model's likelihood.
        """
        known: Pixels = "grey" if self.training is None else self.training.tested_on
        kind = known if chosen is None else chosen
        for name in get_args(Pixels):
            if kind == name:
                known = name
                break
        else:
            raise ConfigError(f"pixels {kind!r}: allowed are {', '.join(get_args(Pixels))}")
        if known != "grey" and self.model.config.likelihood != "bernoulli":
            raise ConfigError(
                f"pixels {kind!r} are binary and need likelihood 'bernoulli', "
                f"not {self.model.config.likelihood!r}"
            )
        return known


def model(given: Model) -> Given:
    """Open a model.

    Raises
    ------
    CheckpointError
        If there is no such model folder, it is damaged, or it is a Boltzmann machine's.
    ConfigError
        If it is no model.
    """
    if isinstance(given, str | Path):
        given = model_folder.open_folder(given)
    if isinstance(given, Saved):
        card = given.card
        return Given(given.model, card.measured_as, card.classes, card.dataset, given)
    if isinstance(given, Trainer):
        network, data = given.model, given.dataset
        return Given(network, given.config, data.classes, data)
    if isinstance(given, VAE):
        return Given(given)
    if isinstance(given, Boltzmann):
        raise ConfigError(
            f"this is {KINDS[given.config.kind]}, without q(z|x) and p(x|z), which are needed here"
        )
    raise ConfigError(
        f"a model of type {type(given).__name__}: allowed are a VAE, a training, a model folder "
        "and the name or path of one"
    )


def examples(
    found: Given, data: Data | None, *, labels: Labels | None = None, split: SplitName = "test"
) -> Split:
    """Return examples that a model can read.

    Parameters
    ----------
    data
        None takes the model's own dataset.
    labels
        Of images (n,); those of a dataset are its own.
    split
        Which part of a dataset.

    Raises
    ------
    ImageError
        If they are no images of the model's shape.
    ConfigError
        If ``split`` is unknown, the model needs labels and there are none, or ``data`` is missing.
    DatasetError
        If there is no such dataset.
    """
    if split not in get_args(SplitName):
        raise ConfigError(f"split {split!r}: allowed are {', '.join(get_args(SplitName))}")
    data = _own(found) if data is None else data
    if isinstance(data, str | Path):
        data = load_dataset(data)
    if isinstance(data, ImageDataset):
        data = data.train if split == "train" else data.test
    if isinstance(data, Split):
        if labels is not None:
            raise ConfigError("labels go with images: a dataset has its own")
        chosen = dataclasses.replace(data, images=levels(data.images, found.model))
    else:
        images = levels(data, found.model)
        chosen = Split(images, whole(labels, len(images)), torch.arange(len(images)))
    if len(chosen) == 0:
        raise ImageError("no images: 1 or more are needed")
    if found.model.config.takes_labels and chosen.labels is None:
        raise ConfigError(
            "this model needs labels, integers from 0 to "
            f"{found.model.config.classes - 1}: give labels=, or a dataset with labels"
        )
    return chosen


def _own(found: Given) -> ImageDataset:
    """Load the dataset that a model was made with."""
    if found.dataset is None:
        raise ConfigError("data are needed: a model in memory does not know its dataset")
    if isinstance(found.dataset, ImageDataset):
        return found.dataset
    if found.saved is not None and isinstance(found.saved.card, ImportedCard):
        from vae_core.imports import reread

        return reread(found.saved)
    try:
        return load_dataset(found.dataset)
    except DatasetMissingError:
        raise  # its sentence says how to download it
    except DatasetError as error:
        raise DatasetError(
            f"data are needed: the model's own, {found.dataset!r}, are not found here"
        ) from error


def levels(images: Images, network: VAE) -> Tensor:
    """Return images as uint8 (n, c, h, w); refuse those whose levels are 0 and 1."""
    found = pixels.as_levels(images, network.config.image_shape)
    check_levels(found)
    return found


def check_levels(images: Tensor) -> None:
    """Raise ImageError for uint8 images that hold 0 and 1, which would be read as black."""
    if images.dtype == torch.uint8 and images.numel() and int(images.max()) == 1:
        raise ImageError(
            "uint8 images with values from 0 to 1: allowed are levels from 0 to 255, bool and "
            "floats in [0, 1]"
        )


def prepared(found: Given, chosen: Split, kind: str, split: SplitName = "test") -> Tensor:
    """Return the images of examples as the model's training prepares them, by its seed."""
    seed = static_train_seed(found.seed) if split == "train" else static_test_seed(found.seed)
    return pixels.prepare(chosen.images, kind, seed=seed)


def conditions(found: Given, chosen: Split) -> Tensor | None:
    """Return the labels of examples for a model that takes any."""
    return chosen.labels if found.model.config.takes_labels else None


def whole(labels: Labels | None, n: int) -> Tensor | None:
    """Return labels as int64 (n,); raise ConfigError if they are no integers, or not ``n``."""
    if labels is None:
        return None
    found = labels if isinstance(labels, Tensor) else np.asarray(labels)
    if tuple(found.shape) != (n,):
        raise ConfigError(f"labels of shape {tuple(found.shape)}: allowed is ({n},), one an image")
    if isinstance(found, np.ndarray):
        if found.dtype.kind not in "iu":
            raise ConfigError(f"labels of type {found.dtype}: allowed are integers")
        return torch.from_numpy(found.astype(np.int64))
    if found.is_floating_point() or found.dtype == torch.bool or found.is_complex():
        raise ConfigError(f"labels of type {found.dtype}: allowed are integers")
    return found.long()


def condition(found: Given, label: int | str | None) -> Tensor | None:
    """Return one label, by its name or number, as int64 (1,) for a model that takes labels.

    Raises
    ------
    ConfigError
        If the model needs a label and there is none, or it has no such label.
    """
    config = found.model.config
    if not config.takes_labels:
        if label is not None:
            raise ConfigError(f"label {label!r}: this model takes no labels")
        return None
    names = found.classes or tuple(map(str, range(config.classes)))
    if isinstance(label, str) and label in names:
        return torch.tensor([names.index(label)])
    if isinstance(label, int | np.integer) and 0 <= label < config.classes:
        return torch.tensor([int(label)])
    problem = "is needed" if label is None else f"{label!r}: unknown"
    raise ConfigError(
        f"label {problem}; allowed are 0 to {config.classes - 1}, or a name: {', '.join(names)}"
    )


@torch.inference_mode()
def code(found: Given, place: Place, y: Tensor | None, name: str) -> Tensor:
    """Return the code (latent_dim,) of a place: itself, or the posterior mean of a picture.

    Raises
    ------
    ConfigError
        If it is neither a code nor a picture of the model's shape; the sentence has ``name``.
    """
    given = pixels.as_tensor(place)
    c, h, w = found.model.config.image_shape
    d = found.model.config.latent_dim
    if given.shape == (d,):
        if not (given.is_floating_point() or given.dtype in (torch.int64, torch.int32)):
            raise ConfigError(f"{name} of type {given.dtype}: a code has floats")
        if not torch.isfinite(given).all():
            raise ConfigError(f"{name}: a code has finite numbers")
        return given.float()
    try:
        return found.model.encode(given[None], y).mu[0]
    except LatentExplorerError as error:
        picture = f"({c}, {h}, {w})" + (f" or ({h}, {w})" if c == 1 else "")
        raise ConfigError(
            f"{name} of shape {tuple(given.shape)} and type {given.dtype}: allowed are a code "
            f"({d},) and a picture {picture}, uint8 or floats in [0, 1]"
        ) from error
