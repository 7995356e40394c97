"""Which examples of a model a filter keeps, and how columns colour them."""

import numpy as np
from numpy.typing import NDArray

from app.conditions import Condition, Filter
from app.figures.charts import CLASS_COLOURS, Colours
from app.resources.opened_model import Ids, Opened
from vae_core.columns import MISSING, Column

Mask = NDArray[np.bool_]
#: Categories that have a colour; the others share a grey.
COLOURED = len(CLASS_COLOURS)


def mask(opened: Opened, conditions: Filter) -> Mask:
    """Return whether each example fulfils all conditions, (n,); browser/map/filter.js does too.

    The conditions fit the model (`address.fit`). A missing number is in no range, and a missing
    text contains nothing.
    """
    kept = np.ones(len(opened.codes.ids), dtype=bool)
    for condition in conditions:
        kept &= _holds(opened.columns[condition.column], condition)
    return kept


def ids(opened: Opened, conditions: Filter) -> Ids:
    """Return the ids of the examples that fulfil all conditions."""
    found: Ids = opened.codes.ids.numpy()[mask(opened, conditions)]
    return found


def containing(column: Column, text: str) -> Mask:
    """Return whether each text of a column contains another, whatever the case, (n,)."""
    wanted = text.lower()
    return np.array([wanted in value.lower() for value in column.values], dtype=bool)


def colours(opened: Opened, name: str, search: str = "") -> Colours:
    """Return how a column, or label, rate or distortion, colours the examples, without the map.

    Of more categories than there are colours the most frequent have one, as on the map.
    """
    codes = opened.codes
    if name == "label":
        assert codes.labels is not None, "a state fitted to the model colours by what there is"
        return Colours("Label", codes.labels.numpy(), opened.class_names)
    if name not in opened.columns or name in ("rate", "distortion"):
        return Colours(f"{name} (nats)", getattr(codes, name).numpy())
    column = opened.columns[name]
    if column.kind == "number":
        return Colours(column.name, column.values)
    if column.kind == "text":
        found = containing(column, search) if search else np.zeros(len(column.values), dtype=bool)
        return Colours(column.name, (~found).astype(np.int64), (f"“{search}”", "others"), greys=1)
    return _of_categories(column)


def _of_categories(column: Column) -> Colours:
    counts = np.bincount(column.values[column.values >= 0], minlength=len(column.categories))
    order = np.arange(len(counts))
    if len(counts) > COLOURED:
        order = np.argsort(-counts, kind="stable")
    shown = [column.categories[k] for k in order[:COLOURED]]
    places = np.full(len(counts) + 1, len(shown))  # the last is that of a missing one
    places[order[:COLOURED]] = np.arange(len(shown))
    others = len(counts) - len(shown)
    greys = [f"{others} others"] if others else []
    if (column.values < 0).any():
        places[-1] = len(shown) + len(greys)
        greys.append("missing")
    return Colours(column.name, places[column.values], [*shown, *greys], greys=len(greys))


def _holds(column: Column, condition: Condition) -> Mask:
    if condition.test == "range":
        low, high = condition.arguments
        kept: Mask = ~np.isnan(column.values)
        if low is not None:
            kept &= column.values >= low
        if high is not None:
            kept &= column.values <= high
        return kept
    if condition.test == "has":
        return containing(column, str(condition.arguments[0]))
    places = {name: place for place, name in enumerate(column.categories)} | {"": MISSING}
    named: Mask = np.isin(column.values, [places[str(name)] for name in condition.arguments])
    return named if condition.test == "only" else ~named
