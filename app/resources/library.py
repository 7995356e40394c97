"""Which models can be opened: bundled, trained and uploaded ones."""

import contextlib
import functools
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from app.address import DEFAULT_MODEL
from app.resources import datasets, examples
from app.resources.cache import LRUCache, TimedCache
from app.resources.opened_model import Opened, OpenedMachine
from vae_core import model_folder, runs
from vae_core.errors import CheckpointError, LatentExplorerError
from vae_core.model_folder import ModelCard, Saved
from vae_core.models import boltzmann

#: Opened models of people's own that are kept, all kinds together.
MAX_UPLOADED_BYTES = 256 * 2**20


@dataclass(frozen=True)
class Listed:
    """A model folder that lies here: where, since when, and of which kind of machine, if of one."""

    folder: Path
    version: int
    kind: str | None


def model_names() -> list[str]:
    """Names of the VAEs that everybody can open: those of the project, then trained ones."""
    return [name for name, one in _all_listed(runs.runs_dir()).items() if one.kind is None]


def machine_names() -> list[str]:
    """Names of the Boltzmann machines that lie beside them."""
    return [name for name, one in _all_listed(runs.runs_dir()).items() if one.kind is not None]


def _list(root: Path) -> dict[str, Listed]:
    found: dict[str, Listed] = {}
    for lies_in in (model_folder.PRETRAINED, root):
        for name in model_folder.list_models(lies_in):
            card = lies_in / name / model_folder.CARD
            with contextlib.suppress(OSError):  # gone since it was listed
                version = card.stat().st_mtime_ns
                # A name of the project's is the project's.
                found.setdefault(name, Listed(card.parent, version, _kind_in(card, version)))
    return found


_all_listed = TimedCache(_list)


def listed(name: str) -> Listed | None:
    """Find a model by its name, also one that came since all looked; None where there is none."""
    if name not in _all_listed(runs.runs_dir()):
        _all_listed.clear()
    return _all_listed(runs.runs_dir()).get(name)


@functools.lru_cache(maxsize=512)
def _kind_in(card: Path, version: int) -> str | None:
    return model_folder.machine_kind(card.read_bytes())


def open_machine(name: str) -> OpenedMachine | None:
    """Open a Boltzmann machine by the name that the URL carries; None where it is none's.

    Raises
    ------
    CheckpointError
        If its folder is damaged.
    """
    uploaded = _uploads.get(name)
    if uploaded is not None:
        return uploaded if isinstance(uploaded, OpenedMachine) else None
    found = listed(name)
    if found is None or found.kind is None:
        return None
    return _opened_machine(name, found.folder, found.version)


@st.cache_resource(show_spinner=False, max_entries=4)
def _opened_machine(name: str, folder: Path, version: int) -> OpenedMachine | None:
    saved = model_folder.load_machine(folder)
    return None if saved is None else OpenedMachine(name, saved.card.weights_hash, saved)


def open_machine_zip(content: bytes) -> OpenedMachine | None:
    """Open the zipped folder of a Boltzmann machine, in memory; None for another's."""
    saved = model_folder.open_machine_zip(content)
    if saved is None:
        return None
    name = f"file-{model_folder.content_hash(content)}"
    opened = OpenedMachine(name, name, saved)
    _uploads.put(name, opened)
    return opened


def dataset_of(name: str) -> str:
    """Name the data of a model or a machine."""
    machine = open_machine(name)
    return card(name).dataset if machine is None else machine.saved.card.dataset


def open_model(name: str) -> Opened:
    """Open a model by the name that the URL carries.

    Raises
    ------
    CheckpointError
        If there is none, or its folder is damaged.
    """
    uploaded = _uploads.get(name)
    if isinstance(uploaded, Opened):
        return uploaded
    found = listed(name)
    if found is None or found.kind is not None:
        names = ", ".join(model_names())
        raise CheckpointError(f"There is no model {name!r} here; there are {names}.")
    return _opened(name, str(found.folder), _card_in(found.folder, found.version).weights_hash)


def open_zip(content: bytes) -> Opened:
    """Open a zipped model folder; it stays in memory, under its content hash.

    Raises
    ------
    CheckpointError
        If it is no such zip.
    """
    name = f"file-{model_folder.content_hash(content)}"
    uploaded = _uploads.get(name)
    if isinstance(uploaded, Opened):
        return uploaded
    opened = Opened(name=name, hash=name, saved=model_folder.open_zip(content))
    _uploads.put(name, opened)
    return opened


def describe(name: str) -> str:
    """One line about a model: data, size of z and its bound with its kind."""
    if machine := open_machine(name):
        what = boltzmann.KINDS[machine.saved.card.kind].removeprefix("a ")
        layers = "–".join(map(str, machine.saved.card.model.hidden))
        return f"{machine.saved.card.dataset} · {what} · hidden units {layers}"
    about = card(name)
    parts = [about.dataset, f"z of {about.model.latent_dim}"]
    if elbo := about.metrics.get("elbo"):
        bound = f"{-elbo.value:,.1f}".replace("-", "−")
        parts.append(f"test −ELBO {bound} nats ({elbo.kind})")
    return " · ".join(parts)


def title(name: str) -> str:
    """Name a model as people read it."""
    uploaded = _uploads.get(name)
    return name if uploaded is None else uploaded.saved.card.name


def card(name: str) -> ModelCard:
    """Read who a model is, without its weights."""
    uploaded = _uploads.get(name)
    return uploaded.card if isinstance(uploaded, Opened) else _card(name)


def _size(uploaded: Opened | OpenedMachine) -> int:
    """Bytes of a model's weights and codes."""
    if isinstance(uploaded, OpenedMachine):
        layers = uploaded.saved.machine.layers
        return sum(tensor.nbytes for layer in layers for tensor in vars(layer).values())
    tensors = [*uploaded.model.state_dict().values(), *uploaded.codes.tensors().values()]
    return sum(tensor.nbytes for tensor in tensors)


_uploads: LRUCache[Opened | OpenedMachine] = LRUCache(MAX_UPLOADED_BYTES, size=_size)


def _card(name: str) -> ModelCard:
    found = listed(name)
    if found is None:
        return model_folder.load_card(runs.runs_dir() / name)  # says what is missing
    return _card_in(found.folder, found.version)


@functools.lru_cache(maxsize=512)
def _card_in(folder: Path, version: int) -> ModelCard:
    return model_folder.load_card(folder)


@st.cache_resource(show_spinner=False, max_entries=8)
def _opened(name: str, lies_in: str, weights_hash: str) -> Opened:
    folder = Path(lies_in)
    saved = Saved(
        card=model_folder.load_card(folder),
        model=model_folder.load_model(folder),
        codes=model_folder.load_codes(folder),
    )
    return Opened(name=name, hash=weights_hash, saved=saved)


def preload() -> None:
    """Load the default model and its pictures before the first visitor asks for them."""
    try:
        opened = open_model(DEFAULT_MODEL if DEFAULT_MODEL in model_names() else model_names()[0])
        examples.originals(opened)
        datasets.outline("digits")  # what the Train page offers where there is nothing else
    except (IndexError, LatentExplorerError):
        return  # the page itself says what is wrong
