"""What strangers may send: ``make bench-hostile``, ``python -m benchmarks.hostile``.

Malformed pictures, zips, model folders, settings, run folders, ONNX files, networks, own data,
addresses and requests, made from a seed: by hypothesis, by hand, and by changing bytes of valid
ones. Each has to end in a sentence of ours or in an answer, soon, never in another exception;
memory must not grow, nothing may go on running, and no file may be opened for writing but in the
data, run and model folders, nor for reading by an ONNX file. Writes
``benchmarks/results/hostile.json``.
"""

from __future__ import annotations

import argparse
import asyncio
import ctypes
import gc
import io
import json
import os
import random
import resource
import struct
import sys
import sysconfig
import tempfile
import threading
import time
import traceback
import urllib.parse
import warnings
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import hypothesis
import numpy as np
import safetensors.torch
import torch
from hypothesis import strategies
from PIL import Image
from starlette.routing import Router

from app import address
from app.resources import assets
from benchmarks import hostile_data, hostile_networks, machine
from vae_core import images, imports, model_folder, runs
from vae_core.config import ModelConfig, TrainConfig
from vae_core.data import graphs, load_dataset
from vae_core.errors import LatentExplorerError
from vae_core.formats import onnx_reading
from vae_core.graphs import GraphNetwork
from vae_core.models import build

RESULTS = Path(__file__).resolve().parent / "results" / "hostile.json"
#: What a process may hold more after all cases than after the first of each kind, and at most.
GROWTH_MB, PEAK_MB = 64.0, 900.0
#: Seconds that one case may take.
SLOW = 20.0
#: Multiplications of a network that is run once it was read.
RUN = 10**7
#: The longest sentence that a page shows.
SENTENCE = 1000
MODEL = "digits-2d"
#: Where anything may be written.
FOLDERS = ("data", "models", "runs")
ASSET = assets.Asset(b"codes", "codes.bin")


@dataclass(frozen=True)
class Kind:
    """One way in: how to make a malformed thing, what reads it, and whether it may read files."""

    make: Callable[[random.Random], Any]
    read: Callable[[Any, Path], object]
    may_read: bool = True


@dataclass
class Report:
    """What came of the cases of one kind."""

    cases: int = 0
    refused: int = 0
    slowest: float = 0.0
    sentences: set[str] = field(default_factory=set)
    faults: list[str] = field(default_factory=list)


# Malformed bytes ----------------------------------------------------------------------------------


def mutated(draw: random.Random, valid: bytes) -> bytes:
    """Change a valid file: bytes, a number, its end, a part of it twice."""
    content = bytearray(valid)
    for _ in range(draw.choice((1, 1, 2, 8))):
        at = draw.randrange(len(content) or 1)
        match draw.randrange(7):
            case 0:
                content[at : at + 1] = draw.randbytes(1)
            case 1:
                content[at : at + 4] = draw.choice((b"\xff" * 4, b"\0" * 4, b"\x7f\xff\xff\xff"))
            case 2:
                content[at : at + 8] = struct.pack("<Q", draw.choice((2**31, 2**32, 2**63, 2**40)))
            case 3:
                del content[at:]
            case 4:
                del content[at : at + draw.randrange(1, 64)]
            case 5:
                content[at:at] = content[at : at + draw.randrange(1, 256)]
            case _:
                content[at : at + 16] = draw.randbytes(16)
    return bytes(content)


def examples(
    strategy: strategies.SearchStrategy[Any], draw: random.Random, count: int
) -> list[Any]:
    """Let hypothesis generate values from a seed."""
    found: list[Any] = []

    @hypothesis.seed(draw.randrange(2**32))
    @hypothesis.settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=[hypothesis.Phase.generate],
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    @hypothesis.given(strategy)
    def collect(value: Any) -> None:
        found.append(value)

    collect()
    return found[:count]


