"""Exports: an HTML page without a server, codes as CSV, the decoder as ONNX."""

from __future__ import annotations

import base64
import csv
import gzip
import html
import json
import re
import tomllib
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np
import pytest
import running
import torch
from bundle_reading import KINDS, of_kind, read_bundle
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from numpy.typing import NDArray
from small import model, model_config, train_config

import browser
from vae_core import evaluation, model_folder, runs
from vae_core.cli import main
from vae_core.errors import ConfigError
from vae_core.formats import bundles, onnx
from vae_core.formats import html as html_page
from vae_core.model_folder import Codes, Metric, ModelCard, Saved
from vae_core.models import VAE

ROOT = Path(__file__).parents[3]
MNIST_2D: dict[str, Any] = {
    "image_shape": (1, 28, 28),
    "latent_dim": 2,
    "hidden": (512, 256, 128),
    "activation": "silu",
}


def saved(
    *, name: str = "some model", dataset: str = "mnist", n: int = 30, **settings: Any
) -> Saved:
    """Make an untrained model with made-up codes."""
    network = model(**settings)
    config = model_config(**settings)
    generator = torch.Generator().manual_seed(1)
    d = config.latent_dim
    maps = {} if d < 3 else {m: torch.randn(n, 2, generator=generator) for m in ("pca", "tsne")}
    codes = Codes(
        ids=torch.arange(n),
        labels=torch.arange(n) % 2,
        mu=torch.randn(n, d, generator=generator) * torch.arange(1, d + 1),
        logvar=torch.randn(n, d, generator=generator) - 2,
        rate=torch.rand(n, generator=generator),
        distortion=torch.rand(n, generator=generator),
        projections=maps,
        pca_mean=torch.zeros(d) if maps else None,
        pca_components=torch.eye(d)[:2].contiguous() if maps else None,
    )
    card = ModelCard(
        name=name,
        dataset=dataset,
        classes=("a", "b"),
        model=config,
        training=train_config(),
        metrics={"elbo": Metric(value=-100.5, se=0.25, n=10_000, kind="grey")},
    )
    return Saved(card=card, model=network, codes=codes)


def element(page: str, name: str) -> str:
    """Return the content of one of the page's script elements."""
    found = re.search(rf'<script [^>]*(?:id|type)="{name}">(.*?)</script>', page, re.DOTALL)
    assert found is not None, name
    return found.group(1)


def modules(page: str) -> dict[str, str]:
    """Return the sources in the page's import map."""
    addresses = json.loads(element(page, "importmap"))["imports"]
    assert all(one.startswith("data:text/javascript;charset=utf-8,") for one in addresses.values())
    return {name: unquote(one.partition(",")[2]) for name, one in addresses.items()}


