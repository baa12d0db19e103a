"""What ``pytest --otelier`` prints: a line for each test that calls models, and one for all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, TypeAlias

# A line, and what it looks like.
Line: TypeAlias = tuple[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Sums:
    """What one test, or all of them, have called."""

    calls: int = 0
    input: int | None = None
    output: int | None = None
    cost: float | None = None
    partial: int = 0
    """Calls that were cut off: their cost is of what came before."""
    unpriced: Mapping[str, int] = field(default_factory=dict)
    """How many calls of each model have no known price."""

    def plus(self, other: Sums) -> Sums:
        """Both together."""
        models = dict(self.unpriced)
        for model, calls in other.unpriced.items():
            models[model] = models.get(model, 0) + calls
        return Sums(
            self.calls + other.calls,
            _sum(self.input, other.input),
            _sum(self.output, other.output),
            _sum(self.cost, other.cost),
            self.partial + other.partial,
            models,
        )

    def data(self) -> dict[str, Any]:
        """As what travels between processes."""
        return asdict(self)

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Sums:
        """What :meth:`data` gave."""
        return cls(**data)

    @property
    def without(self) -> int:
        """How many calls have no known price."""
        return sum(self.unpriced.values())


def _sum(a: Any, b: Any) -> Any:
    return b if a is None else a if b is None else a + b


class Told:
    """What all tests told."""

    def __init__(self) -> None:
        self.tests: dict[str, Sums] = {}
        # Of calls that ended when their test's report was made.
        self.after = Sums()
        # Workers that have not told all.
        self.lost = 0

    def test(self, name: str, sums: Sums) -> None:
        """A test has told; one that runs again tells again."""
        self.tests[name] = self.tests.get(name, Sums()).plus(sums)

    @property
    def all(self) -> Sums:
        """All tests together."""
        whole = self.after
        for sums in self.tests.values():
            whole = whole.plus(sums)
        return whole

    def above(self, most: float | None) -> bool:
        """Whether the known cost is above a limit."""
        return most is not None and (self.all.cost or 0.0) > most

    def lines(self, most: float | None, *, each: bool) -> Iterator[Line]:
        """A line for each test, if that is asked for, the sums, and what is above the limit."""
        rows = [*self.tests.items()] if each else []
        if each and self.after.calls:
            rows.append(("(ended after their tests)", self.after))
        yield from _table([*rows, ("in all", self.all)])
        yield from self._verdict(most)

    def _verdict(self, most: float | None) -> Iterator[Line]:
        whole = self.all
        unknown = []
        if whole.unpriced:
            named = ", ".join(name or "(no model)" for name in sorted(whole.unpriced))
            unknown.append(f"{_calls(whole.without)} without a known price ({named})")
        if whole.partial:
            unknown.append(f"{_calls(whole.partial)} cut off, priced in part")
        if self.lost:
            unknown.append("a worker was lost, and what its last test called")
        for line in unknown:
            yield line, ("yellow",)
        if most is None:
            return
        limit = f"--otelier-max-cost {_money(most)}"
        if self.above(most):
            yield f"the known cost of {_money(whole.cost)} is above {limit}", ("red", "bold")
        elif unknown:
            yield f"whether the cost is within {limit} is not known", ("yellow", "bold")


def _table(rows: list[tuple[str, Sums]]) -> Iterator[Line]:
    cells = [("calls", "in", "out", "cost", "")]
    for name, sums in rows:
        cells.append(
            (f"{sums.calls:,}", _count(sums.input), _count(sums.output), _cost(sums), name)
        )
    widths = [max(len(row[column]) for row in cells) for column in range(4)]
    for row in cells:
        numbers = "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=False))
        yield f"{numbers}  {row[4]}".rstrip(), ("bold",) if row is cells[-1] else ()


def _cost(sums: Sums) -> str:
    """Never less than it was without a sign of it."""
    if not sums.calls:
        return _money(0.0)
    if sums.cost is None:
        return "unknown"
    return ("≥ " if sums.unpriced or sums.partial else "") + _money(sums.cost)


def _count(number: int | None) -> str:
    return "-" if number is None else f"{number:,}"


def _calls(number: int) -> str:
    return "1 call" if number == 1 else f"{number:,} calls"


def _money(amount: float | None) -> str:
    from otelier.viewer.text import dollars

    return dollars(amount) if amount else "$0.00"
