"""Columns beside labels: what kind they are, their file, and where they go."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import awkward
import numpy as np
import pytest
import safetensors.numpy
import small
import torch
from bundle_reading import read_bundle

import vae_core
from vae_core import columns, data, model_folder, publishing
from vae_core.cli import main
from vae_core.columns import Column
from vae_core.config import ModelConfig, TrainConfig
from vae_core.errors import CheckpointError
from vae_core.formats import bundles, tables
from vae_core.model_folder import Codes, ModelCard

KINDS = {
    "Art (species)": "category",
    "größe, cm": "number",
    "note": "text",
    "taken": "category",
    "plot": "text",
    "ID": "text",
    "alive": "category",
    "stars": "category",
}


@pytest.mark.parametrize(
    "write", [awkward.beside_pictures, awkward.rows_of_pixels, awkward.parquet]
)
def test_every_column_of_a_table_is_of_its_kind(
    tmp_path: Path, write: Callable[[Path, int], Path]
) -> None:
    """From ``labels.csv``, CSV and Parquet alike, each value at its picture's id."""
    n = 90
    suffix = {awkward.rows_of_pixels: ".csv", awkward.parquet: ".parquet"}.get(write, "")
    dataset = data.load_dataset(str(write(tmp_path / f"own{suffix}", n)))
    split = dataset.test
    found, notes = publishing.columns_of(split, dataset.classes)
    kinds = KINDS | {"taken": "text"}  # 90 days: none is there twice
    assert {column.name: column.kind for column in found} == kinds
    assert notes == ("Column 'nothing' was left out: it is empty.",)
    by_name = {column.name: column.written() for column in found}
    expected = awkward.table(n)
    for place, example in enumerate(split.ids.tolist()):
        assert split.images[place, 0].tolist() == awkward.picture(example).tolist()
        for name, values in by_name.items():
            value = expected[name][example]
            text = "" if value is None else str(value).lower() if name == "alive" else str(value)
            if name == "größe, cm":
                text = "" if value is None else f"{value:.12g}"
            assert values[place] == text, (name, example)


def table_of(n: int = awkward.N) -> tuple[Column, ...]:
    """Return the awkward columns as they are in a folder."""
    return awkward.with_columns(encoded(n)).columns


def test_kinds_of_columns() -> None:
    """Few whole numbers are categories in their order; large ones keep their digits."""
    found = {column.name: column for column in table_of()}
    assert {name: column.kind for name, column in found.items()} == KINDS | {"plot": "category"}
    assert len(found["plot"].categories) == columns.MAX_CATEGORIES
    assert found["ID"].values[1] == "100000000000000001"
    assert found["Art (species)"].values[4] == columns.MISSING
    values = {
        "year": np.array([2020, 2021, 2019, 2020] * 4),
        "weight": np.array([1.5, math.inf, math.nan, 2] * 4),
        "big": np.arange(16) + 2**60,
        "shares": np.linspace(0, 1, 16),
        "many": np.array([f"n{i % 8}" for i in range(16)]),
        "split": np.array(["test"] * 16),
        "digit": np.array(["one", "two"] * 8),
        "\t\n": np.array(["x\x00y", "z"] * 8),
    }
    made, notes = columns.typed(values, labels=np.arange(16) % 2, classes=("one", "two"))
    kinds = {column.name: column.kind for column in made}
    assert kinds == {
        "year": "category", "weight": "number", "big": "text", "shares": "number",
        "many": "category", "  ": "category",
    }  # fmt: skip
    assert notes == ()
    assert made[0].categories == ("2019", "2020", "2021")
    assert np.isnan(made[1].values).sum() == 8
    assert made[-1].categories == ("x y", "z")


def test_what_is_left_out_is_said() -> None:
    """More columns than fit, and texts that are too long."""
    many = {f"c{i}": np.arange(40.0) + i for i in range(70)}
    kept, notes = columns.typed({"long": np.array(["x" * 2000, *map(str, range(39))]), **many})
    assert len(kept) == columns.MAX_COLUMNS
    assert len(kept[0].values[0]) == columns.MAX_TEXT
    assert notes == (
        "Column 'long': 1 texts were cut to 1,000 characters.",
        "7 of 71 columns were left out: the first 64 are kept.",
    )


