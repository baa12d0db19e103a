"""Questions to stores with nothing, with odd things, and with what nobody knows."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from otelier import questions
from otelier.questions.asking import as_json, ask
from otelier.questions.model import Parameter
from otelier.questions.table import BY_NAME, QUESTIONS
from otelier.store.engine import Engine
from otelier.store.opening import opened
from otelier.store.spans import StoredLog, StoredSpan
from otelier.store.writer import Writer
from tests.questions.over_views import OverViews
from tests.store.made import SECOND, chat, message, span

# What a question needs to be asked at all.
NEEDED: dict[str, dict[str, Any]] = {
    "call": {"id": "none"},
    "search": {"text": "none"},
    "compare": {"a": "x", "b": "y"},
}
NASTY = "'; DROP TABLE span; -- \" %_\\ :since {limit} \N{SNOWMAN} \x1b[31m"


def takes_any(parameter: Parameter) -> bool:
    """Whether it takes any text."""
    return parameter.type == "text" and not parameter.choices and not parameter.form


@pytest.mark.parametrize("name", BY_NAME)
def test_an_empty_store(name: str, written: Any) -> None:
    rows = ask(BY_NAME[name], written(), **NEEDED.get(name, {}))
    assert rows == []


@pytest.mark.parametrize("name", BY_NAME)
def test_a_span_that_tells_nothing(name: str, written: Any) -> None:
    """Of others, and a model call without any number."""
    bare = {"gen_ai.operation.name": "chat"}
    store = written(span(1), span(2, "chat", kind="CLIENT", attributes=bare))
    for row in ask(BY_NAME[name], store, **NEEDED.get(name, {})):
        json.dumps(as_json(BY_NAME[name], [row]), allow_nan=False)
        for column in BY_NAME[name].columns:
            if column.unit in ("USD", "tokens"):
                assert getattr(row, column.name) is None


@pytest.mark.parametrize("name", BY_NAME)
def test_texts_are_no_sql(name: str, written: Any) -> None:
    """In what is asked, and in what is stored."""
    question = BY_NAME[name]
    told = {
        "session.id": NASTY,
        "user.id": NASTY,
        "gen_ai.conversation.id": NASTY,
        "gen_ai.request.model": NASTY,
        "gen_ai.agent.name": NASTY,
        "gen_ai.response.id": NASTY,
        "error.type": NASTY,
        "otelier.metadata.tenant": NASTY,
        "otelier.tags": [NASTY, "a,b"],
    }
    store = written(chat(1, [message("user", NASTY), message("assistant", NASTY)], attributes=told))
    given: dict[str, Any] = dict(NEEDED.get(name, {}))
    given |= {p.name: NASTY for p in question.parameters if takes_any(p)}
    ask(question, store, **given)
    if name in ("calls", "costs", "sessions", "search", "conversation", "call", "traces"):
        names = {"session", "user", "conversation", "model", "tenant", "tag", "text", "id"}
        asked = {key: value for key, value in given.items() if key in names}
        assert ask(question, store, **asked), asked
    assert len(questions.calls(store=store)) == 1


def test_a_tag_with_a_comma(written: Any) -> None:
    said = [message("user", "a"), message("assistant", "b")]
    store = written(
        chat(1, said, attributes={"otelier.tags": ["a,b", "c"]}),
        chat(2, said, attributes={"otelier.tags": ["a", "b"]}),
        chat(3, said),
    )
    (found,) = questions.calls(tag="a,b", store=store)
    assert found.tags == ("a,b", "c")
    assert {row.key: row.calls for row in questions.costs(by="tag", store=store)} == {
        "a,b": 1,
        "c": 1,
        "a": 1,
        "b": 1,
        "": 1,
    }


def test_an_unknown_price_is_no_zero(written: Any) -> None:
    said = [message("user", "a"), message("assistant", "b")]
    unknown = {"gen_ai.usage.cost": None}
    store = written(
        chat(1, said),
        chat(2, said, attributes=unknown),
        chat(3, said, attributes={**unknown, "gen_ai.request.model": "own"}),
    )
    known, own = questions.costs(store=store)
    assert (known.key, known.cost, known.unpriced) == ("gpt-4o", 0.25, 1)
    assert (own.key, own.cost, own.unpriced) == ("own", None, 1)
    assert [row.model for row in questions.unpriced(store=store)] == ["gpt-4o", "own"]
    assert len(questions.dearest(store=store)) == 1


def test_what_told_no_usage_is_counted(written: Any) -> None:
    silent = {
        "gen_ai.usage.cost": None,
        "gen_ai.usage.input_tokens": None,
        "gen_ai.usage.output_tokens": None,
    }
    store = written(chat(1, [message("user", "a"), message("assistant", "b")], attributes=silent))
    (row,) = questions.costs(store=store)
    assert (row.cost, row.input_tokens, row.unpriced, row.uncounted) == (None, None, 0, 1)


def test_the_nearest_step_and_agent(written: Any) -> None:
    """Through spans of others, and up to a parent that is not stored; not in other traces."""
    trace = {"trace_id": "ab" * 16}

    def child(number: int, parent: int | None, **attributes: Any) -> StoredSpan:
        above = None if parent is None else f"{parent + 1:016x}"
        return span(number, parent_id=above, attributes=attributes, **trace)

    def call(number: int, parent: int, **more: Any) -> StoredSpan:
        said = [message("user", "a"), message("assistant", "b")]
        return chat(number, said, parent_id=f"{parent + 1:016x}", **{**trace, **more})

    store = written(
        child(0, None, **{"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "outer"}),
        child(1, 0, **{"otelier.step.name": "plan"}),
        child(2, 1),
        call(3, 2),
        child(4, 1, **{"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "inner"}),
        call(5, 4),
        call(6, 4, attributes={"gen_ai.agent.name": "own"}),
        # Below a span of this id in another trace, and below none.
        call(7, 4, trace_id="cd" * 16),
        call(8, 99),
        # Its own parent.
        call(9, 9),
    )
    agents = {row.key: row.calls for row in questions.costs(by="agent", store=store)}
    assert agents == {"outer": 1, "inner": 1, "own": 1, "": 3}
    steps = {row.key: row.calls for row in questions.costs(by="step", store=store)}
    assert steps == {"plan": 3, "": 3}


def test_sums_of_a_time_know_what_is_above_it(written: Any) -> None:
    outer = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "outer"}
    said = [message("user", "a"), message("assistant", "b")]
    inside = chat(600, said, trace_id="ab" * 16, parent_id="0" * 15 + "2")
    store = written(span(1, trace_id="ab" * 16, attributes=outer), inside)
    since = datetime.fromtimestamp(inside.start_ns / SECOND, UTC) - timedelta(minutes=1)
    (row,) = questions.costs(by="agent", since=since, store=store)
    assert (row.key, row.calls) == ("outer", 1)


def test_a_conversation_tells_each_message_once(written: Any) -> None:
    said = [
        message("user", "one"),
        message("assistant", "two"),
        message("user", "yes"),
        message("assistant", "four"),
        message("user", "yes"),
        message("assistant", "six"),
    ]
    system = {"gen_ai.system_instructions": json.dumps([{"type": "text", "content": "be kind"}])}
    store = written(
        *(chat(number, said[: 2 * number], attributes=system) for number in range(1, 4))
    )
    found = questions.conversation("c-1", store=store)
    assert [(row.role, row.text) for row in found] == [
        ("system", "be kind"),
        *((each["role"], each["parts"][0]["content"]) for each in said),
    ]
    assert [row.cost for row in found if row.direction == "output"] == [0.25] * 3
    assert [row.total_cost for row in found] == [None, None, 0.25, 0.25, 0.5, 0.5, 0.75]
    assert [row.total_input_tokens for row in found][-1] == 30


def test_an_answer_that_comes_back_in_another_form(written: Any) -> None:
    """With a finish reason when it was given, without when it is history; a tool loop."""
    call = {"type": "tool_call", "id": "t1", "name": "look", "arguments": {"x": 1}}
    answer = {"role": "assistant", "parts": [call], "finish_reason": "tool_call"}
    back = {"role": "assistant", "parts": [{**call, "arguments": '{"x": 1}'}]}
    result = {
        "role": "tool",
        "parts": [{"type": "tool_call_response", "id": "t1", "response": "found"}],
    }
    question = message("user", "where?")
    trace = {"trace_id": "ab" * 16}
    store = written(
        chat(1, [question, answer], **trace),
        chat(2, [question, back, result, message("assistant", "there")], **trace),
    )
    found = questions.conversation(store=store)
    assert [row.role for row in found] == ["user", "assistant", "tool", "assistant"]
    assert found[1].text == 'calls look({"x":1})' and found[2].text == "result #t1: found"


def test_a_conversation_without_content_still_costs(written: Any) -> None:
    bare = {"gen_ai.input.messages": None, "gen_ai.output.messages": None}
    store = written(chat(1, [message("user", "a")] * 2, attributes=bare))
    (row,) = questions.conversation(store=store)
    assert (row.role, row.text, row.cost, row.total_cost) == ("", "", 0.25, 0.25)


def test_what_a_cache_saved_is_told_only_where_prices_tell(written: Any) -> None:
    said = [message("user", "a"), message("assistant", "b")]
    used = {"gen_ai.usage.input_tokens": 1000, "gen_ai.usage.cache_read.input_tokens": 600}
    # 400 tokens cost 0.004: the 600 would have cost 0.006.
    priced = {**used, "otelier.cost.input": 0.004, "otelier.cost.cache_read": 0.0006}
    written_too = {
        **priced,
        "gen_ai.usage.input_tokens": 1100,
        "gen_ai.usage.cache_write.input_tokens": 100,
        "otelier.cost.cache_write": 0.00125,
    }
    store = written(
        chat(1, said, attributes={**priced, "session.id": "known"}),
        chat(2, said, attributes={**used, "session.id": "provider"}),
        chat(3, said, attributes={**written_too, "session.id": "written"}),
        chat(4, said, attributes={"session.id": "none"}),
    )
    found = {row.key: row for row in questions.cache(by="session", store=store)}
    assert found["known"].saved == pytest.approx(0.0054)
    assert found["known"].share == pytest.approx(0.6)
    assert (found["provider"].saved, found["provider"].unknown) == (None, 1)
    assert found["written"].saved == pytest.approx(0.0054 + 0.001 - 0.00125)
    assert (found["none"].saved, found["none"].unknown, found["none"].hits) == (None, 0, 0)


@pytest.mark.parametrize(
    ("given", "error", "words"),
    [
        ({"sesion": "x"}, TypeError, "sesion"),
        ({"by": "modle"}, ValueError, "did you mean model"),
        ({"since": "yesterday"}, ValueError, "24h"),
        ({"limit": "many"}, ValueError, "whole number"),
        ({"limit": -1}, ValueError, "from 0 on"),
    ],
)
def test_what_makes_no_sense_is_said(
    given: dict[str, Any], error: type[Exception], words: str, written: Any
) -> None:
    with pytest.raises(error, match=words):
        questions.costs(store=written(), **given)


def test_a_question_that_lacks_what_it_is_about(written: Any) -> None:
    with pytest.raises(TypeError):
        questions.call(store=written())  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="needs 'id'"):
        ask(BY_NAME["call"], written())


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.name)
def test_rows_are_what_columns_say(question: Any, written: Any) -> None:
    said = [message("user", "none"), message("assistant", "b")]
    more = {"session.id": "s", "gen_ai.usage.cost": None, "error.type": "x"}
    store = written(
        chat(1, said),
        chat(2, said, attributes=more, status="ERROR"),
        span(3, attributes={"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "t"}),
        span(4, attributes={"gen_ai.operation.name": "retrieval"}),
    )
    given = NEEDED.get(question.name, {})
    if question.name == "call":
        given = {"id": f"{2:016x}"}
    elif question.name == "compare":
        given = {"a": "", "b": "y"}
    rows = ask(question, store, **given)
    assert rows
    kinds = {"text": str, "int": int, "float": float, "bool": bool, "time": datetime, "list": tuple}
    for row in rows:
        for column in question.columns:
            value = getattr(row, column.name)
            if value is None:
                assert column.optional or column.type == "data", column
            elif column.type != "data":
                assert type(value) is kinds[column.type], (column, value)
            if column.type == "time":
                assert value.tzinfo is UTC
    told = as_json(question, rows)
    assert json.loads(json.dumps(told, allow_nan=False)) == told
    out = io.StringIO()
    csv.DictWriter(out, list(told[0])).writerows(told)


def _conversations() -> dict[str, list[StoredSpan]]:
    said = [message("user", "one"), message("assistant", "two"), message("user", "yes")]
    said += [message("assistant", "four"), message("user", "yes"), message("assistant", "six")]
    system = {"gen_ai.system_instructions": json.dumps([{"type": "text", "content": "be kind"}])}
    cut = {"gen_ai.input.messages": '[{"role":"user","parts":[{"type":"te'}
    trace = {"trace_id": "ab" * 16}
    return {
        "growing": [chat(n, said[: 2 * n], attributes=system) for n in (1, 2, 3)],
        "sliding": [chat(n, said[n : n + 4]) for n in (0, 2)],
        "imported": [chat(1, said), chat(2, [*said, *said])],
        "asked again": [chat(n, said[:2]) for n in (1, 2)],
        "retried": [chat(n, said[:2], **{**trace, "span_id": f"{n:016x}"}) for n in (1, 2)],
        # Steps with instructions of their own, each of which is sent the question.
        "in steps": [
            chat(n, [message("system", f"step {n}"), said[0], message("assistant", f"{n}")], **more)
            for n, more in ((1, trace), (2, {**trace, "span_id": "cd" * 8}), (3, {}))
        ],
        "cut": [chat(1, said[:2], attributes=cut), chat(2, said[:4])],
        "spaced": [chat(n, said[: 2 * n], separators=(", ", ": ")) for n in (1, 2)],
        "odd": [chat(1, said[:2], attributes={"gen_ai.input.messages": '["a", 1, {"x": null}]'})],
        "none": [chat(1, said[:2], attributes={"gen_ai.input.messages": None})],
    }


@pytest.mark.parametrize("kind", _conversations())
def test_a_conversation_is_the_same_read_from_lists_and_from_views(kind: str, written: Any) -> None:
    store = written(*_conversations()[kind])
    found = questions.conversation("c-1", store=store)
    assert found
    other = questions.conversation("c-1", store=OverViews(store))
    for one, two in zip(found, other, strict=True):
        assert one == two


@pytest.mark.parametrize(
    ("kind", "texts"),
    [
        ("growing", ["be kind", "one", "two", "yes", "four", "yes", "six"]),
        ("sliding", ["one", "two", "yes", "four", "yes", "six"]),
        ("imported", ["one", "two", "yes", "four", "yes", "six"]),
        ("asked again", ["one", "two", "one", "two"]),
        ("retried", ["one", "two", "two"]),
        ("in steps", ["step 1", "one", "1", "step 2", "2", "step 3", "one", "3"]),
    ],
)
def test_what_a_conversation_tells(kind: str, texts: list[str], written: Any) -> None:
    found = questions.conversation("c-1", store=written(*_conversations()[kind]))
    told = [row.text for row in found]
    assert told[: len(texts)] == texts


def test_a_long_conversation_is_no_square(written: Any) -> None:
    """What is read grows with the turns."""
    from tests.store.made import talk

    said = talk(300, 50)
    store = written(*(chat(n, said[: 2 * n]) for n in range(1, 301)))
    asked: list[int] = []

    class Counting(OverViews):
        dialect = "sqlite"

        def __init__(self, store: Engine) -> None:
            super().__init__(store)
            self.ask = self._counted  # type: ignore[assignment]

        def _counted(self, *given: Any) -> Any:
            answer = store.ask(*given)
            asked.append(len(answer.rows))
            return answer

    assert len(questions.conversation("c-1", store=Counting(store))) == 600
    assert sum(asked) < 2000


def test_scores_are_compared(tmp_path: Path) -> None:
    """Of evaluations of calls with either tag; one score has no interval."""
    scores = {"old": (0.2, 0.4, 0.6), "new": (0.9,)}
    spans, logs = [], []
    for tag, given in scores.items():
        for score in given:
            number = len(spans) + 1
            said = [message("user", "a"), message("assistant", "b")]
            spans.append(chat(number, said, attributes={"otelier.tags": [tag]}))
            logs.append(
                StoredLog(
                    time_ns=spans[-1].end_ns,
                    name="gen_ai.evaluation.result",
                    trace_id=spans[-1].trace_id,
                    span_id=spans[-1].span_id,
                    attributes={
                        "gen_ai.evaluation.name": "helpful",
                        "gen_ai.evaluation.score.value": score,
                    },
                )
            )
    path = tmp_path / "t.db"
    Writer(path).write(spans, logs)
    found = {row.measure: row for row in questions.compare("old", "new", store=path)}
    row = found["score of helpful"]
    assert (row.a, row.a_n, row.b, row.b_n) == (pytest.approx(0.4), 3, 0.9, 1)
    # Of three: 4.303 times 0.2 by the root of three.
    assert (row.a_low, row.a_high) == pytest.approx((-0.0968, 0.8968), abs=1e-3)
    assert (row.b_low, row.b_high) == (None, None)
    assert found["error rate"].b == 0 and found["error rate"].b_n == 1


def test_a_search_is_for_all_words(written: Any) -> None:
    said = [message("user", "Where is the blue parcel, Zoë?"), message("assistant", "In room 7.")]
    ran = {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "look",
        "gen_ai.tool.call.arguments": '{"colour":"green"}',
        "session.id": "s-9",
    }
    store = written(chat(1, said), chat(2, said), span(3, attributes=ran))

    def roles(words: str, **more: Any) -> list[str]:
        return [row.role for row in questions.search(words, store=store, **more)]

    for words in ("blue", "PARCEL blue", "par", '"the blue"', "zoë", "Where"):
        assert roles(words) == ["user", "user"], words
        if words.isascii():
            assert [row.role for row in questions.search(words, store=OverViews(store))] == [
                "user",
                "user",
            ], words
    assert roles("blue room") == roles('"blue the"') == roles("   ") == roles('"') == []
    assert roles("green") == ["tool"] and roles("green", session="s-1") == []
    assert roles("room", role="user") == [] and len(roles("room", limit=1)) == 1
    (hit,) = questions.search("green", store=store)
    assert (hit.session, hit.snippet) == ("s-9", '{"colour":"green"}')


def test_a_store_that_cannot_be_written_is_searched_as_well(tmp_path: Path) -> None:
    path = tmp_path / "t.db"
    Writer(path).write([chat(1, [message("user", "blue"), message("assistant", "b")])])
    store = opened(str(path))

    class ReadOnly(type(store)):  # type: ignore[misc]
        def catch_up(self) -> bool:
            return False

    closed = ReadOnly(path)
    assert [row.role for row in questions.search("blue", store=closed)] == ["user"]


def test_a_tag_that_is_told_twice_counts_once(written: Any) -> None:
    said = [message("user", "a"), message("assistant", "b")]
    store = written(chat(1, said, attributes={"otelier.tags": ["a", "b", "a"]}))
    (one, two) = questions.costs(by="tag", store=store)
    assert [(row.key, row.calls, row.cost) for row in (one, two)] == [
        ("a", 1, 0.25),
        ("b", 1, 0.25),
    ]
    assert store.ask("SELECT count(*) FROM otelier.spent_tagged").rows == [(2,)]


def test_who_is_not_known_is_no_user(written: Any) -> None:
    session = {"session.id": "s-1"}
    tool = {"gen_ai.operation.name": "execute_tool", **session}
    said = [message("user", "a"), message("assistant", "b")]
    store = written(
        chat(1, said, attributes={**session, "user.id": "ada"}), span(2, attributes=tool)
    )
    assert [row.users for row in questions.sessions(store=store)] == [1]
    assert [row.users for row in questions.sessions(user="", store=store)] == [0]


def test_conversations_of_two_tenants_are_two(written: Any) -> None:
    """Though they have one id: that of the newest call, unless a tenant is named."""

    def of(tenant: str, number: int) -> StoredSpan:
        said = [message("user", f"{tenant} asks"), message("assistant", f"{tenant} is told")]
        return chat(number, said, attributes={"otelier.metadata.tenant": tenant})

    store = written(of("one", 1), of("two", 2))
    for given in ({}, {"id": "c-1"}, {"tenant": "two"}):
        found = questions.conversation(**given, store=store)
        assert [row.text for row in found] == ["two asks", "two is told"]
        assert found[-1].total_cost == 0.25
    found = questions.conversation("c-1", tenant="one", store=store)
    assert [row.text for row in found] == ["one asks", "one is told"]


def test_an_answer_of_the_background_is_told_where_it_was_fetched(written: Any) -> None:
    """Once, however often that was done."""
    unknown = dict.fromkeys(
        [
            "gen_ai.output.messages",
            "gen_ai.usage.cost",
            "gen_ai.usage.input_tokens",
            "gen_ai.usage.output_tokens",
        ]
    )
    question = [message("user", "a"), message("assistant", "")]
    asked = chat(1, question, attributes={**unknown, "otelier.response.background": True})

    def fetched(number: int, **told: Any) -> StoredSpan:
        answer = {
            "gen_ai.operation.name": "fetch_response",
            "gen_ai.conversation.id": "c-1",
            "gen_ai.output.messages": json.dumps([message("assistant", "b")]),
        }
        return span(number, kind="CLIENT", attributes={**answer, **told})

    used = {"gen_ai.usage.output_tokens": 5, "gen_ai.usage.cost": 0.25}
    store = written(asked, fetched(2, **used), fetched(3))
    for engine in (store, OverViews(store)):
        found = questions.conversation("c-1", store=engine)
        assert [(row.role, row.text, row.total_cost) for row in found] == [
            ("user", "a", None),
            ("assistant", "b", 0.25),
        ]


@pytest.mark.parametrize("told", [24, 2.5, b"24h", ["24h"], True])
def test_what_is_no_time_is_said(told: Any, written: Any) -> None:
    with pytest.raises(ValueError, match="is no time"):
        questions.costs(since=told, store=written())


def test_what_was_fetched_is_of_the_model_that_answered(written: Any) -> None:
    told = {
        "gen_ai.operation.name": "fetch_response",
        "gen_ai.response.model": "gpt-5",
        "gen_ai.usage.output_tokens": 5,
        "gen_ai.usage.cost": 0.25,
    }
    (row,) = questions.costs(store=written(span(1, kind="CLIENT", attributes=told)))
    assert (row.key, row.cost) == ("gpt-5", 0.25)


@pytest.mark.parametrize("told", ['{"a":', "{", '["\\ud800"]', '[{"a":1},{bad}]', "[[", "null"])
@pytest.mark.parametrize("name", ["gen_ai.input.messages", "gen_ai.system_instructions"])
def test_what_is_no_list_of_messages_spoils_no_other_answer(
    name: str, told: str, written: Any
) -> None:
    """Cut short, say, or with escapes that are no characters."""
    said = [message("user", "one"), message("assistant", "two")]
    store = written(chat(1, said, attributes={name: told}), chat(2, said))
    for view in ("messages", "attributes", "lists", "message_words"):
        assert store.ask(f"SELECT * FROM otelier.{view}").rows
    texts = [row[0] for row in store.ask("SELECT text FROM otelier.messages").rows]
    assert texts.count("two") == 2
    assert len(questions.search("two", store=store)) == 2
    told_of = [row.text for row in questions.conversation("c-1", store=store)]
    assert told_of.count("two") == 2
    if told.startswith("{"):
        assert told in told_of


def test_a_failure_that_tells_no_type_is_one_everywhere(written: Any) -> None:
    said = [message("user", "a"), message("assistant", "b")]
    tool = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "t", "session.id": "s"}
    store = written(
        chat(1, said, status="ERROR", attributes={"session.id": "s"}),
        span(2, attributes=tool, status="ERROR"),
    )
    assert [(row.key, row.errors) for row in questions.costs(store=store)] == [("gpt-4o", 1)]
    assert questions.latency(store=store) == []
    assert [row.errors for row in questions.sessions(store=store)] == [2]
    assert [row.failed for row in questions.tools(store=store)] == [1]
    assert [row.error for row in questions.errors(store=store)] == ["_OTHER"] * 2
    rate = questions.compare("gpt-4o", "x", by="model", store=store)[2]
    assert (rate.measure, rate.a) == ("error rate", 1.0)
