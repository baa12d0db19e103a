"""Costs as a person reads them."""

from __future__ import annotations

import pytest

from otelier.viewer.text import dollars


@pytest.mark.parametrize(
    ("amount", "told"),
    [
        (0, "free"),
        (0.00441, "$0.00441"),
        (0.1, "$0.10"),
        (1234.5, "$1,234.50"),
        # What a cache cost more than it saved.
        (-0.00123, "-$0.00123"),
        (-5, "-$5.00"),
        # Whatever a span says.
        (1e308, "$1e+308"),
        (5e-324, "$4.94e-324"),
        (-9.223372036854776e18, "-$9.22e+18"),
    ],
)
def test_a_cost(amount: float, told: str) -> None:
    assert dollars(amount) == told


def test_a_part_of_a_cost() -> None:
    assert dollars(0, True) == "≥ $0.00"
    assert dollars(0.25, True) == "≥ $0.25"
