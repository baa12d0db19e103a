"""Output messages of the released conventions say why they ended; main's leave it to the span."""

from __future__ import annotations

from otelier.protocols import Message, Reply


def message(text: str) -> Message:
    return {"role": "assistant", "parts": [{"type": "text", "content": text}]}


def test_each_message_says_why_it_ended() -> None:
    reply = Reply(messages=[message("a"), message("b")], finish_reasons=["stop", "length"])
    assert reply.output(released=True) == [
        {**message("a"), "finish_reason": "stop"},
        {**message("b"), "finish_reason": "length"},
    ]
    assert reply.output(released=False) == [message("a"), message("b")]
    assert reply.messages == [message("a"), message("b")]


def test_no_reason_is_guessed() -> None:
    """The released schema wants a word: the one that says that nobody told."""
    untold = [{**message("a"), "finish_reason": "unknown"}]
    reply = Reply(messages=[message("a"), message("b")], finish_reasons=["stop"])
    assert reply.output(released=True) == [*untold, {**message("b"), "finish_reason": "unknown"}]
    assert Reply(messages=[message("a")]).output(released=True) == untold
    assert Reply(messages=[message("a")]).output(released=False) == [message("a")]
