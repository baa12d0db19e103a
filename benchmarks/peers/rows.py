"""What is measured beside others: operations, and the goal of each in multiples of the floor."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from benchmarks.scenarios import FRESH, GROWING, SMALL, Scenario

CHUNKS: Final = 500


@dataclass(frozen=True)
class Row:
    """One operation."""

    name: str
    scenario: Scenario
    # In multiples of the floor; 0: none.
    goal: float = 0
    # How often it is run to be counted.
    times: int = 10

    @property
    def whole(self) -> bool:
        """An operation; else a chunk of a stream."""
        return not self.scenario.chunks

    @property
    def scenarios(self) -> list[Scenario]:
        """What is measured: the operation; or a stream, and one as cold with fewer chunks."""
        if self.whole:
            return [self.scenario]
        return [self.scenario, replace(self.scenario, chunks=self.scenario.chunks // 5)]

    def of(self, values: Iterator[float]) -> float:
        """What was measured of these, as that of the operation, or of one chunk."""
        first = next(values)
        if self.whole:
            return first
        longer, shorter = self.scenarios
        return (first - next(values)) / (longer.chunks - shorter.chunks)


def _chunk(api: str, content: bool, goal: float) -> Row:
    name = f"a chunk of {api}, content {'on' if content else 'off'}"
    return Row(name, Scenario(api, chunks=CHUNKS, content=content, lite=True), goal, 1)


# The SDK's own work is least for messages, and with it what two counts of the same differ by.
_UNSAMPLED: Final = [replace(SMALL[number], sampling="unsampled") for number in (0, 2)]
ROWS: Final = (
    *(Row(f"{one.api}, small", one, 1.35) for one in SMALL),
    *(Row(f"{one.api}, large, every text new", one, 0.6, 1) for one in FRESH),
    *(Row(f"{one.api}, large, growing by two messages", one, 0.3, 1) for one in GROWING),
    *(Row(f"{one.api}, small, not sampled", one, 1.5) for one in _UNSAMPLED),
    *(
        _chunk(api, content, goal if content else 1.7)
        for content in (True, False)
        for api, goal in (("chat", 1.9), ("responses", 2.3), ("messages", 1.6))
    ),
)
