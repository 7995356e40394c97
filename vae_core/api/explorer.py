"""Explore a model or codes: as a page in a notebook's cell, or served as the dashboard."""

from __future__ import annotations

import functools
import html
import importlib.util
import socket
import subprocess
import sys
import tempfile
import webbrowser
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from vae_core import model_folder, pixels, publishing, runs
from vae_core.api import given, measures, notebooks, widget
from vae_core.api.datasets import as_numbers, as_pictures
from vae_core.api.given import Data, Given, Model
from vae_core.config import TrainConfig
from vae_core.data import ImageDataset, Split, load_dataset
from vae_core.errors import ConfigError
from vae_core.evaluation import Encoded
from vae_core.files import write_atomically
from vae_core.formats import html as pages
from vae_core.model_folder import AnyCard, Codes, ModelCard, Saved
from vae_core.models import ImportedVAE
from vae_core.models.vae import Labels
from vae_core.pixels import Images

#: Height of the page in a cell, in pixels, and the port that the dashboard takes if it is free.
HEIGHT, PORT = 800, 8501
#: Values of pictures that a page of codes may hold.
MOST_VALUES = 2**26
#: Seconds that a server has to stop.
PATIENCE = 10.0


@dataclass(frozen=True)
class CodesMap:
    """Codes without a model, which :func:`explore` shows as a map.

    Attributes
    ----------
    codes
        With projections; ``rate``, ``distortion`` and, if it was not given, ``logvar`` are NaN.
    images
        Pictures of the codes, uint8 (n, c, h, w), or None.
    """

    name: str
    codes: Codes = field(repr=False)
    classes: tuple[str, ...] = ()
    images: Tensor | None = field(default=None, repr=False)

    def __len__(self) -> int:
        return len(self.codes.ids)

    def page(self) -> bytes:
        """Return the map as one HTML page that needs no server; it contains the pictures."""
        return pages.codes_page(
            self.codes, name=self.name, classes=self.classes, images=self.images
        )

    def save(self, path: str | Path) -> Path:
        """Write the page to a file, and return its path."""
        return _written(path, self.page())

    def _repr_html_(self) -> str:
        return frame(self.page(), name=self.name, height=HEIGHT)


@dataclass(frozen=True)
class Explorer:
    """A model's or a map's page; a notebook shows it in the cell, live and without a server.

    Attributes
    ----------
    make_page
        Makes :attr:`page`, once.
    height
        Height of the cell, in pixels.
    """

    name: str
    make_page: Callable[[], bytes] = field(repr=False)
    height: int = HEIGHT

    @cached_property
    def page(self) -> bytes:
        """One HTML page with all that it needs."""
        return self.make_page()

    def save(self, path: str | Path) -> Path:
        """Write the page to a file, which any browser opens; return its path."""
        return _written(path, self.page)

    @cached_property
    def widget(self) -> Any:
        """The page as a widget whose ``z`` is the pinned code, observable and settable.

        Raises
        ------
        ConfigError
            If anywidget is not installed.
        """
        title = f"{self.name} – latent space"
        return widget.create(self.page, title=title, height=self.height)

    def _repr_html_(self) -> str:
        return frame(self.page, name=self.name, height=self.height)


def frame(page: bytes, *, name: str, height: int) -> str:
    """Return HTML that shows a page in a frame: it may run scripts and save files, nothing else."""
    return (
        f'<iframe title="{html.escape(name)} – latent space" '
        'sandbox="allow-scripts allow-downloads" allow="fullscreen; clipboard-write" '
        f'style="width: 100%; height: {height}px; border: 0; background: #fff" '
        f'srcdoc="{html.escape(page.decode())}"></iframe>'
    )


def _written(path: str | Path, page: bytes) -> Path:
    path = Path(path)
    if path.is_dir() or not path.resolve().parent.is_dir():
        raise ConfigError(f"path {str(path)!r}: allowed is a file in a folder that exists")
    write_atomically(path, page)
    return path


