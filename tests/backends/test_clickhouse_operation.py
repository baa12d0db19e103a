"""clickhouse in operation: odd spans, retention, forgetting, least rights, and faults."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.backends.clickhouse_access import statements
from tests.backends.clickhouse_running import (
    HERE,
    MISSING,
    ClickHouse,
    collector,
    server,
    settings,
)
from tests.backends.otlp import post, request
from tests.backends.otlp import span as made
from tests.backends.running import OTELCOL, environment, free_ports, until

pytestmark = pytest.mark.skipif(bool(MISSING), reason=MISSING)
DAY = 86_400


def span(operation: str = "chat", **given: Any) -> Span:
    """A model's span; ``__`` stands for a dot in names."""
    named = {"gen_ai__operation__name": operation} if operation else {}
    return made("chat gpt-4o", kind=Span.SPAN_KIND_CLIENT, seconds=1.5, **{**named, **given})


def send(url: str, *spans: Span, service: str = "by hand") -> None:
    """Send spans to a collector."""
    assert post(url, request(spans, service)) == 200


def arrived(engine: ClickHouse, name: str, wanted: int = 1, key: str = "session") -> None:
    """Wait until so many spans of a session are there, or of a tenant in what is kept longer."""
    table = "calls" if key == "session" else "kept"
    query = f"SELECT count() FROM otelier.{table} WHERE {key} = '{name}'"
    until(lambda: engine.one(query) >= wanted or None, f"the spans of {name}")
    assert engine.one(query) == wanted


class Running(ClickHouse):
    """The engine, and the collector's address."""

    url: str


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    here = tmp_path_factory.mktemp("clickhouse")
    with server(here) as engine, collector(here, engine.port) as into:
        found = Running(engine.port)
        found.url = into.http
        found.file("views.sql")
        found.file("retention.sql")
        yield found


def test_a_whole_conversation_survives(stack: Running) -> None:
    """Large, with every kind of character and part; span events as well; of several programs."""
    said = 'Ärger — "quoted" \\ back\\slash, \t tab,\nnew line, 🚀, \'; DROP TABLE x; --' * 5000
    asked = [
        {"role": "user", "parts": [{"type": "text", "content": said}]},
        {
            "role": "assistant",
            "parts": [
                {"type": "reasoning", "content": "I look."},
                {"type": "text", "content": "One moment."},
                {"type": "tool_call", "id": "1", "name": "look", "arguments": {"room": 7}},
                {"type": "blob", "modality": "image", "content": "aGlkZGVu"},
            ],
        },
        {"role": "tool", "parts": [{"type": "tool_call_response", "id": "1", "response": "no"}]},
    ]
    told = json.dumps(asked, ensure_ascii=False)
    system = json.dumps([{"type": "text", "content": "Be brief."}])
    send(
        stack.url,
        span(
            session__id="large",
            gen_ai__input__messages=told,
            gen_ai__system_instructions=system,
            events=({"exception.type": "ValueError", "exception.message": "no room"},),
        ),
        service="first",
    )
    send(stack.url, span(session__id="large"), service="second")
    arrived(stack, "large", 2)
    (stored,) = stack.ask(
        "SELECT SpanAttributes['gen_ai.input.messages'] AS told, `Events.Name` AS events,"
        " `Events.Attributes` AS attributes FROM otel.otel_traces WHERE told != ''"
        " AND SpanAttributes['session.id'] = 'large'"
    )
    assert stored["told"] == told
    assert stored["events"] == ["exception"]
    assert stored["attributes"] == [
        {"exception.type": "ValueError", "exception.message": "no room"}
    ]
    rows = stack.ask(
        "SELECT * FROM otelier.messages WHERE session = 'large' ORDER BY direction, position"
    )
    assert [(row["direction"], row["position"], row["role"]) for row in rows] == [
        ("input", 1, "user"),
        ("input", 2, "assistant"),
        ("input", 3, "tool"),
        ("system", 1, "system"),
    ]
    assert [row["text"] for row in rows] == [said, "I look.\nOne moment.", "", "Be brief."]
    assert json.loads(rows[1]["message"]) == asked[1]
    services = "SELECT groupUniqArray(service) FROM otelier.calls WHERE session = 'large'"
    assert sorted(stack.one(services)) == ["first", "second"]


def test_what_is_unknown_is_null(stack: Running) -> None:
    send(
        stack.url,
        span(session__id="odd", gen_ai__usage__cost="dear", gen_ai__usage__input_tokens=-1),
        span(session__id="odd", gen_ai__input__messages='[{"role":"user","parts":[{"type'),
        span(session__id="odd", otelier__tags="no list", gen_ai__input__messages="{}"),
        span(session__id="free", gen_ai__usage__cost=0.0, gen_ai__usage__input_tokens=0),
        # Above model calls, and so with their sums.
        span(
            session__id="free",
            gen_ai__operation__name="invoke_agent",
            gen_ai__usage__cost=9.0,
            gen_ai__usage__input_tokens=9,
        ),
        span("", session__id="odd"),
    )
    arrived(stack, "odd", 3)
    arrived(stack, "free", 2)
    keys = "model_calls, input_tokens, cost, unpriced"
    (odd,) = stack.ask(f"SELECT {keys} FROM otelier.sessions WHERE session = 'odd'")
    assert odd == {"model_calls": 3, "input_tokens": None, "cost": None, "unpriced": 0}
    (free,) = stack.ask(f"SELECT {keys} FROM otelier.sessions WHERE session = 'free'")
    assert free == {"model_calls": 1, "input_tokens": 0, "cost": 0, "unpriced": 0}
    odd = "FROM otelier.messages WHERE session = 'odd' ORDER BY message"
    query = f"SELECT role, text, message {odd}"
    cut = '[{"role":"user","parts":[{"type'
    assert stack.ask(query) == [
        {"role": "", "text": cut, "message": cut},
        {"role": "", "text": "", "message": "{}"},
    ]


