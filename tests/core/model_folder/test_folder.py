"""Model folders: saving and loading, and errors for damaged or foreign ones."""

from __future__ import annotations

import contextlib
import dataclasses
import io
import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import small
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import Tensor

from vae_core import model_folder
from vae_core.errors import CheckpointError, ConfigError
from vae_core.model_folder import Codes, Metric, ModelCard
from vae_core.model_folder import folder as folder_module
from vae_core.models import VAE

N, D = 12, 3


def codes(**columns: Any) -> Codes:
    """Make an encoded set of twelve images, some columns replaced."""
    draw = torch.Generator().manual_seed(0)
    plain = Codes(
        ids=torch.arange(100, 100 + N),
        labels=torch.arange(N) % 2,
        mu=torch.randn(N, D, generator=draw),
        logvar=torch.randn(N, D, generator=draw),
        rate=torch.rand(N, generator=draw),
        distortion=torch.rand(N, generator=draw),
        projections={name: torch.randn(N, 2, generator=draw) for name in ("pca", "tsne")},
        pca_mean=torch.zeros(D),
        pca_components=torch.eye(2, D),
    )
    return dataclasses.replace(plain, **columns)


def card(**fields: Any) -> ModelCard:
    """Describe the small model."""
    return ModelCard.of(
        **{
            "name": "Bars",
            "dataset": "bars",
            "classes": ("left", "right"),
            "model": small.model_config(),
            "training": small.train_config(),
            "metrics": {"elbo": Metric(value=-9.5, se=0.25, n=N, kind="grey", samples=1)},
        }
        | fields
    )


HISTORY = [{"epoch": 1, "train": {"elbo": -10.0}}, {"epoch": 2, "train": {"elbo": -9.0}}]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Write a model folder."""
    target = tmp_path / "bars-3d"
    model_folder.save(target, card=card(), model=small.model(), codes=codes(), history=HISTORY)
    return target


def zipped(files: dict[str, bytes]) -> bytes:
    """Make a zip file with these names, however odd."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return packed.getvalue()


def contents(folder: Path) -> dict[str, bytes]:
    """Read a folder's files."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def same_weights(one: VAE, other: VAE) -> bool:
    """Compare all parameters to the bit."""
    pairs = zip(one.state_dict().values(), other.state_dict().values(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


def assert_same_codes(one: Codes, other: Codes) -> None:
    """Compare all columns to the bit, and those that are halved on the disk to three digits."""
    assert one.tensors().keys() == other.tensors().keys()
    for name, column in one.tensors().items():
        tolerance = 1e-3 if name in model_folder.HALVED else 0.0
        torch.testing.assert_close(column, other.tensors()[name], rtol=tolerance, atol=tolerance)


def test_a_folder_comes_back_exactly(folder: Path) -> None:
    """Weights, card, codes and history to the bit; eval mode, no gradients, no stray file."""
    loaded = model_folder.load_model(folder)
    assert same_weights(loaded, small.model())
    assert not loaded.training
    assert not any(p.requires_grad for p in loaded.parameters())
    assert_same_codes(model_folder.load_codes(folder), codes())
    assert model_folder.load_history(folder) == HISTORY
    read = model_folder.load_card(folder)
    weights = (folder / model_folder.WEIGHTS).read_bytes()
    assert read.weights_hash == model_folder.content_hash(weights)
    assert read.parameters == sum(p.numel() for p in loaded.parameters())
    assert read.model_copy(update={"weights_hash": "", "parameters": 0}) == card()
    assert sorted(contents(folder)) == sorted(model_folder.FILES)


def test_codes_are_halved_where_that_loses_nothing(tmp_path: Path) -> None:
    """Half the bytes of mu and logvar; means beyond half precision stay as they are."""
    far = codes()
    far = dataclasses.replace(far, mu=far.mu * 1e6)
    model_folder.save(tmp_path, card=card(), model=small.model(), codes=far, history=[])
    stored = safetensors.torch.load((tmp_path / model_folder.CODES).read_bytes())
    assert (stored["mu"].dtype, stored["logvar"].dtype) == (torch.float32, torch.float16)
    assert torch.equal(model_folder.load_codes(tmp_path).mu, far.mu)


def test_a_folder_without_labels_and_maps_comes_back(tmp_path: Path) -> None:
    """Optional columns stay absent."""
    bare = codes(labels=None, projections={}, pca_mean=None, pca_components=None)
    model_folder.save(tmp_path, card=card(classes=()), model=small.model(), codes=bare, history=[])
    assert_same_codes(model_folder.load_codes(tmp_path), bare)
    assert model_folder.load_codes(tmp_path).labels is None
    assert model_folder.load_history(tmp_path) == []


def test_a_zipped_folder_opens_without_touching_the_disk(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What ``zip_folder`` packs, ``open_zip`` reads, from memory."""
    content = model_folder.zip_folder(folder)
    empty = tmp_path / "empty"
    empty.mkdir()
    monkeypatch.chdir(empty)
    before = sorted(tmp_path.rglob("*"))
    saved = model_folder.open_zip(content)
    assert same_weights(saved.model, small.model())
    assert_same_codes(saved.codes, codes())
    assert saved.card == model_folder.load_card(folder)
    assert sorted(tmp_path.rglob("*")) == before


