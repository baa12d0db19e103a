"""clickhouse: the real exporter into ClickHouse's engine, and every question as SQL."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.backends.clickhouse_running import (
    ACCESS,
    MISSING,
    ClickHouse,
    Rows,
    copied,
)
from tests.backends.clickhouse_sent import SUMS, Sent, sending
from tests.backends.questions import queries
from tests.backends.truth import Truth, near

pytestmark = pytest.mark.skipif(bool(MISSING), reason=MISSING)


@pytest.fixture(scope="module")
def sent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sent]:
    with sending(tmp_path_factory.mktemp("clickhouse")) as asked:
        yield asked


def names(rows: Rows) -> list[str]:
    return [row["name"] for row in rows]


def named(truth: Truth, **equal: Any) -> list[str]:
    """Names of the spans that have these values, in the order in which they began."""
    return [row["name"] for row in truth.where(**equal)]


def unpriced(rows: Rows, key: str) -> dict[str, int]:
    """How many calls told tokens and have no known price."""
    found = {row[key]: 0 for row in rows}
    for row in rows:
        found[row[key]] += row["cost"] is None and row["input"] is not None
    return found


def check_recent(rows: Rows, truth: Truth) -> None:
    newest = truth.rows[:-21:-1]
    assert [(row["name"], row["session"]) for row in rows] == [
        (row["name"], row["session"]) for row in newest
    ]


def check_trace(rows: Rows, truth: Truth) -> None:
    found = [(row["depth"], row["path"].split(" > ")[-1]) for row in rows]
    above = {"invoke_workflow": 0, "retrieval": 1, "embeddings": 2, "invoke_agent": 1}
    wanted = []
    agents = 0
    for row in truth.where(turn=1):
        agents += row["name"] == "chat claude-haiku-4-5"
        depth = above.get(row["operation"], 1 if agents else 2)
        wanted.append((depth, row["name"]))
    assert found == wanted
    assert rows[-1]["path"] == "invoke_workflow answer_question > chat gpt-broken"


def check_failed_retrievals(rows: Rows, truth: Truth) -> None:
    (wanted,) = [row for row in truth.where(operation="retrieval") if row["error"]]
    (found,) = rows
    assert (found["session"], found["error"]) == (wanted["session"], wanted["error"])
    assert found["data_source"] == "handbook"


def check_errors(rows: Rows, truth: Truth) -> None:
    failed = [row for row in truth.calls if row["error"]]
    found = {(row["error"], row["model"]): row["count()"] for row in rows}
    assert found == truth.counted("error", "model", rows=failed)


def check_tokens(rows: Rows, truth: Truth) -> None:
    for column, key in (("sum(input_tokens)", "input"), ("sum(output_tokens)", "output")):
        wanted = truth.summed(key, "model", rows=truth.calls)
        found = {row["model"]: row[column] for row in rows if row[column] is not None}
        assert found == wanted
    assert {row["model"] for row in rows} == {row["model"] for row in truth.calls}


def check_cost(key: str) -> Callable[[Rows, Truth], None]:
    def check(rows: Rows, truth: Truth) -> None:
        priced = {row[key]: row["sum(cost)"] for row in rows if row["sum(cost)"] is not None}
        assert priced == near(truth.summed("cost", key, rows=truth.calls))
        counted = {row[key]: row["sum(unpriced)"] for row in rows}
        assert counted == unpriced(truth.calls, key)

    return check


def check_latency(rows: Rows, truth: Truth) -> None:
    counted = truth.counted("model", rows=truth.calls)
    assert {row["model"]: row["count()"] for row in rows} == counted
    sums = truth.summed("seconds", "model", rows=truth.calls)
    means = {model: seconds / counted[model] for model, seconds in sums.items()}
    assert {row["model"]: row["avg(seconds)"] for row in rows} == near(means)


def check_messages(rows: Rows, truth: Truth) -> None:
    answered = ("chat", "generate_content")
    wanted = [row for row in truth.calls if row["operation"] in answered and not row["error"]]
    assert [row["call_cost"] for row in rows] == [
        None if row["cost"] is None else near(row["cost"]) for row in wanted
    ]
    assert [row["conversation"] for row in rows] == [row["conversation"] for row in wanted]
    assert {row["text"] for row in rows if row["model"] == "gpt-4o"} == {truth.words}


def check_tools(rows: Rows, truth: Truth) -> None:
    tools = truth.where(operation="execute_tool")
    found = {f"execute_tool {row['tool']}": row["runs"] for row in rows}
    assert found == truth.counted("name", rows=tools)
    failed = sum(row["failed"] for row in rows)
    assert failed == sum(row["error"] is not None for row in tools)


def check_cached(rows: Rows, truth: Truth) -> None:
    found = sorted((row["session"], row["model"], row["cache_read_tokens"]) for row in rows)
    hits = [row for row in truth.calls if row["cached"]]
    assert found == sorted((row["session"], row["model"], row["cached"]) for row in hits)


def check_dearest(rows: Rows, truth: Truth) -> None:
    costs = truth.summed("cost", "session", rows=truth.calls)
    wanted = sorted(costs, key=lambda session: -costs[session])[:10]
    assert [row["session"] for row in rows] == wanted
    assert {row["session"]: row["cost"] for row in rows} == near({s: costs[s] for s in wanted})
    counted = unpriced(truth.calls, "session")
    assert [row["unpriced"] for row in rows] == [counted[session] for session in wanted]


def check_text(rows: Rows, truth: Truth) -> None:
    asked = [row for row in truth.calls if row["operation"] == "chat"]
    # Ollama is asked something else.
    wanted = [row for row in asked if row["session"] == "s-05" and row["model"] != "llama3.2"]
    assert len(rows) == len(wanted)
    assert {(row["session"], row["role"], row["text"]) for row in rows} == {
        ("s-05", "user", truth.rare_question)
    }


def check_whole(rows: Rows, truth: Truth) -> None:
    wanted = next(row for row in truth.calls if row.get("id"))
    attributes = {row["key"]: row["value"] for row in rows}
    (message,) = json.loads(attributes["gen_ai.input.messages"])
    assert message["parts"] == [{"type": "text", "content": truth.question}]
    (answer,) = json.loads(attributes["gen_ai.output.messages"])
    assert answer["parts"][0]["content"] == truth.words
    assert int(attributes["gen_ai.usage.input_tokens"]) == wanted["input"]
    assert float(attributes["gen_ai.usage.cost"]) == near(wanted["cost"])
    assert json.loads(attributes["otelier.tags"]) == [wanted["tag"], "demo"]


def check_named(**equal: str) -> Callable[[Rows, Truth], None]:
    def check(rows: Rows, truth: Truth) -> None:
        assert names(rows) == named(truth, **equal) != []

    return check


CHECKS: dict[str, Callable[[Rows, Truth], None]] = {
    "recent calls": check_recent,
    "all calls of a trace, with lineage": check_trace,
    "calls of a session": check_named(session="s-01"),
    "calls of a user": check_named(user="ada"),
    "calls of a company": check_named(tenant="acme"),
    "calls with a tag": check_named(tag="beta"),
    "failed retrievals of the last week": check_failed_retrievals,
    "errors by type and model": check_errors,
    "tokens by model over 24 h": check_tokens,
    "cost by model over 24 h": check_cost("model"),
    "mean latency by model over 24 h": check_latency,
    "cost per conversation": check_cost("conversation"),
    "cost per message": check_messages,
    "tool usage counts": check_tools,
    "calls that hit the cache": check_cached,
    "the ten dearest sessions": check_dearest,
    "full text in messages": check_text,
    "one request whole": check_whole,
}


def test_each_question_has_a_check() -> None:
    assert set(CHECKS) == set(queries("SQL"))


@pytest.mark.parametrize("question", CHECKS)
def test_question(sent: Sent, question: str) -> None:
    (query,) = queries("SQL")[question]
    first = "SELECT trace_id FROM otelier.calls ORDER BY time LIMIT 1"
    asked = next(row["id"] for row in sent.truth.calls if row.get("id"))
    given = query.replace("TRACE_ID", sent.one(first)).replace("RESPONSE_ID", asked)
    CHECKS[question](sent.ask(given), sent.truth)
    # The same about what is not there finds nothing.
    other = re.sub(r"'(s-01|ada|acme|beta|%crimson%|TRACE_ID|RESPONSE_ID)'", "'nothing'", query)
    if other != query:
        assert sent.ask(other) == []


def test_the_settings_hold_for_the_inserts(sent: Sent) -> None:
    """Several inserts, made by the limit of a batch; nothing is stored twice."""
    assert sent.one("SELECT uniqExact(SpanId) FROM otel.otel_traces") == len(sent.truth.rows)
    log = (sent.folder / "python.log").read_text()
    assert log.count("INTO+%22otel%22.%22otel_traces%22") >= len(sent.truth.rows) / 50
    # Made with the time to live of the configuration, and another password is refused.
    assert "TTL toDateTime(Timestamp) + toIntervalDay(30)" in sent.one(
        "SELECT create_table_query FROM system.tables WHERE name = 'otel_traces'"
    )
    with pytest.raises(RuntimeError, match="Authentication failed"):
        ClickHouse(sent.port, password="wrong").ask("SELECT 1")


def test_metrics_and_events_are_there(sent: Sent) -> None:
    metrics = sent.ask(
        # Cumulative: of each program's series the newest point has the sum.
        "SELECT model, sum(sums) AS cost FROM ("
        "SELECT Attributes['gen_ai.request.model'] AS model,"
        " argMax(Value, TimeUnix) AS sums"
        f" FROM otel.{SUMS}"
        " GROUP BY ResourceAttributes, Attributes, StartTimeUnix) GROUP BY model"
    )
    priced = [row for row in sent.truth.calls if row["cost"] is not None]
    costs = {row["model"]: row["cost"] for row in metrics}
    assert costs == near(sent.truth.summed("cost", "model", rows=priced))
    # Failed model calls send their exception as an event, which names their span.
    events = sent.ask(
        "SELECT c.name AS name, l.LogAttributes['exception.type'] AS type"
        " FROM otel.otel_logs AS l INNER JOIN otelier.calls AS c ON c.span_id = l.SpanId"
        " WHERE l.EventName = 'gen_ai.client.operation.exception'"
    )
    failed = [row for row in sent.truth.calls if row["error"]]
    assert sorted((row["name"], row["type"]) for row in events) == sorted(
        (row["name"], row["error"]) for row in failed
    )


def test_sums_per_day_tenant_and_model(sent: Sent) -> None:
    rows = sent.ask("SELECT * FROM otelier.costs")
    calls = sent.truth.calls
    assert {(row["tenant"], row["model"]) for row in rows} == set(
        sent.truth.counted("tenant", "model", rows=calls)
    )
    # Of two days where the workload ran at midnight.
    costs = sent.truth.summed("cost", "tenant", "model", rows=rows)
    assert costs == near(sent.truth.summed("cost", "tenant", "model", rows=calls))
    # An unknown price is no price of 0.
    assert {row["model"] for row in rows if row["cost"] is None} == {
        row["model"] for row in calls if row["cost"] is None
    }
    assert sum(row["unpriced"] for row in rows) == sum(unpriced(calls, "model").values()) > 0
    assert sum(row["errors"] for row in rows) == sum(row["error"] is not None for row in calls)
    assert sum(row["model_calls"] for row in rows) == len(calls)


def test_what_is_kept_longer_is_the_calls(sent: Sent) -> None:
    """Filled twice, and from what was there before: each span once, with the same columns."""
    assert sent.one("SELECT count() FROM otelier.kept") == len(sent.truth.rows)
    left_out = "response_id, session, conversation, user, task, request_id, status, prompt"
    left_out += ", prompt_version, finish_reasons, first_chunk, step, cache_write_tokens, day, hour"
    calls = f"SELECT * EXCEPT ({left_out}) FROM otelier.calls"
    kept = "SELECT * FROM otelier.kept"
    assert sent.ask(f"{calls} EXCEPT {kept}") == sent.ask(f"{kept} EXCEPT {calls}") == []
    whole = "".join(str(row) for row in sent.ask("SELECT * FROM otelier.kept"))
    assert "handbook" in whole
    for said in (sent.truth.question, sent.truth.words, sent.truth.document, "Slow down"):
        assert said not in whole


TENANTS_VIEWS = ("calls", "messages", "tool_calls", "sessions", "costs", "kept")


def test_a_tenant_sees_only_its_own(sent: Sent, tmp_path: Path) -> None:
    sent.ask(
        "CREATE OR REPLACE VIEW otelier.open DEFINER = owner SQL SECURITY DEFINER AS"
        " SELECT * FROM otelier.calls"
    )
    other = sent.one("SELECT any(trace_id) FROM otelier.calls WHERE tenant = 'umbrella'")
    own = sent.one("SELECT any(trace_id) FROM otelier.calls WHERE tenant = 'acme'")
    rows = sent.truth.where(tenant="acme")
    trace = "SELECT count() FROM otelier.trace(trace_id = '{}')"
    assert sent.one(trace.format(other)) > 0
    with copied(sent, sent.folder, tmp_path / "acme", "tenant_acme") as acme:
        assert acme.one("SELECT count() FROM otelier.calls") == len(rows)
        assert acme.one("SELECT count() FROM otel.otel_traces") == len(rows)
        for view in TENANTS_VIEWS:
            assert acme.one(f"SELECT groupUniqArray(tenant) FROM otelier.{view}") == ["acme"]
        assert acme.one(trace.format(own)) > 0
        assert acme.one(trace.format(other)) == 0
        for refused in (
            # An owner's view shows everything: who may read is said of each view by its name.
            "SELECT * FROM otelier.open",
            "SELECT * FROM otel.otel_logs",
            "SELECT * FROM otel.otel_metrics_histogram",
            "INSERT INTO otelier.kept SELECT * FROM otelier.kept",
            "DROP TABLE otel.otel_traces",
            "ALTER TABLE otel.otel_traces DELETE WHERE 1",
            "CREATE TABLE otel.mine (a String) ENGINE = Memory",
            "SELECT * FROM file('/etc/hostname', LineAsString)",
            "SELECT 1 SETTINGS max_execution_time = 600",
            "SET readonly = 0",
        ):
            with pytest.raises(RuntimeError, match=r"privileges|shouldn't be|readonly"):
                acme.ask(refused)
    # A tenant of whom no policy says what he may read.
    with copied(sent, sent.folder, tmp_path / "none", "otelier_tenant") as nobody:
        for view in TENANTS_VIEWS:
            assert nobody.ask(f"SELECT * FROM otelier.{view}") == []


def test_dashboards_see_all_tenants_and_no_content(sent: Sent, tmp_path: Path) -> None:
    total = sum(sent.truth.summed("cost", "tenant", rows=sent.truth.calls).values())
    with copied(sent, sent.folder, tmp_path / "dashboards", "otelier_dashboards") as dashboards:
        assert dashboards.one("SELECT sum(cost) FROM otelier.kept") == near(total)
        assert dashboards.one("SELECT uniqExact(tenant) FROM otelier.kept") == 2
        assert dashboards.one("SELECT count() FROM otel.otel_metrics_histogram") > 0
        for view in (*(f"otelier.{name}" for name in TENANTS_VIEWS[:-1]), "otel.otel_traces"):
            with pytest.raises(RuntimeError, match="privileges"):
                dashboards.ask(f"SELECT count() FROM {view}")
        with pytest.raises(RuntimeError, match="privileges"):
            dashboards.ask("SELECT any(SpanAttributes) FROM otel.otel_traces")


def test_access_parses_and_is_understood_whole(sent: Sent) -> None:
    """chdb makes no users: the engine's parser takes what stands there, and the tests all of it."""
    for statement in ACCESS.statements:
        quoted = statement.replace("\\", "\\\\").replace("'", "\\'")
        assert sent.one(f"SELECT formatQuery('{quoted}')")
    roles = [each.split()[-1] for each in ACCESS.statements if each.startswith("CREATE ROLE")]
    understood = len(roles)
    for role in roles:
        understood += len(ACCESS.grants([role])) + len(ACCESS.roles(role)) - 1
        understood += len(ACCESS.filters([role]))
    assert understood + 1 == len(ACCESS.statements)
    assert ACCESS.settings(["otelier_tenant"]) == ACCESS.settings(["otelier_dashboards"]) != {}


def test_views_are_the_invokers(sent: Sent) -> None:
    made = sent.ask(
        "SELECT name, create_table_query AS made FROM system.tables"
        " WHERE database = 'otelier' AND engine = 'View' AND name != 'open'"
    )
    assert len(made) == 16
    assert all("SQL SECURITY INVOKER" in row["made"] for row in made)
