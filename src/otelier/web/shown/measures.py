"""Numbers of two sides beside each other: their difference and ratio, where both are known."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from otelier.questions.cells import UNKNOWN
from otelier.viewer import text as txt

Number: TypeAlias = float | int | None
# Units of which less is better. Nobody knows that of tokens: less may be too little.
_LESS: Final = frozenset({"USD", "s", "errors"})


@dataclass(frozen=True, slots=True)
class Measure:
    """A line of the table. What is not known of one side makes nothing known of both."""

    name: str
    a: str
    b: str
    difference: str = ""
    ratio: str = ""
    better: bool | None = None
    """Whether the other is better than the one; None where it is the same, or nobody can say."""


def measure(
    name: str, unit: str, a: Number, b: Number, *, partial: tuple[bool, bool] = (False, False)
) -> Measure:
    """One of them. ``unit``: USD, s, tokens, errors or '' of a count. ``partial``: of a, of b."""
    one, other = told(unit, a, partial[0]), told(unit, b, partial[1])
    if a is None or b is None or any(partial):
        return Measure(name, one, other)
    return Measure(
        name,
        one,
        other,
        difference(unit, b - a),
        ratio(a, b),
        None if a == b or unit not in _LESS else b < a,
    )


def told(unit: str, value: Number, partial: bool = False) -> str:
    """A number as a person reads it."""
    if value is None:
        return UNKNOWN
    if unit == "USD":
        return txt.dollars(value, partial)
    sign = "≥ " if partial else ""
    return sign + _UNITS.get(unit, _count)(value)


def difference(unit: str, value: float | int) -> str:
    """What one is more than the other."""
    if value == 0:
        return "="
    sign = "+" if value > 0 else "−"
    if unit == "share":
        return f"{sign}{abs(value) * 100:.1f} points"
    return sign + told(unit, abs(value))


def ratio(a: float | int, b: float | int) -> str:
    """How many times the one the other is; nothing where one of them is nothing."""
    if a <= 0 or b <= 0 or a == b:
        return ""
    times = b / a
    return f"× {times:,.0f}" if times >= 100 else f"× {times:.3g}"


def _count(value: float | int) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:,.4g}"


def _share(value: float | int) -> str:
    return f"{value:.1%}"


_UNITS: Final[Mapping[str, Callable[[float | int], str]]] = {"s": txt.duration, "share": _share}
