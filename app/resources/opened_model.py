"""Open models: their networks, encoded test sets, labels and prior moments."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from app.address import COLOURS, Facts
from app.conditions import Filterable
from app.resources import assets, serving
from app.resources.assets import Asset
from vae_core import columns, evaluation
from vae_core.columns import Column
from vae_core.formats import bundles
from vae_core.model_folder import AnyCard, Codes, ModelCard, Saved, SavedMachine
from vae_core.models import VAE, ImportedVAE
from vae_core.models.distributions import GaussianMixture, LabelGaussian
from vae_core.models.likelihoods import metric_kind

Floats = NDArray[np.float32]
Ids = NDArray[np.int64]


@dataclass(frozen=True)
class Moments:
    """Mean and standard deviation of each latent dimension under a prior, (latent_dim,)."""

    mu: Floats
    sigma: Floats


@dataclass(frozen=True)
class Opened:
    """An open model with its encoded test set.

    Attributes
    ----------
    name : str
        Name in the URL.
    hash : str
        Key of everything cached about the model: the hash of its weights, or of the whole zip for
        an uploaded model, whose codes may differ from those of a known model of the same weights.
    in_training : bool
        Whether a newer checkpoint will replace it within seconds.
    """

    name: str
    hash: str
    saved: Saved
    in_training: bool = False

    @property
    def is_uploaded(self) -> bool:
        """Whether a visitor brought it, so that its card may name anything."""
        return self.name.startswith("file-")

    @property
    def card(self) -> AnyCard:
        """Metadata and metrics of the model."""
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
        """Number of latent dimensions."""
        return self.card.model.latent_dim

    @property
    def pixel_kind(self) -> str:
        """Kind of pixels of the metrics: grey, dynamic, static, threshold or continuous."""
        elbo = self.card.metrics.get("elbo")
        if elbo is not None:
            return elbo.kind
        return metric_kind(self.card.model.likelihood, self.card.pixels_kind)

    @property
    def has_encoder(self) -> bool:
        """Whether images have codes; else the map shows codes drawn from the prior."""
        return self.card.model.has_encoder

    @property
    def has_bound(self) -> bool:
        """Whether images have a rate and an ELBO."""
        return self.card.model.has_bound

    @property
    def names_data(self) -> bool:
        """Whether its card may name data of this host, which was written by a training here."""
        return not self.is_uploaded and isinstance(self.card, ModelCard)

    @property
    def example_kind(self) -> str:
        """What the points of the map are, in words."""
        return "test image" if self.has_encoder else "drawn code"

    @cached_property
    def facts(self) -> Facts:
        """Properties of the model that a session's state must fit."""
        projections = ["axes"]
        if self.latent_dim > 2:
            maps = [name for name in ("pca", "tsne") if name in self.codes.projections]
            projections = [*maps, "axes"]
        if self.latent_dim == 3:
            projections.append("3d")
        return Facts(
            latent_dim=self.latent_dim,
            projections=tuple(projections),
            has_id=self.row.__contains__,
            has_labels=self.codes.labels is not None,
            metrics=tuple(
                name for name in COLOURS[1:] if not getattr(self.codes, name).isnan().all()
            ),
            classes=len(self.condition_names),
            columns={
                name: Filterable(one.kind, frozenset(one.categories))
                for name, one in self.columns.items()
            },
        )

    @cached_property
    def columns(self) -> Mapping[str, Column]:
        """What filters the examples, by its name in the URL; empty with labels alone.

        Label, rate and distortion, those that there are, and the columns of the model folder.
        """
        codes = self.codes
        if not codes.columns:
            return {}
        own = {}
        if codes.labels is not None:
            labels = codes.labels.numpy().astype(np.int32)
            own["label"] = Column("Label", "category", labels, self.class_names)
        for name in COLOURS[1:]:
            values = getattr(codes, name)
            if not values.isnan().all():
                own[name] = Column(name.capitalize(), "number", values.double().numpy())
        return own | columns.keyed(codes.columns)

    @cached_property
    def class_names(self) -> tuple[str, ...]:
        """Names of the labels 0, 1, … of the test set; empty without labels."""
        if self.codes.labels is None:
            return ()
        count = int(self.codes.labels.max()) + 1
        return self.card.classes or tuple(map(str, range(count)))

    @cached_property
    def condition_names(self) -> tuple[str, ...]:
        """Names of the labels that the model is conditioned on; empty if it takes none."""
        return self.card.condition_names

    def conditions(self, rows: Ids | slice) -> torch.Tensor | None:
        """Return the labels of some rows as conditions, int64 (n,); None if the model takes none.

        Zeros stand in for the labels of a model folder that lacks them.
        """
        return self.saved.conditions(rows)

    @property
    def decoder_address(self) -> str:
        """Address of the decoder's weights, published."""
        return assets.publish(self._decoder, temporary=self.in_training)

    @property
    def encoder_address(self) -> str:
        """Address of the encoder's weights, published; the drawing pad runs it."""
        return assets.publish(self._encoder, temporary=self.in_training)

    @property
    def codes_address(self) -> str:
        """Address of the encoded test set, published."""
        return assets.publish(self._codes, temporary=self.in_training)

    def is_served(self, part: Literal["encoder", "decoder"] = "decoder") -> bool:
        """Whether the server runs a network, as a browser cannot."""
        return isinstance(self.model, ImportedVAE) and self.model.is_foreign(part)

    @property
    def server_address(self) -> str | None:
        """Address at which the server runs what a browser cannot; None for most models."""
        if not (self.is_served("decoder") or self.is_served("encoder")):
            return None
        return serving.publish(self.hash, self.model)

    @property
    def columns_address(self) -> str | None:
        """Address of the columns beside the labels, published; None without any."""
        return assets.publish(self._columns) if self.codes.columns else None

    @cached_property
    def _columns(self) -> Asset:
        return Asset(bundles.columns_bundle(self.codes), "columns.bin")

    @cached_property
    def _decoder(self) -> Asset:
        return Asset(bundles.network_bundle(self.model, parts=("decoder",)), "decoder.bin")

    @cached_property
    def _encoder(self) -> Asset:
        return Asset(bundles.network_bundle(self.model, parts=("encoder",)), "encoder.bin")

    @cached_property
    def _codes(self) -> Asset:
        return Asset(bundles.codes_bundle(self.codes), "codes.bin")

    @cached_property
    def kl_per_dim(self) -> Floats:
        """Mean KL of each latent dimension over the test set, in nats, (latent_dim,)."""
        kl: Floats = self.saved.kl_per_dim().numpy()
        return kl

    @cached_property
    def importance(self) -> Floats:
        """How much each latent dimension carries: its KL, or else the spread of codes."""
        spread: Floats = self.codes.mu.std(0, correction=0).numpy()
        return self.kl_per_dim if self.has_bound else spread

    @cached_property
    def opening_id(self) -> int | None:
        """Id of the example that pages open on, or None for the mean of the prior."""
        row = self.saved.opening_row()
        return None if row is None else int(self.codes.ids[row])

    @cached_property
    def ranges(self) -> Floats:
        """Range of each latent dimension that spans codes and prior, (latent_dim, 2)."""
        ranges: Floats = self.saved.ranges().numpy()
        return ranges

    @property
    def collapse_warning(self) -> str | None:
        """A sentence about posterior collapse, or None without any."""
        if not self.has_bound:
            return None
        return evaluation.collapse_warning(self.codes.mu, torch.from_numpy(self.kl_per_dim))

    @cached_property
    @torch.inference_mode()
    def moments(self) -> tuple[Moments, ...]:
        """Moments of p(z): one entry, or one for each label where the prior depends on it."""
        if self.card.model.prior == "label":
            labels = torch.arange(len(self.condition_names))
            given = self.model.prior_given(labels)
            assert isinstance(given, LabelGaussian)
            sigma = given.gaussian.logvar.exp().sqrt().numpy()
            return tuple(map(Moments, given.gaussian.mu.numpy(), sigma))
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
        """Return the rows of several ids, in their order."""
        return np.array([self.row[int(i)] for i in ids], dtype=np.int64)

    def label(self, example: int) -> str | None:
        """Return the name of an example's class, or None without labels."""
        if self.codes.labels is None:
            return None
        return self.class_names[int(self.codes.labels[self.row[example]])]


#: Makes Streamlit's caches key a model by its hash.
HASH_FUNCS: dict[str | type[Any], Callable[[Any], Any]] = {Opened: lambda opened: opened.hash}


@dataclass(frozen=True)
class OpenedMachine:
    """An open Boltzmann machine: its name in the URL and the hash of its weights."""

    name: str
    hash: str
    saved: SavedMachine