def test_files_are_safetensors_and_json(folder: Path) -> None:
    """No file of a folder is a pickle or a zip of pickles."""
    for name, content in contents(folder).items():
        if name.endswith(".safetensors"):
            length = int.from_bytes(content[:8], "little")
            assert json.loads(content[8 : 8 + length])
        else:
            for line in content.decode().splitlines() if name.endswith("l") else [content]:
                json.loads(line)


def test_saving_is_all_or_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk leaves the old card, and no temporary file."""
    before = contents(folder)

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        model_folder.save(
            folder, card=card(name="New"), model=small.model(seed=9), codes=codes(), history=[]
        )
    assert contents(folder) == before


def test_a_torn_last_line_of_the_history_is_left_out(folder: Path) -> None:
    """The epochs before it are kept."""
    with (folder / model_folder.HISTORY).open("a") as file:
        file.write('{"epoch": 3, "tra')
    assert model_folder.load_history(folder) == HISTORY


def test_an_unknown_name_lists_the_known_ones() -> None:
    """One sentence that helps."""
    with pytest.raises(CheckpointError, match=r"'mnist-99d' is neither a folder .* digits-2d"):
        model_folder.load_model("mnist-99d")


@pytest.mark.parametrize("name", ["../../etc", "/", "", "a\0b", "pretrained/../.."])
def test_odd_names_are_unknown(name: str) -> None:
    """Nothing but a folder with a card is a model."""
    with pytest.raises(CheckpointError, match="neither a folder"):
        model_folder.locate(name)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("My Model", "my-model"),
        ("../../x", "x"),
        ("a" * 99, "a" * 60),
        ("Ünï 3", "n-3"),
        ("con.txt", "con-txt"),
        ("手書き数字", "model"),
        ("Модель", "model"),
        ("β", "model"),
        ("β 20", "20"),
    ],
)
def test_a_slug_is_a_safe_folder_name(name: str, expected: str) -> None:
    """Lower-case letters, digits and hyphens; at most 60; "model" for another script."""
    assert model_folder.slug(name) == expected


def test_a_name_without_letters_has_no_slug() -> None:
    """At least one letter or digit is needed."""
    with pytest.raises(ConfigError, match=r"'../..'"):
        model_folder.slug("../..")


def tensors_with(name: str, value: Tensor | None) -> Callable[[bytes], bytes]:
    """Replace or remove one tensor of a safetensors file."""

    def change(content: bytes) -> bytes:
        tensors = safetensors.torch.load(content)
        tensors.pop(name, None)
        if value is not None:
            tensors[name] = value
        return safetensors.torch.save(tensors)

    return change


def test_weights_of_float64_are_converted(folder: Path) -> None:
    """As PyTorch's doubles are saved: the folder and its zip open with the same model."""
    before = model_folder.load_model(folder).state_dict()
    doubled = {name: tensor.double() for name, tensor in before.items()}
    (folder / model_folder.WEIGHTS).write_bytes(safetensors.torch.save(doubled))
    card_file = folder / model_folder.CARD
    card_file.write_bytes(ANY(card_file.read_bytes()))
    zipped = model_folder.open_zip(model_folder.zip_folder(folder)).model
    for model in (model_folder.load_model(folder), zipped):
        for name, tensor in model.state_dict().items():
            assert tensor.dtype == torch.float32
            assert tensor.equal(before[name]), name


