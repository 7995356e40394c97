"""Save and load model folders.

======================  ===========================================================================
``card.json``           settings, metrics, versions, hash of the weights, command
``model.safetensors``   weights
``codes.safetensors``   encoded test set: ids, labels, mu, logvar, rate, distortion, projections
``history.jsonl``       one epoch record per line
======================  ===========================================================================

Where the data has further columns, ``columns.safetensors`` has those of the encoded test set
(:mod:`vae_core.columns`).

An imported model may have ``pictures.safetensors`` too: ``pictures``, uint8 (n, c, h, w), of which
its codes are. The folder of a Boltzmann machine has only the first two files, and its card has a
``kind``, "rbm" or "dbn"; the card of a VAE has none. The card of a model that was made elsewhere
has the kind "imported"; the graphs of its networks are in the metadata of the weights, and its
codes have only the columns that such a model has.

Nothing is pickled, and sizes are compared with those that the card implies before anything is read.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import safetensors
import safetensors.torch
import torch
from numpy.typing import NDArray
from torch import Tensor

from vae_core import columns, evaluation
from vae_core.columns import Column
from vae_core.config import ModelConfig
from vae_core.errors import CheckpointError, ConfigError
from vae_core.files import write_atomically
from vae_core.model_folder import imported
from vae_core.model_folder.card import (
    FORMAT_VERSION,
    AnyCard,
    BoltzmannCard,
    ImportedCard,
    Metric,
    ModelCard,
)
from vae_core.models import VAE, ImportedVAE, boltzmann, build
from vae_core.models.boltzmann import Boltzmann, BoltzmannConfig
from vae_core.models.imported import POINT_LOGVAR

_PACKAGE = Path(__file__).resolve().parents[1]
#: Folder of the models that come with the project: in the installed package, or beside it in a
#: checkout.
PRETRAINED = next(
    (folder for folder in [_PACKAGE / "pretrained"] if folder.is_dir()),
    _PACKAGE.parent / "pretrained",
)
CARD, WEIGHTS = "card.json", "model.safetensors"
CODES, HISTORY = "codes.safetensors", "history.jsonl"
#: Latent dimensions up to which the prior's mean is among the codes.
FEW_DIMENSIONS = 3
FILES = (CARD, WEIGHTS, CODES, HISTORY)
#: File of an imported model's pictures, which most folders lack.
PICTURES = "pictures.safetensors"
#: Files that a folder may lack.
OPTIONAL = (PICTURES, columns.FILE)
#: Maximum size of a file in a model folder, and of all files in a zip.
MAX_BYTES = 256 * 2**20
#: Maximum size of a card, and of the header of a file of tensors.
MAX_HEADER = 2**20
#: Maximum size of what an ONNX file has besides its weights, in an imported model.
MAX_FILE = 16 * 2**20
#: Size of a float64, the largest type that weights are converted from.
DOUBLE_BYTES = 8
#: Type and shape of each column of an encoded set, for n examples and d dimensions.
COLUMNS: dict[str, tuple[torch.dtype, tuple[str | int, ...]]] = {
    "ids": (torch.int64, ("n",)),
    "labels": (torch.int64, ("n",)),
    "mu": (torch.float32, ("n", "d")),
    "logvar": (torch.float32, ("n", "d")),
    "rate": (torch.float32, ("n",)),
    "distortion": (torch.float32, ("n",)),
    "projections.pca": (torch.float32, ("n", 2)),
    "projections.tsne": (torch.float32, ("n", 2)),
    "pca_mean": (torch.float32, ("d",)),
    "pca_components": (torch.float32, (2, "d")),
}
REQUIRED = {"ids", "mu", "logvar", "rate", "distortion"}
#: Columns stored in half precision; a map shows less than its three digits.
HALVED = {"mu", "logvar"}
_HASH_LENGTH = 16


C = TypeVar("C", ModelCard, BoltzmannCard, ImportedCard)
CardOfVAE = TypeVar("CardOfVAE", ModelCard, ImportedCard)


@dataclass(frozen=True)
class Codes:
    """Encoded test set with its examples' ids.

    ``projections`` has "pca" and "tsne", (n, 2) each, for models of more than two dimensions.
    ``pca_mean`` (d,) and ``pca_components`` (2, d) map a point of the PCA projection to a code.
    Values that an imported model does not have are NaN: the rate of a plain auto-encoder, and rate
    and distortion of a decoder alone.
    """

    ids: Tensor  # int64 (n,)
    mu: Tensor  # float32 (n, d)
    logvar: Tensor  # float32 (n, d)
    rate: Tensor  # float32 (n,)
    distortion: Tensor  # float32 (n,)
    labels: Tensor | None = None  # int64 (n,)
    projections: dict[str, Tensor] = field(default_factory=dict)
    pca_mean: Tensor | None = None
    pca_components: Tensor | None = None
    columns: tuple[Column, ...] = ()  # of the same examples, in the same order

    def tensors(self) -> dict[str, Tensor]:
        """Return the tensors by their names in the file, without those that are all NaN."""
        named = {k: v for k, v in vars(self).items() if isinstance(v, Tensor)}
        named = {k: v for k, v in named.items() if not (len(v) and v.isnan().all())}
        named |= {f"projections.{name}": points for name, points in self.projections.items()}
        return named

    @classmethod
    def of(cls, tensors: Mapping[str, Tensor]) -> Codes:
        """Create from tensors with the names of :meth:`tensors`."""
        prefix = "projections."
        plain: dict[str, Any] = {k: v for k, v in tensors.items() if not k.startswith(prefix)}
        projections = {k.removeprefix(prefix): tensors[k] for k in tensors.keys() - plain.keys()}
        return cls(**plain, projections=projections)


def slug(name: str) -> str:
    """Convert a name to a folder name of lower-case letters, digits and hyphens.

    A name in another script than Latin becomes "model".

    Raises
    ------
    ConfigError
        If it has no letter or digit.
    """
    cleaned = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:60].rstrip("-")
    if not cleaned and any(map(str.isalnum, name)):
        return "model"
    if not cleaned:
        raise ConfigError(f"name {name!r}: at least one letter or digit is needed")
    return cleaned


def list_models(folder: Path = PRETRAINED) -> list[str]:
    """Return the sorted names of the model folders in ``folder``."""
    return sorted(card.parent.name for card in folder.glob(f"*/{CARD}"))


def locate(name_or_folder: str | Path) -> Path:
    """Return the folder of a model, by its name in ``pretrained/`` or its path.

    Raises
    ------
    CheckpointError
        If there is no such model; the sentence lists the names that exist.
    """
    for folder in (PRETRAINED / str(name_or_folder), Path(name_or_folder)):
        if (folder / CARD).is_file():
            return folder
    names = ", ".join(list_models()) or "none yet"
    raise CheckpointError(
        f"model {str(name_or_folder)!r} is neither a folder with a {CARD} nor one of: {names}"
    )


def load(name_or_folder: str | Path) -> VAE | Boltzmann:
    """Load the model of a folder: a VAE, as :func:`load_model` does, or a Boltzmann machine.

    Raises
    ------
    CheckpointError
        If a file is missing, damaged, or inconsistent with the card.
    """
    saved = load_machine(name_or_folder)
    return load_model(name_or_folder) if saved is None else saved.machine


@dataclass(frozen=True)
class SavedMachine:
    """Card and weights of a Boltzmann machine."""

    card: BoltzmannCard
    machine: Boltzmann


def load_machine(name_or_folder: str | Path) -> SavedMachine | None:
    """Load a Boltzmann machine with its card; return None for the folder of a VAE."""
    folder = locate(name_or_folder)
    content = _read(folder / CARD, limit=MAX_HEADER)
    if machine_kind(content) is None:
        return None
    card = parsed(BoltzmannCard, content)
    weights = _read(folder / WEIGHTS, limit=weights_limit(card))
    return SavedMachine(card, machine_of(card, weights))


def machine_kind(content: bytes) -> str | None:
    """Return the ``kind`` in the card of a Boltzmann machine; None for other content."""
    try:
        kind = json.loads(content).get("kind")
    except (ValueError, AttributeError, RecursionError):
        return None
    return kind if isinstance(kind, str) and kind in boltzmann.KINDS else None


def is_imported(content: bytes) -> bool:
    """Whether the content of a card is that of an imported model."""
    try:
        return bool(json.loads(content).get("kind") == "imported")
    except (ValueError, AttributeError, RecursionError):
        return False


def load_model(name_or_folder: str | Path) -> VAE:
    """Load a VAE, in eval mode and without gradients.

    Raises
    ------
    CheckpointError
        If a file is missing, damaged, or inconsistent with the card.
    """
    folder = locate(name_or_folder)
    card = load_card(folder)
    return model_of(card, _read(folder / WEIGHTS, limit=weights_limit(card)))


def load_card(name_or_folder: str | Path) -> AnyCard:
    """Read the card of a VAE."""
    return card_of(_read(locate(name_or_folder) / CARD, limit=MAX_HEADER))


def load_codes(name_or_folder: str | Path) -> Codes:
    """Read the encoded test set of a VAE.

    Raises
    ------
    CheckpointError
        If the file is missing, damaged, or inconsistent with the card.
    """
    folder = locate(name_or_folder)
    return _codes(folder, load_card(folder))


def _codes(folder: Path, card: AnyCard) -> Codes:
    codes = codes_of(card, _read(folder / CODES))
    if not (folder / columns.FILE).is_file():
        return codes
    return with_columns(codes, _read(folder / columns.FILE, limit=columns.MAX_BYTES))


def with_columns(codes: Codes, content: bytes) -> Codes:
    """Add the columns of a file to an encoded set, by the examples' ids."""
    found = columns.from_bytes(content, codes.ids.numpy())
    return dataclasses.replace(codes, columns=found)


