"""Binary bundles of networks, codes and pictures for the browser.

A network is a list of operations with half-precision weights; a bundle is a JSON header followed
by named arrays. The JavaScript that reads them is in ``browser/``.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
import struct
from collections.abc import Callable, Collection, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import nn

from vae_core import boltzmann_metrics, columns, latents, projection
from vae_core.boltzmann_metrics import MachineCodes
from vae_core.data import ImageDataset, subset
from vae_core.errors import ConfigError
from vae_core.graphs import Graph
from vae_core.graphs.graph import WEIGHTS
from vae_core.model_folder import Codes
from vae_core.models import VAE, HierarchicalVAE, ImportedVAE
from vae_core.models.boltzmann import Boltzmann
from vae_core.models.dense import Dense
from vae_core.models.distributions import (
    POSTERIOR_LOGVAR,
    DiagonalGaussian,
    GaussianMixture,
    LabelGaussian,
)
from vae_core.models.imported import NO_ENCODER
from vae_core.models.likelihoods import LIKELIHOODS
from vae_core.models.networks import EveryRow, Head, LastRow, MapHead, Rows, Tanh

FORMAT_VERSION = 1
#: Arrays start at multiples of this many bytes, so that a reader needs no copy.
ALIGNMENT = 8
#: The largest finite half-precision number.
HALF_MAX = 65504.0
PARTS = ("decoder", "encoder")
#: The one layer of a network that a browser cannot run, which the server runs for it.
SERVED = "served"

Array = NDArray[Any]
Layer = dict[str, Any]


def pack(model: VAE, *, parts: Collection[str] = PARTS) -> tuple[dict[str, Any], bytes]:
    """Convert a model's networks to operations with half-precision weights.

    Parameters
    ----------
    parts
        Which of ``"decoder"`` (z to pixel means) and ``"encoder"`` (pixels to mu, followed by
        logvar) are packed.

    Returns
    -------
    manifest
        ``hash`` (of the weights of all parts), ``latent_dim``, ``image_shape`` (c, h, w),
        ``classes`` (of a conditional model, whose networks also read a label; else 0),
        ``stochastic_layers``, ``has_rate`` (only where codes have none), ``prior`` (with the
        decoder: None for N(0, I), else the diagonal
        Gaussians of a mixture or, ``by_label``, of each label), a list of operations for each
        part (of one that only a server can run, a layer "served" without weights), and
        ``arrays``: name, dtype, shape and offset of each array.
    weights
        Bytes of the arrays.

    Raises
    ------
    ConfigError
        If a part is unknown, or a weight is not finite or too large for half precision.
    """
    unknown = set(parts) - set(PARTS)
    if unknown or not parts:
        raise ConfigError(f"parts {sorted(parts)}: allowed are {', '.join(PARTS)}")
    arrays: dict[str, Array] = {}
    if isinstance(model, ImportedVAE):
        networks = _graphs(model, parts, arrays)
    else:
        networks = {"decoder": _decoder(model, arrays), "encoder": _encoder(model, arrays)}
    prior = _prior(model, arrays)
    meta = {
        "hash": _hash(networks, arrays),
        "latent_dim": model.config.latent_dim,
        "image_shape": list(model.config.image_shape),
        "classes": model.config.classes if model.config.conditional else 0,
        "stochastic_layers": 2 if isinstance(model, HierarchicalVAE) else 1,
        "prior": prior if "decoder" in parts else None,
        **({} if model.config.has_bound else {"has_rate": False}),
        **{part: networks[part] for part in PARTS if part in parts},
    }
    packed = {*parts, *(("prior",) if "decoder" in parts else ())}
    needed = {name: array for name, array in arrays.items() if name.split(".")[0] in packed}
    index, payload = _lay_out(needed)
    return {"format_version": FORMAT_VERSION, **meta, "arrays": index}, payload


def parts_of(model: VAE) -> tuple[str, ...]:
    """Return the parts that a model has: a decoder alone has no encoder."""
    return PARTS if model.config.has_encoder else PARTS[:1]


def network_bundle(model: VAE, *, parts: Collection[str] = PARTS) -> bytes:
    """Return the result of :func:`pack` as one bundle, which the browser downloads."""
    manifest, weights = pack(model, parts=parts)
    meta = {name: value for name, value in manifest.items() if name != "arrays"}
    return _frame(meta, manifest["arrays"], weights)


def codes_bundle(codes: Codes) -> bytes:
    """Return the bundle of an encoded test set.

    Arrays: ``ids`` int32 (n), ``labels`` int16 (n), ``mu`` and ``sigma`` (n, d), ``rate`` and
    ``distortion`` (n), ``projection.<name>`` (n, 2), ``pca_mean`` (d), ``pca_components`` (2, d).
    Those that the set lacks, or that are all NaN, are left out. Codes of one dimension have a
    projection "line". ``sigma`` is in half precision, and ``mu`` too if there are more than a
    million values.
    """
    mu = codes.mu
    many = mu.numel() > 1_000_000 and float(mu.abs().max()) <= HALF_MAX
    mean_type = np.float16 if many else np.float32
    arrays: dict[str, Array] = {
        "ids": codes.ids.numpy().astype(np.int32),
        "mu": mu.numpy().astype(mean_type),
    }
    if not (len(codes.logvar) and codes.logvar.isnan().all()):
        arrays["sigma"] = torch.exp(0.5 * codes.logvar).numpy().astype(np.float16)
    for name, values in (("rate", codes.rate), ("distortion", codes.distortion)):
        if not values.isnan().all():
            arrays[name] = values.numpy().astype(np.float32)
    if codes.labels is not None:
        arrays["labels"] = codes.labels.numpy().astype(np.int16)
    for name, points in sorted(codes.projections.items()):  # files keep no order
        arrays[f"projection.{name}"] = points.numpy().astype(np.float32)
    if codes.mu.shape[1] == 1:
        labels = None if codes.labels is None else codes.labels.numpy()
        arrays["projection.line"] = latents.along_line(codes.mu.numpy(), codes.ids.numpy(), labels)
    if codes.pca_mean is not None and codes.pca_components is not None:
        arrays["pca_mean"] = codes.pca_mean.numpy().astype(np.float32)
        arrays["pca_components"] = codes.pca_components.numpy().astype(np.float32)
    return bundle({"latent_dim": codes.mu.shape[1]}, arrays)


def columns_bundle(codes: Codes) -> bytes:
    """Return the bundle of an encoded test set's columns.

    ``meta`` lists them: ``key`` (:func:`vae_core.columns.keyed`), ``name``, ``kind``, and the names
    of the ``categories`` or the ``texts`` (n). Arrays: ``ids`` int32 (n), and by the column's
    position, ``0``, ``1``, …, the numbers, float64, or the positions of the categories, int16.
    """
    described = []
    arrays: dict[str, Array] = {"ids": codes.ids.numpy().astype(np.int32)}
    for place, (key, column) in enumerate(columns.keyed(codes.columns).items()):
        one = {"key": key, "name": column.name, "kind": column.kind}
        if column.kind == "text":
            described.append({**one, "texts": column.values.tolist()})
            continue
        is_number = column.kind == "number"
        described.append(one if is_number else {**one, "categories": list(column.categories)})
        arrays[str(place)] = column.values.astype(np.float64 if is_number else np.int16)
    return bundle({"columns": described}, arrays)


def positions_bundle(ids: torch.Tensor, positions: torch.Tensor) -> bytes:
    """Return the bundle of ids, int64 (n,), with positions on a map, (n, 2)."""
    arrays: dict[str, Array] = {
        "ids": ids.numpy().astype(np.int32),
        "positions": positions.numpy().astype(np.float32),
    }
    return bundle({}, arrays)


def sprite_bundle(ids: torch.Tensor, images: torch.Tensor) -> bytes:
    """Return the bundle of ids, int64 (n,), and one PNG with their images side by side.

    ``images`` are uint8 (n, c, h, w), with one or three channels.
    """
    n, channels, height, width = images.shape
    columns = max(1, math.ceil(math.sqrt(n * height / width)))
    rows = max(1, math.ceil(n / columns))
    sheet = np.zeros((rows * columns, height, width, channels), dtype=np.uint8)
    sheet[:n] = images.permute(0, 2, 3, 1).numpy()
    tiled = sheet.reshape(rows, columns, height, width, channels).swapaxes(1, 2)
    pixels = tiled.reshape(rows * height, columns * width, channels)
    png = io.BytesIO()
    picture = Image.fromarray(pixels[..., 0] if channels == 1 else pixels)
    picture.save(png, format="PNG", compress_level=6)
    arrays: dict[str, Array] = {
        "ids": ids.numpy().astype(np.int32),
        "png": np.frombuffer(png.getvalue(), dtype=np.uint8),
    }
    return bundle({"columns": columns, "height": height, "width": width}, arrays)


def training_bundle(dataset: ImageDataset, *, train: int = 10_000, shown: int = 300) -> bytes:
    """Return the bundle of images that a page trains on, and of test images whose codes it shows.

    Arrays: ``images`` (n, c · h · w) and ``shown`` (m, c · h · w) uint8, and of the shown ones
    ``ids`` int32 (m) and, if the dataset has labels, ``labels`` int16 (m).

    Parameters
    ----------
    train
        Training images at most: a random subset, that of seed 0 of a training with as many.
    shown
        Test images at most, evenly spread.
    """
    few = train < len(dataset.train)
    trained = subset(dataset.train, train) if few else dataset.train
    tested = dataset.test.spread(shown)
    arrays: dict[str, Array] = {
        "images": trained.images.flatten(1).numpy(),
        "shown": tested.images.flatten(1).numpy(),
        "ids": tested.ids.numpy().astype(np.int32),
    }
    if tested.labels is not None:
        arrays["labels"] = tested.labels.numpy().astype(np.int16)
    meta = {
        "name": dataset.name,
        "title": dataset.title,
        "shape": list(dataset.image_shape),
        "classes": list(dataset.classes),
        "train_size": train if few else None,
    }
    return bundle(meta, arrays)


def bundle(meta: Mapping[str, Any], arrays: Mapping[str, Array]) -> bytes:
    """Join a JSON value and named arrays (float16, float32, float64, int32, int16, uint8).

    Layout: length of the header as a little-endian uint32, the header ``{"meta", "arrays"}`` in
    JSON, then the arrays, each at a multiple of ``ALIGNMENT``.
    """
    index, payload = _lay_out(arrays)
    return _frame(meta, index, payload)


def _graphs(
    model: ImportedVAE, parts: Collection[str], arrays: dict[str, Array]
) -> dict[str, list[Layer]]:
    """Return the layers of an imported model, which are those of its graphs."""
    graphs = {"decoder": model.pixel_means(), "encoder": model.posterior_moments()}
    networks = {}
    for part, graph in graphs.items():
        if graph is None:
            if part in parts:
                raise ConfigError(NO_ENCODER)
            continue
        if graph.is_foreign:
            networks[part] = [{"op": SERVED, "size": graph.output_size, "digest": _digest(graph)}]
            continue
        names = {name: f"{part}.{name}" for name in graph.weights}
        arrays |= {names[name]: _halved(one, names[name]) for name, one in graph.weights.items()}
        networks[part] = [
            {
                key: names.get(value, value) if key in WEIGHTS else value
                for key, value in layer.items()
            }
            for layer in graph.layers
        ]
    return networks


def _digest(graph: Graph) -> str:
    digest = hashlib.sha256(graph.to_json().encode())
    for name in sorted(graph.weights):
        digest.update(graph.weights[name].contiguous().numpy().tobytes())
    return digest.hexdigest()[:16]


def _decoder(model: VAE, arrays: dict[str, Array]) -> list[Layer]:
    config = model.config
    network = _Writer("decoder", config.latent_dim, arrays)
    if isinstance(model, HierarchicalVAE):
        # The mean of z1, the first rows of p(z1|z2), is passed on to the lower layer.
        network.modules(model.upper_decoder)
        mean, bias = model.lower_prior.weight, model.lower_prior.bias
        assert config.first_latent_dim is not None
        network.linear(mean[: config.first_latent_dim], bias[: config.first_latent_dim])
    if config.conditional:
        network.label(config.classes)
    network.modules(model.decoder)
    network.head(model.likelihood, config.image_shape)
    if config.symmetric:
        network.add("symmetric", side=config.image_shape[1])
    network.add(LIKELIHOODS[config.likelihood].mean)
    return network.layers


def _encoder(model: VAE, arrays: dict[str, Array]) -> list[Layer]:
    config = model.config
    c, h, w = config.image_shape
    network = _Writer("encoder", config.pixels, arrays)
    if config.network == "conv":
        network.swap(c, h * w)
        network.sides = (h, w)
    elif config.network == "rows":
        network.swap(c, h, w)
    if config.conditional:
        network.label(config.classes)
    network.modules(model.encoder)
    head = model.posterior
    if isinstance(model, HierarchicalVAE):
        first = head.out_features // 2
        network.linear(head.weight[:first], head.bias[:first])
        network.modules(model.upper_encoder)
        head = model.upper_posterior
    network.linear(head.weight, head.bias)
    low, high = POSTERIOR_LOGVAR
    network.add("soft_clamp_logvar", low=low, high=high)
    return network.layers


def _prior(model: VAE, arrays: dict[str, Array]) -> dict[str, Any] | None:
    by_label = model.config.prior == "label"
    prior = model.prior_given(torch.arange(model.config.classes) if by_label else None)
    if isinstance(prior, LabelGaussian):
        gaussians, log_share = prior.gaussian, torch.zeros(len(prior.gaussian.mu))
    elif isinstance(prior, GaussianMixture):
        gaussians = DiagonalGaussian(prior.mu, prior.logvar)
        log_share = torch.log_softmax(prior.logits, dim=-1)
    else:
        return None
    described: dict[str, Any] = {"by_label": by_label}
    values = {"mu": gaussians.mu, "logvar": gaussians.logvar, "log_share": log_share}
    for kind, one in values.items():
        described[kind] = f"prior.{kind}"
        arrays[described[kind]] = _halved(one, described[kind])
    return described


class _Writer:
    """Writer of a network as a sequence of operations.

    The array between two operations is (parts, width): one row, the rows of an image, or the pixels
    of an array with ``sides`` (h, w), where each row has the channels of a pixel.
    """

    def __init__(self, part: str, width: int, arrays: dict[str, Array]) -> None:
        self.layers: list[Layer] = []
        self.parts, self.width = 1, width
        self.sides = (1, 1)
        self._enlarged_to: tuple[int, int] | None = None
        self._part = part
        self._arrays = arrays
        self._writers: dict[type[nn.Module], Callable[[Any], None]] = {
            Dense: lambda layer: self.linear(layer.weight, layer.bias),
            nn.Conv2d: self._convolution,
            nn.Upsample: self._enlarge,
            nn.Unflatten: self._unflatten,
            nn.Flatten: self._flatten,
            nn.Sequential: self.modules,
            Rows: self._recurrent_layers,
            EveryRow: lambda layer: self.add("repeat", parts=layer.rows),
            LastRow: lambda layer: self.add("last", parts=1, rows=self.parts),
            Tanh: lambda layer: self.add("tanh"),
            nn.ReLU: lambda layer: self.add("relu"),
            nn.SiLU: lambda layer: self.add("silu"),
            nn.LeakyReLU: lambda layer: self.add("leaky_relu", slope=layer.negative_slope),
            nn.GLU: lambda layer: self.add("gated", width=self.width // 2),
        }

    def add(
        self, op: str, *, parts: int | None = None, width: int | None = None, **more: Any
    ) -> None:
        """Append an operation, with the shape of its output if it changes."""
        self.parts = self.parts if parts is None else parts
        self.width = self.width if width is None else width
        layer = {"op": op, "size": self.parts * self.width, **more}
        self.layers.append(layer if self.parts == 1 else {**layer, "parts": self.parts})

    def modules(self, modules: nn.Sequential) -> None:
        """Write the layers of a network.

        Raises
        ------
        ConfigError
            If the type of a layer is not supported.
        """
        for module in modules:
            if type(module) not in self._writers:
                allowed = ", ".join(kind.__name__ for kind in self._writers)
                raise ConfigError(
                    f"layer {type(module).__name__} cannot be packed; allowed: {allowed}"
                )
            self._writers[type(module)](module)

    def linear(self, weight: torch.Tensor, bias: torch.Tensor | None = None) -> None:
        """Write W x + b for each row."""
        arrays = self._keep(weight=weight, bias=_bias(weight, bias))
        self.add("linear", width=len(weight), **arrays)

    def label(self, classes: int) -> None:
        """Append the one-hot label to each row."""
        self.add("label", width=self.width + classes, classes=classes)

    def swap(self, rows: int, columns: int, block: int = 1) -> None:
        """Transpose (rows, columns, block) to (columns, rows, block); ``parts`` is then columns."""
        if rows > 1 and columns > 1:
            self.add("swap", parts=columns, width=rows * block, sides=[rows, columns, block])
        self.parts, self.width = columns, rows * block

    def head(self, head: Head, image_shape: tuple[int, int, int]) -> None:
        """Write the rows of the decoder's last layer that compute each pixel's first value."""
        c, h, w = image_shape
        bias = head.bias[: c * h * w]
        if isinstance(head, Dense):
            self.linear(head.weight[: c * h * w], bias)
            return
        if isinstance(head, MapHead):
            self._convolve("conv", head.convolution.weight[:c], None, self.sides, stride=1)
            self.swap(h * w, c)
        else:
            self.linear(head.row.weight[: c * w])
            self.swap(h, c, w)
        self.parts, self.width = 1, c * h * w
        self.add("add", **self._keep(bias=bias))

    def _convolution(self, layer: nn.Conv2d) -> None:
        h, w = self.sides
        if self._enlarged_to is not None:
            sides, self._enlarged_to = self._enlarged_to, None
            self._convolve("resize_conv", layer.weight, layer.bias, sides)
        else:
            stride = layer.stride[0]
            sides = (-(-h // stride), -(-w // stride))
            self._convolve("conv", layer.weight, layer.bias, sides, stride=stride)

    def _convolve(
        self,
        op: str,
        weight: torch.Tensor,  # (channels, width, 3, 3)
        bias: torch.Tensor | None,
        sides: tuple[int, int],
        **more: Any,
    ) -> None:
        shapes = {"from": [*self.sides, self.width], "to": [*sides, len(weight)]}
        self.sides = sides
        arrays = self._keep(weight=weight.permute(0, 2, 3, 1), bias=_bias(weight, bias))
        self.add(op, parts=math.prod(sides), width=len(weight), **shapes, **more, **arrays)

    def _enlarge(self, layer: nn.Upsample) -> None:
        assert isinstance(layer.size, tuple)
        h, w = layer.size
        # Sides were halved and rounded up, so that each pixel is repeated twice.
        assert self.sides == (-(-h // 2), -(-w // 2)), (self.sides, layer.size)
        self._enlarged_to = (h, w)

    def _unflatten(self, layer: nn.Unflatten) -> None:
        channels, h, w = layer.unflattened_size
        self.swap(channels, h * w)
        self.sides = (h, w)

    def _flatten(self, layer: nn.Flatten) -> None:
        size = self.parts * self.width
        self.swap(self.parts, self.width)
        self.parts, self.width = 1, size

    def _recurrent_layers(self, rows: Rows) -> None:
        for layer in rows.layers:
            assert isinstance(layer, nn.GRU)
            weights = {name.removesuffix("_l0"): one for name, one in layer.named_parameters()}
            self.add("recurrent", width=layer.hidden_size, **self._keep(**weights))

    def _keep(self, **weights: torch.Tensor) -> dict[str, Any]:
        """Store weights of an operation in half precision; return their names."""
        names = {}
        for kind, values in weights.items():
            name = f"{self._part}.{len(self.layers)}.{kind}"
            self._arrays[name] = _halved(values, name)
            names[kind] = name
        return names


def _halved(values: torch.Tensor, name: str) -> Array:
    exact = values.detach().float().cpu().numpy()
    if not np.abs(exact).max() <= HALF_MAX:
        raise ConfigError(f"{name} has values that are not finite or above {HALF_MAX}")
    return exact.astype(np.float16)


def _bias(weight: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:
    return torch.zeros(len(weight)) if bias is None else bias


def _hash(networks: Mapping[str, list[Layer]], arrays: Mapping[str, Array]) -> str:
    digest = hashlib.sha256(json.dumps(networks, sort_keys=True).encode())
    for name in sorted(arrays):
        digest.update(np.ascontiguousarray(arrays[name]).tobytes())
    return digest.hexdigest()[:16]


def _lay_out(arrays: Mapping[str, Array]) -> tuple[list[dict[str, Any]], bytes]:
    index: list[dict[str, Any]] = []
    pieces: list[bytes] = []
    offset = 0
    for name, array in arrays.items():
        little = array.astype(array.dtype.newbyteorder("<"), copy=False)
        content = np.ascontiguousarray(little).tobytes()
        padding = -len(content) % ALIGNMENT
        index.append(
            {"name": name, "dtype": array.dtype.name, "shape": list(array.shape), "offset": offset}
        )
        pieces += [content, bytes(padding)]
        offset += len(content) + padding
    return index, b"".join(pieces)


def _frame(meta: Mapping[str, Any], index: list[dict[str, Any]], payload: bytes) -> bytes:
    header = json.dumps({"meta": meta, "arrays": index}, separators=(",", ":")).encode()
    start = struct.pack("<I", len(header)) + header
    return start + bytes(-len(start) % ALIGNMENT) + payload


def machine_bundle(machine: Boltzmann) -> bytes:
    """Return the bundle of a Boltzmann machine's decoder, from codes to mean pictures."""
    arrays: dict[str, Array] = {}
    layers: list[Layer] = []
    for layer in reversed(machine.layers):
        name = f"decoder.{len(layers)}"
        names = {"weight": f"{name}.weight", "bias": f"{name}.bias"}
        arrays[names["weight"]] = layer.weight.T.numpy().astype(np.float16)
        arrays[names["bias"]] = layer.visible_bias.numpy().astype(np.float16)
        size = len(layer.visible_bias)
        layers += [{"op": "linear", "size": size, **names}, {"op": "sigmoid", "size": size}]
    meta = {
        "format_version": FORMAT_VERSION,
        "latent_dim": machine.size,
        "image_shape": list(machine.config.image_shape),
        "decoder": layers,
    }
    return bundle(meta, arrays)


def machine_codes_bundle(codes: MachineCodes) -> bytes:
    """Return the bundle of a Boltzmann machine's codes, with their principal components."""
    h = codes.probabilities
    plane = projection.pca(h.numpy())
    arrays: dict[str, Array] = {
        "ids": codes.ids.numpy().astype(np.int32),
        "mu": h.numpy().astype(np.float16),
        "sigma": torch.exp(0.5 * boltzmann_metrics.logvar(h)).numpy().astype(np.float16),
        "distortion": codes.distortion.numpy().astype(np.float32),
        "projection.pca": plane.project(h.numpy()).astype(np.float32),
        "pca_mean": plane.mean.astype(np.float32),
        "pca_components": plane.components.astype(np.float32),
    }
    if codes.labels is not None:
        arrays["labels"] = codes.labels.numpy().astype(np.int16)
    return bundle({"latent_dim": h.shape[1]}, arrays)
