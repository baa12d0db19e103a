"""Anthropic wire format: messages, their streams, tokens, batches and errors."""

from __future__ import annotations

import json
from typing import Any

from .openai_chat import TEXT, JsonDict, cut
from .replies import encode_json

CLAUDE = "claude-sonnet-5-5"
MESSAGE_ID = "msg_local_1"
REQUEST_ID = "req_anthropic_1"


def text_block(text: str = TEXT, citations: list[JsonDict] | None = None) -> JsonDict:
    """Text, with citations if it has any."""
    block: JsonDict = {"type": "text", "text": text}
    return block if citations is None else {"citations": citations, **block}


def tool_use_block(name: str, input: Any = None, *, id: str = "toolu_local_1") -> JsonDict:
    """A call of a tool of the client."""
    return {
        "type": "tool_use",
        "id": id,
        "name": name,
        "input": input or {},
        "caller": {"type": "direct"},
    }


def thinking_block(thinking: str = "Let me think about it.") -> JsonDict:
    """Thinking that can be read."""
    return {"type": "thinking", "thinking": thinking, "signature": "EqQBCgIYAhIkbG9jYWw="}


def redacted_block() -> JsonDict:
    """Thinking that cannot be read."""
    return {"type": "redacted_thinking", "data": "EmwKAhgBEgxsb2NhbA=="}


def web_search_blocks(query: str = "weather in Paris", text: str = TEXT) -> list[JsonDict]:
    """A search made by the server, its result, and a text that cites it."""
    url, title = "https://weather.local/paris", "Paris weather"
    result = {
        "type": "web_search_result",
        "title": title,
        "url": url,
        "encrypted_content": "EqgfCioIARgBIiQ=",
        "page_age": "November 20, 2026",
    }
    citation = {
        "type": "web_search_result_location",
        "cited_text": "It is 21 degrees.",
        "url": url,
        "title": title,
        "encrypted_index": "Eo8BCioIAhgBIiQy",
    }
    use = {"type": "server_tool_use", "id": "srvtoolu_local_1", "name": "web_search"}
    return [
        {**use, "input": {"query": query}},
        {"type": "web_search_tool_result", "tool_use_id": use["id"], "content": [result]},
        text_block(text, [citation]),
    ]


def message_usage(
    input: int = 12,
    output: int = 9,
    *,
    cache_read: int = 0,
    cache_5m: int = 0,
    cache_1h: int = 0,
    thinking: int | None = None,
    web_searches: int | None = None,
    service_tier: str = "standard",
) -> JsonDict:
    """The `usage` of a message. `input` leaves the cached tokens out, as the API does."""
    usage: JsonDict = {
        "input_tokens": input,
        "cache_creation_input_tokens": cache_5m + cache_1h,
        "cache_read_input_tokens": cache_read,
        "cache_creation": {
            "ephemeral_5m_input_tokens": cache_5m,
            "ephemeral_1h_input_tokens": cache_1h,
        },
        "output_tokens": output,
        "service_tier": service_tier,
        "inference_geo": "not_available",
    }
    if thinking is not None:
        usage["output_tokens_details"] = {"thinking_tokens": thinking}
    if web_searches is not None:
        usage["server_tool_use"] = {"web_search_requests": web_searches, "web_fetch_requests": 0}
    return usage


def message(
    *content: JsonDict,
    model: str = CLAUDE,
    usage: JsonDict | None = None,
    stop_reason: str | None = None,
    id: str = MESSAGE_ID,
    **extra: Any,
) -> JsonDict:
    """A whole message."""
    blocks = list(content) or [text_block()]
    calls = any(block["type"] == "tool_use" for block in blocks)
    return {
        "model": model,
        "id": id,
        "type": "message",
        "role": "assistant",
        "content": blocks,
        "stop_reason": stop_reason or ("tool_use" if calls else "end_turn"),
        "stop_sequence": None,
        "usage": usage or message_usage(),
        **extra,
    }


def message_events(whole: JsonDict, *, pieces: int = 3) -> list[JsonDict]:
    """The events of a stream that builds the given message."""
    usage = dict(whole["usage"])
    first = {key: usage[key] for key in usage if key not in _ONLY_AT_END}
    opening = {**whole, "content": [], "stop_reason": None, "stop_sequence": None}
    events: list[JsonDict] = [
        {"type": "message_start", "message": {**opening, "usage": {**first, "output_tokens": 1}}}
    ]
    for index, block in enumerate(whole["content"]):
        start = {"type": "content_block_start", "index": index}
        events.append({**start, "content_block": _empty(block)})
        if index == 0:
            events.append({"type": "ping"})
        events += [
            {"type": "content_block_delta", "index": index, "delta": delta}
            for delta in _deltas(block, pieces)
        ]
        events.append({"type": "content_block_stop", "index": index})
    delta = {key: whole[key] for key in ("stop_reason", "stop_sequence")}
    last = {key: usage[key] for key in _CUMULATIVE if key in usage}
    events.append({"type": "message_delta", "delta": delta, "usage": last})
    return [*events, {"type": "message_stop"}]


