"""Open the networks of a foreign model: ONNX files, PyTorch modules, functions."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from vae_core.errors import ConfigError, LatentExplorerError, OnnxError, OperatorError
from vae_core.formats import onnx_reading
from vae_core.formats.onnx_reading import ForeignModel, OnnxModel
from vae_core.graphs import Graph, foreign
from vae_core.imports import exporting, networks
from vae_core.imports.meanings import ImageShape
from vae_core.imports.networks import Network
from vae_core.imports.pictures import Source

#: Names of an input that is a label.
LABEL_NAME = re.compile(
    r"(^|_)(y|c|cond|condition|labels?|class(es)?|one_?hot)($|_)", re.IGNORECASE
)
HASH_LENGTH = 16

File = OnnxModel | ForeignModel


def open_networks(
    encoder: Any,
    decoder: Any,
    *,
    source: Source | None = None,
    shape: ImageShape | None = None,
    classes: int = 0,
) -> tuple[Network | None, Network]:
    """Open an encoder and a decoder.

    Parameters
    ----------
    encoder, decoder
        Paths or bytes of ONNX files, PyTorch modules, or functions. One file may hold both.
    source
        The pictures, whose shape a module or a function is exported with.
    shape
        (c, h, w) where it is stated.
    classes
        Number of labels, where it is known.

    Raises
    ------
    ConfigError
        If one cannot be read or exported, or there is no decoder.
    """
    if encoder is None and decoder is None:
        raise ConfigError("nothing to import: an encoder and a decoder are needed, or a decoder")
    shape = shape or (None if source is None else source.shape)
    first = None
    if encoder is not None:
        first = _read(encoder, "encoder", shape, classes, _shapes_of_pictures(shape))
    if decoder is None:
        assert first is not None
        return _split(first, classes)
    codes = () if first is None else tuple(port.shape for port in first.outputs)
    second = _read(decoder, "decoder", codes[0] if codes else None, classes, codes)
    if first is None and len(second.inputs) + len(second.sampled) > 1:
        both = _try_split(second, classes)
        if both is not None:
            return both
    found = None if first is None else _network(first, _named(encoder), classes, largest=True)
    labels = found.classes if found is not None else classes
    return found, _network(second, _named(decoder), labels)


def _is_file(source: Any) -> bool:
    return isinstance(source, str | Path | bytes)


def _named(source: Any) -> dict[str, str]:
    """Return where a network comes from: the name of its file and its hash."""
    if isinstance(source, bytes):
        return {"hash": hashlib.sha256(source).hexdigest()[:HASH_LENGTH]}
    if isinstance(source, str | Path):
        path = Path(source).expanduser()
        content = path.read_bytes()
        return {"file": path.name, "hash": hashlib.sha256(content).hexdigest()[:HASH_LENGTH]}
    kind = getattr(source, "__qualname__", type(source).__qualname__)
    return {"file": f"{kind}, exported by PyTorch"}


def _shapes_of_pictures(shape: ImageShape | None) -> list[tuple[int, ...]]:
    """Return the shapes in which a network may read pictures (c, h, w)."""
    if shape is None:
        return []
    channels, height, width = shape
    flat: list[tuple[int, ...]] = [shape, (height, width, channels), (math.prod(shape),)]
    return [*flat, (height, width)] if channels == 1 else flat


def _read(
    source: Any,
    part: str,
    shape: Sequence[int] | None,
    classes: int,
    likely: Sequence[tuple[int, ...]],
) -> File:
    """Read a file, or what is exported as one, in a likely shape where it leaves sizes open."""
    if not _is_file(source):
        source = exporting.to_onnx(source, part=part, shape=shape, classes=classes)
    elif isinstance(source, str | Path):
        source = Path(source).expanduser()
    try:
        return onnx_reading.read(source, likely=likely)
    except OperatorError as error:
        return _foreign(source, part, classes, likely, error)
    except LatentExplorerError as error:
        raise ConfigError(f"{part}: {error}") from error


def _foreign(
    source: Any, part: str, classes: int, likely: Sequence[tuple[int, ...]], why: OperatorError
) -> ForeignModel:
    """Read a file that our operations cannot express for onnxruntime."""
    if not foreign.available():
        head, *rest = str(why).split("; ", 1)
        raise ConfigError("; ".join([f"{part}: {head}, without {foreign.MISSING}", *rest])) from why
    try:
        return onnx_reading.read_foreign(source, likely=likely, classes=classes, reason=str(why))
    except OnnxError as error:
        raise ConfigError(f"{part}: {str(why).split(';')[0]}; {error}") from error


def _network(model: File, named: dict[str, str], classes: int, *, largest: bool = False) -> Network:
    """Return a file with one network; one of two inputs is a label."""
    label = _label_input(model.inputs, classes, largest=largest)
    inputs = [port for port in model.inputs if port is not label]
    if len(inputs) != 1:
        listed = ", ".join(port.name for port in model.inputs)
        raise ConfigError(
            f"the network has the inputs {listed}: one of numbers is needed, and at most one that "
            "is a label; state --classes if one of them is a one-hot label"
        )
    return _of(model, inputs[0].name, [port.name for port in model.outputs], label, named)


def _of(
    model: File,
    entry: str,
    outputs: Sequence[str],
    label: onnx_reading.Port | None,
    named: dict[str, str],
) -> Network:
    ports = {port.name: port for port in (*model.inputs, *model.outputs, *model.sampled)}
    facts = {
        **named,
        "written by": f"{model.producer or 'an unknown program'}, operator set "
        f"{model.operator_set}",
    }
    if isinstance(model, ForeignModel):
        facts["run by"] = "onnxruntime"
    if model.notes:
        facts["notes"] = " ".join(model.notes)

    def graph_of(names: Sequence[str]) -> Graph:
        return model.graph(names, inputs=[entry], label=None if label is None else label.name)

    return Network(
        inputs=(networks.Port(entry, ports[entry].shape),),
        outputs=tuple(networks.Port(name, ports[name].shape) for name in outputs),
        graph_of=graph_of,
        classes=0 if label is None else graph_of(list(outputs)).classes,
        facts=facts,
    )


def _label_input(
    ports: Sequence[onnx_reading.Port], classes: int, *, largest: bool
) -> onnx_reading.Port | None:
    """Return the input that is a label, or None if there is none."""
    if len(ports) != 2:
        return None
    integers = [port for port in ports if port.dtype != "float32"]
    named = [port for port in ports if LABEL_NAME.search(port.name)]
    sized = [port for port in ports if classes > 1 and port.size == classes]
    for found in (integers, named, sized):
        if len(found) == 1:
            return found[0]
    return min(ports, key=lambda port: port.size) if largest else None


def _split(model: File, classes: int) -> tuple[Network, Network]:
    both = _try_split(model, classes)
    if both is None:
        raise ConfigError(
            "there is no decoder: the file has neither an input for a code of its own nor a code "
            "that is drawn inside; state --decoder"
        )
    return both


def _try_split(model: File, classes: int) -> tuple[Network, Network] | None:
    """Return the encoder and the decoder of one file, or None if it has only one network."""
    named = {"file": "one file with both networks"}
    if len(model.inputs) == 2 and not _label_input(model.inputs, classes, largest=False):
        x, z = sorted(model.inputs, key=lambda port: -port.size)
        of_x = [port.name for port in model.outputs if _depends_on(model, port.name, x.name)]
        of_z = [port.name for port in model.outputs if _depends_on(model, port.name, z.name)]
        if of_x and of_z:
            return _of(model, x.name, of_x, None, named), _of(model, z.name, of_z, None, named)
    if len(model.inputs) == 1 and len(model.sampled) == 1:
        x, code = model.inputs[0], model.sampled[0]
        decoded = [p.name for p in model.outputs if _depends_on(model, p.name, code.name)]
        moments = [p.name for p in model.outputs if p.name not in decoded and p.size != x.size]
        if decoded and moments:
            return (
                _of(model, x.name, moments, None, named),
                _of(model, code.name, decoded, None, named),
            )
    return None


def _depends_on(model: File, output: str, entry: str) -> bool:
    """Whether an output can be computed from one value alone."""
    try:
        model.graph([output], inputs=[entry])
    except LatentExplorerError:
        return False
    return True