def test_names_for_urls_are_plain_and_all_different() -> None:
    """Letters of any script stay; what is alike, or nothing, is numbered."""
    named = [Column(name, "number", np.zeros(1)) for name in ("A, b", "a b", "犬", "…", "??", "")]
    assert list(columns.keyed(named)) == [
        "column.a-b", "column.a-b-2", "column.犬", "column.column", "column.column-2",
        "column.column-3",
    ]  # fmt: skip


def test_columns_come_back_by_id(tmp_path: Path) -> None:
    """To the bit, whatever the order of the examples; one that the file lacks has no value."""
    made = table_of(90)
    ids = np.arange(500, 590)
    content = columns.to_bytes(ids, made)
    order = np.random.default_rng(1).permutation(90)
    back = columns.from_bytes(content, np.append(ids[order], 7))
    for one, other in zip(made, back, strict=True):
        assert (one.name, one.kind, one.categories) == (other.name, other.kind, other.categories)
        assert other.written() == [*np.array(one.written(), dtype=object)[order], ""]
    codes = encoded(90, made)
    model_folder.save(tmp_path, card=card(), model=small.model(), codes=codes, history=[])
    again = model_folder.load_codes(tmp_path)
    assert [column.written() for column in again.columns] == [one.written() for one in made]
    zipped = model_folder.open_zip(model_folder.zip_folder(tmp_path)).codes
    assert [column.written() for column in zipped.columns] == [one.written() for one in made]
    model_folder.save(tmp_path, card=card(), model=small.model(), codes=encoded(90), history=[])
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(model_folder.FILES)


def encoded(n: int, made: tuple[Column, ...] = ()) -> Codes:
    """Make an encoded set of n examples."""
    draw = torch.Generator().manual_seed(0)
    mu = torch.randn(n, 3, generator=draw)
    rate, distortion = torch.ones(n), torch.zeros(n)
    ids = torch.arange(500, 500 + n)
    return Codes(ids, mu, torch.zeros(n, 3), rate, distortion, columns=made)


def card() -> ModelCard:
    """Describe the small model, without labels."""
    described = {"model": small.model_config(), "training": small.train_config()}
    return ModelCard.of(name="Own", dataset="own", **described)


def _with(**changes: Any) -> Callable[[dict[str, Any], list[dict[str, Any]]], None]:
    return lambda arrays, described: arrays.update(changes)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (_with(ids=np.zeros(4, np.int64)), "an id is there twice"),
        (_with(ids=np.arange(4.0)), "ids of type int64"),
        (_with(**{"0.values": np.arange(4)}), "0.values of type float64"),
        (_with(**{"0.values": np.arange(3.0)}), "3 values where 4"),
        (_with(**{"1.values": np.full(4, 2, np.int32)}), "values beyond its 2 names"),
        (_with(**{"1.values": np.full(4, -2, np.int32)}), "values beyond its 2 names"),
        (_with(**{"1.names.bytes": np.frombuffer(b"aa", np.uint8)}), "2 names; at most"),
        (_with(**{"1.names.bytes": np.frombuffer(b"\xff\xff", np.uint8)}), "not UTF-8"),
        (_with(**{"1.names.ends": np.array([2, 1])}), "does not divide"),
        (_with(**{"2.text.ends": np.array([1, 2, 3, 2**60])}), "does not divide"),
        (_with(**{"2.text.ends": np.array([1, 2, 3])}), "does not divide"),
        (_with(**{"3.values": np.zeros(4)}), "3.values belongs to no column"),
        (lambda arrays, described: described.append({"name": "x"}), "a column has a name"),
        (lambda arrays, described: described.append({"name": "", "kind": "text"}), "has a name"),
        (lambda arrays, described: described.extend([described[0]] * 99), "lists at most 64"),
        (lambda arrays, described: arrays.pop("1.values"), "1.values of type int32"),
    ],
)
def test_a_damaged_file_is_refused(
    damage: Callable[[dict[str, Any], list[dict[str, Any]]], None], said: str
) -> None:
    """By a sentence; nothing that a file states is believed."""
    made = (
        Column("n", "number", np.arange(4.0)),
        Column("c", "category", np.array([0, 1, -1, 0], np.int32), ("a", "b")),
        Column("t", "text", np.array(["p", "q", "r", "s"], dtype=object)),
    )
    content = columns.to_bytes(np.arange(4), made)
    arrays = dict(safetensors.numpy.load(content))
    described = [{"name": one.name, "kind": one.kind} for one in made]
    damage(arrays, described)
    content = safetensors.numpy.save(arrays, {"columns": json.dumps(described)})
    with pytest.raises(CheckpointError, match=said):
        columns.from_bytes(content, np.arange(4))


