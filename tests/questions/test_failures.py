"""Failures: which are the same, and which were tried again; runs of tools, and who asked."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from otelier import questions
from otelier.questions.about.alike import alike
from otelier.store.engine import Engine
from otelier.store.spans import StoredSpan
from tests.questions.over_views import OverViews
from tests.store.made import MOMENT, SECOND, chat, message, span

PARENT = "f" * 16
SAID = [message("user", "Where is my parcel?"), message("assistant", "")]
OTHER = [message("user", "Where is my invoice?"), message("assistant", "")]


@pytest.fixture(params=["local", "any"])
def stored(request: pytest.FixtureRequest, written: Any) -> Any:
    """Makes stores of spans: once as they are, once over their views alone."""

    def store(*spans: StoredSpan) -> Engine:
        made: Engine = written(*spans)
        return made if request.param == "local" else OverViews(made)

    return store


def timed(begin: float, end: float) -> dict[str, Any]:
    return {
        "trace_id": "a" * 32,
        "parent_id": PARENT,
        "start_ns": MOMENT + round(begin * SECOND),
        "end_ns": MOMENT + round(end * SECOND),
    }


def model(
    number: int,
    begin: float,
    end: float,
    *,
    failed: str = "",
    said: list[dict[str, Any]] | None = SAID,
    name: str = "gpt-4o",
    **more: Any,
) -> StoredSpan:
    """A model call, which failed if ``failed`` says how."""
    told: dict[str, Any] = {"gen_ai.request.model": name}
    if failed:
        more |= {"status": "ERROR", "status_message": failed}
        told["error.type"] = "openai.APIError"
    made = chat(number, said or [], attributes=told, **{**timed(begin, end), **more})
    for attribute in ("gen_ai.input.messages", "gen_ai.output.messages") if not said else ():
        del made.attributes[attribute]  # type: ignore[attr-defined]
    return made


def tool(number: int, begin: float, end: float, **told: Any) -> StoredSpan:
    attributes = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "look", **told}
    more = {"status": "ERROR", "status_message": "no"} if "error.type" in told else {}
    return span(number, "execute_tool look", attributes=attributes, **timed(begin, end), **more)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Error code: 429 - request req_01Ab", "Error code: 429 - request req_02Xy", True),
        ("no gpt-4o at 2026-11-28T21:04:05Z", "no gpt-6-luna at 2026-11-28T21:05:07Z", True),
        ("used 30000, wanted 1.5", "used 29,999, wanted 20", True),
        ("Error code: 429 - slow", "Error code: 500 - slow", False),
        ("Error code: 429 - slow", "Error code: 429 - slow", True),
        ("HTTP 502, req_1a", "HTTP 503, req_2b", False),
        ("Client error '404 Not Found'", "Client error '410 Gone'", False),
        ("404 Not Found", "410 Not Found", False),
        ("no page 404", "no page 17", True),
        ("Request 539 timed out.", "Request 1911 timed out.", True),
        ("404: nothing", "404: something", False),
        ("", "x", False),
        ("x" * 10_000_000, "x" * 10_000_000 + " and more", True),
        ("\udc00", "\udc01", True),
    ],
    ids=lambda each: str(each)[:40],
)
def test_what_says_the_same_but_for_numbers_is_the_same(one: str, other: str, same: bool) -> None:
    assert (alike("E", "chat", one) == alike("E", "chat", other)) is same
    assert alike("E", "chat", one) != alike("F", "chat", one) != alike("F", "embeddings", one)


def test_the_same_failure_is_one_row_whatever_model_it_is_of(stored: Any) -> None:
    slow = "Error code: 429 - slow down, req_{}"
    store = stored(
        model(1, 1, 2, failed=slow.format(1)),
        model(2, 3, 4, failed=slow.format(2), name="gpt-6-luna"),
        model(3, 5, 6, failed=slow.format(3)),
        model(4, 7, 8, failed="Error code: 400 - too long"),
        tool(5, 9, 10, **{"error.type": "openai.APIError"}),
    )
    found = questions.errors(store=store)
    assert [(row.count, row.operation, row.models, row.tools) for row in found] == [
        (3, "chat", ("gpt-4o", "gpt-6-luna"), ()),
        (1, "execute_tool", (), ("look",)),
        (1, "chat", ("gpt-4o",), ()),
    ]
    assert found[0].message == slow.format(3)
    assert (found[0].first, found[0].last) == tuple(
        row.time for row in questions.failures(alike=found[0].alike, store=store)[::-2]
    )
    (one,) = questions.errors(model="gpt-6-luna", store=store)
    assert (one.alike, one.count) == (found[0].alike, 1)


def tried(store: Engine) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    for row in questions.failures(store=store, limit=0)[::-1]:
        yield row.outcome, [(each["model"], each["status"]) for each in row.tries or ()]


def test_the_same_call_after_a_failure_is_a_try_again(stored: Any) -> None:
    store = stored(
        model(1, 0, 1, failed="no"),
        model(2, 1, 2, failed="no"),
        model(3, 3, 4, name="gpt-6-luna"),
        # Nobody tries again what went well.
        model(4, 5, 6),
    )
    tries = [("gpt-4o", "error"), ("gpt-4o", "error"), ("gpt-6-luna", "ok")]
    assert list(tried(store)) == [("ok", tries), ("ok", tries)]
    (last, _) = questions.failures(store=store)
    assert [each["span_id"] for each in last.tries] == [f"{n:016x}" for n in (2, 3, 4)]
    assert last.tries[0]["time"] == "2026-11-20T10:00:00.000000000Z"


@pytest.mark.parametrize(
    "second",
    [
        model(2, 2, 3, said=OTHER),
        model(2, 0.5, 3),
        model(2, 2, 3, trace_id="b" * 32),
        model(2, 2, 3, parent_id="e" * 16),
        model(2, 2, 3, said=None),
        tool(2, 2, 3),
    ],
    ids=["other words", "beside it", "other trace", "under another", "not told", "a tool"],
)
def test_what_is_no_try_again(stored: Any, second: StoredSpan) -> None:
    assert list(tried(stored(model(1, 0, 1, failed="no"), second))) == [("", [])]


def test_without_content_calls_of_one_name_are_tries(stored: Any) -> None:
    store = stored(model(1, 0, 1, failed="no", said=None), model(2, 1, 2, said=None))
    assert [outcome for outcome, _ in tried(store)] == ["ok"]


def test_tools_are_tried_again_with_the_same_arguments(stored: Any) -> None:
    arguments = "gen_ai.tool.call.arguments"
    failed = {"error.type": "E", arguments: '{"id":1}'}
    same = stored(tool(1, 0, 1, **failed), tool(2, 1, 2, **{arguments: '{"id":1}'}))
    assert [outcome for outcome, _ in tried(same)] == ["ok"]
    other = stored(tool(1, 0, 1, **failed), tool(2, 1, 2, **{arguments: '{"id":2}'}))
    assert [outcome for outcome, _ in tried(other)] == [""]


def asking(number: int, begin: float, end: float, *parts: dict[str, Any]) -> StoredSpan:
    answer = {"role": "assistant", "parts": [{"type": "tool_call", **part} for part in parts]}
    return model(number, begin, end, said=[SAID[0], answer], name=f"model-{number}")


def test_a_run_is_of_the_model_that_asked_for_it(stored: Any) -> None:
    given = {"gen_ai.tool.call.arguments": json.dumps({"n": 1})}
    by_id = {"gen_ai.tool.call.id": "call_2"}
    store = stored(
        asking(1, 0, 1, {"name": "look", "id": "call_1", "arguments": {"n": 1}}),
        asking(2, 0, 1, {"name": "look", "id": "call_2", "arguments": '{"n": 1}'}),
        tool(3, 1, 2, **given, **by_id),
        tool(4, 2, 3, **given),
        tool(5, 3, 4, **given, **{"gen_ai.tool.call.id": "call_9"}),
        tool(6, 0.5, 4, **given),
        tool(7, 4, 5),
    )
    found = {row.span_id: (row.model, row.asked_by) for row in questions.runs(store=store)}
    first, second = (("model-1", f"{2:016x}"), ("model-2", f"{3:016x}"))
    assert found[f"{4:016x}"] == second
    assert found[f"{5:016x}"] in (first, second)
    assert [found[f"{number:016x}"] for number in (6, 7, 8)] == [("", "")] * 3


def test_retrievals_say_what_was_looked_for_and_how_much_was_found(stored: Any) -> None:
    told = {"gen_ai.operation.name": "retrieval", "gen_ai.data_source.id": "wiki"}
    documents = {"gen_ai.retrieval.documents": json.dumps([{"id": "a"}, {"id": "b"}])}
    store = stored(
        span(1, attributes={**told, **documents, "gen_ai.retrieval.query.text": "leave"}),
        span(2, attributes={**told, "gen_ai.retrieval.documents": "cut sho"}),
        span(3, attributes={**told, "error.type": "E"}, status="ERROR"),
    )
    found = questions.retrievals(store=store)
    assert [(row.query, row.documents) for row in found] == [("", None), ("", None), ("leave", 2)]
    first = questions.retrievals(store=store, limit=1)
    assert first + questions.retrievals(store=store, cursor=first[0].cursor) == found
    (source,) = questions.sources(store=store)
    assert (source.data_source, source.searches, source.failed) == ("wiki", 3, 1)


def test_a_large_trace_of_failures_is_compared_nearby(stored: Any) -> None:
    store = stored(*(model(n, n, n + 0.5, failed="no", said=None) for n in range(100)))
    rows = questions.failures(store=store, limit=0)
    assert len(rows) == 100
    assert {len(row.tries) for row in rows} == set(range(17, 34))
    assert all(any(each["span_id"] == row.span_id for each in row.tries) for row in rows)


@pytest.mark.parametrize("question", [questions.failures, questions.runs, questions.retrievals])
def test_what_is_no_cursor_is_refused(written: Any, question: Any) -> None:
    with pytest.raises(ValueError, match="is no cursor"):
        question(cursor="'; DROP TABLE span", store=written())


def test_sizes_are_of_bytes_that_were_recorded(stored: Any) -> None:
    given, gave = "gen_ai.tool.call.arguments", "gen_ai.tool.call.result"
    store = stored(
        tool(1, 0, 1, **{given: "ü" * 10, gave: "ü" * 1000}),
        tool(2, 1, 2, **{given: '{"a":1}', gave: ""}),
        tool(3, 2, 3),
        tool(4, 3, 4, **{given: {"a": "b"}, "session.id": "other"}),
    )
    (found,) = questions.tools(sizes=True, store=store)
    assert (found.argument_bytes, found.result_bytes, found.largest) == (12, 2000, 2000)
    (other,) = questions.tools(sizes=True, session="other", store=store)
    assert (other.runs, other.argument_bytes, other.largest) == (1, 9, None)
    (without,) = questions.tools(store=store)
    assert (without.runs, without.argument_bytes, without.largest) == (4, None, None)
