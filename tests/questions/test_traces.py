"""The list of traces: which ones, in what order, page by page, and what is said of each."""

from __future__ import annotations

import json
import random
import re
import sqlite3
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from otelier import questions
from otelier.store.engine import Engine
from otelier.store.spans import StoredSpan
from otelier.store.writer import Writer
from tests.questions.over_views import OverViews
from tests.store.made import MOMENT, SECOND, chat, message, span, talk

SAID = [message("user", "where is it?"), message("assistant", "there")]
UNKNOWN = dict.fromkeys(
    ["gen_ai.usage.cost", "gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens"]
)


def trace(number: int) -> str:
    """The id of a trace."""
    return f"{number:032x}"


def within(found: StoredSpan, of: int, above: int | None = None) -> StoredSpan:
    """A span made one of a trace, below the span of another number."""
    parent = None if above is None else f"{above + 1:016x}"
    return replace(found, trace_id=trace(of), parent_id=parent)


def operation(number: int, name: str, **more: Any) -> StoredSpan:
    """A call that is none of a model."""
    return span(number, f"{name} x", attributes={"gen_ai.operation.name": name, **more})


def asked(store: Engine, **given: Any) -> list[Any]:
    """The list; a store that has nothing but views has the same."""
    found = questions.traces(store=store, **given)
    assert questions.traces(store=OverViews(store), **given) == found  # type: ignore[arg-type]
    return found


def ids(rows: Iterable[Any]) -> list[int]:
    return [int(row.trace_id, 16) for row in rows]


def paged(store: Engine, size: int, **given: Any) -> list[Any]:
    """All pages, one behind the other."""
    found: list[Any] = []
    cursor = None
    while page := questions.traces(store=store, limit=size, cursor=cursor, **given):
        assert len(page) <= size
        found += page
        cursor = page[-1].cursor
    return found


class Counting(OverViews):
    """Counts what is asked of the local store, and the rows that it answers."""

    dialect = "sqlite"

    def __init__(self, store: Engine) -> None:
        super().__init__(store)
        self.rows: list[int] = []
        self.ask = self._counted  # type: ignore[assignment]
        self._asked = store.ask

    def _counted(self, *given: Any) -> Any:
        answer = self._asked(*given)
        self.rows.append(len(answer.rows))
        return answer


# --- which ones -------------------------------------------------------------------------------


def test_what_is_said_is_of_the_whole_trace(written: Any) -> None:
    store = written(
        within(operation(0, "invoke_agent"), 7),
        within(chat(1, SAID, attributes={"user.id": "ada"}), 7, 0),
        within(operation(2, "execute_tool", **{"gen_ai.tool.name": "look"}), 7, 0),
        within(chat(3, SAID, status="ERROR", attributes={"user.id": "bob"}), 7, 0),
        chat(9, SAID),
    )
    (row,) = asked(store, user="ada")
    assert (row.trace_id, row.name, row.status) == (trace(7), "invoke_agent x", "ok")
    assert (row.calls, row.tools, row.errors) == (2, 1, 1)
    assert (row.cost, row.input_tokens, row.output_tokens) == (0.5, 20, 10)
    assert row.seconds == 3.5
    assert (row.time, row.last) == tuple(
        datetime.fromtimestamp((MOMENT + number * SECOND) / SECOND, UTC) for number in (0, 3)
    )
    assert (row.user, row.conversation, row.service) == ("ada", "c-1", "shop")
    assert row == replace(asked(store)[1], cursor=row.cursor)


def test_one_call_has_to_fit_all_conditions(written: Any) -> None:
    store = written(
        within(chat(1, SAID, attributes={"user.id": "ada"}), 1),
        within(operation(2, "execute_tool", **{"gen_ai.tool.name": "look"}), 1),
    )
    assert ids(asked(store, user="ada")) == ids(asked(store, tool="look")) == [1]
    assert asked(store, user="ada", tool="look") == []


