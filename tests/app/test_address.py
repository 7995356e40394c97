"""A state and its address: what a URL may say, what it restores, and what is refused by name."""

import dataclasses
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app import address
from app.address import Facts, Selection, State
from app.conditions import Condition, Filterable

PLANE = Facts(latent_dim=2, projections=("axes",), has_id=lambda i: i < 100)
TWENTY = Facts(latent_dim=20, projections=("axes", "pca", "tsne"), has_id=lambda i: i < 100)

coordinates = st.floats(-50, 50, allow_nan=False).map(lambda value: float(f"{value:.4g}"))
points = st.tuples(coordinates, coordinates)
axes = st.lists(st.integers(0, 511), min_size=2, max_size=2, unique=True).map(tuple)
planes = st.one_of(
    st.sampled_from(["pca", "tsne"]), axes.map(lambda pair: address.plane_name("axes", pair))
)
selections = st.builds(
    Selection, planes, st.lists(points, min_size=3, max_size=address.MAX_VERTICES).map(tuple)
)
texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=100)
bounds = st.tuples(coordinates, coordinates).map(sorted).map(tuple)
conditions = st.one_of(
    st.builds(
        Condition,
        st.sampled_from(["rate", "column.height", "column.größe-cm"]),
        st.just("range"),
        bounds
        | bounds.map(lambda pair: (None, pair[1]))
        | bounds.map(lambda pair: (pair[0], None)),
    ),
    st.builds(
        Condition,
        st.sampled_from(["label", "column.species", "column.犬"]),
        st.sampled_from(["only", "not"]),
        st.lists(texts | st.just(""), max_size=5, unique=True).map(tuple),
    ),
    st.builds(Condition, st.just("column.note"), st.just("has"), st.tuples(texts)),
)
states = st.builds(
    State,
    model=st.from_regex(r"\A[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z"),
    z=st.none() | st.lists(coordinates, min_size=1, max_size=200).map(tuple),
    pinned_id=st.none() | st.integers(0, 10**12),
    y=st.none() | st.integers(0, address.MAX_CLASSES - 1),
    projection=st.none() | st.sampled_from(address.PROJECTIONS),
    axes=st.none() | axes,
    colour=st.sampled_from([*address.COLOURS, "column.größe-cm", "column.a_b-2"]),
    search=st.just("") | texts,
    filter=st.lists(conditions, max_size=4, unique_by=lambda one: one.column).map(
        lambda listed: tuple(listed) or None
    ),
    selection=st.none() | selections,
    camera=st.none()
    | st.tuples(coordinates, coordinates, st.floats(0.01, 1000).map(lambda v: 1.0)),
    backdrop=st.sampled_from([0.0, 0.02, 0.5, 1.0]),
    grid=st.integers(*address.GRID_SIDES),
    seed=st.integers(0, 2**31 - 1),
    study=st.none() | st.sampled_from(["graphs", "rate-distortion"]),
    figure=st.none() | st.just(("mnist", "cells", "nll_iw5000")),
    other=st.none() | st.from_regex(r"\A[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z"),
    linked=st.sampled_from(address.LINKS),
    other_selection=st.none() | selections,
    section=st.sampled_from(address.SECTIONS),
    lesson=st.none() | st.just("what-a-latent-space-is"),
    step=st.integers(1, address.MAX_STEPS),
    sheet=st.none() | st.just("what-a-latent-space-is"),
    follow=st.none() | st.from_regex(r"\A[A-Z]{5}\Z"),
    present=st.booleans(),
)


@given(states)
def test_a_link_restores_the_state(shown: State) -> None:
    """Whatever a page can show, its link opens again, without a notice."""
    assert address.parse(address.to_parameters(shown)) == (shown, [])


