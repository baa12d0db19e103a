"""A trace of a hundred thousand spans: nothing that is asked of it takes longer than its length."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.store import filling
from otelier.store.spans import StoredSpan
from otelier.store.sqlite import SQLite

# A million by OTELIER_TEST_SPANS=1000000.
COUNT = int(os.environ.get("OTELIER_TEST_SPANS", "100000"))
TRACE = "a" * 32
DEEP = 60


def spans() -> Iterator[StoredSpan]:
    """A root, below it a line of agents, and tools: half of them of the root, half of the last."""
    for number in range(DEEP):
        above = f"{number:016x}" if number else None
        yield step(number + 1, above, "invoke_agent")
    for number in range(DEEP, COUNT):
        yield step(number + 1, f"{1 if number % 2 else DEEP:016x}", "execute_tool")


def step(number: int, above: str | None, operation: str) -> StoredSpan:
    attributes = {"gen_ai.operation.name": operation} if number % 3 else {}
    time = 10**18 + number
    return StoredSpan(
        TRACE, f"{number:016x}", above, "s", start_ns=time, end_ns=time + 1, attributes=attributes
    )


@pytest.mark.timeout(60 + COUNT // 1000)
def test_a_trace_of_a_hundred_thousand_spans(tmp_path: Path) -> None:
    store = tmp_path / "store.db"
    assert filling.store(store, spans()).spans == COUNT
    engine = SQLite(store)
    whole = engine.trace(TRACE)
    assert [span.span_id for span in whole] == [f"{n + 1:016x}" for n in range(COUNT)]
    rows = engine.ask(
        f"SELECT depth, count(*) AS n FROM otelier.trace(trace_id = '{TRACE}') "
        "GROUP BY depth ORDER BY depth"
    ).rows
    shown = [n for n in range(1, COUNT + 1) if n % 3]
    deepest = sum(1 for n in range(1, DEEP + 1) if n % 3)
    agents = [n for n in shown if n <= DEEP]
    first = sum(1 for n in shown if n > DEEP and (n - 1) % 2)
    last = len(shown) - len(agents) - first
    wanted = dict.fromkeys(range(deepest), 1)
    wanted[1] += first
    wanted[deepest] = last
    assert dict(rows) == wanted
    engine.close()
