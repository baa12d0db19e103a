"""Gemini's generateContent and streamGenerateContent, made anew.

Wire format: Gemini API reference, "Generating content".
"""

from __future__ import annotations

import base64
import re
from typing import Any, Final
from urllib.parse import quote

from otelier import protocols, semconv, wire
from otelier.protocols import Parameter, integer
from otelier.viewer.facts import text, texts
from otelier.web.shown.again import asked as recorded
from otelier.web.shown.again.asked import Asked, Media, Part, Turn, as_text, word
from otelier.web.shown.again.made import Again, Program
from otelier.web.shown.again.notes import Notes

UNRECORDED: Final = (
    "toolConfig, safetySettings, responseMimeType, responseSchema, responseJsonSchema, "
    "responseModalities, speechConfig, imageConfig, mediaResolution, thinkingBudget, "
    "includeThoughts, responseLogprobs, logprobs, labels, response and behavior of functions, "
    "thoughtSignature and videoMetadata and displayName of parts, the version in the path"
)
_CONFIG: Final[tuple[Parameter, ...]] = (
    (semconv.REQUEST_MAX_TOKENS, "maxOutputTokens", wire.count),
    (semconv.REQUEST_TEMPERATURE, "temperature", wire.number),
    (semconv.REQUEST_TOP_P, "topP", wire.number),
    (semconv.REQUEST_TOP_K, "topK", wire.count),
    (semconv.REQUEST_FREQUENCY_PENALTY, "frequencyPenalty", wire.number),
    (semconv.REQUEST_PRESENCE_PENALTY, "presencePenalty", wire.number),
    (semconv.REQUEST_SEED, "seed", integer),
    (semconv.REQUEST_CHOICE_COUNT, "candidateCount", wire.count),
)
_CACHED: Final = semconv.PROVIDER_PREFIX + "cached_content"
_OUTPUT: Final[dict[str, dict[str, Any]]] = {
    "json": {"responseMimeType": "application/json"},
    "image": {"responseModalities": ["IMAGE"]},
    "speech": {"responseModalities": ["AUDIO"]},
}
_ROLES: Final = {"assistant": "model", "tool": "user", "system": "user", "": "user"}
# Tools of Google's that work without options.
_WITHOUT_OPTIONS: Final = frozenset(
    {"googleSearch", "google_search", "codeExecution", "code_execution", "urlContext"}
    | {"url_context", "googleMaps", "google_maps"}
)
_OWN: Final = "https://generativelanguage.googleapis.com"
_VERSION: Final = "/v1beta/"
_TUNED: Final = "tunedModels/"


def path(model: str, stream: bool) -> str:
    """The path of a model's method."""
    kind, named, name = model.partition("/") if model.startswith(_TUNED) else ("models", "/", model)
    method = "streamGenerateContent?alt=sse" if stream else "generateContent"
    return f"{_VERSION}{kind}{named}{quote(name, safe='')}:{method}"


def body(asked: Asked) -> dict[str, Any]:
    """The request's JSON."""
    found: dict[str, Any] = {"contents": _contents(asked)}
    system = recorded.system(asked)
    if system:
        # With the role that the SDK gives it; nobody reads it.
        found["systemInstruction"] = {"role": "user", "parts": [{"text": each} for each in system]}
    tools = _tools(asked)
    if tools:
        found["tools"] = tools
    config = protocols.parameters(asked.attributes, _CONFIG)
    stop = texts(asked.attributes, semconv.REQUEST_STOP_SEQUENCES)
    level = text(asked.attributes, semconv.REQUEST_REASONING_LEVEL)
    generation: dict[str, Any] = {
        **config,
        **({"stopSequences": list(stop)} if stop else {}),
        **({"thinkingConfig": {"thinkingLevel": level}} if level else {}),
        **_OUTPUT.get(text(asked.attributes, semconv.OUTPUT_TYPE), {}),
    }
    if generation:
        found["generationConfig"] = generation
    cached = text(asked.attributes, _CACHED)
    if cached:
        found["cachedContent"] = cached
    return found


# --- contents ---------------------------------------------------------------------------------


def _contents(asked: Asked) -> list[dict[str, Any]]:
    turns = recorded.turns(asked)
    called = {
        word(part.get("id")): word(part.get("name"))
        for turn in turns
        for part in turn.parts
        if part.get("type") == "tool_call"
    }
    return [made for turn in turns if (made := _content(turn, called, asked.notes))]


