"""Each question, compared with what the workload did: the same on every engine.

A check takes an open store that holds the workload's spans, and the truth.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

from otelier import questions, wire
from otelier.questions.about.course import course
from otelier.store.engine import Engine
from tests.backends.truth import Row, Truth, near

Check = Callable[[Engine, Truth], None]
CHECKS: Final[dict[str, Check]] = {}

# How the dimensions of sums are called in the truth.
_KEYS: Final = {"model": "model", "user": "user", "tenant": "tenant", "session": "session"}


def check(function: Check) -> Check:
    """Make it one of the checks."""
    CHECKS[function.__name__] = function
    return function


def names(rows: Iterable[Any]) -> list[str]:
    return [row.name for row in rows]


def wanted(rows: Iterable[Row]) -> list[str]:
    return [row["name"] for row in rows]


def total(rows: Iterable[Row], what: str) -> float | None:
    known = [row[what] for row in rows if row.get(what) is not None]
    return sum(known) if known else None


def unpriced(rows: Iterable[Row]) -> int:
    return sum(row["cost"] is None and row["input"] is not None for row in rows)


# --- calls ------------------------------------------------------------------------------------


@check
def recent(store: Engine, truth: Truth) -> None:
    found = questions.calls(store=store)
    newest = truth.rows[:-21:-1]
    assert [(row.name, row.session) for row in found] == [
        (row["name"], row["session"]) for row in newest
    ]
    for row, true in zip(found, newest, strict=True):
        assert (row.user, row.tenant, row.task) == (true["user"], true["tenant"], true["task"])
        assert row.error == (true["error"] or "")
        assert set(row.tags) == {true["tag"], "demo"}
        if "model" in true:
            assert (row.provider, row.model) == (true["provider"], true["model"])
            assert row.cost == (None if true["cost"] is None else near(true["cost"]))
            assert (row.input_tokens or 0) == (true["input"] or 0)
            assert (row.output_tokens or 0) == (true["output"] or 0)


@check
def calls_by_filters(store: Engine, truth: Truth) -> None:
    for equal, given in (
        ({"session": "s-01"}, {"session": "s-01"}),
        ({"conversation": "c-02"}, {"conversation": "c-02"}),
        ({"user": "ada"}, {"user": "ada"}),
        ({"tenant": "acme"}, {"tenant": "acme"}),
        ({"tag": "beta"}, {"tag": "beta"}),
        ({"model": "gpt-4o"}, {"model": "gpt-4o", "models": True}),
        ({"operation": "retrieval"}, {"operation": "retrieval"}),
        ({"task": "t-05"}, {"task": "t-05"}),
        ({"name": "execute_tool open_ticket"}, {"tool": "open_ticket"}),
        ({"error": "ConnectionError"}, {"error": "ConnectionError"}),
        ({"user": "ada", "tag": "stable"}, {"user": "ada", "tag": "stable"}),
    ):
        found = questions.calls(store=store, limit=0, **given)
        assert names(found)[::-1] == wanted(truth.where(**equal)), given
    failed = [row for row in truth.rows if row["error"]]
    assert names(questions.calls(store=store, status="error", limit=0))[::-1] == wanted(failed)
    models = questions.calls(store=store, models=True, limit=0)
    assert names(models)[::-1] == wanted(truth.calls)
    cached = [row for row in truth.calls if row["cached"]]
    assert len(questions.calls(store=store, models=True, cached=True, limit=0)) == len(cached)
    assert len(questions.calls(store=store, unpriced=True, limit=0)) == unpriced(truth.calls)
    # Of a model that answers by another name, both find it.
    answered = questions.calls(store=store, model="gpt-4o-2024-08-06", limit=0)
    assert len(answered) == len(truth.where(model="gpt-4o"))


@check
def calls_of_a_time(store: Engine, truth: Truth) -> None:
    everything = questions.calls(store=store, limit=0)
    assert len(everything) == len(truth.rows)
    middle = everything[len(everything) // 2].time
    later = questions.calls(store=store, since=middle, limit=0)
    before = questions.calls(store=store, until=middle, limit=0)
    assert len(later) + len(before) == len(everything)
    assert min(row.time for row in later) >= middle > max(row.time for row in before)
    assert questions.calls(store=store, since=middle + timedelta(days=1)) == []
    assert len(questions.calls(store=store, since="24h", limit=0)) == len(everything)


@check
def dearest(store: Engine, truth: Truth) -> None:
    found = questions.dearest(store=store, limit=5)
    costs = sorted((row["cost"] for row in truth.calls if row["cost"] is not None), reverse=True)
    assert [row.cost for row in found] == near(costs[:5])


@check
def failed_retrievals(store: Engine, truth: Truth) -> None:
    (true,) = [row for row in truth.where(operation="retrieval") if row["error"]]
    (found,) = questions.retrievals(store=store, failed=True)
    assert (found.session, found.error) == (true["session"], true["error"])
    assert (found.data_source, found.status) == ("handbook", "error")
    everything = questions.retrievals(store=store, limit=0)
    assert len(everything) == len(truth.where(operation="retrieval"))


# --- traces -----------------------------------------------------------------------------------


@check
def traces(store: Engine, truth: Truth) -> None:
    found = questions.traces(store=store)
    assert len(found) == truth.turns
    for row, turn in zip(found, range(truth.turns, 0, -1), strict=True):
        true = truth.where(turn=turn)
        _compare_trace(row, true)
        assert row.text == (truth.rare_question if row.session == "s-05" else truth.question)
        calls = questions.calls(store=store, session=row.session, limit=0)
        calls = [each for each in calls if each.trace_id == row.trace_id]
        assert (row.time, row.last) == (calls[-1].time, calls[0].time)
        ended = max(each.time + timedelta(seconds=each.seconds) for each in calls)
        assert math.isclose(row.seconds, (ended - row.time).total_seconds(), abs_tol=1e-5)


def _compare_trace(row: Any, true: list[Row]) -> None:
    calls = [each for each in true if "model" in each]
    first = true[0]
    assert (row.name, row.operation) == (first["name"], first["operation"])
    assert (row.status, row.service) == ("ok", "workload")
    cost = total(calls, "cost")
    assert row.cost == (None if cost is None else near(cost))
    assert (row.input_tokens, row.output_tokens) == (total(calls, "input"), total(calls, "output"))
    assert (row.cache_read_tokens or 0) == (total(calls, "cached") or 0)
    assert (row.unpriced, row.uncounted) == (unpriced(calls), 0)
    assert row.calls == len(calls)
    assert row.tools == sum(each["operation"] == "execute_tool" for each in true)
    assert row.errors == sum(each["error"] is not None for each in true)
    assert row.models == tuple(dict.fromkeys(each["model"] for each in calls))
    whose = ("session", "user", "tenant", "conversation")
    assert [getattr(row, name) for name in whose] == [first[name] for name in whose]
    assert set(row.tags) == {first["tag"], "demo"}


@check
def traces_by_filters(store: Engine, truth: Truth) -> None:
    everything = {row.trace_id: row for row in questions.traces(store=store)}
    by_turn = dict(zip(range(truth.turns, 0, -1), everything.values(), strict=True))
    for equal, given in (
        ({"session": "s-01"}, {"session": "s-01"}),
        ({"conversation": "c-02"}, {"conversation": "c-02"}),
        ({"user": "ada"}, {"user": "ada"}),
        ({"tenant": "acme"}, {"tenant": "acme"}),
        ({"tag": "beta"}, {"tag": "beta"}),
        ({"model": "gpt-broken"}, {"model": "gpt-broken"}),
        ({"provider": "gcp.gemini"}, {"provider": "gcp.gemini"}),
        ({"operation": "rerank"}, {"operation": "rerank"}),
        ({"name": "execute_tool open_ticket"}, {"tool": "open_ticket", "status": "error"}),
        ({"error": "LookupError"}, {"error": "LookupError"}),
        ({"tag": "stable"}, {"agent": "researcher", "prompt": "research", "tag": "stable"}),
        ({"task": "t-05"}, {"task": "t-05", "service": "workload"}),
        # No call has both.
        ({"name": "nothing"}, {"model": "gpt-4o", "tool": "search_orders"}),
    ):
        turns = {row["turn"] for row in truth.where(**equal)}
        found = questions.traces(store=store, **given)
        wanted = [by_turn[turn] for turn in sorted(turns, reverse=True)]
        # What is said of a trace is of all of it.
        assert [_without_place(row) for row in found] == list(map(_without_place, wanted)), given


def _without_place(row: Any) -> Any:
    return replace(row, cursor="")


@check
def traces_of_a_time(store: Engine, truth: Truth) -> None:
    everything = questions.traces(store=store)
    middle = everything[5]
    later = questions.traces(store=store, since=middle.last)
    assert [row.trace_id for row in later] == [row.trace_id for row in everything[:6]]
    before = questions.traces(store=store, until=middle.time)
    assert before == everything[6:]
    assert questions.traces(store=store, since=everything[0].last + timedelta(days=1)) == []


@check
def pages_of_traces(store: Engine, truth: Truth) -> None:
    for given in ({}, {"tenant": "acme"}, {"status": "error"}):
        everything = questions.traces(store=store, **given)
        for size in (1, 4):
            found: list[Any] = []
            while page := questions.traces(
                store=store, limit=size, cursor=found[-1].cursor if found else None, **given
            ):
                assert len(page) <= size
                found += page
            assert found == everything


# --- whole ------------------------------------------------------------------------------------


@check
def a_trace(store: Engine, truth: Truth) -> None:
    first = questions.calls(store=store, limit=0)[-1]
    found = questions.trace(first.trace_id, store=store)
    true = truth.where(turn=1)
    assert names(found) == wanted(true)
    assert [row.parent for row in found] == [row["parent"] for row in true]
    for row in found:
        assert row.path.split(" > ")[-1] == row.name
        assert row.depth == row.path.count(" > ")
    by_span = {row.span_id: row for row in found}
    for row in found[1:]:
        assert by_span[row.parent_id].name == row.parent
    assert questions.trace(first.trace_id[:20].upper(), store=store) == found
    newest = questions.trace(store=store)
    assert names(newest) == wanted(truth.where(turn=truth.turns))


@check
def a_call_whole(store: Engine, truth: Truth) -> None:
    true = next(row for row in truth.calls if row.get("id") and row["input"] == 3000)
    (found,) = questions.call(true["id"], store=store)
    assert found.name == true["name"]
    assert found.input[0]["parts"][0]["content"] == truth.question
    assert found.output[0]["parts"][0]["content"] == truth.words
    assert found.attributes["gen_ai.usage.input_tokens"] == 3000
    assert found.attributes["session.id"] == true["session"]
    assert found.resource["service.name"] == "workload"
    assert found.scope.startswith("otelier")
    assert questions.call(found.span_id, store=store) == [found]
    assert questions.call(true["request"], store=store) == [found]


@check
def a_tool_call_whole(store: Engine, truth: Truth) -> None:
    (ran, *_) = questions.calls(store=store, tool="search_orders", session="s-02")
    (found,) = questions.call(ran.span_id, store=store)
    assert "bob" in str(found.arguments) and "order of bob" in str(found.result)


# --- sums -------------------------------------------------------------------------------------


@check
def costs(store: Engine, truth: Truth) -> None:
    for by in ("model", "provider", "user", "tenant", "session", "conversation", "task", "tag"):
        found = {row.key: row for row in questions.costs(by=by, store=store, limit=0)}
        if by == "tag":
            everything = found.pop("demo")
            assert everything.calls == len(truth.calls)
        assert set(found) == set(truth.counted(by, rows=truth.calls)), by
        for key, row in found.items():
            true = [each for each in truth.calls if each[by] == key]
            _compare_sums(row, true)


def _compare_sums(row: Any, true: list[Row]) -> None:
    cost = total(true, "cost")
    assert row.cost == (None if cost is None else near(cost))
    assert row.calls == len(true)
    assert row.errors == sum(each["error"] is not None for each in true)
    assert row.input_tokens == total(true, "input")
    assert (row.output_tokens or 0) == (total(true, "output") or 0)
    assert (row.cache_read_tokens or 0) == (total(true, "cached") or 0)
    assert row.unpriced == unpriced(true)
    assert row.uncounted == 0
    assert row.mean_seconds > 0


@check
def costs_by_agent_and_prompt(store: Engine, truth: Truth) -> None:
    found = {row.key: row for row in questions.costs(by="agent", store=store)}
    inside = [row for row in truth.calls if row["parent"] == "invoke_agent researcher"]
    outside = [row for row in truth.calls if row["parent"] != "invoke_agent researcher"]
    assert set(found) == {"researcher", ""}
    _compare_sums(found["researcher"], inside)
    _compare_sums(found[""], outside)
    found = {row.key: row for row in questions.costs(by="prompt", store=store)}
    assert set(found) == {"research 1", "research 2", ""}
    for version in "12":
        true = [row for row in truth.calls if row.get("prompt_version") == version]
        _compare_sums(found[f"research {version}"], true)
    (everything,) = questions.costs(by="step", store=store)
    assert everything.key == "" and everything.calls == len(truth.calls)


@check
def costs_by_time(store: Engine, truth: Truth) -> None:
    for by, length in (("day", 10), ("hour", 16)):
        found = questions.costs(by=by, store=store)
        assert sum(row.calls for row in found) == len(truth.calls)
        assert [row.key for row in found] == sorted(row.key for row in found)
        assert all(len(row.key) == length for row in found)
        known = total(truth.calls, "cost")
        assert sum(row.cost for row in found if row.cost is not None) == near(known)


@check
def costs_over_time(store: Engine, truth: Truth) -> None:
    for by in ("model", "user", "agent", "tag"):
        rows = questions.costs(by=by, store=store)
        found = course(store, {"by": by}, [row.key for row in rows[:2]], "hour")
        for row in rows[:2]:
            mine = [each.row for each in found if not each.other and each.row.key == row.key]
            costs = [each.cost for each in mine if each.cost is not None]
            assert (math.fsum(costs) if costs else None) == near(row.cost)
            assert sum(each.calls for each in mine) == row.calls
        others = sum(each.row.calls for each in found if each.other)
        assert others == sum(row.calls for row in rows[2:])
        told = course(store, {"by": by}, None, "day")
        assert {each.row.key for each in told} == {row.key for row in rows}


@check
def costs_of_some(store: Engine, truth: Truth) -> None:
    (found,) = questions.costs(by="user", user="ada", tag="stable", store=store)
    _compare_sums(
        found, [row for row in truth.calls if row["user"] == "ada" and row["tag"] == "stable"]
    )
    assert questions.costs(user="nobody", store=store) == []


@check
def sessions(store: Engine, truth: Truth) -> None:
    found = {row.session: row for row in questions.sessions(store=store)}
    assert set(found) == set(truth.counted("session"))
    for session, row in found.items():
        true = [each for each in truth.calls if each["session"] == session]
        spans = truth.where(session=session)
        assert row.cost == near(total(true, "cost"))
        assert row.calls == len(true)
        assert row.errors == sum(each["error"] is not None for each in spans)
        assert (row.input_tokens, row.output_tokens) == (
            total(true, "input"),
            total(true, "output"),
        )
        assert row.unpriced == unpriced(true)
        assert row.traces == len({each["turn"] for each in true})
        assert (row.tenant, row.user, row.users) == (true[0]["tenant"], true[0]["user"], 1)
        assert row.first <= row.last
        assert row.models == tuple(dict.fromkeys(each["model"] for each in true))
        assert row.text == (truth.rare_question if session == "s-05" else truth.question)
        calls = questions.calls(session=session, limit=0, store=store)
        ended = max(each.time + timedelta(seconds=each.seconds) for each in calls)
        assert math.isclose(row.seconds, (ended - row.first).total_seconds(), abs_tol=1e-5)
    dear = truth.summed("cost", "session", rows=truth.calls)
    ranked = sorted(dear, key=lambda session: -dear[session])
    costly = questions.sessions(order="cost", limit=3, store=store)
    assert [row.session for row in costly] == ranked[:3]
    (one,) = questions.sessions(session="s-03", store=store)
    assert one == found["s-03"]


@check
def pages_of_sessions(store: Engine, truth: Truth) -> None:
    for order in ("last", "cost"):
        everything = questions.sessions(order=order, limit=0, store=store)
        assert len(everything) == len(truth.counted("session"))
        pages = [
            questions.sessions(order=order, limit=5, skip=skip, store=store)
            for skip in range(0, len(everything) + 5, 5)
        ]
        assert pages[-1] == []
        assert [row for page in pages for row in page] == everything
    lasts = [row.last for row in questions.sessions(store=store)]
    assert lasts == sorted(lasts, reverse=True)
    assert questions.sessions(limit=0, skip=3, store=store) == questions.sessions(store=store)[3:]


@check
def conversations(store: Engine, truth: Truth) -> None:
    found = {row.conversation: row for row in questions.conversations(store=store)}
    assert set(found) == set(truth.counted("conversation"))
    costs = truth.summed("cost", "conversation", rows=truth.calls)
    assert {key: row.cost for key, row in found.items()} == near(costs)


@check
def unpriced_models(store: Engine, truth: Truth) -> None:
    true = [row for row in truth.calls if row["cost"] is None and row["input"] is not None]
    (found,) = questions.unpriced(store=store)
    assert (found.provider, found.model) == ("ollama", "llama3.2")
    assert found.calls == len(true)
    assert found.input_tokens == total(true, "input")


@check
def cached_input(store: Engine, truth: Truth) -> None:
    found = {row.key: row for row in questions.cache(store=store)}
    true = [row for row in truth.calls if row["model"] == "gpt-4o"]
    row = found["gpt-4o"]
    cached = total(true, "cached")
    assert cached and row.cache_read_tokens == cached
    assert row.hits == sum(each["cached"] > 0 for each in true)
    assert row.share == near(cached / (total(true, "input") or 0))
    # 2.50 USD for a million tokens, 1.25 from the cache.
    assert math.isclose(row.saved or 0, cached * 1.25e-6, rel_tol=1e-6)
    assert row.unknown == 0
    assert found["llama3.2"].saved is None and found["llama3.2"].share == 0
    assert "gpt-broken" not in found


@check
def latency(store: Engine, truth: Truth) -> None:
    calls = questions.calls(models=True, status="ok", limit=0, store=store)
    for by in ("model", "user", "agent"):
        found = {row.key: row for row in questions.latency(by=by, store=store)}
        for key, row in found.items():
            if by == "agent":
                continue
            seconds = sorted(each.seconds for each in calls if getattr(each, by) == key)
            chunks = sorted(
                each.first_chunk
                for each in calls
                if getattr(each, by) == key and each.first_chunk is not None
            )
            assert (row.calls, row.streams) == (len(seconds), len(chunks))
            assert row.mean == near(sum(seconds) / len(seconds))
            assert row.slowest == seconds[-1]
            for share in (50, 90, 99):
                assert getattr(row, f"p{share}") == _nearest(seconds, share)
                assert getattr(row, f"first_p{share}") == _nearest(chunks, share)
        assert sum(row.calls for row in found.values()) == len(calls)
    assert len(truth.calls) - len(calls) == len([row for row in truth.calls if row["error"]])


def _nearest(ordered: list[float], share: int) -> float | None:
    """The percentile by the nearest rank."""
    return ordered[math.ceil(share * len(ordered) / 100) - 1] if ordered else None


# --- failures, tools --------------------------------------------------------------------------


@check
def errors(store: Engine, truth: Truth) -> None:
    found = questions.errors(store=store)
    failed = [row for row in truth.rows if row["error"]]
    # Here those of a type and an operation say the same.
    true = Counter((row["error"], row["operation"]) for row in failed)
    assert Counter({(row.error, row.operation): row.count for row in found}) == true
    assert [row.count for row in found] == sorted(true.values(), reverse=True)
    by_type = {row.error: row for row in found}
    limited = by_type["openai.RateLimitError"]
    assert "Slow down" in limited.message and limited.code == "rate_limit_exceeded"
    assert (limited.models, limited.tools, limited.services) == (("gpt-broken",), (), ("workload",))
    closed = by_type["ConnectionError"]
    assert (closed.message, closed.tools) == ("the desk is closed", ("open_ticket",))
    assert by_type["LookupError"].sources == ("handbook",)
    last, first = (questions.calls(error=limited.error, store=store, limit=0)[at] for at in (0, -1))
    assert (limited.span_id, limited.last, limited.first) == (last.span_id, last.time, first.time)
    assert questions.errors(models=True, store=store) == [limited]
    assert questions.errors(tool="open_ticket", store=store) == [closed]
    assert questions.errors(limit=1, store=store) == found[:1]


@check
def failures(store: Engine, truth: Truth) -> None:
    found = questions.failures(store=store, limit=0)
    calls = questions.calls(status="error", store=store, limit=0)
    assert [row.span_id for row in found] == [row.span_id for row in calls]
    assert len(found) == sum(row["error"] is not None for row in truth.rows)
    paged: list[Any] = []
    while page := questions.failures(
        store=store, limit=3, cursor=paged[-1].cursor if paged else None
    ):
        paged += page
    assert paged == found
    for error in questions.errors(store=store):
        same = questions.failures(alike=error.alike, store=store, limit=0)
        assert len(same) == error.count and same[0].span_id == error.span_id
        assert {row.error for row in same} == {error.error}
    (limited, *_) = questions.failures(error="openai.RateLimitError", store=store)
    assert (limited.http_status, limited.code) == (429, "rate_limit_exceeded")
    assert limited.request_id.startswith("req-") and limited.model == "gpt-broken"


@check
def tools(store: Engine, truth: Truth) -> None:
    found = {row.tool: (row.runs, row.failed) for row in questions.tools(store=store)}
    ran = truth.counted("name", "error", rows=truth.where(operation="execute_tool"))
    assert found == {
        "search_orders": (ran["execute_tool search_orders", None], 0),
        "open_ticket": (ran["execute_tool open_ticket", "ConnectionError"],) * 2,
    }
    ordered = questions.tools(order="failed", sizes=True, store=store)
    assert [row.tool for row in ordered] == ["open_ticket", "search_orders"]
    for row in ordered:
        runs = questions.runs(tool=row.tool, store=store, limit=0)
        for name, size, most in (
            ("arguments", row.argument_bytes, None),
            ("result", row.result_bytes, row.largest),
        ):
            told = [getattr(run, name) for run in runs]
            sizes = [len(wire.dumps(each)) for each in told if each is not None]
            assert size == (round(sum(sizes) / len(sizes)) if sizes else None)
            assert name == "arguments" or most == max(sizes, default=None)


@check
def runs(store: Engine, truth: Truth) -> None:
    found = questions.runs(store=store, limit=0)
    true = truth.where(operation="execute_tool")
    assert [f"execute_tool {row.tool}" for row in found] == [row["name"] for row in true[::-1]]
    for row in found:
        assert set(row.arguments) == {"customer"}
        assert (row.result is None) == (row.status == "error") == (row.tool == "open_ticket")
    failed = questions.runs(failed=True, store=store, limit=0)
    assert failed == [row for row in found if row.error]
    assert {row.message for row in failed} == {"the desk is closed"}
    assert {row.message for row in found if not row.error} == {""}
    paged = questions.runs(store=store, limit=2)
    assert paged + questions.runs(store=store, limit=2, cursor=paged[-1].cursor) == found[:4]


@check
def sources(store: Engine, truth: Truth) -> None:
    (found,) = questions.sources(store=store)
    true = truth.where(operation="retrieval")
    failed = sum(row["error"] is not None for row in true)
    assert (found.data_source, found.searches, found.failed) == ("handbook", len(true), failed)
    searched = questions.retrievals(store=store, limit=0)
    assert found.slowest == max(row.seconds for row in searched)
    assert (searched[0].query, searched[0].documents) == (truth.question, 1)
    assert [(row.documents, row.message) for row in searched if row.error] == [(None, "no index")]


# --- what was said ----------------------------------------------------------------------------


@check
def search(store: Engine, truth: Truth) -> None:
    found = questions.search("CRIMSON", store=store)
    assert {row.session for row in found} == {"s-05"}
    assert {row.role for row in found} == {"user"}
    assert all(truth.rare_question in row.text and "crimson" in row.snippet for row in found)
    # Each turn asks once, though several of its calls carry it.
    asked = questions.search(truth.question, role="user", store=store, limit=0)
    assert len(asked) == truth.turns - 1
    (one,) = questions.search(truth.question, role="user", once=True, store=store)
    assert (one.trace_id, one.traces, one.more) == (asked[0].trace_id, len(asked), False)
    whole = questions.search("order", once=True, limit=0, store=store)
    assert len(whole) > 3 and len({row.span_id for row in whole}) > 3
    said = [row.text for row in whole if row.role == "user"]
    assert len(set(said)) == len(said)
    paged: list[Any] = []
    while not paged or paged[-1].cursor:
        cursor = paged[-1].cursor if paged else None
        paged += questions.search("order", once=True, limit=2, cursor=cursor, store=store)
    assert sorted(row.text for row in paged) == sorted(row.text for row in whole)
    given = questions.search("order of eve", store=store)
    assert {(row.role, row.session) for row in given} >= {("tool", "s-01")}
    assert questions.search("'; DROP TABLE span; --", store=store) == []
    assert questions.search("100%", store=store) == []


@check
def a_conversation(store: Engine, truth: Truth) -> None:
    for key in ("c-01", "c-02", "c-05"):
        found = questions.conversation(key, store=store)
        true = truth.where(conversation=key)
        paid = [row for row in true if "model" in row]
        # All costs and tokens are there, each once, and the totals run.
        costs = [row.cost for row in found if row.cost is not None]
        assert sum(costs) == near(total(paid, "cost"))
        assert found[-1].total_cost == near(sum(costs))
        assert found[-1].total_input_tokens == total(paid, "input")
        assert found[-1].total_output_tokens == total(paid, "output")
        assert found[-1].unpriced == unpriced(paid)
        assert [row.number for row in found] == list(range(1, len(found) + 1))
        # The question is told once in a trace, the answers each.
        question = truth.rare_question if key == "c-05" else truth.question
        turns = len({row["turn"] for row in true})
        assert sum(row.role == "user" and row.text == question for row in found) == turns
        answers = [row for row in true if row.get("model") == "gpt-4o"]
        assert sum(row.text == truth.words for row in found) == len(answers)
        assert {row.conversation for row in found} == {key}
        assert {row.session for row in found} == {true[0]["session"]}
        failed = [row["error"] for row in paid if row["error"]]
        assert [row.error for row in found if row.status == "error"] == failed
        calls = questions.calls(conversation=key, limit=0, store=store)
        took = {each.span_id: each.seconds for each in calls}
        assert all(row.seconds == took[row.span_id] for row in found)
    assert questions.conversation("s-05", store=store) == questions.conversation(
        "c-05", store=store
    )
    assert questions.conversation("c-05", session="s-05", store=store)
    assert questions.conversation("c-05", session="c-05", store=store) == []
    newest = questions.conversation(store=store)
    assert newest == questions.conversation("c-12", store=store)


@check
def compare(store: Engine, truth: Truth) -> None:
    found = {
        row.measure: row
        for row in questions.compare("1", "2", by="prompt_version", prompt="research", store=store)
    }
    sides = {
        side: [row for row in truth.calls if row.get("prompt_version") == version]
        for side, version in (("a", "1"), ("b", "2"))
    }
    for side, true in sides.items():
        assert getattr(found["calls"], side) == len(true)
        assert getattr(found["cost"], side) == near(total(true, "cost"))
        row = found["cost per call"]
        mean = (total(true, "cost") or 0) / len(true)
        assert getattr(row, side) == near(mean)
        assert getattr(row, f"{side}_n") == len(true)
        assert getattr(row, f"{side}_low") < mean < getattr(row, f"{side}_high")
        assert getattr(found["error rate"], side) == 0
        assert 0.1 < getattr(found["error rate"], f"{side}_high") < 0.3
    found = {row.measure: row for row in questions.compare("beta", "stable", store=store)}
    for side, tag in (("a", "beta"), ("b", "stable")):
        true = [row for row in truth.calls if row["tag"] == tag]
        failed = sum(row["error"] is not None for row in true)
        assert getattr(found["error rate"], side) == near(failed / len(true))