@given(st.dictionaries(st.sampled_from([f.parameter for f in address.FIELDS.values()]), st.text()))
def test_any_text_in_a_url_is_survived(parameters: dict[str, str]) -> None:
    """Arbitrary values never raise; each is either taken or named in a notice."""
    read, notices = address.parse(parameters)
    written = address.to_parameters(read)
    refused = {notice.split(" = ")[0] for notice in notices}
    assert len(notices) == len(refused) <= len(parameters)
    assert refused <= parameters.keys()
    assert address.parse(written) == (address.parse(written)[0], [])


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        ("model", "../etc/passwd"),
        ("behind", "1.5"),
        ("model", ""),
        ("z", "1,nan"),
        ("z", "1,inf"),
        ("z", "1,,2"),
        ("z", "51,0"),
        ("z", ",".join(["0"] * 513)),
        ("id", "-1"),
        ("id", "1.5"),
        ("id", "٣"),
        ("y", "-1"),
        ("y", "one"),
        ("y", "4096"),
        ("map", "umap"),
        ("axes", "1,1"),
        ("axes", "0"),
        ("axes", "0,1,2"),
        ("axes", "0,1"),
        ("colour", "red"),
        ("colour", "column."),
        ("colour", "column.a b"),
        ("colour", "column." + "x" * 49),
        ("search", ""),
        ("search", "x" * 401),
        ("filter", ""),
        ("filter", "column.height"),
        ("filter", "height:range:1,2"),
        ("filter", "column.height:range:2,1"),
        ("filter", "column.height:range:1"),
        ("filter", "column.height:range:1,nan"),
        ("filter", "column.height:above:1"),
        ("filter", "column.note:has:"),
        ("filter", "column.kind:only:%FF"),
        ("filter", "column.kind:only:a,a"),
        ("filter", "column.kind:not:" + ",".join(map(str, range(65)))),
        ("filter", ";".join(["rate:range:1,2"] * 2)),
        ("study", "../priors"),
        ("figure", "mnist,cells"),
        ("figure", "mnist,cells,../x"),
        ("with", "../etc/passwd"),
        ("linked", "row"),
        ("select-with", "pca:0,0;1,1"),
        ("select", "pca:0,0;1,1"),
        ("select", "umap:0,0;1,1;2,0"),
        ("select", "axes-3:0,0;1,1;2,0"),
        ("select", "pca:" + ";".join(["0,0"] * 49)),
        ("camera", "0,0,0"),
        ("camera", "0,0,-1"),
        ("n", "4"),
        ("n", "31"),
        ("seed", "2147483648"),
    ],
)
def test_a_bad_value_is_ignored_and_named(parameter: str, value: str) -> None:
    """The default stays, and one notice says which parameter, which value and what is allowed."""
    read, notices = address.parse({parameter: value})
    assert read == State()
    (notice,) = notices
    assert notice.startswith(f"{parameter} = ")
    assert value[:30] in notice
    assert "Allowed: " in notice


def test_a_long_value_is_shortened_in_its_notice() -> None:
    """A kilobyte of rubbish does not fill the page."""
    (notice,) = address.parse({"z": "x" * 1000})[1]
    assert len(notice) < 160


def test_good_values_survive_beside_bad_ones() -> None:
    """One bad value costs nothing but itself."""
    read, notices = address.parse({"model": "mnist-20d", "n": "999", "z": "0.5,-1"})
    assert (read.model, read.grid, read.z) == ("mnist-20d", 20, (0.5, -1.0))
    assert len(notices) == 1


def test_foreign_parameters_are_left_alone() -> None:
    """A mail client's tracking parameter is no mistake of the reader's."""
    assert address.parse({"utm_source": "mail"}) == (State(), [])


def test_defaults_stay_out_of_the_url_but_the_model_is_always_there() -> None:
    """Short links; and an empty address says nothing, which page switches rely on."""
    assert address.to_parameters(State()) == {"model": "mnist-2d"}
    assert address.to_parameters(State(grid=12)) == {"model": "mnist-2d", "n": "12"}


@pytest.mark.parametrize(
    ("asked", "facts", "named"),
    [
        (State(z=(0.0, 1.0, 2.0)), PLANE, "z = '0,1,2'"),
        (State(pinned_id=100), PLANE, "id = '100'"),
        (State(projection="tsne"), PLANE, "map = 'tsne'"),
        (State(projection="3d"), TWENTY, "map = '3d'"),
        (State(axes=(0, 2)), PLANE, "axes = '1,3'"),
        (State(selection=Selection("tsne", ((0, 0), (1, 0), (1, 1)))), PLANE, "select = 'tsne:"),
        (
            State(selection=Selection("axes-1-21", ((0, 0), (1, 0), (1, 1)))),
            TWENTY,
            "select = 'axes-1-21:",
        ),
    ],
)
def test_what_a_model_does_not_have_is_dropped_and_named(
    asked: State, facts: Facts, named: str
) -> None:
    """A link made for another model opens; what does not fit is said."""
    fitted, (notice,) = address.fit(asked, facts)
    assert fitted == State()
    assert notice.startswith(named)
    assert "with this model" in notice or "test set" in notice


