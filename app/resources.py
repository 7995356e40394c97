"""What is loaded once and shared by all sessions: models, codes, original pictures, neighbours.

This module alone caches. Keys are names and content hashes, never arrays: a retrained model has a
new hash, so nothing stale is ever shown. What comes from here is shared and must not be changed.
"""

import contextlib
import dataclasses
import functools
import math
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np
import streamlit as st
import torch
from numpy.typing import NDArray

from app import figures, routes
from app.address import DEFAULT_MODEL, Facts, Selection, plane_axes
from app.routes import Asset
from app.shelf import Shelf
from vae_core import (
    checkpoints,
    data,
    evaluation,
    images,
    latents,
    machines,
    objectives,
    runs,
    studies,
)
from vae_core.checkpoints import Codes, ModelCard, Saved, SavedMachine
from vae_core.config import ModelConfig, TrainConfig
from vae_core.distributions import LIKELIHOODS, GaussianMixture, LabelGaussian
from vae_core.errors import CheckpointError, DatasetError, LatentExplorerError
from vae_core.formats import bundles, html
from vae_core.images import Prepared
from vae_core.machines import MachineCodes
from vae_core.models import VAE, boltzmann

#: Opened models of people's own that are kept, all kinds together.
MAX_UPLOADED_BYTES = 256 * 2**20
#: Pixels of a step's picture, on its longer side.
STEP_SIDE = 112
ORIGINAL, RECONSTRUCTION = "originals", "reconstructions"
#: Draws of z for an uploaded picture's distortion.
DISTORTION_SAMPLES = 64
#: A model of more labels is not asked which of them explains a picture best.
MOST_COMPARED = 32

Floats = NDArray[np.float32]
Ids = NDArray[np.int64]
T = TypeVar("T")


@dataclass(frozen=True)
class Moments:
    """Mean and standard deviation of each latent dimension under a prior, (latent_dim,)."""

    mu: Floats
    sigma: Floats


@dataclass(frozen=True)
class Opened:
    """A model that is open, with its encoded test set.

    Attributes
    ----------
    name : str
        As in the URL.
    hash : str
        Content hash, of the weights or of the whole zip of an uploaded model, whose codes may be
        anything: the key of everything that is cached about the model.
    in_training : bool
        Whether another one takes its place in a moment.
    """

    name: str
    hash: str
    saved: Saved
    in_training: bool = False

    @property
    def card(self) -> ModelCard:
        """Who the model is."""
        return self.saved.card

    @property
    def model(self) -> VAE:
        """The network, in eval mode."""
        return self.saved.model

    @property
    def codes(self) -> Codes:
        """The encoded test set."""
        return self.saved.codes

    @property
    def latent_dim(self) -> int:
        """Length of a code."""
        return self.card.model.latent_dim

    @cached_property
    def class_names(self) -> tuple[str, ...]:
        """Names of the labels 0, 1, …; empty without labels."""
        if self.codes.labels is None:
            return ()
        count = int(self.codes.labels.max()) + 1
        return self.card.classes or tuple(str(label) for label in range(count))

    @cached_property
    def given_names(self) -> tuple[str, ...]:
        """Names of the labels that the model is given; empty for one that takes none."""
        config = self.card.model
        if not config.takes_labels:
            return ()
        named = len(self.card.classes) == config.classes
        return self.card.classes if named else tuple(map(str, range(config.classes)))

    def given(self, rows: Ids | slice) -> torch.Tensor | None:
        """Labels of examples, by row, that the model is given; None for one that takes none."""
        if not self.card.model.takes_labels:
            return None
        labels = self.codes.labels
        if labels is None:  # a folder from elsewhere may lack them
            labels = torch.zeros(len(self.codes.ids), dtype=torch.int64)
        return labels[rows]

    @cached_property
    def decoder(self) -> Asset:
        """The decoder's weights, as browsers run it."""
        return Asset(bundles.network_bundle(self.model, parts=("decoder",)), "decoder.bin")

    @cached_property
    def encoder(self) -> Asset:
        """The encoder's weights, which the drawing pad needs."""
        return Asset(bundles.network_bundle(self.model, parts=("encoder",)), "encoder.bin")

    @cached_property
    def bundle(self) -> Asset:
        """The encoded test set."""
        return Asset(bundles.codes_bundle(self.codes), "codes.bin")

    @cached_property
    @torch.inference_mode()
    def kl(self) -> Floats:
        """Mean KL of each latent dimension over the encoded set, in nats."""
        prior = self.model.prior_given(self.given(slice(None)))
        kl: Floats = evaluation.kl_per_dim(self.codes.mu, self.codes.logvar, prior).numpy()
        return kl

    @cached_property
    def active(self) -> NDArray[np.bool_]:
        """Which latent dimensions carry information."""
        active: NDArray[np.bool_] = evaluation.active_units(self.codes.mu).numpy()
        return active

    @cached_property
    @torch.inference_mode()
    def moments(self) -> tuple[Moments, ...]:
        """Moments of p(z): one, or one for each label where the prior differs by label."""
        if self.card.model.prior == "label":
            labels = torch.arange(len(self.given_names))
            given = self.model.prior_given(labels)
            assert isinstance(given, LabelGaussian)
            sigma = given.given.logvar.exp().sqrt().numpy()
            return tuple(map(Moments, given.given.mu.numpy(), sigma))
        prior = self.model.prior_given(None)
        if not isinstance(prior, GaussianMixture):
            size = self.latent_dim
            return (Moments(np.zeros(size, np.float32), np.ones(size, np.float32)),)
        share = prior.logits.softmax(0)[:, None]
        mu = (share * prior.mu).sum(0)
        variance = (share * (prior.logvar.exp() + prior.mu.square())).sum(0) - mu.square()
        return (Moments(mu.numpy(), variance.sqrt().numpy()),)

    @cached_property
    def row(self) -> Mapping[int, int]:
        """Row of each example's id in `codes`."""
        return {int(i): row for row, i in enumerate(self.codes.ids.tolist())}

    def rows(self, ids: Sequence[int] | Ids) -> Ids:
        """Rows of several ids, in their order."""
        return np.array([self.row[int(i)] for i in ids], dtype=np.int64)

    def label(self, example: int) -> str | None:
        """Name an example's class; None without labels."""
        if self.codes.labels is None:
            return None
        return self.class_names[int(self.codes.labels[self.row[example]])]


