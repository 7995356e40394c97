"""The files of a site."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch

from vae_core import data, latents
from vae_core.data import own
from vae_core.errors import ConfigError
from vae_core.formats import bundles, html, tables
from vae_core.lessons import Lesson
from vae_core.method import PARTS as METHOD_PARTS
from vae_core.model_folder import Saved
from vae_core.site import pages, texts
from vae_core.site.pages import Card

#: The modules that pages begin with, and those of workers.
ENTRIES = ("site/model.js", "site/learn.js", "site/train.js", "site/lesson.js")
WORKERS = ("model/worker.js", "training/worker.js")
STYLES = (*html.STYLES, "site/site.css")
#: The dataset whose images a site has: scikit-learn distributes it under the BSD licence.
DIGITS = "digits"
#: Test images whose codes move while a page trains, as in the app.
SHOWN = 360
#: Cells per side of a model's picture, and pixels that it has at least.
CELLS, LEAST = 8, 192


@dataclass(frozen=True)
class Selected:
    """A model of a site: its name in addresses, what is saved of it, and a replay's bundle."""

    name: str
    saved: Saved
    replay: bytes | None = None


@dataclass(frozen=True)
class Site:
    """A built site: its files by path, and how many of them are pages."""

    files: dict[str, bytes] = field(default_factory=dict)

    @property
    def pages(self) -> int:
        """Number of HTML pages."""
        return sum(name.endswith(".html") for name in self.files)

    @property
    def bytes(self) -> int:
        """Size of all files."""
        return sum(map(len, self.files.values()))


def build(models: Sequence[Selected], chosen: Sequence[Lesson] = ()) -> Site:
    """Build a site; equal models and lessons give equal bytes.

    Parameters
    ----------
    models
        At least one; names differ.
    chosen
        Lessons whose models are among them (:func:`vae_core.site.choose`).

    Raises
    ------
    ConfigError
        If there is no model, or one that a page cannot show.
    """
    if not models:
        raise ConfigError("a site needs a model at least")
    cards = {one.name: one.saved.card for one in models}
    frame = pages.Frame(has_lessons=bool(chosen))
    files = _shared()
    listed = []
    for one in models:
        listed.append(_card(one))
        files[f"assets/{one.name}.png"] = _picture(one.saved)
        files[f"assets/model-{one.name}.js"] = _script(f"model-{one.name}", _content(one))
        files[f"models/{one.name}.html"] = pages.model_page(frame, one)
    method = _method_model(models)
    if method is not None:
        files["learn.html"] = pages.method_page(
            frame, method, METHOD_PARTS, example=_example(method.saved)
        )
    files["train.html"] = pages.training_page(frame)
    for lesson in chosen:
        files[f"lessons/{lesson.name}.html"] = pages.lesson_page(frame, lesson, cards)
    files["index.html"] = pages.index(frame, listed, chosen, has_method=method is not None)
    return Site(dict(sorted(files.items())))


def _shared() -> dict[str, bytes]:
    """Return the files that all pages share, and the digits to train on."""
    modules = html.import_map(*ENTRIES, *WORKERS)
    digits = data.load_dataset(DIGITS)
    images = bundles.training_bundle(digits, shown=SHOWN)
    return {
        ".nojekyll": b"",
        "assets/icon.svg": html.read("site/icon.svg").encode(),
        "assets/site.css": "\n".join(html.read(name) for name in STYLES).encode(),
        # A page may name its modules in a script that runs before any of them is loaded.
        "assets/modules.js": (
            'const modules = document.createElement("script");\n'
            'modules.type = "importmap";\n'
            f"modules.textContent = JSON.stringify({modules});\n"
            "document.currentScript.after(modules);\n"
        ).encode(),
        "assets/training-digits.js": _script(
            "training-digits", {"title": digits.title, "images": html.packed(images)}
        ),
    }


