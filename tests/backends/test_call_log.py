"""The table of a call log in clickhouse/README.md: each query as it stands there, and the truth."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from statistics import median
from typing import Any

import pytest

from tests.backends.clickhouse_running import HERE, MISSING, ClickHouse, Rows, collector, server
from tests.backends.clickhouse_sent import Sent, sending
from tests.backends.questions import rows as cells
from tests.backends.running import instrumented, until
from tests.backends.truth import Row, Truth, near

pytestmark = pytest.mark.skipif(bool(MISSING), reason=MISSING)

EVALUATIONS = "otel_logs WHERE EventName = 'gen_ai.evaluation.result'"
# Whose answers are scored, and how: by another program, by their ids, or those of their spans.
SCORES = {"id": 1.0, "span": 0.25}


def queries() -> dict[str, str]:
    """The queries by question."""
    text = (HERE / "README.md").read_text()
    _, *lines = cells(text, "<!-- call log -->", "<!-- end of the call log -->")
    found = {line[0]: re.findall(r"`([^`]+)`", line[3]) for line in lines}
    assert all(len(each) == 1 for each in found.values())
    assert len(found) == len(lines)
    return {question: query for question, (query,) in found.items()}


def scored(truth: Truth) -> dict[str, list[Row]]:
    """Two answers of each version of the prompt: one by its own id, one by its span's."""
    found: dict[str, list[Row]] = {"id": [], "span": []}
    for version in ("1", "2"):
        by_id, by_span, *_ = truth.where(prompt_version=version, operation="chat")
        found["id"].append(by_id)
        found["span"].append(by_span)
    return found


@pytest.fixture(scope="module")
def sent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sent]:
    with sending(tmp_path_factory.mktemp("call-log")) as asked:
        chosen = scored(asked.truth)
        told = {
            "id": [row["id"] for row in chosen["id"]],
            # As a person sees them.
            "span": [
                asked.one(
                    "SELECT concat(trace_id, ':', span_id) FROM otelier.calls"
                    f" WHERE response_id = '{row['id']}'"
                )
                for row in chosen["span"]
            ],
        }
        # And one that is not stored.
        told["id"].append("unknown")
        evaluate = partial(instrumented, "tests.backends.evaluating", endpoint=asked.into.http)
        for how, ids in told.items():
            evaluate(SCORES[how], *ids)
        until(partial(asked.has, 5, EVALUATIONS), "evaluations")
        yield asked


def first_trace(sent: Sent) -> str:
    found: str = sent.one("SELECT trace_id FROM otelier.calls ORDER BY time LIMIT 1")
    return found


def named(truth: Truth, **equal: Any) -> list[str]:
    return [row["name"] for row in truth.where(**equal)]


def counted(rows: Rows, *keys: str) -> dict[Any, int]:
    """How many there are of each, as a query has counted them."""
    return {
        row[keys[0]] if len(keys) == 1 else tuple(row[key] for key in keys): row["count()"]
        for row in rows
    }


def check_named(**equal: Any) -> Callable[[Rows, Truth], None]:
    def check(rows: Rows, truth: Truth) -> None:
        found = [row["name"] for row in rows]
        assert found == named(truth, **equal) != []

    return check


def check_counted(key: str, of: Callable[[Truth], list[Row]]) -> Callable[[Rows, Truth], None]:
    def check(rows: Rows, truth: Truth) -> None:
        assert counted(rows, key) == truth.counted(key, rows=of(truth))

    return check


def all_of(truth: Truth) -> list[Row]:
    return truth.rows


def calls_of(truth: Truth) -> list[Row]:
    return truth.calls


def check_request(rows: Rows, truth: Truth) -> None:
    wanted = next(row for row in truth.calls if row.get("request"))
    assert [(row["name"], row["session"], row["error"]) for row in rows] == [
        (wanted["name"], wanted["session"], wanted["error"] or "")
    ]


def check_response(rows: Rows, truth: Truth) -> None:
    wanted = next(row for row in truth.calls if row.get("id"))
    ((name, session, cost),) = [(row["name"], row["session"], row["cost"]) for row in rows]
    assert (name, session, cost) == (wanted["name"], wanted["session"], near(wanted["cost"]))