@dataclass(frozen=True)
class Pictures:
    """Images of some examples, and what they are.

    Attributes
    ----------
    images : uint8 (n, c, h, w)
    kind : str
        `ORIGINAL` or `RECONSTRUCTION`.
    """

    images: NDArray[np.uint8]
    kind: str


@dataclass(frozen=True)
class Neighbours:
    """The examples nearest to one point in one space, nearest first."""

    ids: Ids
    distances: Floats
    space: str


@dataclass(frozen=True)
class Encoding:
    """What a model makes of one picture.

    Attributes
    ----------
    x, reconstruction : float32 (c, h, w)
    mu, logvar : float32 (latent_dim,)
    rate, distortion : float
        In nats; the distortion is a mean over `DISTORTION_SAMPLES` draws of z.
    y : int or None
        The label that the model was given with it.
    share_below : float
        Share of the encoded test set with a smaller distortion.
    """

    x: Floats
    reconstruction: Floats
    mu: Floats
    logvar: Floats
    rate: float
    distortion: float
    share_below: float
    y: int | None = None

    @property
    def loss(self) -> float:
        """−ELBO in nats."""
        return self.rate + self.distortion


def cache_key(opened: Opened) -> str:
    """Return what the caches know a model by: its name and hash."""
    return opened.hash


@dataclass(frozen=True)
class OpenedMachine:
    """A Boltzmann machine that is open.

    Attributes
    ----------
    name : str
        As in the URL.
    hash : str
        Content hash of the weights.
    """

    name: str
    hash: str
    saved: SavedMachine


@dataclass(frozen=True)
class MachineSet:
    """The test pictures that a machine is shown on, their codes, and where a browser finds both.

    Attributes
    ----------
    row : mapping of int to int
        Row of each example's id.
    """

    images: NDArray[np.uint8]
    codes: MachineCodes
    row: Mapping[int, int]
    bundle: Asset
    sheet: Asset

    @property
    def address(self) -> str:
        """Of the codes."""
        return routes.publish(self.bundle)

    @property
    def sprite(self) -> str:
        """Of the pictures."""
        return routes.publish(self.sheet)


class Look(Generic[T]):
    """What lies in a folder on the disk, looked at once a second for all sessions.

    Sessions ask many times in a run of the script. Each call of the system hands the interpreter
    to another session, and Streamlit's caches cost more than such a look holds.
    """

    def __init__(self, look: Callable[[Path], T], *, seconds: float = 1.0) -> None:
        self._look, self._seconds = look, seconds
        self._found: tuple[Path, float, T] | None = None
        self._lock = threading.Lock()

    def __call__(self, folder: Path) -> T:
        """Return what was found in the last second, or look."""
        with self._lock:
            now = time.monotonic()
            if self._found is None or self._found[0] != folder or self._found[1] <= now:
                self._found = (folder, now + self._seconds, self._look(folder))
            return self._found[2]

    def again(self) -> None:
        """Let the next one who asks look: something has been done there."""
        with self._lock:
            self._found = None


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
    for lies_in in (checkpoints.PRETRAINED, root):
        for name in checkpoints.list_models(lies_in):
            card = lies_in / name / checkpoints.CARD
            with contextlib.suppress(OSError):  # gone since it was listed
                version = card.stat().st_mtime_ns
                # A name of the project's is the project's.
                found.setdefault(name, Listed(card.parent, version, _kind_in(card, version)))
    return found


