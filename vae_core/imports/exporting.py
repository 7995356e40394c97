"""Export PyTorch modules and functions to ONNX, with names that say what outputs are."""

from __future__ import annotations

import contextlib
import dataclasses
import importlib.util
import inspect
import io
import logging
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from vae_core.errors import ConfigError

OPERATOR_SET = 17
#: Name of what a module reads, by part.
ENTRY = {"encoder": "x", "decoder": "z"}


def to_onnx(
    network: Any, *, part: str, shape: Sequence[int] | None = None, classes: int = 0
) -> bytes:
    """Export a module, or a function of a tensor, as an ONNX file.

    A function that is a method of a module is exported with the module, in eval mode.

    Parameters
    ----------
    part
        "encoder" or "decoder".
    shape
        Shape of one example; by default that of the first layer's input.
    classes
        Number of labels, for a network with a second argument: one-hot, or else integers.

    Raises
    ------
    ConfigError
        If it is neither a module nor a function, runs on no input of this shape, or PyTorch cannot
        export it.
    """
    if not callable(network):
        raise ConfigError(
            f"{part} of type {type(network).__name__}: allowed are paths of ONNX files, PyTorch "
            "modules, and functions of a tensor"
        )
    module = _Named(network)
    with _evaluated(module):
        arguments = _arguments(module, part, shape, classes)
        names = list(module.run(*arguments))
        content = io.BytesIO()
        entries = [ENTRY[part], "y"][: len(arguments)]
        try:
            _export(module, arguments, content, entries, names)
        except Exception as error:
            first = (str(error).strip() or type(error).__name__).splitlines()[0][:300]
            raise ConfigError(
                f"{part}: PyTorch cannot export it to ONNX ({first}); export it with "
                "torch.onnx.export and give the file"
            ) from error
    return content.getvalue()


class _Named(nn.Module):
    """Module whose outputs are a tuple with names."""

    def __init__(self, network: Any) -> None:
        super().__init__()
        self.owners = nn.ModuleList(_modules_of(network))
        self._network: list[Callable[..., Any]] = [network]  # no submodule of its own

    @property
    def function(self) -> Callable[..., Any]:
        """Function that computes the outputs."""
        return self._network[0]

    def run(self, *arguments: Tensor) -> dict[str, Tensor]:
        """Return the outputs by name."""
        return named_outputs(self.function(*arguments))

    def forward(self, *arguments: Tensor) -> tuple[Tensor, ...]:
        return tuple(self.run(*arguments).values())


def _modules_of(network: Any) -> list[nn.Module]:
    """Return the modules that a function computes with: itself, its object, or what it names."""
    if isinstance(network, nn.Module):
        return [network]
    found = [getattr(network, "__self__", None)]
    with contextlib.suppress(TypeError, ValueError):
        named = inspect.getclosurevars(getattr(network, "__func__", network))
        found += [*named.nonlocals.values(), *named.globals.values()]
    return [one for one in found if isinstance(one, nn.Module)]


def named_outputs(result: Any) -> dict[str, Tensor]:
    """Return the tensors that a network returned, by names that say what they are.

    A distribution with mean and scale, or with mean and log-variance, is known; tuples without
    names are numbered.

    Raises
    ------
    ConfigError
        If there is no tensor.
    """
    if isinstance(result, Tensor):
        return {"output": result}
    if isinstance(result, torch.distributions.Independent):
        result = result.base_dist
    if isinstance(result, torch.distributions.Normal):
        return {"mu": result.loc, "std": result.scale}
    if isinstance(result, Mapping):
        items = dict(result)
    elif hasattr(result, "_fields"):
        items = dict(zip(result._fields, result, strict=True))
    elif isinstance(result, tuple | list):
        items = {f"output_{index}": one for index, one in enumerate(result)}
    elif isinstance(getattr(result, "logvar", None), Tensor):
        return {"mu": result.mean, "logvar": result.logvar}
    elif dataclasses.is_dataclass(result):
        items = dict(vars(result))
    else:
        items = {}
    found: dict[str, Tensor] = {}
    for name, value in items.items():
        if isinstance(value, Tensor) and value.is_floating_point():
            found[str(name)] = value
        elif value is not None and not isinstance(value, Tensor | str | int | float):
            found |= named_outputs(value)
    if not found:
        raise ConfigError(
            f"the network returns {type(result).__name__}, in which there is no tensor"
        )
    return found


