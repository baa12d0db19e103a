"""The SQL of collector-config's tables on a local store: the answers that ClickHouse gives."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from otelier.store.sqlite import SQLite
from tests.backends import test_call_log as call_log
from tests.backends import test_clickhouse as clickhouse
from tests.backends.questions import queries
from tests.backends.running import instrumented, workload
from tests.backends.truth import Row, Truth

Rows = list[Row]
# What must not be found, in place of what must.
OTHER = re.compile(
    r"'(t-02|acme|beta|ada|s-01|c-01|research|helpful|openai\.RateLimitError|%crimson%"
    r"|TRACE_ID|RESPONSE_ID|REQUEST_ID)'"
)


class Asked:
    """A local store with all that the workload did, and the truth of it."""

    def __init__(self, path: Path, truth: Truth) -> None:
        self.store = SQLite(path)
        self.truth = truth

    def ask(self, sql: str) -> Rows:
        return list(self.store.ask(sql).dicts())

    def whole(self, query: str) -> str:
        """The query with the ids of what the workload did first."""
        (first,) = self.ask("SELECT trace_id FROM otelier.calls ORDER BY time LIMIT 1")
        ids = {
            "TRACE_ID": first["trace_id"],
            "REQUEST_ID": next(row["request"] for row in self.truth.calls if row.get("request")),
            "RESPONSE_ID": next(row["id"] for row in self.truth.calls if row.get("id")),
        }
        for name, value in ids.items():
            query = query.replace(name, value)
        return query


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asked]:
    here = tmp_path_factory.mktemp("tables")
    into = {
        "OTEL_TRACES_EXPORTER": "otelier",
        "OTEL_LOGS_EXPORTER": "otelier",
        "OTEL_METRICS_EXPORTER": "none",
        "OTELIER_STORE": str(here / "t.db"),
    }
    found = Asked(here / "t.db", workload(here, "http://localhost:9", **into))
    told = found.ask("SELECT name, seconds FROM otelier.calls ORDER BY time")
    for row, span in zip(found.truth.rows, told, strict=True):
        assert span["name"] == row["name"]
        row["seconds"] = span["seconds"]
    _evaluate(found, partial(instrumented, "tests.backends.evaluating", endpoint="", **into))
    yield found
    found.store.close()


def _evaluate(found: Asked, evaluate: Callable[..., None]) -> None:
    chosen = call_log.scored(found.truth)
    evaluate(call_log.SCORES["id"], *[row["id"] for row in chosen["id"]], "unknown")
    spans = [
        found.ask(f"SELECT trace_id, span_id FROM otelier.calls WHERE response_id = '{row['id']}'")
        for row in chosen["span"]
    ]
    evaluate(call_log.SCORES["span"], *[f"{s['trace_id']}:{s['span_id']}" for (s,) in spans])


QUERIES = {
    **{("questions", name): query for name, (query,) in queries("SQL").items()},
    **{("call log", name): query for name, query in call_log.queries().items()},
}
CHECKS = {
    **{("questions", name): check for name, check in clickhouse.CHECKS.items()},
    **{("call log", name): check for name, check in call_log.CHECKS.items()},
}


@pytest.mark.parametrize("question", QUERIES, ids=lambda each: ": ".join(each))
def test_question(asked: Asked, question: tuple[str, str]) -> None:
    query = QUERIES[question]
    CHECKS[question](asked.ask(asked.whole(query)), asked.truth)
    other = OTHER.sub("'nothing'", query)
    if other != query:
        assert asked.ask(other) == []
