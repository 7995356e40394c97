"""Filters: which examples they keep, here and in the browser, and how columns colour."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import awkward
import numpy as np
import pytest

from app.address import Selection
from app.conditions import Condition
from app.resources import filtering
from app.resources.opened_model import Opened
from app.widgets import selection
from vae_core.formats import bundles

SCRIPT = Path(__file__).with_name("run_filter.mjs")
HEIGHT, SPECIES, NOTE = "column.größe-cm", "column.art-species", "column.note"

FILTERS = [
    [],
    [Condition(HEIGHT, "range", (-19.7, 12.3))],
    [Condition(HEIGHT, "range", (None, 0.1)), Condition("label", "only", ("1", "7"))],
    [Condition(SPECIES, "not", ("犬", ""))],
    [Condition(SPECIES, "only", ("",))],
    [Condition(SPECIES, "only", ())],
    [Condition("column.stars", "only", ("3", "4")), Condition(NOTE, "has", ("STRASSE",))],
    [Condition(NOTE, "has", ("Straße, 雨 & “RAIN",)), Condition("rate", "range", (None, 5.5))],
    [Condition("column.alive", "only", ("true",)), Condition("column.id", "has", ("7",))],
]


def columned(model: Opened, values: Mapping[str, np.ndarray[Any, Any]] | None = None) -> Opened:
    """Return a model with columns."""
    codes = awkward.with_columns(model.codes, values)
    saved = dataclasses.replace(model.saved, codes=codes)
    return dataclasses.replace(model, hash=f"{model.hash}-columned", saved=saved)


@pytest.fixture
def opened(shuffled_digits: Opened) -> Opened:
    """Return the bundled model with awkward columns, its set in another order."""
    return columned(shuffled_digits)


def test_conditions_hold_for_examples_not_for_rows(digits_2d: Opened, opened: Opened) -> None:
    """The same ids are kept in whatever order the set lies; missing values are in no range."""
    kept = filtering.ids(opened, (FILTERS[1][0],))
    assert set(kept) == set(filtering.ids(columned(digits_2d), (FILTERS[1][0],)))
    place = {int(example): place for place, example in enumerate(sorted(opened.row))}
    expected = {
        i for i, p in place.items() if p % 9 != 4 and -19.7 <= round(0.1 * p - 20, 2) <= 12.3
    }
    assert set(kept.tolist()) == expected
    assert len(filtering.ids(opened, (Condition(SPECIES, "only", ()),))) == 0


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
def test_the_browser_keeps_the_same_examples(opened: Opened, tmp_path: Path) -> None:
    """To the last bound and letter, for every kind of condition."""
    paths = [tmp_path / name for name in ("codes", "columns", "filters")]
    paths[0].write_bytes(bundles.codes_bundle(opened.codes))
    paths[1].write_bytes(bundles.columns_bundle(opened.codes))
    paths[2].write_text(json.dumps([[vars(one) for one in conditions] for conditions in FILTERS]))
    run = subprocess.run(
        ["node", SCRIPT, *paths], capture_output=True, text=True, check=True, timeout=60
    )
    answer = json.loads(run.stdout)
    assert answer["names"] == list(opened.columns)
    for conditions, kept in zip(FILTERS, answer["kept"], strict=True):
        assert kept == filtering.ids(opened, tuple(conditions)).tolist(), conditions
    counts = [len(kept) for kept in answer["kept"]]
    assert all(0 < count < counts[0] for count in counts[1:5] + counts[7:])
    assert counts[6] == 0  # "ß" is not "ss", whatever the case


def test_selections_and_their_tables_respect_the_filter(opened: Opened) -> None:
    """Inside the outline and inside the filter; the table has the columns' values."""
    square = Selection("axes-1-2", ((-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0)))
    conditions = (FILTERS[1][0],)
    both = selection.selected(opened, square, conditions)
    inside = set(selection.selected(opened, square).tolist())
    assert set(both.tolist()) == inside & set(filtering.ids(opened, conditions).tolist())
    assert 0 < len(both) < len(inside)
    rows = list(csv.DictReader(io.StringIO(selection.to_csv(opened, both).decode())))
    assert all(-19.7 <= float(row["größe, cm"]) <= 12.3 for row in rows)
    column = opened.columns[NOTE].written()
    assert [row["note"] for row in rows] == [column[opened.row[i]] for i in both.tolist()]


def test_columns_colour_as_on_the_map(opened: Opened) -> None:
    """Ten categories have a colour, the others and those without one a grey."""
    many = np.repeat(np.arange(14), np.arange(14) + 1)
    names = np.array([f"c{k:02}" for k in many] + [""] * (len(opened.codes.ids) - len(many)))
    model = columned(opened, {"many": names})
    colours = filtering.colours(model, "column.many")
    assert colours.classes[:3] == ["c13", "c12", "c11"]
    assert (colours.classes[10:], colours.greys) == (["4 others", "missing"], 2)
    first = int(model.columns["column.many"].values.argmax())
    assert colours.values[first] == 0
    assert np.isnan(filtering.colours(opened, HEIGHT).values).any()
    found = filtering.colours(opened, NOTE, "nr. 1")
    assert found.classes[0] == "“nr. 1”"
    assert filtering.colours(opened, "rate").title == "rate (nats)"
    assert filtering.colours(opened, "label").classes == opened.class_names


def test_a_model_with_labels_alone_has_no_columns(digits_2d: Opened) -> None:
    """Nothing is new on its pages, and its bundle of codes is as it was."""
    assert (digits_2d.columns, digits_2d.columns_address) == ({}, None)
    assert digits_2d.facts.columns == {}
    assert digits_2d.facts.colours == ("label", "rate", "distortion")
    codes = awkward.with_columns(digits_2d.codes)
    assert bundles.codes_bundle(codes) == bundles.codes_bundle(digits_2d.codes)
