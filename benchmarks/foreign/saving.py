"""Write a foreign model: its ONNX files, what its outputs mean, and reference outputs.

A folder of a model holds, for each exporter, ``<exporter>/encoder.onnx`` and ``decoder.onnx``;
``about.json``; ``reference.npz`` with inputs and outputs of the library itself; and
``pictures.npz`` (``images`` uint8 (n, c, h, w), ``labels``), the data to import it with.
"""

from __future__ import annotations

import argparse
import json
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from benchmarks.foreign import bound

Array = NDArray[Any]
Exporter = Callable[[nn.Module, tuple[Tensor, ...], list[str], list[str], Path], None]
#: Rows of the reference inputs, and pictures whose bound is evaluated.
ROWS, EVALUATED = 3, 200


@dataclass(frozen=True)
class Foreign:
    """A trained model, and what whoever imports it has to know.

    Attributes
    ----------
    encoder, decoder
        From pictures as the model reads them to ``posterior``, and from codes to ``output``; with
        ``classes``, they read one-hot labels too.
    whole
        From pictures to reconstruction, mean and log-variance, if people export that.
    pictures, labels
        uint8 (n, c, h, w) and int64 (n,).
    read_shape, code_shape
        Shapes of an encoder's and a decoder's input without the batch.
    input_range, posterior, output, likelihood
        In the words of ``python -m vae_core import``.
    """

    library: str
    decoder: nn.Module
    encoder: nn.Module | None
    pictures: Array
    labels: Array
    code_shape: tuple[int, ...]
    read_shape: tuple[int, ...] = ()
    classes: int = 0
    whole: nn.Module | None = None
    input_range: str = "0,1"
    posterior: str = "mu,logvar"
    output: str = "probabilities"
    likelihood: str | None = "bernoulli"
    exporters: Mapping[str, Exporter] = field(default_factory=dict)

    @property
    def is_channels_last(self) -> bool:
        """Whether the networks read and give (h, w, c)."""
        channels = self.pictures.shape[1]
        return self.read_shape[-1:] == (channels,) != self.read_shape[:1]

    def read(self, images: Array) -> Array:
        """Return uint8 pictures as the encoder reads them."""
        x = images.astype(np.float32) / 255
        x = 2 * x - 1 if self.input_range == "-1,1" else x
        x = x.transpose(0, 2, 3, 1) if self.is_channels_last else x
        return np.ascontiguousarray(x.reshape(len(x), *self.read_shape))

    def pixels(self, output: Array) -> Array:
        """Return what the decoder gives as pictures (n, c, h, w), means in [0, 1]."""
        c, h, w = self.pictures.shape[1:]
        y = output.reshape(-1, h, w, c).transpose(0, 3, 1, 2) if self.is_channels_last else output
        return (y.reshape(-1, c, h, w) + 1) / 2 if self.output == "[-1,1]" else y

    def one_hot(self, labels: Array) -> tuple[Array, ...]:
        """Return what a conditional network reads beside its first input."""
        return (np.eye(self.classes, dtype=np.float32)[labels],) if self.classes else ()


def by_dynamo(
    net: nn.Module, x: tuple[Tensor, ...], inputs: list[str], outputs: list[str], to: Path
) -> None:
    """Export as PyTorch does by default since 2.9."""
    program = torch.onnx.export(
        net,
        x,
        input_names=inputs,
        output_names=outputs,
        dynamic_shapes=({0: torch.export.Dim("batch")},) * len(x),
        dynamo=True,
        verbose=False,
    )
    program.save(to)


def by_legacy(
    net: nn.Module,
    x: tuple[Tensor, ...],
    inputs: list[str],
    outputs: list[str],
    to: Path,
    opset: int | None = None,
) -> None:
    """Export by TorchScript, as most files on the web are."""
    torch.onnx.export(
        net,
        x,
        str(to),
        input_names=inputs,
        output_names=outputs,
        dynamic_axes={name: {0: "batch"} for name in (*inputs, *outputs)},
        opset_version=opset,
        dynamo=False,
    )


TORCH: dict[str, Exporter] = {"dynamo": by_dynamo, "legacy": by_legacy}


@torch.no_grad()
def outputs_of(net: nn.Module, *inputs: Array, batch: int = 50) -> list[Array]:
    """Run a network over inputs (n, ...) in batches; return each of its outputs."""
    found = []
    for parts in zip(*(torch.from_numpy(x).split(batch) for x in inputs), strict=True):
        given = net(*parts)
        found.append([given] if isinstance(given, Tensor) else list(given))
    return [torch.cat(parts).numpy() for parts in zip(*found, strict=True)]