@pytest.mark.parametrize(
    "given",
    [
        {"session": "s"},
        {"conversation": "c"},
        {"user": "u"},
        {"tenant": "t"},
        {"tag": "one"},
        {"model": "own"},
        {"model": "own-1"},
        {"provider": "p"},
        {"service": "other"},
        {"operation": "chat", "status": "closed"},
        {"status": "closed"},
        {"agent": "a"},
        {"prompt": "r"},
        {"task": "k"},
        {"since": "2026-11-20T10:00:05", "until": "2026-11-20T10:00:06"},
    ],
    ids=str,
)
def test_each_condition(given: dict[str, Any], written: Any) -> None:
    told = {
        "session.id": "s",
        "gen_ai.conversation.id": "c",
        "user.id": "u",
        "otelier.metadata.tenant": "t",
        "otelier.tags": ["one", "two"],
        "gen_ai.request.model": "own",
        "gen_ai.response.model": "own-1",
        "gen_ai.provider.name": "p",
        "otelier.stream.end": "closed",
        "gen_ai.agent.name": "a",
        "gen_ai.prompt.name": "r",
        "otelier.metadata.task_id": "k",
    }
    of = chat(5, SAID).resource
    other = replace(of, attributes={"service.name": "other"})
    store = written(chat(1, SAID), chat(5, SAID, attributes=told, resource=other), chat(9, SAID))
    (row,) = asked(store, **given)
    assert (row.user, row.tags, row.models) == ("u", ("one", "two"), ("own",))


def test_the_order_is_that_of_the_newest_calls_that_fit(written: Any) -> None:
    store = written(
        within(chat(1, SAID, attributes={"user.id": "ada"}), 1),
        within(chat(2, SAID, attributes={"user.id": "ada"}), 2),
        within(chat(3, SAID), 1),
    )
    assert ids(asked(store)) == [1, 2]
    assert ids(asked(store, user="ada")) == [2, 1]


def test_two_tenants(written: Any) -> None:
    def call(number: int, of: int, tenant: str) -> StoredSpan:
        return within(chat(number, SAID, attributes={"otelier.metadata.tenant": tenant}), of)

    store = written(
        call(1, 1, "acme"), call(2, 2, "umbrella"), call(3, 3, "umbrella"), call(4, 3, "acme")
    )
    assert ids(asked(store, tenant="acme")) == [3, 1]
    assert ids(asked(store, tenant="umbrella")) == [3, 2]
    both = asked(store, tenant="acme")[0]
    assert (both.tenant, both.cost, both.calls) == ("umbrella", 0.5, 2)


def test_other_libraries_spans_are_no_trace_of_ours(written: Any) -> None:
    store = written(span(1, "GET /"), span(2, "SELECT", kind="CLIENT"))
    assert asked(store) == []
    more = written(span(1, "GET /"), within(span(2, "POST /"), 5), within(chat(3, SAID), 5, 2))
    (row,) = asked(more)
    # What they took is not in it.
    assert (row.name, row.calls, row.seconds) == ("chat gpt-4o", 1, 0.5)


# --- page by page -----------------------------------------------------------------------------


