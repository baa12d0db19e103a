"""What `otelier view` can be asked for: parts of traces, all of their text, sums of sessions."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from otelier.store.spans import StoredSpan
from otelier.viewer import text as txt

from .build import chat, messages, render, said, span
from .test_tree import pipeline


def talk(turns: int, **more: Any) -> list[StoredSpan]:
    """Calls of one conversation, each of which repeats what was said before."""
    spans = [span("r", None, "root", 0, 100)]
    history: list[Any] = []
    for turn in range(turns):
        history += ["user", said(f"question {turn}.")]
        spoken = [{"type": "reasoning", "content": "hm"}, *said(f"answer {turn}.")]
        told = {
            "gen_ai.system_instructions": json.dumps(said("Be kind.")),
            "gen_ai.input.messages": messages(*history),
            "gen_ai.output.messages": json.dumps(
                [{"role": "assistant", "parts": spoken, "finish_reason": "stop"}]
            ),
        }
        spans.append(chat(f"c{turn}", "r", turn, turn + 1, attributes=told | more))
        history += ["assistant", said(f"answer {turn}.")]
    return spans


def test_what_was_shown_of_a_conversation_is_folded() -> None:
    shown = render(talk(7), messages=True)
    for turn in range(7):
        assert shown.count(f"question {turn}.") == shown.count(f"answer {turn}.") == 1
    assert shown.count("Be kind.") == 1
    assert "(12 earlier messages, same system)" in shown and "(2 earlier messages" in shown


def test_a_call_always_shows_what_it_answers() -> None:
    again = talk(1)
    spans = [*again, chat("d", "r", 5, 6, attributes=again[1].attributes)]
    assert render(spans, messages=True).count("question 0.") == 2


def test_what_another_conversation_said_is_not_folded() -> None:
    spans = talk(2, **{"gen_ai.conversation.id": "one"})
    told = dict(spans[2].attributes) | {"gen_ai.conversation.id": "two"}
    other = chat("d", "r", 5, 6, attributes=told)
    assert render([*spans, other], messages=True).count("answer 0.") == 2


def test_a_history_that_was_changed_is_shown_from_there_on() -> None:
    spans = talk(3)
    changed = messages("user", said("question 0."), "assistant", said("else"), "user", said("ok"))
    told = {"gen_ai.input.messages": changed}
    shown = render([*spans, chat("d", "r", 5, 6, attributes=told)], messages=True)
    assert re.search(r"\(1 earlier message\)\n.*assistant: else\n.*user: ok", shown)


def test_a_tool_call_that_is_sent_back_in_another_form_is_the_same() -> None:
    call = {"type": "tool_call", "id": "call_1", "name": "look", "arguments": {"a": 1}}
    back = call | {"arguments": '{"a": 1}'}
    answer = {"type": "tool_call_response", "id": "call_1", "response": "seen"}
    first = {
        "gen_ai.input.messages": messages("user", said("go")),
        "gen_ai.output.messages": messages("assistant", [call]),
    }
    second = {
        "gen_ai.input.messages": messages("user", said("go"), "assistant", [back], "tool", [answer])
    }
    spans = [chat("a", None, 0, 1, attributes=first), chat("b", None, 2, 3, attributes=second)]
    shown = render(spans, messages=True)
    assert "(2 earlier messages)" in shown and "tool: result #call_1: seen" in shown


def test_full_folds_and_cuts_nothing() -> None:
    long = "word " * 5000 + "end."
    spans = talk(7)
    spans.append(span("t", "r", "tool", 50, 51, attributes={"gen_ai.tool.call.arguments": long}))
    spans.append(span("e", "r", "fails", 52, 53, error="\n".join(map(str, range(100))) + "\nlast."))
    spans.append(span("n", "r", "x" * 900 + "y", 54, 55))
    shown = render(spans, full=True)
    assert shown.count("question 0.") == 7 and "earlier" not in shown
    assert "end." in shown and "last." in shown and "xy" in shown and "…" not in shown
    turns = [turn for n in range(500) for turn in ("user", said(f"turn {n}."))]
    many = render(
        [chat("a", None, attributes={"gen_ai.input.messages": messages(*turns)})], full=True
    )
    assert all(f"turn {n}." in many for n in range(500))


def test_the_id_of_a_call_stays_when_its_arguments_are_cut() -> None:
    call = {"type": "tool_call", "id": "call_77", "name": "look", "arguments": "a " * 4000}
    told = {"gen_ai.output.messages": messages("assistant", [call])}
    shown = render([chat("a", None, attributes=told)], messages=True)
    assert "more characters) #call_77" in re.sub(r"\s+", " ", shown)


def test_errors_shows_failed_steps_and_the_way_to_them() -> None:
    fine = span("f", None, "fine", 0, 1, trace="ff")
    shown = render([*pipeline(), fine], errors=True)
    assert "trace ff" not in shown
    assert "step classify" not in shown and "claude-sonnet-5-5" not in shown
    assert "└─ agent researcher" in shown and "   └─ chat claude-sonnet-99" in shown
    assert "(8 other steps)" in shown
    # The sums are the trace's.
    assert "5 model calls · 1 tool call · 1 error" in shown
    assert render([fine], errors=True) == ""


@pytest.mark.parametrize("text", ["CARRY OVER", "five days.", '"topic"', "no such model"])
def test_grep_shows_what_contains_the_text(text: str) -> None:
    shown = render(pipeline(), grep=text)
    assert text.lower() in shown.lower() and "other step" in shown
    assert "├─ step classify" not in shown


def test_grep_takes_the_text_as_it_is_and_finds_it_behind_escapes() -> None:
    told = {
        "gen_ai.input.messages": messages("user", said('Größe "a.b"\nnext (x)'), "user", said("no"))
    }
    spans = [chat("a", None, attributes=told)]
    for found in ("größe", 'größe "A.B"', "(x)"):
        shown = render(spans, grep=found)
        assert "user: Größe" in shown and "user: no" not in shown
    assert render(spans, grep="a.*b") == render(spans, grep="axb") == ""


def test_grep_shows_the_place_in_a_long_text_and_sets_it_apart() -> None:
    long = "a " * 3000 + "needle" + " b" * 3000
    told = {"gen_ai.input.messages": messages("user", said(long))}
    shown = render([chat("a", None, attributes=told)], grep="NEEDLE", color=True)
    assert "\x1b[7mneedle\x1b[0m" in shown and "(5,500 characters before)" in shown
    lines = messages("user", said("\n".join(f"line {n};" for n in range(200))))
    shown = render([chat("a", None, attributes={"gen_ai.input.messages": lines})], grep="line 150;")
    assert "line 150;" in shown and "(134 more lines)" not in shown


def in_session(id: str, trace: str, session: str, begin: float = 0, **more: Any) -> StoredSpan:
    from dataclasses import replace

    made = chat(id, None, begin, begin + 10, attributes={"session.id": session} | more)
    return replace(made, trace_id=trace)


def test_a_session_has_the_sums_of_its_traces() -> None:
    cut = {"otelier.cost.partial": True}
    spans = [
        in_session("a", "t1", "mine"),
        in_session("b", "t2", "other", 20),
        in_session("c", "t3", "mine", 40, **cut),
    ]
    for options in ({}, {"session": "mine"}):
        shown = render(spans, width=200, **options)
        assert shown.endswith(
            "\n\nsession mine · 2 traces · 20 ms · 2 model calls · in 20 out 10 · ≥ $0.002"
            " · 1 call cut off, priced in part\n"
        )
        assert ("trace t2" in shown) is (not options)
    assert "session mine · 2" not in render(spans, session="other")
    assert render(spans, session="none") == render(spans, session="mine", grep="absent") == ""


def test_of_a_trace_of_two_sessions_each_has_its_own() -> None:
    root = span("r", None, "batch", 0, 100)
    steps = [
        chat(f"c{n}", "r", n, n + 1, cost=0.1 * (n + 1), attributes={"session.id": f"s{n}"})
        for n in range(2)
    ]
    tool = span("t", "c0", "below", 0, 1)
    shown = render([root, *steps, tool], session="s0")
    assert "1 model call · in 10 out 5 · $0.10" in shown and "below" in shown
    assert "batch" in shown and "(1 other step)" in shown
    once_more = in_session("d", "t9", "s1", 500)
    assert "session s1 · 2 traces" in render([root, *steps, tool, once_more])
    assert "$0.201" in render([root, *steps, tool, once_more]).splitlines()[-1]


def test_a_conversation_counts_as_a_session() -> None:
    assert "trace" in render(pipeline(), session="conv-7")


def test_bars_show_when_a_step_ran_where_there_is_room() -> None:
    spans = [
        span("r", None, "r", 0, 120),
        span("a", "r", "a", 60, 90),
        span("b", "r", "b", 119, 119.5),
    ]
    lines = render(spans, width=110).splitlines()
    assert [line[-12:] if len(line) == 110 else line[98:] for line in lines[1:4]] == [
        "━" * 12,
        "      ━━━",
        "           ╸",
    ]
    assert max(map(len, lines)) <= 110 and "━" not in render(spans, width=109)
    assert "=" * 12 in render(spans, width=110, ascii=True)
    assert max(map(len, render(spans, width=250).splitlines())) == 140
    odd = [span("r", None, "r", 5, 1), span("x", "r", "x", 5, 5)]
    assert "━" not in render(odd, width=200)


@pytest.mark.parametrize("width", [40, 60, 80, 120, 200])
def test_ascii_pictures_are_ascii_and_keep_within_the_width(width: int) -> None:
    for options in ({}, {"messages": True}, {"full": True}, {"errors": True}):
        shown = render([*pipeline()], ascii=True, width=width, **options)
        assert shown.isascii()
        assert max(map(txt.width, shown.splitlines())) <= width
    assert "`- chat gpt-6-luna" in render(pipeline(), ascii=True)
    assert "sum >= $0.0021" in render(pipeline(), ascii=True)
