"""Ollama's wire format: answers and streams of lines."""

from __future__ import annotations

from typing import Any

from .replies import Chunked, encode_json

COUNTS = {
    "done": True,
    "done_reason": "stop",
    "total_duration": 2_000_000_000,
    "load_duration": 500_000_000,
    "prompt_eval_count": 26,
    "prompt_eval_duration": 250_000_000,
    "eval_count": 8,
    "eval_duration": 1_250_000_000,
}
_HEAD = {"model": "llama3.2", "created_at": "2026-11-20T10:00:00.5Z"}


def chat(content: str = "Hello there", **message: Any) -> dict[str, Any]:
    """The answer of /api/chat."""
    return {**_HEAD, "message": {"role": "assistant", "content": content, **message}, **COUNTS}


def generate(response: str = "Hello there", **more: Any) -> dict[str, Any]:
    """The answer of /api/generate."""
    return {**_HEAD, "response": response, "context": [1, 2, 3], **more, **COUNTS}


def embed(vectors: int = 1) -> dict[str, Any]:
    """The answer of /api/embed."""
    return {
        "model": "llama3.2",
        "embeddings": [[0.5, -0.25]] * vectors,
        "total_duration": 14_000_000,
        "load_duration": 1_000_000,
        "prompt_eval_count": 8,
    }


def lines(*events: dict[str, Any]) -> Chunked:
    """A stream of lines of JSON."""
    return Chunked([encode_json(event) + b"\n" for event in events], "application/x-ndjson")


def chat_stream(*pieces: str, **message: Any) -> Chunked:
    """A streamed chat; ``message`` is in the last piece."""
    parts = [
        {**_HEAD, "message": {"role": "assistant", "content": piece}, "done": False}
        for piece in pieces or ("Hello", " there")
    ]
    last = {"role": "assistant", "content": "", **message}
    return lines(*parts, {**_HEAD, "message": last, **COUNTS})


def generate_stream(*pieces: str) -> Chunked:
    """A streamed generation."""
    parts = [{**_HEAD, "response": piece, "done": False} for piece in pieces or ("Hello", " there")]
    return lines(*parts, {**_HEAD, "response": "", **COUNTS})
