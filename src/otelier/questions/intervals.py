"""95 % intervals: of a share by Wilson, of a mean by Student's t."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from statistics import NormalDist
from typing import Final

_CONFIDENCE: Final = 0.95
_Z: Final = NormalDist().inv_cdf(0.5 + _CONFIDENCE / 2)
# Beyond that Student's distribution is the normal one to five digits.
_MANY: Final = 10_000


@dataclass(frozen=True, slots=True)
class Interval:
    """A value of ``n`` observations, and between what it is likely to be."""

    n: int
    value: float
    # None where one observation does not tell.
    low: float | None
    high: float | None


def share(of: int, n: int) -> Interval | None:
    """The share ``of / n``; None of nothing."""
    if n <= 0:
        return None
    rate, square = of / n, _Z * _Z
    middle = (rate + square / (2 * n)) / (1 + square / n)
    half = _Z / (1 + square / n) * math.sqrt(rate * (1 - rate) / n + square / (4 * n * n))
    return Interval(n, rate, max(0.0, middle - half), min(1.0, middle + half))


def mean(
    n: int, mean: float | None, squares: float | None, least: float = -math.inf
) -> Interval | None:
    """A mean; ``squares`` is the sum of the squared distances from it. None of nothing.

    ``least``: what no observation can be below, nor their mean.
    """
    if n <= 0 or mean is None:
        return None
    if n == 1 or squares is None:
        return Interval(n, mean, None, None)
    half = student(n - 1) * math.sqrt(squares / (n - 1) / n)
    return Interval(n, mean, max(least, mean - half), mean + half)


@cache
def student(freedom: int) -> float:
    """Within what Student's t is 95 times of 100, at so many degrees of freedom."""
    if freedom >= _MANY:
        return _Z
    low, high = 0.0, 13.0
    # With one degree of freedom it is 12.706.
    for _ in range(60):
        middle = (low + high) / 2
        if _within(middle, freedom) < _CONFIDENCE:
            low = middle
        else:
            high = middle
    return high


def _within(t: float, freedom: int) -> float:
    """How often it is between ``-t`` and ``t`` (Abramowitz and Stegun, 26.7.3 and 26.7.4)."""
    angle = math.atan(t / math.sqrt(freedom))
    square = math.cos(angle) ** 2
    odd = freedom % 2
    # 1 + 1/2 cos² + 1·3/(2·4) cos⁴ … for even ones, cos + 2/3 cos³ + … for odd ones.
    term = math.cos(angle) if odd else 1.0
    total = term if freedom > 1 else 0.0
    for k in range(3 if odd else 2, freedom, 2):
        term *= square * (k - 1) / k
        total += term
    if odd:
        return 2 / math.pi * (angle + math.sin(angle) * total)
    return math.sin(angle) * total
