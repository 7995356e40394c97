"""Weights files of imported models: a safetensors file with the graphs in its metadata.

Tensors are named ``encoder.NAME`` and ``decoder.NAME``, as the graphs name them, and ``prior.mu``
and ``prior.logvar`` where the prior is the Gaussian of the codes. The metadata has the JSON of
each graph (:meth:`vae_core.graphs.Graph.to_json`) under "encoder" and "decoder".
"""

from __future__ import annotations

import json
from collections.abc import Mapping

import safetensors.torch
from torch import Tensor

from vae_core.config import ImportedConfig
from vae_core.errors import ConfigError
from vae_core.graphs import Graph
from vae_core.models import ImportedVAE
from vae_core.models.distributions import DiagonalGaussian
from vae_core.models.imported import PRIOR_LOGVAR, PRIOR_MU

ENCODER, DECODER = "encoder", "decoder"


def write(model: ImportedVAE) -> bytes:
    """Return the weights file of a model."""
    graphs = {DECODER: model.decoder_graph, ENCODER: model.encoder_graph}
    metadata = {part: graph.to_json() for part, graph in graphs.items() if graph is not None}
    tensors = {name: one.detach().contiguous().clone() for name, one in model.tensors().items()}
    return safetensors.torch.save(tensors, metadata=metadata)


def read(config: ImportedConfig, content: bytes, tensors: Mapping[str, Tensor]) -> ImportedVAE:
    """Create a model from its weights file, whose tensors have been read.

    Raises
    ------
    ConfigError
        If a graph is missing or damaged, or the networks do not fit the config.
    """
    described = _metadata(content)
    unknown = set(described) - {ENCODER, DECODER}
    if DECODER not in described or unknown:
        raise ConfigError(f"graphs of {sorted(described)}: a decoder and at most an encoder")
    graphs = {
        part: Graph.of(text, safetensors.torch.save(_of_part(tensors, part)))
        for part, text in described.items()
    }
    names = {PRIOR_MU, PRIOR_LOGVAR} & tensors.keys()
    codes = None
    if len(names) == 2:
        codes = DiagonalGaussian(tensors[PRIOR_MU], tensors[PRIOR_LOGVAR])
    return ImportedVAE(config, decoder=graphs[DECODER], encoder=graphs.get(ENCODER), codes=codes)


def _metadata(content: bytes) -> dict[str, str]:
    """Return the metadata of a safetensors file that has been read."""
    length = int.from_bytes(content[:8], "little")
    metadata = json.loads(content[8 : 8 + length]).get("__metadata__", {})
    return {str(name): str(value) for name, value in metadata.items() if name != "format"}


def _of_part(tensors: Mapping[str, Tensor], part: str) -> dict[str, Tensor]:
    prefix = f"{part}."
    return {
        name.removeprefix(prefix): one for name, one in tensors.items() if name.startswith(prefix)
    }
