"""Messages as a chat, without a browser."""

from __future__ import annotations

from dataclasses import replace

import pytest

from otelier import semconv
from otelier.viewer.messages import conversation
from otelier.web.pages.rendering import environment
from otelier.web.shown import chat, markdown, values
from otelier.web.shown.values import Room, Value


@pytest.mark.parametrize("key", ["response", "result", "content"])
def test_a_tools_result_is_seen_wherever_it_is_told(key: str) -> None:
    part = {"type": "tool_call_response", "id": "call-1", key: "nineteen"}
    messages = [{"role": "tool", "parts": [part]}]
    (bubble,) = chat.bubbles(messages)
    assert bubble.parts[0].text == "nineteen"
    (said,) = conversation({semconv.INPUT_MESSAGES: messages}, 10)
    assert said.text == "result #call-1: nineteen"


def test_results_stand_beside_calls_of_messages_that_are_not_shown() -> None:
    called = {"type": "tool_call", "id": "call-1", "name": "stock", "arguments": {"n": 1}}
    told = {"type": "tool_call_response", "id": "call-1", "response": 19}
    before = [{"role": "assistant", "parts": [called]}]
    (bubble,) = chat.bubbles([{"role": "tool", "parts": [told]}], before)
    (call,) = bubble.parts
    assert (call.kind, call.name) == ("call", "stock")
    assert call.answer is not None and call.answer.data is not None
    assert call.answer.data.text == "19"


def test_a_second_result_of_a_call_is_not_lost() -> None:
    called = {"type": "tool_call", "id": "call-1", "name": "stock"}
    told = [{"type": "tool_call_response", "id": "call-1", "response": each} for each in "ab"]
    messages = [{"role": "assistant", "parts": [called]}, {"role": "tool", "parts": told}]
    parts = [part for bubble in chat.bubbles(messages) for part in bubble.parts]
    assert [part.kind for part in parts] == ["call", "result"]
    assert parts[0].answer is not None
    assert (parts[0].answer.text, parts[1].text) == ("a", "b")


# --- what is too much for a page ----------------------------------------------------------------

# Widths and rows of a table whose rows have one cell, which Markdown fills up.
WIDE = "|a" * 250 + "\n" + "|-" * 250 + "\n" + "|\n" * 9_000


def said(*parts: object, times: int = 1) -> list[dict[str, object]]:
    return [{"role": "user", "parts": list(parts)}] * times


def test_small_things_are_counted_together() -> None:
    """Two million numbers would be a page of eighty megabytes."""
    array = {"type": "text", "content": f"[{'0,' * 999}0]"}
    told = chat.bubbles(said(*[array] * 200, times=10), bounds=values.page())
    data = [part.data for bubble in told for part in bubble.parts]
    assert len(data) == 2_000
    shown = [len(each.members) for each in data if each]
    assert sum(shown) == 200_000
    # Each says how much of it is missing.
    assert {each.size for each in data if each} == {1_000}


def test_texts_are_counted_together() -> None:
    text = {"type": "text", "content": "a" * 20_000}
    told = chat.bubbles(said(*[text] * 200, times=10), plain=True, bounds=values.page())
    parts = [part for bubble in told for part in bubble.parts]
    assert sum(len(part.text) for part in parts) == 4_000_000
    assert all(len(part.text) + part.cut == 20_000 for part in parts)


def test_attributes_are_counted_together() -> None:
    bounds = values.page()
    told = [values.value(["a" * 4_000] * 1_000, "name", bounds) for _ in range(20)]

    def shown(value: Value) -> int:
        return len(value.text) + sum(map(shown, value.members))

    assert sum(map(shown, told)) == 4_000_000


def test_when_markdown_took_too_long_texts_are_shown_as_they_are() -> None:
    text = {"type": "text", "content": "*a*"}
    bounds = replace(values.PAGE, room=Room(100, 100, 1e-9))
    (bubble,) = chat.bubbles(said(text, text), bounds=bounds)
    first, second = bubble.parts
    assert first.html == "<p><em>a</em></p>\n"
    assert (second.html, second.text) == (None, "*a*")


def test_a_table_is_no_larger_than_it_was_written() -> None:
    assert len(markdown.html(WIDE)) < 4 * len(WIDE)
    usual = "|a|b|\n|-|-|\n" + "|1|2|\n" * 3_000
    assert markdown.html(usual).count("<td>") == 6_000


def test_what_is_left_out_of_very_many_messages_is_said() -> None:
    told = chat.bubbles(said("a", times=100_000), output=True)
    assert len(told) == values.PAGE.messages + 1
    assert (told[-1].left_out, told[-1].left_what) == (99_500, "messages")
    made = environment().get_template("_chat.html").make_module({})
    shown = str(made.bubble(told[-1], "", "/raw"))  # type: ignore[attr-defined]
    assert "99,500 more messages" in shown and "(nothing)" not in shown and 'href="/raw"' in shown


def test_of_messages_that_are_not_shown_only_calls_are_read() -> None:
    bounds = values.page()
    large = {"type": "text", "content": "a" * 20_000}
    called = {"type": "tool_call", "id": "call-1", "name": "stock", "arguments": "b" * 20_000}
    before = said(large, called, {**called, "id": "another"}, times=50)
    result = {"type": "tool_call_response", "id": "call-1", "response": "c"}
    (bubble,) = chat.bubbles(said(result), before, bounds=bounds)
    assert bubble.parts[0].name == "stock"
    assert bounds.room.characters >= 4_000_000 - 50 * 20_000 - 1
