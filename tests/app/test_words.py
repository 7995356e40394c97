"""Metrics, numbers and durations as pages write them."""

from __future__ import annotations

import pytest

from app import words


@pytest.mark.parametrize(
    ("value", "se", "written"),
    [
        (-93.2427, 0.2405, "−93.24 ± 0.24"),
        (129.15, 1.406, "129.2 ± 1.4"),
        (2.0, None, "2"),
        (0.8805, 0.00324, "0.8805 ± 0.0032"),
        (12345.6, 250.0, "12,346 ± 250"),
        (133.12, None, "133.12"),
    ],
)
def test_a_value_is_written_to_the_second_digit_of_its_error(
    value: float, se: float | None, written: str
) -> None:
    """More digits would say more than was measured."""
    assert words.with_error(value, se) == written


def test_a_metric_says_what_it_is_and_which_way_is_better() -> None:
    """With its number of samples; an unknown one keeps its name."""
    assert words.title("nll_iw5000") == "−log p(x), 5,000-sample bound"
    assert words.axis("knn_accuracy_tsne", "share") == "share, higher is better"
    assert words.title("something_new") == "Something new"


def test_an_elbo_is_shown_negated_everywhere() -> None:
    """One sign for a bound: −ELBO, lower is better; differences change sign too."""
    assert words.title("elbo") == "−ELBO"
    assert words.axis("elbo", "nats") == "nats, lower is better"
    assert words.quantity("elbo", -93.24, 0.24, "nats") == "93.24 ± 0.24 nats"
    assert words.quantity("elbo", 2.0, 0.5, "nats", difference=True) == "−2.00 ± 0.50 nats"


def test_shares_are_percentages() -> None:
    """And their differences percentage points."""
    assert words.quantity("knn_accuracy", 0.8805, 0.00324, "share") == "88.05 ± 0.32 %"
    points = words.quantity("knn_accuracy", 0.0861, None, "share", difference=True)
    assert points == "8.61 percentage points"


@pytest.mark.parametrize(
    ("seconds", "written"),
    [(0.2, "1 s"), (59, "59 s"), (200, "3 min"), (5400, "1 h 30 min"), (7200, "2 h")],
)
def test_durations_have_two_units_at_most(seconds: float, written: str) -> None:
    """Seconds, minutes, or hours and minutes."""
    assert words.duration(seconds) == written