JSON = strategies.recursive(
    strategies.none()
    | strategies.booleans()
    | strategies.integers()
    | strategies.floats()
    | strategies.text(max_size=40),
    lambda inner: (
        strategies.lists(inner, max_size=4)
        | strategies.dictionaries(strategies.text(max_size=12), inner, max_size=4)
    ),
    max_leaves=12,
)
TEXT = strategies.text(max_size=200)
NUMBERS = strategies.sampled_from(
    (
        "0",
        "-1",
        "1e999",
        "nan",
        "inf",
        "9" * 400,
        "1,2",
        "1,1",
        "٣",
        "0x10",
        "1;2",
        ",",
        "-0",
        "1e-999",
    )
) | strategies.floats().map(str)


def settings_like(draw: random.Random, valid: dict[str, Any]) -> bytes:
    """Put other values, keys and types into valid settings, at any depth."""
    told = json.loads(json.dumps(valid))
    for _ in range(draw.choice((1, 1, 2, 3))):
        place = told
        while inner := [v for v in place.values() if isinstance(v, dict) and v]:
            if draw.random() < 0.4:
                break
            place = draw.choice(inner)
        name = draw.choice(list(place)) if place else "x"
        (value,) = examples(JSON, draw, 1) or [None]
        sizes = (0, -1, 2**31, 10**30, 1e308, [], [16_384] * 16, "../../etc", None, True)
        match draw.randrange(4):
            case 0:
                place[name] = value
            case 1:
                place[name] = draw.choice(sizes)
            case 2:
                place.pop(name, None)
            case _:
                place[str(value)] = draw.choice(sizes)
    text = json.dumps(told).encode()
    return mutated(draw, text) if draw.random() < 0.2 else text


# Ways in ------------------------------------------------------------------------------------------


def picture(draw: random.Random) -> bytes:
    """Make a picture of some format, then damage it, or lie about its size."""
    if draw.random() < 0.05:
        return draw.randbytes(draw.choice((0, 1, 64, 5000)))
    mode = draw.choice(("L", "RGB", "RGBA", "P", "I;16", "1", "LA"))
    kind = draw.choice(("PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF", "PPM"))
    side = draw.choice((1, 7, 40, 200))
    pixels = np.random.default_rng(draw.randrange(2**32)).integers(0, 256, (side, side), np.uint8)
    packed = io.BytesIO()
    try:
        Image.fromarray(pixels).convert(mode).save(packed, kind)
    except (OSError, ValueError):  # a mode that the format has not
        Image.fromarray(pixels).save(packed, kind)
    content = packed.getvalue()
    if kind == "PNG" and draw.random() < 0.2:  # a bomb: a small file that claims many pixels
        size = struct.pack(">II", draw.choice((10**5, 2**31 - 1)), 10**5)
        return content[:16] + size + content[24:]
    return mutated(draw, content)


def read_picture(content: bytes, _: Path) -> None:
    """Read a picture as the Reconstruct page does."""
    picture = images.read_picture(content)
    images.prepare(picture, (1, 8, 8))


def model_files() -> dict[str, bytes]:
    """Return the files of a valid model folder."""
    found = model_folder.locate(MODEL)
    return {name: (found / name).read_bytes() for name in model_folder.FILES}


def lied_about(files: dict[str, bytes], draw: random.Random) -> dict[str, bytes]:
    """Damage a model folder: a file, its card, or what its tensors say of themselves."""
    files = dict(files)
    match draw.randrange(5):
        case 0:
            name = draw.choice(list(files))
            files[name] = mutated(draw, files[name])
        case 1:
            files[model_folder.CARD] = settings_like(draw, json.loads(files[model_folder.CARD]))
        case 2:
            name = draw.choice((model_folder.WEIGHTS, model_folder.CODES))
            tensors = safetensors.torch.load(files[name])
            key = draw.choice(list(tensors))
            other = (
                torch.full_like(tensors[key], -1),
                tensors[key][:0],
                tensors[key].double(),
                torch.full(tensors[key].shape, float("nan")),
            )
            tensors[key] = draw.choice(other)
            files[name] = safetensors.torch.save(tensors)
            card = json.loads(files[model_folder.CARD]) | {"weights_hash": ""}
            files[model_folder.CARD] = json.dumps(card).encode()
        case 3:
            name = draw.choice((model_folder.WEIGHTS, model_folder.CODES))
            header = struct.pack("<Q", draw.choice((2**20 + 1, 2**40, 2**63, 10)))
            files[name] = header + files[name][8:]
        case _:
            del files[draw.choice(list(files))]
    return files


