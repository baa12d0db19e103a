"""clickhouse: who reads what, which spans are model calls, batches once, and what is kept."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import yaml

from otelier import semconv
from tests.backends.clickhouse_access import statements
from tests.backends.clickhouse_running import (
    ACCESS,
    HERE,
    MISSING,
    ClickHouse,
    Rows,
    collector,
    copied,
    server,
)
from tests.backends.otlp import post, request, span
from tests.backends.questions import queries
from tests.backends.running import free_ports, opened, until

pytestmark = pytest.mark.skipif(bool(MISSING), reason=MISSING)
CLIENT, INTERNAL = 3, 1
DAY = 86_400
MAKING = statements((HERE / "retention.sql").read_text())
(FILLING,) = (each for each in MAKING if each.startswith("INSERT"))


class Stack(ClickHouse):
    """The engine with views and what is kept, and a collector before it."""

    folder: Path
    url: str
    telemetry: int

    def send(self, *spans: Any) -> None:
        """Send spans and wait until they are stored."""
        stored = "SELECT count() FROM otel.otel_traces"
        wanted = self.one(stored) + len(spans)
        assert post(self.url, request(spans, "by hand")) == 200
        until(lambda: self.one(stored) >= wanted or None, "the spans")
        assert self.one(stored) == wanted


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    here = tmp_path_factory.mktemp("clickhouse")
    telemetry = free_ports(1)[0]
    told = {"METRICS_PORT": telemetry}
    with server(here) as engine, collector(here, engine.port, **told) as into:
        found = Stack(engine.port)
        found.folder, found.url, found.telemetry = here, into.http, telemetry
        found.file("views.sql")
        found.file("retention.sql")
        yield found


def made(operation: str, kind: Any = CLIENT, **more: Any) -> Any:
    """A span of an operation; ``who`` is its session and its tenant."""
    who = more.pop("who", "")
    named = {"gen_ai.request.model": "m", "session.id": who, "otelier.metadata.tenant": who}
    return span(
        f"{operation} m",
        kind=kind,
        age=more.pop("age", 0),
        **{"gen_ai.operation.name": operation, **named, **more},
    )


def used(read: int | None, wrote: int | None, cost: float | None) -> dict[str, Any]:
    """Attributes of tokens and cost."""
    told = {semconv.USAGE_INPUT: read, semconv.USAGE_OUTPUT: wrote, semconv.COST: cost}
    return {name: value for name, value in told.items() if value is not None}


def tables(stack: Stack) -> list[str]:
    """Everything that is in the databases."""
    asked = "SELECT database, name FROM system.tables WHERE database IN ('otel', 'otelier')"
    return [f"{row['database']}.{row['name']}" for row in stack.ask(asked)]


def shown(asked: ClickHouse, table: str) -> Rows | None:
    """All that a table shows; None: it is closed."""
    try:
        return asked.ask(f"SELECT * FROM {table}")
    except RuntimeError as problem:
        assert "privileges" in str(problem), problem
        return None


@pytest.mark.parametrize(("role", "own"), [("tenant_acme", True), ("otelier_tenant", False)])
def test_no_table_shows_another_tenant(stack: Stack, tmp_path: Path, role: str, own: bool) -> None:
    """Everything that is in the databases, whatever it is; what is new there, too."""
    told = {semconv.OUTPUT_MESSAGES: '[{"role":"assistant","parts":[]}]', **used(1, 1, 1.0)}
    batch = {semconv.BATCH_ID: "tenants"}
    for who in ("acme", "umbrella"):
        spans = [made("chat", who=who, **told), made("execute_tool", INTERNAL, who=who)]
        stack.send(*spans, made("batch_results", who=who, **batch, **used(1, 1, 1.0)))
    trace = stack.one("SELECT any(trace_id) FROM otelier.calls WHERE tenant = 'umbrella'")
    names = tables(stack)
    assert "otelier.kept_mv" in names
    names[names.index("otelier.trace")] = f"otelier.trace(trace_id = '{trace}')"
    # Else nothing would be proved: what is open to the owner has both.
    seen = [name for name in names if "umbrella" in json.dumps(shown(stack, name))]
    assert len(seen) >= 11
    with copied(stack, stack.folder, tmp_path, role) as asked:
        found = {name: shown(asked, name) for name in names}
        # What is not open by its name is not by a function that reads tables.
        assert "umbrella" not in json.dumps(shown(asked, "merge('otelier', '^kept')"))
        with pytest.raises(RuntimeError, match="no tables"):
            asked.ask("SELECT * FROM merge('otelier', '^kept_mv$')")
    text = {name: json.dumps(rows) for name, rows in found.items()}
    assert [name for name, rows in text.items() if "umbrella" in rows or trace in rows] == []
    # What time it is, everybody may know.
    opened = [name for name, rows in found.items() if rows and name != "otelier.ago"]
    assert len(opened) == (12 if own else 0), opened
    assert found["otelier.kept_mv"] is None


def test_dashboards_read_what_names_nobody(stack: Stack, tmp_path: Path) -> None:
    names = set(tables(stack)) - {"otelier.trace"}
    kept = "SELECT count() FROM otelier.kept_spent"
    stack.send(made("chat", who="shown", **used(1, 1, 1.0)))
    with copied(stack, stack.folder, tmp_path, "otelier_dashboards") as asked:
        opened = {name for name in names if shown(asked, name) is not None}
        assert asked.one(kept) == stack.one(kept) > 0
    metrics = {f"otel.otel_metrics_{kind}" for kind in ("histogram", "sum", "gauge")}
    assert opened == {"otelier.kept", "otelier.kept_spent"} | metrics


# Not model calls, though a client makes them and some carry tokens.
OTHERS = (
    semconv.INVOKE_AGENT,
    semconv.INVOKE_WORKFLOW,
    semconv.COUNT_TOKENS,
    semconv.FETCH_RESPONSE,
    semconv.CANCEL_RESPONSE,
    semconv.RETRIEVAL,
    semconv.APPLY_GUARDRAIL,
)


def test_which_spans_are_model_calls(stack: Stack) -> None:
    def one(operation: str, wanted: str, kind: Any = CLIENT, **more: Any) -> Any:
        return made(operation, kind, who="ops", **{"gen_ai.response.id": wanted, **more})

    stack.send(
        *(one(each, "call", **used(10, 5, 1.0)) for each in semconv.PRICED),
        *(one(each, "", **used(10, 5, 1.0)) for each in OTHERS),
        # Somebody's span about a call that has its own.
        one("chat", "", INTERNAL, **used(10, 5, 1.0)),
        # No tokens, and so no price of them is unknown.
        *(one(each, "call") for each in (semconv.RERANK, semconv.OCR, semconv.MODERATION)),
        one(semconv.RERANK, "call unpriced", **used(10, None, None)),
        one("chat", "call unpriced", **used(10, 5, None)),
        # Refused, and answered without counts: in the background, or not at all.
        one("chat", "call", **{"error.type": "Timeout"}),
        one("chat", "call", **{semconv.BACKGROUND: True}),
        one("chat", "call uncounted"),
    )
    rows = stack.ask("SELECT * FROM otelier.calls WHERE session = 'ops'")
    for row in rows:
        kinds = [key for key in ("model_call", "unpriced", "uncounted") if row[key]]
        assert " ".join(kinds) == row["response_id"].replace("call", "model_call"), row
    # What was answered in the background is paid for, though fetching it is no call.
    priced, calls = len(semconv.PRICED), len(semconv.PRICED) + 8
    paid = priced + len(semconv.FETCHES)
    assert len(rows) == calls + len(OTHERS) + 1
    wanted = {
        "model_calls": calls,
        "input_tokens": 10 * (paid + 2),
        "output_tokens": 5 * (paid + 1),
        "cost": float(paid),
        "unpriced": 2,
        "uncounted": 1,
        "errors": 1,
    }
    keys = ", ".join(wanted)
    assert stack.ask(f"SELECT {keys} FROM otelier.sessions WHERE session = 'ops'") == [wanted]
    assert stack.ask(f"SELECT {keys} FROM otelier.costs WHERE tenant = 'ops'") == [wanted]
    kept = "SELECT count() AS calls, sum(cost) AS cost FROM otelier.kept_spent"
    rows = stack.ask(f"{kept} WHERE tenant = 'ops'")
    assert rows == [{"calls": calls + len(semconv.FETCHES), "cost": float(paid)}]


def test_a_batch_costs_once(stack: Stack) -> None:
    """However often its results are read: what the fullest reading told."""

    def read(batch: str, *told: Any, provider: str = "anthropic", age: float = 0) -> Any:
        named = {semconv.BATCH_ID: batch, semconv.PROVIDER_NAME: provider}
        named |= {semconv.REQUEST_MODEL: "", semconv.RESPONSE_MODEL: "claude"}
        return made("batch_results", who="batch", age=age, **named, **used(*told))

    stack.send(
        # Left off early, read whole, and again.
        read("b-1", 100, 10, 1.0, age=3000),
        read("b-1", 300, 30, 3.0, age=2000),
        read("b-1", 300, 30, 3.0, age=1000),
        read("b-1", 7, 7, 7.0, provider="other"),
        read("b-2", 50, 5, None),
        read("b-2", 50, 5, None),
        made("chat", who="batch", **used(1, 1, 0.5), **{semconv.REQUEST_MODEL: "claude"}),
    )
    wanted = {"input_tokens": 358, "output_tokens": 43, "cost": 10.5, "unpriced": 1}
    keys = ", ".join(wanted)
    counted = {**wanted, "model_calls": 1}
    found = f"SELECT {keys}, model_calls FROM otelier"
    assert stack.ask(f"{found}.sessions WHERE session = 'batch'") == [counted]
    # Of two days, a while after midnight.
    by_day = ", ".join(f"sum(c.{key}) AS {key}" for key in counted)
    days = "FROM otelier.costs AS c WHERE c.tenant = 'batch'"
    assert stack.ask(f"SELECT {by_day} {days}") == [counted]
    assert stack.one(f"SELECT sum(c.batches) {days}") == 3
    summed = "SELECT sum(input_tokens), sum(output_tokens), sum(cost), countIf(unpriced) FROM"
    for view in ("spent", "kept_spent"):
        (row,) = stack.ask(f"{summed} otelier.{view} WHERE tenant = 'batch' AND model = 'claude'")
        assert list(row.values()) == list(wanted.values()), view
    for question in ("cost by model over 24 h", "tokens by model over 24 h"):
        (query,) = queries("SQL")[question]
        (row,) = [row for row in stack.ask(query) if row["model"] == "claude"]
        sums = (10.5, 1) if "cost" in question else (358, 43)
        assert tuple(row.values()) == ("claude", *sums)
    age = "SELECT max(dateDiff('second', time, now())) FROM otelier.batches WHERE batch = 'b-1'"
    # The first of the two whole ones.
    assert 1500 < stack.one(age) < 2500


def test_errors_are_those_of_model_calls_of_a_day(stack: Stack) -> None:
    def failed(operation: str, error: str, kind: int = CLIENT, age: float = 0) -> Any:
        return made(operation, kind, who="errors", age=age, **{"error.type": error})

    stack.send(
        failed("chat", "New"),
        failed("chat", "Old", age=1.1 * DAY),
        failed("execute_tool", "Tool", INTERNAL),
        failed("invoke_agent", "Agent", INTERNAL),
    )
    (query,) = queries("SQL")["errors by type and model"]
    rows = [row for row in stack.ask(query) if row["error"] in ("New", "Old", "Tool", "Agent")]
    assert rows == [{"error": "New", "model": "m", "count()": 1}]


def test_cache_hits_are_those_of_model_calls(stack: Stack) -> None:
    hit = {semconv.USAGE_CACHE_READ: 5}
    stack.send(made("chat", who="hit", **hit), made("invoke_agent", INTERNAL, who="hit", **hit))
    (query,) = queries("SQL")["calls that hit the cache"]
    assert [row["cache_read_tokens"] for row in stack.ask(query)] == [5]


def test_messages_are_those_of_model_calls(stack: Stack) -> None:
    """Agents, and answers that were fetched again, repeat them."""
    answer = {semconv.OUTPUT_MESSAGES: '[{"role":"assistant","parts":[]}]'}
    stack.send(
        made("chat", who="said", **answer, **used(1, 1, 2.0)),
        *(made(each, who="said", **answer) for each in ("invoke_agent", "fetch_response")),
    )
    (query,) = queries("SQL")["cost per message"]
    (row,) = stack.ask(query.replace("WHERE", "WHERE session = 'said' AND"))
    assert row["call_cost"] == 2


def test_text_is_found_in_tool_calls_and_their_answers(stack: Stack) -> None:
    def said(who: str, role: str, **part: Any) -> Any:
        told = json.dumps([{"role": role, "parts": [part]}])
        return made("chat", who=who, **{semconv.INPUT_MESSAGES: told})

    stack.send(
        said("text", "user", type="text", content='A Crimson "door"\nand a wall'),
        said("name", "assistant", type="tool_call", id="1", name="crimson_search", arguments={}),
        said(
            "arguments", "assistant", type="tool_call", id="1", name="a", arguments={"b": "CRIMSON"}
        ),
        said("result", "tool", type="tool_call_response", id="1", response=["crimson"]),
        said("other", "user", type="text", content="A scarlet door"),
    )
    (query,) = queries("SQL")["full text in messages"]
    found = {row["session"] for row in stack.ask(query)}
    assert found == {"text", "name", "arguments", "result"}
    # As it was said, not only as JSON has it.
    (row,) = stack.ask(query.replace("crimson", 'crimson "door"\nand'))
    assert row["session"] == "text"
    assert stack.ask(query.replace("crimson", "nothing")) == []


def test_what_is_kept_names_nobody(stack: Stack) -> None:
    hidden = {
        "session.id": "secret-session",
        "user.id": "secret-user",
        "gen_ai.conversation.id": "secret-conversation",
        "gen_ai.response.id": "secret-response",
        semconv.INPUT_MESSAGES: "secret-message",
    }
    stack.send(made("chat", **{**hidden, "otelier.metadata.tenant": "named"}))
    (row,) = stack.ask("SELECT * FROM otelier.kept WHERE tenant = 'named'")
    assert "secret" not in json.dumps(row)
    (whole,) = stack.ask("SELECT * FROM otel.otel_traces WHERE SpanAttributes['user.id'] != ''")
    assert all(secret in json.dumps(whole) for secret in hidden.values())


def test_what_was_there_before_is_kept_once(stack: Stack) -> None:
    total = "SELECT count() FROM otelier.kept"
    stack.send(*(made("chat", who="before", age=age) for age in (3 * DAY, 2 * DAY, 600, 5)))
    stack.ask("DROP TABLE otelier.kept_mv")
    stack.ask("DROP TABLE otelier.kept")
    for statement in MAKING[:2]:
        stack.ask(statement)
    # Stored before the rest is filled in, but of a time before the last of the rest.
    stack.send(made("chat", who="before", age=3600))
    assert stack.one(total) == 1
    for _ in range(2):
        stack.ask(FILLING)
        assert stack.one(f"{total} WHERE tenant = 'before'") == 5
        assert stack.one(total) == stack.one("SELECT count() FROM otelier.calls")
    # Into an empty table, and when the view has got another column.
    stack.ask("TRUNCATE TABLE otelier.kept")
    calls = statements((HERE / "views.sql").read_text())[1]
    stack.ask(calls.replace("    Timestamp AS time", "    'new' AS later, Timestamp AS time"))
    try:
        stack.ask(FILLING)
        assert stack.one(total) == stack.one("SELECT count() FROM otelier.calls")
        assert stack.one(f"{total} WHERE tenant = 'before' AND model = 'm'") == 5
    finally:
        stack.ask(calls)


def test_filling_again_reads_no_more_than_a_day(stack: Stack) -> None:
    """A set of what is kept for 400 days would not fit into memory."""
    stack.ask(
        "INSERT INTO otelier.kept (time, tenant, span_id) SELECT"
        " now() - INTERVAL if(number < 10, 399, number % 300) DAY, 'many', toString(number)"
        " FROM numbers(2000)"
    )
    total = stack.one("SELECT count() FROM otelier.kept")
    stack.ask(f"{FILLING} SETTINGS max_rows_in_set = 100, set_overflow_mode = 'throw'")
    assert stack.one("SELECT count() FROM otelier.kept") == total
    stack.ask("ALTER TABLE otelier.kept DELETE WHERE tenant = 'many' SETTINGS mutations_sync = 1")


def test_the_collector_tells_of_itself(stack: Stack) -> None:
    stack.send(made("chat", who="told"))

    def sent() -> bool | None:
        with opened(f"http://127.0.0.1:{stack.telemetry}/metrics") as answer:
            text = answer.read().decode()
        return bool(re.search(r"(?m)^otelcol_exporter_sent_spans\S* [1-9]", text)) or None

    until(sent, "the number of spans sent")


def compose() -> Any:
    """The services of the compose file."""
    return yaml.safe_load((HERE / "docker-compose.yaml").read_text())["services"]


def test_it_listens_to_this_machine_unless_told_otherwise() -> None:
    text = (HERE / "collector.yaml").read_text()
    assert "0.0.0.0" not in text
    listening = re.findall(r"\$\{env:(OTLP_GRPC|OTLP_HTTP|METRICS_HOST):-127\.0\.0\.1", text)
    assert len(listening) == 3
    given = compose()["collector"]["environment"]
    assert all(given[name].startswith("0.0.0.0") for name in listening)


def test_the_collector_is_no_administrator(stack: Stack, tmp_path: Path) -> None:
    """The init makes its user, with one role and the password that the collector is given."""
    services = compose()
    given = services["collector"]["environment"]
    assert "access" in services["collector"]["depends_on"]
    assert given["CLICKHOUSE_USER"] == "collector"
    assert given["CLICKHOUSE_PASSWORD"] == services["access"]["environment"]["COLLECTOR_PASSWORD"]
    assert services["clickhouse"]["environment"]["CLICKHOUSE_PASSWORD"] not in given.values()
    # The script as it is, with a client that notes what it is asked.
    client = tmp_path / "clickhouse-client"
    client.write_text('#!/bin/bash\nprintf "%s\\0" "${@: -2}" >> "$NOTED"\n')
    client.chmod(0o755)
    (script,) = services["access"]["command"]
    password = 'it\'s "a" pass\\word'
    subprocess.run(
        [*services["access"]["entrypoint"], script.replace("$$", "$")],
        env={
            "PATH": f"{tmp_path}:{os.environ['PATH']}",
            "NOTED": str(tmp_path / "noted"),
            "CLICKHOUSE_USER": "root",
            "CLICKHOUSE_PASSWORD": "secret",
            "COLLECTOR_PASSWORD": password,
        },
        check=True,
    )
    words = (tmp_path / "noted").read_text().split("\0")
    assert words[:2] == ["--queries-file", "/sql/access.sql"]
    asked = words[3::2]
    for statement in asked:
        quoted = statement.replace("\\", "\\\\").replace("'", "\\'")
        assert stack.one(f"SELECT formatQuery('{quoted}')")
    assert f"sha256_hash BY '{sha256(password.encode()).hexdigest()}'" in asked[0]
    assert asked[1:] == ["GRANT otelier_collector TO collector"]
    assert not any("*.*" in each for each in ACCESS.grants(["otelier_collector"]))