def references(model: Foreign) -> dict[str, Array]:
    """Return noise and what the library makes of it."""
    draw = np.random.default_rng(7)
    one_hot = model.one_hot(np.arange(ROWS) % max(1, model.classes))
    found = {"y": one_hot[0]} if one_hot else {}
    found["z"] = draw.standard_normal((ROWS, *model.code_shape)).astype(np.float32)
    (found["decoded"],) = outputs_of(model.decoder, found["z"], *one_hot)
    if model.encoder is not None:
        noise = draw.integers(0, 256, (ROWS, *model.pictures.shape[1:]), dtype=np.uint8)
        found["x"] = model.read(noise)
        for number, output in enumerate(outputs_of(model.encoder, found["x"], *one_hot)):
            found[f"encoded_{number}"] = output
    return found


def evaluate(model: Foreign) -> dict[str, Any]:
    """Measure the first pictures by networks and tensors of the library alone.

    Mean squared error of their reconstructions from means, and their bound, where there is one.
    """
    assert model.encoder is not None
    images, one_hot = model.pictures[:EVALUATED] / 255, model.one_hot(model.labels[:EVALUATED])
    outputs = outputs_of(model.encoder, model.read(model.pictures[:EVALUATED]), *one_hot)
    if model.posterior == "2*latent":
        outputs = np.split(outputs[0], 2, axis=1)

    def decode(z: Array) -> Array:
        return model.pixels(outputs_of(model.decoder, z, *one_hot)[0])

    means = decode(outputs[0]).reshape(images.shape)
    means = 1 / (1 + np.exp(-means)) if model.output == "logits" else means
    found: dict[str, Any] = {"mse": float(np.mean((means - images) ** 2))}
    if model.likelihood is not None:
        likelihood = model.likelihood + " of logits" * (model.output == "logits")
        evaluated = bound.bound(images, outputs[0], outputs[1], decode, likelihood=likelihood)
        found["bound"] = vars(evaluated) | {"pictures": len(images)}
    return found


def save(model: Foreign, folder: Path, *, small: bool = False) -> None:
    """Write a model's folder; of a small one, few pictures and nothing for debugging."""
    folder.mkdir(parents=True, exist_ok=True)
    for net in (model.encoder, model.decoder, model.whole):
        if net is not None:
            net.eval()  # wrappers too: the older exporter returns a network to the mode it was in
    export(model, folder)
    kept = EVALUATED if small else len(model.pictures)
    if small:
        for path in folder.glob("*/*.onnx"):
            strip(path)
    about: dict[str, Any] = {
        name: getattr(model, name)
        for name in ("library", "input_range", "posterior", "output", "likelihood", "classes")
    }
    about |= {"exporters": list(model.exporters), "image_shape": model.pictures.shape[1:]}
    if model.encoder is not None:
        about |= evaluate(model)
    (folder / "about.json").write_text(json.dumps(about, indent=1) + "\n")
    np.savez_compressed(folder / "reference.npz", **references(model))
    np.savez_compressed(
        folder / "pictures.npz", images=model.pictures[:kept], labels=model.labels[:kept]
    )
    print(folder.name, about.get("bound", ""))


def strip(path: Path) -> None:
    """Take out of a file what is for debugging: stack traces and the names of nodes."""
    graph = (model := onnx.load(path)).graph
    for part in (graph, *graph.node, *graph.value_info, *graph.input, *graph.output):
        part.ClearField("doc_string")
        part.ClearField("metadata_props")
    for node in graph.node:
        node.ClearField("name")
    onnx.save(model, path)


def export(model: Foreign, folder: Path) -> None:
    """Write the ONNX files of each exporter."""
    named = model.posterior.split(",") if "*" not in model.posterior else ["moments"]
    label = ["y"] if model.classes else []
    y = [torch.eye(model.classes)[:2]] if model.classes else []
    x, z = (torch.rand(2, *shape) for shape in (model.read_shape, model.code_shape))
    for name, exporter in model.exporters.items():
        to = folder / name
        to.mkdir(exist_ok=True)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the legacy exporter is deprecated
            inputs = ["z", *label]
            exporter(model.decoder, (z, *y), inputs, ["reconstruction"], to / "decoder.onnx")
            if model.encoder is not None:
                exporter(model.encoder, (x, *y), ["x", *label], named, to / "encoder.onnx")
            if model.whole is not None:
                outputs = ["reconstruction", "mu", "logvar"]
                exporter(model.whole, (x,), ["x"], outputs, to / "model.onnx")


def run(name: str, make: Callable[[bool], Foreign]) -> None:
    """Make a model from the command line: ``--out DIR``, ``--small`` for the tests' files."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=Path, default=Path("build/foreign"))
    parser.add_argument("--small", action="store_true")
    given = parser.parse_args()
    torch.manual_seed(0)
    save(make(given.small), given.out / name, small=given.small)
