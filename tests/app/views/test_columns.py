"""Pages of a model whose data has columns beside labels."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import awkward
import pytest
import small
import torch
from streamlit.testing.v1 import AppTest

from vae_core import model_folder

Open = Callable[..., AppTest]


@pytest.fixture
def own(no_data: Path) -> Path:
    """Write a model folder with columns among the trained models."""
    saved = model_folder.open_folder("digits-2d")
    codes = awkward.with_columns(saved.codes)
    card = saved.card.model_copy(update={"name": "own"})
    folder = no_data.parent / "runs" / "own"
    model_folder.save(folder, card=card, model=saved.model, codes=codes, history=[])
    return folder


def test_any_column_colours_and_filters(own: Path, open_page: Open) -> None:
    """The address chooses both, and the page counts and lists what they say."""
    column = "column.größe-cm"
    page = open_page(model=own.name, colour=column, filter=f"{column}:range:,-10")
    assert not page.exception
    assert not page.warning
    (colour,) = [box for box in page.selectbox if box.label == "Colour"]
    assert colour.options[:5] == ["Label", "Rate", "Distortion", "Art (species)", "größe, cm"]
    assert colour.value == column
    place = sorted(model_folder.load_codes(own).ids.tolist())
    kept = [p for p in range(len(place)) if p % 9 != 4 and round(0.1 * p - 20, 2) <= -10]
    assert any(f"**{len(kept)}** of {len(place)} shown" in one.value for one in page.markdown)
    colour.select("column.note").run()
    assert "column.note" in page.query_params["colour"]


def test_the_pinned_example_has_its_columns(own: Path, open_page: Open) -> None:
    """As they are in the data, whatever characters they hold; those of the filter are first."""
    saved = model_folder.open_folder(own)
    example = sorted(saved.codes.ids.tolist())[3]
    page = open_page(model=own.name, id=str(example), colour="column.plot")
    (listed,) = [one.value for one in page.get("html") if 'class="columns"' in one.value]
    assert listed.startswith('<dl class="columns"><dt>plot</dt><dd>plot 0003</dd>')
    assert "<dt>Art (species)</dt><dd>a &quot;b&quot;</dd>" in listed
    assert "<dd>100000000000000003</dd>" in listed


def test_what_a_model_lacks_is_said(own: Path, open_page: Open) -> None:
    """An unknown column gives the usual notice, and the rest of the filter stays."""
    page = open_page(
        model=own.name, colour="column.gone", filter="column.gone:has:x;column.alive:only:true"
    )
    assert not page.exception
    (warning,) = page.warning
    assert "colour = 'column.gone' in the address was ignored." in warning.value
    assert "filter = 'column.gone:has:x' in the address was ignored." in warning.value
    assert "column.alive:only:true" in page.query_params["filter"]


def test_a_bundled_model_looks_as_before(open_page: Open) -> None:
    """Labels alone: no list of columns, no filter, and a link with one says why it has none."""
    page = open_page(filter="rate:range:1,2")
    assert not [box for box in page.selectbox if box.label == "Colour"]
    (warning,) = page.warning
    assert "labels alone" in warning.value
    assert "filter" not in page.query_params


def test_the_cloud_of_three_dimensions_has_columns(no_data: Path, open_page: Open) -> None:
    """Coloured and filtered like the map, with a way to reset the filter."""
    model = small.model(image_shape=(1, 8, 8))
    draw = torch.Generator().manual_seed(0)
    n = 90
    codes = model_folder.Codes(
        torch.arange(n), torch.randn(n, 3, generator=draw), torch.zeros(n, 3),
        torch.rand(n, generator=draw), torch.rand(n, generator=draw),
    )  # fmt: skip
    card = model_folder.ModelCard.of(
        name="three", dataset="own", model=small.model_config(image_shape=(1, 8, 8)),
        training=small.train_config(),
    )  # fmt: skip
    folder = no_data.parent / "runs" / "three"
    codes = awkward.with_columns(codes)
    model_folder.save(folder, card=card, model=model, codes=codes, history=[])
    for colour in ("column.stars", "column.größe-cm", "column.note", "rate"):
        page = open_page(model="three", map="3d", colour=colour, filter="column.alive:only:true")
        assert not page.exception, colour
        assert any("30 of 90 shown" in one.value for one in page.caption)
    page.button(
        key=next(one.key for one in page.button if one.label == "Reset filter")
    ).click().run()
    assert "filter" not in page.query_params
