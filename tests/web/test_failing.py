"""What failed, as a page shows it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from otelier.questions.asking import made
from otelier.questions.table import BY_NAME
from otelier.web.shown import failing
from otelier.web.shown.failing import Of, Try

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)


def row(question: str, **told: Any) -> Any:
    """A row of a question of which nothing but this is known."""
    empty = {column.name: None for column in BY_NAME[question].columns}
    (found,) = made(BY_NAME[question], [{**empty, "time": NOW, **told}])
    return found


def test_rows_tell_what_they_are_of_and_how_much_is_not_shown() -> None:
    rows = [
        row("errors", models=["a", "b", "c", "d", "e"], services=["shop", "desk"]),
        row("errors", tools=["look"], sources=["wiki"], services=["shop"]),
        row("errors"),
    ]
    assert failing.of(rows) == [
        (Of("model", ("a", "b", "c"), 2), Of("service", ("shop", "desk"), 0)),
        (Of("tool", ("look",), 0), Of("data_source", ("wiki",), 0), Of("service", ("shop",), 0)),
        (),
    ]


def test_the_only_service_is_not_told() -> None:
    rows = [row("errors", models=["a"], services=["shop"]), row("errors", services=["shop"])]
    assert failing.of(rows) == [(Of("model", ("a",), 0),), ()]
    assert failing.of([]) == []


def test_tries_tell_when_each_began_since_the_first() -> None:
    told = {"model": "m", "name": "chat m", "error": "", "seconds": 0.5}
    noon, later = "2026-11-28T12:00:00.000000001Z", "2026-11-28T12:00:01.500000000Z"
    tries = [
        {**told, "span_id": "a", "status": "error", "error": "E", "time": noon},
        {**told, "span_id": "b", "status": "cancelled", "time": later},
    ]
    first = Try("chat m", "error", "E", "a", 0.5, 0.0, False)
    second = Try("chat m", "cancelled", "", "b", 0.5, 1.5, True)
    assert failing.tries(row("failures", span_id="b", tries=tries)) == (first, second)
    assert failing.tries(row("failures", span_id="a", tries=tries)) == (
        replace(first, this=True),
        replace(second, this=False),
    )
    assert failing.tries(row("failures", span_id="a")) == ()
