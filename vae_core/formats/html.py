"""Write a model as one HTML page without a server: map, replay, sliders, manifold, drawing pad.

The page contains the app's browser modules, each as a ``data:`` address in an import map, and the
compressed bundles of :mod:`vae_core.formats.bundles`. It contains no picture of the dataset. A page
of codes alone has the map, and the pictures that it is given.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import html
import json
import posixpath
import re
from collections.abc import Mapping, Sequence
from string import Template
from typing import Any
from urllib.parse import quote

from torch import Tensor

from browser import ROOT
from vae_core import columns, evaluation, images, model_folder
from vae_core.data import own
from vae_core.errors import ConfigError
from vae_core.formats import bundles
from vae_core.model_folder import AnyCard, Codes, ImportedCard, Saved
from vae_core.models import ImportedVAE, priors

#: Why some models have no page of their own.
ONLY_SERVED = (
    "onnxruntime decodes this model on a server; a page without one could not decode anything"
)
ENTRY = "standalone/standalone.js"
#: What the page starts in a worker.
WORKER = "model/worker.js"
TEMPLATE = "standalone/standalone.html"
MODEL_TEMPLATE = "standalone/model.html"
PAD_TEMPLATE = "standalone/standalone-pad.html"
REPLAY_TEMPLATE = "standalone/standalone-replay.html"
CODES_ENTRY = "standalone/codes.js"
CODES_TEMPLATE = "standalone/codes.html"
GALLERY_TEMPLATE = "standalone/codes-gallery.html"
STYLES = ("panel.css", "standalone/standalone.css")
#: Prefix of the names of modules in the import map.
SCOPE = "latent-explorer/"

#: Text after the manifold's "quantiles of the prior", by kind of prior.
_KINDS = {
    "gaussian": "A variational auto-encoder with the codes of its test set",
    "point": "An auto-encoder with the codes of its test set",
    "none": "A decoder without an encoder, with codes drawn from N(0, I)",
}
_CELLS = ": each cell is as probable as any other."
_CELLS_OF_LABEL = " of the chosen label" + _CELLS
_CELLS_OF_CODES = ", for which stands the Gaussian with the mean and spread of the codes."
_CELLS_OF_MIXTURE = (
    ", which is a mixture: they are those of the Gaussian that has its mean and spread."
)

_IMPORT = re.compile(r'^((?:import|export)\b[^;"]*")(\.{1,2}/[\w./-]+\.js)(";)$', re.MULTILINE)
_DYNAMIC = re.compile(r'(\bimport\(")(\.{1,2}/[\w./-]+\.js)("\)\.then)')
#: ASCII characters that need no escape in a ``data:`` address and in a script element.
_PLAIN = " !$&'()*+,-./:;=?@[]^_`{|}~"


def page(saved: Saved, *, replay: bytes | None = None) -> bytes:
    """Return a model as a self-contained HTML page, which is deterministic.

    It has a drawing pad, and therefore the encoder, if the model's pictures are drawings.

    Parameters
    ----------
    replay
        Replay of the training, from ``runs.replay_bundles.small_bundle``.

    Raises
    ------
    ConfigError
        If the model has a single latent dimension, only a server can decode it, or a weight is too
        large for half precision.
    """
    card = saved.card
    slots = {
        "title": html.escape(card.name),
        "main": model_main(saved, has_replay=replay is not None),
        "kind": _KINDS[_posterior(card)],
        "command": html.escape(_command(card)),
        "data": as_json(facts(saved)),
        "network": packed(bundles.network_bundle(saved.model, parts=parts_of(saved))),
        "codes": packed(bundles.codes_bundle(saved.codes)),
        "columns": packed(bundles.columns_bundle(saved.codes)) if saved.codes.columns else "",
        "frames": "" if replay is None else packed(replay),
    }
    return _filled(TEMPLATE, (ENTRY, WORKER), slots)


def model_main(saved: Saved, *, has_replay: bool) -> str:
    """Return what a model's page shows, as HTML without a frame: the elements of explorer.js.

    Raises
    ------
    ConfigError
        If the model has a single latent dimension, or only a server can decode it.
    """
    card = saved.card
    if isinstance(saved.model, ImportedVAE) and saved.model.is_foreign("decoder"):
        raise ConfigError(f"{card.name}: {ONLY_SERVED}")
    latent_dim = card.model.latent_dim
    if latent_dim < 2:
        raise ConfigError(f"latent_dim {latent_dim}: a page needs a plane, so 2 or more dimensions")
    slots = {
        "title": html.escape(card.name),
        "facts": html.escape(summary(card)),
        "warnings": "".join(f'<p class="facts">{html.escape(one)}</p>' for one in card.warnings),
        "cells": _cells(card.model.prior),
        "held": "The other dimensions stay at the pinned code." if latent_dim > 2 else "",
        "replay": read(REPLAY_TEMPLATE) if has_replay else "",
        "pad": "" if _frame(saved) is None else read(PAD_TEMPLATE),
    }
    return Template(read(MODEL_TEMPLATE)).substitute(slots)


def parts_of(saved: Saved) -> tuple[str, ...]:
    """Return the parts of the network that a page needs: the encoder is for drawings."""
    return ("decoder",) if _frame(saved) is None else bundles.PARTS


def codes_page(
    codes: Codes, *, name: str, classes: tuple[str, ...] = (), images: Tensor | None = None
) -> bytes:
    """Return codes without a model as a self-contained HTML page: map, neighbours and gallery.

    Parameters
    ----------
    codes
        Those whose logvar is NaN have no spread.
    classes
        Names of the labels.
    images
        Pictures of the codes, uint8 (n, 1 or 3, h, w), which the page then contains.
    """
    mu = codes.mu
    row = int((mu - mu.mean(0)).norm(dim=1).argmin())
    content = bundles.codes_bundle(codes)
    maps = [kind for kind in ("pca", "tsne") if kind in codes.projections]
    dimensions = f"{mu.shape[1]} dimension{'s' if mu.shape[1] > 1 else ''}"
    described = {
        "hash": hashlib.sha256(content).hexdigest()[:16],
        "latent_dim": mu.shape[1],
        "classes": list(classes),
        "start": mu[row].tolist(),
        "start_id": int(codes.ids[row]),
        "dims": [0, 1],
        "projections": [*maps, "raw"],
    }
    sprite = "" if images is None else packed(bundles.sprite_bundle(codes.ids, images))
    slots = {
        "title": html.escape(name),
        "facts": f"{len(mu):,} codes of {dimensions}",
        "gallery": "" if images is None else read(GALLERY_TEMPLATE),
        "pictures": "" if images is None else ", with their pictures",
        "data": as_json(described),
        "codes": packed(content),
        "sprite": sprite and f'<script type="text/plain" id="sprite">{sprite}</script>',
    }
    return _filled(CODES_TEMPLATE, (CODES_ENTRY,), slots)


def _filled(template: str, entries: Sequence[str], slots: Mapping[str, str]) -> bytes:
    """Fill a template with modules and styles; the page runs the first entry."""
    common = {
        "style": "\n".join(read(name) for name in STYLES),
        "modules": import_map(*entries),
        "entry": SCOPE + entries[0],
    }
    return Template(read(template)).substitute(common | dict(slots)).encode()


def _frame(saved: Saved) -> images.Frame | None:
    """Return how a drawing is placed; None where the page cannot encode any."""
    served = isinstance(saved.model, ImportedVAE) and saved.model.is_foreign("encoder")
    if served or not saved.card.model.has_encoder:
        return None
    return images.frame_of(saved.card.prepared_as, saved.card.model.image_shape)


def _posterior(card: AnyCard) -> str:
    return card.model.posterior if isinstance(card, ImportedCard) else "gaussian"


def _cells(prior: str) -> str:
    if prior == "codes":
        return _CELLS_OF_CODES
    if priors.is_mixture(prior):
        return _CELLS_OF_MIXTURE
    return _CELLS_OF_LABEL if prior == "label" else _CELLS


def file_name(card: AnyCard) -> str:
    """Return the name of the page's file."""
    return f"{_short_name(card)}.html"


