"""Haystack's chat messages, as the shared parts read them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from otelier import statics, wire

_NONE: Final[dict[str, Any]] = {}


def is_message(value: Any) -> bool:
    """Whether a value is a chat message of Haystack's."""
    return statics.name(type(value)) == "ChatMessage" and (
        statics.identity(type(value))[0].partition(".")[0] == "haystack"
    )


def chat(given: Any) -> list[dict[str, Any]]:
    """Chat messages in OpenAI's shape, which the conversation reads."""
    return [message for each in wire.items(given) for message in _message(each)]


def _message(given: Any) -> Iterator[dict[str, Any]]:
    role = statics.member(given, "_role", statics.member(given, "role"))
    spoken = statics.member(role, "_value_", role)
    if type(spoken) is not str:
        return
    texts, calls = [], []
    content = statics.member(given, "_content", statics.member(given, "content"))
    for part in [content] if type(content) is str else wire.items(content):
        text = part if type(part) is str else statics.member(part, "text")
        if type(text) is str:
            texts.append(text)
        elif statics.member(part, "tool_name") is not None:
            calls.append(_call(part))
        elif statics.member(part, "origin") is not None:
            # The result of a call is a message of its own.
            yield {
                "role": "tool",
                "tool_call_id": statics.member(statics.member(part, "origin"), "id"),
                "content": result(part),
            }
    if not texts and not calls:
        return
    found: dict[str, Any] = {"role": spoken, "content": "\n".join(texts) or None}
    if calls:
        found["tool_calls"] = calls
    yield found


def _call(call: Any) -> dict[str, Any]:
    function = {
        "name": statics.member(call, "tool_name"),
        "arguments": statics.member(call, "arguments"),
    }
    return {"id": statics.member(call, "id"), "type": "function", "function": function}


def result(answered: Any) -> str:
    """What a tool has answered."""
    said = statics.member(answered, "result")
    if type(said) is str:
        return said
    texts = (statics.member(part, "text") for part in wire.items(said))
    return "\n".join(text for text in texts if type(text) is str)


def meta(message: Any) -> dict[str, Any]:
    """What is known of a message besides."""
    found = statics.member(message, "_meta", statics.member(message, "meta"))
    return found if type(found) is dict else _NONE


def readable(value: Any) -> Any:
    """A value, in which chat messages are such that the conversation reads them."""
    if is_message(value):
        return chat([value])
    if type(value) is list and value and all(map(is_message, value)):
        return chat(value)
    return value