def load_history(name_or_folder: str | Path) -> list[dict[str, Any]]:
    """Read the epoch records of a training, up to an incomplete line."""
    records = []
    for line in _read(locate(name_or_folder) / HISTORY).splitlines():
        try:
            records.append(json.loads(line))
        except (ValueError, RecursionError):
            break
    return records


def card_of(content: bytes) -> AnyCard:
    """Parse the card of a VAE."""
    if kind := machine_kind(content):
        raise CheckpointError(
            f"this folder holds {boltzmann.KINDS[kind]}: it has no density q(z|x), no prior p(z) "
            "and no ELBO, which are needed here"
        )
    if is_imported(content):
        return parsed(ImportedCard, content)
    return parsed(ModelCard, content)


def model_of(card: AnyCard, content: bytes) -> VAE:
    """Create the VAE of a card from the bytes of its weights file."""
    if isinstance(card, ImportedCard):
        return _imported_of(card, content)
    weights = _weights_of(card, content)
    with torch.device("meta"):
        model = build(card.model)
    model.load_state_dict(weights, assign=True)
    return model.eval().requires_grad_(False)


def machine_of(card: BoltzmannCard, content: bytes) -> Boltzmann:
    """Create the Boltzmann machine of a card from the bytes of its weights file."""
    return Boltzmann.of(card.model, _weights_of(card, content))


