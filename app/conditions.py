"""Conditions that filter the examples by their columns, and their part of the URL.

A filter is several conditions that all hold. In the URL they stand as
``column.height:range:1.2,3;column.species:only:cat,dog;column.note:has:rain``: the column, the
test, and its arguments, in which all but plain letters is escaped. Independent of Streamlit.
"""

import math
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote

#: Columns that every model has, by the names of their colouring, and the prefix of the others.
OWN = ("label", "rate", "distortion")
PREFIX = "column."
#: Tests by the kind of column that they are for.
TESTS = {"number": ("range",), "category": ("only", "not"), "text": ("has",)}
#: Most conditions of a filter, named categories of one, and characters of a text.
MAX_CONDITIONS, MAX_NAMED, MAX_TEXT = 16, 64, 100

#: Stands in the URL for a missing category, and for no name, since names escape it.
_MISSING = "%"
_NAME = re.compile(rf"{re.escape(PREFIX)}[\w-]{{1,48}}")


@dataclass(frozen=True)
class Condition:
    """A condition on a column.

    Attributes
    ----------
    column
        One of `OWN`, or `PREFIX` and the column's key.
    test
        "range", "only", "not" or "has".
    arguments
        Smallest and largest number, None for no bound; names of categories, "" for the missing
        one; or a text that is looked for, whatever its case.
    """

    column: str
    test: str
    arguments: tuple[float | None, ...] | tuple[str, ...]


Filter = tuple[Condition, ...]


@dataclass(frozen=True)
class Filterable:
    """A column as conditions need it: its kind, and the names of its categories."""

    kind: str
    categories: Collection[str] = ()


def read_column(text: str) -> str:
    """Return the name of a column beside `OWN`; raise ValueError if it cannot be one."""
    if not _NAME.fullmatch(text):
        raise ValueError(text)
    return text


def read_search(text: str) -> str:
    """Return a text that is looked for; raise ValueError if it is empty or too long."""
    if not 0 < len(text.encode()) <= 4 * MAX_TEXT:
        raise ValueError(text)
    return text


def read(text: str) -> Filter:
    """Read the conditions of a URL, or raise ValueError."""
    found = [_read_condition(part) for part in text.split(";")]
    if len(found) > MAX_CONDITIONS or len({one.column for one in found}) != len(found):
        raise ValueError(text)
    return tuple(found)


def _read_condition(text: str) -> Condition:
    column, test, listed = text.split(":")
    column = column if column in OWN else read_column(column)
    parts = listed.split(",") if listed else []
    if test == "range":
        return checked(Condition(column, test, tuple(map(_read_bound, parts or [""]))))
    names = ("" if part == _MISSING else unquote(part, errors="strict") for part in parts)
    return checked(Condition(column, test, tuple(names)))


def _read_bound(text: str) -> float | None:
    return float(text) if text else None


def checked(condition: Condition) -> Condition:
    """Return a condition, or raise ValueError if its arguments do not suit its test."""
    arguments = condition.arguments
    if condition.test == "range":
        if len(arguments) != 2 or not all(one is None or _is_finite(one) for one in arguments):
            raise ValueError(arguments)
        low, high = arguments
        if isinstance(low, float) and isinstance(high, float) and low > high:
            raise ValueError(arguments)
    elif condition.test in TESTS["category"]:
        known = all(isinstance(one, str) and one.encode() is not None for one in arguments)
        if not known or len(arguments) > MAX_NAMED or len(set(arguments)) != len(arguments):
            raise ValueError(arguments)
    elif condition.test == "has":
        (text,) = arguments
        if not isinstance(text, str):
            raise ValueError(arguments)
        read_search(text)
    else:
        raise ValueError(condition.test)
    return condition


def _is_finite(value: Any) -> bool:
    return isinstance(value, float) and math.isfinite(value)


def write(conditions: Filter) -> str:
    """Write conditions for a URL."""
    return ";".join(map(_write_condition, conditions))


def _write_condition(condition: Condition) -> str:
    if condition.test == "range":
        parts = ["" if bound is None else str(bound) for bound in condition.arguments]
    else:
        parts = [quote(str(name), safe=" ") or _MISSING for name in condition.arguments]
    return f"{condition.column}:{condition.test}:{','.join(parts)}"


def fitting(
    conditions: Filter, columns: Mapping[str, Filterable]
) -> tuple[Filter, list[Condition]]:
    """Return the conditions that hold for a model's columns to test, and the others."""
    good: list[Condition] = []
    bad: list[Condition] = []
    for one in conditions:
        column = columns.get(one.column)
        fits = column is not None and one.test in TESTS[column.kind]
        if fits and column is not None and column.kind == "category":
            fits = all(name == "" or name in column.categories for name in one.arguments)
        (good if fits else bad).append(one)
    return tuple(good), bad