def from_codes(
    mu: Images,
    labels: Labels | Sequence[str] | None = None,
    images: Images | None = None,
    *,
    logvar: Images | None = None,
    classes: Sequence[str] = (),
    name: str = "codes",
    tsne: bool = True,
) -> CodesMap:
    """Make a map of codes of any model: of an encoder elsewhere, or of any embedding.

    Parameters
    ----------
    mu
        Codes (n, d), NumPy or torch.
    labels
        (n,), integers or names.
    images
        A picture of each code, as :func:`vae_core.dataset` takes them. The saved page contains
        them.
    logvar
        Log-variances (n, d) of the codes.
    classes
        Names of the labels 0, 1, …; by default the labels that occur, in order, are the names.
    name
        Title of the map.
    tsne
        Whether to compute a t-SNE map of more than two dimensions, which takes long for many
        codes.

    Returns
    -------
    CodesMap
        Shown by a notebook and by :func:`explore`, saved as one HTML file by ``save``. There is no
        model, so that nothing is decoded.

    Raises
    ------
    ConfigError
        If the codes are no finite numbers (n, d), or others have other lengths.
    ImageError, DatasetError
        If the pictures or the labels do not fit.
    """
    means = _columns(mu, "mu")
    n = len(means)
    if logvar is None:
        spread = torch.full_like(means, torch.nan)
    else:
        spread = _columns(logvar, "logvar")
        if spread.shape != means.shape:
            raise ConfigError(
                f"logvar of shape {tuple(spread.shape)}: allowed is that of mu, "
                f"{tuple(means.shape)}"
            )
    numbers, names = as_numbers(labels, n, tuple(map(str, classes)))
    pictures = None if images is None else as_pictures(images)
    if pictures is not None and len(pictures) != n:
        raise ConfigError(f"{len(pictures)} images: allowed are {n}, one a code")
    if pictures is not None and pictures.numel() > MOST_VALUES:
        raise ConfigError(
            f"images of {pictures.numel() / 2**20:,.0f} million values: a page holds "
            f"{MOST_VALUES >> 20}; give smaller pictures"
        )
    nothing = torch.full((n,), torch.nan)
    split = Split(torch.zeros(n, 1, 1, 1, dtype=torch.uint8), numbers, torch.arange(n))
    codes = publishing.map_codes(Encoded(means, spread, nothing, nothing), split, tsne=tsne)
    return CodesMap(name=name, codes=codes, classes=names, images=pictures)


def _columns(values: Images, name: str) -> Tensor:
    found = pixels.as_tensor(values)
    if found.ndim != 2 or 0 in found.shape or found.dtype == torch.bool:
        raise ConfigError(
            f"{name} of shape {tuple(found.shape)} and type {found.dtype}: allowed are numbers "
            "(n, d), a row for each code"
        )
    found = found.detach().cpu().float()
    if not torch.isfinite(found).all():
        raise ConfigError(f"{name}: allowed are finite numbers")
    return found.contiguous()


def explore(
    model: Model | CodesMap,
    data: Data | None = None,
    *,
    labels: Labels | None = None,
    serve: bool | None = None,
    height: int = HEIGHT,
    port: int | None = None,
    open_browser: bool = True,
    tsne: bool = False,
) -> Explorer:
    """Look inside a model: in a notebook's cell, or in the dashboard.

    In a notebook (Jupyter, VS Code, Colab, marimo) the result is shown as the page that ``export``
    writes, which decodes in the browser and needs no server. In a script the dashboard is served
    until it is interrupted; a map of codes is opened in the browser.

    Parameters
    ----------
    model
        Name or path of a model folder, a model, a training, or what :func:`from_codes` returns.
    data, labels
        What a model in memory encodes: as for :func:`vae_core.encode`.
    serve
        Whether to serve the dashboard; by default in a script and not in a notebook.
    height
        Height of the page in the cell, in pixels.
    port
        Port of the dashboard; by default 8501, or any that is free.
    open_browser
        Whether the dashboard, or a map's page, is opened in the browser.
    tsne
        Whether a t-SNE map is computed for a model in memory, which is slow.

    Returns
    -------
    Explorer
        Its ``save`` writes the page to a file.

    Raises
    ------
    CheckpointError
        If there is no such model folder.
    ConfigError
        If the dashboard is not installed or cannot be served for the model, or a page cannot be
        made of it.
    """
    if height < 1:
        raise ConfigError(f"height {height}: allowed are 1 or more pixels")
    scripted = not notebooks.running()
    if isinstance(model, CodesMap):
        if serve:
            raise ConfigError("the dashboard needs a model; a map of codes is a page by itself")
        shown = Explorer(model.name, model.page, height)
        if scripted and serve is None and open_browser:
            folder = Path(tempfile.mkdtemp(prefix="latent-explorer-"))
            webbrowser.open(shown.save(folder / "map.html").as_uri())
        return shown
    saved = _saved(model, data, labels, tsne)
    own = model_folder.locate(model) if isinstance(model, str | Path) and data is None else None
    make_page = functools.partial(_page, saved, own)
    if scripted if serve is None else serve:
        with ExitStack() as stack:
            _serve(own or _temporary(saved, stack), port, open_browser)
        return Explorer(saved.card.name, make_page, height)
    shown = Explorer(saved.card.name, make_page, height)
    assert shown.page  # what is wrong with it is said here, and not when it is shown
    return shown


