"""A model that is open: its moments, labels and the addresses of its bundles."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray

from app.address import Facts
from app.resources import assets
from app.resources.assets import Asset
from vae_core import evaluation
from vae_core.config import ModelConfig, TrainConfig
from vae_core.formats import bundles
from vae_core.model_folder import Codes, ModelCard, Saved, SavedMachine
from vae_core.models import VAE
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
    return metric_kind(model.likelihood, training.tested_on)


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


def _published(opened: Opened, asset: Asset) -> str:
    return assets.publish(asset, passing=opened.in_training)


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
