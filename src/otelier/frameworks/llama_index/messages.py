"""The framework's messages, answers and documents, as the shared parts read them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from otelier import semconv, statics, wire
from otelier.frameworks.models import Told, parameters
from otelier.usage import Usage

_INPUT: Final = ("prompt_tokens", "input_tokens")
_OUTPUT: Final = ("completion_tokens", "output_tokens")
# A model's settings by the conventions' names.
_SETTINGS: Final = (
    ("temperature", semconv.REQUEST_TEMPERATURE),
    ("max_tokens", semconv.REQUEST_MAX_TOKENS),
)


def text(said: Any) -> str | None:
    """The text of a message, of an answer, of a tool's output."""
    inner = statics.member(said, "message")
    if inner is not None:
        said = inner
    blocks = statics.member(said, "blocks")
    if blocks is not None:
        texts = [statics.member(block, "text") for block in wire.items(blocks)]
        return "\n".join(each for each in texts if isinstance(each, str)) or None
    for name in ("content", "text", "response"):
        found = statics.member(said, name)
        if isinstance(found, str):
            return found
    return None


def chat(given: Any) -> Iterator[dict[str, Any]]:
    """Chat messages in OpenAI's shape, which the conversation reads."""
    for message in wire.items(given):
        role = statics.member(message, "role")
        found: dict[str, Any] = {
            "role": str(getattr(role, "value", role)),
            "content": text(message) or "",
        }
        more = statics.member(message, "additional_kwargs") or {}
        calls = list(_calls(message, more))
        if calls:
            found["tool_calls"] = calls
        if more.get("tool_call_id"):
            found["tool_call_id"] = more["tool_call_id"]
        yield found


def _calls(message: Any, more: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    found = False
    for block in wire.items(statics.member(message, "blocks") or ()):
        if statics.member(block, "tool_name") is not None:
            found = True
            yield _call(block, "tool_call_id")
    for call in () if found else wire.items(more.get("tool_calls") or ()):
        if statics.member(call, "tool_name") is not None:
            yield _call(call, "tool_id")
        elif "function" in wire.fields(call):
            yield dict(wire.fields(call))


def _call(call: Any, identity: str) -> dict[str, Any]:
    function = {
        "name": statics.member(call, "tool_name"),
        "arguments": statics.member(call, "tool_kwargs"),
    }
    return {"id": statics.member(call, identity), "type": "function", "function": function}


def node(found: Any) -> str | None:
    """The text of a node."""
    here = statics.member(found, "text")
    if isinstance(here, str):
        return here
    inside = statics.member(statics.member(found, "text_resource"), "text")
    return inside if isinstance(inside, str) else None


def told(owner: Any, arguments: Mapping[str, Any], response: Any) -> Told:
    """What the framework knows of a model call."""
    model = statics.member(owner, "model", statics.member(owner, "model_name"))
    asked, prompt = arguments.get("messages"), arguments.get("prompt")
    if prompt is None:
        # As a wrapper of the framework's takes it.
        prompt = next(iter(arguments.get("args") or ()), None)
    said = statics.member(response, "message")
    answer: Any = list(chat([said])) if said is not None else text(response)
    return Told(
        model=model if isinstance(model, str) else None,
        asked=list(chat(asked)) if asked is not None else prompt,
        parameters=parameters(owner, _SETTINGS),
        answer=answer,
        usage=_usage(response),
    )


def _usage(response: Any) -> Usage | None:
    raw = wire.fields(statics.member(response, "raw"))
    for counts in (
        wire.fields(statics.member(response, "additional_kwargs")),
        wire.fields(raw.get("usage")),
    ):
        read, wrote = wire.first_count(counts, *_INPUT), wire.first_count(counts, *_OUTPUT)
        if read is not None or wrote is not None:
            return Usage(input=read, output=wrote)
    return None