_all_listed = Look(_list)


def listed(name: str) -> Listed | None:
    """Find a model by its name, also one that came since all looked; None where there is none."""
    if name not in _all_listed(runs.runs_dir()):
        _all_listed.again()
    return _all_listed(runs.runs_dir()).get(name)


@functools.lru_cache(maxsize=512)
def _kind_in(card: Path, version: int) -> str | None:
    return checkpoints.machine_kind(card.read_bytes())


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
    saved = checkpoints.load_machine(folder)
    return None if saved is None else OpenedMachine(name, saved.card.weights_hash, saved)


def open_machine_zip(content: bytes) -> OpenedMachine | None:
    """Open the zipped folder of a Boltzmann machine, in memory; None for another's."""
    saved = checkpoints.open_machine_zip(content)
    if saved is None:
        return None
    name = f"file-{checkpoints.content_hash(content)}"
    opened = OpenedMachine(name, name, saved)
    _uploads.put(name, opened)
    return opened


def machine_decoder_address(opened: OpenedMachine) -> str:
    """Return the address of a machine's way from codes to pictures."""
    return routes.publish(_machine_network(opened.hash, opened.saved))


@st.cache_resource(show_spinner=False, max_entries=4)
def _machine_network(key: str, _saved: SavedMachine) -> Asset:
    return Asset(machines.machine_bundle(_saved.machine), "machine.bin")


def machine_set(opened: OpenedMachine) -> MachineSet | None:
    """Encode test pictures by a machine; None where they are not at hand, or of another shape."""
    name = opened.saved.card.dataset
    if not any(status.name == name and status.present for status in datasets()):
        return None
    try:
        found = _machine_set(opened.hash, name, opened.saved)
    except LatentExplorerError:  # a damaged file, or pictures of another shape
        return None
    return found


@st.cache_resource(show_spinner="Encoding the test set…", max_entries=4)
def _machine_set(key: str, dataset: str, _saved: SavedMachine) -> MachineSet:
    first = first_pictures(dataset)
    codes = machines.encode(_saved.machine, first)
    sprite = bundles.sprite_bundle(first.ids, first.images)
    return MachineSet(
        images=first.images.numpy(),
        codes=codes,
        row={int(i): row for row, i in enumerate(first.ids.tolist())},
        bundle=Asset(machines.machine_codes_bundle(codes), "codes.bin"),
        sheet=Asset(sprite, "originals.bin"),
    )


@st.cache_data(show_spinner="Running the chains…", max_entries=32)
def machine_samples(key: str, _saved: SavedMachine, n: int, seed: int) -> NDArray[np.uint8]:
    """Mean pictures at the ends of Gibbs chains, uint8 (n, c, h, w)."""
    generator = torch.Generator().manual_seed(seed)
    with torch.inference_mode():
        drawn = _saved.machine.sample(n, generator=generator)
    levels: NDArray[np.uint8] = drawn.mul(255).round().to(torch.uint8).numpy()
    return levels


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
    name = f"file-{checkpoints.content_hash(content)}"
    uploaded = _uploads.get(name)
    if isinstance(uploaded, Opened):
        return uploaded
    opened = Opened(name=name, hash=name, saved=checkpoints.open_zip(content))
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


_uploads: Shelf[Opened | OpenedMachine] = Shelf(MAX_UPLOADED_BYTES, size=_size)


def _card(name: str) -> ModelCard:
    found = listed(name)
    if found is None:
        return checkpoints.load_card(runs.runs_dir() / name)  # says what is missing
    return _card_in(found.folder, found.version)


@functools.lru_cache(maxsize=512)
def _card_in(folder: Path, version: int) -> ModelCard:
    return checkpoints.load_card(folder)


@st.cache_resource(show_spinner=False, max_entries=8)
def _opened(name: str, lies_in: str, weights_hash: str) -> Opened:
    folder = Path(lies_in)
    saved = Saved(
        card=checkpoints.load_card(folder),
        model=checkpoints.load_model(folder),
        codes=checkpoints.load_codes(folder),
    )
    return Opened(name=name, hash=weights_hash, saved=saved)


def facts(opened: Opened) -> Facts:
    """State what a session's state must fit."""
    projections = ["axes"]
    if opened.latent_dim > 2:
        maps = [name for name in ("pca", "tsne") if name in opened.codes.projections]
        projections = [*maps, "axes"]
    if opened.latent_dim == 3:
        projections.append("3d")
    return Facts(
        latent_dim=opened.latent_dim,
        projections=tuple(projections),
        has_id=opened.row.__contains__,
        has_labels=opened.codes.labels is not None,
        classes=len(opened.given_names),
    )