def bundle(page: str, name: str) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Read a bundle in the page."""
    return read_bundle(gzip.decompress(base64.b64decode(element(page, name))))


def export(*arguments: str | Path) -> int:
    """Run ``vae_core export`` and return its exit status."""
    try:
        main.main(["export", *map(str, arguments)])
    except SystemExit as end:
        return int(end.code or 0)
    return 0


# The page


@pytest.fixture(scope="module")
def large() -> bytes:
    """Write the page of an untrained model as large as mnist-2d."""
    return html_page.page(saved(n=10_000, **MNIST_2D))


@pytest.fixture(scope="module")
def page() -> str:
    """Write the page of a small model."""
    return html_page.page(saved()).decode()


def test_page_of_mnist_2d_is_below_4_mb(large: bytes) -> None:
    """Networks and 10,000 codes of the largest two-dimensional model fit."""
    assert len(large) < 4_000_000


FLAT = [m for m in model_folder.list_models() if model_folder.load_card(m).model.latent_dim == 2]


@pytest.mark.parametrize("name", FLAT)
def test_page_of_every_small_model_is_below_4_mb(name: str) -> None:
    """The models of two dimensions that come with the project are pages that can be mailed."""
    assert len(html_page.page(model_folder.open_folder(name))) < 4_000_000


def test_page_asks_nothing_of_the_network(page: str) -> None:
    """Neither the page nor a module names a place elsewhere, and its policy forbids all of them."""
    whole = page + "".join(modules(page).values())
    assert re.findall(r"https?:|wss?://|\bXMLHttpRequest|\bimport\.meta|@import|url\(", whole) == []
    sources = re.findall(r'\b(?:src|href)="([^"]*)"', page)
    assert sources == ["data:,"]
    assert "default-src 'none'" in page
    assert "connect-src data:;" in page


def test_every_import_is_in_the_map(page: str) -> None:
    """Modules find each other by the names of the map, and none is there for nothing."""
    sources = modules(page)
    imported = {html_page.SCOPE + html_page.ENTRY, html_page.SCOPE + html_page.WORKER}
    for source in sources.values():
        statements = re.findall(r'^(?:import|export)\b[^;]*?from "([^"]+)";', source, re.MULTILINE)
        imported.update(statements)
        assert 'from "./' not in source
        assert 'from "../' not in source
        assert not re.search(r'^\s*import "', source, re.MULTILINE)
    assert imported == set(sources)


def test_page_holds_codes_and_networks_and_no_pictures(page: str) -> None:
    """The bundles are those that the app sends; the sprite of originals is not among them."""
    meta, arrays = bundle(page, "codes")
    assert meta == {"latent_dim": 3}
    fields = {"ids", "labels", "mu", "sigma", "rate", "distortion", "pca_mean", "pca_components"}
    assert set(arrays) == fields | {"projection.pca", "projection.tsne"}
    network, _ = bundle(page, "network")
    assert {"decoder", "encoder"} <= network.keys()
    assert not re.search(r"<(img|picture|video|iframe|object|embed)\b", page)


def test_same_model_gives_same_bytes(page: str) -> None:
    """A page can be compared, cached and signed: no time and no place is in it."""
    assert html_page.page(saved()).decode() == page
    assert str(ROOT) not in page


def test_page_says_what_it_is(page: str) -> None:
    """The title line gives data, size of z and the bound with its kind and standard error."""
    text = html.unescape(page)
    assert "mnist · z of 3 dimensions" in text
    assert "test −ELBO 100.50 ± 0.25 (standard error) nats, grey pixels, n = 10,000" in text
    assert "python -m vae_core export some-model --format html --out some-model.html" in text


def test_plane_of_largest_kl_comes_first(page: str) -> None:
    """The two dimensions that carry most are shown, and all maps that the codes have."""
    facts = json.loads(element(page, "facts"))
    assert facts["dims"] == sorted(np.argsort(facts["kl"])[-2:].tolist())
    assert facts["projections"] == ["pca", "tsne", "raw"]
    flat = json.loads(element(html_page.page(saved(latent_dim=2)).decode(), "facts"))
    assert flat["projections"] == ["raw"]
    assert facts["hash"] == bundles.pack(model())[0]["hash"]


def test_dimensions_are_measured_against_the_models_prior() -> None:
    """KL, order and ranges are those of a mixture prior, and one threshold says what is unused."""
    one = saved(prior="mixture")
    with torch.no_grad():
        one.model.p_z.mu.add_(12.0)
    facts = json.loads(element(html_page.page(one).decode(), "facts"))
    prior = one.model.prior
    kl = evaluation.kl_per_dim(one.codes.mu, one.codes.logvar, prior)
    np.testing.assert_allclose(facts["kl"], kl.numpy(), atol=1e-4)
    assert not np.allclose(kl, evaluation.kl_per_dim(one.codes.mu, one.codes.logvar), atol=1)
    assert facts["unused_below"] == evaluation.COLLAPSED_KL
    low, high = np.array(facts["ranges"]).T
    assert (low <= one.codes.mu.amin(0).numpy() + 1).all()
    assert (high > 10).all()


def test_page_opens_on_an_example_of_many_dimensions() -> None:
    """Of few dimensions, on the mean of the model's prior."""
    many = saved(latent_dim=5)
    facts = json.loads(element(html_page.page(many).decode(), "facts"))
    distances = (many.codes.mu - torch.tensor(facts["start"])).abs().amax(1)
    assert distances.min() < 1e-3
    few = saved(prior="mixture")
    facts = json.loads(element(html_page.page(few).decode(), "facts"))
    np.testing.assert_allclose(facts["start"], few.model.prior.mu.mean(0).detach(), atol=1e-3)


