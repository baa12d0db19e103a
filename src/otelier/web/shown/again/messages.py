"""Anthropic messages, made anew.

Wire format: Anthropic API reference, "Create a Message".
"""

from __future__ import annotations

from typing import Any, Final

from otelier import protocols, semconv, wire
from otelier.protocols import Parameter
from otelier.viewer.facts import text, texts
from otelier.web.shown.again import asked as recorded
from otelier.web.shown.again.asked import Asked, Media, Part, Turn, as_text, word
from otelier.web.shown.again.made import Again, Header, Program
from otelier.web.shown.again.notes import Notes

PATH: Final = "/v1/messages"
HEADERS: Final = (Header("anthropic-version", "2023-06-01"),)
UNRECORDED: Final = (
    "thinking, tool_choice, output_config.format, metadata, cache_control, context_management, "
    "container, mcp_servers, inference_geo, speed, title and context and citations of documents, "
    "strict of tools, header anthropic-beta"
)
_PARAMETERS: Final[tuple[Parameter, ...]] = (
    (semconv.REQUEST_MAX_TOKENS, "max_tokens", wire.count),
    (semconv.REQUEST_TEMPERATURE, "temperature", wire.number),
    (semconv.REQUEST_TOP_P, "top_p", wire.number),
    (semconv.REQUEST_TOP_K, "top_k", wire.count),
    (semconv.PROVIDER_PREFIX + "request_service_tier", "service_tier", wire.text),
)
# What newer versions of the SDK have no name for.
_EXTRA: Final = ("temperature", "top_p", "top_k")
_OWN: Final = "https://api.anthropic.com"
_ROLES: Final = {"model": "assistant", "tool": "user", "function": "user", "": "user"}
_INSTRUCTING: Final = frozenset({"system", "developer"})
_OPEN: Final = {"type": "object"}
# Tools of Anthropic's that need more than their name.
_NEED_OPTIONS: Final = ("mcp", "computer")
# Longer answers that are not streamed the SDK refuses, unless it is told how long to wait.
_LONG: Final = 8_192
_SECONDS: Final = 3_600


def body(asked: Asked) -> dict[str, Any]:
    """The request's JSON."""
    found: dict[str, Any] = {"model": asked.model}
    found |= protocols.parameters(asked.attributes, _PARAMETERS)
    if "max_tokens" not in found:
        asked.notes.add("max_tokens is not recorded, and Anthropic asks for it")
    turns = recorded.turns(asked)
    system = [{"type": "text", "text": each} for each in recorded.system(asked)]
    while turns and turns[0].role in _INSTRUCTING:
        # Of a program that spoke another dialect to a library that spoke this one.
        system += _blocks(turns.pop(0).parts, asked.notes)
    if system:
        found["system"] = _content(system)
    found["messages"] = [made for turn in turns if (made := _message(turn, asked.notes))]
    tools = [made for tool in recorded.tools(asked) if (made := _tool(tool, asked.notes))]
    if tools:
        found["tools"] = tools
    stop = texts(asked.attributes, semconv.REQUEST_STOP_SEQUENCES)
    if stop:
        found["stop_sequences"] = list(stop)
    _output(asked, found)
    if asked.stream:
        found["stream"] = True
    return found


def _output(asked: Asked, found: dict[str, Any]) -> None:
    effort = text(asked.attributes, semconv.REQUEST_REASONING_LEVEL)
    if effort:
        found["output_config"] = {"effort": effort}
    wanted = text(asked.attributes, semconv.OUTPUT_TYPE)
    if wanted:
        asked.notes.add(
            "output_config.format was set and is not recorded, the answer was to be", wanted
        )
    before = text(asked.attributes, semconv.REQUEST_PREVIOUS_RESPONSE_ID)
    if before:
        asked.notes.add("thread is left out, what was said in it before is missing", before)


def _message(turn: Turn, notes: Notes) -> dict[str, Any] | None:
    blocks = _blocks(turn.parts, notes)
    if turn.parts and not blocks:
        return None  # All of it is left out.
    return {"role": _ROLES.get(turn.role, turn.role), "content": _content(blocks)}


def _blocks(parts: Any, notes: Notes) -> list[dict[str, Any]]:
    return [made for part in parts if (made := _block(part, notes))]


def _content(blocks: list[dict[str, Any]]) -> Any:
    """Blocks as a content: a text alone is no list."""
    alone = len(blocks) == 1 and blocks[0]["type"] == "text"
    return blocks[0]["text"] if alone else blocks


def _block(part: Any, notes: Notes) -> dict[str, Any] | None:
    if not isinstance(part, dict):
        return {"type": "text", "text": as_text(part)}
    kind = part.get("type")
    if kind == "text":
        return {"type": "text", "text": as_text(part.get("content"))}
    if kind == "tool_call":
        return _call(part, notes)
    if kind == "tool_call_response":
        return _result(part, notes)
    if kind == "compaction" and word(part.get("content")):
        return {"type": "compaction", "content": part["content"]}
    media = recorded.media(part, notes)
    if media is None:
        return recorded.as_recorded(part, notes)
    made = _media(media)
    if made is None:
        recorded.left_out(part, notes)
    return made


def _call(part: Part, notes: Notes) -> dict[str, Any]:
    given = recorded.arguments(part)
    if given is None:
        given = {}
    elif not isinstance(given, dict):
        notes.add("arguments of a call that are no object", word(part.get("name")))
    return {
        "type": "tool_use",
        "id": word(part.get("id")),
        "name": word(part.get("name")),
        "input": given,
    }


def _result(part: Part, notes: Notes) -> dict[str, Any]:
    told = recorded.response(part)
    content = _content(_blocks(told, notes)) if isinstance(told, list) else as_text(told)
    found = {"type": "tool_result", "tool_use_id": word(part.get("id")), "content": content}
    return {**found, "is_error": True} if part.get("is_error") is True else found


def _media(media: Media) -> dict[str, Any] | None:
    if media.modality not in ("image", "document"):
        return None
    if media.file_id:
        source = {"type": "file", "file_id": media.file_id}
    elif media.uri:
        source = {"type": "url", "url": media.uri}
    else:
        source = {"type": "base64", "media_type": media.mime_type, "data": media.data}
    return {"type": media.modality, "source": source}


def _tool(tool: dict[str, Any], notes: Notes) -> dict[str, Any] | None:
    kind = tool["type"]
    if kind == "function":
        found: dict[str, Any] = {
            name: tool[name] for name in ("name", "description") if name in tool
        }
        return {**found, "input_schema": tool.get("parameters", _OPEN)}
    if kind.startswith(_NEED_OPTIONS):
        notes.add("tools of Anthropic are left out: their options are not recorded", kind)
        return None
    notes.add("options of tools of Anthropic are not recorded", kind)
    return {"type": kind, "name": tool["name"]}


def program(again: Again) -> Program:
    """The call by the SDK ``anthropic``."""
    options: dict[str, Any] = {} if again.base_url == _OWN else {"base_url": again.base_url}
    arguments = {name: value for name, value in again.body.items() if name not in _EXTRA}
    more = {name: again.body[name] for name in _EXTRA if name in again.body}
    if more:
        arguments["extra_body"] = more
    if not again.stream and again.body.get("max_tokens", 0) > _LONG:
        arguments["timeout"] = _SECONDS
    call = "client.messages.create"
    return Program("from anthropic import Anthropic", "Anthropic", options, call, arguments)
