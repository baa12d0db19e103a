"""clickhouse: what is above a call whatever is in between, and which call an evaluation is of."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.backends.clickhouse_running import MISSING, ClickHouse, Rows, collector, server
from tests.backends.otlp import post, request, span
from tests.backends.running import until

pytestmark = pytest.mark.skipif(bool(MISSING), reason=MISSING)
CLIENT = 3


class Stack(ClickHouse):
    """The engine with the views, and a collector before it."""

    url: str

    def send(self, *spans: Any) -> None:
        """Send spans and wait until they are stored."""
        stored = "SELECT count() FROM otel.otel_traces"
        wanted = self.one(stored) + len(spans)
        assert post(self.url, request(spans, "by hand")) == 200
        until(lambda: self.one(stored) >= wanted or None, "the spans")

    def evaluate(self, name: str, score: float, age: float = 0, **named: str) -> None:
        """Store an evaluation of so many seconds ago, of an ``answer`` or a ``trace`` and span."""
        told = {"trace": "", "span": "", "answer": "", **named}
        evaluated = {
            "gen_ai.evaluation.name": name,
            "gen_ai.evaluation.score.value": str(score),
            "gen_ai.response.id": told["answer"],
        }
        pairs = ", ".join(f"'{key}', '{value}'" for key, value in evaluated.items())
        self.ask(
            "INSERT INTO otel.otel_logs (Timestamp, TraceId, SpanId, EventName, LogAttributes)"
            f" SELECT now64(9) - INTERVAL {int(age * 1000)} MILLISECOND, '{told['trace']}',"
            f" '{told['span']}', 'gen_ai.evaluation.result', map({pairs})"
        )

    def evaluations(self, name: str, columns: str) -> Rows:
        """Of one name, in the order of their scores."""
        asked = f"SELECT {columns} FROM otelier.evaluations WHERE evaluation = '{name}'"
        return self.ask(f"{asked} ORDER BY score")


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    here = tmp_path_factory.mktemp("clickhouse")
    with server(here) as engine, collector(here, engine.port) as into:
        found = Stack(engine.port)
        found.url = into.http
        # The tables are made with the first of each kind.
        until(lambda: "otel_logs" in str(found.ask("SHOW TABLES FROM otel")) or None, "tables")
        found.file("views.sql")
        yield found


def made(operation: str, within: Any = None, **more: Any) -> Any:
    kind = CLIENT if operation == "chat" else 1
    return span(
        f"{operation} m", kind=kind, within=within, **{"gen_ai.operation.name": operation, **more}
    )


def lines(stack: Stack, root: Any) -> list[tuple[int, str, str]]:
    rows = stack.ask(
        f"SELECT depth, path, parent FROM otelier.trace(trace_id = '{root.trace_id.hex()}')"
        " ORDER BY path"
    )
    return [(row["depth"], row["path"], row["parent"]) for row in rows]


def lineage() -> tuple[list[Any], list[tuple[int, str, str]]]:
    """An agent whose calls are beneath spans of others: its program's own, HTTP's, a service's."""
    request_ = span("POST /ask", kind=2)
    agent = made("invoke_agent", request_, age=9)
    own = span("my own work", within=agent)
    chat = made("chat", own, age=8)
    tool = made("execute_tool", agent, age=7)
    client = span("POST", within=tool, kind=CLIENT)
    served = span("POST /service", within=client, kind=2)
    theirs = made("chat", served, age=6)
    wanted = [
        (0, "invoke_agent m", ""),
        (1, "invoke_agent m > chat m", "invoke_agent m"),
        (1, "invoke_agent m > execute_tool m", "invoke_agent m"),
        (2, "invoke_agent m > execute_tool m > chat m", "execute_tool m"),
    ]
    return [request_, agent, own, chat, tool, client, served, theirs], wanted


def test_spans_of_others_lead_to_what_is_above(stack: Stack) -> None:
    spans, wanted = lineage()
    stack.send(*spans)
    assert lines(stack, spans[0]) == wanted


def test_what_is_delivered_twice_is_told_once(stack: Stack) -> None:
    """A collector that gets no answer in time sends again."""
    spans, wanted = lineage()
    for _ in range(2):
        stack.send(*spans)
    assert lines(stack, spans[0]) == wanted
    for _ in range(2):
        stack.evaluate("twice", 0.5, trace=spans[3].trace_id.hex(), span=spans[3].span_id.hex())
    # Two evaluations are two, and each is of one call.
    assert stack.evaluations("twice", "call") == [{"call": "chat m"}] * 2
    stack.ask("INSERT INTO otel.otel_logs SELECT * FROM otel.otel_logs")
    assert stack.evaluations("twice", "call") == [{"call": "chat m"}] * 2


def test_an_id_that_comes_again(stack: Stack) -> None:
    """Some servers have but a thousand ids: the answer is of the last call before."""
    given = {"gen_ai.response.id": "chatcmpl-5"}
    for who, age in (("acme", 3000), ("beta", 2000), ("acme", 1000)):
        stack.send(made("chat", age=age, **given, **{"otelier.metadata.tenant": who}))
    stack.evaluate("again", 0.1, age=2500, answer="chatcmpl-5")
    stack.evaluate("again", 0.2, age=1500, answer="chatcmpl-5")
    stack.evaluate("again", 0.3, answer="chatcmpl-5")
    # By a clock that is late.
    stack.evaluate("again", 0.4, age=3001, answer="chatcmpl-5")
    found = [row["tenant"] for row in stack.evaluations("again", "tenant")]
    assert found == ["acme", "beta", "acme", "acme"]
    assert len({row["span_id"] for row in stack.evaluations("again", "span_id")}) == 3


def test_who_gave_an_answer_that_others_fetched(stack: Stack) -> None:
    told = {"gen_ai.response.id": "resp_1"}
    gave = made("chat", age=90, **told)
    stack.send(gave, made("fetch_response", age=80, **told), made("fetch_response", **told))
    stack.evaluate("fetched", 1, answer="resp_1")
    assert stack.evaluations("fetched", "span_id") == [{"span_id": gave.span_id.hex()}]
    only = {"gen_ai.response.id": "resp_2"}
    first = made("fetch_response", age=80, **only)
    stack.send(first, made("fetch_response", age=70, **only))
    stack.evaluate("fetched alone", 1, answer="resp_2")
    assert stack.evaluations("fetched alone", "span_id") == [{"span_id": first.span_id.hex()}]


def test_of_a_call_that_is_not_stored_nothing_is_known(stack: Stack) -> None:
    stack.evaluate("unknown", 0.5, answer="nobody")
    (row,) = stack.evaluations("unknown", "call, seconds, cost, score")
    assert row == {"call": "", "seconds": None, "cost": None, "score": 0.5}
