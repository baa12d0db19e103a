"""Messages as a chat, without a browser."""

from __future__ import annotations

import pytest

from otelier import semconv
from otelier.viewer.messages import conversation
from otelier.web.shown import chat


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
