"""Two sets of calls beside each other: what the question ``compare`` found, with bars."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from otelier.questions.about.comparing import COMPARE
from otelier.questions.cells import cell
from otelier.web.shown.measures import Measure, measure

# The units in which a bar is drawn, and the room at its ends for the mark.
WIDTH: Final = 200
_EDGE: Final = 5
# How many times a value its interval may go beyond it and still be drawn.
_FAR: Final = 3
_COLUMNS: Final = {column.name: column for column in COMPARE.columns}


@dataclass(frozen=True, slots=True)
class Bar:
    """A side of a measure: its number, and where it and its interval are, from 0 to ``WIDTH``."""

    value: str
    interval: str
    """From what to what it is likely to be; empty where nobody knows."""
    calls: int
    """Of how many calls or scores it is told."""
    at: float | None
    low: float | None
    high: float | None
    further: bool
    """Whether the interval ends beyond the bar."""


@dataclass(frozen=True, slots=True)
class Line:
    """A measure of both."""

    a: Bar
    b: Bar
    measure: Measure
    apart: bool
    """Whether both intervals are known and have nothing in common."""
    zero: float | None
    """Where zero is, if it is not where the bars begin."""


def lines(rows: Sequence[Any]) -> list[Line]:
    """The measures of which something is known; ``rows`` are those of the question."""
    return [_line(row) for row in rows if row.a is not None or row.b is not None]


def _line(row: Any) -> Line:
    scale = _scale(row)
    partial = (row.a_unpriced > 0, row.b_unpriced > 0)
    # What is compared by units that are not told is compared as numbers.
    unit = row.unit if row.unit in ("USD", "s", "share") else ""
    return Line(
        _bar(row, "a", scale),
        _bar(row, "b", scale),
        measure(row.measure, unit, row.a, row.b, partial=partial),
        _apart(row),
        _place(0.0, scale) if scale[0] < 0 else None,
    )


def _scale(row: Any) -> tuple[float, float]:
    """From what to what the bars are drawn: from zero, for lengths are compared by eye."""
    known = [each for name in _ENDS if (each := getattr(row, name)) is not None]
    values = [abs(each) for each in (row.a, row.b) if each is not None]
    # Of two calls the interval says little, and goes far.
    far = _FAR * max(values, default=0.0) or math.inf
    return max(min([0.0, *known]), -far), min(max([0.0, *known]), far)


_ENDS: Final = ("a", "a_low", "a_high", "b", "b_low", "b_high")


def _bar(row: Any, side: str, scale: tuple[float, float]) -> Bar:
    low, high = getattr(row, f"{side}_low"), getattr(row, f"{side}_high")
    told = [cell(_COLUMNS[f"{side}{end}"], row) for end in ("", "_low", "_high")]
    return Bar(
        told[0],
        "" if low is None else f"{told[1]} to {told[2]}",
        getattr(row, f"{side}_n"),
        _place(getattr(row, side), scale),
        _place(low, scale),
        _place(high, scale),
        low is not None and (low < scale[0] or high > scale[1]),
    )


def _place(value: float | None, scale: tuple[float, float]) -> float | None:
    least, most = scale
    if value is None or most <= least:
        return None
    share = (min(max(value, least), most) - least) / (most - least)
    return round(_EDGE + share * (WIDTH - 2 * _EDGE), 2)


def _apart(row: Any) -> bool:
    ends = (row.a_low, row.a_high, row.b_low, row.b_high)
    if any(end is None for end in ends):
        return False
    return bool(row.a_high < row.b_low or row.b_high < row.a_low)
