"""Find and open models: bundled, trained and uploaded ones."""

import contextlib
import functools
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

import streamlit as st

from app import MODEL_VARIABLE, words
from app.address import DEFAULT_MODEL
from app.resources import datasets, examples
from app.resources.cache import LRUCache, TimedCache
from app.resources.opened_model import Opened, OpenedMachine
from vae_core import model_folder, runs
from vae_core.errors import CheckpointError, LatentExplorerError
from vae_core.model_folder import AnyCard
from vae_core.models import boltzmann

#: Limit of uploaded models in memory, all together.
MAX_UPLOADED_BYTES = 256 * 2**20
#: Follows the name of a trained model that a bundled one has too: links to both stay apart.
TRAINED = "-trained"


@dataclass(frozen=True)
class Folder:
    """A model folder on this host.

    Attributes
    ----------
    path : Path
    version : int
        Time of the card's last change, in nanoseconds.
    machine_kind : str or None
        Kind of a Boltzmann machine; None for a VAE.
    """

    path: Path
    version: int
    machine_kind: str | None


def _list_folders(root: Path) -> dict[str, Folder]:
    requested = os.environ.get(MODEL_VARIABLE)
    folders = [Path(requested)] if requested else []
    for parent in (model_folder.PRETRAINED, root):
        folders += [parent / name for name in model_folder.list_models(parent)]
    found: dict[str, Folder] = {}
    for folder in folders:  # the first of a name keeps it: the requested one, then bundled ones
        name = name_of_trained(folder) if folder.parent == root else folder.name
        card = folder / model_folder.CARD
        with contextlib.suppress(OSError):  # deleted since it was listed
            version = card.stat().st_mtime_ns
            found.setdefault(name, Folder(folder, version, _machine_kind(card, version)))
    return found


def link() -> str:
    """Return the query that opens the model of `MODEL_VARIABLE`; empty without one."""
    requested = os.environ.get(MODEL_VARIABLE)
    return f"?{urlencode({'model': Path(requested).name})}" if requested else ""


_folders = TimedCache(_list_folders)


@functools.lru_cache(maxsize=512)
def _machine_kind(card: Path, version: int) -> str | None:
    return model_folder.machine_kind(card.read_bytes())


def model_names() -> list[str]:
    """Return the names of the VAEs on this host: bundled ones, then trained ones."""
    return [name for name, one in _folders(runs.runs_dir()).items() if one.machine_kind is None]


def machine_names() -> list[str]:
    """Return the names of the Boltzmann machines on this host."""
    return [name for name, one in _folders(runs.runs_dir()).items() if one.machine_kind is not None]


def name_of_trained(folder: Path) -> str:
    """Return the name by which the model of a run is opened."""
    taken = folder.name in model_folder.list_models(model_folder.PRETRAINED)
    return folder.name + TRAINED if taken else folder.name


def find(name: str) -> Folder | None:
    """Return the model folder of this name, also if it was written a moment ago, or None."""
    if name not in _folders(runs.runs_dir()):
        _folders.clear()
    return _folders(runs.runs_dir()).get(name)


def open_model(name: str) -> Opened:
    """Open the VAE with this name in the URL.

    Raises
    ------
    CheckpointError
        If there is none, or its folder is damaged.
    """
    uploaded = _uploads.get(name)
    if isinstance(uploaded, Opened):
        return uploaded
    found = find(name)
    if found is None or found.machine_kind is not None:
        names = ", ".join(model_names())
        raise CheckpointError(f"There is no model {name!r} here. Available: {names}.")
    return _open_model(name, found.path, _read_card(found.path, found.version).key)


@st.cache_resource(show_spinner=False, max_entries=8)
def _open_model(name: str, folder: Path, key: str) -> Opened:
    return Opened(name=name, hash=key, saved=model_folder.open_folder(folder))


def open_machine(name: str) -> OpenedMachine | None:
    """Open the Boltzmann machine with this name, or return None if it is not one.

    Raises
    ------
    CheckpointError
        If its folder is damaged.
    """
    uploaded = _uploads.get(name)
    if uploaded is not None:
        return uploaded if isinstance(uploaded, OpenedMachine) else None
    found = find(name)
    if found is None or found.machine_kind is None:
        return None
    return _open_machine(name, found.path, found.version)