def card_with(**changes: Any) -> Callable[[bytes], bytes]:
    """Replace fields of a card."""

    def change(content: bytes) -> bytes:
        fields = json.loads(content)
        for path, value in changes.items():
            *parents, last = path.split("__")
            place = fields
            for parent in parents:
                place = place[parent]
            place[last] = value
        return json.dumps(fields).encode()

    return change


ANY = card_with(weights_hash="")  # a card that names no weights accepts any that fit
HUGE = {"image_shape": [1, 16384, 16384], "hidden": [16384] * 16, "latent_dim": 4096}
TAMPERED: dict[str, tuple[dict[str, Callable[[bytes], bytes]], str]] = {
    "empty card": ({"card.json": lambda c: b""}, "card.json"),
    "no json": ({"card.json": lambda c: b"\x80\x04K\x01."}, "card.json"),
    "deep json": ({"card.json": lambda c: b"[" * 100_000}, "card.json"),
    "unknown field": ({"card.json": card_with(treasure=1)}, "treasure"),
    "newer format": ({"card.json": card_with(format_version=2)}, "format_version 2 is newer"),
    "wrong setting": ({"card.json": card_with(model__activation="sin")}, "activation 'sin'"),
    "other widths": ({"card.json": card_with(model__hidden=[12, 7])}, "shape"),
    "other depth": ({"card.json": card_with(model__hidden=[11])}, "shape"),
    "huge claim": ({"card.json": card_with(model=HUGE)}, "shape"),
    "other likelihood": ({"card.json": card_with(model__likelihood="gaussian")}, "shape"),
    "too few classes": ({"card.json": card_with(classes=["left"])}, "labels are from 0 to 1"),
    "other weights": (
        {"model.safetensors": tensors_with("posterior.bias", torch.ones(6))},
        "hash of these weights",
    ),
    "no weights": ({"model.safetensors": lambda c: b"", "card.json": ANY}, "not a safetensors"),
    "pickled weights": (
        {"model.safetensors": lambda c: b"\x80\x04" + 99 * b"\0", "card.json": ANY},
        "not a safetensors",
    ),
    "truncated weights": (
        {"model.safetensors": lambda c: c[:-1], "card.json": ANY},
        "not a safetensors",
    ),
    "missing tensor": (
        {"model.safetensors": tensors_with("posterior.bias", None), "card.json": ANY},
        "posterior.bias has shape None",
    ),
    "extra tensor": (
        {"model.safetensors": tensors_with("extra", torch.zeros(2)), "card.json": ANY},
        "extra has shape",
    ),
    "other shape": (
        {"model.safetensors": tensors_with("posterior.bias", torch.zeros(7)), "card.json": ANY},
        "posterior.bias has shape",
    ),
    "integers": (
        {
            "model.safetensors": tensors_with("posterior.bias", torch.zeros(6, dtype=torch.int64)),
            "card.json": ANY,
        },
        "posterior.bias is torch.int64",
    ),
    "half precision": (
        {
            "model.safetensors": tensors_with("posterior.bias", torch.zeros(6).half()),
            "card.json": ANY,
        },
        "posterior.bias is torch.float16",
    ),
    "not a number": (
        {
            "model.safetensors": tensors_with("posterior.bias", torch.full((6,), torch.nan)),
            "card.json": ANY,
        },
        "posterior.bias has values that are not finite",
    ),
    "truncated codes": ({"codes.safetensors": lambda c: c[:-1]}, "not a safetensors"),
    "no ids": ({"codes.safetensors": tensors_with("ids", None)}, "has no ids"),
    "short column": (
        {"codes.safetensors": tensors_with("rate", torch.zeros(N - 1))},
        "rate has shape",
    ),
    "scalar column": ({"codes.safetensors": tensors_with("rate", torch.tensor(1.0))}, "rate"),
    "other latent_dim": ({"codes.safetensors": tensors_with("mu", torch.zeros(N, 4))}, "mu has"),
    "solid map": (
        {"codes.safetensors": tensors_with("projections.tsne", torch.zeros(N, 3))},
        "projections.tsne has",
    ),
    "unknown column": (
        {"codes.safetensors": tensors_with("treasure", torch.zeros(N))},
        "treasure is not a column",
    ),
    "infinite code": (
        {"codes.safetensors": tensors_with("mu", torch.full((N, D), torch.inf))},
        "mu has values that are not finite",
    ),
    "negative label": (
        {"codes.safetensors": tensors_with("labels", torch.full((N,), -1))},
        "labels are from -1",
    ),
    "fractional ids": ({"codes.safetensors": tensors_with("ids", torch.zeros(N))}, "ids is"),
}


