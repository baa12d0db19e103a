"""Requests and replies of the three dialects: small, large, and streams of many chunks."""

from __future__ import annotations

import json
import random
from typing import Any

from tests.servers import anthropic_wire, openai_wire

MODEL = "gpt-4o-mini"
CLAUDE = "claude-sonnet-5-5"
MESSAGES = 100
MESSAGE_BYTES = 4096
TOOLS = 20
HEADERS = {
    "date": "Fri, 20 Nov 2026 10:00:00 GMT",
    "x-request-id": "req_local_1",
    "request-id": "req_local_1",
    "x-ratelimit-limit-requests": "10000",
    "x-ratelimit-remaining-requests": "9999",
    "x-ratelimit-reset-requests": "6ms",
    "strict-transport-security": "max-age=31536000; includeSubDomains; preload",
    "cf-ray": "8a1b2c3d4e5f6a7b-FRA",
    "alt-svc": 'h3=":443"; ma=86400',
}
_TEXT = (
    "the a of and to in is that for it with as was on be at by this had not are but from or have "
    "an they which one you were all her she there would their we him been has when who will no "
    "more if out so up said what its about than into them can only other time new some could "
    "these two may first then do any like my now over such our man me even most made after also "
    "did many before must well back through years where much your way down should because long "
    "each just state people those too mister little world very house old river, mountain; garden. "
    "window! travel? weather, history. letter: kitchen. summer, winter; morning. evening, question."
)
_WORDS = _TEXT.split()


def prose(size: int, seed: int = 0) -> str:
    """Ordinary English words, without secrets."""
    words = random.Random(seed)
    found: list[str] = []
    length = 0
    while length < size:
        word = words.choice(_WORDS)
        found.append(word)
        length += len(word) + 1
    return " ".join(found)[:size]


def tools(anthropic: bool = False) -> list[dict[str, Any]]:
    """Twenty tool definitions of about 900 bytes."""
    found = []
    for number in range(TOOLS):
        schema = {
            "type": "object",
            "properties": {
                f"field_{field}": {"type": "string", "description": prose(80, number + field)}
                for field in range(6)
            },
            "required": ["field_0", "field_1"],
            "additionalProperties": False,
        }
        flat = {"name": f"look_up_{number}", "description": prose(200, number)}
        if anthropic:
            found.append({**flat, "input_schema": schema})
        else:
            found.append({"type": "function", "function": {**flat, "parameters": schema}})
    return found


_PROSE = [prose(MESSAGE_BYTES, number) for number in range(MESSAGES)]


def conversation(large: bool, fresh: int | None = None) -> list[dict[str, Any]]:
    """Messages of a request; with ``fresh`` none of its texts was ever seen before."""
    if not large:
        return [
            {"role": "user", "content": "What is the weather like in Paris in the early summer?"},
        ]
    texts = _PROSE if fresh is None else [f"{fresh}.{n} {t}" for n, t in enumerate(_PROSE)]
    return [
        {"role": "user" if number % 2 else "assistant", "content": text}
        for number, text in enumerate(texts)
    ]


SYSTEM = "You are a helpful assistant who answers in one or two short sentences."


def chat_request(large: bool = False, fresh: int | None = None) -> dict[str, Any]:
    request: dict[str, Any] = {
        "model": MODEL,
        "messages": [{"role": "system", "content": SYSTEM}, *conversation(large, fresh)],
        "max_completion_tokens": 256,
        "temperature": 0.2,
        "top_p": 0.9,
        "frequency_penalty": 0.1,
        "seed": 7,
    }
    return {**request, "tools": tools()} if large else request


def responses_request(large: bool = False, fresh: int | None = None) -> dict[str, Any]:
    request: dict[str, Any] = {
        "model": MODEL,
        "instructions": SYSTEM,
        "input": conversation(large, fresh),
        "max_output_tokens": 256,
        "temperature": 0.2,
        "top_p": 0.9,
    }
    if large:
        request["tools"] = [
            {"type": "function", "strict": True, **tool["function"]} for tool in tools()
        ]
    return request


def messages_request(large: bool = False, fresh: int | None = None) -> dict[str, Any]:
    request: dict[str, Any] = {
        "model": CLAUDE,
        "system": SYSTEM,
        "messages": conversation(large, fresh),
        "max_tokens": 256,
    }
    return {**request, "tools": tools(anthropic=True)} if large else request


REQUESTS = {"chat": chat_request, "responses": responses_request, "messages": messages_request}


def grown(request: dict[str, Any], number: int) -> dict[str, Any]:
    """A request's conversation with an answer, and a text of the user's that is new."""
    name = "messages" if "messages" in request else "input"
    more = [
        {"role": "assistant", "content": f"{number - 1}. The answer. {prose(400, number)}"},
        {"role": "user", "content": f"{number}. {_PROSE[number % MESSAGES]}"},
    ]
    return {**request, name: [*request[name], *more]}


def reply(api: str) -> bytes:
    """A whole answer."""
    if api == "chat":
        body = openai_wire.chat_completion()
    elif api == "responses":
        body = openai_wire.response_object()
    else:
        body = anthropic_wire.message(model=CLAUDE)
    return json.dumps(body).encode()


def events(api: str, chunks: int, kind: str = "text") -> list[bytes]:
    """A stream as its server-sent events; ``chunks`` deltas of 6 characters."""
    text = prose(6 * chunks)
    arguments = json.dumps({"text": text[: 6 * chunks - 12]})
    arguments += " " * (6 * chunks - len(arguments))
    if api == "chat":
        if kind == "tools":
            call = openai_wire.tool_call("look_up_1", arguments)
            message = openai_wire.chat_message(None, tool_calls=[call])
        else:
            message = openai_wire.chat_message(text)
        found = openai_wire.chat_chunks(message, include_usage=True, pieces=chunks)
        return [_data(event) for event in found] + [b"data: [DONE]\n\n"]
    if api == "responses":
        response = openai_wire.response_object(openai_wire.message_item(text))
        found = openai_wire.response_events(response, pieces=chunks)
    else:
        block = (
            anthropic_wire.tool_use_block("look_up_1", {"text": text[: 6 * chunks - 12]})
            if kind == "tools"
            else anthropic_wire.text_block(text)
        )
        whole = anthropic_wire.message(block, model=CLAUDE)
        found = anthropic_wire.message_events(whole, pieces=chunks)
    return [b"event: " + event["type"].encode() + b"\n" + _data(event) for event in found]


def _data(event: Any) -> bytes:
    return b"data: " + json.dumps(event, separators=(",", ":")).encode() + b"\n\n"
