"""Drafts: a foreign model put together, with what was found, before codes are computed."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from vae_core.config import ImportedConfig, ImportedPrior, Pixels
from vae_core.data import Split
from vae_core.errors import ConfigError
from vae_core.graphs import Graph
from vae_core.imports import assembly, meanings
from vae_core.imports.meanings import Findings, ImageShape, Output, Posterior, Told
from vae_core.imports.networks import Network, describe
from vae_core.model_folder import ImportedData
from vae_core.models import ImportedVAE
from vae_core.models.distributions import DiagonalGaussian

#: Pictures, or codes, whose values are looked at; and pictures that a prior and a scale are of.
LOOKED_AT, FITTED_TO = 200, 2000
#: Smallest standard deviation of Gaussian pixels that is fitted.
LEAST_SIGMA = 0.01


@dataclass(frozen=True)
class Request:
    """What is to be put together.

    Attributes
    ----------
    decoder, encoder
        Networks; a decoder alone is a generator.
    told
        What was stated about them.
    split
        Pictures, which an encoder needs.
    classes
        Number of labels of the pictures, or stated; 0 without.
    pixels_kind
        Pixels that metrics are of.
    prior
        None for that of the posterior: N(0, I), or of an auto-encoder the Gaussian of its codes.
    like
        Dataset whose preparation own pictures get.
    data
        Where own pictures are.
    """

    decoder: Network
    encoder: Network | None
    told: Told
    image_shape: ImageShape
    split: Split | None = None
    classes: int = 0
    pixels_kind: Pixels = "grey"
    prior: ImportedPrior | None = None
    like: str | None = None
    data: ImportedData | None = None


@dataclass(frozen=True)
class Draft:
    """Model with its settings, and sentences on what was found and guessed.

    Attributes
    ----------
    encoder, decoder
        The networks in a line each.
    input_range
        Values that black and white have for the encoder; None without one.
    """

    model: ImportedVAE
    found: tuple[str, ...]
    decoder: str
    encoder: str = ""
    input_range: tuple[float, float] | None = None
    #: Returns the model with an encoder of another input range.
    with_range: Callable[[tuple[float, float]], ImportedVAE] | None = None

    @property
    def config(self) -> ImportedConfig:
        """Settings of the model."""
        return self.model.settings


def draft(request: Request) -> Draft:
    """Put a model together.

    Raises
    ------
    ConfigError
        If the networks do not fit each other or the pictures, or it is not certain what an output
        means; the sentence says what to state.
    """
    return _Drafting(request).draft()


@dataclass(frozen=True)
class Sizes:
    """Sizes of codes and labels.

    Attributes
    ----------
    latent_dim
        Values of a code.
    classes
        Labels of a conditional model, 0 of others.
    after_code, after_pixels
        Labels that follow the code, or the pixels, in a network's only input; 0 if none do.
    """

    latent_dim: int
    classes: int = 0
    after_code: int = 0
    after_pixels: int = 0


def sizes_of(request: Request, found: Findings) -> Sizes:
    """Return the sizes of codes and labels.

    Raises
    ------
    ConfigError
        If the networks do not fit each other or the pictures.
    """
    encoder, decoder = request.encoder, request.decoder
    size, classes = decoder.inputs[0].size, decoder.classes
    if encoder is None:
        after = 0 if classes else request.classes
        if size <= after:
            raise ConfigError(f"the decoder reads {size} values, no more than its {after} labels")
        return Sizes(size - after, classes or after, after)
    after_pixels = encoder.inputs[0].size - math.prod(request.image_shape)
    classes = classes or encoder.classes
    outputs = {port.size for port in encoder.outputs}
    if size in outputs or 2 * size in outputs:
        sizes = Sizes(size, classes or max(0, after_pixels), 0, after_pixels)
    else:
        after = request.classes
        code = size - after
        if after < 2 or not (code in outputs or 2 * code in outputs):
            returned = " and ".join(f"{port.size:,}" for port in encoder.outputs)
            raise ConfigError(
                f"the encoder returns {returned} values and the decoder reads {size:,}: they do "
                "not fit each other; a conditional model needs labels or --classes"
            )
        sizes = Sizes(code, after, after, after_pixels)
    if sizes.after_pixels not in (0, request.classes):
        c, h, w = request.image_shape
        raise ConfigError(
            f"the encoder reads {encoder.inputs[0]}, where pictures of {h} × {w} with {c} "
            f"channel{'s' if c > 1 else ''} have {c * h * w:,} values"
        )
    if sizes.classes:
        found.add("classes", str(sizes.classes), "the networks read a label")
    return sizes


class _Drafting:
    """Steps of :func:`draft`."""

    def __init__(self, request: Request) -> None:
        self.request, self.told = request, request.told
        self.shape = request.image_shape
        self.found = Findings()
        self.sizes = sizes_of(request, self.found)
        self.some = None if request.split is None else request.split.spread(LOOKED_AT)

    def draft(self) -> Draft:
        posterior, mu = self._posterior()
        output = self._output(mu)
        likelihood = meanings.find_likelihood(output, self.shape[0], self.told, self.found)
        input_range = None
        encoder = None
        if posterior is not None:
            input_range = meanings.find_input_range(output, self.told, self.found)
            encoder = self._encoder(posterior, input_range)
        sigmoid = likelihood != "gaussian" and self._ends_in_sigmoid(output)
        decoder = self._decoder(output, logits=sigmoid)
        config = ImportedConfig.of(
            image_shape=self.shape,
            latent_dim=self.sizes.latent_dim,
            posterior="none" if posterior is None else posterior.family,
            output="logits" if sigmoid else output.family,
            likelihood=likelihood,
            sigma=1.0 if likelihood == "gaussian" and output.family == "means" else None,
            pixels_kind=self.request.pixels_kind,
            classes=self.sizes.classes,
            like=self.request.like,
        )
        model = self._fitted(ImportedVAE(config, decoder=decoder, encoder=encoder))
        return Draft(
            model=model,
            found=tuple(self.found.sentences),
            decoder=describe(decoder),
            encoder="" if encoder is None else describe(encoder),
            input_range=input_range,
            with_range=None
            if posterior is None
            else lambda other: ImportedVAE(
                model.settings,
                decoder=decoder,
                encoder=self._encoder(posterior, other),
                codes=model.codes,
            ),
        )

    def _posterior(self) -> tuple[Posterior | None, Tensor]:
        """Return the meaning of the encoder's outputs, and codes to look at the decoder with."""
        network, d = self.request.encoder, self.sizes.latent_dim
        if network is None:
            return None, torch.randn(LOOKED_AT, d, generator=torch.Generator().manual_seed(0))
        if self.some is None:
            raise ConfigError("an encoder needs pictures: state data (--dataset)")
        usual = self.told.input_range or meanings.RANGES.get(self.told.output or "", (0.0, 1.0))
        images, labels = self.some.images.flatten(1).float() / 255, self.some.labels

        def values(posterior: Posterior) -> Tensor:
            return meanings.values_of(self._encoder(posterior, usual), images, labels)

        posterior = meanings.find_posterior(
            network, d, self.told, lambda name: values(Posterior("mu", (name,))), self.found
        )
        return posterior, values(posterior)[:, :d]

    def _output(self, mu: Tensor) -> Output:
        y = None if self.some is None else self.some.labels
        if self.sizes.classes and y is None:
            y = torch.arange(len(mu)) % self.sizes.classes

        def values(name: str) -> Tensor:
            return meanings.values_of(self._decoder(Output("[0,1]", (name,))), mu, y)

        def errors(name: str) -> str:
            return self._closeness(values(name))

        pixels = math.prod(self.shape)
        return meanings.find_output(
            self.request.decoder, pixels, self.told, values, self.found, errors
        )

    def _closeness(self, values: Tensor) -> str:
        """Say how close values are to the pictures by each of their meanings."""
        if self.some is None or len(values) != len(self.some):
            return ""
        x = self.some.images.flatten(1).float() / 255
        means = {"logits": torch.sigmoid(values)}
        for kind, (low, high) in meanings.RANGES.items():
            means[kind] = ((values - low) / (high - low)).clamp(0, 1)
        found = {kind: float((one - x).square().mean()) for kind, one in means.items()}
        best = sorted(found, key=found.__getitem__)
        return (
            f"; reconstructions are closest as {best[0]} (mean squared error "
            f"{found[best[0]]:.4f}), then as {best[1]} ({found[best[1]]:.4f})"
        )

    def _encoder(self, posterior: Posterior, input_range: tuple[float, float]) -> Graph:
        assert self.request.encoder is not None
        return assembly.encoder_graph(
            self.request.encoder,
            posterior,
            image_shape=self.shape,
            input_range=input_range,
            classes=self.sizes.after_pixels,
        )

    def _decoder(self, output: Output, *, logits: bool = False) -> Graph:
        return assembly.decoder_graph(
            self.request.decoder,
            output,
            image_shape=self.shape,
            latent_dim=self.sizes.latent_dim,
            classes=self.sizes.after_code,
            logits=logits,
        )

    def _ends_in_sigmoid(self, output: Output) -> bool:
        graph = self.request.decoder.graph_of(output.names)
        return output.kind == "probabilities" and meanings.last_operation(graph) == "sigmoid"

    def _fitted(self, model: ImportedVAE) -> ImportedVAE:
        """Fit what depends on codes: the prior of an auto-encoder, and a scale not stated."""
        config = model.settings
        changes: dict[str, Any] = {}
        codes = None
        prior = self.request.prior or ("codes" if config.posterior == "point" else "standard")
        if prior == "codes":
            if not config.has_encoder:
                raise ConfigError("prior 'codes' needs an encoder")
            x, y = self._examples()
            mu = model.encode(x, y).mu
            codes = DiagonalGaussian(*assembly.gaussian_of_codes(mu))
            changes["prior"] = prior
        if config.sigma is not None:
            changes["sigma"] = self._sigma(model)
        config = config.model_copy(update=changes)
        return ImportedVAE(
            config, decoder=model.decoder_graph, encoder=model.encoder_graph, codes=codes
        )

    def _sigma(self, model: ImportedVAE) -> float:
        told = None if self.told.likelihood is None else meanings.likelihood(self.told.likelihood)
        if told is not None and told[1] is not None:
            return told[1]
        if not model.settings.has_encoder:
            return 1.0
        x, y = self._examples()
        with torch.inference_mode():
            error = (model.reconstruct(x, y) - x).square().mean().sqrt()
        sigma = max(LEAST_SIGMA, float(f"{float(error):.3g}"))
        self.found.add(
            "likelihood", f"gaussian:{sigma:g}", "the root mean squared error of the "
            "reconstructions; state the standard deviation that the training had"
        )  # fmt: skip
        return sigma

    def _examples(self) -> tuple[Tensor, Tensor | None]:
        assert self.request.split is not None
        some = self.request.split.spread(FITTED_TO)
        return some.images.float() / 255, some.labels if self.sizes.classes else None