def check_weights(
    file: str, config: ModelConfig | BoltzmannConfig, tensors: Mapping[str, Tensor]
) -> None:
    """Check that tensors have the names, shapes and types of a model's weights, and are finite.

    Raises
    ------
    CheckpointError
        If one does not; the sentence names it and ``file``.
    """
    expected, found = _shapes(config), {name: tuple(t.shape) for name, t in tensors.items()}
    for name in expected | found:
        if expected.get(name) != found.get(name):
            raise CheckpointError(
                f"{file}: {name} has shape {found.get(name)} where the settings imply "
                f"{expected.get(name)}"
            )
    for name, tensor in tensors.items():
        _check_numbers(file, name, tensor, torch.float32)


def codes_of(card: AnyCard, content: bytes) -> Codes:
    """Parse an encoded test set; check its columns against each other and the card."""
    tensors = {
        name: tensor.float() if name in HALVED and tensor.dtype == torch.float16 else tensor
        for name, tensor in _tensors(CODES, content).items()
    }
    if missing := sorted(_required(card) - tensors.keys()):
        raise CheckpointError(f"{CODES} has no {missing[0]}")
    size: dict[str | int, int] = {
        "n": tensors["ids"].numel(),
        "d": card.model.latent_dim,
    }
    for name, column in tensors.items():
        if name not in COLUMNS:
            raise CheckpointError(f"{CODES}: {name} is not a column of an encoded set")
        dtype, axes = COLUMNS[name]
        _check_numbers(CODES, name, column, dtype)
        expected = tuple(size.get(axis, axis) for axis in axes)
        if tuple(column.shape) != expected:
            raise CheckpointError(
                f"{CODES}: {name} has shape {tuple(column.shape)} where {expected} is needed"
            )
    labels = tensors.get("labels")
    classes = len(card.classes)
    if labels is not None and len(labels) and not 0 <= labels.min() <= labels.max() < classes:
        raise CheckpointError(
            f"{CODES}: labels are from {int(labels.min())} to {int(labels.max())} where {CARD} "
            f"names {classes} classes"
        )
    return Codes.of(_filled(tensors))