def check_company(rows: Rows, truth: Truth) -> None:
    costs = {row["tenant"]: row["sum(cost)"] for row in rows}
    assert costs == near(truth.summed("cost", "tenant", rows=truth.calls))


def check_tags(rows: Rows, truth: Truth) -> None:
    wanted = Counter(truth.counted("tag", rows=truth.calls))
    wanted["demo"] = len(truth.calls)
    found = {row["tag"]: row["count()"] for row in rows}
    assert found == wanted


def check_parents(rows: Rows, truth: Truth) -> None:
    assert [(row["name"], row["parent"]) for row in rows] == [
        (row["name"], row["parent"]) for row in truth.where(turn=1)
    ]


def check_below(rows: Rows, truth: Truth) -> None:
    wanted = truth.where(turn=1, parent="invoke_agent researcher")
    assert [row["name"] for row in rows] == [row["name"] for row in wanted] != []


def check_status(rows: Rows, truth: Truth) -> None:
    failed = sum(row["error"] is not None for row in truth.rows)
    assert counted(rows, "status") == {"error": failed, "ok": len(truth.rows) - failed}


def check_error(rows: Rows, truth: Truth) -> None:
    wanted = truth.where(error="openai.RateLimitError")
    assert (
        [(row["session"], row["request_id"]) for row in rows]
        == [(row["session"], row["request"]) for row in wanted]
        != []
    )


def check_said_of_errors(rows: Rows, truth: Truth) -> None:
    assert len(rows) == len(truth.where(error="openai.RateLimitError")) > 0
    assert all("Slow down" in row["said"] for row in rows)


def check_latency(rows: Rows, truth: Truth) -> None:
    seconds: dict[str, list[float]] = {}
    for row in truth.calls:
        seconds.setdefault(row["model"], []).append(row["seconds"])
    assert {row["model"]: row["max(seconds)"] for row in rows} == near(
        {model: max(each) for model, each in seconds.items()}
    )
    assert {row["model"]: row["median(seconds)"] for row in rows} == near(
        {model: median(each) for model, each in seconds.items()}
    )


def check_first_chunk(rows: Rows, truth: Truth) -> None:
    streams = truth.where(stream=True)
    assert counted(rows, "model") == truth.counted("model", rows=streams)
    longest = max(row["seconds"] for row in streams)
    assert all(0 < row["max(first_chunk)"] <= longest for row in rows)


def check_prompts(rows: Rows, truth: Truth) -> None:
    wanted = [row for row in truth.calls if row.get("prompt")]
    assert counted(rows, "prompt_version") == truth.counted("prompt_version", rows=wanted)
    costs = {row["prompt_version"]: row["sum(cost)"] for row in rows}
    assert costs == near(truth.summed("cost", "prompt_version", rows=wanted))


def check_models(rows: Rows, truth: Truth) -> None:
    answered = [row for row in truth.calls if not row["error"]]
    found: Counter[str] = Counter()
    for (model, _), number in counted(rows, "model", "response_model").items():
        found[model] += number
    assert found == truth.counted("model", rows=answered)
    told = {row["model"]: row["response_model"] for row in rows}
    assert told["gpt-4o"] == "gpt-4o-2024-08-06"
    assert told["claude-haiku-4-5"] == "claude-haiku-4-5-20251001"


def check_tokens(rows: Rows, truth: Truth) -> None:
    for column, key in (("input", "input"), ("output", "output"), ("cache_read", "cached")):
        wanted = truth.summed(key, "provider", rows=truth.calls)
        found = {row["provider"]: row[f"sum({column}_tokens)"] or 0 for row in rows}
        assert {who: number for who, number in found.items() if number} == {
            who: number for who, number in wanted.items() if number
        }


def check_sources(rows: Rows, truth: Truth) -> None:
    priced = [row["cost"] for row in truth.calls if row["cost"] is not None]
    ((source, number, cost),) = [
        (row["cost_source"], row["count()"], row["sum(cost)"]) for row in rows
    ]
    assert (source, number, cost) == ("prices", len(priced), near(sum(priced)))