def _page(saved: Saved, folder: Path | None) -> bytes:
    """Return the page of a model, with the replay that is in its folder."""
    recorded = None if folder is None else runs.read_replay(folder)
    if recorded is None or not isinstance(saved.card, ModelCard):
        return pages.page(saved)
    replay = runs.replay_bundles.small_bundle(recorded, saved.card.model)
    return pages.page(saved, replay=replay)


def _temporary(saved: Saved, stack: ExitStack) -> Path:
    """Write a model folder that lasts as long as a stack, and return its path."""
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "model"
    card = saved.card
    if isinstance(card, ModelCard):
        model_folder.save(folder, card=card, model=saved.model, codes=saved.codes, history=[])
    else:
        model_folder.save(folder, card=card, model=saved.model, codes=saved.codes, history=[])
    return folder


def _saved(model: Model, data: Data | None, labels: Labels | None, tsne: bool) -> Saved:
    """Return a model with its card and codes: its folder's, or those of ``data``."""
    found = given.model(model)
    if found.saved is not None and data is None:
        return found.saved
    data = load_dataset(data) if isinstance(data, str | Path) else data
    source = data if isinstance(data, ImageDataset) else found.dataset
    known = source.name if isinstance(source, ImageDataset) else source
    chosen = given.examples(found, data, labels=labels)
    codes = measures.encode(model, chosen)
    encoded = Encoded(codes.mu, codes.logvar, codes.rate, codes.distortion)
    classes = source.classes if isinstance(source, ImageDataset) else found.classes
    if chosen.labels is not None and len(classes) <= int(chosen.labels.max()):
        classes = tuple(map(str, range(int(chosen.labels.max()) + 1)))
    card = _card(found, known or "arrays", classes)
    mapped = publishing.map_codes(encoded, chosen, classes=classes, tsne=tsne)
    return Saved(card, found.model, mapped)


def _card(found: Given, dataset: str, classes: tuple[str, ...]) -> AnyCard:
    """Return the card of a model with codes of other data, without metrics."""
    if found.saved is not None:
        changed = {"dataset": dataset, "classes": classes, "metrics": {}, "kl_per_dim": ()}
        return found.saved.card.model_copy(update=changed)
    if isinstance(found.model, ImportedVAE):
        raise ConfigError("an imported model is explored by its folder: explore('my-model')")
    training = found.training or TrainConfig()
    return ModelCard(
        name="model",
        dataset=dataset,
        classes=classes,
        model=found.model.config,
        training=training.model_copy(update={"dataset": dataset}),
    )


def _serve(folder: Path, port: int | None, open_browser: bool) -> None:
    """Serve the dashboard on a model folder until it ends or is interrupted."""
    if importlib.util.find_spec("latent_explorer") is None:
        raise ConfigError(
            "the dashboard is not installed here: install latent-explorer-streamlit, or show the "
            "page alone: explore(model, serve=False).save('model.html')"
        )
    chosen = _free_port() if port is None else port
    command = [sys.executable, "-m", "latent_explorer", "--model", str(folder)]
    command += ["--port", str(chosen), *(["--open"] if open_browser else [])]
    server = subprocess.Popen(command)
    try:
        status = server.wait()
    except KeyboardInterrupt:
        status = 0
    finally:
        _stop(server)
    if status not in (0, -2, 130):
        raise ConfigError(f"the dashboard ended with status {status}; it said why above")


def _stop(server: subprocess.Popen[bytes]) -> None:
    if server.poll() is not None:
        return
    server.terminate()
    try:
        server.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


def _free_port() -> int:
    for port in (PORT, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise ConfigError("no port of this host is free")
