"""Looks at the framework's objects: names, messages, definitions of functions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from otelier import statics, wire

# Between the name of a plugin and of its function.
_BETWEEN: Final = "-"
_NOTHING: Final[Mapping[str, Any]] = {}


def given(model: Any, name: str) -> bool:
    """Whether the program has given a field of one of the framework's models."""
    return name in (statics.member(model, "__pydantic_fields_set__") or ())


def string(owner: Any, name: str) -> str | None:
    """A stored text that is not empty."""
    found = statics.storage(owner).get(name)
    return found if type(found) is str and found else None


def called(function: Any) -> str | None:
    """The name of a function, with its plugin's."""
    known = statics.storage(function).get("metadata")
    name, plugin = string(known, "name"), string(known, "plugin_name")
    return f"{plugin}{_BETWEEN}{name}" if plugin and name else name


def is_prompt(function: Any) -> bool:
    """Whether a function is a prompt for a model, and no code."""
    known = statics.storage(statics.storage(function).get("metadata"))
    return known.get("is_prompt") is True


def parameters(function: Any) -> Iterator[Mapping[str, Any]]:
    """What is known of a function's parameters."""
    known = statics.storage(statics.storage(function).get("metadata"))
    for each in wire.items(known.get("parameters") or ()):
        yield statics.storage(each)


def definitions(kernel: Any, choice: Any) -> list[dict[str, Any]]:
    """The functions of a kernel that a model may choose from, in OpenAI's shape."""
    if choice is None:
        return []
    filters = statics.storage(choice).get("filters")
    filters = filters if type(filters) is dict else _NOTHING
    found = []
    plugins = statics.storage(kernel).get("plugins")
    for plugin in list(plugins.values()) if type(plugins) is dict else ():
        functions = statics.storage(plugin).get("functions")
        for function in list(functions.values()) if type(functions) is dict else ():
            if _allowed(filters, string(plugin, "name"), called(function)):
                found.append(_definition(function))
    return found


def _allowed(filters: Mapping[str, Any], plugin: str | None, name: str | None) -> bool:
    for what, named in (("plugins", plugin), ("functions", name)):
        within, without = filters.get(f"included_{what}"), filters.get(f"excluded_{what}")
        if (within and named not in within) or (without and named in without):
            return False
    return True


def _definition(function: Any) -> dict[str, Any]:
    offered = [each for each in parameters(function) if each.get("include_in_function_choices")]
    known = statics.storage(function).get("metadata")
    return {
        "name": called(function),
        "description": string(known, "description"),
        "parameters": {
            "type": "object",
            "properties": {each.get("name"): each.get("schema_data") for each in offered},
            "required": [each.get("name") for each in offered if each.get("is_required")],
        },
    }


def text(message: Any) -> str:
    """The text of a message."""
    if type(message) is str:
        return message
    items = wire.items(statics.storage(message).get("items") or ())
    texts = [string(each, "text") for each in items if _kind(each) in _TEXTS]
    return "".join(each for each in texts if each)


_TEXTS: Final = ("text", "streaming_text")


def _kind(item: Any) -> Any:
    return statics.storage(item).get("content_type")


def chat(messages: Any) -> list[dict[str, Any]]:
    """Messages, or the one, in OpenAI's shape, which the conversation reads."""
    if type(messages) is str or is_message(messages):
        messages = [messages]
    return [each for message in wire.items(messages) for each in _messages(message)]


def _messages(message: Any) -> Iterator[dict[str, Any]]:
    if type(message) is str:
        yield {"role": "user", "content": message}
        return
    if not is_message(message):
        return
    held = statics.storage(message)
    role = held["role"]
    items = [statics.storage(each) for each in wire.items(held.get("items") or ())]
    results = [each for each in items if each.get("content_type") == "function_result"]
    for each in results:
        yield {"role": "tool", "tool_call_id": each.get("id"), "content": each.get("result")}
    if results:
        return
    found: dict[str, Any] = {
        "role": str(getattr(role, "value", role)),
        "content": text(message),
    }
    calls = [_call(each) for each in items if each.get("content_type") == "function_call"]
    if calls:
        found["tool_calls"] = calls
    yield found


def _call(item: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": item.get("id"),
        "type": "function",
        "function": {"name": item.get("name"), "arguments": item.get("arguments")},
    }


def is_message(value: Any) -> bool:
    """Whether something is a message of the framework's."""
    return "items" in (held := statics.storage(value)) and "role" in held


def result(value: Any) -> Any:
    """What a function gives back: messages as their texts, anything else as it is."""
    if is_message(value):
        return text(value)
    several = type(value) is list and value and all(map(is_message, value))
    return "\n".join(map(text, value)) if several else value