def check_reasons(rows: Rows, truth: Truth) -> None:
    answers = [row for row in truth.calls if row["operation"] in ("chat", "generate_content")]
    failed = sum(row["error"] is not None for row in answers)
    found = counted(rows, "reason")
    assert found.pop("error", 0) in (0, failed)
    assert found == {"stop": len(answers) - failed}


def check_failing(key: str, operation: str) -> Callable[[Rows, Truth], None]:
    def check(rows: Rows, truth: Truth) -> None:
        wanted = truth.where(operation=operation)
        failed = [row for row in wanted if row["error"]]
        assert {f"{operation} {row[key]}": row["count()"] for row in rows} == truth.counted(
            "name", rows=wanted
        )
        counts = {f"{operation} {row[key]}": row["failed"] for row in rows}
        assert {name: each for name, each in counts.items() if each} == truth.counted(
            "name", rows=failed
        )

    return check


def check_agents(rows: Rows, truth: Truth) -> None:
    assert counted(rows, "agent") == {"researcher": len(truth.where(operation="invoke_agent"))}


def check_services(rows: Rows, truth: Truth) -> None:
    (row,) = rows
    assert (row["service"], row["count()"]) == ("workload", len(truth.rows))
    assert row["traces"] == truth.turns


def check_said(rows: Rows, truth: Truth) -> None:
    calls = truth.where(turn=1, operation="chat")
    assert sum(row["direction"] == "input" for row in rows) == len(calls)
    assert sum(row["text"] == truth.words for row in rows) == sum(
        row["model"] == "gpt-4o" for row in calls
    )
    assert truth.question in {row["text"] for row in rows}


def check_scores(rows: Rows, truth: Truth) -> None:
    wanted = [
        (SCORES[how], "yes" if SCORES[how] > 0.5 else "no", row["name"], row["session"])
        for how, each in scored(truth).items()
        for row in each
    ]
    wanted.append((SCORES["id"], "yes", "", ""))
    found = [(row["score"], row["label"], row["call"], row["session"]) for row in rows]
    assert sorted(found) == sorted(wanted)


def check_scores_of_prompts(rows: Rows, truth: Truth) -> None:
    mean = sum(SCORES.values()) / len(SCORES)
    found = {row["prompt_version"]: (row["avg(score)"], row["count()"]) for row in rows}
    assert found == {"1": (mean, 2), "2": (mean, 2), "": (SCORES["id"], 1)}


def check_unscored(rows: Rows, truth: Truth) -> None:
    known = [row["id"] for each in scored(truth).values() for row in each]
    wanted = [row["id"] for row in truth.calls if row.get("prompt") and row["id"] not in known]
    assert [row["response_id"] for row in rows] == wanted != []


CHECKS: dict[str, Callable[[Rows, Truth], None]] = {
    "call type": check_counted("operation", all_of),
    "request id": check_request,
    "response id": check_response,
    "task id": check_named(task="t-02"),
    "company": check_named(tenant="acme"),
    "what a company has spent": check_company,
    "user": check_named(user="ada"),
    "session": check_named(session="s-01"),
    "conversation": check_named(conversation="c-01"),
    "tags": check_tags,
    "anything else of your own": check_named(tenant="acme"),
    "parent call": check_parents,
    "calls below a call": check_below,
    "status": check_status,
    "error": check_error,
    "what an error said": check_said_of_errors,
    "latency": check_latency,
    "time to the first chunk": check_first_chunk,
    "prompt version": check_prompts,
    "model": check_models,
    "provider": check_counted("provider", calls_of),
    "tokens": check_tokens,
    "cost, and who says so": check_sources,
    "why it ended": check_reasons,
    "tool": check_failing("tool", "execute_tool"),
    "agent": check_agents,
    "search": check_failing("data_source", "retrieval"),
    "which program": check_services,
    "what was said": check_said,
    "score of a call": check_scores,
    "score of a prompt version": check_scores_of_prompts,
    "what nobody has scored": check_unscored,
}
LITERALS = r"'(t-02|acme|beta|ada|s-01|c-01|research|helpful|openai\.RateLimitError)'"


def test_each_question_has_a_check() -> None:
    assert list(CHECKS) == list(queries())


