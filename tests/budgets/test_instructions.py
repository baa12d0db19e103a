"""What a call adds to the bare SDK, in instructions: multiples of the hand-written floor.

Exact where valgrind is installed (x86-64); elsewhere skipped, and the counts of function calls
hold what they can. The goals are those of ``benchmarks/peers/rows.py``.
"""

from __future__ import annotations

import pytest

from benchmarks import instructions
from benchmarks.peers.rows import ROWS, Row

# A large call is counted of the SDK that does least beside it.
COUNTED = [row for row in ROWS if not row.scenario.large or row.scenario.api == "messages"]
VARIANTS = ("bare", "floor", "otelier")
# The SDK's own instructions differ by a thousandth from count to count, which is much beside what
# is added to a call that is not sampled: the least of so many is compared.
COUNTS = 4
# Where the goal is not reached: what is, and what two counts of it differ by
# (benchmarks/README.md says what stands in the way).
REACHED: dict[str, float] = {
    "chat, small": 1.5,
    "responses, small": 1.55,
    "messages, small": 1.5,
    "chat, small, not sampled": 2.5,
    "messages, small, not sampled": 2.4,
    # Between 1.68 and 1.72.
    "a chunk of chat, content off": 1.75,
}

pytestmark = [
    pytest.mark.skipif(instructions.missing() is not None, reason=str(instructions.missing())),
    # The SDKs are imported by a processor that is simulated.
    pytest.mark.timeout(1800),
]


def jobs(row: Row, variant: str) -> list[dict[str, object]]:
    """What is counted of a row: a call, several times; or two streams."""
    scenarios = row.scenarios * COUNTS if row.whole else row.scenarios
    return [instructions.job(each, variant, row.times) for each in scenarios]


@pytest.fixture(scope="module")
def ratios() -> dict[str, float]:
    wanted = [(row, variant) for row in COUNTED for variant in VARIANTS]
    counts = map(float, instructions.count([job for each in wanted for job in jobs(*each)]))
    found: dict[tuple[str, str], float] = {}
    for row, variant in wanted:
        values = [row.of(counts) for _ in range(COUNTS if row.whole else 1)]
        found[row.name, variant] = min(values)
    return {
        row.name: (found[row.name, "otelier"] - found[row.name, "bare"])
        / (found[row.name, "floor"] - found[row.name, "bare"])
        for row in COUNTED
    }


@pytest.mark.parametrize("row", COUNTED, ids=lambda row: row.name)
def test_goal(row: Row, ratios: dict[str, float]) -> None:
    assert ratios[row.name] <= REACHED.get(row.name, row.goal)


def test_what_is_reached_is_not_held_to_less() -> None:
    goals = {row.name: row.goal for row in COUNTED}
    assert all(limit > goals[name] for name, limit in REACHED.items())
