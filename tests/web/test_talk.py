"""A conversation in pieces: entries, windows of them, failures, and what is printed of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from otelier import semconv
from otelier.web.shown import said, talk
from otelier.web.shown.chat import Ran
from otelier.web.shown.said import Around
from otelier.web.shown.talk import Entry, Failure

BEGAN = datetime(2026, 11, 28, 21, 4, tzinfo=UTC)


@dataclass
class Row:
    """What pages need of a row of ``conversation``."""

    role: str
    text: str = ""
    call: int = 1
    direction: str = "input"
    parts: Any = None
    trace_id: str = "aa"
    conversation: str = "c"
    error: str = ""

    @property
    def span_id(self) -> str:
        return f"{self.call:02}"

    @property
    def time(self) -> datetime:
        return BEGAN + timedelta(minutes=self.call)

    @property
    def message(self) -> Any:
        told = [{"type": "text", "content": self.text}] if self.parts is None else self.parts
        return {"role": self.role, "parts": told}


def asks(id: Any = "t1", name: str = "look") -> dict[str, Any]:
    return {"type": "tool_call", "id": id, "name": name, "arguments": {}}


def gives(text: str, id: Any = "t1") -> dict[str, Any]:
    return {"type": "tool_call_response", "id": id, "response": text}


def turn(call: int, **more: Any) -> list[Row]:
    """A question and an answer."""
    return [
        Row("user", f"question {call}", call, **more),
        Row("assistant", f"answer {call}", call, "output", **more),
    ]


def told(found: Sequence[Entry]) -> list[str]:
    """What entries are: of messages what they say, of others their kind."""
    return [
        entry.kind if entry.kind != "message" else entry.about.text or entry.about.role
        for entry in found
    ]


def made(turns: int) -> list[Entry]:
    return talk.entries([row for call in range(1, turns + 1) for row in turn(call)])


# --- entries ----------------------------------------------------------------------------------


def test_a_line_stands_before_each_answer_and_each_trace() -> None:
    found = talk.entries([*turn(1), *turn(2), *turn(3, trace_id="bb"), *turn(4, conversation="d")])
    assert told(found) == [
        *("trace", "question 1", "call", "answer 1", "question 2", "call", "answer 2"),
        *("trace", "question 3", "call", "answer 3"),
        *("trace", "question 4", "call", "answer 4"),
    ]
    keys = [entry.key for entry in found]
    assert len(set(keys)) == len(keys)
    # Who has a link to an entry still has it when more was said.
    assert [entry.key for entry in talk.entries(turn(1))] == keys[:4]


def test_a_call_without_an_answer_or_any_message_has_a_line() -> None:
    rows = [Row("user", "question", 1), Row("", "", 2, ""), *turn(3)]
    assert told(talk.entries(rows))[:4] == ["trace", "question", "call", "call"]
    assert talk.entries([]) == []


def test_results_stand_beside_their_calls_wherever_they_were_said() -> None:
    rows = [
        Row("user", "question", 1),
        Row("assistant", "", 1, "output", [asks("t1"), asks("t2")]),
        Row("tool", "", 2, parts=[gives("one", "t1")]),
        Row("tool", "", 2, parts=[gives("two", "t2"), {"type": "text", "content": "by the way"}]),
        Row("assistant", "answer", 2, "output"),
    ]
    found = talk.entries(rows)
    assert told(found) == ["trace", "question", "call", "assistant", "tool", "call", "answer"]
    assert [part["response"] for part in found[3].results] == ["one", "two"]
    # What else the message says stays where it was said.
    assert found[4].message["parts"] == [{"type": "text", "content": "by the way"}]
    assert len(rows[3].message["parts"]) == 2


def test_an_id_that_is_used_again_is_of_the_newest_call() -> None:
    rows = [
        Row("assistant", "", 1, "output", [asks()]),
        Row("tool", "", 2, parts=[gives("one")]),
        Row("assistant", "", 2, "output", [asks()]),
        Row("tool", "", 3, parts=[gives("two")]),
    ]
    entries = talk.entries(rows)
    found = [entry.results for entry in entries if entry.kind == "message"]
    assert [[part["response"] for part in parts] for parts in found] == [["one"], ["two"]]
    # Both are printed beside their own.
    printed = [item.bubbles for item in said.items(entries, Around()) if item.bubbles]
    assert [[part.answer and part.answer.text for part in each[0].parts] for each in printed] == [
        ["one"],
        ["two"],
    ]


@pytest.mark.parametrize("id", ["", None, 7, ["t1"], "another"])
def test_a_result_whose_call_is_not_known_stays_where_it_is(id: Any) -> None:
    rows = [Row("assistant", "", 1, "output", [asks()]), Row("tool", "", 2, parts=[gives("x", id)])]
    found = talk.entries(rows)
    assert told(found) == ["trace", "call", "assistant", "tool", "call"]
    assert found[2].results == ()


def test_tools_of_the_server_answer_in_the_message_that_calls_them() -> None:
    call = {"type": "server_tool_call", "id": "s1", "name": "web", "server_tool_call": {"q": "x"}}
    result = {
        "type": "server_tool_call_response",
        "id": "s1",
        "server_tool_call_response": "found",
    }
    (_, _, entry) = talk.entries([Row("assistant", "", 1, "output", [call, result])])
    ((bubble,),) = [item.bubbles for item in said.items([entry], Around())]
    (part,) = bubble.parts
    assert part.answer is not None and part.answer.text == "found"


@pytest.mark.parametrize("message", [None, 1, "a", [], {"parts": 1}, {"parts": [None, {}, 1]}])
def test_what_is_no_message_is_shown_as_it_is(message: Any) -> None:
    @dataclass
    class Odd(Row):
        @property
        def message(self) -> Any:
            return message

    found = talk.entries([Odd("user", '{"cut')])
    assert [entry.kind for entry in found] == ["trace", "message", "call"]
    assert found[1].message == ('{"cut' if message is None else message)
    assert said.items(found, Around())[1].bubbles


# --- windows ----------------------------------------------------------------------------------


def test_the_newest_messages_begin_by_a_question() -> None:
    found = made(5)
    for most in (3, 4):
        shown = talk.newest(found, most)
        assert told(shown.entries) == [
            *("question 4", "call", "answer 4", "question 5", "call", "answer 5"),
        ]
        assert (shown.above, shown.below, shown.following) == (6, 0, "")
    whole = talk.newest(found, 60)
    assert (list(whole.entries), whole.above) == (found, 0)
    assert talk.newest([], 60).first == ""


def test_a_long_question_is_parted_from_its_answer() -> None:
    rows = [*(Row("user", f"said {n}") for n in range(40)), Row("assistant", "a", 1, "output")]
    shown = talk.newest(talk.entries(rows), 3)
    assert told(shown.entries) == ["said 38", "said 39", "call", "a"]
    assert shown.above == 38


def test_pages_follow_each_other_without_a_gap_in_both_directions() -> None:
    found = made(23)
    shown = talk.newest(found, 4)
    pages = [shown]
    while pages[0].above:
        pages.insert(0, talk.before(found, pages[0].first, 4))
    assert [entry for page in pages for entry in page.entries] == found
    for page, later in pairwise(pages):
        assert page.following == later.first
        assert page.below == later.below + sum(e.kind == "message" for e in later.entries)
    onward = [talk.behind(found, found[0].key, 4)]
    while onward[-1].following:
        onward.append(talk.behind(found, onward[-1].following, 4))
    assert [entry for page in onward for entry in page.entries] == found


def test_a_place_is_shown_with_what_is_around_it() -> None:
    found = made(40)
    key = next(entry.key for entry in found if entry.kind == "call" and entry.about.call == 20)
    shown = talk.around(found, key, 8, 4)
    assert told(shown.entries)[:4] == ["question 18", "call", "answer 18", "question 19"]
    assert key in [entry.key for entry in shown.entries]
    assert sum(entry.kind == "message" for entry in shown.entries) == 8
    # What was deleted meanwhile is not looked for.
    assert not talk.around(found, "gone", 8, 4).following
    assert not talk.before(found, "gone", 60).following


def test_a_step_without_messages_is_where_the_last_call_before_it_is() -> None:
    found = made(3)
    calls = [entry.key for entry in found if entry.kind == "call"]
    assert talk.at_time(found, BEGAN + timedelta(minutes=2.5)) == calls[1]
    assert talk.at_time(found, BEGAN + timedelta(minutes=2)) == calls[1]
    assert talk.at_time(found, BEGAN) == found[0].key
    assert talk.at_time([], BEGAN) == ""


# --- failures ---------------------------------------------------------------------------------


def failed(number: int, **more: Any) -> dict[str, Any]:
    return {
        "time": BEGAN + timedelta(minutes=number),
        "seconds": 30.0,
        "trace_id": "aa",
        "span_id": f"f{number}",
        "parent_id": "",
        "name": f"step {number}",
        "error": "E",
        "model_call": 0,
        "call": "",
        **more,
    }


def test_a_failure_is_told_once_where_it_ended() -> None:
    steps = [
        failed(1, parent_id="f0"),
        # It came up from the one before.
        failed(0, span_id="f0"),
        failed(2, model_call=1),
        failed(3, call="t1"),
        failed(4, error="F"),
    ]
    found = list(talk.told_by_none(steps, frozenset({"t1"})))
    assert [each.span_id for each in found] == ["f1", "f4"]
    assert found[0].time == BEGAN + timedelta(minutes=1.5)
    # A tool of whose call no message tells.
    assert [each.span_id for each in talk.told_by_none(steps[3:4], frozenset())] == ["f3"]
    rows = [*turn(1), *turn(2), *turn(4)]
    placed = told(talk.entries(rows, reversed(found)))
    assert placed == [
        *("trace", "question 1", "call", "answer 1", "failure", "question 2", "call", "answer 2"),
        *("question 4", "call", "answer 4", "failure"),
    ]
    assert told(talk.entries([], found)) == ["failure", "failure"]


def test_the_ids_of_calls_are_those_of_messages() -> None:
    rows = [Row("assistant", parts=[asks("t1"), asks(None), gives("x", "t2"), None]), Row("user")]
    assert talk.called(rows) == {"t1"}


def test_what_failed_says_what_is_known_of_it() -> None:
    rows = [Row("user", "question", 1, error="RateLimitError")]
    failure = Failure(BEGAN, "aa", "f1", "retrieval wiki", "ConnectError")
    around = Around(
        attributes={
            ("aa", "01"): {
                semconv.PROVIDER_ERROR_CODE: "limit",
                semconv.CONTENT_TRUNCATED: "true",
                semconv.CONTENT_TRUNCATED_CHARACTERS: "1200",
            }
        },
        failures={("aa", "01"): "too many", ("aa", "f1"): "no route"},
    )
    found = said.items(talk.entries(rows, [failure]), around)
    assert [item.entry.kind for item in found] == ["failure", "trace", "message", "call"]
    facts = [[(fact.name, fact.value) for fact in item.error] for item in found]
    assert facts[0] == [("type", "ConnectError"), ("message", "no route")]
    wanted = [("type", "RateLimitError"), ("message", "too many"), ("code", "limit")]
    assert facts[3] == wanted
    assert found[3].cut == "1,200 characters are missing"
    assert found[0].cut == ""


def test_the_step_that_ran_a_tool_is_the_first_one_behind_the_call() -> None:
    rows = [
        Row("assistant", "", 1, "output", [asks()]),
        Row("assistant", "", 3, "output", [asks()]),
        Row("assistant", "", 5, "output", [asks()], trace_id="bb"),
    ]
    steps = [(BEGAN + timedelta(minutes=at), Ran(f"r{at}", 1.0, "")) for at in (0, 1, 4)]
    found = said.items(talk.entries(rows), Around({("aa", "t1"): steps}))
    ran = [item.bubbles[0].parts[0].ran for item in found if item.bubbles]
    assert [step and step.span_id for step in ran] == ["r1", "r4", None]
