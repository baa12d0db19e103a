"""Intervals, against published tables and figures."""

from __future__ import annotations

import pytest

from otelier.questions.intervals import mean, share, student


@pytest.mark.parametrize(
    ("freedom", "t"),
    [
        (1, 12.706),
        (2, 4.303),
        (3, 3.182),
        (4, 2.776),
        (5, 2.571),
        (10, 2.228),
        (29, 2.045),
        (30, 2.042),
        (120, 1.980),
        (10**6, 1.960),
    ],
)
def test_students_t(freedom: int, t: float) -> None:
    assert student(freedom) == pytest.approx(t, abs=5e-4)


@pytest.mark.parametrize(
    ("of", "n", "low", "high"),
    [(0, 10, 0.0, 0.2775), (1, 10, 0.0179, 0.4042), (5, 10, 0.2366, 0.7634), (10, 10, 0.7225, 1.0)],
)
def test_wilson(of: int, n: int, low: float, high: float) -> None:
    found = share(of, n)
    assert found is not None and found.n == n
    assert (found.low, found.high) == pytest.approx((low, high), abs=1e-4)


def test_a_mean() -> None:
    # 1, 2, 3, 4, 5: their squared distances from 3 are 10.
    found = mean(5, 3.0, 10.0)
    assert found is not None and found.value == 3.0
    assert (found.low, found.high) == pytest.approx((1.0368, 4.9632), abs=1e-4)


def test_one_observation_has_no_interval() -> None:
    found = mean(1, 3.0, 0.0)
    assert found is not None and (found.value, found.low, found.high) == (3.0, None, None)


def test_nothing_has_no_value() -> None:
    assert share(0, 0) is None and mean(0, None, None) is None


def test_a_mean_of_what_cannot_be_negative_is_likely_to_be_none_of_that() -> None:
    found = mean(2, 1.0, 50.0, 0.0)
    assert found is not None and found.low == 0.0
    scored = mean(2, 1.0, 50.0)
    assert scored is not None and scored.low is not None and scored.low < 0
    assert found.high == scored.high
