"""Import a model that was made elsewhere into a model folder."""

from __future__ import annotations

import datetime
import importlib.metadata
import platform
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from vae_core import model_folder
from vae_core.config import ImportedPrior, Pixels
from vae_core.data import SOURCES, ImageDataset
from vae_core.errors import ConfigError, DatasetError
from vae_core.files import write_atomically
from vae_core.formats import bundles, tables
from vae_core.imports import checks, drafts, meanings, measuring, opening, pictures
from vae_core.imports.checks import Check
from vae_core.imports.drafts import Draft, Request
from vae_core.imports.meanings import ImageShape, Told
from vae_core.model_folder import ImportedCard

Say = Callable[[str], None]

#: Most bytes of pictures that a model folder keeps.
KEPT = 64 * 2**20
#: Picture of the check in the model folder; it is not part of the model.
CHECK = "check.png"
SOFTWARE = ("torch", "numpy", "onnx", "scikit-learn", "openTSNE", "safetensors")


@dataclass(frozen=True)
class Imported:
    """Imported model: its folder, its card, what was found, and the check.

    ``str()`` of it is what the command line prints.
    """

    folder: Path
    card: ImportedCard
    found: tuple[str, ...]
    check: Check

    def __str__(self) -> str:
        lines = [*self.found, "", checks.as_text(self.check), *self.check.sentences]
        elbo = self.card.metrics.get("elbo")
        if elbo is not None:
            lines.append(
                f"Test −ELBO: {-elbo.value:.2f} ± {elbo.se or 0:.2f} nats ({elbo.kind} pixels, "
                f"n = {elbo.n:,})."
            )
        lines += [f"warning: {sentence}" for sentence in self.card.warnings]
        return "\n".join([*lines, f"written to {self.folder}"])


def import_model(
    encoder: Any = None,
    decoder: Any = None,
    *,
    data: Any = None,
    labels: Any = None,
    out: str | Path,
    posterior: str | None = None,
    output: str | None = None,
    likelihood: str | None = None,
    input_range: str | Sequence[float] | None = None,
    image_shape: Sequence[int] | None = None,
    classes: int | Sequence[str] | None = None,
    prior: ImportedPrior | None = None,
    pixels: Pixels = "grey",
    name: str | None = None,
    limit: int = pictures.LIMIT,
    importance_samples: int = 0,
    tsne: bool = True,
    threads: int = 1,
    keep_pictures: bool = True,
    data_dir: str | Path | None = None,
    command: str = "",
    say: Say = print,
) -> Imported:
    """Import a model: read its networks, encode pictures, measure, and write a model folder.

    What is left out is found where that is certain, and said (``docs/import.md``).

    Parameters
    ----------
    encoder, decoder
        Paths of ONNX files, PyTorch modules, or functions of a tensor. One file may hold both; a
        decoder alone is a generator, whose codes are drawn from N(0, I).
    data, labels
        Pictures, as :func:`vae_core.load_dataset` reads them: a name, a path or an array; labels
        are those beside them, or numbers (n,), or the path of a file with them.
    out
        Folder to write.
    posterior, output, likelihood
        One of ``config.STATED_POSTERIORS``, ``STATED_OUTPUTS`` and ``STATED_LIKELIHOODS``.
    input_range, image_shape, classes, prior
        Values of black and white to the encoder, such as (-1, 1) or "0,255"; (c, h, w); number of
        labels, or their names; "standard", N(0, I), or "codes", the Gaussian of the codes.
    pixels, limit, importance_samples, tsne, threads, keep_pictures
        Kind of pixels of metrics; most pictures; k of ``nll_iw{k}``; whether to compute a t-SNE
        map; CPU threads; whether the folder keeps the pictures, up to 64 MB.
    say
        Called with each stage, and with the result at the end.

    Raises
    ------
    ConfigError
        If the networks cannot be read or do not fit, or it is not certain what an output means; the
        sentence says what to state.
    DatasetError
        If the pictures cannot be read.
    """
    target = Path(out).expanduser()
    _check_target(target)
    request, dataset, notes = prepare(
        encoder, decoder, data=data, labels=labels, classes=classes, limit=limit, pixels=pixels,
        prior=prior, data_dir=data_dir,
        told=told_by(posterior, output, likelihood, input_range, image_shape),
    )  # fmt: skip
    made = drafts.draft(request)
    found = (*notes, *made.found)
    imported = finish(
        made, request, dataset, target, name=name or target.name, found=found, command=command,
        importance_samples=importance_samples, tsne=tsne, threads=threads,
        keep_pictures=keep_pictures, say=lambda stage: say(f"… {stage}"),
    )  # fmt: skip
    say(str(imported))
    return imported


def prepare(
    encoder: Any,
    decoder: Any,
    *,
    told: Told,
    data: Any = None,
    labels: Any = None,
    classes: int | Sequence[str] | None = None,
    limit: int = pictures.LIMIT,
    pixels: Pixels = "grey",
    prior: ImportedPrior | None = None,
    data_dir: str | Path | None = None,
) -> tuple[Request, ImageDataset | None, tuple[str, ...]]:
    """Read networks and pictures; parameters and errors are those of :func:`import_model`.

    Returns
    -------
    Request, ImageDataset or None, sentences
        What :func:`drafts.draft` puts together, the pictures, and notes on how they were read.
    """
    source = None
    if data is not None:
        source = pictures.open_source(data, labels, data_dir=data_dir)
    count = classes if isinstance(classes, int) else len(classes or ())
    first, second = opening.open_networks(
        encoder, decoder, source=source, shape=told.image_shape, classes=count
    )
    shape = meanings.find_image_shape(first, second, told, None if source is None else source.shape)
    dataset: ImageDataset | None = None
    notes: tuple[str, ...] = ()
    if first is not None:
        if source is None:
            raise DatasetError("an encoder needs pictures: state data (--dataset).")
        dataset = source.load(shape, limit)
        dataset, notes = pictures.with_classes(dataset, classes), dataset.notes
        count = count or len(dataset.classes)
    for part, network in (("Decoder", second), ("Encoder", first)):
        if network is not None and "notes" in network.facts:
            notes = (f"{part}: {network.facts['notes']}", *notes)
    request = Request(
        decoder=second,
        encoder=first,
        told=told,
        image_shape=shape,
        split=None if dataset is None else dataset.test,
        classes=count,
        pixels_kind=pixels,
        prior=prior,
        like=None if dataset is None else pictures.like(dataset),
        data=None if dataset is None or source is None else source.kept(limit),
    )
    return request, dataset, notes