def test_what_a_model_has_is_kept() -> None:
    """The same values fit where the model has them."""
    asked = State(
        z=(0.5,) * 20,
        pinned_id=99,
        projection="tsne",
        axes=(19, 3),
        selection=Selection("axes-20-4", ((0, 0), (1, 0), (1, 1))),
    )
    assert address.fit(asked, TWENTY) == (asked, [])


COLUMNS = {
    "rate": Filterable("number"),
    "column.species": Filterable("category", ("cat", "dog, wet")),
    "column.note": Filterable("text"),
}


def test_a_filter_keeps_the_conditions_that_fit() -> None:
    """Each of the others is named; a model with labels alone takes no filter at all."""
    facts = dataclasses.replace(PLANE, columns=COLUMNS)
    text = (
        "rate:range:,2.5;column.species:not:dog%2C wet,%;column.note:only:x;column.gone:has:x"
        ";column.species-2:only:cat"
    )
    asked, notices = address.parse({"filter": text, "colour": "column.species"})
    assert notices == []
    fitted, notices = address.fit(asked, facts)
    assert fitted.filter == (
        Condition("rate", "range", (None, 2.5)),
        Condition("column.species", "not", ("dog, wet", "")),
    )
    assert fitted.colour == "column.species"
    assert [notice.split(" in the address")[0] for notice in notices] == [
        "filter = 'column.note:only:x'",
        "filter = 'column.gone:has:x'",
        "filter = 'column.species-2:only:cat'",
    ]
    assert "Allowed: has for this column." in notices[0]
    unknown = State(filter=(Condition("column.species", "only", ("bird",)),), search="rain")
    fitted, (notice,) = address.fit(unknown, facts)
    assert (fitted.filter, fitted.search) == (None, "rain")
    assert "categories of this column" in notice
    fitted, notices = address.fit(asked, PLANE)
    assert fitted == State()
    assert len(notices) == 6  # one for the colour, and one for each condition
    assert address.fit(State(search="rain"), PLANE)[0] == State()


def test_a_label_is_kept_by_a_model_that_is_given_one() -> None:
    """Its number is checked against the model's labels; a model that takes none says so."""
    conditional = dataclasses.replace(PLANE, classes=3)
    assert address.fit(State(y=2), conditional) == (State(y=2), [])
    for facts, allowed in ((conditional, "from 0 to 2"), (PLANE, "takes none")):
        fitted, (notice,) = address.fit(State(y=3), facts)
        assert fitted == State()
        assert notice.startswith("y = '3'")
        assert allowed in notice


def test_a_selection_on_a_line_is_one_in_its_plane() -> None:
    """A model of one dimension is shown with a row for each class, where outlines are drawn."""
    line = dataclasses.replace(PLANE, latent_dim=1)
    outline = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0))
    drawn = State(selection=Selection("axes-1-2", outline))
    assert address.fit(drawn, line) == (drawn, [])
    assert address.fit(State(selection=Selection("axes-1-3", outline)), line)[1]


def test_unlabelled_data_is_coloured_by_rate_without_a_word() -> None:
    """Colouring by label is only the default, so that no notice is given."""
    faces = Facts(latent_dim=2, projections=("axes",), has_id=lambda i: True, has_labels=False)
    assert address.fit(State(), faces) == (State(colour="rate"), [])


def test_a_lasso_is_thinned_without_changing_its_shape() -> None:
    """300 vertices on a circle become at most 48 that enclose nearly the same area."""
    circle = [(math.cos(t / 300 * math.tau), math.sin(t / 300 * math.tau)) for t in range(300)]
    thinned = address.simplify(circle)
    area = 0.5 * sum(
        x0 * y1 - x1 * y0
        for (x0, y0), (x1, y1) in zip(thinned, thinned[1:] + thinned[:1], strict=True)
    )
    assert len(thinned) == address.MAX_VERTICES
    assert area == pytest.approx(math.pi, rel=0.01)


@given(st.lists(points, min_size=3, max_size=120))
def test_a_thinned_lasso_is_what_its_link_says(polygon: list[tuple[float, float]]) -> None:
    """Membership is computed from the very numbers that the URL carries."""
    selection = Selection("pca", address.simplify(polygon))
    restored, notices = address.parse(address.to_parameters(State(selection=selection)))
    assert (restored.selection, notices) == (selection, [])