def _script(name: str, content: dict[str, object]) -> bytes:
    """Return a script that keeps some content under a name, for browser/site/held.js."""
    return (
        f"(self.latentExplorer ??= {{}})[{html.as_json(name)}] = {html.as_json(content)};".encode()
    )


def _content(one: Selected) -> dict[str, object]:
    """Return what pages show of a model, the bundles compressed."""
    saved, card = one.saved, one.saved.card
    sprite = _originals(saved)
    elbo = card.metrics.get("elbo")
    return {
        "facts": html.facts(saved),
        "has_pixel_terms": card.model.likelihood == "bernoulli",
        "average": None if elbo is None else f"−ELBO {texts.quantity(card, one.name, 'elbo')}",
        "network": html.packed(bundles.network_bundle(saved.model, parts=html.parts_of(saved))),
        "codes": html.packed(bundles.codes_bundle(saved.codes)),
        "columns": html.packed(bundles.columns_bundle(saved.codes))
        if saved.codes.columns
        else None,
        "sprite": None if sprite is None else html.packed(sprite),
        "frames": None if one.replay is None else html.packed(one.replay),
    }


def _originals(saved: Saved) -> bytes | None:
    """Return the bundle of the test images, if they are the digits; of no other dataset."""
    if saved.card.dataset != DIGITS:
        return None
    test = data.load_dataset(DIGITS).test
    rows = {int(one): row for row, one in enumerate(test.ids)}
    found = [rows.get(int(one)) for one in saved.codes.ids]
    if None in found or test.images.shape[1:] != saved.card.model.image_shape:
        return None
    return bundles.sprite_bundle(saved.codes.ids, test.images[found])


def _method_model(models: Sequence[Selected]) -> Selected | None:
    """Return the model whose numbers the method's page shows: one of digits, else the first."""
    able = [
        one for one in models if one.saved.card.model.has_encoder and one.saved.card.model.has_bound
    ]
    digits = [one for one in able if one.saved.card.dataset == DIGITS]
    return next(iter([*digits, *able]), None)


def _example(saved: Saved) -> int:
    """Return the id of the example whose code is nearest to the one that pages open on."""
    row = (saved.codes.mu - saved.opening_code()).norm(dim=1).argmin()
    return int(saved.codes.ids[row])


@torch.inference_mode()
def _picture(saved: Saved) -> bytes:
    """Return the picture of a model: its manifold where z has two dimensions, else samples."""
    model, config = saved.model, saved.card.model
    if config.latent_dim == 2 and not config.takes_labels:
        codes = latents.grid(CELLS, dims=(0, 1), at=torch.zeros(2)).flatten(0, 1)
        means = model.decode(codes).mean
    else:
        means = model.sample(CELLS * CELLS, generator=torch.Generator().manual_seed(0))
    scale = -(-LEAST // (CELLS * means.shape[-1]))
    if scale > 1:  # smooth, as everywhere
        means = torch.nn.functional.interpolate(means, scale_factor=scale, mode="bicubic")
    levels = means.clamp(0, 1).mul(255).round().byte().numpy()
    return tables.png(tables.tile(levels, columns=CELLS, gap=0))


def _card(one: Selected) -> Card:
    """Return what the index says of a model."""
    card = one.saved.card
    dimensions = card.model.latent_dim
    known = {status.name: status.title for status in data.available()}
    title = known.get(card.dataset, own.title_of(card.dataset))
    sentence = f"{title}, {dimensions} latent dimensions"
    if card.condition_names:
        sentence += ", given the label"
    if (elbo := card.metrics.get("elbo")) is not None:
        sentence += (
            f". −ELBO {texts.quantity(card, one.name, 'elbo')} per test image ({elbo.kind} pixels)"
        )
    shown = "Its manifold" if dimensions == 2 and not card.model.takes_labels else "Samples of it"
    return Card(name=one.name, title=card.name, sentence=f"{sentence}.", picture=shown)