def test_model_of_photographs_has_neither_pad_nor_encoder() -> None:
    """A drawing means nothing to it, so the page does without."""
    page = html_page.page(saved(dataset="frey-face")).decode()
    network, _ = bundle(page, "network")
    assert "encoder" not in network
    assert 'id="pad"' not in page
    assert json.loads(element(page, "facts"))["frame"] is None


def test_names_from_strangers_stay_text() -> None:
    """What a card says cannot become markup or a script, and a folder's place stays private."""
    name = '</script><script>alert("$title")</script>'
    page = html_page.page(saved(name=name, dataset="/home/somebody/pictures")).decode()
    assert "<script>alert" not in page
    assert json.loads(element(page, "facts"))["name"] == name
    assert "somebody" not in page


def test_name_without_letters_still_names_a_file() -> None:
    """Any name that a card may have leads to a page and to a file's name."""
    one = saved(name="模型")
    assert html_page.file_name(one.card) == "model.html"
    assert "<h1>模型</h1>" in html_page.page(one).decode()


def test_labels_are_requested_for_models_that_take_them() -> None:
    """A conditional model, and one whose prior differs by label; no other."""
    for settings, names in (
        ({}, []),
        ({"conditional": True, "classes": 2}, ["a", "b"]),
        ({"prior": "label", "classes": 3}, ["0", "1", "2"]),
    ):
        page = html_page.page(saved(**settings)).decode()
        assert json.loads(element(page, "facts"))["given"] == names


def test_single_dimension_is_refused() -> None:
    """A map needs a plane."""
    with pytest.raises(ConfigError, match="latent_dim 1: a page needs a plane"):
        html_page.page(saved(latent_dim=1))


def test_colours_are_those_of_the_app() -> None:
    """The page follows the app's theme, in light and in dark."""
    theme = tomllib.loads((ROOT / "app" / ".streamlit" / "config.toml").read_text())["theme"]
    style = (browser.ROOT / "standalone" / "standalone.css").read_text()
    light, dark = style.split("@media (prefers-color-scheme: dark)")
    names = {
        "primaryColor": "primary",
        "backgroundColor": "background",
        "secondaryBackgroundColor": "secondary-background",
        "textColor": "text",
    }
    for part, colours in ((light, theme["light"]), (dark, theme["dark"])):
        for key, name in names.items():
            assert f"--st-{name}-color: {colours[key]};" in part


# ONNX, read by messages declared here from the specification and run in NumPy

FIELDS = {
    "Model": "1 ir_version v, 2 producer_name s, 7 graph Graph, 8 opset_import Operators*",
    "Operators": "1 domain s, 2 version v",
    "Graph": "1 node Node*, 2 name s, 5 initializer Tensor*, 11 input Value*, 12 output Value*",
    "Node": "1 input s*, 2 output s*, 3 name s, 4 op_type s, 5 attribute Attribute*",
    "Attribute": "1 name s, 2 f f, 3 i v, 4 s b, 8 ints v*, 20 type v",
    "Tensor": "1 dims v*, 2 data_type v, 8 name s, 9 raw_data b",
    "Value": "1 name s, 2 type Type",
    "Type": "1 tensor_type TensorType",
    "TensorType": "1 elem_type v, 2 shape Shape",
    "Shape": "1 dim Dim*",
    "Dim": "1 dim_value v, 2 dim_param s",
}


def onnx_messages() -> type[Any]:
    """Build the classes of the ONNX specification's messages, as far as they are needed."""
    kinds = descriptor_pb2.FieldDescriptorProto
    plain = {
        "v": kinds.TYPE_INT64,
        "s": kinds.TYPE_STRING,
        "b": kinds.TYPE_BYTES,
        "f": kinds.TYPE_FLOAT,
    }
    file = descriptor_pb2.FileDescriptorProto(name="onnx.proto", package="onnx", syntax="proto3")
    for message, fields in FIELDS.items():
        declared = file.message_type.add(name=message)
        for entry in fields.split(", "):
            number, name, kind = entry.split()
            field = declared.field.add(name=name, number=int(number))
            many = kind.endswith("*")
            field.label = kinds.LABEL_REPEATED if many else kinds.LABEL_OPTIONAL
            kind = kind.removesuffix("*")
            field.type = plain.get(kind, kinds.TYPE_MESSAGE)
            if kind not in plain:
                field.type_name = f".onnx.{kind}"
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("onnx.Model"))


