"""Which way SQLite goes: what has an index is looked up, sums read one index alone."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from otelier import questions
from otelier.store.engine import Answer
from otelier.store.sqlite import SQLite
from otelier.store.writer import Writer

from .made import chat, talk


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("plans") / "t.db"
    spans = [
        chat(number, talk(2), parent_id="f" * 16, attributes={"user.id": "ada"})
        for number in range(1, 41)
    ]
    Writer(found).write(spans)
    return found


@pytest.fixture(scope="module")
def store(path: Path) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(path)
    yield connection
    connection.close()


LOOKED_UP = {
    "trace_id = 'x'": "span_once (trace_id=?)",
    "trace_id = 'x' AND span_id = 'y'": "span_once (trace_id=? AND span_id=?)",
    "session = 'x'": "span_session (session=?)",
    "session = 'x' AND time > 'y'": "span_session (session=?)",
    "conversation = 'x'": "span_conversation (conversation=?)",
    "user = 'x'": "span_user (user=?)",
    "response_id = 'x'": "span_response (response_id=?)",
    "span_id = 'x'": "span_own (span_id=?)",
    "request_id = 'x' AND request_id != ''": "span_request (request_id=?)",
    "status = 'error' AND error = 'x'": "span_failed",
    "operation = 'execute_tool' AND time > 'y'": "span_tool (time>?)",
    "operation = 'retrieval' AND time > 'y'": "span_retrieval (time>?)",
    "time > (SELECT day FROM ago)": "span_time (time>?)",
    "status = 'error'": "span_failed",
}


@pytest.mark.parametrize("condition", LOOKED_UP)
@pytest.mark.parametrize("view", ["calls", "spans", "messages"])
def test_what_is_chosen_is_looked_up(store: sqlite3.Connection, view: str, condition: str) -> None:
    columns = {column[0] for column in store.execute(f"SELECT * FROM {view}").description}
    if condition.split(" ")[0] not in columns:
        pytest.skip(f"{view} has no {condition.split(' ')[0]}")
    rows = store.execute(f"EXPLAIN QUERY PLAN SELECT * FROM {view} WHERE {condition}").fetchall()
    steps = [row[3] for row in rows]
    assert any(LOOKED_UP[condition] in step for step in steps), steps
    assert not any(step == "SCAN span" for step in steps), steps


@pytest.mark.parametrize(
    "by", ["model", "provider", "user", "tenant", "session", "agent", "day", "hour", "prompt"]
)
@pytest.mark.parametrize("when", ["", " WHERE time > (SELECT day FROM ago)"])
def test_sums_read_one_index(store: sqlite3.Connection, by: str, when: str) -> None:
    sums = "sum(cost), sum(input_tokens), sum(cache_write_tokens), sum(unpriced), avg(seconds)"
    asked = f"SELECT {by}, {sums}, sum(error != '') FROM spent{when} GROUP BY {by}"
    steps = [row[3] for row in store.execute(f"EXPLAIN QUERY PLAN {asked}")]
    assert any("span USING COVERING INDEX span_paid" in step for step in steps) or any(
        "span USING INDEX span_paid" in step for step in steps
    ), steps


def test_evaluations_look_up_what_they_judge(store: sqlite3.Connection) -> None:
    steps = [row[3] for row in store.execute("EXPLAIN QUERY PLAN SELECT * FROM evaluations")]
    assert "SEARCH event USING INDEX event_name (name=?)" in steps
    for table, index in (("named", "span_once"), ("gave", "span_response")):
        found = [step for step in steps if f" {table} " in step]
        assert found and all(f"SEARCH {table} USING INDEX {index}" in step for step in found)


def test_the_newest_are_read_from_the_end(store: sqlite3.Connection) -> None:
    asked = "SELECT time, name, cost FROM calls ORDER BY time DESC LIMIT 20"
    steps = [row[3] for row in store.execute(f"EXPLAIN QUERY PLAN {asked}")]
    assert steps == ["SCAN span USING INDEX span_time"]


class Planned(SQLite):
    """Tells which way each query goes."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.plans: dict[str, list[str]] = {}

    def ask(self, sql: str, parameters: Any = None, most: int | None = None) -> Answer:
        plan = super().ask(f"EXPLAIN QUERY PLAN {sql}", parameters)
        self.plans[sql] = [str(row[3]) for row in plan.rows]
        return super().ask(sql, parameters, most)


@pytest.mark.parametrize(
    ("given", "index"),
    [
        ({}, "span_time"),
        ({"since": "2026-01-01"}, "span_time"),
        ({"tag": "x"}, "span_time"),
        ({"user": "ada"}, "span_user"),
        ({"session": "x"}, "span_session"),
        ({"conversation": "c-1"}, "span_conversation"),
        ({"error": "x"}, "span_failed"),
        ({"status": "error"}, "span_failed"),
    ],
    ids=str,
)
def test_the_newest_traces_are_looked_up(path: Path, given: dict[str, str], index: str) -> None:
    engine = Planned(path)
    try:
        (last,) = questions.traces(limit=1, store=engine)
        engine.plans.clear()
        questions.traces(store=engine, cursor=last.cursor, **given)  # type: ignore[arg-type]
        newest = next(iter(engine.plans.values()))
        assert any(f"span USING INDEX {index}" in step for step in newest), newest
    finally:
        engine.close()


@pytest.mark.parametrize("given", [{}, {"user": "ada"}], ids=str)
def test_of_a_trace_its_own_spans_are_read(path: Path, given: dict[str, str]) -> None:
    engine = Planned(path)
    try:
        (last,) = questions.traces(limit=1, store=engine)
        engine.plans.clear()
        assert len(questions.traces(store=engine, cursor=last.cursor, **given)) == 20  # type: ignore[arg-type]
        _, *others = engine.plans.values()
        assert len(others) >= 7
        for steps in others:
            spans = [step for step in steps if re.search(r"\b(otelier\.)?span USING", step)]
            assert all("span USING INDEX span_once (trace_id=?" in step for step in spans), steps
            assert not [step for step in steps if re.match("SCAN (otelier|span|link|text)", step)]
    finally:
        engine.close()