@contextlib.contextmanager
def _evaluated(module: _Named) -> Iterator[None]:
    """Put a module in eval mode, and back."""
    before = [(one, one.training) for one in module.owners.modules()]
    module.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        for one, training in before:
            one.training = training


def _arguments(
    module: _Named, part: str, shape: Sequence[int] | None, classes: int
) -> tuple[Tensor, ...]:
    """Return arguments for two examples with which the module runs."""
    shapes = _shapes(module, part, shape)
    device = next((one.device for one in module.parameters()), torch.device("cpu"))
    tried = []
    for one in shapes:
        for labels in _labels(module, classes):
            arguments = (torch.zeros(2, *one, device=device), *labels)
            try:
                module.run(*arguments)
            except ConfigError:
                raise
            except Exception as error:
                tried.append(f"{tuple(arguments[0].shape)}: {str(error).splitlines()[0][:120]}")
                continue
            return arguments
    if not tried:
        raise ConfigError(
            f"{part}: the shape of its input is not known; state image_shape, or give an ONNX file"
        )
    raise ConfigError(f"{part} does not run on an input of shape {'; '.join(tried[:3])}")


def _shapes(module: _Named, part: str, shape: Sequence[int] | None) -> list[tuple[int, ...]]:
    if shape is not None:
        size = 1
        for side in shape:
            size *= side
        shapes = [tuple(shape), (size,)]
        return shapes if part == "encoder" else [*shapes, (size, 1, 1)]
    for layer in module.modules():
        if isinstance(layer, nn.Linear):
            return [(layer.in_features,)]
        if isinstance(layer, nn.ConvTranspose2d):
            return [(layer.in_channels, 1, 1)]
    return []


def _labels(module: _Named, classes: int) -> list[tuple[Tensor, ...]]:
    """Return what may follow the first argument: nothing, one-hot labels, or labels."""
    function = module.function
    function = function.forward if isinstance(function, nn.Module) else function
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return [()]
    needed = [one for one in parameters if one.default is one.empty and one.kind in (0, 1)]
    if len(needed) < 2:
        return [()]
    if classes < 2:
        raise ConfigError(
            f"the network needs {len(needed)} arguments: state classes, the number of labels"
        )
    rows = torch.arange(2)
    return [(nn.functional.one_hot(rows, classes).float(),), (rows,)]


def _export(
    module: _Named,
    arguments: tuple[Tensor, ...],
    content: io.BytesIO,
    entries: list[str],
    names: list[str],
) -> None:
    """Write an ONNX file: with PyTorch's newer exporter where onnxscript is installed."""
    newer = importlib.util.find_spec("onnxscript") is not None
    dynamic: dict[str, Any] = {"dynamic_axes": {one: {0: "batch"} for one in (*entries, *names)}}
    if newer:
        batch = torch.export.Dim("batch")
        dynamic = {"dynamic_shapes": ({0: batch},) * len(arguments)}
    exporter = logging.getLogger("torch.onnx")
    level = exporter.level
    exporter.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            program = torch.onnx.export(
                module,
                arguments,
                None if newer else content,  # type: ignore[arg-type]
                input_names=entries,
                output_names=names,
                opset_version=None if newer else OPERATOR_SET,
                dynamo=newer,
                verbose=False,
                **dynamic,
            )
        if program is not None:
            content.write(program.model_proto.SerializeToString())
    finally:
        exporter.setLevel(level)
