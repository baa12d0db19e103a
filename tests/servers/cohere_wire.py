"""Cohere's wire format: answers and streams of both versions."""

from __future__ import annotations

from typing import Any

from .replies import Chunked, Json, Sse, encode_json

ID = "8cf1c5d2-0b6b-4b9c-a2f5-30ba8e5cb421"
GENERATION_ID = "79644b13-2cc8-462e-93be-f03cc16aed9a"
RESPONSE_ID = "2d74c447-266d-4286-8425-a92ad7fc0cbc"
TRACE_ID = "68cf0a1a2924c2a2534e350092097d49"
# Cohere's own, without those of the server's default provider.
HEADERS: dict[str, str | None] = {
    **dict.fromkeys(("x-request-id", "openai-organization", "openai-project")),
    "x-debug-trace-id": TRACE_ID,
    "num_tokens": "13",
    "num_chars": "40",
}
BILLED = {"input_tokens": 5, "output_tokens": 8}
USAGE = {"billed_units": BILLED, "tokens": {"input_tokens": 71, "output_tokens": 8}}
META: dict[str, Any] = {"api_version": {"version": "1"}, **USAGE}
ARGUMENTS = '{"city": "Paris"}'
CALL = {
    "id": "weather_0",
    "type": "function",
    "function": {"name": "weather", "arguments": ARGUMENTS},
}
CITATION = {
    "start": 0,
    "end": 5,
    "text": "Hello",
    "sources": [{"type": "document", "id": "doc:0", "document": {"text": "Greetings"}}],
    "type": "TEXT_CONTENT",
}
CALL_V1 = {"name": "weather", "parameters": {"city": "Paris"}}


def ok(body: Any) -> Json:
    """An answer with the headers that all of them have."""
    return Json(body, headers=HEADERS)


# --- version 2 --------------------------------------------------------------------------------


def chat(text: str = "Hello there", finish: str = "COMPLETE", **more: Any) -> dict[str, Any]:
    """The answer of /v2/chat; ``more`` are members of the message, and ``usage``."""
    usage = more.pop("usage", USAGE)
    content = [{"type": "text", "text": text}] if text else []
    message = {"role": "assistant", **({"content": content} if content else {}), **more}
    return {"id": ID, "message": message, "finish_reason": finish, "usage": usage}


def tool_call() -> dict[str, Any]:
    """An answer that asks for a tool."""
    return chat("", "TOOL_CALL", tool_plan="I will ask.", tool_calls=[CALL])


def start() -> dict[str, Any]:
    """The first event of a stream."""
    message = {
        "role": "assistant",
        "content": [],
        "tool_plan": "",
        "tool_calls": [],
        "citations": [],
    }
    return {"id": ID, "type": "message-start", "delta": {"message": message}}


def end(finish: str = "COMPLETE", usage: Any = USAGE, **more: Any) -> dict[str, Any]:
    """The last event of a stream."""
    delta = {"finish_reason": finish, "usage": usage, **more}
    return {"type": "message-end", "delta": delta}


def piece(kind: str, index: int | None = None, **message: Any) -> dict[str, Any]:
    """An event in the middle of a stream."""
    placed = {} if index is None else {"index": index}
    return {"type": kind, **placed, **({"delta": {"message": message}} if message else {})}


def events(*found: dict[str, Any]) -> Sse:
    """A stream of events."""
    return Sse([start(), *found], named=True, headers=HEADERS)


def chat_stream(*pieces: str, **more: Any) -> Sse:
    """A streamed chat."""
    deltas = [
        piece("content-delta", 0, content={"text": text}) for text in pieces or ("Hello", " there")
    ]
    begin = piece("content-start", 0, content={"type": "text", "text": ""})
    return events(begin, *deltas, piece("content-end", 0), end(**more))


def thinking_stream() -> Sse:
    """Thoughts, then a text with a citation."""
    return events(
        piece("content-start", 0, content={"type": "thinking", "thinking": ""}),
        piece("content-delta", 0, content={"thinking": "Hm"}),
        piece("content-delta", 0, content={"thinking": "."}),
        piece("content-end", 0),
        piece("content-start", 1, content={"type": "text", "text": ""}),
        piece("content-delta", 1, content={"text": "Hello"}),
        piece("citation-start", 0, citations=CITATION),
        piece("citation-end", 0),
        piece("content-delta", 1, content={"text": " there"}),
        piece("content-end", 1),
        end(),
    )


