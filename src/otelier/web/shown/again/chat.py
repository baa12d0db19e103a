"""OpenAI chat completions, made anew.

Wire format: OpenAI API reference, "Create chat completion"; ``video_url`` is vLLM's and others'.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from otelier import protocols, semconv, wire
from otelier.protocols import Parameter, integer
from otelier.viewer.facts import text, texts
from otelier.web.shown.again import asked as recorded
from otelier.web.shown.again import openai_sdk
from otelier.web.shown.again.asked import Asked, Media, Part, Turn, as_text, word
from otelier.web.shown.again.made import Again, Program
from otelier.web.shown.again.notes import Notes

PATH: Final = "/chat/completions"
UNRECORDED: Final = (
    "tool_choice, parallel_tool_calls, response_format, stream_options, modalities, audio, "
    "logprobs, top_logprobs, logit_bias, prediction, web_search_options, verbosity, metadata, "
    "store, user, safety_identifier, prompt_cache_key, cache_control, detail of images, filename "
    "of files, strict of tools, format of custom tools, spacing of arguments"
)
_PARAMETERS: Final[tuple[Parameter, ...]] = (
    (semconv.REQUEST_TEMPERATURE, "temperature", wire.number),
    (semconv.REQUEST_TOP_P, "top_p", wire.number),
    (semconv.REQUEST_TOP_K, "top_k", wire.count),
    (semconv.REQUEST_FREQUENCY_PENALTY, "frequency_penalty", wire.number),
    (semconv.REQUEST_PRESENCE_PENALTY, "presence_penalty", wire.number),
    (semconv.REQUEST_SEED, "seed", integer),
    (semconv.REQUEST_CHOICE_COUNT, "n", wire.count),
    (semconv.REQUEST_REASONING_LEVEL, "reasoning_effort", wire.text),
    (semconv.OPENAI_REQUEST_SERVICE_TIER, "service_tier", wire.text),
)
# Who calls the limit by its newer name.
_NEWER: Final = frozenset({"openai", "azure.ai.openai"})
# What the SDK takes for other servers alone.
_EXTRA: Final = frozenset({"top_k"})
_ROLES: Final = {"model": "assistant", "": "user"}


def body(asked: Asked) -> dict[str, Any]:
    """The request's JSON."""
    found: dict[str, Any] = {"model": asked.model, "messages": _messages(asked)}
    tools = [made for tool in recorded.tools(asked) if (made := _tool(tool, asked.notes))]
    if tools:
        found["tools"] = tools
    limit = wire.count(asked.attributes.get(semconv.REQUEST_MAX_TOKENS))
    if limit is not None:
        name = "max_completion_tokens" if asked.provider in _NEWER else "max_tokens"
        found[name] = limit
        asked.notes.add(
            "whether max_tokens or max_completion_tokens was set is not recorded, this stands here",
            name,
        )
    found |= protocols.parameters(asked.attributes, _PARAMETERS)
    stop = texts(asked.attributes, semconv.REQUEST_STOP_SEQUENCES)
    if stop:
        found["stop"] = list(stop)
    _output(asked, found)
    if asked.stream:
        found["stream"] = True
    return found


def _output(asked: Asked, found: dict[str, Any]) -> None:
    wanted = text(asked.attributes, semconv.OUTPUT_TYPE)
    if wanted == "text":
        found["response_format"] = {"type": "text"}
    elif wanted:
        name = "modalities" if wanted == "speech" else "response_format"
        asked.notes.add(f"{name} was set and is not recorded whole, the answer was to be", wanted)


# --- messages ---------------------------------------------------------------------------------


def _messages(asked: Asked) -> list[dict[str, Any]]:
    turns = recorded.turns(asked)
    custom = {tool["name"] for tool in recorded.tools(asked) if tool["type"] == "custom"}
    instructions = recorded.system(asked)
    found: list[dict[str, Any]] = []
    if instructions:
        parts = [{"type": "text", "text": each} for each in instructions]
        found.append({"role": "system", "content": _content(parts)})
    for turn in turns:
        found += _said(turn, custom, asked.notes)
    return found