def _crowd(count: int, seed: int) -> list[StoredSpan]:
    """Calls of many traces in each other's way, many of them at the same time."""
    rand = random.Random(seed)
    return [
        replace(
            chat(number, SAID, attributes={"user.id": rand.choice("ab")}),
            trace_id=trace(rand.randrange(count // 4)),
            start_ns=MOMENT + rand.randrange(count // 8) * rand.choice((1, SECOND)),
        )
        for number in range(count)
    ]


@pytest.mark.parametrize("given", [{}, {"user": "a"}, {"until": "2026-11-20T10:00:30"}], ids=str)
@pytest.mark.parametrize("size", [1, 3, 50])
def test_no_trace_is_there_twice_and_none_is_lost(
    size: int, given: dict[str, Any], written: Any
) -> None:
    spans = _crowd(600, seed=size)
    store = written(*spans)
    everything = asked(store, limit=0, **given)
    until = MOMENT + 30 * SECOND if "until" in given else 2**63
    newest: dict[str, tuple[int, str]] = {}
    for each in spans:
        if each.start_ns < until and given.get("user") in (None, each.attributes["user.id"]):
            place = (each.start_ns, each.trace_id)
            newest[each.trace_id] = max(newest.get(each.trace_id, place), place)
    wanted = sorted(newest, key=lambda of: newest[of], reverse=True)
    assert [row.trace_id for row in everything] == wanted
    assert paged(store, size, **given) == everything


def test_pages_stay_what_they_are_while_traces_come_and_go_on(written: Any) -> None:
    store = written(*(chat(number, SAID) for number in range(10)))
    first = asked(store, limit=4)
    assert ids(first) == [10, 9, 8, 7]
    # One goes on that was on the page, one that was not, and one is new.
    writer = Writer(store.path)
    writer.write([within(chat(20, SAID), 8), within(chat(21, SAID), 3), chat(22, SAID)])
    assert ids(asked(store, limit=4, cursor=first[-1].cursor)) == [6, 5, 4, 2]
    assert ids(asked(store, limit=4)) == [23, 3, 8, 10]


def test_how_many(written: Any) -> None:
    store = written(*(chat(number, SAID) for number in range(300)))
    assert ids(asked(store)) == list(range(300, 280, -1))
    assert ids(asked(store, limit=1)) == [300]
    assert ids(asked(store, limit=0)) == list(range(300, 0, -1))


def test_a_trace_of_many_calls_hides_no_other(written: Any) -> None:
    """However many of the newest calls are its own."""
    many = (within(chat(10 + number, SAID), 9) for number in range(3000))
    store = written(chat(1, SAID), *many)
    large, small = asked(store, limit=2)
    assert (large.calls, large.cost, small.calls) == (3000, 750.0, 1)


@pytest.mark.parametrize("cursor", ["x", "2026-11-20", "2026-11-20T10:00:00.000000000/' OR 1", "/"])
def test_what_is_no_cursor_is_said(cursor: str, written: Any) -> None:
    with pytest.raises(ValueError, match="is no cursor: only what comes behind a row"):
        questions.traces(cursor=cursor, store=written())


def test_what_hardly_any_call_fits_is_looked_for_once(written: Any) -> None:
    crowd = [chat(number, SAID) for number in range(2000)]
    counting = Counting(written(*crowd[:1500], chat(5000, SAID, attributes={"user.id": "ada"})))
    assert ids(questions.traces(user="ada", store=counting)) == [5001]  # type: ignore[arg-type]
    assert sum(counting.rows) < 20 and len(counting.rows) < 10


def test_no_more_is_read_than_a_page_needs(written: Any) -> None:
    counting = Counting(written(*(chat(number, SAID) for number in range(3000))))
    last = questions.traces(limit=0, store=counting)[1500]  # type: ignore[arg-type]
    for given in ({}, {"cursor": last.cursor}):
        counting.rows.clear()
        assert len(questions.traces(store=counting, **given)) == 20  # type: ignore[arg-type]
        assert sum(counting.rows) < 500 and len(counting.rows) < 10


# --- what is said of one ----------------------------------------------------------------------


def test_what_is_not_known_is_in_no_sum(written: Any) -> None:
    unpriced = {"gen_ai.usage.cost": None}
    store = written(
        within(chat(1, SAID), 1),
        within(chat(2, SAID, attributes=unpriced), 1),
        within(chat(3, SAID, attributes=UNKNOWN), 1),
        within(chat(4, SAID, attributes=UNKNOWN), 2),
        within(operation(5, "retrieval"), 3),
    )
    searched, silent, mixed = asked(store)
    assert (mixed.cost, mixed.unpriced, mixed.uncounted, mixed.input_tokens) == (0.25, 1, 1, 20)
    assert (silent.cost, silent.input_tokens, silent.unpriced, silent.uncounted) == (
        None,
        None,
        0,
        1,
    )
    assert (searched.cost, searched.calls, searched.models) == (None, 0, ())


def test_what_is_free_costs_nothing(written: Any) -> None:
    (row,) = asked(written(chat(1, SAID, attributes={"gen_ai.usage.cost": 0.0})))
    assert row.cost == 0.0


def test_agents_repeat_what_is_below_them_and_are_paid_once(written: Any) -> None:
    summed = {"gen_ai.usage.input_tokens": 10, "otelier.cost.total": 0.25}
    store = written(within(operation(1, "invoke_agent", **summed), 1), within(chat(2, SAID), 1, 1))
    (row,) = asked(store)
    assert (row.cost, row.input_tokens, row.calls) == (0.25, 10, 1)


def test_a_trace_whose_outermost_call_is_not_there_has_the_earliest(written: Any) -> None:
    """It still runs, or was lost."""
    store = written(
        within(operation(3, "execute_tool"), 1, 50), within(chat(2, SAID), 1, 50), chat(9, SAID)
    )
    assert asked(store)[1].name == "chat gpt-4o"


def test_the_outermost_call_is_found_by_parents_not_by_clocks(written: Any) -> None:
    """Another machine's clock is behind; spans of others are between."""
    store = written(
        within(span(4, "GET /"), 1),
        within(operation(5, "invoke_workflow"), 1, 4),
        within(span(6, "POST /", kind="CLIENT"), 1, 5),
        within(span(1, "POST /", kind="SERVER"), 1, 6),
        within(operation(2, "invoke_agent"), 1, 1),
        within(chat(3, SAID), 1, 2),
    )
    (row,) = asked(store)
    assert (row.name, row.operation) == ("invoke_workflow x", "invoke_workflow")


def test_calls_at_the_same_moment(written: Any) -> None:
    """Of a clock of milliseconds: the one above is the outermost, whatever its id is."""
    at = {"start_ns": MOMENT, "end_ns": MOMENT}
    store = written(
        within(replace(chat(1, SAID), **at), 1, 8), within(replace(operation(8, "x"), **at), 1)
    )
    (row,) = asked(store)
    assert (row.name, row.seconds) == ("x x", 0.0)


@pytest.mark.parametrize("parents", [(1,), (2, 1), (2, 3, 1)])
def test_parents_without_end(parents: tuple[int, ...], written: Any) -> None:
    calls = (within(chat(n, SAID), 1, above) for n, above in enumerate(parents, start=1))
    store = written(*calls)
    (row,) = asked(store)
    assert (row.name, row.calls) == ("chat gpt-4o", len(parents))
    counting = Counting(store)
    assert questions.traces(store=counting) == [row]  # type: ignore[arg-type]
    assert len(counting.rows) < 12


def test_a_span_that_both_its_ends_tell_of(written: Any) -> None:
    both = span(2, "invoke_agent x", attributes={"gen_ai.operation.name": "invoke_agent"})
    store = written(
        within(replace(both, kind="CLIENT"), 1, 8),
        within(span(2, "POST /", kind="SERVER"), 1, 9),
        within(chat(1, SAID), 1, 2),
    )
    (row,) = asked(store)
    assert row.name == "invoke_agent x"


def test_how_it_ended_is_how_its_outermost_call_ended(written: Any) -> None:
    store = written(
        within(operation(1, "invoke_agent"), 1),
        within(chat(2, SAID, status="ERROR"), 1, 1),
        replace(chat(3, SAID, attributes={"otelier.stream.end": "closed"}), trace_id=trace(2)),
        replace(chat(4, SAID, status="ERROR"), trace_id=trace(3)),
    )
    found = {int(row.trace_id, 16): (row.status, row.errors) for row in asked(store)}
    assert found == {1: ("ok", 1), 2: ("closed", 0), 3: ("error", 1)}
    assert ids(asked(store, status="error")) == [3, 1]


def test_what_ends_last_may_have_begun_first(written: Any) -> None:
    long = replace(operation(1, "invoke_agent"), end_ns=MOMENT + 1_500_000_123)
    store = written(within(long, 1), within(chat(1, SAID), 1, 1))
    assert asked(store)[0].seconds == pytest.approx(0.500000123, abs=1e-9)


def test_models_and_tags_are_told_once_in_the_order_in_which_they_came(written: Any) -> None:
    def call(number: int, model: str, *tags: str) -> StoredSpan:
        told = {"gen_ai.request.model": model, "otelier.tags": list(tags)}
        return within(chat(number, SAID, attributes=told), 1)

    store = written(call(2, "b", "y"), call(1, "c", "x", "y"), call(3, "a"), call(4, "c", "x, z"))
    (row,) = asked(store)
    assert (row.models, row.tags) == (("c", "b", "a"), ("x", "y", "x, z"))


# --- what was said ----------------------------------------------------------------------------


def texts(written: Any, *spans: StoredSpan) -> list[str]:
    return [row.text for row in asked(written(*(within(each, 1) for each in spans)))]


@pytest.mark.parametrize("separators", [(",", ":"), (", ", ": "), (" , ", " : ")])
def test_of_a_conversation_the_last_thing_that_was_asked(
    separators: tuple[str, str], written: Any
) -> None:
    """What was said in earlier traces is history."""
    said = [*talk(5, 20), message("user", "and now?"), message("assistant", "so")]
    assert texts(written, chat(1, said, separators=separators)) == ["and now?"]


def test_what_the_first_model_call_was_asked(written: Any) -> None:
    second = [*SAID, message("user", "second"), message("assistant", "x")]
    agent = {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.input.messages": json.dumps([message("user", "the agent's")]),
    }
    outer = span(0, "invoke_agent x", attributes=agent)
    silent = chat(1, SAID, attributes={"gen_ai.input.messages": None})
    assert texts(written, outer, silent, chat(2, SAID), chat(3, second)) == ["where is it?"]
    # Where no model call tells.
    assert texts(written, outer, silent) == ["the agent's"]


def test_results_of_tools_are_nobodys_words(written: Any) -> None:
    """Anthropic's come as a user's message."""
    result = {"type": "tool_call_response", "id": "t1", "response": "found"}
    given = [SAID[0], SAID[1], {"role": "user", "parts": [result]}, message("assistant", "x")]
    assert texts(written, chat(1, given)) == ["where is it?"]
    both = [*given[:2], {"role": "user", "parts": [result, message("user", "go on")["parts"][0]]}]
    assert texts(written, chat(1, [*both, SAID[1]])) == ["go on"]


def test_a_picture_is_said_to_be_one(written: Any) -> None:
    part = {"type": "blob", "modality": "image", "mime_type": "image/png", "content": "AAAA"}
    given = [*SAID, {"role": "user", "parts": [part]}, message("assistant", "a cat")]
    assert texts(written, chat(1, given)) == ["[image image/png 3 bytes]"]


def test_a_long_text_is_cut_and_says_so(written: Any) -> None:
    (text,) = texts(written, chat(1, [message("user", "é" * 1234), SAID[1]]))
    assert text == "é" * 200 + "… (1,034 more characters)"
    assert texts(written, chat(1, [message("user", "é" * 200), SAID[1]])) == ["é" * 200]


@pytest.mark.parametrize(
    "told",
    [
        "where is it?",
        '{"a":',
        "null",
        "7",
        '"user"',
        "[[",
        '["user", 1, null, {}]',
        '[{"role":"user","parts":[{"type":"te',
        '[{"role":"user"}]',
        '[{"role":"user","parts":null}]',
        '[{"role":"user","parts":["a"]}]',
        '[{"role":7,"parts":[{"type":"text","content":"a"}]}]',
        '[{"role":"system","parts":[{"type":"text","content":"be kind"}]}]',
        "",
        7,
        None,
        [],
    ],
    ids=repr,
)
def test_what_is_no_message_of_a_user_is_nothing(told: Any, written: Any) -> None:
    of = chat(1, SAID, attributes={"gen_ai.input.messages": told})
    other = chat(2, SAID)
    found = asked(written(of, other))
    assert [row.text for row in found] == ["where is it?", ""]


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (7, "7"),
        (None, "(nothing)"),
        ({"a": 1}, '{"a":1}'),
        (["b"], '["b"]'),
        ("\x00\x1b[31m\u202e", "\x00\x1b[31m\u202e"),
        ("<b>", "<b>"),
    ],
)
def test_what_else_a_text_may_hold(content: Any, text: str, written: Any) -> None:
    given = {"role": "user", "parts": [{"type": "text", "content": content}, {"type": 5}, 8]}
    assert texts(written, chat(1, [given, SAID[1]])) == [f'{text}\n[part] {{"type":5}}']


def test_a_long_history_is_not_read(written: Any) -> None:
    said = talk(300, 50)
    counting = Counting(written(*(chat(n, said[: 2 * n]) for n in range(290, 301))))
    found = questions.traces(store=counting)  # type: ignore[arg-type]
    assert [row.text.split()[:2] for row in found] == [
        ["user", str(turn)] for turn in range(299, 288, -1)
    ]
    assert sum(counting.rows) < 200


def test_a_question_far_back_is_found(written: Any) -> None:
    """Before hundreds of calls of tools, each trace a call further."""
    steps = [message(role, f"{n}") for n in range(300) for role in ("assistant", "tool")]
    said = [message("user", "the question"), *steps]
    counting = Counting(written(*(chat(n, said[: 600 - n]) for n in range(20))))
    found = questions.traces(store=counting)  # type: ignore[arg-type]
    assert {row.text for row in found} == {"the question"} and len(found) == 20
    assert len(counting.rows) < 15


def test_texts_that_are_gone_are_nothing(written: Any) -> None:
    store = written(chat(1, SAID), chat(2, talk(8, 20)))
    with sqlite3.connect(store.path) as connection:
        connection.execute("DELETE FROM text")
    assert [row.text for row in questions.traces(store=store)] == ["", ""]


@pytest.mark.parametrize("queries", range(1, 10))
def test_a_trace_that_is_forgotten_while_it_is_asked_about(queries: int, written: Any) -> None:
    store = written(*(within(chat(number, SAID), number, 9) for number in range(1, 6)))
    last = asked(store, limit=1)[0]

    class Forgetting(Counting):
        def _counted(self, *given: Any) -> Any:
            answer = super()._counted(*given)
            if len(self.rows) == queries:
                with sqlite3.connect(store.path) as connection:
                    connection.execute("DELETE FROM span WHERE trace_id != ?", (trace(2),))
            return answer

    found = questions.traces(store=Forgetting(store), cursor=last.cursor)  # type: ignore[arg-type]
    assert {2} <= set(ids(found)) <= {1, 2, 3, 4}


def test_a_cursor_is_a_place(written: Any) -> None:
    (row,) = asked(written(chat(1, SAID)))
    assert row.cursor == f"2026-11-20T10:00:01.000000000/{trace(2)}"
    assert re.fullmatch(r"[\w:.-]+/\w+", row.cursor)


def test_since_is_a_time_as_people_write_it(written: Any) -> None:
    store = written(chat(1, SAID))
    moment = datetime.fromtimestamp(MOMENT / SECOND, UTC) + timedelta(seconds=1)
    assert len(asked(store, since=moment)) == 1
    assert asked(store, since=moment + timedelta(microseconds=1)) == []