_ONLY_AT_END = ("output_tokens_details", "server_tool_use")
_CUMULATIVE = (
    "input_tokens",
    "cache_creation_input_tokens",
    "cache_read_input_tokens",
    "output_tokens",
    *_ONLY_AT_END,
)


def _empty(block: JsonDict) -> JsonDict:
    empty: dict[str, JsonDict] = {
        "text": {"text": ""},
        "thinking": {"thinking": "", "signature": ""},
        "tool_use": {"input": {}},
        "server_tool_use": {"input": {}},
    }
    start = {**block, **empty.get(block["type"], {})}
    return {**start, "citations": []} if block.get("citations") else start


def _deltas(block: JsonDict, pieces: int) -> list[JsonDict]:
    kind = block["type"]
    if kind == "text":
        cited = [{"type": "citations_delta", "citation": x} for x in block.get("citations") or []]
        return cited + [{"type": "text_delta", "text": x} for x in cut(block["text"], pieces)]
    if kind == "thinking":
        signature = {"type": "signature_delta", "signature": block["signature"]}
        thoughts = cut(block["thinking"], pieces)
        return [*({"type": "thinking_delta", "thinking": x} for x in thoughts), signature]
    if kind in ("tool_use", "server_tool_use"):
        parts = ["", *cut(json.dumps(block["input"]), pieces)]
        return [{"type": "input_json_delta", "partial_json": x} for x in parts]
    return []


def token_count(count: int = 12) -> JsonDict:
    """The body of count_tokens."""
    return {"input_tokens": count}


def text_completion(text: str = f" {TEXT}", *, model: str = "claude-2.1") -> JsonDict:
    """The body of the legacy /v1/complete."""
    return {
        "type": "completion",
        "id": "compl_local_1",
        "completion": text,
        "stop_reason": "stop_sequence",
        "model": model,
        "stop": "\n\nHuman:",
        "log_id": "compl_local_1",
    }


def text_completion_events(text: str = f" {TEXT}", *, model: str = "claude-2.1") -> list[JsonDict]:
    """The stream of the legacy /v1/complete."""
    end = text_completion("", model=model)
    quiet = {**end, "stop_reason": None, "stop": None}
    return [*({**quiet, "completion": part} for part in cut(text, 3)), {"type": "ping"}, end]


def message_batch(status: str = "in_progress", *, results_url: str | None = None) -> JsonDict:
    """A batch of messages, `in_progress`, `canceling` or `ended`."""
    ended = status == "ended"
    return {
        "id": "msgbatch_local_1",
        "type": "message_batch",
        "processing_status": status,
        "request_counts": {
            "processing": int(not ended),
            "succeeded": int(ended),
            "errored": 0,
            "canceled": 0,
            "expired": 0,
        },
        "ended_at": "2026-11-20T00:10:00Z" if ended else None,
        "created_at": "2026-11-20T00:00:00Z",
        "expires_at": "2026-11-21T00:00:00Z",
        "archived_at": None,
        "cancel_initiated_at": "2026-11-20T00:05:00Z" if status == "canceling" else None,
        "results_url": results_url if ended else None,
    }


def batch_results() -> bytes:
    """The results of a batch, one JSON object in each line."""
    lines = [
        {"custom_id": "request-1", "result": {"type": "succeeded", "message": message()}},
        {"custom_id": "request-2", "result": {"type": "errored", "error": anthropic_error()}},
        {"custom_id": "request-3", "result": {"type": "expired"}},
    ]
    return b"".join(encode_json(line) + b"\n" for line in lines)


def anthropic_error(type: str = "overloaded_error", message: str = "Overloaded") -> JsonDict:
    """The body of an error status, and the in-stream `error` event."""
    error = {"type": type, "message": message}
    return {"type": "error", "error": error, "request_id": REQUEST_ID}


def claude_model(id: str = CLAUDE) -> JsonDict:
    """A model."""
    return {
        "type": "model",
        "id": id,
        "display_name": "Claude",
        "created_at": "2026-09-29T00:00:00Z",
        "lifecycle": "active",
    }


def bedrock_events(whole: JsonDict) -> list[JsonDict]:
    """The events of a stream of Bedrock, whose last one carries the metrics of AWS."""
    *events, last = message_events(whole)
    usage = whole["usage"]
    metrics = {
        "inputTokenCount": usage["input_tokens"],
        "outputTokenCount": usage["output_tokens"],
        "invocationLatency": 5,
        "firstByteLatency": 2,
        "cacheReadInputTokenCount": usage["cache_read_input_tokens"],
        "cacheWriteInputTokenCount": usage["cache_creation_input_tokens"],
    }
    return [*events, {**last, "amazon-bedrock-invocationMetrics": metrics}]
