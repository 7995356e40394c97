"""Small models of each kind, and a reader of bundles that is independent of the writer."""

from __future__ import annotations

import json
import struct

import numpy as np
import torch
from numpy.typing import NDArray

from vae_core import models
from vae_core.config import ModelConfig
from vae_core.formats import bundles
from vae_core.models import VAE, initialise


def small_model(**settings: object) -> VAE:
    """Make an untrained model of a few units."""
    config = ModelConfig.of(
        **{"image_shape": (1, 5, 4), "latent_dim": 3, "hidden": (11, 7), **settings}
    )
    model = models.build(config)
    mean_image = torch.full(config.image_shape, 0.3)
    generator = torch.Generator().manual_seed(4)
    initialise(model, mean_image=mean_image, scheme="default", generator=generator)
    return model.eval().requires_grad_(False)


def read_bundle(content: bytes) -> tuple[dict[str, object], dict[str, NDArray[np.generic]]]:
    """Read a bundle by its documented layout, independently of what wrote it."""
    (length,) = struct.unpack("<I", content[:4])
    header = json.loads(content[4 : 4 + length])
    start = -(-(4 + length) // bundles.ALIGNMENT) * bundles.ALIGNMENT
    arrays = {
        entry["name"]: np.frombuffer(
            content,
            dtype=entry["dtype"],
            count=int(np.prod(entry["shape"])),
            offset=start + entry["offset"],
        ).reshape(entry["shape"])
        for entry in header["arrays"]
    }
    return header["meta"], arrays


COLOUR = {"image_shape": (3, 7, 5), "likelihood": "gaussian"}
CONDITIONAL = {"conditional": True, "classes": 4}
LAYERS = {"first_latent_dim": 5, "upper_hidden": (8, 6)}


#: Every kind of network that there is, alone and where kinds meet.
KINDS: dict[str, dict[str, object]] = {
    "leaky": {"activation": "leaky-relu"},
    "gated": {"activation": "gated"},
    "two activations": {"activation": "gated", "decoder_activation": "leaky-relu"},
    "continuous": {"likelihood": "continuous-bernoulli"},
    "colour": COLOUR,
    "logistic": COLOUR | {"likelihood": "discretised-logistic"},
    "mixture": {"prior": "mixture", "components": 5},
    "vamp": {"prior": "vamp", "components": 5},
    "label prior": {"prior": "label", "classes": 4},
    "conditional": CONDITIONAL,
    "two layers": LAYERS,
    "two layers, conditional": LAYERS | CONDITIONAL,
    "symmetric": {"symmetric": True, "image_shape": (1, 6, 6)},
    "symmetric, colour": COLOUR | {"symmetric": True, "image_shape": (3, 5, 5)},
    "conv": {"network": "conv", "hidden": (4, 6)},
    "conv, one layer": {"network": "conv", "hidden": (5,), "activation": "relu"},
    "conv, odd sides": {"network": "conv", "hidden": (4, 6, 8), "image_shape": (1, 13, 9)},
    "conv, even sides": {"network": "conv", "hidden": (4, 6), "image_shape": (1, 8, 12)},
    "conv, gated": {"network": "conv", "hidden": (4, 6), "activation": "gated"},
    "conv, colour": {"network": "conv", "hidden": (4, 6)} | COLOUR,
    "conv, all": {"network": "conv", "hidden": (4, 6), "activation": "gated"}
    | COLOUR
    | CONDITIONAL
    | LAYERS,
    "rows": {"network": "rows"},
    "rows, colour": {"network": "rows"} | COLOUR,
    "rows, all": {"network": "rows", "activation": "gated"} | COLOUR | CONDITIONAL | LAYERS,
}


def of_kind(kind: str) -> VAE:
    """Make an untrained model of a kind, with biases, which would be nought."""
    model = small_model(**KINDS[kind])
    generator = torch.Generator().manual_seed(3)
    for parameter in model.parameters():
        parameter += 0.2 * torch.randn(parameter.shape, generator=generator)
    if model.config.likelihood == "continuous-bernoulli":
        # Its mean is 0 / 0 at a logit of nought, and a series nearby.
        near = torch.tensor([0.0, 1e-4, -0.03, 0.049, 0.051])
        model.likelihood.weight[: len(near)] = 0
        model.likelihood.bias[: len(near)] = near
    return model