@pytest.mark.parametrize("question", CHECKS)
def test_question(sent: Sent, question: str) -> None:
    query = queries()[question]
    ids = {
        "TRACE_ID": first_trace(sent),
        "REQUEST_ID": next(row["request"] for row in sent.truth.calls if row.get("request")),
        "RESPONSE_ID": next(row["id"] for row in sent.truth.calls if row.get("id")),
    }
    given = query
    for name, value in ids.items():
        given = given.replace(name, value)
    CHECKS[question](sent.ask(given), sent.truth)
    # The same about what is not there finds nothing.
    other = re.sub(LITERALS, "'nothing'", query)
    if other != query or any(name in query for name in ids):
        assert sent.ask(other) == []


def test_an_evaluation_is_told_once(sent: Sent) -> None:
    assert sent.one("SELECT count() FROM otelier.evaluations") == 5
    assert sent.one(f"SELECT count() FROM otel.{EVALUATIONS}") == 5
    # By the ids of the log itself, as any backend joins them.
    joined = (
        "SELECT count() FROM otel.otel_logs AS l INNER JOIN otelier.calls AS c"
        " ON c.span_id = l.SpanId AND c.trace_id = l.TraceId"
        " WHERE l.EventName = 'gen_ai.evaluation.result'"
    )
    assert sent.one(joined) == 2


@pytest.fixture(scope="module")
def by_hand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClickHouse]:
    """The engine with views, over spans and events that the test writes itself."""
    here = tmp_path_factory.mktemp("by-hand")
    with server(here) as engine:
        with collector(here, engine.port):
            pass  # It has made the tables.
        engine.file("views.sql")
        yield engine


def stored(engine: ClickHouse, second: int, span_id: str, kind: str, **told: str) -> None:
    """A span is stored."""
    attributes = ", ".join(f"'{name}', '{value}'" for name, value in told.items())
    engine.ask(
        "INSERT INTO otel.otel_traces (Timestamp, TraceId, SpanId, SpanName, SpanKind,"
        f" SpanAttributes) VALUES (now() - {100 - second}, 't', '{span_id}', '{span_id}', '{kind}',"
        f" map({attributes}))"
    )


def test_of_which_call_an_evaluation_is(by_hand: ClickHouse) -> None:
    operation, answer = "gen_ai.operation.name", "gen_ai.response.id"
    stored(by_hand, 1, "agent", "Internal", **{operation: "invoke_agent"})
    stored(by_hand, 3, "chat", "Client", **{operation: "chat", answer: "r-1"})
    # The same answer, fetched: it may be stored before.
    stored(by_hand, 2, "fetch", "Client", **{operation: "fetch_response", answer: "r-1"})
    stored(by_hand, 4, "only fetched", "Client", **{operation: "fetch_response", answer: "r-2"})
    stored(by_hand, 5, "GET /thumb", "Server", **{"http.request.method": "GET"})
    said = {
        # What is named by trace, span and answer, and whose it is.
        "by the answer": ("", "", "r-1", "chat"),
        "by an answer that is only fetched": ("", "", "r-2", "only fetched"),
        "by the span": ("t", "agent", "", "agent"),
        "by both": ("t", "agent", "r-1", "agent"),
        "in a request of no model": ("t", "GET /thumb", "r-1", "chat"),
        "by a span of another trace": ("u", "agent", "", ""),
        "by nothing": ("", "", "", ""),
        "by what is not stored": ("u", "x", "y", ""),
    }
    for name, (trace, span, response, _) in said.items():
        by_hand.ask(
            "INSERT INTO otel.otel_logs (Timestamp, TraceId, SpanId, EventName, LogAttributes)"
            f" VALUES (now(), '{trace}', '{span}', 'gen_ai.evaluation.result',"
            f" map('gen_ai.evaluation.name', '{name}', 'gen_ai.response.id', '{response}'))"
        )
    rows = by_hand.ask("SELECT evaluation, call, score FROM otelier.evaluations")
    assert sorted((row["evaluation"], row["call"]) for row in rows) == sorted(
        (name, call) for name, (*_, call) in said.items()
    )
    # Unknown, not 0.
    assert {row["score"] for row in rows} == {None}