def zipped(draw: random.Random) -> bytes:
    """Zip a model folder that is damaged, or whose zip is."""
    files = model_files()
    trick = draw.randrange(8)
    if trick < 2:
        files = lied_about(files, draw)
    packed = io.BytesIO()
    method = draw.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA))
    folder = draw.choice(("", "model/", "../", "/", "C:\\", "a/../../b/"))
    with warnings.catch_warnings(), zipfile.ZipFile(packed, "w", method) as archive:
        warnings.simplefilter("ignore")  # names that are there twice
        for name, content in files.items():
            entry = zipfile.ZipInfo(folder + name)
            entry.compress_type = method
            if trick == 2 and draw.random() < 0.5:
                entry.external_attr = 0o120777 << 16
            archive.writestr(entry, content)
        if trick == 3:
            name = draw.choice(model_folder.FILES)
            archive.writestr("other/" + name, b"\0" * 10**7, zipfile.ZIP_DEFLATED)
        if trick == 4:
            for number in range(1500):
                archive.writestr(f"{number}", b"")
    content = packed.getvalue()
    if trick == 5:  # what an entry claims to unpack to
        at = content.rfind(b"PK\x01\x02")
        content = content[: at + 24] + struct.pack("<I", 2**32 - 2) + content[at + 28 :]
    if trick > 5:
        at = draw.choice((0, content.find(b"PK\x01\x02")))  # the whole, or its directory
        content = content[:at] + mutated(draw, content[at:])
    return content


def bombed(draw: random.Random) -> bytes:
    """Zip a model folder whose files unpack to far more than they should."""
    files = model_files()
    name = draw.choice(list(files))
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for one, content in files.items():
            with archive.open(one, "w") as entry:
                for part in [b"\0" * 2**20] * 300 if one == name else [content]:
                    entry.write(part)
    return packed.getvalue()


