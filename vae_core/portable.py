"""Models and codes as plain bytes that another program can run: a browser, a single file.

A network is a list of operations with half-precision weights; a bundle is a JSON header followed
by named arrays. The JavaScript that reads both lies in ``app/components/static``.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
import struct
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import nn

from vae_core.checkpoints import Codes
from vae_core.distributions import POSTERIOR_LOGVAR
from vae_core.errors import ConfigError
from vae_core.models import VAE

FORMAT_VERSION = 1
#: Bytes; arrays start at multiples of it, so that a reader can map them without a copy.
ALIGNMENT = 8
#: The largest finite half-precision number.
HALF_MAX = 65504.0
PARTS = ("decoder", "encoder")

_ACTIVATIONS: dict[type[nn.Module], str] = {nn.Tanh: "tanh", nn.ReLU: "relu", nn.SiLU: "silu"}

Array = NDArray[Any]
Layer = dict[str, Any]


def pack(model: VAE, *, parts: Collection[str] = PARTS) -> tuple[dict[str, Any], bytes]:
    """Describe a model's networks as operations, with weights in half precision.

    Parameters
    ----------
    parts
        Which of ``"decoder"`` (z to pixel means) and ``"encoder"`` (pixels to mu and logvar, one
        after another) are packed.

    Returns
    -------
    manifest
        ``hash`` (of all weights, whichever parts are packed), ``latent_dim``, ``image_shape``
        (c, h, w), a list of operations for each packed part, and ``arrays``: name, dtype, shape
        and offset of each weight array.
    weights
        The arrays' bytes.

    Raises
    ------
    ConfigError
        If a part is unknown, or a weight is not finite or beyond half precision.
    """
    unknown = set(parts) - set(PARTS)
    if unknown or not parts:
        raise ConfigError(f"parts {sorted(parts)}: allowed are {', '.join(PARTS)}")
    arrays: dict[str, Array] = {}
    if beyond := model.config.beyond_layers:
        raise ConfigError(f"a model with {', '.join(beyond)} cannot be packed for the browser yet")
    networks = {"decoder": _decoder(model, arrays), "encoder": _encoder(model, arrays)}
    meta = {
        "hash": _hash(networks, arrays),
        "latent_dim": model.config.latent_dim,
        "image_shape": list(model.config.image_shape),
        **{part: networks[part] for part in PARTS if part in parts},
    }
    needed = {name: array for name, array in arrays.items() if name.split(".")[0] in parts}
    index, payload = _lay_out(needed)
    return {"format_version": FORMAT_VERSION, **meta, "arrays": index}, payload


def network_bundle(model: VAE, *, parts: Collection[str] = PARTS) -> bytes:
    """Return what :func:`pack` returns as one piece, which is what a browser fetches."""
    manifest, weights = pack(model, parts=parts)
    meta = {name: value for name, value in manifest.items() if name != "arrays"}
    return _frame(meta, manifest["arrays"], weights)


def codes_bundle(codes: Codes) -> bytes:
    """Join an encoded set into one bundle, keyed by example id.

    Arrays: ``ids`` int32 (n), ``labels`` int16 (n), ``mu`` and ``sigma`` (n, d), ``rate`` and
    ``distortion`` (n), ``projection.<name>`` (n, 2), ``pca_mean`` (d), ``pca_components`` (2, d);
    those that the set lacks are left out. Spreads travel in half precision, and means too where
    there are many of them: no difference that a screen can show.
    """
    many = codes.mu.numel() > 1_000_000
    mean_type = np.float16 if many else np.float32
    arrays: dict[str, Array] = {
        "ids": codes.ids.numpy().astype(np.int32),
        "mu": codes.mu.numpy().astype(mean_type),
        "sigma": torch.exp(0.5 * codes.logvar).numpy().astype(np.float16),
        "rate": codes.rate.numpy().astype(np.float32),
        "distortion": codes.distortion.numpy().astype(np.float32),
    }
    if codes.labels is not None:
        arrays["labels"] = codes.labels.numpy().astype(np.int16)
    for name, points in sorted(codes.projections.items()):  # files keep no order
        arrays[f"projection.{name}"] = points.numpy().astype(np.float32)
    if codes.pca_mean is not None and codes.pca_components is not None:
        arrays["pca_mean"] = codes.pca_mean.numpy().astype(np.float32)
        arrays["pca_components"] = codes.pca_components.numpy().astype(np.float32)
    return bundle({"latent_dim": codes.mu.shape[1]}, arrays)


def positions_bundle(ids: torch.Tensor, positions: torch.Tensor) -> bytes:
    """Join the places (n, 2) of examples on a map with their ids, int64 (n,)."""
    arrays: dict[str, Array] = {
        "ids": ids.numpy().astype(np.int32),
        "positions": positions.numpy().astype(np.float32),
    }
    return bundle({}, arrays)


def sprite_bundle(ids: torch.Tensor, images: torch.Tensor) -> bytes:
    """Lay original pictures out in one PNG, to be found by example id.

    Parameters
    ----------
    ids
        int64 (n,).
    images
        uint8 (n, c, h, w) with one or three channels, in the order of ``ids``.
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


