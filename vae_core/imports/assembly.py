"""Put a foreign encoder and decoder together as one model of pixels in [0, 1]."""

from __future__ import annotations

import torch
from torch import Tensor

from vae_core.graphs import Builder, Graph, join
from vae_core.graphs.graph import reads
from vae_core.imports import meanings
from vae_core.imports.meanings import RANGES, Output, Posterior
from vae_core.imports.networks import Network, Port

ImageShape = tuple[int, int, int]

#: Smallest standard deviation and variance whose logarithm is taken.
SMALLEST = 1e-8


def encoder_graph(
    network: Network,
    posterior: Posterior,
    *,
    image_shape: ImageShape,
    input_range: tuple[float, float],
    classes: int = 0,
) -> Graph:
    """Return the graph from pixels in [0, 1] to mu, followed by logvar if there is one.

    Parameters
    ----------
    input_range
        What black and white pixels are to the network.
    classes
        Labels that the network reads after the pixels; 0 if none, or an input of their own.
    """
    before = _input(network.inputs[0], image_shape, input_range, classes)
    graph = network.graph_of(posterior.outputs)
    parts = [*([] if before is None else [before]), graph]
    after = _moments(graph.output_size, posterior.kind)
    return join([*parts, *([] if after is None else [after])])


def decoder_graph(
    network: Network,
    output: Output,
    *,
    image_shape: ImageShape,
    latent_dim: int,
    classes: int = 0,
    logits: bool = False,
) -> Graph:
    """Return the graph from a code to the values of the config's output, channels first.

    Parameters
    ----------
    classes
        Labels that the network reads after the code; 0 if none, or an input of their own.
    logits
        Whether to leave out the sigmoid that the network ends in.
    """
    graph = network.graph_of(output.names)
    parts = [without_last(graph) if logits else graph]
    if classes:
        labelled = Builder(latent_dim)
        labelled.add("label", [-1], size=latent_dim + classes, classes=classes)
        parts.insert(0, labelled.build())
    after = _pixels(network, output, graph.output_size, image_shape)
    return join([*parts, *([] if after is None else [after])])


def without_last(graph: Graph) -> Graph:
    """Return a graph without its last operation on values."""
    builder = Builder.of(graph)
    end = len(builder.layers) - 1
    index = end
    while builder.layers[index]["op"] in meanings.LAYOUT:
        index -= 1
    (source,) = reads(builder.layers[index], index)
    for later in range(index + 1, end + 1):
        inputs = reads(builder.layers[later], later)
        builder.layers[later]["inputs"] = [source if one == index else one for one in inputs]
    return builder.build(source if index == end else end)


def _input(
    port: Port, image_shape: ImageShape, input_range: tuple[float, float], classes: int
) -> Graph | None:
    """Return the graph from pixels (c · h · w) in [0, 1] to what the encoder reads, if any."""
    channels, height, width = image_shape
    builder = Builder(channels * height * width)
    low, high = input_range
    if (low, high) != (0.0, 1.0):
        builder.add("product", weights={"values": torch.tensor([high - low])})
    if low != 0.0:
        builder.add("sum", weights={"values": torch.tensor([low])})
    if meanings.is_channels_last(port, image_shape):
        sides = [channels, height * width, 1]
        builder.add("swap", parts=height * width, sides=sides)
    if classes:
        size = builder.size_of(len(builder.layers) - 1)
        builder.add("label", size=size + classes, classes=classes)
    return builder.build() if builder.layers else None


def _moments(size: int, kind: str) -> Graph | None:
    """Return the graph that turns standard deviations or variances into log-variances."""
    if kind not in ("mu,std", "mu,var"):
        return None
    half = size // 2
    builder = Builder(size)
    mu = builder.add("slice", [-1], size=half, axis="width", start=0)
    builder.add("slice", [-1], size=half, axis="width", start=half)
    builder.add("clip", low=SMALLEST)
    logvar = builder.add("log")
    if kind == "mu,std":
        logvar = builder.add("product", weights={"values": torch.tensor([2.0])})
    builder.add("concat", [mu, logvar], size=size, axis="width")
    return builder.build()


def _pixels(network: Network, output: Output, size: int, image_shape: ImageShape) -> Graph | None:
    """Return the graph from a decoder's values to those of the config, channels first."""
    _, height, width = image_shape
    builder = Builder(size)
    ports = [network.output(name) for name in output.names]
    if len(ports) == 1 and meanings.is_channels_last(ports[0], image_shape):
        values = ports[0].shape[2]
        sides = [height * width, values, 1]
        builder.add("swap", parts=values, sides=sides)
    low, high = RANGES.get(output.kind, (0.0, 1.0))
    if (low, high) != (0.0, 1.0):
        if low != 0.0:
            builder.add("sum", weights={"values": torch.tensor([-low])})
        builder.add("product", weights={"values": torch.tensor([1 / (high - low)])})
    return builder.build() if builder.layers else None


def gaussian_of_codes(mu: Tensor) -> tuple[Tensor, Tensor]:
    """Return mean and log-variance (latent_dim,) of codes (n, latent_dim)."""
    spread = mu.var(0, correction=0).clamp(min=1e-6)
    return mu.mean(0), spread.log()