def write_files(files: dict[str, bytes], folder: Path) -> Path:
    """Lay a folder anew."""
    folder.mkdir(exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder


def open_model_folder(files: dict[str, bytes], work: Path) -> None:
    """Open a model folder as the app and the command line do."""
    folder = write_files(files, work / "models" / "stranger")
    model_folder.load_history(folder)
    model_folder.load(folder)
    model_folder.open_folder(folder)


def machine_folder(draw: random.Random) -> dict[str, bytes]:
    """Damage the folder of a Boltzmann machine."""
    card = {
        "kind": "rbm",
        "name": "rbm",
        "dataset": "digits",
        "model": {"kind": "rbm", "image_shape": [1, 8, 8], "hidden": [4]},
    }
    weights = {
        "layer.0.weight": torch.zeros(4, 64),
        "layer.0.visible_bias": torch.zeros(64),
        "layer.0.hidden_bias": torch.zeros(4),
    }
    files = {
        model_folder.CARD: settings_like(draw, card),
        model_folder.WEIGHTS: safetensors.torch.save(weights),
    }
    if draw.random() < 0.5:
        name = draw.choice(list(files))
        files[name] = mutated(draw, files[name])
    return files


def settings(draw: random.Random) -> tuple[str, bytes]:
    """Make settings of a model, a training or a run that are wrong somewhere."""
    valid = {
        "model": ModelConfig(image_shape=(1, 8, 8), latent_dim=2, hidden=(8,)),
        "training": TrainConfig(dataset="digits"),
    }
    run = {name: part.model_dump() for name, part in valid.items()} | {"name": "a", "owner": "b"}
    which = draw.choice(("model", "training", "run", "card"))
    if draw.random() < 0.1:
        return which, draw.choice(
            (b"", b"[" * 10**5, b"{" * 3000, b"\xff\xfe", b"null", b"1" * 10**5)
        )
    if which == "card":
        return which, settings_like(draw, json.loads(model_files()[model_folder.CARD]))
    return which, settings_like(draw, run if which == "run" else run[which])  # type: ignore[arg-type]


def read_settings(given: tuple[str, bytes], _: Path) -> None:
    """Read settings as they come from files and the command line."""
    which, content = given
    if which == "card":
        model_folder.model_of(model_folder.card_of(content), b"")
    readers = {"model": ModelConfig, "training": TrainConfig, "run": runs.RunConfig}
    if which in readers:
        readers[which].from_json(content)


def network(draw: random.Random) -> bytes:
    """Write an adjacency matrix or a list of edges that is none."""
    if draw.random() < 0.3:
        (text,) = examples(TEXT, draw, 1) or [""]
        return str(text).encode("utf-8", "surrogatepass")
    if draw.random() < 0.5:
        rows = [["0"] * graphs.NODES for _ in range(graphs.NODES)]
    else:
        rows = [[str(draw.randrange(70)), str(draw.randrange(70))] for _ in range(30)]
    for value in examples(NUMBERS, draw, 2):
        row = draw.choice(rows)
        row[draw.randrange(len(row))] = value
    text = "\n".join(draw.choice((",", ";", "\t", " ")).join(row) for row in rows).encode()
    return mutated(draw, text) if draw.random() < 0.5 else text


def pictures_zip(draw: random.Random) -> bytes:
    """Zip a dataset of pictures whose names or contents are malformed."""
    packed = io.BytesIO()
    names = ("a/1.png", "../1.png", "/etc/1.png", "a\\..\\1.png", "1.png", "b/2.png", "con.png")
    with warnings.catch_warnings(), zipfile.ZipFile(packed, "w") as archive:
        warnings.simplefilter("ignore")
        for _ in range(draw.randrange(1, 4)):
            archive.writestr(draw.choice(names), picture(draw))
    content = packed.getvalue()
    return mutated(draw, content) if draw.random() < 0.5 else content


def read_pictures(content: bytes, work: Path) -> None:
    """Read a zip of pictures as ``--dataset`` does."""
    path = work / "data" / "pictures.zip"
    path.write_bytes(content)
    load_dataset(path)


def some_parameters(draw: random.Random) -> dict[str, str]:
    """Make the parameters of an address."""
    known = [entry.parameter for entry in address.FIELDS.values()]
    parameters = {}
    for _ in range(draw.randrange(1, 5)):
        (value,) = examples(TEXT | NUMBERS, draw, 1) or [""]
        tricks = (
            "../../etc/passwd",
            "a" * 10**5,
            "axes-0-1:0,0",
            "pca:" + "1,1;" * 10**4,
            "\0",
            "%00",
        )
        parameters[draw.choice(known)] = draw.choice((value, draw.choice(tricks)))
    return parameters


def read_address(parameters: dict[str, str], _: Path) -> None:
    """Read an address as each page does; what is ignored is told."""
    found, notices = address.parse(parameters)
    facts = address.Facts(latent_dim=2, projections=("axes",), has_id=lambda number: number < 5)
    fitted, more = address.fit(found, facts)
    again, none = address.parse(address.to_parameters(fitted))
    assert (again, none) == (fitted, []), "what is written is not read back"
    if notices or more:
        raise LatentExplorerError(" ".join([*notices, *more])[:SENTENCE])


def laid(name: str) -> bytes:
    """Write the settings of a run."""
    config = runs.RunConfig(
        name=name,
        model=ModelConfig(image_shape=(1, 8, 8), latent_dim=2, hidden=(8,)),
        training=TrainConfig(dataset="digits"),
    )
    return config.model_dump_json().encode()


BYSTANDER = {
    runs.CONFIG: laid("b"),
    runs.EVENTS: b'{"type": "epoch", "time": 1, "epoch": 1, "step": 9, "seconds": 1.0}\n',
}


def run_folder(draw: random.Random) -> dict[str, bytes]:
    """Damage a run's folder: settings, events, a request, a checkpoint."""
    model = build(runs.RunConfig.from_json(laid("a")).model)
    weights = {f"model.{name}": tensor for name, tensor in model.state_dict().items()}
    whole = safetensors.torch.save(weights, {"progress": '{"step": 3}'})
    files = {
        runs.CONFIG: laid("a"),
        runs.EVENTS: b'{"type": "state", "time": 1, "state": "running", "step": 0}\n'
        b'{"type": "epoch", "time": 1, "epoch": 1, "step": 9, "seconds": 1.5}\n'
        b'{"type": "change", "time": 2, "step": 1, "settings": {"beta": 2}}\n',
        "control": b'{"command": "pause", "settings": {}, "waits": false}',
        runs.CHECKPOINT: whole,
        runs.PREVIOUS: whole,
        "replay.bin": b"LXR1" + struct.pack("<II", 20, 0) + b"\0" * 20,
    }
    name = draw.choice(list(files))
    files[name] = mutated(draw, files[name])
    return files


def read_run(files: dict[str, bytes], work: Path) -> None:
    """Read a run's folder as pages do; a bad one leaves another as it is."""
    folder = write_files(files, work / "runs" / "stranger")
    other = write_files(BYSTANDER, work / "runs" / "bystander")
    faults = []
    for read in (
        runs.status,
        runs.read_checkpoint,
        runs.read_model,
        runs.read_replay,
        runs.checkpoint_step,
    ):
        try:
            read(folder)
        except LatentExplorerError as error:
            faults.append(error)
    found = {one.folder: one for one in runs.statuses(other.parent)}
    assert found[other].epoch == 1, "others are not told any more"
    runs.queue_positions(list(found.values()))
    if faults:
        raise faults[0]
    if folder in found and found[folder].state == "failed":
        raise LatentExplorerError(found[folder].message)


def some_request(draw: random.Random) -> bytes:
    """Make what a browser, or who plays one, asks the app's own routes for: target of a GET."""
    digest = assets.publish(ASSET).split("/")[1]
    (value,) = examples(TEXT, draw, 1) or [""]
    parts = [
        assets.PREFIX,
        digest,
        digest[:-1],
        digest.upper(),
        ASSET.name,
        "..",
        "%2e%2e",
        "..%2f..%2fetc%2fpasswd",
        "%",
        "%zz",
        "%ff%fe",
        "%00",
        "a" * draw.choice((300, 10**5)),
        "",
        "%25" * 50,
        "C:%5c",
        urllib.parse.quote(value, errors="replace"),
    ]
    path = "/".join(draw.choice(parts) for _ in range(draw.randrange(1, 6)))
    if draw.random() < 0.7:
        path = f"{assets.PREFIX}/{draw.choice((digest, draw.choice(parts)))}/{path}"
    query = draw.choice(("", "?", "?a=%zz&a", "?" + "&" * 10**4, "?..%2f=%00", "?%ff"))
    return f"/{path}{query}".encode("ascii", "replace")


def answer(target: bytes, _: Path) -> None:
    """Answer a request as the server does, which undoes percent-encoding; a refusal is told."""
    raw, _, query = target.partition(b"?")
    scope = {
        "type": "http",
        "method": "GET",
        "path": urllib.parse.unquote(raw.decode("ascii")),
        "raw_path": raw,
        "root_path": "",
        "query_string": query,
        "headers": [(b"if-none-match", raw[-40:])],
        "server": ("127.0.0.1", 80),
        "scheme": "http",
    }
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request"}

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(Router(assets.routes())(scope, receive, send))
    status = sent[0]["status"]
    body = b"".join(message.get("body", b"") for message in sent)
    assert status < 500, f"status {status}"
    if status == 200:
        assert body == ASSET.content, "something else than was published"
        assert raw.split(b"/")[2].decode() == ASSET.digest
        return
    raise LatentExplorerError(f"{status} {body.decode()}")


def read_onnx(content: bytes, work: Path) -> None:
    """Read an ONNX file, and run the network if it is small."""
    path = work / "models" / "stranger.onnx"
    path.write_bytes(content)
    graph = onnx_reading.read(path).graph()
    if graph.multiplications() < RUN and graph.classes == 0:
        with torch.inference_mode():
            GraphNetwork(graph)(torch.zeros(2, graph.size))


def import_onnx(content: bytes, work: Path) -> None:
    """Import an ONNX file as a generator."""
    path, target = work / "models" / "stranger.onnx", work / "models" / "imported"
    path.write_bytes(content)
    imports.import_model(decoder=path, out=target, tsne=False, say=lambda text: None)
    for file in target.iterdir():
        file.unlink()
    target.rmdir()


KINDS = {
    "picture": Kind(picture, read_picture),
    "zipped model": Kind(zipped, lambda content, _: model_folder.open_zip(content)),
    "bomb": Kind(bombed, lambda content, _: model_folder.open_zip(content)),
    "model folder": Kind(lambda draw: lied_about(model_files(), draw), open_model_folder),
    "machine folder": Kind(machine_folder, open_model_folder),
    "settings": Kind(settings, read_settings),
    "zipped pictures": Kind(pictures_zip, read_pictures),
    "network": Kind(network, lambda content, _: graphs.read(content)),
    "address": Kind(some_parameters, read_address),
    "run folder": Kind(run_folder, read_run),
    "request": Kind(some_request, answer),
    "ONNX file": Kind(hostile_networks.make, read_onnx, may_read=False),
    "ONNX import": Kind(hostile_networks.make, import_onnx),
    "own data": Kind(hostile_data.make, hostile_data.read),
}
#: Shares of all cases; a bomb takes a second to make.
SHARES = {
    "picture": 0.20,
    "zipped model": 0.15,
    "bomb": 0.005,
    "model folder": 0.12,
    "machine folder": 0.05,
    "settings": 0.12,
    "zipped pictures": 0.07,
    "network": 0.07,
    "address": 0.10,
    "run folder": 0.05,
    "request": 0.07,
    "ONNX file": 0.30,  # beyond the others' sum of 1
    "ONNX import": 0.03,
    "own data": 0.30,
}


# Watching -----------------------------------------------------------------------------------------


class Doorkeeper:
    """Notes each file that is opened for writing, made, moved or removed outside of folders.

    Where it is told so, it notes each file that is read there too, but those of Python itself.
    """

    def __init__(self) -> None:
        self.allowed: tuple[str, ...] | None = None
        self.may_read = True
        self.seen: list[str] = []
        sys.addaudithook(self._look)  # for as long as the process lives

    @contextmanager
    def watching(self, *allowed: Path, may_read: bool = True) -> Iterator[None]:
        """Watch for as long as the block runs."""
        self.may_read = may_read
        self.allowed = tuple(f"{path.resolve()}{os.sep}" for path in allowed)
        try:
            yield
        finally:
            self.allowed = None

    def _look(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self.allowed is None:
            return
        paths: Sequence[Any] = ()
        if event == "open":
            path, mode, flags = arguments
            writes = flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT) if isinstance(flags, int) else 0
            changes = writes or (mode and set(mode) & set("wax+"))
            paths = [path] if changes or not (self.may_read or _is_pythons(path)) else []
        elif event in ("os.mkdir", "os.remove", "os.rmdir", "os.truncate", "os.chmod"):
            paths = arguments[:1]
        elif event in ("os.rename", "os.link", "os.symlink"):
            paths = arguments[:2]
        for path in paths:
            if isinstance(path, int) or path == os.devnull:
                continue
            if not f"{Path(os.fsdecode(path)).absolute()}{os.sep}".startswith(self.allowed):
                self.seen.append(f"{event} {os.fsdecode(path)}")


def _is_pythons(path: Any) -> bool:
    """Whether a file is read by Python itself: a module, a library."""
    if isinstance(path, int):
        return True
    name = os.fsdecode(path)
    own = (*sysconfig.get_paths().values(), sys.base_prefix, "/proc/")
    return name.startswith(own) or name.endswith((".py", ".pyc", ".so"))


_doorkeeper: Doorkeeper | None = None


def doorkeeper() -> Doorkeeper:
    """Return the one of this process."""
    global _doorkeeper
    _doorkeeper = _doorkeeper or Doorkeeper()
    return _doorkeeper


def megabytes() -> float:
    """Return what this process holds in memory, with nothing kept that is free."""
    gc.collect()
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:  # not Linux
        return peak()
    return pages * resource.getpagesize() / 2**20


def peak() -> float:
    """Return the most that this process ever held in memory, in MB."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / (2**20 if sys.platform == "darwin" else 2**10)


def attempt(name: str, seed: int, work: Path, report: Report) -> None:
    """Make the case of a seed, and read it."""
    kind = KINDS[name]
    thing = kind.make(random.Random(f"{name} {seed}"))
    report.cases += 1
    folders, began = map(work.joinpath, FOLDERS), time.monotonic()
    try:
        with (
            warnings.catch_warnings(),
            doorkeeper().watching(*folders, may_read=kind.may_read),
        ):
            warnings.simplefilter("ignore")
            kind.read(thing, work)
    except LatentExplorerError as error:
        report.refused += 1
        sentence = str(error)
        report.sentences.add(sentence[:40])
        if not sentence.strip() or len(sentence) > SENTENCE or "Traceback" in sentence:
            report.faults.append(f"seed {seed}: no sentence: {sentence[:200]!r}")
    except Exception as error:
        where = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{Path(where.filename).name}:{where.lineno}"
        report.faults.append(f"seed {seed}: {type(error).__name__} at {place}: {error}"[:300])
    seconds = time.monotonic() - began
    report.slowest = max(report.slowest, seconds)
    if seconds > SLOW:
        report.faults.append(f"seed {seed}: took {seconds:.0f} s")


def running() -> set[str]:
    """Name the threads and child processes of this process."""
    found = {f"thread {one.name}" for one in threading.enumerate()}
    for path in Path("/proc/self/task").glob("*/children"):  # on Linux
        with suppress(OSError):
            found |= {f"process {one}" for one in path.read_text().split()}
    return found


def run(count: int, seed: int, work: Path) -> dict[str, Any]:
    """Try about ``count`` cases; return what came of them."""
    for part in FOLDERS:
        (work / part).mkdir(exist_ok=True)
    reports = {name: Report() for name in KINDS}
    doorkeeper().seen.clear()
    for name, report in reports.items():  # what is loaded once is no growth
        attempt(name, seed, work, report)
    import_onnx(hostile_networks.SOUND.read_bytes(), work)
    before, began, others = megabytes(), time.monotonic(), running()
    for name, report in reports.items():
        for number in range(1, max(2, round(SHARES[name] * count))):
            attempt(name, seed + number, work, report)
    return {
        "cases": sum(report.cases for report in reports.values()),
        "refused with a sentence": sum(report.refused for report in reports.values()),
        "faults": {name: r.faults for name, r in reports.items() if r.faults},
        "files outside": sorted(set(doorkeeper().seen)),
        "left running": sorted(running() - others),
        "growth in MB": round(megabytes() - before, 1),
        "peak in MB": round(peak(), 1),
        "seconds": round(time.monotonic() - began, 1),
        "kinds": {
            name: {
                "cases": r.cases,
                "refused": r.refused,
                "kinds of sentences": len(r.sentences),
                "slowest in seconds": round(r.slowest, 1),
            }
            for name, r in reports.items()
        },
    }


def main() -> None:
    """Try, print and record."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.hostile")
    parser.add_argument("--cases", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=RESULTS)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as work:
        found = run(given.cases, given.seed, Path(work))
    result = {"machine": machine.describe(), "seed": given.seed, **found}
    given.out.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n")
    for kind, faults in found["faults"].items():
        print(kind, Counter(fault.split(": ", 1)[1] for fault in faults).most_common(8))
    print({name: value for name, value in found.items() if name not in ("faults", "kinds")})
    is_well = not (found["faults"] or found["files outside"] or found["left running"])
    sys.exit(not (is_well and found["growth in MB"] < GROWTH_MB and found["peak in MB"] < PEAK_MB))


if __name__ == "__main__":
    main()