def load_all(folder: Path) -> None:
    """Read all that can be read of a folder."""
    model_folder.load_card(folder)
    model_folder.load_model(folder)
    model_folder.load_codes(folder)
    model_folder.load_history(folder)


@pytest.mark.parametrize("case", TAMPERED)
def test_a_tampered_folder_is_refused(folder: Path, case: str) -> None:
    """From disk and from a zip, naming the file and what is wrong with it."""
    changes, named = TAMPERED[case]
    for name, change in changes.items():
        path = folder / name
        path.write_bytes(change(path.read_bytes()))
    with pytest.raises(CheckpointError, match=named) as raised:
        load_all(folder)
    assert "\n" not in str(raised.value)
    with pytest.raises(CheckpointError, match=named):
        model_folder.open_zip(zipped(contents(folder)))


@pytest.mark.parametrize("name", [model_folder.CARD, model_folder.WEIGHTS, model_folder.CODES])
def test_a_missing_file_is_named(folder: Path, name: str) -> None:
    """From disk and from a zip."""
    (folder / name).unlink()
    with pytest.raises(CheckpointError, match=name):
        load_all(folder)
    with pytest.raises(CheckpointError, match=f"the zip has no {name}"):
        model_folder.open_zip(zipped(contents(folder)))


def test_an_oversized_file_is_not_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit holds on disk and while a zip is being unpacked."""
    files = contents(folder)
    limit = max(map(len, files.values())) + 100
    monkeypatch.setattr(folder_module, "MAX_BYTES", limit)
    load_all(folder)
    with (folder / model_folder.WEIGHTS).open("ab") as file:
        file.truncate(limit + 1)
    with pytest.raises(CheckpointError, match=r"model.safetensors is larger"):
        load_all(folder)
    bomb = zipped(files | {"model.safetensors": bytes(50_000_000)})
    assert len(bomb) < 100_000
    with pytest.raises(CheckpointError, match=r"model.safetensors is larger"):
        model_folder.open_zip(bomb)


def test_names_that_climb_out_of_a_zip_write_nothing(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Members are read by their last name, whatever path they claim; others are passed over."""
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    monkeypatch.chdir(inner)
    before = sorted(tmp_path.rglob("*"))
    climbing = {f"../../{name}": content for name, content in contents(folder).items()}
    saved = model_folder.open_zip(zipped(climbing | {"../../evil.py": b"print()", "/etc/x": b""}))
    assert same_weights(saved.model, small.model())
    assert sorted(tmp_path.rglob("*")) == before


def test_two_models_in_one_zip_are_refused(folder: Path) -> None:
    """Which one is meant would be a guess."""
    files = contents(folder)
    both = {f"{place}/{name}": content for place in "ab" for name, content in files.items()}
    with pytest.raises(CheckpointError, match="twice"):
        model_folder.open_zip(zipped(both))