def coordinates(opened: Opened, plane: str) -> Floats:
    """Where the examples lie on a plane of the map, (n, 2)."""
    axes = plane_axes(plane)
    if axes is not None and opened.latent_dim == 1:
        labels = None if opened.codes.labels is None else opened.codes.labels.numpy()
        return latents.along_line(opened.codes.mu.numpy(), opened.codes.ids.numpy(), labels)
    points = opened.codes.projections[plane] if axes is None else opened.codes.mu[:, list(axes)]
    array: Floats = points.numpy()
    return array


def colouring(opened: Opened, colour: str) -> NDArray[np.int64] | Floats:
    """Return the labels, or the rate or distortion in nats, of the encoded set."""
    columns = {
        "label": opened.codes.labels,
        "rate": opened.codes.rate,
        "distortion": opened.codes.distortion,
    }
    column = columns[colour]
    assert column is not None, "a state that fits its model colours by what the model has"
    values: NDArray[np.int64] | Floats = column.numpy()
    return values


def kind(opened: Opened) -> str:
    """Name the kind of the model's figures: grey, dynamic, static, threshold or continuous."""
    elbo = opened.card.metrics.get("elbo")
    return elbo.kind if elbo else kind_of_pixels(opened.card.model, opened.card.training)


def kind_of_pixels(model: ModelConfig, training: TrainConfig) -> str:
    """Name the kind of pixels that a training's figures are of."""
    target = LIKELIHOODS[model.likelihood].kind
    return training.tested_on if target == "binary" else target


def selected(opened: Opened, selection: Selection | None) -> Ids:
    """Ids of the examples inside a selection."""
    if selection is None:
        return np.empty(0, dtype=np.int64)
    polygon = np.array(selection.polygon, dtype=np.float32)
    inside = latents.inside_polygon(coordinates(opened, selection.plane), polygon)
    ids: Ids = opened.codes.ids.numpy()[inside]
    return ids


def pinned_y(opened: Opened, y: int | None, pinned_id: int | None) -> int | None:
    """Return the label that the model is given: y itself, else the pinned example's, else 0.

    None for a model that takes none.
    """
    if not opened.given_names:
        return None
    if y is not None:
        return y
    if pinned_id is None:
        return 0
    labels = opened.given(slice(None))
    assert labels is not None, "a model that takes labels has them"
    return int(labels[opened.row[pinned_id]])


def pinned_z(
    opened: Opened, z: tuple[float, ...] | None, pinned_id: int | None, y: int | None = None
) -> Floats:
    """Return the pinned code: z itself, else the pinned example's mean, else that of p(z|y)."""
    if z is not None:
        return np.array(z, dtype=np.float32)
    if pinned_id is not None:
        mu: Floats = opened.codes.mu[opened.row[pinned_id]].numpy()
        return mu
    return prior_moments(opened, pinned_y(opened, y, pinned_id)).mu


def prior_moments(opened: Opened, y: int | None) -> Moments:
    """Return the moments of p(z), or of p(z|y) where the prior differs by label."""
    return opened.moments[0 if y is None or len(opened.moments) == 1 else y]


# Pictures: originals where the data is at hand, reconstructions where it is not.


def missing_dataset(name: str) -> data.DatasetStatus | None:
    """Return the status of a known dataset that is not here; None when it is, or is unknown."""
    for status in datasets():
        if status.name == name:
            return None if status.present else status
    return None


def download(name: str, progress: Callable[[int, int], None]) -> None:
    """Fetch a dataset and forget that it was missing."""
    data.download(name, progress=progress)
    _datasets.again()


@st.cache_resource(show_spinner=False, max_entries=4)
def _test_images(dataset: str) -> tuple[NDArray[np.uint8], dict[int, int]]:
    split = data.load_dataset(dataset).test
    return split.images.numpy(), {int(i): row for row, i in enumerate(split.ids.tolist())}


def originals(opened: Opened) -> tuple[NDArray[np.uint8], dict[int, int]] | None:
    """Load the original test images and the row of each id; None without the dataset."""
    known = {status.name: status.present for status in datasets()}
    name = opened.card.dataset
    if not known.get(name, False):
        return None
    try:
        loaded = _test_images(name)
    except DatasetError:  # a damaged file: reconstructions are shown, and say so
        return None
    if loaded[0].shape[1:] != opened.card.model.image_shape:
        return None
    return loaded if opened.row.keys() <= loaded[1].keys() else None