def bundle(meta: Mapping[str, Any], arrays: Mapping[str, Array]) -> bytes:
    """Join named arrays (float16, float32, int32, int16, uint8) and a JSON value.

    Layout: the header's length as a little-endian uint32, the header ``{"meta", "arrays"}`` in
    JSON, then the arrays, each starting at a multiple of ``ALIGNMENT``.
    """
    index, payload = _lay_out(arrays)
    return _frame(meta, index, payload)


def _decoder(model: VAE, arrays: dict[str, Array]) -> list[Layer]:
    pixels = model.config.pixels
    layers = _trunk(model.decoder, "decoder", arrays)
    # A Gaussian head also yields log-variances: a picture is the mean, the first ``pixels`` rows.
    head = model.likelihood
    assert isinstance(head, nn.Linear)
    bias = head.bias[:pixels]
    layers.append(_linear(head.weight[:pixels], bias, f"decoder.{len(layers)}", arrays))
    layers.append({"op": "sigmoid", "size": pixels})
    return layers


def _encoder(model: VAE, arrays: dict[str, Array]) -> list[Layer]:
    layers = _trunk(model.encoder, "encoder", arrays)
    head = model.posterior
    layers.append(_linear(head.weight, head.bias, f"encoder.{len(layers)}", arrays))
    low, high = POSTERIOR_LOGVAR
    layers.append({"op": "soft_clamp_logvar", "size": head.out_features, "low": low, "high": high})
    return layers


def _trunk(modules: nn.Sequential, part: str, arrays: dict[str, Array]) -> list[Layer]:
    layers: list[Layer] = []
    for module in modules:
        if isinstance(module, nn.Linear):
            name = f"{part}.{len(layers)}"
            layers.append(_linear(module.weight, module.bias, name, arrays))
        elif type(module) in _ACTIVATIONS:
            layers.append({"op": _ACTIVATIONS[type(module)], "size": layers[-1]["size"]})
        else:
            allowed = ", ".join(("Linear", *(kind.__name__ for kind in _ACTIVATIONS)))
            raise ConfigError(f"layer {type(module).__name__} cannot be packed; allowed: {allowed}")
    return layers


def _linear(weight: torch.Tensor, bias: torch.Tensor, name: str, arrays: dict[str, Array]) -> Layer:
    names = {"weight": f"{name}.weight", "bias": f"{name}.bias"}
    for kind, values in (("weight", weight), ("bias", bias)):
        exact = values.detach().float().cpu().numpy()
        if not np.abs(exact).max() <= HALF_MAX:
            raise ConfigError(f"{names[kind]} holds values that are not finite or above {HALF_MAX}")
        arrays[names[kind]] = exact.astype(np.float16)
    return {"op": "linear", "size": weight.shape[0], **names}


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
