"""Bedrock's wire formats: answers, and streams of frames, of models, agents and knowledge bases."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from .eventstream import EVENTSTREAM_TYPE, chunk_frame, exception_frame, frame
from .replies import Chunked, Json, encode_json

REQUEST_ID = "2f7a5b1c-0000-4000-8000-5f6b1d2c3e4f"
HEADERS = {"x-amzn-requestid": REQUEST_ID}
USAGE = {"inputTokens": 10, "outputTokens": 5, "totalTokens": 15}
CACHED = {
    "inputTokens": 4,
    "outputTokens": 10,
    "totalTokens": 1014,
    "cacheReadInputTokens": 600,
    "cacheWriteInputTokens": 400,
    "cacheDetails": [{"ttl": "5m", "inputTokens": 400}],
}
COUNTS = {
    "x-amzn-bedrock-input-token-count": "12",
    "x-amzn-bedrock-output-token-count": "7",
    "x-amzn-bedrock-invocation-latency": "250",
}
METRICS = {
    "inputTokenCount": 12,
    "outputTokenCount": 7,
    "invocationLatency": 250,
    "firstByteLatency": 100,
}


def converse(*blocks: Mapping[str, Any], stop: str = "end_turn", **more: Any) -> Json:
    """The answer of Converse."""
    content = list(blocks) or [{"text": "Hello there"}]
    body = {
        "output": {"message": {"role": "assistant", "content": content}},
        "stopReason": stop,
        "usage": USAGE,
        "metrics": {"latencyMs": 500},
        **more,
    }
    return Json(body, headers=HEADERS)


def events(*named: tuple[str, Mapping[str, Any]], error: bytes | None = None) -> Chunked:
    """A stream of events; ``p`` pads them, as Bedrock does."""
    frames = [
        frame(
            {
                ":event-type": name,
                ":content-type": "application/json",
                ":message-type": "event",
            },
            encode_json({**body, "p": "abcdefgh"}),
        )
        for name, body in named
    ]
    return Chunked([*frames, *([error] if error else [])], EVENTSTREAM_TYPE, HEADERS)


def text_events(*pieces: str, index: int = 0) -> list[tuple[str, dict[str, Any]]]:
    """A text block of a stream: text begins with its first delta."""
    found: list[tuple[str, dict[str, Any]]] = [
        ("contentBlockDelta", {"contentBlockIndex": index, "delta": {"text": piece}})
        for piece in pieces
    ]
    return [*found, ("contentBlockStop", {"contentBlockIndex": index})]


def converse_stream(*pieces: str, **metadata: Any) -> Chunked:
    """A streamed Converse of one text."""
    return converse_blocks(*text_events(*(pieces or ("Hello", " there"))), **metadata)


def converse_blocks(
    *blocks: tuple[str, Mapping[str, Any]], stop: str = "end_turn", **metadata: Any
) -> Chunked:
    """A streamed Converse of any blocks."""
    told = {"usage": USAGE, "metrics": {"latencyMs": 500}, **metadata}
    return events(
        ("messageStart", {"role": "assistant"}),
        *blocks,
        ("messageStop", {"stopReason": stop}),
        ("metadata", told),
    )


def converse_broken() -> Chunked:
    """A stream that ends in an exception."""
    begun = [("messageStart", {"role": "assistant"}), *text_events("Hello")]
    return events(*begun, error=exception_frame("throttlingException", "Too many tokens"))


def invoked(body: Any, **headers: str) -> Json:
    """The answer of InvokeModel: a vendor's body, and AWS's counts in headers."""
    return Json(body, headers={**HEADERS, **COUNTS, **headers})


def invoked_stream(*bodies: Mapping[str, Any]) -> Chunked:
    """A streamed InvokeModel: vendors' events, the last one with AWS's metrics."""
    *first, last = bodies
    closing = {**last, "amazon-bedrock-invocationMetrics": METRICS}
    return Chunked(
        [chunk_frame(dict(body)) for body in (*first, closing)], EVENTSTREAM_TYPE, HEADERS
    )


def agent(*pieces: str, more: tuple[tuple[str, Mapping[str, Any]], ...] = ()) -> Chunked:
    """An agent's completion."""
    chunks = [("chunk", {"bytes": base64.b64encode(piece.encode()).decode()}) for piece in pieces]
    reply = events(*more, *chunks)
    reply.headers = {**HEADERS, "x-amz-bedrock-agent-session-id": "session-1"}
    return reply


def error(name: str = "ValidationException", status: int = 400) -> Json:
    """An error: its name is in a header."""
    return Json(
        {"message": "The provided model identifier is invalid."},
        status=status,
        headers={**HEADERS, "x-amzn-errortype": f"{name}:http://internal.amazon.com/coral/"},
    )
