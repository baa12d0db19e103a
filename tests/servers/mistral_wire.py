"""Mistral's wire format: answers and streams of events."""

from __future__ import annotations

from typing import Any

from .replies import Json, Sse

USAGE: dict[str, Any] = {"prompt_tokens": 12, "completion_tokens": 5, "total_tokens": 17}
MODEL = "mistral-small-latest"
_HEAD: dict[str, Any] = {"id": "cmpl-1", "created": 1700000000, "model": MODEL}


def call(arguments: str = '{"city": "Paris"}', index: int = 0) -> dict[str, Any]:
    """A call of a tool."""
    return {
        "id": f"call{index}",
        "function": {"name": "weather", "arguments": arguments},
        "index": index,
    }


def chat(content: Any = "Hello there", finish: str = "stop", **message: Any) -> dict[str, Any]:
    """The answer of chat, agents and FIM."""
    body = {"role": "assistant", "tool_calls": None, "content": content, **message}
    choice = {"index": 0, "finish_reason": finish, "message": body}
    return {**_HEAD, "object": "chat.completion", "usage": USAGE, "choices": [choice]}


def chunk(delta: dict[str, Any], finish: str | None = None, **more: Any) -> dict[str, Any]:
    """One piece of a streamed chat."""
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return {**_HEAD, "object": "chat.completion.chunk", "choices": [choice], **more}


def chat_stream(
    *pieces: Any, finish: str = "stop", usage: dict[str, Any] = USAGE, **last: Any
) -> Sse:
    """A streamed chat; ``last`` is in the last delta."""
    events = [chunk({"role": "assistant", "content": ""})]
    events += [chunk({"content": piece}) for piece in pieces or ("Hello", " there")]
    events.append(chunk({"content": "", **last}, finish, usage=usage))
    return Sse(events)


def embeddings(vectors: int = 1) -> dict[str, Any]:
    """The answer of embeddings."""
    data = [
        {"object": "embedding", "embedding": [0.5, -0.25], "index": index}
        for index in range(vectors)
    ]
    usage = {"prompt_tokens": 8, "completion_tokens": 0, "total_tokens": 8}
    return {
        "id": "emb-1",
        "object": "list",
        "data": data,
        "model": "mistral-embed",
        "usage": usage,
    }


def message(content: Any = "Hello there") -> dict[str, Any]:
    """A conversation's entry: what the model said."""
    return {
        "object": "entry",
        "type": "message.output",
        "created_at": "2026-11-20T10:00:00Z",
        "completed_at": "2026-11-20T10:00:01Z",
        "agent_id": "ag_1",
        "model": MODEL,
        "id": "msg_1",
        "role": "assistant",
        "content": content,
    }


def function_call() -> dict[str, Any]:
    """A conversation's entry: a function that the application is to call."""
    return {
        "object": "entry",
        "type": "function.call",
        "created_at": "2026-11-20T10:00:00Z",
        "completed_at": None,
        "agent_id": None,
        "model": MODEL,
        "id": "fc_1",
        "tool_call_id": "call0",
        "name": "weather",
        "arguments": '{"city": "Paris"}',
    }


def execution() -> dict[str, Any]:
    """A conversation's entry: a tool that Mistral ran."""
    return {
        "object": "entry",
        "type": "tool.execution",
        "created_at": "2026-11-20T10:00:00Z",
        "completed_at": "2026-11-20T10:00:01Z",
        "id": "tool_exec_1",
        "name": "web_search",
        "arguments": '{"query": "Paris"}',
        "info": {"results": 3},
    }


def conversation(*outputs: dict[str, Any], **usage: Any) -> dict[str, Any]:
    """The answer of a conversation."""
    return {
        "object": "conversation.response",
        "conversation_id": "conv_1",
        "outputs": list(outputs) or [message()],
        "usage": {**USAGE, "connector_tokens": None, "connectors": None, **usage},
    }


def conversation_stream(*events: dict[str, Any], **usage: Any) -> Sse:
    """A conversation's events."""
    at = {"created_at": "2026-11-20T10:00:00Z"}
    piece = {"type": "message.output.delta", "id": "msg_1", "output_index": 0, "model": MODEL}
    said = [
        {**piece, **at, "content": text, "content_index": 0, "role": "assistant"}
        for text in ("Hello", " there")
    ]
    return Sse(
        [
            {"type": "conversation.response.started", "conversation_id": "conv_1", **at},
            *(events or said),
            {"type": "conversation.response.done", "usage": {**USAGE, **usage}, **at},
        ],
        done=None,
        named=True,
    )


def ocr() -> dict[str, Any]:
    """The answer of OCR."""
    page = {
        "index": 0,
        "markdown": "# Invoice",
        "images": [],
        "dimensions": {"dpi": 200, "height": 2200, "width": 1700},
    }
    return {
        "pages": [page, {**page, "index": 1, "markdown": "Total: 7"}],
        "model": "mistral-ocr-2505-completion",
        "document_annotation": None,
        "usage_info": {"pages_processed": 2, "doc_size_bytes": 2048},
    }


def moderation() -> dict[str, Any]:
    """The answer of a moderation."""
    result = {
        "categories": {"sexual": False, "violence_and_threats": True},
        "category_scores": {"sexual": 0.01, "violence_and_threats": 0.93},
    }
    return {"id": "mod-1", "model": "mistral-moderation-2411", "results": [result]}


SPOKEN: dict[str, Any] = {
    "model": "voxtral-mini-2602",
    "text": "Hello there",
    "language": "en",
    "segments": [],
    "usage": {
        "prompt_audio_seconds": 60,
        "prompt_tokens": 4,
        "total_tokens": 37,
        "completion_tokens": 33,
    },
}


def transcription_stream() -> Sse:
    """A streamed transcription."""
    return Sse(
        [
            {"type": "transcription.language", "audio_language": "en"},
            {"type": "transcription.text.delta", "text": "Hello"},
            {"type": "transcription.text.delta", "text": " there"},
            {"type": "transcription.done", **SPOKEN},
        ],
        done=None,
        named=True,
    )


def error(status: int = 400, **more: Any) -> Json:
    """A refusal."""
    body = {
        "object": "error",
        "message": "Invalid model: nope",
        "type": "invalid_model",
        "param": None,
        "code": "1500",
        **more,
    }
    return Json(body, status=status)
