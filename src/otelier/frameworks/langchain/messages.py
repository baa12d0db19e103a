"""LangChain's messages as plain chat messages, in the shape of OpenAI's.

Texts and blocks are taken as they are, by reference; nothing is copied but the frame around them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from otelier import statics, wire

_ROLES: Final = {
    "human": "user",
    "ai": "assistant",
    "AIMessageChunk": "assistant",
    "HumanMessageChunk": "user",
    "system": "system",
    "tool": "tool",
    "function": "tool",
    "developer": "developer",
}


def message(value: Any) -> dict[str, Any] | None:
    """One message: LangChain's own, a dict, a (role, text) pair, or a text; None for all else."""
    kind = type(value)
    if issubclass(kind, str):
        return {"role": "user", "content": value}
    if issubclass(kind, tuple) and len(value) == 2:
        role, content = tuple.__iter__(value)
        return {"role": _role(role), "content": content} if type(role) is str else None
    held = wire.fields(value) if issubclass(kind, dict) else statics.storage(value)
    if not issubclass(kind, dict) and not _of_langchain(kind):
        return None
    if "content" not in held:
        return None
    role = held.get("role") if type(held.get("role")) is str else held.get("type")
    if type(role) is not str:
        return None
    found: dict[str, Any] = {"role": _role(role), "content": _content(held["content"])}
    calls = [_call(wire.fields(each)) for each in wire.items(held.get("tool_calls"))]
    if calls:
        found["tool_calls"] = calls
        found["content"] = found["content"] or None
    for name in ("tool_call_id", "name"):
        if type(held.get(name)) is str:
            found[name] = held[name]
    return found


def listed(value: Any) -> list[dict[str, Any]]:
    """All messages of a list of them; empty where one of them is none."""
    found = []
    for each in wire.items(value):
        told = message(each)
        if told is None:
            return []
        found.append(told)
    return found


def is_message(value: Any) -> bool:
    """Whether it is a message of LangChain's own."""
    return _of_langchain(type(value)) and "content" in statics.storage(value)


def is_answer(told: Mapping[str, Any]) -> bool:
    """Whether it is the model's."""
    return told.get("role") == "assistant"


def _of_langchain(kind: type) -> bool:
    """Whether a class is a message's: one of LangChain's, or made of it."""
    return any(
        statics.identity(base) == ("langchain_core.messages.base", "BaseMessage")
        for base in statics.bases(kind)
    )


def _role(role: str) -> str:
    return _ROLES.get(role, role)


def _content(content: Any) -> Any:
    """A text as it is; of blocks, those of tool calls are told with the calls."""
    blocks = wire.items(content)
    if not blocks:
        return content
    kept = []
    for block in blocks:
        if issubclass(type(block), str):
            kept.append({"type": "text", "text": block})
        elif wire.fields(block).get("type") not in ("tool_use", "tool_call", "function_call"):
            kept.append(block)
    return kept


def _call(call: Mapping[str, Any]) -> dict[str, Any]:
    if "function" in call:
        return dict(call)
    return {
        "id": call.get("id"),
        "type": "function",
        "function": {"name": call.get("name"), "arguments": call.get("args")},
    }