@st.cache_resource(show_spinner=False, max_entries=4)
def _open_machine(name: str, folder: Path, version: int) -> OpenedMachine | None:
    saved = model_folder.load_machine(folder)
    return None if saved is None else OpenedMachine(name, saved.card.weights_hash, saved)


def open_zip(content: bytes) -> Opened | OpenedMachine:
    """Open a zipped model folder in memory, named by its content hash.

    Raises
    ------
    CheckpointError
        If it is not a zipped model folder.
    """
    name = f"file-{model_folder.content_hash(content)}"
    opened = _uploads.get(name)
    if opened is None:
        machine = model_folder.open_machine_zip(content)
        if machine is not None:
            opened = OpenedMachine(name, name, machine)
        else:
            opened = Opened(name=name, hash=name, saved=model_folder.open_zip(content))
        _uploads.put(name, opened)
    return opened


def _size(uploaded: Opened | OpenedMachine) -> int:
    """Return the bytes of a model's weights and codes."""
    if isinstance(uploaded, OpenedMachine):
        layers = uploaded.saved.machine.layers
        return sum(tensor.nbytes for layer in layers for tensor in vars(layer).values())
    tensors = [*uploaded.model.state_dict().values(), *uploaded.codes.tensors().values()]
    if uploaded.saved.pictures is not None:
        tensors.append(uploaded.saved.pictures)
    return sum(tensor.nbytes for tensor in tensors)


_uploads: LRUCache[Opened | OpenedMachine] = LRUCache(MAX_UPLOADED_BYTES, size=_size)


def card(name: str) -> AnyCard:
    """Return the card of a VAE, without loading its weights.

    Raises
    ------
    CheckpointError
        If there is no such model, or its card is damaged.
    """
    uploaded = _uploads.get(name)
    if isinstance(uploaded, Opened):
        return uploaded.card
    found = find(name)
    if found is None:
        return model_folder.load_card(runs.runs_dir() / name)  # raises, naming what is missing
    return _read_card(found.path, found.version)


@functools.lru_cache(maxsize=512)
def _read_card(folder: Path, version: int) -> AnyCard:
    return model_folder.load_card(folder)


def dataset_of(name: str) -> str:
    """Return the name of a model's dataset."""
    machine = open_machine(name)
    return card(name).dataset if machine is None else machine.saved.card.dataset


def title(name: str) -> str:
    """Return a model's name as pages show it."""
    return titles([name])[name]


def titles(names: Iterable[str]) -> dict[str, str]:
    """Return models' names as pages show them, by name; many cost little more than one."""
    folders = _folders(runs.runs_dir())
    shown = {}
    for name in names:
        uploaded = _uploads.get(name)
        found = None if uploaded else folders.get(name) or find(name)
        if uploaded is not None:
            shown[name] = uploaded.saved.card.name
        elif found is None or found.path.name == name:
            shown[name] = name
        else:
            shown[name] = f"{found.path.name} (trained here)"
    return shown


def describe(name: str) -> str:
    """Describe a model in one line: data, latent dimensions, and −ELBO with its kind."""
    if machine := open_machine(name):
        kind = boltzmann.KINDS[machine.saved.card.kind].removeprefix("a ")
        layers = "–".join(map(str, machine.saved.card.model.hidden))
        return f"{datasets.title(machine.saved.card.dataset)} · {kind} · hidden units {layers}"
    about = card(name)
    parts = [datasets.title(about.dataset), words.dimensions(about.model.latent_dim)]
    if elbo := about.metrics.get("elbo"):
        parts.append(f"test −ELBO {words.number(-elbo.value)} nats ({elbo.kind})")
    return " · ".join(parts)


def preload() -> None:
    """Load the default model, its images and the digits dataset before the first session."""
    with contextlib.suppress(IndexError, LatentExplorerError):  # the page will show the error
        opened = open_model(DEFAULT_MODEL if DEFAULT_MODEL in model_names() else model_names()[0])
        examples.originals(opened)
        datasets.without_pixels(
            datasets.Reading("digits")
        )  # the Train page's dataset without any other