def sigmoid(x: NDArray[Any]) -> NDArray[Any]:
    """1 / (1 + exp(-x))."""
    return 1 / (1 + np.exp(-x))


def convolve(
    x: NDArray[Any], weight: NDArray[Any], bias: Any = 0.0, *, kernel_shape: Any, pads: Any
) -> NDArray[Any]:
    """Sum each kernel's taps over the padded maps (batch, c, h, w)."""
    assert tuple(kernel_shape) == weight.shape[2:]
    top, left, bottom, right = pads
    padded = np.pad(x, ((0, 0), (0, 0), (top, bottom), (left, right)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, kernel_shape, axis=(2, 3))
    return np.einsum("bchwij,ocij->bohw", windows, weight) + np.reshape(bias, (-1, 1, 1))


def resize(x: NDArray[Any], roi: Any, scales: NDArray[Any], **how: Any) -> NDArray[Any]:
    """Enlarge by the pixel at ⌊place / scale⌋."""
    assert roi is None
    assert how == {
        "mode": b"nearest",
        "coordinate_transformation_mode": b"asymmetric",
        "nearest_mode": b"floor",
    }
    for axis, scale in enumerate(scales):
        places = np.floor(np.arange(int(x.shape[axis] * scale)) / scale).astype(int)
        x = np.take(x, places, axis=axis)
    return x


def cut(
    x: NDArray[Any], starts: NDArray[Any], ends: NDArray[Any], axes: NDArray[Any]
) -> NDArray[Any]:
    """Keep ``starts`` to ``ends`` of each of ``axes``."""
    for start, end, axis in zip(starts, ends, axes, strict=True):
        x = np.take(x, np.arange(start, end), axis=axis)
    return x


def gru(
    x: NDArray[Any],
    w: NDArray[Any],
    r: NDArray[Any],
    b: NDArray[Any],
    *,
    hidden_size: int,
    linear_before_reset: int,
) -> NDArray[Any]:
    """Run one direction over (steps, batch, inputs); gates in the order update, reset, new."""
    assert linear_before_reset == 1
    wz, wr, wh = np.split(w[0], 3)
    rz, rr, rh = np.split(r[0], 3)
    wbz, wbr, wbh, rbz, rbr, rbh = np.split(b[0], 6)
    h = np.zeros((x.shape[1], hidden_size), dtype=x.dtype)
    every = []
    for step in x:
        update = sigmoid(step @ wz.T + h @ rz.T + wbz + rbz)
        reset = sigmoid(step @ wr.T + h @ rr.T + wbr + rbr)
        new = np.tanh(step @ wh.T + reset * (h @ rh.T + rbh) + wbh)
        h = (1 - update) * new + update * h
        every.append(h)
    return np.stack(every)[:, None]


def one_hot(y: NDArray[Any], depth: NDArray[Any], values: NDArray[Any]) -> NDArray[Any]:
    """Return ``values[1]`` at each label, ``values[0]`` elsewhere."""
    return np.where(y[:, None] == np.arange(depth[0]), values[1], values[0])


OPERATORS = {
    "Gemm": lambda x, weight, bias: x @ weight + bias,
    "MatMul": np.matmul,
    "Conv": convolve,
    "Resize": resize,
    "Slice": cut,
    "GRU": gru,
    "OneHot": one_hot,
    "Concat": lambda *parts, axis: np.concatenate(parts, axis=axis),
    "Split": lambda x, axis: np.split(x, 2, axis=axis),
    "Squeeze": lambda x, axes: np.squeeze(x, axis=tuple(axes)),
    "Unsqueeze": lambda x, axes: np.expand_dims(x, tuple(axes)),
    "Expand": lambda x, shape: x * np.ones(shape, dtype=x.dtype),
    "Transpose": lambda x, perm: np.transpose(x, perm),
    "Reshape": lambda x, shape: x.reshape(shape),
    "Tanh": np.tanh,
    "Relu": lambda x: np.maximum(x, 0),
    "LeakyRelu": lambda x, alpha: np.where(x < 0, alpha * x, x),
    "Sigmoid": sigmoid,
    "Abs": np.abs,
    "Less": np.less,
    "Where": np.where,
    "Add": np.add,
    "Sub": np.subtract,
    "Mul": np.multiply,
    "Div": np.divide,
}
#: An attribute's value by its type.
ATTRIBUTES = {1: "f", 2: "i", 3: "s", 7: "ints"}


def run_onnx(content: bytes, **given: NDArray[Any]) -> NDArray[Any]:
    """Run a graph as the specification says."""
    read = onnx_messages().FromString(content)
    assert read.ir_version == onnx.IR_VERSION
    assert [one.version for one in read.opset_import] == [onnx.OPERATOR_SET]
    assert [one.name for one in read.graph.input] == list(given)
    types = {1: "<f4", 7: "<i8"}
    for declared in read.graph.input:
        kind, value = declared.type.tensor_type, given[declared.name]
        batch, *sides = kind.shape.dim
        assert batch.dim_param
        assert tuple(side.dim_value for side in sides) == value.shape[1:]
        assert types[kind.elem_type] == value.dtype.str
    values: dict[str, Any] = {"": None, **given}
    for tensor in read.graph.initializer:
        array = np.frombuffer(tensor.raw_data, dtype=types[tensor.data_type])
        values[tensor.name] = array.reshape(tuple(tensor.dims))
    for node in read.graph.node:
        inputs = [values[name] for name in node.input]
        attributes = {one.name: getattr(one, ATTRIBUTES[one.type]) for one in node.attribute}
        found = OPERATORS[node.op_type](*inputs, **attributes)
        several = found if len(node.output) > 1 else [found]
        values |= dict(zip(node.output, several, strict=True))
    return values[read.graph.output[0].name]


@pytest.mark.parametrize("likelihood", ["bernoulli", "gaussian"])
@pytest.mark.parametrize("activation", ["tanh", "relu", "silu"])
def test_onnx_decoder_equals_the_model(likelihood: str, activation: str) -> None:
    """A reader that knows only the specification decodes to the same means."""
    network: VAE = model(likelihood=likelihood, activation=activation)
    z = torch.randn(7, 3, generator=torch.Generator().manual_seed(2))
    means = run_onnx(onnx.decoder(network), z=z.numpy())
    np.testing.assert_allclose(means, network.decode(z).mean.numpy(), atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_onnx_decoder_equals_each_kind_of_model(kind: str) -> None:
    """Whatever the model is made of; a conditional one's graph is given the labels."""
    network = of_kind(kind)
    z = torch.randn(7, 3, generator=torch.Generator().manual_seed(2))
    z[0] = 0
    y = torch.arange(7) % 4 if network.config.conditional else None
    labels = {} if y is None else {"y": y.numpy()}
    means = run_onnx(onnx.decoder(network), z=z.numpy(), **labels)
    np.testing.assert_allclose(means, network.decode(z, y).mean.numpy(), atol=1e-5)


def test_onnx_refuses_a_layer_that_it_does_not_know() -> None:
    """The layer is named, with those that are allowed."""
    network = model()
    network.decoder.append(torch.nn.Softsign())
    with pytest.raises(ConfigError, match="layer Softsign cannot be written; allowed: Dense"):
        onnx.decoder(network)


# Runs


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Train a small model of the bundled digits to the end."""
    return running.run(tmp_path_factory.mktemp("runs") / "digits-run")


def test_page_of_a_run_has_its_replay(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By its folder and by its name: every frame, in the small bundle."""
    monkeypatch.setenv(runs.ENVIRONMENT_VARIABLE, str(trained.parent))
    for name in (trained, trained.name):
        out = tmp_path / "page.html"
        assert export(name, "--format", "html", "--out", out) == 0
        page = out.read_text()
        told, arrays = bundle(page, "frames")
        replay = runs.read_replay(trained)
        assert replay is not None
        assert [one["step"] for one in told["frames"]] == [one.step for one in replay.frames]
        assert arrays["grid"].shape == (len(replay.frames), 8, 8, 1, 8, 8)
        assert '<div id="replay">' in page
        assert json.loads(element(page, "facts"))["epochs"] == 3


def test_page_without_a_replay_says_nothing_of_one(page: str) -> None:
    """Neither a heading nor an empty place."""
    assert 'id="replay"' not in page
    assert element(page, "frames") == ""


def test_run_that_has_not_ended_is_exported(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The model of its last checkpoint; the page says that the training has not ended."""
    folder = tmp_path / "unfinished"
    folder.mkdir()
    for name in (runs.CONFIG, runs.CHECKPOINT, runs.EVENTS, runs.REPLAY):
        (folder / name).write_bytes((trained / name).read_bytes())
    runs.append(folder, "state", state="paused", step=45)
    out = tmp_path / "page.html"
    assert export(folder, "--format", "html", "--out", out) == 0
    text = html.unescape(out.read_text())
    assert "The training has not ended: this is the model after step 45; 3 of 3 epochs" in text
    whole = model_folder.open_folder(trained)
    _, codes = bundle(out.read_text(), "codes")
    np.testing.assert_allclose(codes["mu"], whole.codes.mu, atol=2e-3)
    (folder / runs.CHECKPOINT).unlink()
    out.unlink()
    capsys.readouterr()
    assert export(folder, "--format", "html", "--out", out) == 2
    assert "has no checkpoint yet" in capsys.readouterr().err
    assert not out.exists()


def test_warnings_of_a_model_stand_on_its_page() -> None:
    """As text."""
    one = saved()
    card = one.card.model_copy(update={"warnings": ("<b>2 of 3</b> dimensions collapsed.",)})
    page = html_page.page(Saved(card=card, model=one.model, codes=one.codes)).decode()
    assert "&lt;b&gt;2 of 3&lt;/b&gt; dimensions collapsed." in page


# The command


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Write a small model's folder."""
    one = saved()
    place = tmp_path / "some-model"
    model_folder.save(place, card=one.card, model=one.model, codes=one.codes, history=[])
    return place


def test_each_format_is_written(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """``export`` writes what the functions return, and says so in JSON."""
    opened = model_folder.open_folder(folder)
    expected = {
        "html": html_page.page(opened),
        "onnx": onnx.decoder(opened.model),
    }
    for form in ("html", "csv", "onnx"):
        out = folder.with_suffix(f".{form}")
        assert export(folder, "--format", form, "--out", out, "--json") == 0
        told = json.loads(capsys.readouterr().out)
        assert told == {"out": str(out), "format": form, "bytes": out.stat().st_size}
        if form in expected:
            assert out.read_bytes() == expected[form]
    rows = list(csv.DictReader(folder.with_suffix(".csv").read_text().splitlines()))
    assert [int(row["id"]) for row in rows] == opened.codes.ids.tolist()
    np.testing.assert_allclose(
        [float(row["mu_3"]) for row in rows], opened.codes.mu[:, 2], rtol=1e-4
    )


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("digits-2d", "--format", "pdf"), "'pdf' is not one of 'html', 'csv', 'onnx'"),
        (("no-such-model", "--format", "html"), "model 'no-such-model' is neither a folder"),
    ],
)
def test_bad_request_ends_in_one_line(
    arguments: tuple[str, ...],
    sentence: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """An unknown format or model is named on stderr, with exit status 2, and nothing is written."""
    out = tmp_path / "out"
    assert export(*arguments, "--out", out) == 2
    printed = capsys.readouterr()
    assert sentence in printed.err
    assert printed.err.count("\n") == 1
    assert printed.out == ""
    assert not out.exists()


def test_model_of_one_dimension_ends_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What the page cannot show is said before anything is written."""
    one = saved(latent_dim=1)
    place = tmp_path / "flat"
    model_folder.save(place, card=one.card, model=one.model, codes=one.codes, history=[])
    assert export(place, "--format", "html", "--out", tmp_path / "flat.html") == 2
    assert "2 or more dimensions" in capsys.readouterr().err