def _content(turn: Turn, called: dict[str, str], notes: Notes) -> dict[str, Any] | None:
    parts = [made for part in turn.parts if (made := _part(part, called, notes))]
    if turn.parts and not parts:
        return None  # All of it is left out.
    return {"role": _ROLES.get(turn.role, turn.role), "parts": parts}


def _part(part: Part, called: dict[str, str], notes: Notes) -> dict[str, Any] | None:
    kind = part.get("type")
    if kind == "text":
        return {"text": as_text(part.get("content"))}
    if kind == "tool_call":
        notes.add("thoughtSignature is not recorded: Gemini 3 wants it beside a functionCall")
        return {"functionCall": _call(part)}
    if kind == "tool_call_response":
        return {"functionResponse": _result(part, called, notes)}
    media = recorded.media(part, notes)
    made = _media(media) if media is not None else None
    if made is None and (media is not None or kind not in ("blob", "uri", "file")):
        recorded.left_out(part, notes)
    return made


def _call(part: Part) -> dict[str, Any]:
    given = recorded.arguments(part)
    id = word(part.get("id"))
    return {
        **({"id": id} if id else {}),
        "name": word(part.get("name")),
        **({"args": given} if given is not None else {}),
    }


def _result(part: Part, called: dict[str, str], notes: Notes) -> dict[str, Any]:
    id = word(part.get("id"))
    told = recorded.response(part)
    more: list[dict[str, Any]] = []
    if isinstance(told, list) and told and isinstance(told[0], dict) and "type" not in told[0]:
        # The response, and beside it what is no JSON.
        told, rest = told[0], told[1:]
        more = [
            made for each in rest if isinstance(each, dict) and (made := _part(each, called, notes))
        ]
    return {
        **({"id": id} if id else {}),
        "name": word(part.get("name")) or called.get(id, ""),
        "response": told if isinstance(told, dict) else {"result": told},
        **({"parts": more} if more else {}),
    }


def _media(media: Media) -> dict[str, Any] | None:
    if media.data:
        return {"inlineData": {"mimeType": media.mime_type, "data": media.data}}
    if media.uri:
        kind = {"mimeType": media.mime_type} if media.mime_type else {}
        return {"fileData": {**kind, "fileUri": media.uri}}
    return None


def _tools(asked: Asked) -> list[dict[str, Any]]:
    declared: list[dict[str, Any]] = []
    theirs: list[dict[str, Any]] = []
    for tool in recorded.tools(asked):
        kind = tool["type"]
        if kind == "function":
            found: dict[str, Any] = {
                name: tool[name] for name in ("name", "description") if name in tool
            }
            if "parameters" in tool:
                found["parametersJsonSchema"] = tool["parameters"]
            declared.append(found)
        elif kind in _WITHOUT_OPTIONS:
            asked.notes.add("options of tools of Google are not recorded", kind)
            theirs.append({kind: {}})
        else:
            asked.notes.add("tools of Google are left out: their options are not recorded", kind)
    return [*([{"functionDeclarations": declared}] if declared else []), *theirs]


# --- the program ------------------------------------------------------------------------------

_CAPITAL: Final = re.compile("([A-Z])")


def program(again: Again) -> Program:
    """The call by the SDK ``google-genai``, which has all but the contents in one config."""
    options = {} if again.base_url == _OWN else {"http_options": {"base_url": again.base_url}}
    body = {**again.body, **again.body.get("generationConfig", {})}
    config = {
        _CAPITAL.sub(r"_\1", name).lower(): value
        for name, value in body.items()
        if name not in ("contents", "generationConfig")
    }
    arguments: dict[str, Any] = {"model": again.model, "contents": _decoded(body["contents"])}
    if config:
        arguments["config"] = config
    method = "generate_content_stream" if again.stream else "generate_content"
    client = "genai.Client"
    return Program(
        "from google import genai", client, options, f"client.models.{method}", arguments
    )


# The SDK writes base64 as URLs have it.
_STANDARD: Final = str.maketrans("-_", "+/")


def _decoded(contents: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The contents with bytes where the SDK wants them: it writes base64 by itself."""
    return [
        {**content, "parts": [_with_bytes(part) for part in content["parts"]]}
        for content in contents
    ]


def _with_bytes(part: dict[str, Any]) -> dict[str, Any]:
    inline, result = part.get("inlineData"), part.get("functionResponse")
    if inline is not None:
        try:
            data = base64.b64decode(inline["data"].translate(_STANDARD), validate=True)
        except ValueError:
            return part
        return {"inlineData": {**inline, "data": data}}
    if result is not None and "parts" in result:
        parts = [_with_bytes(each) for each in result["parts"]]
        return {"functionResponse": {**result, "parts": parts}}
    return part