def _short_name(card: AnyCard) -> str:
    try:
        return model_folder.slug(card.name)
    except ConfigError:  # a name without a Latin letter or digit
        return "model"


def facts(saved: Saved) -> dict[str, Any]:
    """Return the ``Facts`` of explorer.js."""
    card, codes = saved.card, saved.codes
    has_bound = card.model.has_bound
    kl = saved.kl_per_dim()
    important = kl if has_bound else codes.mu.std(0, correction=0)
    first, second = sorted(important.argsort(descending=True, stable=True)[:2].tolist())
    maps = [name for name in ("pca", "tsne") if name in codes.projections]
    frame = _frame(saved)
    return {
        "name": card.name,
        "hash": bundles.pack(saved.model, parts=("decoder",))[0]["hash"],
        "latent_dim": card.model.latent_dim,
        "classes": list(card.classes),
        "given": list(card.condition_names),
        "drawn": not card.model.has_encoder,
        "epochs": 0 if card.training is None else card.training.epochs,
        "kl": [round(nats, 4) for nats in kl.tolist()] if has_bound else None,
        "unused_below": evaluation.COLLAPSED_KL,
        "start": [round(value, 4) for value in saved.opening_code().tolist()],
        "ranges": [[round(low, 3), round(high, 3)] for low, high in saved.ranges().tolist()],
        "dims": [first, second],
        "projections": [*(maps if card.model.latent_dim > 2 else []), "raw"],
        "colours": _colours(codes),
        "frame": None if frame is None else vars(frame),
    }