@dataclass(frozen=True)
class Checked:
    """Model that was put together and not imported: its settings, what was found, and the check."""

    draft: Draft
    found: tuple[str, ...]
    check: Check

    def __str__(self) -> str:
        lines = [*self.found, "", checks.as_text(self.check), *self.check.sentences]
        return "\n".join([*lines, *(f"warning: {one}" for one in self.check.warnings)])


def check_model(encoder: Any, decoder: Any, *, told: Told, **settings: Any) -> Checked:
    """Put a model together and compare some reconstructions with originals; write nothing.

    Parameters and errors are those of :func:`prepare`.
    """
    request, dataset, notes = prepare(encoder, decoder, told=told, **settings)
    made = drafts.draft(request)
    found = (*notes, *made.found)
    return Checked(made, found, checks.check(made, None if dataset is None else dataset.test))


def finish(
    made: Draft,
    request: Request,
    dataset: ImageDataset | None,
    target: Path,
    *,
    name: str,
    found: Sequence[str] = (),
    command: str = "",
    importance_samples: int = 0,
    tsne: bool = True,
    threads: int = 1,
    keep_pictures: bool = True,
    say: Say = lambda stage: None,
) -> Imported:
    """Encode the pictures, measure the model, check it, and write its folder."""
    say("checking reconstructions")
    # What a browser cannot run is refused before anything is computed.
    bundles.network_bundle(made.model, parts=bundles.parts_of(made.model))
    checked = checks.check(made, None if dataset is None else dataset.test)
    measured = measuring.measure(
        made.model,
        dataset,
        importance_samples=importance_samples,
        tsne=tsne,
        threads=threads,
        say=say,
    )
    names = () if dataset is None else dataset.classes
    if dataset is None and made.config.classes:
        names = tuple(map(str, range(made.config.classes)))
    card = ImportedCard(
        name=name[:100],
        dataset="codes of N(0, I)" if dataset is None else dataset.name,
        classes=names,
        model=made.config,
        encoder=made.encoder,
        decoder=made.decoder,
        provenance=_provenance(request, found),
        data=request.data,
        metrics=measured.metrics,
        kl_per_dim=measured.kl_per_dim,
        warnings=(*checked.warnings, *measured.warnings),
        software={"python": platform.python_version()}
        | {package: importlib.metadata.version(package) for package in SOFTWARE},
        command=command,
        created=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    )
    say("writing the model folder")
    card = model_folder.save(
        target,
        card=card,
        model=made.model,
        codes=measured.codes,
        history=(),
        pictures=_kept(dataset) if keep_pictures else None,
    )
    levels = checked.sheet.mul(255).round().byte().numpy()
    write_atomically(
        target / CHECK, tables.png(tables.tile(levels, columns=len(checked.reconstructions)))
    )
    return Imported(target, card, tuple(found), checked)


def _kept(dataset: ImageDataset | None) -> Tensor | None:
    """Return the encoded pictures for the folder; those of a known dataset are elsewhere."""
    if dataset is None or dataset.name in SOURCES:
        return None
    images = dataset.test.images
    return images if images.numel() <= KEPT else None


def _provenance(request: Request, found: Sequence[str]) -> dict[str, str]:
    facts: dict[str, str] = {}
    for part, network in (("encoder", request.encoder), ("decoder", request.decoder)):
        if network is not None:
            # Notes are among what was found.
            shown = {fact: value for fact, value in network.facts.items() if fact != "notes"}
            facts |= {f"{part} {fact}": value for fact, value in shown.items()}
    return {**facts, "read as": " ".join(one[:1].upper() + one[1:] for one in found)}


def _check_target(target: Path) -> None:
    if target.is_file():
        raise ConfigError(f"out {target}: a file has that name; a folder is written")
    if target.is_dir() and any(target.iterdir()) and not (target / model_folder.CARD).is_file():
        raise ConfigError(f"out {target}: a folder of other files has that name")


def told_by(
    posterior: str | None = None,
    output: str | None = None,
    likelihood: str | None = None,
    input_range: str | Sequence[float] | None = None,
    image_shape: Sequence[int] | None = None,
) -> Told:
    """Return what was stated, in the forms that :func:`import_model` takes."""
    return Told(posterior, output, likelihood, _range(input_range), _shape(image_shape))


def _range(value: str | Sequence[float] | None) -> tuple[float, float] | None:
    if value is None:
        return None
    text = value if isinstance(value, str) else ",".join(map(str, value))
    return meanings.read_range(text)


def _shape(value: Sequence[int] | None) -> ImageShape | None:
    if value is None:
        return None
    shape = tuple(value)
    if len(shape) != 3 or not all(isinstance(side, int) and side > 0 for side in shape):
        raise ConfigError(f"image shape {shape}: channels, height and width are needed")
    return shape