def pictures(opened: Opened, ids: Sequence[int] | Ids) -> Pictures:
    """Images of examples, in the order of `ids`."""
    originals = originals(opened)
    if originals is None:
        rows = opened.rows(ids)
        images = decoded(opened, opened.codes.mu[rows], opened.given(rows))
        return Pictures(images, RECONSTRUCTION)
    all_images, row = originals
    return Pictures(all_images[[row[int(i)] for i in ids]], ORIGINAL)


@torch.inference_mode()
def decoded(
    opened: Opened, z: torch.Tensor | Floats, y: torch.Tensor | int | None = None
) -> NDArray[np.uint8]:
    """Mean images of codes (n, latent_dim), uint8 (n, c, h, w).

    `y`, one label or one for each code, is for a model that takes labels.
    """
    codes = torch.as_tensor(z)
    if isinstance(y, int):
        y = torch.full((len(codes),), y)
    mean = opened.model.decode(codes, y).mean
    levels: NDArray[np.uint8] = mean.mul(255).round().to(torch.uint8).numpy()
    return levels


# Bytes that browsers fetch once, by address


def decoder_address(opened: Opened) -> str:
    """Return the address of the decoder's weights."""
    return _published(opened, opened.decoder)


def encoder_address(opened: Opened) -> str:
    """Return the address of the encoder's weights, which the drawing pad needs."""
    return _published(opened, opened.encoder)


def codes_address(opened: Opened) -> str:
    """Return the address of the encoded set."""
    return _published(opened, opened.bundle)


def sprite_address(opened: Opened) -> str | None:
    """Return the address of the original pictures, None where they are not at hand."""
    return None if originals(opened) is None else routes.publish(_sprite(opened))


def _published(opened: Opened, asset: Asset) -> str:
    return routes.publish(asset, passing=opened.in_training)


@st.cache_resource(show_spinner=False, max_entries=4, hash_funcs={Opened: cache_key})
def _sprite(opened: Opened) -> Asset:
    originals = torch.from_numpy(pictures(opened, opened.codes.ids.numpy()).images)
    return Asset(bundles.sprite_bundle(opened.codes.ids, originals), "originals.bin")


def standalone_page(opened: Opened) -> bytes:
    """Return the model as one HTML page that needs no server, with its replay if it has one."""
    found = listed(opened.name)
    folder = checkpoints.PRETRAINED if found is None else found.folder
    try:
        version = (folder / runs.REPLAY).stat().st_mtime_ns
    except FileNotFoundError:
        version = 0
    return _standalone_page(opened, folder, version)


# By folder too: a card from elsewhere may say other things of the same weights.
@st.cache_resource(show_spinner=False, max_entries=4, hash_funcs={Opened: cache_key})
def _standalone_page(opened: Opened, folder: Path, replay_version: int) -> bytes:
    replay = runs.read_replay(folder)
    film = None if replay is None else runs.replay_bundles.small_bundle(replay, opened.card.model)
    return html.page(opened.saved, film=film)


# Neighbours


@st.cache_data(show_spinner=False, max_entries=256, hash_funcs={Opened: cache_key})
def neighbours(opened: Opened, example: int, k: int) -> tuple[Neighbours, Neighbours]:
    """Return the `k` examples nearest to one of them, in latent and in pixel space."""
    everyone = opened.codes.ids.numpy()
    mu: Floats = opened.codes.mu.numpy()
    row = opened.row[example]
    seen, norms = _all_pictures(opened, originals(opened) is not None)
    pixels = evaluation.nearest_images(seen[row : row + 1] / 255, seen, k=k + 1, norms=norms)
    spaces = {
        "latent space": latents.nearest(mu[row], mu, k + 1),
        "pixel space": (pixels.rows[0].numpy(), pixels.distances[0].numpy()),
    }
    found = []
    for space, (rows, distances) in spaces.items():
        others = rows != row
        found.append(Neighbours(everyone[rows[others]][:k], distances[others][:k], space))
    return found[0], found[1]


@st.cache_resource(show_spinner=False, max_entries=2, hash_funcs={Opened: cache_key})
def _all_pictures(opened: Opened, originals: bool) -> tuple[torch.Tensor, torch.Tensor]:
    """Pictures of the encoded set, (n, c, h, w), and what every search of them needs."""
    seen = torch.from_numpy(pictures(opened, opened.codes.ids.numpy()).images)
    return seen, evaluation.squared_norms(seen)


def nearest_codes(opened: Opened, mu: Floats, k: int) -> Neighbours:
    """Return the `k` examples whose codes are nearest to `mu`."""
    rows, distances = latents.nearest(mu, opened.codes.mu.numpy(), k)
    return Neighbours(opened.codes.ids.numpy()[rows], distances, "latent space")