def _said(turn: Turn, custom: set[str], notes: Notes) -> Iterator[dict[str, Any]]:
    """A message as this dialect has it: each result of a tool is a message of its own."""
    rest = []
    for part in turn.parts:
        if part.get("type") == "tool_call_response":
            yield _result(turn, part, notes)
        else:
            rest.append(part)
    if rest or not turn.parts:
        message = _message(turn, rest, custom, notes)
        if message is not None:
            yield message


def _result(turn: Turn, part: Part, notes: Notes) -> dict[str, Any]:
    told = recorded.response(part)
    if isinstance(told, list):
        parts = [made for each in told if (made := _part(each, "tool", notes))]
        told = _content(parts)
    found = {"role": "function" if turn.role == "function" else "tool"}
    if turn.name:
        found["name"] = turn.name
    if word(part.get("id")):
        found["tool_call_id"] = word(part.get("id"))
    return {**found, "content": told if isinstance(told, list) else as_text(told)}


def _message(
    turn: Turn, parts: list[Part], custom: set[str], notes: Notes
) -> dict[str, Any] | None:
    role = _ROLES.get(turn.role, turn.role)
    found: dict[str, Any] = {"role": role}
    if turn.name:
        found["name"] = turn.name
    calls: list[Part] = []
    content: list[dict[str, Any]] = []
    more: dict[str, Any] = {}
    for part in parts:
        if part.get("type") == "tool_call":
            calls.append(part)
        elif part.get("type") == "refusal":
            more["refusal"] = as_text(part.get("content"))
        elif role == "assistant" and part.get("type") == "file":
            more["audio"] = {"id": word(part.get("file_id"))}
        else:
            made = _part(part, role, notes)
            content += [made] if made else []
    if len(calls) == 1 and not calls[0].get("id"):
        more["function_call"] = _function(calls[0])
    elif calls:
        more["tool_calls"] = [_call(call, custom) for call in calls]
    if parts and not content and not more:
        return None  # All of it is left out.
    return {**found, "content": _content(content) if content or not more else None, **more}


def _content(parts: list[dict[str, Any]]) -> Any:
    """Parts as a message's content: a text alone is no list."""
    if not parts:
        return ""
    alone = len(parts) == 1 and parts[0].get("type") == "text"
    return parts[0]["text"] if alone else parts


def _part(part: Any, role: str, notes: Notes) -> dict[str, Any] | None:
    if not isinstance(part, dict):
        return {"type": "text", "text": as_text(part)}
    if part.get("type") == "text":
        return {"type": "text", "text": as_text(part.get("content"))}
    media = recorded.media(part, notes)
    if media is None:
        return recorded.as_recorded(part, notes)
    made = None if role == "assistant" else _media(media)
    if made is None:
        recorded.left_out(part, notes)
    return made


def _media(media: Media) -> dict[str, Any] | None:
    if media.modality == "image" and not media.file_id:
        return {"type": "image_url", "image_url": {"url": media.url}}
    if media.modality == "video" and not media.file_id:
        return {"type": "video_url", "video_url": {"url": media.url}}
    if media.modality == "audio" and media.data:
        suffix = media.mime_type.rpartition("/")[2]
        return {"type": "input_audio", "input_audio": {"data": media.data, "format": suffix}}
    if media.file_id:
        return {"type": "file", "file": {"file_id": media.file_id}}
    if media.data and media.modality == "document":
        return {"type": "file", "file": {"file_data": media.url}}
    return None


# --- tools ------------------------------------------------------------------------------------


def _function(call: Part) -> dict[str, Any]:
    return {"name": word(call.get("name")), "arguments": as_text(call.get("arguments"))}


def _call(call: Part, custom: set[str]) -> dict[str, Any]:
    head = {"id": call["id"]} if word(call.get("id")) else {}
    function = _function(call)
    if function["name"] in custom:
        given = {"name": function["name"], "input": function["arguments"]}
        return {**head, "type": "custom", "custom": given}
    return {**head, "type": "function", "function": function}


def _tool(tool: dict[str, Any], notes: Notes) -> dict[str, Any] | None:
    kind = tool["type"]
    if kind not in ("function", "custom"):
        notes.add("tools of the provider are left out: their options are not recorded", kind)
        return None
    return {"type": kind, kind: openai_sdk.described(tool)}


def program(again: Again) -> Program:
    """The call by the SDK ``openai``."""
    return openai_sdk.program(again, "client.chat.completions.create", _EXTRA)
