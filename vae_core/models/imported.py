"""Model that was made elsewhere: its encoder and decoder are graphs of operations."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from vae_core.config import ImportedConfig
from vae_core.errors import ConfigError
from vae_core.graphs import Builder, Graph, GraphNetwork
from vae_core.models.distributions import DiagonalGaussian, GaussianMixture, Prior, StandardNormal
from vae_core.models.likelihoods import (
    LIKELIHOODS,
    Bernoulli,
    ContinuousBernoulli,
    Gaussian,
    Likelihood,
)
from vae_core.models.vae import VAE, Labels

#: Log-variance that stands in for that of a plain auto-encoder's codes, which have none.
POINT_LOGVAR = -12.0
#: Distance of a probability from 0 and 1 at which its logit is taken.
EPSILON = 1e-7
NO_ENCODER = "this model has no encoder: it decodes codes, and has none for an image"
NO_BOUND = "this model has no log-variance: its codes have no rate, and there is no bound"
#: Names of the tensors of a prior that was fitted to codes.
PRIOR_MU, PRIOR_LOGVAR = "prior.mu", "prior.logvar"


@dataclass(frozen=True)
class ClampedGaussian(Gaussian):
    """Gaussian pixels whose means may lie outside [0, 1], where images show the nearest end."""

    @property
    def mean(self) -> Tensor:
        """Expected image, limited to [0, 1], (..., c, h, w)."""
        return super().mean.clamp(0, 1)


class ImportedVAE(VAE):
    """Model of two graphs with the methods of a :class:`VAE`.

    Without an encoder, ``encode`` raises; the codes of a plain auto-encoder, which has no
    log-variance, have that of ``POINT_LOGVAR``.

    Parameters
    ----------
    decoder
        Reads codes (n, latent_dim) and returns the values of ``config.output``.
    encoder
        Reads pixels (n, c · h · w) in [0, 1] and returns mu, followed by logvar of a Gaussian
        posterior; None for a decoder alone.
    codes
        Mean and log-variance (latent_dim,) of the codes, for the prior "codes".

    Raises
    ------
    ConfigError
        If the networks' sizes are not those of the config.
    """

    def __init__(
        self,
        config: ImportedConfig,
        *,
        decoder: Graph,
        encoder: Graph | None = None,
        codes: DiagonalGaussian | None = None,
    ) -> None:
        nn.Module.__init__(self)
        _check(config, encoder, decoder, codes)
        self.config = config  # type: ignore[assignment]  # has what a VAE's methods read
        self.settings = config
        self.decoder_network = GraphNetwork(decoder)
        self.encoder_network = None if encoder is None else GraphNetwork(encoder)
        self.codes = codes

    @property
    def decoder_graph(self) -> Graph:
        """Graph from a code to the values of ``config.output``."""
        return self.decoder_network.graph

    @property
    def encoder_graph(self) -> Graph | None:
        """Graph from pixels to mu or mu and logvar; None for a decoder alone."""
        return None if self.encoder_network is None else self.encoder_network.graph

    def is_foreign(self, part: Literal["encoder", "decoder"]) -> bool:
        """Whether onnxruntime runs this part, so that a browser cannot."""
        graph = self.decoder_graph if part == "decoder" else self.encoder_graph
        return graph is not None and graph.is_foreign

    def tensors(self) -> dict[str, Tensor]:
        """Return the weights of both graphs, and the moments of a fitted prior, by name."""
        named = {f"decoder.{name}": one for name, one in self.decoder_graph.weights.items()}
        if self.encoder_graph is not None:
            weights = self.encoder_graph.weights
            named |= {f"encoder.{name}": one for name, one in weights.items()}
        if self.codes is not None:
            named |= {PRIOR_MU: self.codes.mu, PRIOR_LOGVAR: self.codes.logvar}
        return named

    @property
    def parameter_count(self) -> int:
        """Number of weights of both networks."""
        graphs = [self.decoder_graph, *([self.encoder_graph] if self.encoder_graph else [])]
        fitted = 0 if self.codes is None else self.codes.mu.numel() + self.codes.logvar.numel()
        return sum(graph.parameters for graph in graphs) + fitted

    def pixel_means(self) -> Graph:
        """Return the graph from a code to the means of the pixels, (c · h · w)."""
        config, builder = self.settings, Builder.of(self.decoder_graph)
        if config.output == "logits":
            builder.add(LIKELIHOODS[config.likelihood].mean)
        elif config.output == "means-and-logvars":
            builder.add("slice", size=config.pixels, axis="width", start=0, step=1)
        if config.output != "logits":
            builder.add("clip", low=0.0, high=1.0)
        return builder.build()

    def posterior_moments(self) -> Graph | None:
        """Return the graph from pixels to mu followed by logvar; None for a decoder alone."""
        graph, config = self.encoder_graph, self.settings
        if graph is None or config.has_bound:
            return graph
        builder = Builder.of(graph)
        mu = len(builder.layers) - 1
        values = torch.full((config.latent_dim,), POINT_LOGVAR)
        logvar = builder.add("constant", [], size=config.latent_dim, weights={"values": values})
        builder.add("concat", [mu, logvar], size=2 * config.latent_dim, axis="width")
        return builder.build()

    def prior_given(self, y: Labels | None) -> Prior:
        """Return N(0, I), or the Gaussian of the codes as a mixture of one."""
        if self.codes is None:
            return StandardNormal(self.settings.latent_dim)
        return GaussianMixture(self.codes.mu[None], self.codes.logvar[None], torch.zeros(1))

    def encode_unchecked(self, x: Tensor, y: Labels | None = None) -> DiagonalGaussian:
        """Return q(z|x) of floats ``x`` (batch, c, h, w).

        Raises
        ------
        ConfigError
            If the model has no encoder, or is conditional and gets no labels.
        """
        if self.encoder_network is None:
            raise ConfigError(NO_ENCODER)
        values = self.encoder_network(x.flatten(1), self._label(y))
        if self.settings.has_bound:
            mu, logvar = values.chunk(2, dim=-1)
            return DiagonalGaussian(mu, logvar)
        return DiagonalGaussian(values, torch.full_like(values, POINT_LOGVAR))

    def decode(self, z: Tensor, y: Labels | None = None) -> Likelihood:
        """Return p(x|z) of codes (..., latent_dim), or (..., batch, latent_dim) with ``y``."""
        label = self._label(y)
        if label is not None:
            label = label.expand(z.shape[:-1]).reshape(-1)
        values = self.decoder_network(z.reshape(-1, z.shape[-1]), label)
        return self._likelihood(values.reshape(*z.shape[:-1], -1))

    def _label(self, y: Labels | None) -> Tensor | None:
        if not self.settings.conditional:
            return None
        self._one_hot(y)  # raises without labels
        return self._checked(y)

    def _likelihood(self, values: Tensor) -> Likelihood:
        config, shape = self.settings, self.settings.image_shape
        if config.likelihood == "gaussian":
            if config.sigma is None:
                mu, logvar = values.chunk(2, dim=-1)
                return ClampedGaussian(mu, logvar, shape)
            logvar = torch.full_like(values, 2 * math.log(config.sigma))
            return ClampedGaussian(values, logvar, shape)
        if config.output == "means":
            values = torch.logit(values, eps=EPSILON)
        kind = Bernoulli if config.likelihood == "bernoulli" else ContinuousBernoulli
        return kind(values, shape)


def _check(
    config: ImportedConfig,
    encoder: Graph | None,
    decoder: Graph,
    codes: DiagonalGaussian | None,
) -> None:
    d, pixels = config.latent_dim, config.pixels
    expected = {"decoder": (d, 2 * pixels if config.output == "means-and-logvars" else pixels)}
    found = {"decoder": (decoder.size, decoder.output_size)}
    if config.has_encoder != (encoder is not None):
        raise ConfigError(f"posterior {config.posterior!r} and an encoder do not go together")
    if encoder is not None:
        expected["encoder"] = (pixels, 2 * d if config.has_bound else d)
        found["encoder"] = (encoder.size, encoder.output_size)
    for part, sizes in expected.items():
        if found[part] != sizes:
            raise ConfigError(
                f"the {part} has {found[part][0]:,} values in and {found[part][1]:,} out, where "
                f"the settings imply {sizes[0]:,} and {sizes[1]:,}"
            )
    for part, graph in (("decoder", decoder), ("encoder", encoder)):
        if graph is not None and graph.classes not in (0, config.classes):
            raise ConfigError(
                f"the {part} reads {graph.classes} labels, where the settings state "
                f"{config.classes}"
            )
    fitted = None if codes is None else (tuple(codes.mu.shape), tuple(codes.logvar.shape))
    if fitted != (((d,), (d,)) if config.prior == "codes" else None):
        raise ConfigError(f"prior {config.prior!r} and the tensors of a prior do not go together")