def typical(opened: Opened, label: int) -> int:
    """Row of the example of a class whose code is nearest to the class's mean."""
    assert opened.codes.labels is not None, "classes come with labels"
    rows = (opened.codes.labels == label).nonzero()[:, 0]
    mu = opened.codes.mu[rows]
    return int(rows[(mu - mu.mean(0)).norm(dim=1).argmin()])


def kl_per_dim(opened: Opened) -> Floats:
    """Mean KL of each latent dimension over the encoded set, in nats."""
    return opened.kl


def collapse_warning(opened: Opened) -> str | None:
    """Tell posterior collapse in a sentence; None where there is none."""
    return evaluation.collapse_warning(opened.codes.mu, torch.from_numpy(opened.kl))


def active_units(opened: Opened) -> NDArray[np.bool_]:
    """Which latent dimensions carry information."""
    return opened.active


@dataclass(frozen=True)
class TrainingPictures:
    """The training pictures nearest to one, nearest first, and their distances to it."""

    images: NDArray[np.uint8]
    distances: Floats


def training_at_hand(opened: Opened) -> bool:
    """Whether the pictures that the model learnt from are on this machine."""
    name = opened.card.dataset
    return any(status.name == name and status.present for status in datasets())


def nearest_training(opened: Opened, z: Floats, y: int | None, k: int) -> TrainingPictures | None:
    """Return the `k` training pictures nearest to the decoded one; None where the data is unfit."""
    try:
        return _nearest_training(opened, tuple(z.tolist()), y, k)
    except DatasetError:  # a damaged file
        return None


@st.cache_data(show_spinner=False, max_entries=256, hash_funcs={Opened: cache_key})
def _nearest_training(
    opened: Opened, z: tuple[float, ...], y: int | None, k: int
) -> TrainingPictures | None:
    size, seed = opened.card.training.train_size, opened.card.training.seed
    known, norms = _training_pictures(opened.card.dataset, size, 0 if size is None else seed)
    if tuple(known.shape[1:]) != opened.card.model.image_shape:
        return None
    picture = decoded(opened, np.array([z], dtype=np.float32), y)
    query = torch.from_numpy(picture).float() / 255
    found = evaluation.nearest_images(query, known, k=k, norms=norms)
    return TrainingPictures(known[found.rows[0]].numpy(), found.distances[0].numpy())