def pictures_of(card: AnyCard, codes: Codes, content: bytes) -> Tensor:
    """Parse the pictures of an imported model; check that there is one for each code."""
    pictures = _tensors(PICTURES, content).get("pictures")
    expected = (len(codes.ids), *card.model.image_shape)
    if pictures is None or pictures.dtype != torch.uint8 or tuple(pictures.shape) != expected:
        raise CheckpointError(f"{PICTURES}: pictures of uint8 and shape {expected} are needed")
    return pictures


def _required(card: AnyCard) -> set[str]:
    if card.model.has_bound:
        return REQUIRED
    return {"ids", "mu", "distortion"} if card.model.has_encoder else {"ids", "mu"}


def _filled(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Add the columns that a model without a bound, or without an encoder, lacks."""
    mu = tensors["mu"]
    lacking = {
        "logvar": torch.full_like(mu, POINT_LOGVAR),
        "rate": torch.full((len(mu),), math.nan),
        "distortion": torch.full((len(mu),), math.nan),
    }
    return lacking | tensors


@dataclass(frozen=True)
class Saved:
    """Card, model and codes of a model folder."""

    card: AnyCard
    model: VAE
    codes: Codes
    #: Pictures of an imported model's codes, uint8 (n, c, h, w), where its folder has them.
    pictures: Tensor | None = None

    def conditions(self, rows: NDArray[np.int64] | slice = slice(None)) -> Tensor | None:
        """Return the labels of some rows as conditions, int64 (n,); None if the model takes none.

        Zeros stand in for the labels of a model folder that lacks them.
        """
        if not self.card.model.takes_labels:
            return None
        labels = self.codes.labels
        if labels is None:
            labels = torch.zeros(len(self.codes.ids), dtype=torch.int64)
        return labels[rows]

    def opening_row(self) -> int | None:
        """Row of the example that pages open on, or None for the mean of the prior.

        With more than `FEW_DIMENSIONS`, codes lie far from the prior's mean, which decodes to no
        image of the data. The example is of the first class, or of all data without labels: the
        one whose code has the median distance to the mean code.
        """
        config, codes = self.card.model, self.codes
        if config.takes_labels or config.latent_dim <= FEW_DIMENSIONS or not len(codes.ids):
            return None
        rows = torch.arange(len(codes.ids))
        if codes.labels is not None:
            rows = rows[codes.labels == codes.labels.min()]
        mu = codes.mu[rows]
        distances = (mu - mu.mean(0)).norm(dim=1)
        return int(rows[(distances - distances.median()).abs().argmin()])

    def opening_code(self) -> Tensor:
        """Return the code that pages open on, (latent_dim,); with labels, of the first one."""
        row = self.opening_row()
        if row is not None:
            return self.codes.mu[row]
        y = torch.zeros(1, dtype=torch.int64) if self.card.model.takes_labels else None
        with torch.inference_mode():
            return self.model.prior_given(y).mean

    @torch.inference_mode()
    def kl_per_dim(self) -> Tensor:
        """Mean KL to the prior of each latent dimension over the codes, in nats, (latent_dim,).

        NaN for a model without a bound.
        """
        if not self.card.model.has_bound:
            return torch.full((self.card.model.latent_dim,), math.nan)
        prior = self.model.prior_given(self.conditions())
        return evaluation.kl_per_dim(self.codes.mu, self.codes.logvar, prior)

    @torch.inference_mode()
    def ranges(self) -> Tensor:
        """Range of each dimension that spans codes and prior (:func:`evaluation.ranges`)."""
        return evaluation.ranges(self.codes.mu, self.model.prior_given(self.conditions()))


def open_folder(name_or_folder: str | Path) -> Saved:
    """Load the model folder of a VAE, by its name in ``pretrained/`` or its path.

    Raises
    ------
    CheckpointError
        If it does not exist, or a file is missing, damaged, or inconsistent with the card.
    """
    folder = locate(name_or_folder)
    card = load_card(folder)
    codes = _codes(folder, card)
    pictures = None
    if isinstance(card, ImportedCard) and (folder / PICTURES).is_file():
        pictures = pictures_of(card, codes, _read(folder / PICTURES))
    return Saved(card=card, model=load_model(folder), codes=codes, pictures=pictures)


def save(
    folder: Path,
    *,
    card: CardOfVAE,
    model: VAE,
    codes: Codes,
    history: Iterable[Mapping[str, Any]],
    pictures: Tensor | None = None,
) -> CardOfVAE:
    """Write a model folder; the card is last, so that a folder with a card is complete.

    Parameters
    ----------
    pictures
        Of the codes, uint8 (n, c, h, w), for an imported model whose data is no known dataset.

    Returns
    -------
    ModelCard or ImportedCard
        The written card, with the hash of the weights and the number of parameters.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if isinstance(model, ImportedVAE):
        weights, parameters = imported.write(model), model.parameter_count
    else:
        weights = safetensors.torch.save(
            {name: p.detach().contiguous() for name, p in model.state_dict().items()}
        )
        parameters = sum(p.numel() for p in model.parameters())
    card = card.model_copy(update={"weights_hash": content_hash(weights), "parameters": parameters})
    lines = "".join(json.dumps(record) + "\n" for record in history)
    tensors = {name: _on_disk(name, tensor) for name, tensor in codes.tensors().items()}
    write_atomically(folder / WEIGHTS, weights)
    write_atomically(folder / CODES, safetensors.torch.save(tensors))
    write_atomically(folder / HISTORY, lines.encode())
    for name in OPTIONAL:
        (folder / name).unlink(missing_ok=True)
    if codes.columns:
        write_atomically(folder / columns.FILE, columns.to_bytes(codes.ids.numpy(), codes.columns))
    if pictures is not None:
        write_atomically(
            folder / PICTURES, safetensors.torch.save({"pictures": pictures.contiguous()})
        )
    _write_card(folder, card)
    return card


def save_machine(
    folder: Path,
    machine: Boltzmann,
    *,
    name: str,
    dataset: str,
    classes: tuple[str, ...] = (),
    command: str = "",
) -> BoltzmannCard:
    """Write the folder of a Boltzmann machine; the card is last."""
    folder.mkdir(parents=True, exist_ok=True)
    weights = safetensors.torch.save(machine.tensors())
    card = BoltzmannCard(
        kind=machine.config.kind,
        name=name,
        dataset=dataset,
        classes=classes,
        model=machine.config,
        weights_hash=content_hash(weights),
        command=command,
    )
    write_atomically(folder / WEIGHTS, weights)
    _write_card(folder, card)
    return card


def _on_disk(name: str, column: Tensor) -> Tensor:
    if name in HALVED and torch.isfinite(half := column.half()).all():
        return half.contiguous()
    return column.contiguous()


def add_metrics(name_or_folder: str | Path, metrics: Mapping[str, Metric]) -> AnyCard:
    """Add metrics to a card, without replacing existing ones; return the card."""
    card = load_card(name_or_folder)
    card = card.model_copy(update={"metrics": {**metrics, **card.metrics}})
    _write_card(locate(name_or_folder), card)
    return card


def content_hash(content: bytes) -> str:
    """Return the SHA-256 of bytes, shortened to 16 hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()[:_HASH_LENGTH]


def _read(path: Path, *, limit: int | None = None) -> bytes:
    limit = MAX_BYTES if limit is None else limit
    try:
        with path.open("rb") as file:
            check_size(path.name, os.fstat(file.fileno()).st_size, limit)
            return file.read(limit)
    except OSError as error:
        raise CheckpointError(f"{path.name} cannot be read: {error.strerror}") from error


def check_size(name: str, size: int, limit: int) -> None:
    """Raise CheckpointError if a file is larger than ``limit`` bytes."""
    if size > limit:
        raise CheckpointError(
            f"{name} is larger than the {max(limit, 0) / 2**20:.1f} MB allowed here"
        )


def parsed(kind: type[C], content: bytes) -> C:
    """Parse a card; raise CheckpointError if it is not of this kind, or of a newer format."""
    try:
        card = kind.from_json(content)
    except ConfigError as error:
        raise CheckpointError(f"{CARD}: {error}") from error
    if card.format_version > FORMAT_VERSION:
        raise CheckpointError(
            f"{CARD}: format_version {card.format_version} is newer than {FORMAT_VERSION}, "
            "the newest that this version of Latent Explorer reads"
        )
    return card


def _write_card(folder: Path, card: AnyCard | BoltzmannCard) -> None:
    write_atomically(folder / CARD, written(card))


def written(card: AnyCard | BoltzmannCard) -> bytes:
    """Return a card as the content of its file."""
    return (card.model_dump_json(indent=2) + "\n").encode()


def _shapes(config: ModelConfig | BoltzmannConfig) -> dict[str, tuple[int, ...]]:
    """Return the shapes of a model's weights, without allocating them."""
    if isinstance(config, BoltzmannConfig):
        return boltzmann.shapes(config)
    with torch.device("meta"):
        return {name: tuple(p.shape) for name, p in build(config).state_dict().items()}


def weights_limit(card: AnyCard | BoltzmannCard) -> int:
    """Return the maximum size in bytes of a weights file, with its header, even of float64."""
    if isinstance(card, ImportedCard):
        numbers = card.parameters + MAX_FILE // DOUBLE_BYTES
    else:
        numbers = sum(math.prod(shape) for shape in _shapes(card.model).values())
    return min(MAX_BYTES, DOUBLE_BYTES * numbers + MAX_HEADER)


def _imported_of(card: ImportedCard, content: bytes) -> ImportedVAE:
    _check_hash(card, content)
    tensors = _tensors(WEIGHTS, content)
    for name, tensor in tensors.items():
        if tensor.dtype != torch.uint8:  # a file's bytes, of which the graph knows
            _check_numbers(WEIGHTS, name, tensor, torch.float32)
    try:
        model = imported.read(card.model, content, tensors)
    except ConfigError as error:
        raise CheckpointError(f"{WEIGHTS}: {error}") from error
    return model.eval().requires_grad_(False)


def _check_hash(card: AnyCard | BoltzmannCard, content: bytes) -> None:
    if card.weights_hash not in ("", content_hash(content)):
        raise CheckpointError(
            f"{WEIGHTS}: the hash of these weights is {content_hash(content)} where {CARD} says "
            f"{card.weights_hash}"
        )


def _weights_of(card: ModelCard | BoltzmannCard, content: bytes) -> dict[str, Tensor]:
    _check_hash(card, content)
    tensors = {
        name: tensor.float() if tensor.dtype == torch.float64 else tensor
        for name, tensor in _tensors(WEIGHTS, content).items()
    }
    check_weights(WEIGHTS, card.model, tensors)
    return tensors


def _check_numbers(file: str, name: str, tensor: Tensor, dtype: torch.dtype) -> None:
    if tensor.dtype != dtype:
        raise CheckpointError(f"{file}: {name} is {tensor.dtype} where {dtype} is needed")
    if not torch.isfinite(tensor).all():
        raise CheckpointError(f"{file}: {name} has values that are not finite")


def _tensors(name: str, content: bytes) -> dict[str, Tensor]:
    header = int.from_bytes(content[:8], "little")
    if header > MAX_HEADER:
        raise CheckpointError(
            f"{name} is not a safetensors file: its header states {header:,} bytes"
        )
    try:
        return safetensors.torch.load(content)
    except (safetensors.SafetensorError, ValueError, KeyError) as error:
        raise CheckpointError(f"{name} is not a safetensors file: {error}") from error