def test_a_zip_of_thousands_of_entries_is_refused_unread(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A directory of a million entries would take more memory than the whole upload."""
    crowd = {f"{number}.txt": b"" for number in range(model_folder.MAX_ENTRIES)}
    many = zipped(contents(folder) | crowd)
    monkeypatch.setattr(zipfile, "ZipFile", None)  # it is not even opened
    with pytest.raises(CheckpointError, match="more than 1000 entries"):
        model_folder.open_zip(many)


def test_a_link_in_a_zip_is_refused(folder: Path) -> None:
    """Whatever it points to."""
    packed = io.BytesIO(zipped(contents(folder)))
    with zipfile.ZipFile(packed) as archive:
        files = {entry.filename: archive.read(entry) for entry in archive.infolist()}
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name)
            if name.endswith(model_folder.CARD):
                entry.external_attr, content = 0o120777 << 16, b"/etc/passwd"
            archive.writestr(entry, content)
    with pytest.raises(CheckpointError, match=r"card\.json is a link"):
        model_folder.open_zip(out.getvalue())


def test_weights_are_bounded_by_what_the_card_leads_to(folder: Path) -> None:
    """A bomb of 200 MB beside a card of a small model is not unpacked, nor read from a disk."""
    import tracemalloc

    files = contents(folder)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            if name != model_folder.WEIGHTS:
                archive.writestr(name, content)
        with archive.open(model_folder.WEIGHTS, "w") as file:
            for _ in range(200):
                file.write(bytes(2**20))
    tracemalloc.start()
    try:
        with pytest.raises(CheckpointError, match=r"model.safetensors is larger than the 1\.0 MB"):
            model_folder.open_zip(packed.getvalue())
        with (folder / model_folder.WEIGHTS).open("ab") as sparse:
            sparse.truncate(200 * 2**20)
        with pytest.raises(CheckpointError, match=r"model.safetensors is larger than the 1\.0 MB"):
            model_folder.load_model(folder)
        assert tracemalloc.get_traced_memory()[1] < 10 * 2**20
    finally:
        tracemalloc.stop()


def test_a_header_that_states_more_than_is_there_is_refused(folder: Path) -> None:
    """Before anything is made of it."""
    content = bytearray((folder / model_folder.CODES).read_bytes())
    content[:8] = (2**40).to_bytes(8, "little")
    (folder / model_folder.CODES).write_bytes(bytes(content))
    with pytest.raises(CheckpointError, match="its header states 1,099,511,627,776 bytes"):
        model_folder.load_codes(folder)


@pytest.mark.parametrize("content", [b"", b"PK", b"\x89PNG\r\n", b"PK\x05\x06" + bytes(18)])
def test_what_is_no_zip_is_refused(content: bytes) -> None:
    """An empty file, a torn one, a picture, an archive of nothing."""
    with pytest.raises(CheckpointError, match="zip"):
        model_folder.open_zip(content)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_random_damage_is_a_sentence_or_harmless(folder: Path, data: st.DataObject) -> None:
    """A zip with changed or missing bytes loads a model or raises CheckpointError."""
    content = bytearray(model_folder.zip_folder(folder))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    if data.draw(st.booleans()):
        del content[data.draw(st.integers(0, len(content) - 1)) :]
    with contextlib.suppress(CheckpointError):
        model_folder.open_zip(bytes(content))


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_random_damage_inside_a_file_is_a_sentence_or_harmless(
    folder: Path, data: st.DataObject
) -> None:
    """The same without a zip's checksums in between; damaged weights never pass."""
    files = contents(folder)
    name = data.draw(st.sampled_from([model_folder.CARD, model_folder.WEIGHTS, model_folder.CODES]))
    content = bytearray(files[name])
    # Headers come first, and they are what a parser can trip over.
    at = data.draw(st.integers(0, min(600, len(content) - 1)))
    content[at] = data.draw(st.integers(0, 255).filter(lambda byte: byte != content[at]))
    opened = False
    with contextlib.suppress(CheckpointError):
        model_folder.open_zip(zipped(files | {name: bytes(content)}))
        opened = True
    assert not (opened and name == model_folder.WEIGHTS)


def test_models_are_listed_by_their_cards(folder: Path) -> None:
    """A folder without a card, half written, is none."""
    other = folder.parent / "another"
    shutil.copytree(folder, other)
    half = folder.parent / "half"
    shutil.copytree(folder, half)
    (half / model_folder.CARD).unlink()
    assert model_folder.list_models(folder.parent) == ["another", "bars-3d"]