def _colours(codes: Codes) -> list[tuple[str, str]]:
    """Return keys and names of what colours the map, of codes with columns beside their labels."""
    if not codes.columns:
        return []
    known = {"label": codes.labels is not None}
    known |= {name: not getattr(codes, name).isnan().all() for name in ("rate", "distortion")}
    named = [(name, name.capitalize()) for name, has in known.items() if has]
    return named + [(key, column.name) for key, column in columns.keyed(codes.columns).items()]


def summary(card: AnyCard) -> str:
    """Return the line below the title; of own data it has the title, not the path."""
    parts = [own.title_of(card.dataset), f"z of {card.model.latent_dim} dimensions"]
    if elbo := card.metrics.get("elbo"):
        error = "" if elbo.se is None else f" ± {elbo.se:.2f} (standard error)"
        bound = f"{-elbo.value:.2f}".replace("-", "−")
        parts.append(f"test −ELBO {bound}{error} {elbo.unit}, {elbo.kind} pixels, n = {elbo.n:,}")
    return " · ".join(parts)


def _command(card: AnyCard) -> str:
    return f"python -m vae_core export {_short_name(card)} --format html --out {file_name(card)}"


def import_map(*entries: str) -> str:
    """Return the import map of modules and all that they import, each as a ``data:`` address."""
    modules = _modules(*entries)
    return as_json({"imports": {SCOPE + name: _address(modules[name]) for name in modules}})


def _modules(*entries: str) -> dict[str, str]:
    """Return modules and their imports, by path; imported paths are replaced by names."""
    found: dict[str, str] = {}
    wanted = list(entries)
    while wanted:
        name = wanted.pop()
        if name in found:
            continue

        def resolve(match: re.Match[str], folder: str = posixpath.dirname(name)) -> str:
            imported = posixpath.normpath(posixpath.join(folder, match[2]))
            wanted.append(imported)
            return f"{match[1]}{SCOPE}{imported}{match[3]}"

        found[name] = _DYNAMIC.sub(resolve, _IMPORT.sub(resolve, read(name)))
    return dict(sorted(found.items()))


def _address(source: str) -> str:
    return "data:text/javascript;charset=utf-8," + quote(source, safe=_PLAIN)


def packed(content: bytes) -> str:
    """Compress a bundle, in base64."""
    return base64.b64encode(gzip.compress(content, mtime=0)).decode()


def as_json(value: Any) -> str:
    """Encode JSON without ``</script>``."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")


def read(name: str) -> str:
    """Read a file of ``browser``."""
    return (ROOT / name).read_text(encoding="utf-8")