@st.cache_resource(show_spinner=False, max_entries=2)
def _training_pictures(name: str, size: int | None, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Pictures that a model learnt from, (n, c, h, w), and what every search of them needs."""
    split = data.load_dataset(name).train
    known = (split if size is None else data.subset(split, size, seed=seed)).images
    return known, evaluation.squared_norms(known)


# Uploads: in memory, for as long as the run that shows them


def encode(opened: Opened, x: Floats, *, seed: int, y: int | None = None) -> Encoding:
    """Encode one prepared picture (c, h, w) in [0, 1].

    `y` is the label that a model is given which takes one.
    """
    generator = torch.Generator().manual_seed(seed)
    batch = torch.from_numpy(x)[None]
    label = None if y is None else torch.tensor([y])
    with torch.inference_mode():
        inference = opened.model(batch, y=label, samples=DISTORTION_SAMPLES, generator=generator)
        bound = objectives.elbo(inference)
        reconstruction = opened.model.decode(inference.q.mu, label).mean[0]
    distortion = float(bound.distortion[0])
    return Encoding(
        x=x,
        reconstruction=reconstruction.numpy(),
        mu=inference.q.mu[0].numpy(),
        logvar=inference.q.logvar[0].numpy(),
        rate=float(bound.rate[0]),
        distortion=distortion,
        share_below=float((opened.codes.distortion < distortion).float().mean()),
        y=y,
    )


def by_label(opened: Opened, x: Floats, *, seed: int) -> tuple[Encoding, ...]:
    """Encode one prepared picture under every label that the model is given.

    Empty for a model that takes none, or more than `MOST_COMPARED`.
    """
    digest = checkpoints.content_hash(x.tobytes())
    return _by_label(opened, digest, seed, x)


@st.cache_data(show_spinner=False, max_entries=256, hash_funcs={Opened: cache_key})
def _by_label(opened: Opened, digest: str, seed: int, _x: Floats) -> tuple[Encoding, ...]:
    labels = range(len(opened.given_names))
    if len(labels) > MOST_COMPARED:
        return ()
    # one seed for all, so that they differ by the label alone
    return tuple(encode(opened, _x, seed=seed, y=label) for label in labels)


def best_label(opened: Opened, x: Floats, *, seed: int) -> int | None:
    """Return the label under which a picture's ELBO is highest; None where `by_label` is empty."""
    best = min(by_label(opened, x, seed=seed), key=lambda one: one.loss, default=None)
    return None if best is None else best.y


def prior_draws(opened: Opened, n: int, *, seed: int) -> Floats:
    """Draw `n` codes from p(z), or from p(z|y) of the first label, (n, latent_dim)."""
    generator = torch.Generator().manual_seed(seed)
    with torch.inference_mode():
        y = torch.zeros(n, dtype=torch.int64) if opened.given_names else None
        draws: Floats = opened.model.prior_given(y).sample(n, generator=generator).numpy()
    return draws


def posterior_draws(opened: Opened, encoding: Encoding, n: int, *, seed: int) -> Floats:
    """Draw `n` codes from q(z|x), (n, latent_dim)."""
    eps = np.random.default_rng(seed).standard_normal((n, len(encoding.mu)), dtype=np.float32)
    draws: Floats = encoding.mu + np.exp(0.5 * encoding.logvar) * eps
    return draws


@torch.inference_mode()
def reconstructions(
    opened: Opened, x: Floats, labels: Sequence[int] | None = None
) -> NDArray[np.uint8]:
    """Reconstruct prepared pictures (n, c, h, w) by their posterior means, uint8."""
    y = None if labels is None else torch.tensor(labels)
    return decoded(opened, opened.model.encode(torch.from_numpy(x), y).mu, y)


def prepared(opened: Opened, content: bytes, **switches: bool | None) -> Prepared:
    """Read a picture file and prepare it as the model's data was; steps are of `STEP_SIDE`.

    Raises
    ------
    ImageError
        If it is no picture, too large, or blank.
    """
    shape, dataset = opened.card.model.image_shape, opened.card.dataset
    digest = checkpoints.content_hash(content)
    return _prepared(digest, shape, dataset, tuple(sorted(switches.items())), content)


@st.cache_resource(show_spinner=False, max_entries=64, scope="session")
def _prepared(
    digest: str,
    shape: tuple[int, int, int],
    dataset: str,
    switches: tuple[tuple[str, bool | None], ...],
    _content: bytes,
) -> Prepared:
    picture = images.read_picture(_content)
    found = images.prepare(picture, shape, dataset=dataset, **dict(switches))  # type: ignore[arg-type]
    steps = (
        dataclasses.replace(step, picture=figures.thumbnail(step.picture, STEP_SIDE))
        for step in found.steps
    )
    return dataclasses.replace(found, steps=tuple(steps))  # a hundredth of a photograph's bytes


def positions_address(ids: torch.Tensor, points: torch.Tensor) -> str:
    """Return the address of examples' places (n, 2) on a map."""
    return routes.publish(Asset(bundles.positions_bundle(ids, points), "positions.bin"))


def maps_root() -> Path:
    """Return the folder of the maps that were computed here."""
    return runs.runs_dir() / "maps"


# Trainings


@dataclass(frozen=True)
class Trainings:
    """How all trainings stand.

    Attributes
    ----------
    all : mapping of str to RunStatus
        By the folder's name, oldest first.
    trouble : str
        Why nobody could be given a turn, in a sentence; empty where all is well.
    """

    all: Mapping[str, runs.RunStatus]
    trouble: str


def trainings(root: Path) -> Trainings:
    """Read how all trainings stand, and give those that wait turns; shared by all sessions."""
    return _trainings(root)


def look_again() -> None:
    """Let the next look at the trainings be a new one: something has been done to one."""
    _trainings.again()


def _stand(root: Path) -> Trainings:
    trouble = runs.tend(root)
    return Trainings({one.folder.name: one for one in runs.stands(root)}, trouble)


_trainings = Look(_stand)


#: Seconds for which all who watch a training see the same map and manifold: each costs the server
#: as much as some twenty looks at the curves.
NEW_PICTURES = 2.0
#: Test pictures that the map of a model in training shows: dense layers encode that many in a
#: second, other networks a few.
LIVE_POINTS, FEWER_POINTS = 2_000, 500


def in_training(folder: Path, *, is_still: bool = False) -> Opened | None:
    """Open the model of a run as a checkpoint of the last seconds has it; None before the first.

    Parameters
    ----------
    is_still
        Whether nobody trains it any more: its last checkpoint then, which is waited for.
    """
    return _at_last(folder) if is_still else _lately(folder)


@st.cache_resource(
    ttl=NEW_PICTURES,
    refresh_mode="background",  # whoever looks is given the last one while the next is made
    validate=lambda opened: opened is not None,
    show_spinner=False,
    max_entries=8,
)
def _lately(folder: Path) -> Opened | None:
    return _at_last(folder)


def _at_last(folder: Path) -> Opened | None:
    version = _version(folder)
    if version is None:
        return None
    opened = _in_training(folder, version)
    if opened is not None:
        # Made here, so that nobody who looks has to wait for it.
        _ = (opened.decoder.digest, opened.bundle.digest, opened.kl)
    return opened


def _version(folder: Path) -> int | None:
    for name in (runs.CHECKPOINT, runs.PREVIOUS):  # the one before serves where there is no last
        with contextlib.suppress(FileNotFoundError):
            return (folder / name).stat().st_mtime_ns
    return None


@st.cache_resource(show_spinner=False, max_entries=8)
def _in_training(folder: Path, version: int) -> Opened | None:
    found = runs.read_model(folder)
    if found is None:
        return None
    model, step = found
    config = runs.read_config(folder)
    name = config.training.dataset
    first = first_pictures(name).first(
        LIVE_POINTS if config.model.network == "mlp" else FEWER_POINTS
    )
    labels = first.labels if config.model.takes_labels else None
    q = evaluation.posteriors(model, first.images, labels=labels)
    unmeasured = torch.full((len(first),), math.nan)
    codes = Codes(
        ids=first.ids,
        labels=first.labels,
        mu=q.mu,
        logvar=q.logvar,
        rate=unmeasured,
        distortion=unmeasured,
    )
    card = ModelCard(
        name=config.name,
        dataset=name,
        classes=outline(name).classes,
        model=config.model,
        training=config.training,
    )
    key = f"{folder.name}-{step}-{version:x}"
    saved = Saved(card=card, model=model, codes=codes)
    return Opened(name=folder.name, hash=key, saved=saved, in_training=True)


@dataclass(frozen=True)
class Film:
    """The replay of a run as browsers are given it.

    Attributes
    ----------
    told : mapping
        What `runs.replay_bundles.describe` tells.
    addresses : tuple of str
        Of each frame's bundle.
    """

    told: Mapping[str, Any]
    addresses: tuple[str, ...]


def film(folder: Path) -> Film | None:
    """Publish the frames of a run that there are by now; None where there is none."""
    try:
        found = (folder / runs.REPLAY).stat()
    except FileNotFoundError:
        return None
    frames = _frames(folder, found.st_mtime_ns, found.st_size)
    if frames is None:
        return None
    told, assets = frames
    return Film(told, tuple(map(routes.publish, assets)))


@st.cache_resource(show_spinner=False, max_entries=8)
def _frames(
    folder: Path, modified: int, size: int
) -> tuple[Mapping[str, Any], tuple[Asset, ...]] | None:
    replay = runs.read_replay(folder)
    if replay is None:
        return None
    contents = map(runs.replay_bundles.frame_bundle, replay.frames)
    told = runs.replay_bundles.describe(replay, runs.read_config(folder).model)
    return told, tuple(Asset(content, "frame.bin") for content in contents)


@st.cache_resource(show_spinner=False, max_entries=4)
def first_pictures(name: str) -> data.Split:
    """Load the first test images of a dataset."""
    test = data.load_dataset(name).test
    return test.take(torch.arange(min(LIVE_POINTS, len(test))))  # a copy: the whole set can go


@st.cache_resource(show_spinner=False, max_entries=16)
def outline(name: str) -> data.ImageDataset:
    """Return a dataset as it is but for its pixels, which take no memory.

    Raises
    ------
    DatasetError
        If it is not on this machine, or damaged.
    """
    dataset = data.load_dataset(name)
    parts = {}
    for part in ("train", "test"):
        split = getattr(dataset, part)
        blank = torch.zeros(1, dtype=torch.uint8).expand(split.images.shape)
        parts[part] = dataclasses.replace(split, images=blank)
    return dataclasses.replace(dataset, validation=None, **parts)


# Studies


def study_path(name: str) -> Path:
    """Return where the result of a study lies, if there is one."""
    return studies.RESULTS / f"{name}.json"


def study_result(name: str) -> dict[str, Any] | None:
    """Read the result of a study; None where it was not run.

    Raises
    ------
    CheckpointError
        If the file is no result.
    """
    path = study_path(name)
    try:
        version = path.stat().st_mtime_ns
    except FileNotFoundError:
        return None
    return _study_result(path, version)


@st.cache_resource(show_spinner=False, max_entries=32)
def _study_result(path: Path, version: int) -> dict[str, Any]:
    return studies.read(path)


def datasets() -> list[data.DatasetStatus]:
    """State which datasets are on this machine."""
    return _datasets(data.data_dir())


_datasets = Look(data.available)


def preload() -> None:
    """Load the default model and its pictures before the first visitor asks for them."""
    try:
        opened = open_model(DEFAULT_MODEL if DEFAULT_MODEL in model_names() else model_names()[0])
        originals(opened)
        outline("digits")  # what the Train page offers where there is nothing else
    except (IndexError, LatentExplorerError):
        return  # the page itself says what is wrong