def by_hand(*words: str) -> Iterator[str]:
    """Statements that stand in retention.sql as comments."""
    text = (HERE / "retention.sql").read_text()
    told = "\n".join(line[5:] for line in text.splitlines() if line.startswith("--   "))
    for statement in statements(told):
        if all(word in statement for word in words):
            yield statement


def test_retention(stack: Running) -> None:
    """Content for 30 days, the rest for 400; a time to live of one's own."""
    for days in (1, 10, 40, 500):
        send(stack.url, span(age=days * DAY, otelier__metadata__tenant=f"old-{days}"))
    query = "SELECT arraySort(groupArray(tenant)) FROM otelier.{} WHERE tenant LIKE 'old-%'"
    # What is older may be gone as soon as it is stored.
    arrived(stack, "old-40", key="tenant")
    arrived(stack, "old-1", key="tenant")
    arrived(stack, "old-10", key="tenant")

    def left(table: str, stored: str) -> Any:
        stack.ask(f"OPTIMIZE TABLE {stored} FINAL")
        return stack.one(query.format(table))

    until(lambda: left("calls", "otel.otel_traces") == ["old-1", "old-10"] or None, "30 days")
    kept = ["old-1", "old-10", "old-40"]
    until(lambda: left("kept", "otelier.kept") == kept or None, "400 days")
    commands = list(by_hand("MODIFY TTL"))
    assert len(commands) == 2
    for command in commands:
        stack.ask(command)
    until(lambda: left("calls", "otel.otel_traces") == ["old-1"] or None, "7 days")
    assert left("kept", "otelier.kept") == kept


def test_a_person_is_forgotten(stack: Running) -> None:
    send(stack.url, span(session__id="forgotten", user__id="ada"))
    send(stack.url, span(session__id="remembered", user__id="bob"))
    arrived(stack, "forgotten")
    arrived(stack, "remembered")
    gone, stays = (
        stack.one(f"SELECT trace_id FROM otelier.calls WHERE session = '{session}'")
        for session in ("forgotten", "remembered")
    )
    for trace in (gone, stays):
        stack.ask(f"INSERT INTO otel.otel_logs (Timestamp, TraceId) VALUES (now(), '{trace}')")
    commands = list(by_hand("DELETE"))
    assert len(commands) == 2
    for command in commands:
        stack.ask(command)
    assert stack.one("SELECT groupArray(user) FROM otelier.calls WHERE user != ''") == ["bob"]
    assert stack.one("SELECT groupArray(TraceId) FROM otel.otel_logs") == [stays]


def test_the_collector_needs_no_more_than_its_role(tmp_path: Path) -> None:
    """It makes its tables and writes; what is kept longer is written by its owner."""
    with server(tmp_path, "otelier_collector") as engine, collector(tmp_path, engine.port):
        tables = "SELECT count() FROM system.tables WHERE database = 'otel'"
        assert engine.one(tables) == 9
        with pytest.raises(RuntimeError, match="privileges"):
            engine.ask("DROP TABLE otel.otel_traces")
    with server(tmp_path) as engine:
        engine.file("views.sql")
        for statement in statements((HERE / "retention.sql").read_text()):
            # chdb's user is the collector next.
            engine.ask(statement.replace("DEFINER = CURRENT_USER", "DEFINER = owner"))
    with server(tmp_path, "otelier_collector") as engine:
        with collector(tmp_path, engine.port) as into:
            send(into.http, span(session__id="written", otelier__metadata__tenant="written"))
            stored = "SELECT count() FROM otel.otel_traces"
            until(lambda: engine.one(stored) == 1 or None, "the span")
        with pytest.raises(RuntimeError, match="privileges"):
            engine.ask("SELECT * FROM otelier.kept")
    with server(tmp_path) as engine:
        arrived(engine, "written")
        arrived(engine, "written", key="tenant")


def test_accepted_spans_outlive_the_collector_and_an_outage(tmp_path: Path) -> None:
    """Killed while ClickHouse is down, the collector has them on its disk."""
    port = free_ports(1)[0]
    with ExitStack() as stopped:
        engine = stopped.enter_context(server(tmp_path, port=port))
        with collector(tmp_path, port) as into:
            engine.file("views.sql")
            stopped.close()
            send(into.http, *(span(session__id="waiting") for _ in range(5)))
            into.kill()
    with server(tmp_path, port=port) as engine, collector(tmp_path, port):
        arrived(engine, "waiting", 5)


@pytest.mark.parametrize("schema", ["true", "false"])
def test_without_clickhouse_it_does_not_start(tmp_path: Path, schema: str) -> None:
    """Said in the README: it makes its tables at the start, or looks at them."""
    grpc, http, telemetry, nobody = free_ports(4)
    done = subprocess.run(
        [str(OTELCOL), "--config", str(HERE / "collector.yaml")],
        env=environment(
            OTLP_GRPC=f"127.0.0.1:{grpc}",
            OTLP_HTTP=f"127.0.0.1:{http}",
            METRICS_PORT=telemetry,
            CLICKHOUSE_CREATE_SCHEMA=schema,
            **settings(tmp_path, nobody),
        ),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode != 0
    assert "connection refused" in done.stderr
