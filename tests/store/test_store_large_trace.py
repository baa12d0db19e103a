"""A trace of a hundred thousand spans: nothing that is asked of it takes longer than its length."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
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


def lines(tmp_path: Path, *spans: StoredSpan) -> list[tuple[object, ...]]:
    """What the view of the trace says of the lineage of spans."""
    filling.store(tmp_path / "store.db", iter(spans))
    engine = SQLite(tmp_path / "store.db")
    asked = f"SELECT span_id, depth, path, parent FROM otelier.trace(trace_id = '{TRACE}')"
    found = engine.ask(f"{asked} ORDER BY span_id").rows
    engine.close()
    return [(int(row[0], 16), *row[1:]) for row in found]


def test_who_is_above_himself_has_no_line_and_holds_nobody_up(tmp_path: Path) -> None:
    found = lines(
        tmp_path,
        replace(step(1, f"{2:016x}", "invoke_agent"), name="a"),
        replace(step(2, f"{1:016x}", "invoke_agent"), name="b"),
        replace(step(4, f"{4:016x}", "chat"), name="c"),
        # The span above was never stored.
        replace(step(5, f"{77:016x}", "chat"), name="d"),
        # Of another library: it is passed by.
        replace(step(6, f"{5:016x}", "GET"), name="e"),
        replace(step(7, f"{6:016x}", "chat"), name="f"),
    )
    assert found == [(5, 0, "d", ""), (7, 1, "d > f", "d")]


def test_both_ends_of_a_call_are_one_on_the_way_up(tmp_path: Path) -> None:
    ends = [
        replace(step(2, f"{1:016x}", "execute_tool"), name=kind.lower(), kind=kind)
        for kind in ("CLIENT", "SERVER")
    ]
    found = lines(
        tmp_path,
        replace(step(1, None, "invoke_agent"), name="a"),
        *ends,
        replace(step(4, f"{2:016x}", "chat"), name="c"),
    )
    assert found[-1] == (4, 2, "a > server > c", "server")
    assert [each[0] for each in found] == [1, 2, 2, 4]