def tool_stream() -> Sse:
    """A plan and two calls of a tool, the arguments in pieces."""
    found: list[dict[str, Any]] = [
        piece("tool-plan-delta", tool_plan="I will"),
        piece("tool-plan-delta", tool_plan=" ask."),
    ]
    for index in range(2):
        empty = {"name": "weather", "arguments": ""}
        call = {"id": f"weather_{index}", "type": "function", "function": empty}
        found.append(piece("tool-call-start", index, tool_calls=call))
        for part in (ARGUMENTS[:7], ARGUMENTS[7:]):
            arguments = {"function": {"arguments": part}}
            found.append(piece("tool-call-delta", index, tool_calls=arguments))
        found.append(piece("tool-call-end", index))
    return events(*found, end("TOOL_CALL"))


# --- version 1 --------------------------------------------------------------------------------


def chat_v1(text: str = "Hello there", finish: str = "COMPLETE", **more: Any) -> dict[str, Any]:
    """The answer of /v1/chat."""
    return {
        "response_id": RESPONSE_ID,
        "text": text,
        "generation_id": GENERATION_ID,
        "chat_history": [
            {"role": "USER", "message": "Hi"},
            {"role": "CHATBOT", "message": text},
        ],
        "finish_reason": finish,
        "meta": META,
        **more,
    }


def lines(*found: dict[str, Any]) -> Chunked:
    """A stream of lines."""
    parts = [encode_json(event) + b"\n" for event in found]
    return Chunked(parts, "application/stream+json", HEADERS)


def event(kind: str, **more: Any) -> dict[str, Any]:
    """A line of a stream."""
    return {"is_finished": kind in ("stream-end", "stream-error"), "event_type": kind, **more}


def chat_stream_v1(*pieces: str, **more: Any) -> Chunked:
    """A streamed chat; ``more`` are members of the answer that it ends with."""
    texts = pieces or ("Hello", " there")
    whole = chat_v1("".join(texts), **more)
    return lines(
        event("stream-start", generation_id=GENERATION_ID),
        *(event("text-generation", text=text) for text in texts),
        event("stream-end", finish_reason=whole["finish_reason"], response=whole),
    )


def generate(*texts: str) -> dict[str, Any]:
    """The answer of /v1/generate."""
    made = [
        {"id": f"{GENERATION_ID[:-1]}{index}", "text": text, "finish_reason": "COMPLETE"}
        for index, text in enumerate(texts or ("Hello there",))
    ]
    return {"id": ID, "generations": made, "prompt": "Hi", "meta": META}


def generate_stream(*pieces: str) -> Chunked:
    """A streamed generation."""
    texts = pieces or ("Hello", " there")
    return lines(
        *(event("text-generation", text=text) for text in texts),
        event("stream-end", finish_reason="COMPLETE", response=generate("".join(texts))),
    )


# --- embeddings, reranking --------------------------------------------------------------------


def embed(texts: int = 1, tokens: int = 4, **billed: Any) -> dict[str, Any]:
    """The answer of /v1/embed and /v2/embed for embeddings of the type float."""
    return {
        "id": ID,
        "texts": ["a"] * texts,
        "embeddings": {"float": [[0.5, -0.25]] * texts},
        "meta": {
            "api_version": {"version": "2"},
            "billed_units": {"input_tokens": tokens, **billed},
        },
        "response_type": "embeddings_by_type",
    }


def embed_floats(texts: int = 1, tokens: int = 4) -> dict[str, Any]:
    """The answer of /v1/embed where no type was asked for."""
    vectors = [[0.5, -0.25]] * texts
    return {**embed(texts, tokens), "embeddings": vectors, "response_type": "embeddings_floats"}


def rerank(**more: Any) -> dict[str, Any]:
    """The answer of /v1/rerank and /v2/rerank."""
    return {
        "id": ID,
        "results": [
            {"index": 1, "relevance_score": 0.98, **more},
            {"index": 0, "relevance_score": 0.02, **more},
        ],
        "meta": {"api_version": {"version": "2"}, "billed_units": {"search_units": 1}},
    }