@pytest.mark.parametrize("content", [b"", b"x" * 20, b"\xff" * 20, safetensors.numpy.save({})])
def test_other_files_are_refused(content: bytes) -> None:
    """Whatever else has that name."""
    with pytest.raises(CheckpointError, match=columns.FILE):
        columns.from_bytes(content, np.arange(4))


def test_the_browser_gets_columns_by_key() -> None:
    """Numbers to the bit, so that a filter's bounds hold in both places."""
    codes = encoded(90, table_of(90))
    meta, arrays = read_bundle(bundles.columns_bundle(codes))
    listed = {one["key"]: one for one in meta["columns"]}
    assert listed["column.art-species"]["categories"] == sorted(awkward.SPECIES)
    assert listed["column.note"]["texts"][2] == "Nr. 2: straße, 雨 & “rain”"
    place = str(list(listed).index("column.größe-cm"))
    np.testing.assert_array_equal(arrays[place], codes.columns[int(place)].values)
    assert arrays["ids"][0] == 500


def test_tables_have_columns_after_the_codes() -> None:
    """Quoted where they need it; a name that is there already is told apart."""
    codes = encoded(90, (*table_of(90), Column("mu_1", "number", np.zeros(90))))
    written = tables.codes_csv(codes.ids, None, codes.mu, codes.logvar, columns=codes.columns)
    rows = list(csv.DictReader(io.StringIO(written)))
    assert list(rows[0])[7:] == [*KINDS, "column.mu_1"]
    assert rows[0]["Art (species)"] == "Katze, schwarz"
    assert (rows[4]["größe, cm"], rows[4]["note"]) == ("", "")
    assert rows[3]["größe, cm"] == "-19.7"


def test_a_training_and_the_command_line_carry_columns(tmp_path: Path) -> None:
    """Into the folder of the trained model, and into both tables."""
    source = awkward.rows_of_pixels(tmp_path / "own.csv", 90)
    dataset = data.load_dataset(str(source))
    model = ModelConfig(image_shape=(1, 4, 4), latent_dim=2, hidden=(4,))
    folder = tmp_path / "trained"
    made = small.model(image_shape=(1, 4, 4), latent_dim=2, hidden=(4,))
    training = TrainConfig(dataset=str(source), threads=1)
    assert made.config == model
    published = publishing.publish(
        folder, name="Own", model=made, training=training, dataset=dataset, history=[], command=""
    )
    assert "Column 'nothing' was left out: it is empty." in published.warnings
    codes = model_folder.load_codes(folder)
    assert [column.name for column in codes.columns] == list(KINDS)
    for command in (["export", "--format", "csv"], ["encode"]):
        out = tmp_path / f"{command[0]}.csv"
        arguments = [command[0], str(folder), *command[1:], "--out", str(out)]
        main.main(arguments)
        rows = list(csv.DictReader(io.StringIO(out.read_text(encoding="utf-8"))))
        written = awkward.table(90)["note"]
        assert [row["note"] for row in rows] == [written[int(row["id"])] or "" for row in rows]


def test_codes_of_python_have_columns() -> None:
    """``vae_core.encode`` gives those of the examples that it encodes."""
    dataset = small.dataset()
    beside = {"height": np.linspace(0, 1, len(dataset.test))}
    test = dataclasses.replace(dataset.test, columns=beside)
    codes = vae_core.encode(small.model(), test)
    assert [column.name for column in codes.columns] == ["height"]


def test_an_import_carries_columns(tmp_path: Path) -> None:
    """All pictures are encoded then, and each keeps its own values."""
    source = awkward.rows_of_pixels(tmp_path / "own.csv", 60)
    net = small.model(image_shape=(1, 4, 4), latent_dim=2, hidden=(4,))
    found = vae_core.import_model(
        encoder=lambda x: net.encode(x).mu,
        decoder=lambda z: net.decode(z).mean,
        data=source,
        out=tmp_path / "mine",
        posterior="mu",
        tsne=False,
        say=lambda text: None,
    )
    assert "Column 'nothing' was left out: it is empty." in found.card.warnings
    codes = model_folder.load_codes(tmp_path / "mine")
    assert len(codes.ids) == 60
    notes = next(column for column in codes.columns if column.name == "note").written()
    expected = awkward.table(60)["note"]
    assert notes == [expected[i] or "" for i in codes.ids.tolist()]
